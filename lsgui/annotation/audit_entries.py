"""The entries of the audit log: their form, the hash that binds each to the one before, and what a check finds."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from lsgui import __version__

FIRST = "0" * 64
"""What stands for the hash before the first entry."""

_MOST_DIGITS = 15


class AuditKind(StrEnum):
    """What happened."""

    VERDICT = "verdict"
    OVERRIDE = "override"
    BREAK = "break"
    """The log did not go on where the head beside it had been: its end was cut off or made anew before this entry."""


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


def parse_head(text: str) -> AuditHead | None:
    """Return the head that a text of the form "NUMBER HASH" names, None where it does not."""
    number, _, hashed = text.strip().partition(" ")
    wanted = len(FIRST)
    fits = (
        number.isdecimal()
        and len(number) <= _MOST_DIGITS
        and len(hashed) == wanted
        and all(digit in "0123456789abcdef" for digit in hashed)
    )
    return AuditHead(int(number), hashed) if fits else None


def next_line(last: AuditHead, at: datetime, kind: AuditKind, facts: Mapping[str, Any]) -> tuple[str, AuditHead]:
    """Return the line of the entry that follows `last`, and the head that it makes."""
    content = {
        "number": last.number + 1,
        "at": at.isoformat(timespec="microseconds"),
        "kind": kind.value,
        "program": __version__,
        "facts": dict(facts),
        "before": last.hash,
    }
    line = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return line, AuditHead(last.number + 1, _hash(line))


def _hash(line: str) -> str:
    return hashlib.sha256(line.encode()).hexdigest()


def content_of(line: Any) -> dict[str, Any] | None:
    """Return what an entry's line holds, None where it is not the line of an entry."""
    if not isinstance(line, str):
        return None
    try:
        content = json.loads(line)
        datetime.fromisoformat(content["at"])
        fits = isinstance(content["facts"], dict) and isinstance(content["number"], int) and content["kind"]
        return content if fits and content["program"] and content["before"] else None
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def entry_of(content: Mapping[str, Any], hashed: str) -> AuditEntry:
    """Return an entry from what its line holds and the hash beside it."""
    return AuditEntry(
        content["number"],
        datetime.fromisoformat(content["at"]),
        content["kind"],
        content["program"],
        content["facts"],
        content["before"],
        hashed,
    )


def faults_of(expected: int, number: int, line: Any, hashed: str, before: str) -> Iterator[str]:
    """Yield what is wrong with one entry."""
    if number != expected:
        lost = f"entry {expected} is" if number == expected + 1 else f"entries {expected} to {number - 1} are"
        yield f"{lost} missing."
        return
    content = content_of(line)
    if content is None:
        yield f"entry {number} is damaged."
    elif content["number"] != number:
        yield f"entry {number} was changed: in its place stands entry {content['number']}."
    elif _hash(line) != hashed:
        yield f"entry {number} was changed."
    elif content["before"] != before:
        yield f"entry {number} does not follow the one before it: an entry was changed, taken out or put in."
    if content is not None and content["kind"] == AuditKind.BREAK:
        yield f"before entry {number} the end was cut off or made anew: {_break_words(content['facts'])}."


def head_faults(kept: AuditHead | None, whose: str, last: AuditHead, hashes: Mapping[int, str]) -> Iterator[str]:
    """Yield what a head that was kept says against a log with this end; `hashes` holds that of its number."""
    if kept is None:
        return
    if kept.number > last.number:
        yield f"its end is missing: it ends at entry {last.number}, the head {whose} is entry {kept.number}."
    elif hashes.get(kept.number) != kept.hash:
        yield f"entry {kept.number} is not the one of the head {whose}: entries were made anew."


def _break_words(facts: Mapping[str, Any]) -> str:
    end = str(facts.get("ends")).partition(" ")[0]
    kept = facts.get("head")
    known = (
        "its head was missing" if kept is None else f"the head kept beside it was entry {str(kept).partition(' ')[0]}"
    )
    return f"it ended at entry {end}, {known}"
