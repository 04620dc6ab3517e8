"""The audit log: every verdict and override as it happened, each entry bound to the one before it by a hash.

An entry is one line of JSON that holds its number, its moment, what happened and the hash of the entry before; its own
hash is the SHA-256 of that line. Who changes, drops, inserts or reorders an entry breaks the chain at that place. The
number and hash of the newest entry are kept beside the file as well, so that cutting off its end shows too. This is
evidence against accident and against changes that are not repeated over the whole chain; who may write both files can
forge both, which only a head that was noted elsewhere (`lsgui audit head`) betrays.
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from lsgui import __version__
from lsgui.core.atomic_file import write_atomic
from lsgui.core.errors import LsguiError

APPLICATION_ID = 0x4C534741
"""Marks a SQLite file as an audit log ("LSGA"), so that no other database is ever written to."""

FIRST = "0" * 64
"""What stands for the hash before the first entry."""

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


class AuditKind(StrEnum):
    """What happened."""

    VERDICT = "verdict"
    OVERRIDE = "override"


@dataclass(frozen=True, slots=True)
class AuditHead:
    """The newest entry: its number (0 in an empty log) and its hash."""

    number: int
    hash: str

    def __str__(self) -> str:
        return f"{self.number} {self.hash}"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One entry.

    Attributes
    ----------
    number
        From 1, without gaps.
    at
        Moment in UTC by this machine's clock, which can be set back: the order is that of the numbers.
    facts
        What happened, as plain JSON. Clips are named by their content hash only.
    before, hash
        SHA-256 of the entry before, and of this one.
    """

    number: int
    at: datetime
    kind: str
    program: str
    facts: Mapping[str, Any]
    before: str
    hash: str


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What a check found: how many entries, the head, and one sentence for each fault; no fault: the log is whole."""

    entries: int
    head: AuditHead
    faults: tuple[str, ...]


def head_file(path: Path) -> Path:
    """Return the file beside a log that keeps its head."""
    return path.with_suffix(".head")


class AuditLog:
    """An open audit log. For one thread; several programs may write to one file.

    Parameters
    ----------
    path
        SQLite file; it is made when it is not there and `create` is true.
    create
        False to refuse a file that is not there.

    Raises
    ------
    LsguiError
        One sentence that names the file, the fault and the remedy; from every method.
    """

    def __init__(self, path: Path, *, create: bool = True) -> None:
        self._path = path
        if not create and not path.is_file():
            raise LsguiError(f"{path.name}: there is no audit log yet: it begins with the first verdict.")
        with self._faults():
            path.parent.mkdir(parents=True, exist_ok=True)
            fresh = not path.exists()
            if fresh and head_file(path).exists():
                raise LsguiError(
                    f"{path.name} is gone though {head_file(path).name} is there: bring it back from a backup copy, "
                    "or move the .head file away to begin a new log."
                )
            self._connection = sqlite3.connect(path, timeout=3.0, isolation_level=None)
            try:
                self._take_over()
            except BaseException:
                self._connection.close()
                raise

    def append(self, kind: AuditKind, facts: Mapping[str, Any], when: datetime | None = None) -> AuditHead:
        """Add an entry, on the disk when this returns; return the new head."""
        at = (when or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="microseconds")
        with self._faults():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                last = self._head()
                content = {
                    "number": last.number + 1,
                    "at": at,
                    "kind": kind.value,
                    "program": __version__,
                    "facts": dict(facts),
                    "before": last.hash,
                }
                line = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
                head = AuditHead(last.number + 1, _hash(line))
                self._connection.execute("INSERT INTO entries VALUES (?, ?, ?)", (head.number, line, head.hash))
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
            write_atomic(head_file(self._path), f"{head}\n".encode())
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
        with self._faults():
            rows = self._connection.execute("SELECT line, hash FROM entries ORDER BY number").fetchall()
        for line, hashed in rows:
            content = _content(line)
            if content is None:
                raise LsguiError(f"{self._path.name} is damaged: lsgui audit verify says where.")
            yield _entry(content, hashed)

    def verify(self, noted: AuditHead | None = None) -> AuditReport:
        """Check every entry, the chain, and the head that is kept beside the file.

        Parameters
        ----------
        noted
            A head that was noted elsewhere, at any time: the log must still hold it.
        """
        with self._faults():
            rows = self._connection.execute("SELECT number, line, hash FROM entries ORDER BY number").fetchall()
        faults: list[str] = []
        before, hashes = FIRST, {0: FIRST}
        expected = 1
        for number, line, hashed in rows:
            faults += _faults_of(expected, number, line, hashed, before)
            expected, before = number + 1, hashed
            hashes[number] = hashed
        last = AuditHead(rows[-1][0], rows[-1][2]) if rows else AuditHead(0, FIRST)
        for kept, whose in ((self._kept_head(faults), "kept beside the log"), (noted, "that was noted")):
            faults += _head_faults(kept, whose, last, hashes)
        return AuditReport(len(rows), last, tuple(dict.fromkeys(faults)))

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

    def _kept_head(self, faults: list[str]) -> AuditHead | None:
        try:
            text = head_file(self._path).read_text("utf-8")
        except OSError:
            faults.append("the file with its head is missing: whether its end was cut off cannot be told.")
            return None
        kept = parse_head(text)
        if kept is None:
            faults.append("the file with its head is damaged: whether its end was cut off cannot be told.")
        return kept

    def _take_over(self) -> None:
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("BEGIN IMMEDIATE")  # two programs may begin the log at once
        try:
            mark = int(self._connection.execute("PRAGMA application_id").fetchone()[0])
            if mark == 0 and not self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                self._connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                for statement in (_TABLE, *_KEPT):
                    self._connection.execute(statement)
            elif mark != APPLICATION_ID:
                raise LsguiError(f"{self._path.name} is not an audit log of lsgui: choose another file.")
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as fault:
            raise LsguiError(f"{self._path.name}: the audit log cannot be used ({fault}): check its folder.") from fault
        except sqlite3.Error as fault:
            raise LsguiError(
                f"{self._path.name}: the audit log is damaged and was left as it is: put a backup copy in its place."
            ) from fault
        except OSError as fault:
            raise LsguiError(
                f"{self._path.name}: the audit log cannot be written ({fault.strerror}): check its folder."
            ) from fault


def parse_head(text: str) -> AuditHead | None:
    """Return the head that a text of the form "NUMBER HASH" names, None where it does not."""
    number, _, hashed = text.strip().partition(" ")
    wanted = len(FIRST)
    fits = number.isdecimal() and len(hashed) == wanted and all(digit in "0123456789abcdef" for digit in hashed)
    return AuditHead(int(number), hashed) if fits else None


def _hash(line: str) -> str:
    return hashlib.sha256(line.encode()).hexdigest()


def _content(line: Any) -> dict[str, Any] | None:
    """Return what an entry's line holds, None where it is not the line of an entry."""
    try:
        content = json.loads(line)
        datetime.fromisoformat(content["at"])
        fits = isinstance(content["facts"], dict) and isinstance(content["number"], int) and content["kind"]
        return content if fits and content["program"] and content["before"] else None
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def _entry(content: Mapping[str, Any], hashed: str) -> AuditEntry:
    return AuditEntry(
        content["number"],
        datetime.fromisoformat(content["at"]),
        content["kind"],
        content["program"],
        content["facts"],
        content["before"],
        hashed,
    )


def _faults_of(expected: int, number: int, line: Any, hashed: str, before: str) -> Iterator[str]:
    """Yield what is wrong with one entry."""
    if number != expected:
        lost = f"entry {expected} is" if number == expected + 1 else f"entries {expected} to {number - 1} are"
        yield f"{lost} missing."
        return
    content = _content(line)
    if content is None:
        yield f"entry {number} is damaged."
    elif _hash(line) != hashed or content["number"] != number:
        yield f"entry {number} was changed."
    elif content["before"] != before:
        yield f"entry {number} does not follow the one before it: an entry was changed, taken out or put in."


def _head_faults(kept: AuditHead | None, whose: str, last: AuditHead, hashes: Mapping[int, str]) -> Iterator[str]:
    if kept is None:
        return
    if kept.number > last.number:
        yield f"its end is missing: it ends at entry {last.number}, the head {whose} is entry {kept.number}."
    elif hashes.get(kept.number) != kept.hash:
        yield f"entry {kept.number} is not the one of the head {whose}: entries were made anew."
