"""The mark of a window that is open: while it is held the window lives; one that nobody holds is of a killed window.

A window holds a lock on its mark, which the system takes back however the window ends; what was open lies beside it,
and the stack that Python notes when native code fails. A window that is closed takes all three away. So no window is
taken for a killed one while it lives, however many are open, and a number of a process that is given again misleads
nobody.
"""

import logging
import os
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from lsgui import __version__
from lsgui.review.crash_file import write_crash_file
from lsgui.review.file_lock import try_lock
from lsgui.review.session_snapshot import LeftSession, load_snapshot

log = logging.getLogger(__name__)

_MARK, _SNAPSHOT, _STACK, _TOLD = ".mark", ".json", ".stack", ".told"
_MADE_WITHIN_S = 60.0
_LONGEST_DAYS = 30
"""What was left longer ago is not offered any more."""
_FATAL = re.compile(r"(?:Fatal Python error|Windows fatal exception): *([^\n]*)")


class SessionMark:
    """A mark that this program holds: its own window's, or that of a killed one whose session it may put back."""

    def __init__(self, path: Path, file: IO[bytes]) -> None:
        self._path = path
        self._file = file

    @property
    def snapshot_file(self) -> Path:
        """Where the session is written down."""
        return self._path.with_suffix(_SNAPSHOT)

    @property
    def stack_file(self) -> Path:
        """Where the stack goes when native code fails."""
        return self._path.with_suffix(_STACK)

    def take_away(self) -> None:
        """Let the window have ended as it should: nothing is left of its session."""
        for suffix in (_SNAPSHOT, _STACK, _TOLD):
            _unlink(self._path.with_suffix(suffix))
        self._file.close()  # before it goes: Windows removes no file that is open
        _unlink(self._path)

    def let_go(self) -> None:
        """Leave everything as it is, for the next window to find."""
        self._file.close()

    def left(self) -> LeftSession:
        """Return what a killed window left behind; its crash file is written once."""
        stack = _text(self.stack_file)
        found = _FATAL.search(stack)
        ended_at = max(map(_changed_at, (self._path, self.snapshot_file, self.stack_file)))
        fault = "" if found is None else found.group(1).strip()
        told = self._path.with_suffix(_TOLD)
        if not told.exists():
            begun = _text(self._path).splitlines()
            facts = {"window opened": begun[1] if len(begun) > 1 else "unknown", "with lsgui": (begun or ["?"])[0]}
            facts["last sign of life"] = ended_at.isoformat(timespec="seconds")
            write_crash_file(
                fault or "The window ended without being closed: killed, or the machine stopped.", stack, facts
            )
            _touch(told)
        snapshot = load_snapshot(self.snapshot_file)
        if snapshot is None or snapshot.is_empty:
            return LeftSession(ended_at, fault)
        there = tuple(path for path in snapshot.paths if path.exists())
        kept = replace(snapshot, paths=there)
        if kept.store is not None and not kept.unsaved and not kept.store.exists():
            kept = replace(kept, store=None)  # else what was said belongs to it and to no other
        return LeftSession(ended_at, fault, None if kept.is_empty else kept, len(snapshot.paths) - len(there))


def begin_mark(folder: Path) -> SessionMark | None:
    """Make and hold the mark of a window that opens; None where this folder can keep none."""
    path = folder / f"window-{os.getpid()}-{os.urandom(4).hex()}{_MARK}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = path.open("x+b", buffering=0)
    except OSError:
        log.info("no mark of this window can be made", exc_info=True)
        return None
    try:
        if try_lock(file):
            file.seek(0)
            file.write(f"{__version__}\n{datetime.now(UTC).isoformat(timespec='seconds')}\n".encode())
            return SessionMark(path, file)
    except OSError:
        log.info("this folder knows no locks: a killed window will not be noticed", exc_info=True)
    file.close()
    _unlink(path)
    return None


def claim_left(folder: Path) -> tuple[SessionMark, LeftSession] | None:
    """Return the killed window that was alive last, held so that no other window offers it; None where there is none.

    One that left nothing to put back is told once; what was left too long ago goes.
    """
    for path in sorted(folder.glob(f"window-*{_MARK}"), key=_changed_at, reverse=True):
        mark = _claim(path)
        if mark is None:
            continue
        left = mark.left()
        old = (datetime.now(UTC) - left.ended_at).days > _LONGEST_DAYS
        if old and (left.snapshot is None or not left.snapshot.unsaved):
            mark.take_away()
            continue
        return mark, left
    return None


def _claim(path: Path) -> SessionMark | None:
    """Take a mark over where its window does not live any more."""
    try:
        file = path.open("r+b", buffering=0)
    except OSError:
        return None  # closed, or taken over, at this very moment
    try:
        if not _is_being_made(path) and try_lock(file) and path.exists():
            return SessionMark(path, file)
    except OSError:
        log.info("a mark cannot be looked at", exc_info=True)
    file.close()
    return None


def _is_being_made(path: Path) -> bool:
    """Return whether a mark is so new that its window may be about to lock it."""
    young = (datetime.now(UTC) - _changed_at(path)).total_seconds() < _MADE_WITHIN_S
    return young and path.stat().st_size == 0


def _changed_at(path: Path) -> datetime:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except (OSError, ValueError, OverflowError):
        return datetime.fromtimestamp(0, UTC)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""


def _touch(path: Path) -> None:
    try:
        path.touch()
    except OSError:
        log.info("it cannot be noted that a crash was told", exc_info=True)


def _unlink(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        log.info("a mark cannot be removed", exc_info=True)
