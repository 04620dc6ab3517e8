"""Judges the clips of a data set exactly as `lsgui predict` does, each on its own frames and with its own line."""

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, ProcessPoolExecutor, wait
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from lsgui.core.clip import Clip, Frame, FrameStore
from lsgui.core.errors import DatasetError, LsguiError
from lsgui.core.label import SlidingLabel
from lsgui.core.pleura import PleuralROI, check_roi_fits, read_roi_file
from lsgui.core.prediction import Prediction, WindowScore
from lsgui.inference.clip_runner import ClipRunner
from lsgui.inference.local_session import LocalSession
from lsgui.inference.plan import WorkerPlan, load_by_name
from lsgui.inference.protocol import DeviceChoice
from lsgui.readers.base import open_clip
from lsgui.training.evaluation.metrics import ClipScores

FEWEST_FRAMES = 2


@dataclass(frozen=True, slots=True)
class ClipTask:
    """One clip to judge, with what the data set says of it.

    Attributes
    ----------
    index
        Its place in the data set.
    name
        Its path inside the data set's folder, with forward slashes.
    start, stop
        Frames start..stop-1 carry the label; None for the end.
    roi
        ROI file; None where the line is to be found automatically.
    """

    index: int
    name: str
    path: Path
    label: SlidingLabel
    patient: str
    source: str
    start: int
    stop: int | None
    roi: Path | None


Judged = tuple[ClipTask, ClipScores | str]
"""A task with its scores, or with the sentence that says why it has none."""


class FrameRange:
    """A `FrameStore` of frames start..stop-1 of another."""

    def __init__(self, store: FrameStore, start: int, stop: int) -> None:
        self._store = store
        self._range = range(start, stop)

    def __len__(self) -> int:
        return len(self._range)

    def frame(self, index: int) -> Frame:
        """Return frame `index` of the range."""
        if index < 0:
            raise IndexError(index)
        return self._store.frame(self._range[index])


def cut_clip(clip: Clip, start: int, stop: int | None) -> Clip:
    """Return frames start..stop-1 as a clip of its own, times from its first frame.

    Raises
    ------
    DatasetError
        When the range holds no clip.
    """
    end = len(clip) if stop is None else min(stop, len(clip))
    if end - start < FEWEST_FRAMES:
        name = clip.info.path.name
        raise DatasetError(f"{name} has {len(clip)} frames, so {start} to {end} are no clip: correct start and stop.")
    if start == 0 and end == len(clip):
        return clip
    times = clip.info.frame_times_s
    if times is not None:
        times = tuple(moment - times[start] for moment in times[start:end])
    info = replace(clip.info, frames=end - start, frame_times_s=times, trim=None)
    return Clip(info, FrameRange(clip.store, start, end))


def cut_line(roi: PleuralROI, start: int, stop: int) -> PleuralROI:
    """Return the line for frames start..stop-1 counted from 0: in every one of them as it is in the clip."""
    inside = {k for k, _ in roi.keyframes if start < k < stop}
    after = {stop - 1} if roi.keyframes[-1][0] >= stop else set()  # on the way to a later key frame
    keys = sorted({start, *inside, *after})
    return PleuralROI(tuple((k - start, roi.line_at(k)) for k in keys), roi.source, roi.confidence)


class DatasetJudge:
    """Judges clips with one model in this process; open it in a `with` block."""

    def __init__(self, model: str, device: DeviceChoice, threads: int | None = None) -> None:
        self._plan = WorkerPlan(threads=threads)
        self._session = LocalSession(self._plan)
        self._runner = ClipRunner(self._session, model, device)
        self._device = device

    def __enter__(self) -> "DatasetJudge":
        _check_device(self._plan, self._device)
        self._session.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def judged(self, task: ClipTask) -> Judged:
        """Return the scores of one clip, or one sentence on why there are none."""
        try:
            return task, self._scores(task)
        except LsguiError as fault:
            sentence = str(fault)
            return task, sentence if Path(task.name).name in sentence else f"{task.name}: {sentence}"

    def _scores(self, task: ClipTask) -> ClipScores:
        begun = time.perf_counter()
        with _read(task.path) as whole:
            clip = cut_clip(whole, task.start, task.stop)
            roi = None
            if task.roi is not None:
                roi = read_roi_file(task.roi, task.path.name)
                check_roi_fits(roi, clip.info.width, clip.info.height, task.path.name)
                roi = cut_line(roi, task.start, task.start + len(clip))
            said = self._runner.judge(clip, roi, time.perf_counter() - begun).prediction
            return _row(task, said, len(clip))


@contextmanager
def _read(path: Path) -> Iterator[Clip]:
    clip = open_clip(path)
    try:
        yield clip
    finally:
        close = getattr(clip.store, "close", None)
        if close is not None:
            close()


def _row(task: ClipTask, said: Prediction, frames: int) -> ClipScores:
    windows = tuple(WindowScore(w.start + task.start, w.stop + task.start, w.p_absent) for w in said.windows)
    return ClipScores(
        clip=task.name,
        patient=task.patient,
        source=task.source,
        label=task.label,
        p_absent=said.p_absent,
        windows=windows,
        verdict=said.label,
        start=task.start,
        stop=task.start + frames,
        quality=tuple(flag.value for flag in said.quality),
        motion_index=said.motion_index,
        line="none" if said.roi is None else said.roi.source,
    )


def _check_device(plan: WorkerPlan, device: DeviceChoice) -> None:
    """Say once for all clips, instead of once for each, that the device is not there."""
    if device == "cuda":
        load_by_name(plan.resolve)(device, plan.threads)


def judge_all(tasks: Sequence[ClipTask], model: str, device: DeviceChoice, jobs: int = 1) -> Iterator[Judged]:
    """Yield every task with its scores or its fault as it is done: in order for one job, else as they come.

    Parameters
    ----------
    jobs
        Processes to work in; 1: this one.

    Raises
    ------
    LsguiError
        When the device is not there, or a process was ended from outside.
    """
    if jobs <= 1 or len(tasks) < 2:
        with DatasetJudge(model, device) as judge:
            for task in tasks:
                yield judge.judged(task)
        return
    _check_device(WorkerPlan(), device)
    jobs = min(jobs, len(tasks))
    threads = max((os.cpu_count() or 1) // jobs, 1)
    # spawned, not forked: the same on every system, and neither torch's nor OpenCV's threads survive a fork
    pool = ProcessPoolExecutor(
        jobs, multiprocessing.get_context("spawn"), initializer=_enter_worker, initargs=(model, device, threads)
    )
    with ExitStack() as stack:
        stack.callback(pool.shutdown, wait=True, cancel_futures=True)
        try:
            yield from _as_they_come(pool, tasks, jobs)
        except BrokenExecutor as fault:
            raise LsguiError(
                f"One of {jobs} processes was ended, most likely for want of memory: "
                "go on with --resume and fewer --jobs."
            ) from fault


def _as_they_come(pool: ProcessPoolExecutor, tasks: Sequence[ClipTask], jobs: int) -> Iterator[Judged]:
    """Keep a few tasks waiting for each process, so that stopping does not wait for a long queue."""
    left = iter(tasks)
    running: set[Future[Judged]] = {pool.submit(_judge_in_worker, task) for task in islice(left, 2 * jobs)}
    while running:
        done, running = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            with suppress(StopIteration):
                running.add(pool.submit(_judge_in_worker, next(left)))
            yield future.result()


_worker: list[DatasetJudge] = []


def _enter_worker(model: str, device: DeviceChoice, threads: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C reaches all processes: the first one ends the others
    _worker[:] = [DatasetJudge(model, device, threads).__enter__()]


def _judge_in_worker(task: ClipTask) -> Judged:
    return _worker[0].judged(task)
