"""The audit log: every verdict and override as it happened, each entry bound to the one before it by a hash.

An entry is one line of JSON that holds its number, its moment, what happened and the hash of the entry before; its own
hash is the SHA-256 of that line. Who changes, drops, inserts or reorders an entry breaks the chain at that place. The
number and hash of the newest entry are kept beside the file as well, so that cutting off its end shows too. This is
evidence against accident and against changes that are not repeated over the whole chain; who may write both files can
forge both, which only a head that was noted elsewhere (`lsgui audit head`) betrays. A program that is killed between
an entry and its head leaves the head one behind, as two that write at the same moment may: until the next entry the
loss of just that one would not show.
"""

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from lsgui.annotation.audit_entries import (
    FIRST,
    AuditEntry,
    AuditHead,
    AuditKind,
    AuditReport,
    content_of,
    entry_of,
    faults_of,
    head_faults,
    next_line,
    parse_head,
)
from lsgui.core.errors import LsguiError

APPLICATION_ID = 0x4C534741
"""Marks a SQLite file as an audit log ("LSGA"), so that no other database is ever written to."""

_BUSY_S = 3.0
"""How long to wait while another program writes."""
_AT_ONCE = 500

_TABLE = """
CREATE TABLE entries (
    number INTEGER PRIMARY KEY CHECK (number >= 1),
    line TEXT NOT NULL,
    hash TEXT NOT NULL CHECK (length(hash) = 64)
)
"""
_KEPT = (
    "CREATE TRIGGER entries_are_kept BEFORE DELETE ON entries BEGIN SELECT RAISE(ABORT, 'an entry is kept'); END",
    "CREATE TRIGGER entries_stay BEFORE UPDATE ON entries BEGIN SELECT RAISE(ABORT, 'an entry stays as it is'); END",
)


def head_file(path: Path) -> Path:
    """Return the file beside a log that keeps its head."""
    return path.with_suffix(".head")


class AuditLog:
    """An open audit log. For one thread; several programs may write to one file.

    Parameters
    ----------
    path
        SQLite file; to write to it, it is made when it is not there.
    reading
        True to read alone: nothing is made or changed, and a write-protected copy will do.

    Raises
    ------
    LsguiError
        One sentence that names the file, the fault and the remedy; from every method.
    """

    def __init__(self, path: Path, *, reading: bool = False) -> None:
        self._path = path
        self.head_fault = ""
        """Why the head beside the log could not be kept when the last entry was added; empty where it was."""
        with self._faults():
            if not path.exists() or (reading and not path.stat().st_size):
                self._may_begin(reading=reading)
            if reading:
                where = f"{path.absolute().as_uri()}?mode=ro"
                self._connection = sqlite3.connect(where, uri=True, timeout=_BUSY_S, isolation_level=None)
            else:
                self._connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None)
            self._connection.text_factory = _text
            try:
                self._recognise() if reading else self._take_over()
            except BaseException:
                self._connection.close()
                raise

    def append(self, kind: AuditKind, facts: Mapping[str, Any], when: datetime | None = None) -> AuditHead:
        """Add an entry, on the disk when this returns; return the new head.

        That the head beside the log could not be kept is no fault of the entry: `head_fault` says so.
        """
        at = (when or datetime.now(UTC)).astimezone(UTC)
        with self._faults(), self._transaction():
            broken = self._break()
            if broken is not None:
                self._add(at, AuditKind.BREAK, broken)
            head = self._add(at, kind, facts)
        self._keep_head(head, anew=broken is not None)
        return head

    def head(self) -> AuditHead:
        """Return the newest entry's number and hash."""
        with self._faults():
            return self._head()

    def entries(self) -> Iterator[AuditEntry]:
        """Yield the entries in their order, without checking the chain.

        Raises
        ------
        LsguiError
            Where an entry is not in the form of one.
        """
        for _number, line, hashed in self._rows():
            content = content_of(line)
            if content is None:
                raise LsguiError(f"{self._path.name} is damaged: lsgui audit verify says where.")
            yield entry_of(content, hashed)

    def verify(self, noted: AuditHead | None = None) -> AuditReport:
        """Check every entry, the chain, and the head that is kept beside the file.

        Parameters
        ----------
        noted
            A head that was noted elsewhere, at any time: the log must still hold it.
        """
        faults: list[str] = []
        heads = [(self._kept_head(faults), "kept beside the log"), (noted, "that was noted")]
        wanted = {head.number for head, _whose in heads if head is not None}
        hashes = {0: FIRST}
        count, last = 0, AuditHead(0, FIRST)
        for number, line, hashed in self._rows():
            faults += faults_of(last.number + 1, number, line, hashed, last.hash)
            count, last = count + 1, AuditHead(number, hashed)
            if number in wanted:
                hashes[number] = hashed
        for head, whose in heads:
            faults += head_faults(head, whose, last, hashes)
        return AuditReport(count, last, tuple(dict.fromkeys(faults)))

    def close(self) -> None:
        """Close the file; may be called twice."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _head(self) -> AuditHead:
        row = self._connection.execute("SELECT number, hash FROM entries ORDER BY number DESC LIMIT 1").fetchone()
        return AuditHead(0, FIRST) if row is None else AuditHead(int(row[0]), str(row[1]))

    def _add(self, at: datetime, kind: AuditKind, facts: Mapping[str, Any]) -> AuditHead:
        line, head = next_line(self._head(), at, kind, facts)
        self._connection.execute("INSERT INTO entries VALUES (?, ?, ?)", (head.number, line, head.hash))
        return head

    def _break(self) -> dict[str, Any] | None:
        """Return what the head beside the log says against its end, to be entered before the next head hides it."""
        last = self._head()
        faults: list[str] = []
        kept = self._kept_head(faults)
        if kept is None:  # after the first entry a killed program may have left no head yet
            return {"ends": str(last), "head": None} if last.number > 1 else None
        row = self._connection.execute("SELECT hash FROM entries WHERE number = ?", (kept.number,)).fetchone()
        holds = kept == AuditHead(0, FIRST) or (row is not None and row[0] == kept.hash)
        return None if holds else {"ends": str(last), "head": str(kept)}

    def _rows(self) -> Iterator[tuple[int, Any, Any]]:
        """Yield number, line and hash in order, some at a time: who reads a long log keeps nobody from writing."""
        after = 0
        while True:
            with self._faults():
                rows = self._connection.execute(
                    "SELECT number, line, hash FROM entries WHERE number > ? ORDER BY number LIMIT ?", (after, _AT_ONCE)
                ).fetchall()
            yield from rows
            if len(rows) < _AT_ONCE:
                return
            after = rows[-1][0]

    def _keep_head(self, head: AuditHead, *, anew: bool) -> None:
        """Keep the head beside the log. Without a lock: between two programs it may stay behind, never go back."""
        self.head_fault = ""
        try:
            kept = self._kept_head([])
            if anew or kept is None or kept.number < head.number:
                _write_head(head_file(self._path), head)
        except OSError as fault:
            self.head_fault = _unwritable(head_file(self._path), fault)

    def _kept_head(self, faults: list[str]) -> AuditHead | None:
        try:
            text = head_file(self._path).read_text("utf-8", "replace")
        except OSError:
            faults.append("the file with its head is missing: whether its end was cut off cannot be told.")
            return None
        kept = parse_head(text)
        if kept is None:
            faults.append("the file with its head is damaged: whether its end was cut off cannot be told.")
        return kept

    def _may_begin(self, *, reading: bool) -> None:
        """Refuse to begin anew what was there before."""
        if head_file(self._path).exists():
            raise LsguiError(
                f"{self._path.name} is gone though {head_file(self._path).name} is there: bring it back from a backup "
                "copy, or move the .head file away to begin a new log."
            )
        if reading:
            raise LsguiError(f"{self._path.name}: there is no audit log yet: it begins with the first verdict.")
        self._path.parent.mkdir(parents=True, exist_ok=True)

    def _take_over(self) -> None:
        self._connection.execute("PRAGMA synchronous = FULL")
        if self._mark() == 0:
            with self._transaction():  # two programs may begin the log at once
                if not self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                    self._connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                    for statement in (_TABLE, *_KEPT):
                        self._connection.execute(statement)
        self._recognise()

    def _recognise(self) -> None:
        if self._mark() != APPLICATION_ID:
            raise LsguiError(f"{self._path.name} is not an audit log of lsgui: choose another file.")

    def _mark(self) -> int:
        return int(self._connection.execute("PRAGMA application_id").fetchone()[0])

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:  # a full disk has ended it already
                self._connection.execute("ROLLBACK")
            raise

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as fault:
            raise LsguiError(f"{self._path.name}: the audit log cannot be used ({fault}): check its folder.") from fault
        except (sqlite3.Error, UnicodeDecodeError) as fault:  # the latter where the damage is in SQLite's own words
            raise LsguiError(
                f"{self._path.name}: the audit log is damaged and was left as it is: put a backup copy in its place."
            ) from fault
        except OSError as fault:
            raise LsguiError(_unwritable(self._path, fault)) from fault


def _unwritable(path: Path, fault: OSError) -> str:
    return f"{path.name}: the audit log cannot be written ({fault.strerror}): check its folder."


def _write_head(path: Path, head: AuditHead) -> None:
    """Put the head in place in one step, on the disk: after a power cut it is the former or this one, never empty."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            file.write(f"{head}\n".encode())
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _text(data: bytes) -> str:
    """Return a cell as text; one that is no text was changed, and is told as that."""
    return data.decode("utf-8", "replace")
