"""A labelled folder of edited clips, made from real sliding ones: the lung below the line held, mirrored or re-timed.

OUT/dataset.csv                      clip,label,patient,source,start,stop,roi; the source is "edited"
OUT/<stem>_edited_<kind>[.ext]       the clip, of the size and length of its original
OUT/roi/<stem>_edited_<kind>.json    its pleural line, with `mm_per_px`
OUT/truth/<stem>_edited_<kind>.json  what was done

Fields of a truth file: `clip`, `edited` (true), `kind`, `from` (name of the original), `label`, `patient`, `seed`,
`start`, `stop` (the frames that were edited), `fps`, `frames`, `mm_per_px`, `calibrated` (whether the original said
its scale), `pleura` (the line of every edited frame, pixels), `wall_mm` (how far the chest wall moves against the line,
(x, y) of every edited frame), `added_drift_mm` (how far the whole picture was moved). Nobody's breathing is known from
a real clip, so there is no flow; the label holds for the whole line.
"""

import json
import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lsgui.annotation.metafile import METAFILE
from lsgui.core.atomic_file import write_atomic
from lsgui.core.errors import DatasetError, RoiError
from lsgui.core.label import SlidingLabel
from lsgui.core.pleura import PleuralROI
from lsgui.readers.base import clip_suffixes
from lsgui.simulation.clip_files import WRITERS, ClipContent, write_clip
from lsgui.simulation.dataset import claim_folder, writing
from lsgui.simulation.edited_clip import ALL_EDITS, ClipEdit, added_drift_mm, edit_clip, edited_line
from lsgui.training.data.dataset_rows import COLUMNS, EDITED, DatasetRow, edit_label, read_csv, write_table
from lsgui.training.data.labelled_clip import LabelledClip, OpenedRow, open_row, wall_of
from lsgui.training.data.metafile import read_metafile

DATASET_FILE = "dataset.csv"
MARK = "_edited_"
"""Stands in the name of every edited clip."""

_DARK = 0.5
"""Share of the clip's typical brightness below which a frame at its beginning shows no picture yet."""

_WHAT = {
    "frozen": "the pleural line and all below it held still and carried with the chest wall",
    "hard": "held still below the chest wall, with the wall's own change reflected into it",
    "mirror": "the moving chest wall reflected below the pleural line",
    "sham": "the lung re-timed, so that it still slides",
    "line_kept": "the lung held still under its own pleural line",
}
_ADDED = {"pulse": ", beating at heart rate", "drift": ", the whole picture moved as by a drifting probe"}


@dataclass(frozen=True, slots=True)
class EditTask:
    """A sliding clip that edits are made of, under the stem that their names begin with."""

    row: DatasetRow
    stem: str
    kinds: tuple[ClipEdit, ...]
    seed: int


def rows_to_edit(source: Path, roi: Path | None) -> tuple[DatasetRow, ...]:
    """Return the sliding clips that `source` names: one clip with its line, or all of a labelled folder.

    Raises
    ------
    DatasetError
        One sentence when there is none, or the line is missing or too many.
    """
    if not source.exists():
        raise DatasetError(f"{source} is not there: name a sliding clip or a folder with {DATASET_FILE}.")
    if source.is_dir() and any((source / name).is_file() for name in (DATASET_FILE, METAFILE)):
        if roi is not None:
            raise DatasetError(f"{source} names its own pleural lines: leave out --roi.")
        table = source / DATASET_FILE
        listed = read_csv(source, table) if table.is_file() else read_metafile(source, source / METAFILE).rows
        rows = [row for row in listed if not row.absent and row.source != EDITED]
        if not rows:
            raise DatasetError(f"{source} holds no clip labelled ls_p that is not an edit: sliding clips are edited.")
        return tuple(rows)
    if MARK in source.name:
        raise DatasetError(f"{source.name} is an edited clip already: name the clip it was made from.")
    if roi is None:
        raise DatasetError(f"{source.name}: an edit follows the pleural line: name its file with --roi.")
    return (DatasetRow(source, SlidingLabel.LS_P, _stem(source), "", 0, None, roi),)


def write_edits(
    out: Path, rows: Sequence[DatasetRow], kinds: Sequence[ClipEdit], seed: int, format_name: str = "avi", jobs: int = 1
) -> Iterator[str]:
    """Write edits of sliding clips into an empty folder; yields the name of each as it is done.

    Parameters
    ----------
    out
        A folder that does not exist yet or is empty.
    rows
        Clips that slide (`rows_to_edit`).
    kinds
        Which of `ALL_EDITS` to make of each.
    seed
        The same seed makes the same edits.
    format_name
        "png", "avi" or "dicom".
    jobs
        Processes to work in.

    Raises
    ------
    LsguiError
        One sentence when a clip or its line cannot be used, or the folder cannot be written.
    """
    if format_name not in WRITERS:
        raise DatasetError(f"There is no clip format {format_name!r}: choose one of {', '.join(WRITERS)}.")
    unknown = [kind for kind in kinds if kind not in ALL_EDITS]
    if unknown:
        raise DatasetError(f"There is no edit {unknown[0]!r}: choose from {', '.join(ALL_EDITS)}.")
    claim_folder(out)
    return _write(out, _tasks(rows, tuple(dict.fromkeys(kinds)), seed), format_name, jobs)


def _tasks(rows: Sequence[DatasetRow], kinds: tuple[ClipEdit, ...], seed: int) -> list[EditTask]:
    """Give every row a stem of its own: clips of different folders may have the same name."""
    tasks: list[EditTask] = []
    for index, row in enumerate(rows):
        stem, taken = _stem(row.clip), {task.stem for task in tasks}
        number = 2
        while stem in taken:
            stem = f"{_stem(row.clip)}-{number}"
            number += 1
        tasks.append(EditTask(row, stem, kinds, seed + index))
    return tasks


def _stem(clip: Path) -> str:
    """Return a clip's name without its suffix; names of DICOM files may be numbers with dots."""
    return clip.stem if clip.suffix.lower() in clip_suffixes() and not clip.is_dir() else clip.name


def _write(out: Path, tasks: Sequence[EditTask], format_name: str, jobs: int) -> Iterator[str]:
    rows: list[dict[str, str]] = []
    for made in _made(out, tasks, format_name, jobs):
        rows.append(made)
        yield made["clip"]
    write_table(out / DATASET_FILE, COLUMNS, rows)


def _made(out: Path, tasks: Sequence[EditTask], format_name: str, jobs: int) -> Iterator[dict[str, str]]:
    if jobs <= 1 or len(tasks) == 1:
        for task in tasks:
            yield from make_edits(out, task, format_name)
        return
    with ProcessPoolExecutor(min(jobs, len(tasks)), multiprocessing.get_context("spawn")) as pool:
        for rows in pool.map(_all_edits, repeat(out), tasks, repeat(format_name)):
            yield from rows


def _all_edits(out: Path, task: EditTask, format_name: str) -> list[dict[str, str]]:
    return list(make_edits(out, task, format_name))


def make_edits(out: Path, task: EditTask, format_name: str) -> Iterator[dict[str, str]]:
    """Make the edits of one clip, and yield the row of the table of each as it is written."""
    opened = _without_lead_in(open_row(task.row))
    box = opened.area.box
    recorded = _labelled(opened)
    try:
        wall = wall_of(recorded)
    except RoiError as fault:
        raise RoiError(f"{task.row.clip.name}: {fault}") from fault
    x, y, width, height = box
    inside = opened.area.mask[y : y + height, x : x + width]
    frames = opened.clip.stack()  # every edit fills the same part of it
    for kind in task.kinds:
        fps = opened.clip.info.fps
        picture = edit_clip(
            kind,
            recorded.frames,
            recorded.roi,
            wall,
            recorded.mm_per_px,
            fps,
            task.seed,
            inside=inside,
            hold_line=True,
        )
        frames[opened.start : opened.stop, y : y + height, x : x + width] = picture
        content = ClipContent(frames, fps, recorded.mm_per_px, box, describe(kind))
        yield _store(out, task, kind, format_name, opened, recorded, content, wall)


def describe(kind: ClipEdit) -> str:
    """Return the sentence that says in every format how a clip was edited."""
    base, _, added = kind.partition("_") if kind != "line_kept" else (kind, "", "")
    return f"Edited clip ({kind}), not patient data: {_WHAT[base]}{_ADDED.get(added, '')}."


def _without_lead_in(opened: OpenedRow) -> OpenedRow:
    """Return the row from its first frame that shows a picture: nothing can be followed through black frames."""
    x, y, width, height = opened.area.box
    levels = np.array(
        [opened.clip.frame(k)[y : y + height, x : x + width].mean() for k in range(opened.start, opened.stop)]
    )
    lit = np.flatnonzero(levels >= _DARK * np.median(levels))
    first = opened.start + int(lit[0]) if len(lit) else opened.start
    return replace(opened, start=first if opened.stop - first >= 2 else opened.start)


def _labelled(opened: OpenedRow) -> LabelledClip:
    """Return the scanned picture of the frames to edit, with the line in its pixels."""
    pitch, calibrated = opened.scale.mm_per_px, opened.scale.calibrated
    if not calibrated and (given := _given_scale(opened.row)) is not None:
        pitch = given
    frames = opened.clip.stack(opened.start, opened.stop, opened.area.box)
    return LabelledClip(frames, opened.line_in(opened.area.box), opened.times_s, pitch, calibrated)


def _given_scale(row: DatasetRow) -> float | None:
    """Return the `mm_per_px` that the file of the line may carry."""
    data = json.loads(row.roi.read_text(encoding="utf-8")) if row.roi is not None else {}
    value = data.get(row.clip.name, data).get("mm_per_px")
    return float(value) if isinstance(value, int | float) and 0.01 < value < 5.0 else None


def _store(
    out: Path,
    task: EditTask,
    kind: ClipEdit,
    format_name: str,
    opened: OpenedRow,
    recorded: LabelledClip,
    content: ClipContent,
    wall: npt.NDArray[np.float64],
) -> dict[str, str]:
    """Write an edited clip with its line and truth, and return its row of the table."""
    name = f"{task.stem}{MARK}{kind}"
    count, pitch = len(recorded.frames), recorded.mm_per_px
    moved = edited_line(recorded.roi, kind, count, pitch, content.fps, task.seed)
    corner = np.array(opened.area.box[:2], dtype=np.float64)
    line = PleuralROI(tuple((k + opened.start, points + corner) for k, points in moved.keyframes), "file")
    path = write_clip(out / name, content, _identifier(task.row.patient), format_name)
    label = edit_label(kind)
    truth: dict[str, Any] = {
        "clip": name,
        "edited": True,
        "kind": kind,
        "from": task.row.clip.name,
        "label": label.value,
        "patient": task.row.patient,
        "seed": task.seed,
        "start": opened.start,
        "stop": opened.stop,
        "fps": content.fps,
        "frames": len(content.frames),
        "mm_per_px": pitch,
        "calibrated": recorded.calibrated,
        "pleura": [np.round(line.line_at(k), 1).tolist() for k in range(opened.start, opened.stop)],
        "wall_mm": np.round(wall * pitch, 3).tolist(),
        "added_drift_mm": np.round(added_drift_mm(kind, count, content.fps, task.seed), 3).tolist(),
    }
    with writing(out):
        write_atomic(out / "roi" / f"{name}.json", json.dumps({**line.to_json(), "mm_per_px": pitch}).encode())
        write_atomic(out / "truth" / f"{name}.json", json.dumps(truth).encode())
    return {
        "clip": path.name,
        "label": label.value,
        "patient": task.row.patient,
        "source": EDITED,
        "start": str(opened.start),
        "stop": str(opened.stop),
        "roi": f"roi/{name}.json",
    }


def _identifier(patient: str) -> str:
    """Return a patient's name as DICOM's identifier takes it: 64 plain characters, no backslash."""
    return patient.encode("ascii", "replace").decode().replace("\\", "_")[:64]
