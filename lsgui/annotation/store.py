"""The annotation store: every reading that a person saved, in one SQLite file, never changed and never lost."""

import os
import sqlite3
import threading
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from lsgui import __version__
from lsgui.annotation.schema import VERSION, is_annotation_store, migrate, stored_version
from lsgui.core.errors import LsguiError
from lsgui.core.interval import IntervalMark
from lsgui.core.label import ReaderLabel, SlidingLabel

_COLUMNS = "id, content_hash, file_name, rater, label, read_at, program_version"


@dataclass(frozen=True, slots=True)
class SavedReading:
    """One reading: what a rater said of a clip, and when. A rater who thinks again saves another one.

    Attributes
    ----------
    id
        Rises with every reading of the store.
    content_hash
        SHA-256 of the clip (`content_hash.content_hash`), by which it is known again after a move.
    file_name
        Name of the file when it was read, without its folder.
    read_at
        The moment in UTC.
    program_version
        The lsgui that saved it.
    """

    id: int
    content_hash: str
    file_name: str
    rater: str
    label: ReaderLabel
    read_at: datetime
    program_version: str


NOT_GIVEN = "not given"
"""The reason of an override until the reader gives one."""


@dataclass(frozen=True, slots=True)
class SavedOverride:
    """A reading that contradicts a verdict which the reader saw.

    Attributes
    ----------
    reading
        `SavedReading.id`.
    verdict
        What the program had said.
    model
        The model that said it, with its version.
    reason
        The reader's reason; `NOT_GIVEN` where there is none.
    """

    reading: int
    verdict: SlidingLabel
    model: str
    reason: str


class AnnotationStore:
    """The readings in one file. May be used from any thread, and by several processes on one machine at once.

    `save_reading` returns when the reading is on the disk: from then on it outlives a killed program and a power cut
    (write-ahead log, synchronous FULL). A file that is damaged, foreign or from a newer program is refused and left
    as it is, never taken for an empty one.

    Parameters
    ----------
    path
        The file; it and its folder are made when they are not there.
    busy_timeout_s
        How long to wait while another program writes.

    Raises
    ------
    LsguiError
        One sentence that names the file, the fault and the remedy; from every method.
    """

    def __init__(self, path: Path, *, busy_timeout_s: float = 3.0) -> None:
        self._path = path
        self._lock = threading.Lock()
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

    def save_reading(
        self, content_hash: str, file_name: str, rater: str, label: ReaderLabel | str, when: datetime | None = None
    ) -> SavedReading:
        """Add a reading and return it once it is safe on the disk.

        Parameters
        ----------
        content_hash
            SHA-256 of the clip, 64 hexadecimal digits.
        file_name
            Name of the clip; a folder in front of it is cut off, for it may name a patient.
        rater
            Who says so; must not be empty.
        label
            What is said.
        when
            The moment; now by default. Without a time zone it is taken as local time.
        """
        values = (*_whose(content_hash, file_name, rater), ReaderLabel(label).value, _moment(when), __version__)
        with self._faults():
            cursor = self._connection.execute(
                f"INSERT INTO readings ({_COLUMNS.removeprefix('id, ')}) VALUES (?, ?, ?, ?, ?, ?)", values
            )
            return _reading((cursor.lastrowid, *values))

    def latest(self, content_hash: str, rater: str) -> SavedReading | None:
        """Return the last reading of a clip by a rater, or None."""
        query = f"SELECT {_COLUMNS} FROM readings WHERE content_hash = ? AND rater = ? ORDER BY id DESC LIMIT 1"
        found = self._rows(query, (content_hash, rater.strip()))
        return found[0] if found else None

    def latest_by_clip(self, rater: str) -> dict[str, SavedReading]:
        """Return a rater's last reading of every clip by content hash, for a worklist."""
        query = (
            f"SELECT {_COLUMNS} FROM readings WHERE id IN "
            "(SELECT max(id) FROM readings WHERE rater = ? GROUP BY content_hash) ORDER BY id"
        )
        return {reading.content_hash: reading for reading in self._rows(query, (rater.strip(),))}

    def all_readings(self) -> tuple[SavedReading, ...]:
        """Return every reading in the order in which they were saved."""
        return self._rows(f"SELECT {_COLUMNS} FROM readings ORDER BY id", ())

    def save_interval(
        self,
        content_hash: str,
        file_name: str,
        rater: str,
        interval: IntervalMark,
        *,
        withdrawn: bool = False,
        when: datetime | None = None,
    ) -> None:
        """Add what is said of an interval now: its start, its start and end, or that it is withdrawn.

        The last row of a mark counts; the ones before it stay. Parameters are those of `save_reading`.
        """
        label = None if interval.label is None else interval.label.value
        values = (
            *(interval.id, "withdrawn" if withdrawn else "marked", *_whose(content_hash, file_name, rater)),
            *(label, interval.start, interval.stop, _moment(when), __version__),
        )
        with self._faults():
            self._connection.execute(
                "INSERT INTO intervals (mark, action, content_hash, file_name, rater, label, start, stop, marked_at, "
                "program_version) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                values,
            )

    def intervals(self, content_hash: str, rater: str) -> tuple[IntervalMark, ...]:
        """Return a rater's intervals of a clip that are not withdrawn, in the order in which they were begun."""
        query = (
            "SELECT mark, action, start, stop, label FROM intervals AS said "
            "WHERE content_hash = ? AND rater = ? AND id = (SELECT max(id) FROM intervals WHERE mark = said.mark) "
            "ORDER BY (SELECT min(id) FROM intervals WHERE mark = said.mark)"
        )
        with self._faults():
            rows = self._connection.execute(query, (content_hash, rater.strip())).fetchall()
        return tuple(
            IntervalMark(mark, start, stop, None if label is None else ReaderLabel(label))
            for mark, action, start, stop, label in rows
            if action == "marked"
        )

    def save_override(self, override: SavedOverride, when: datetime | None = None) -> None:
        """Log that a reading contradicts the verdict; a reason that follows is another row, and the last one counts."""
        values = (override.reading, override.verdict.value, override.model, override.reason, _moment(when), __version__)
        with self._faults():
            self._connection.execute(
                "INSERT INTO overrides (reading, verdict, model, reason, given_at, program_version) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                values,
            )

    def overrides(self) -> dict[int, SavedOverride]:
        """Return every override by the id of its reading, each with the last reason that was given."""
        query = (
            "SELECT reading, verdict, model, reason FROM overrides WHERE id IN "
            "(SELECT max(id) FROM overrides GROUP BY reading) ORDER BY reading"
        )
        with self._faults():
            rows = self._connection.execute(query).fetchall()
        return {row[0]: SavedOverride(row[0], SlidingLabel(row[1]), row[2], row[3]) for row in rows}

    def close(self) -> None:
        """Close the file; may be called twice."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> "AnnotationStore":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _rows(self, query: str, values: tuple[str, ...]) -> tuple[SavedReading, ...]:
        with self._faults():
            return tuple(_reading(row) for row in self._connection.execute(query, values).fetchall())

    def _take_over(self) -> None:
        if self._path.stat().st_size == 0 or self._connection.execute("PRAGMA quick_check").fetchone()[0] != "ok":
            raise sqlite3.DatabaseError("malformed")
        if not is_annotation_store(self._connection):
            raise LsguiError(f"{self._path.name} is not an annotation store of lsgui: choose another file.")
        if stored_version(self._connection) > VERSION:
            raise LsguiError(f"{self._path.name} was written by a newer lsgui: update this one to read it.")
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        migrate(self._connection)

    @contextmanager
    def _faults(self) -> Iterator[None]:
        """Take turns between threads, and say in one sentence what SQLite or the disk refuses."""
        with self._lock:
            try:
                yield
            except sqlite3.Error as fault:
                raise LsguiError(f"{self._path.name}: {_sentence(fault)}") from fault
            except OSError as fault:
                raise LsguiError(
                    f"{self._path.name}: the annotation store cannot be made here ({fault.strerror}): "
                    "choose a folder that you may write to."
                ) from fault


def _whose(content_hash: str, file_name: str, rater: str) -> tuple[str, str, str]:
    """Return fingerprint, bare file name and rater as they are stored."""
    if len(content_hash) != 64:
        raise ValueError(f"content_hash must be 64 hexadecimal digits, not {content_hash!r}")
    if not rater.strip():
        raise LsguiError("The reading has no rater: enter your name or initials in the preferences.")
    return content_hash, file_name.replace("\\", "/").rsplit("/", 1)[-1], rater.strip()


def _moment(when: datetime | None) -> str:
    return (when or datetime.now(UTC)).astimezone(UTC).isoformat()


def _create(path: Path) -> None:
    """Make a whole new store at once: a crash half-way leaves nothing, so an empty file is always a damaged one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with closing(sqlite3.connect(draft, isolation_level=None)) as connection:
            migrate(connection)
        try:
            os.link(draft, path)  # unlike a replace it fails where another program was faster
        except FileExistsError:
            return
        except OSError:  # a file system without links
            if not path.exists():
                draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _reading(row: tuple[object, ...]) -> SavedReading:
    number, digest, file_name, rater, label, read_at, version = row
    return SavedReading(
        id=int(str(number)),
        content_hash=str(digest),
        file_name=str(file_name),
        rater=str(rater),
        label=ReaderLabel(str(label)),
        read_at=datetime.fromisoformat(str(read_at)),
        program_version=str(version),
    )


_SENTENCES = {
    sqlite3.SQLITE_BUSY: "another program is writing to the annotation store: close it or try again.",
    sqlite3.SQLITE_LOCKED: "another program is writing to the annotation store: close it or try again.",
    sqlite3.SQLITE_READONLY: "the annotation store is write-protected: choose a folder that you may write to.",
    sqlite3.SQLITE_CANTOPEN: "the annotation store cannot be opened: choose a folder that you may write to.",
    sqlite3.SQLITE_FULL: "the disk is full, the reading was not saved: make room and save it again.",
    sqlite3.SQLITE_IOERR: "the disk does not answer, the reading was not saved: check the drive and save it again.",
}
_DAMAGED = "the annotation store is damaged and was left as it is: put a backup copy in its place."
_CLOSED = "the annotation store is already closed: restart lsgui."


def _sentence(fault: sqlite3.Error) -> str:
    if isinstance(fault, sqlite3.ProgrammingError):
        return _CLOSED
    code = getattr(fault, "sqlite_errorcode", None)
    return _SENTENCES.get(code & 0xFF, _DAMAGED) if isinstance(code, int) else _DAMAGED
