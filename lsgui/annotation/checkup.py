"""Whether a store is sound: the file, every row, what refers to what, and whether the clips can still be found."""

import json
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from lsgui.annotation.by_name import is_by_name
from lsgui.annotation.clips_at_hand import ClipsAtHand
from lsgui.annotation.exchange import note_on
from lsgui.annotation.schema import VERSION, migrate, stored_version
from lsgui.annotation.store import AnnotationStore
from lsgui.annotation.store_reader import read_only
from lsgui.annotation.value_check import value_fault
from lsgui.core.errors import LsguiError
from lsgui.core.label import SlidingLabel
from lsgui.core.reading import StatementKind

_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Checkup:
    """What was found.

    Attributes
    ----------
    statements, clips
        How many were looked at.
    faults
        One sentence for each thing that is wrong, with what to do; empty for a sound store.
    notes
        Sentences on what is no fault but should be known.
    """

    statements: int
    clips: int
    faults: tuple[str, ...]
    notes: tuple[str, ...] = ()


def check_file(path: Path) -> Checkup:
    """Look at the file without changing it: a store that this program cannot open is looked at too.

    Raises
    ------
    LsguiError
        When there is no such file, or it is no store at all.
    """
    try:
        with read_only(path) as connection:
            version = stored_version(connection)
            if version > VERSION:
                raise LsguiError(f"{path.name} was written by a newer lsgui: update this one to read it.")
            bad = [row[0] for row in connection.execute("PRAGMA integrity_check(10)")]
            faults = [] if bad == ["ok"] else [_DAMAGED.format(path.name, bad[0])]
            if version < VERSION:
                note = f"{path.name} is of version {version}; it is brought to {VERSION} when it is next opened."
                return Checkup(0, 0, tuple(faults), (note,))
            rows = connection.execute(_ROWS).fetchall()
            faults += [*_row_faults(rows), *_other_faults(connection), *_missing_parts(connection)]
    except (sqlite3.DatabaseError, UnicodeDecodeError) as fault:
        return Checkup(0, 0, (_DAMAGED.format(path.name, fault),))
    return Checkup(len(rows), len({row[2] for row in rows}), tuple(faults))


def check_clips(store: AnnotationStore, clips: ClipsAtHand) -> tuple[str, ...]:
    """Return sentences on clips with labels that are not at hand, and on labels that wait for their clip."""
    gone, waiting = [], []
    seen: dict[str, str] = {said.content_hash: said.file_name for said in store.standing()}
    for digest, name in seen.items():
        found = clips.of(digest, name)
        if is_by_name(digest, name):
            waiting += [name] if found else []
        if found is None:
            gone.append(name)
    return tuple(
        filter(
            None,
            (
                note_on(gone, f"is {_NOT_FOUND}", f"are {_NOT_FOUND}"),
                note_on(waiting, f"is here now, {_WAITING}", f"are here now, {_WAITING}"),
            ),
        )
    )


_ROWS = (
    "SELECT id, uid, content_hash, file_name, rater, sitting, kind, subject, value, said_at, program_version, blind "
    "FROM history ORDER BY id"
)
_DAMAGED = "{}: the file is damaged ({}): put a backup in its place, see lsgui labels backup."
_NOT_FOUND = "not in the folders of --clips under any name: name the folder where it lies"
_WAITING = "but its labels are kept by name: import them again with --clips to bind them"
_Row = tuple[int, str, str, str, str, int, str, str, str | None, str, str, int]


def _row_faults(rows: Iterable[_Row]) -> list[str]:
    """Return a sentence for each kind of fault, with how many rows have it and the first of them."""
    found: dict[str, list[int]] = {}
    labels: dict[str, tuple[str, str, int]] = {}
    rows = list(rows)
    for row in rows:
        if row[6] == StatementKind.LABEL:
            labels[row[1]] = (row[2], row[4], row[5])
    for row in rows:
        for fault in _faults_in(row, labels):
            found.setdefault(fault, []).append(row[0])
    return [
        f"{len(numbers)} {'rows' if len(numbers) > 1 else 'row'} of the history (first: {numbers[0]}): {fault}."
        for fault, numbers in found.items()
    ]


def _other_faults(connection: sqlite3.Connection) -> Iterator[str]:
    """Yield a sentence for each table beside the history that holds rows which this program cannot understand."""
    for table, (columns, understand) in _OTHER_ROWS.items():
        bad = []
        for number, *cells in connection.execute(f"SELECT id, {columns} FROM {table} ORDER BY id"):
            try:
                understand(*cells)
            except (ValueError, TypeError):
                bad.append(number)
        if bad:
            yield (
                f"Among the {table} {len(bad)} cannot be understood (first: row {bad[0]}): a foreign program wrote it, "
                "export the labels as JSON and import them into a new store."
            )


def _verdict(label: str, quality: str, said_at: str) -> None:
    SlidingLabel(label)
    tuple(json.loads(quality))
    datetime.fromisoformat(said_at)


def _mask(rectangles: str, approved_at: str) -> None:
    for x, y, width, height in json.loads(rectangles):
        int(x), int(y), int(width), int(height)
    datetime.fromisoformat(approved_at)


def _clip(digest: str, frames: int) -> None:
    if not _HASH.fullmatch(digest) or frames < 0:
        raise ValueError(digest)


_OTHER_ROWS: dict[str, tuple[str, Callable[..., None]]] = {
    "verdicts": ("label, quality, said_at", _verdict),
    "masks": ("rectangles, approved_at", _mask),
    "clips": ("content_hash, frames", _clip),
}


def _missing_parts(connection: sqlite3.Connection) -> Iterator[str]:
    """Yield a sentence where tables, indices or the guards against changes are not those of a new store."""
    parts = "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'"
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as fresh:
        migrate(fresh)
        wanted = set(fresh.execute(parts))
    lacking = sorted(name for _, name, _ in wanted - set(connection.execute(parts)))
    if lacking:
        yield (
            f"{', '.join(lacking)} of the store are missing or changed, so that rows may have been changed too: "
            "compare it with a backup, see lsgui labels backup."
        )


def _faults_in(row: _Row, labels: dict[str, tuple[str, str, int]]) -> tuple[str, ...]:
    try:
        return tuple(_faults_of(row, labels))
    except (TypeError, ValueError, AttributeError, RecursionError):  # cells of another kind than the store's
        return ("it cannot be understood: a foreign program wrote it, put a backup in its place",)


def _faults_of(row: _Row, labels: dict[str, tuple[str, str, int]]) -> Iterator[str]:
    _, _, digest, _, rater, sitting, kind, subject, value, said_at, _, _ = row
    if not _HASH.fullmatch(digest):
        yield "the clip's content hash is none: export what is sound as JSON and import it into a new store"
    if kind not in list(StatementKind):
        yield f"the kind {kind!r} is unknown: a newer lsgui wrote it, update this one"
        return
    try:
        fault = value_fault(StatementKind(kind), None if value is None else json.loads(value), subject)
    except ValueError:
        fault = "the value is no JSON"
    if fault:
        yield f"{fault}: say it again in the window"
    try:
        aware = datetime.fromisoformat(said_at).tzinfo is not None
    except ValueError:
        aware = False
    if not aware:
        yield "the moment is none: a foreign program wrote it, put a backup in its place"
    if kind == StatementKind.OVERRIDE and labels.get(subject) != (digest, rater, sitting):
        yield "an override belongs to no label of its rater: save the label and the reason again"
