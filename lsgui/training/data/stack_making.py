"""Clips to stacks of pictures, the part of preparing training data that is slow: in worker processes, and only once.

A stack's key is made of everything that it depends on: the clip's file (name, size, time of change) or those of its
folder, the labelled frames, the pleural line, the edit, the input's form, and the code that makes it.
"""

import hashlib
import json
import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

import lsgui
from lsgui.core.errors import ClipReadError, LsguiError
from lsgui.core.pleura import PleuralROI
from lsgui.imaging import pleura_finder, scan_area, square_cutter, strip_cutter, wall_tracker
from lsgui.imaging.scan_area import Box
from lsgui.inference.preparation import band_box
from lsgui.models import preprocess
from lsgui.models.preprocess import ClipInput, ClipStack, needed_box, prepare_stack
from lsgui.simulation import edited_clip
from lsgui.simulation.edited_clip import ClipEdit
from lsgui.training.data import edit_matching, labelled_clip
from lsgui.training.data.dataset_rows import DatasetRow
from lsgui.training.data.labelled_clip import Frames, LabelledClip, OpenedRow, edit_seed, edited, open_row, wall_of

DRIFT_MM = 8.0
"""Room for the probe drift that an edit may add."""

_MAKERS = (
    preprocess,
    square_cutter,
    strip_cutter,
    wall_tracker,
    scan_area,
    pleura_finder,
    edited_clip,
    labelled_clip,
    edit_matching,
)


@dataclass(frozen=True, slots=True)
class MakingTask:
    """Rows of one stretch of one clip (itself and edits of it), with their keys, and what is to be made of them."""

    rows: tuple[tuple[str, DatasetRow], ...]
    spec: ClipInput


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """A stack, or one sentence why there is none."""

    key: str
    stack: ClipStack | None
    fault: str = ""


def plain(spec: ClipInput) -> ClipInput:
    """Return the input without the numbers of one training set: stacks hold grey values as they are."""
    return replace(spec, mean=0.0, std=1.0)


def stack_key(row: DatasetRow, spec: ClipInput) -> str:
    """Return the name under which a row's stack is kept, 40 hexadecimal digits.

    Raises
    ------
    ClipReadError
        When the clip's file cannot be looked at.
    """
    form = asdict(plain(spec))
    for name in ("frames", "deviation", "flow_step", "patch"):  # what is done after the stack is made
        form.pop(name)
    form["kind"] = "patches" if spec.kind == "patches" else "frame"
    roi = None if row.roi is None else _file_state(row.roi)
    parts = [_code(), form, needs_line(spec), _file_state(row.clip), row.start, row.stop, roi, row.edit]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:40]


def needs_line(spec: ClipInput) -> bool:
    """Tell whether an input cannot be made without a pleural line."""
    return spec.stabilise or spec.region == "pleura" or spec.kind == "patches" or spec.patch is not None


def _file_state(path: Path) -> list[object]:
    try:
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        return [path.name, *((file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files)]
    except OSError as fault:
        raise ClipReadError(f"{path}: the file cannot be looked at ({fault.strerror}).") from fault


@cache
def _code() -> str:
    """Return a hash of the code that makes stacks, so that none outlives a change of it."""
    digest = hashlib.sha256(lsgui.__version__.encode())
    for path in (Path(__file__), *(Path(module.__file__ or "") for module in _MAKERS)):
        digest.update(path.read_bytes() if path.is_file() else path.name.encode())
    return digest.hexdigest()


def make_tasks(rows: Sequence[tuple[str, DatasetRow]], spec: ClipInput) -> list[MakingTask]:
    """Put rows of the same stretch of the same clip together, so that it is read once."""
    groups: dict[tuple[Path, int, int | None], list[tuple[str, DatasetRow]]] = {}
    for key, row in rows:
        groups.setdefault((row.clip, row.start, row.stop), []).append((key, row))
    return [MakingTask(tuple(group), plain(spec)) for group in groups.values()]


def make_all(tasks: Sequence[MakingTask], jobs: int) -> Iterator[list[Made]]:
    """Yield what came of each task as it is done, in spawned processes where more than one job is asked for."""
    if jobs <= 1 or len(tasks) < 2:
        for task in tasks:
            yield make_stacks(task)
        return
    pool = ProcessPoolExecutor(min(jobs, len(tasks)), multiprocessing.get_context("spawn"))
    try:
        waiting: list[Future[list[Made]]] = [pool.submit(make_stacks, task) for task in tasks]
        for future in as_completed(waiting):
            yield future.result()
            waiting.remove(future)  # a result that has been handed over is not kept
    finally:
        pool.shutdown(cancel_futures=True)


def make_stacks(task: MakingTask) -> list[Made]:
    """Read a clip and make its stacks; a clip that cannot be used gives a sentence, not a fault."""
    rows = [row for _, row in task.rows]
    try:
        opened = open_row(rows[0], with_line=needs_line(task.spec) or any(row.edit for row in rows))
        maker = _Maker(opened, task.spec)
        return [Made(key, maker.stack(row.edit)) for key, row in task.rows]
    except LsguiError as fault:
        sentence = str(fault) if rows[0].clip.name in str(fault) else f"{rows[0].clip.name}: {fault}"
        return [Made(key, None, sentence) for key, _ in task.rows]


class _Maker:
    """Makes the stacks of one opened clip; what several edits need is made once."""

    def __init__(self, opened: OpenedRow, spec: ClipInput) -> None:
        self._opened, self._spec = opened, spec
        self._picture = (opened.clip.info.width, opened.clip.info.height)
        self._followed: tuple[LabelledClip, Box, npt.NDArray[np.float64]] | None = None

    def stack(self, edit: ClipEdit | None) -> ClipStack:
        opened = self._opened
        if edit is None:
            line = opened.line_in((0, 0, *self._picture)) if needs_line(self._spec) else None
            box = self._needed(line)
            frames = opened.clip.stack(opened.start, opened.stop, box)
        else:
            frames, line, box = self._edited(edit)
        used = line if needs_line(self._spec) else None
        return prepare_stack(self._spec, frames, box[:2], opened.times_s, used, opened.scale.mm_per_px, opened.area.box)

    def _needed(self, line: PleuralROI | None) -> Box:
        opened = self._opened
        return needed_box(self._spec, self._picture, line, opened.scale.mm_per_px, opened.area.box)

    def _edited(self, kind: ClipEdit) -> tuple[Frames, PleuralROI, Box]:
        """Return the clip edited, in a box with all the room that following the wall and added drift take."""
        whole, box, wall_px = self._followed = self._followed or self._follow()
        out = edited(whole, kind, edit_seed(replace(self._opened.row, edit=kind)), wall_px)
        corner = np.array(box[:2], dtype=np.float64)
        return out.frames, PleuralROI(tuple((k, points + corner) for k, points in out.roi.keyframes), "file"), box

    def _follow(self) -> tuple[LabelledClip, Box, npt.NDArray[np.float64]]:
        opened, pitch = self._opened, self._opened.scale.mm_per_px
        line = opened.line_in((0, 0, *self._picture))
        box = _widened(_union(self._needed(line), band_box(opened.clip, line, pitch)), DRIFT_MM / pitch, self._picture)
        whole = opened.around_line(box)
        return whole, box, wall_of(whole)


def _widened(box: Box, room: float, picture: tuple[int, int]) -> Box:
    left, top = max(int(box[0] - room), 0), max(int(box[1] - room), 0)
    right = min(int(box[0] + box[2] + room), picture[0])
    return left, top, right - left, min(int(box[1] + box[3] + room), picture[1]) - top


def _union(first: Box, second: Box) -> Box:
    x, y = min(first[0], second[0]), min(first[1], second[1])
    right, bottom = (max(a[k] + a[k + 2] for a in (first, second)) for k in (0, 1))
    return x, y, right - x, bottom - y
