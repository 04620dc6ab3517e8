"""What a labelled clip is on paper: the row of a data set, and the file `dataset.csv`. No torch."""

import csv
import io
import itertools
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lsgui.core.atomic_file import atomic_file
from lsgui.core.errors import DatasetError
from lsgui.core.file_names import as_cell, from_cell
from lsgui.core.label import SlidingLabel
from lsgui.core.plain_file import JSON_BYTES, read_plain
from lsgui.simulation.edited_clip import ALL_EDITS, ClipEdit

COLUMNS = ("clip", "label", "patient", "source", "start", "stop", "roi")
EDITED = "edited"
"""Source of clips that are edits of real ones: they are never counted with patients' clips."""
SIMULATED = "simulated"

MOST_ROWS = 200_000
"""Rows of a table that are read: what has more is no list of clips."""

LONGEST_SAID = 60
"""Characters of a name that a message repeats."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DatasetRow:
    """One labelled stretch of a clip.

    Attributes
    ----------
    clip
        The clip's file or folder.
    label
        ls_a or ls_p.
    patient, source
        Who and where it comes from; clips of one patient never stand on both sides of a split. The clip's own name
        where the data set does not say.
    start, stop
        Frames start..stop-1 carry the label; None for the end.
    roi
        A ROI file, or a file with a mapping of clip name to ROI; None where the line is to be found.
    edit
        How the clip is to be edited once it is read (`edited_rows`); None for the clip as it is.
    """

    clip: Path
    label: SlidingLabel
    patient: str
    source: str
    start: int
    stop: int | None
    roi: Path | None
    edit: ClipEdit | None = None

    @property
    def absent(self) -> bool:
        """True for ls_a, the positive class."""
        return self.label is SlidingLabel.LS_A

    @property
    def name(self) -> str:
        """The clip's name, with its edit: what figures for one clip are gathered under."""
        return self.clip.name if self.edit is None else f"{self.clip.name} ({self.edit})"


@dataclass(frozen=True, slots=True)
class DataFolder:
    """The rows of a labelled folder.

    Attributes
    ----------
    rows
        At least one.
    missing
        Names of clips that the labels list and the folder lacks; they are left out.
    note
        One sentence on them; empty where all is there.
    """

    rows: tuple[DatasetRow, ...]
    missing: tuple[str, ...] = ()
    note: str = ""


def read_listed(folder: Path, path: Path) -> DataFolder:
    """Read a `dataset.csv` whose paths start at `folder`; missing clips are listed, not fatal.

    Further columns are passed over.

    Raises
    ------
    DatasetError
        One sentence that names the file and the row, or says that not one clip is there.
    """
    rows, missing = [], []
    for number, cells in enumerate(read_table(path, COLUMNS), start=2):
        row = _parsed(folder, path, number, cells)
        if _is_there(row.clip, path, number):
            rows.append(row)
        else:
            missing.append(cells["clip"])
    gone = tuple(dict.fromkeys(missing))
    if not rows:
        count = f"there is no clip of the {len(gone)} that it names, such as" if len(gone) > 1 else "there is no clip"
        raise DatasetError(f"{path}: {count} {folder / gone[0]}: put it there, or correct the column clip.")
    return DataFolder(tuple(rows), gone, missing_note(gone, len({row.clip for row in rows}), path.name))


def missing_note(missing: Sequence[str], found: int, table: str) -> str:
    """Return one sentence on clips that the file `table` names and the folder lacks; empty where there are none."""
    if not missing:
        return ""
    total = found + len(missing)
    named = ", ".join(missing[:3]) + (", ..." if len(missing) > 3 else "")
    return f"{len(missing)} of the {total} clips of {table} are not in the folder and are left out: {named}"


def read_csv(folder: Path, path: Path) -> tuple[DatasetRow, ...]:
    """Return the rows of `read_listed`; clips that are missing are told in the log."""
    listed = read_listed(folder, path)
    if listed.note:
        _log.warning("%s", listed.note)
    return listed.rows


def read_table(path: Path, columns: Sequence[str]) -> list[dict[str, str]]:
    """Return the rows of a CSV file that must have these columns; an empty cell is an empty string.

    Blanks around names and cells, which spreadsheets leave unseen, do not count.

    Raises
    ------
    DatasetError
        When the file cannot be read, is empty, or lacks a column.
    """
    try:
        text = read_plain(path, JSON_BYTES).decode("utf-8-sig")  # spreadsheets write a byte order mark
        table = csv.DictReader(io.StringIO(text, newline=""))
        heading = {name.strip() for name in table.fieldnames or () if name}
        wanted = itertools.islice(table, MOST_ROWS if heading.issuperset(columns) else 1)
        rows = [
            {name.strip(): (cell or "").strip() for name, cell in row.items() if isinstance(name, str)}
            for row in wanted
        ]
    except (OSError, UnicodeDecodeError, csv.Error) as fault:
        raise DatasetError(f"{path}: the data set cannot be read ({fault}).") from fault
    if not rows:
        raise DatasetError(f"{path} holds no clips: write one row a clip with the columns {', '.join(columns)}.")
    if len(rows) == MOST_ROWS:
        raise DatasetError(f"{path}: it has {MOST_ROWS} rows or more: divide it.")
    missing = [name for name in columns if name not in rows[0]]
    if missing:
        raise DatasetError(f"{path} lacks the column {missing[0]}: it needs {', '.join(columns)}.")
    return rows


def row_of(folder: Path, path: Path, number: int, cells: Mapping[str, str]) -> DatasetRow:
    """Return line `number` of a `dataset.csv` as a row; DatasetError where it is wrong or its clip is not there."""
    row = _parsed(folder, path, number, cells)
    if not _is_there(row.clip, path, number):
        raise DatasetError(f"{path}, line {number}: there is no clip {row.clip}.")
    return row


def _parsed(folder: Path, path: Path, number: int, cells: Mapping[str, str]) -> DatasetRow:
    if not cells["clip"]:
        raise DatasetError(f"{path}, line {number}: it names no clip.")
    try:
        label = SlidingLabel(cells["label"])
        start = int(cells["start"] or 0)
        stop = int(cells["stop"]) if cells["stop"] else None
    except ValueError as fault:
        raise DatasetError(
            f"{path}, line {number}: {fault}; a label is ls_a or ls_p, start and stop are frames."
        ) from fault
    if label is SlidingLabel.CANNOT_ASSESS:
        raise DatasetError(f"{path}, line {number}: a training clip is ls_a or ls_p, not cannot_assess.")
    if start < 0 or (stop is not None and stop <= start):
        raise DatasetError(f"{path}, line {number}: frames {start} to {stop} are no stretch of a clip.")
    roi = folder / cells["roi"] if cells["roi"] else None
    clip = folder / cells["clip"]
    patient, source = from_cell(cells["patient"]), from_cell(cells["source"])
    return DatasetRow(clip, label, patient or cells["clip"], source, start, stop, roi)


def _is_there(clip: Path, path: Path, number: int) -> bool:
    try:
        return clip.exists()
    except OSError as fault:  # a name that no file can have, a folder that may not be entered
        name = clip.name if len(clip.name) <= LONGEST_SAID else f"{clip.name[:LONGEST_SAID]}..."
        raise DatasetError(f"{path}, line {number}: there can be no clip {name!r} ({fault.strerror}).") from fault


def cells_of(folder: Path, row: DatasetRow) -> dict[str, str]:
    """Return a row as the cells of a `dataset.csv` in `folder`."""
    return {
        "clip": _relative(folder, row.clip),
        "label": row.label.value,
        "patient": as_cell(row.patient),
        "source": as_cell(row.source),
        "start": str(row.start),
        "stop": "" if row.stop is None else str(row.stop),
        "roi": "" if row.roi is None else _relative(folder, row.roi),
    }


def write_table(path: Path, columns: Sequence[str], rows: Sequence[Mapping[str, str]]) -> None:
    """Write a CSV file, whole or not at all.

    Raises
    ------
    DatasetError
        When it cannot be written.
    """
    try:
        with atomic_file(path, newline="") as file:
            table = csv.DictWriter(file, columns, lineterminator="\n")
            table.writeheader()
            table.writerows(rows)
    except OSError as fault:
        raise DatasetError(f"{path} cannot be written ({fault.strerror}): choose another folder.") from fault


def edited_rows(rows: Sequence[DatasetRow], kinds: Sequence[ClipEdit]) -> tuple[DatasetRow, ...]:
    """Return the rows with edits of every real sliding clip added: source "edited", same patient as the original.

    Edits of simulated clips and of edits are not made: the first bring their own negatives, the second mean nothing.

    Raises
    ------
    DatasetError
        When a kind is unknown.
    """
    unknown = [kind for kind in kinds if kind not in ALL_EDITS]
    if unknown:
        raise DatasetError(f"There is no edit {unknown[0]!r}: choose from {', '.join(ALL_EDITS)}.")
    out: list[DatasetRow] = []
    for row in rows:
        out.append(row)
        if row.absent or row.edit is not None or row.source in (SIMULATED, EDITED):
            continue
        out += [replace(row, label=edit_label(kind), source=EDITED, edit=kind) for kind in kinds]
    return tuple(out)


def edit_label(kind: ClipEdit) -> SlidingLabel:
    """Return what an edited sliding clip shows: a sham edit only re-times the lung, all others hold it."""
    return SlidingLabel.LS_P if kind == "sham" else SlidingLabel.LS_A


def _relative(folder: Path, path: Path) -> str:
    if not path.is_relative_to(folder):
        return str(path)
    name = path.relative_to(folder).as_posix()
    return name if as_cell(name) == name else f"./{name}"  # never a name that a spreadsheet takes for a formula
