"""Copies of the store: one asked for, and a rolling set of one a day beside it."""

import re
import sqlite3
import time
from contextlib import closing
from datetime import date
from pathlib import Path

from lsgui.annotation.store import AnnotationStore
from lsgui.annotation.store_reader import read_only
from lsgui.core.errors import LsguiError

_DRAFT_AGE_S = 3600.0
"""Seconds after which a draft is nobody's: a copy takes a second or two."""

KEPT_DAYS = 7
"""Days of the rolling set, counted by copies: a week of work, however long ago it was."""


def save_backup(store: AnnotationStore, path: Path) -> int:
    """Copy a store to a new file, while other programs may write to it, and look whether the copy is whole.

    Returns
    -------
    int
        How many statements it holds.

    Raises
    ------
    LsguiError
        When the file is there already, cannot be written, or came out damaged (it is then taken away again).
    """
    if path.exists():
        raise LsguiError(
            f"{path.name} is there already: a backup never takes the place of a file, choose another name."
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise LsguiError(f"{path.name} cannot be written ({fault.strerror}): choose another folder.") from fault
    try:
        store.copy_to(path)
    except LsguiError as fault:
        reason = fault.__cause__ or fault
        raise LsguiError(f"{path.name}: the backup was not made ({reason}): choose another drive or folder.") from fault
    try:
        return _verified(path)
    except (sqlite3.Error, UnicodeDecodeError, LsguiError) as fault:
        path.unlink(missing_ok=True)
        raise LsguiError(f"{path.name}: the copy cannot be read back: choose another drive.") from fault


def daily_backup(store: AnnotationStore, today: date | None = None, keep: int = KEPT_DAYS) -> Path | None:
    """Copy the store beside itself, once a day; of these copies the newest `keep` stay.

    To be called when a program is about to write for the first time that day. `labels.sqlite` gives
    `labels.backups/labels.2026-03-01.sqlite`.

    Returns
    -------
    Path or None
        The new copy; None where today's is there already.

    Raises
    ------
    LsguiError
        When it cannot be written; the store itself is not touched by that.
    """
    source = store.path
    folder = source.with_name(f"{source.stem}.backups")
    target = folder / f"{source.stem}.{(today or date.today()).isoformat()}{source.suffix}"
    if target.exists():
        return None
    _clear_drafts(folder, source)
    save_backup(store, target)
    copies = backups_of(source)
    for old in copies[: max(0, len(copies) - keep)]:
        old.unlink(missing_ok=True)
    return target


def backups_of(path: Path) -> tuple[Path, ...]:
    """Return the daily copies of a store, the oldest first."""
    folder = path.with_name(f"{path.stem}.backups")
    form = re.compile(rf"{re.escape(path.stem)}\.\d{{4}}-\d\d-\d\d{re.escape(path.suffix)}")
    if not folder.is_dir():
        return ()
    return tuple(sorted(file for file in folder.iterdir() if form.fullmatch(file.name)))


def copy_for_reading(path: Path, target: Path) -> None:
    """Copy a store that is not to be touched: it may be old, on a write-protected disk, or in use by another program.

    Raises
    ------
    LsguiError
        When it cannot be read.
    """
    try:
        with read_only(path) as source, closing(sqlite3.connect(target)) as copy:
            source.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")
    except (sqlite3.DatabaseError, UnicodeDecodeError) as fault:
        raise LsguiError(f"{path.name}: the annotation store cannot be read ({fault}): try a backup of it.") from fault


def _clear_drafts(folder: Path, source: Path) -> None:
    """Take away what a program that was killed half-way left in the folder of copies."""
    day = r"\d{4}-\d\d-\d\d"
    form = re.compile(
        rf"\.{re.escape(source.stem)}\.{day}{re.escape(source.suffix)}\.[0-9a-f]{{32}}(-journal|-wal|-shm)?"
    )
    for draft in folder.iterdir() if folder.is_dir() else ():
        if form.fullmatch(draft.name) and time.time() - draft.stat().st_mtime > _DRAFT_AGE_S:
            draft.unlink(missing_ok=True)


def _verified(path: Path) -> int:
    with read_only(path) as copy:
        if copy.execute("PRAGMA integrity_check").fetchone()[0] != "ok":
            raise sqlite3.DatabaseError("malformed")
        return int(copy.execute("SELECT count(*) FROM history").fetchone()[0])
