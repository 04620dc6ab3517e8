"""The SQLite file under the annotation store: made whole, opened with care, and every refusal said in one sentence."""

import os
import sqlite3
import threading
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from lsgui.annotation.schema import VERSION, foreign_parts, is_annotation_store, migrate, stored_version
from lsgui.core.errors import LsguiError


class StoreFile:
    """An open store. May be used from any thread, and by several processes on one machine at once.

    What was written is on the disk when a method returns: from then on it outlives a killed program and a power cut
    (write-ahead log, synchronous FULL). A file that is damaged, foreign or from a newer program is refused and left
    as it is, never taken for an empty one. An older one is copied beside itself before it is brought up.

    Parameters
    ----------
    path
        The file; it and its folder are made when they are not there.
    busy_timeout_s
        How long to wait while another program writes.
    create
        False to refuse a file that is not there.

    Raises
    ------
    LsguiError
        One sentence that names the file, the fault and the remedy; from every method.
    """

    def __init__(self, path: Path, *, busy_timeout_s: float = 3.0, create: bool = True) -> None:
        self._path = path
        self._lock = threading.RLock()
        if not create and not path.exists():
            raise LsguiError(f"{path.name}: there is no such annotation store: check the name given with --store.")
        with self._faults():
            if not path.exists():
                _create(path)
            self._connection = sqlite3.connect(
                path, timeout=busy_timeout_s, isolation_level=None, check_same_thread=False
            )
            try:
                self._take_over()
            except BaseException:
                self._connection.close()
                raise

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    def data_version(self) -> int:
        """Return a number that changes when another program has written to the file."""
        with self._faults():
            return int(self._connection.execute("PRAGMA data_version").fetchone()[0])

    def copy_to(self, path: Path) -> None:
        """Copy the store as it is now to a new file, while other programs may write to it."""
        with self._faults():
            _copy(self._connection, path)

    def close(self) -> None:
        """Close the file; may be called twice."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _take_over(self) -> None:
        if self._path.stat().st_size == 0 or self._connection.execute("PRAGMA quick_check").fetchone()[0] != "ok":
            raise sqlite3.DatabaseError("malformed")
        if not is_annotation_store(self._connection):
            raise LsguiError(f"{self._path.name} is not an annotation store of lsgui: choose another file.")
        if foreign := foreign_parts(self._connection):
            raise LsguiError(f"{self._path.name} holds parts that no lsgui made ({foreign[0]}): choose another file.")
        version = stored_version(self._connection)
        if version < 0:
            raise sqlite3.DatabaseError("malformed")
        if version > VERSION:
            raise LsguiError(f"{self._path.name} was written by a newer lsgui: update this one to read it.")
        if version < VERSION:
            kept = self._path.with_name(f"{self._path.stem}.v{version}{self._path.suffix}")
            if not kept.exists():
                _copy(self._connection, kept)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        migrate(self._connection)

    @contextmanager
    def _understood(self) -> Iterator[None]:
        """Say in one sentence that a row has not the form of this program's."""
        try:
            yield
        except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError) as fault:
            raise LsguiError(
                f"{self._path.name}: a row in it cannot be understood: see lsgui labels check, or take a backup."
            ) from fault

    @contextmanager
    def together(self) -> Iterator[None]:
        """Write what is said within the block as one: all of it, on the disk when the block ends, or nothing."""
        with self._transaction():
            yield

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Write several rows or none."""
        with self._faults():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _faults(self) -> Iterator[None]:
        """Take turns between threads, and say in one sentence what SQLite or the disk refuses."""
        with self._lock:
            try:
                yield
            except sqlite3.Error as fault:
                raise LsguiError(f"{self._path.name}: {_sentence(fault)}") from fault
            except UnicodeDecodeError as fault:  # in text of SQLite's own, such as what it says is wrong
                raise LsguiError(f"{self._path.name}: {_DAMAGED}") from fault
            except (OverflowError, RecursionError, UnicodeEncodeError) as fault:  # no number or text that SQLite has
                raise LsguiError(f"{self._path.name}: {_WRONG}") from fault
            except OSError as fault:
                raise LsguiError(
                    f"{self._path.name}: the annotation store cannot be made here ({fault.strerror}): "
                    "choose a folder that you may write to."
                ) from fault


def _create(path: Path) -> None:
    """Make a whole new store at once: a crash half-way leaves nothing, so an empty file is always a damaged one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = _draft(path)
    try:
        with closing(sqlite3.connect(draft, isolation_level=None)) as connection:
            migrate(connection)
        _put(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _copy(connection: sqlite3.Connection, path: Path) -> None:
    """Copy a store to a new file, whole or not at all; a file that came there meanwhile stays."""
    draft = _draft(path)
    try:
        with closing(sqlite3.connect(draft, isolation_level=None)) as copy:
            connection.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")  # one file, without a log beside it
        _put(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _draft(path: Path) -> Path:
    return path.with_name(f".{path.name}.{uuid.uuid4().hex}")


def _put(draft: Path, path: Path) -> None:
    try:
        os.link(draft, path)  # unlike a replace it fails where another program was faster
    except FileExistsError:
        return
    except OSError:  # a file system without links
        if not path.exists():
            draft.replace(path)


_SENTENCES = {
    sqlite3.SQLITE_BUSY: "another program is writing to the annotation store: close it or try again.",
    sqlite3.SQLITE_LOCKED: "another program is writing to the annotation store: close it or try again.",
    sqlite3.SQLITE_READONLY: "the annotation store is write-protected: choose a folder that you may write to.",
    sqlite3.SQLITE_CANTOPEN: "the annotation store cannot be opened: choose a folder that you may write to.",
    sqlite3.SQLITE_FULL: "the disk is full, the reading was not saved: make room and save it again.",
    sqlite3.SQLITE_IOERR: "the disk does not answer, the reading was not saved: check the drive and save it again.",
}
_DAMAGED = "the annotation store is damaged and was left as it is: put a backup copy in its place."
_WRONG = "what was to be saved has not the form of a statement: nothing was saved, check where it came from."
_CLOSED = "the annotation store is already closed: restart lsgui."


def _sentence(fault: sqlite3.Error) -> str:
    if isinstance(fault, sqlite3.ProgrammingError):
        return _CLOSED
    if isinstance(fault, sqlite3.IntegrityError):
        return _WRONG
    code = getattr(fault, "sqlite_errorcode", None)
    return _SENTENCES.get(code & 0xFF, _DAMAGED) if isinstance(code, int) else _DAMAGED
