"""Measures what the window holds in memory: idle, with a clip, and after opening, analysing and closing many clips.

Not a command: `lsgui bench` and `packaging/measure_growth.py` start ``python -m lsgui.gui.memory_test`` with an
`Errand` as JSON and read one JSON object a line, a `Note` each.
"""

import gc
import json
import multiprocessing
import sys
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import cast

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QApplication

from lsgui.bench.process_memory import ProcessMemory, memory_of, reset_highest
from lsgui.core.errors import LsguiError
from lsgui.core.pleura import PleuralROI
from lsgui.gui.app import Review, run_window
from lsgui.gui.play_report import child_pids
from lsgui.review import transitions as to
from lsgui.review.state import AnalysisPhase, LoadPhase, OverlayName, RoiPhase, WorkerPhase

_TICK_MS = 10
_PAGE = 4096
"""No system has smaller pages of memory."""
_SETTLE_S = 1.5
"""Rest before something idle is measured: what the start left in queues is done by then."""
_SHOW_S = 0.05
"""How long every overlay is shown: two paintings of a clip of 30 frames a second."""
_PLAY_S = 3.0
_REST_S = 0.15
_PATIENCE_S = 240.0

Steps = Generator[Callable[[], bool]]


@dataclass(frozen=True, slots=True)
class Errand:
    """What is to be measured: idle always; a clip that plays, then rounds over small clips.

    Attributes
    ----------
    clip
        A long clip; empty for none.
    rounds
        So many times one of `small` is opened, analysed, looked at and closed.
    small
        Small clips, in turn.
    """

    clip: str = ""
    rounds: int = 0
    small: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Note:
    """What was held at one moment.

    Attributes
    ----------
    moment
        "idle", "loaded", "analysed", "played", "closed", or "round".
    round
        Rounds done.
    window, worker
        The window's process, and its worker's; None where there is none. A frame counts as the window's whether or not
        it was shown.
    readers
        What the reading processes hold for themselves in MB: the frames, which they share with the window, are its.
    objects
        Objects that the garbage collector knows, after it was run.
    widgets
        Widgets of the window's process.
    python_threads
        Threads that Python knows.
    label
        The verdict of the last analysis.
    """

    moment: str
    round: int
    window: ProcessMemory
    worker: ProcessMemory | None
    readers: float
    objects: int
    widgets: int
    python_threads: int
    label: str


class MemoryTest(QObject):
    """Does an errand in a window that is about to be shown, then closes it.

    Attributes
    ----------
    fault
        One sentence where it could not be done; empty otherwise.
    """

    def __init__(self, review: Review, errand: Errand, tell: Callable[[Note], None]) -> None:
        super().__init__(review.window)
        self._controller, self._window = review.controller, review.window
        self._errand, self._tell = errand, tell
        self._round = 0
        self._complete = False
        self.fault = ""
        self._steps = self._all()
        self._until: Callable[[], bool] = lambda: True
        self._begun = time.monotonic()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._on_timer_timeout)
        review.window.firstPainted.connect(lambda: self._timer.start(_TICK_MS))

    def _on_timer_timeout(self) -> None:
        try:
            if not self._until():
                if time.monotonic() - self._begun > _PATIENCE_S:
                    raise LsguiError(f"The window did not get on within {_PATIENCE_S:.0f} s: see its log.")
                return
            self._until, self._begun = next(self._steps), time.monotonic()
        except StopIteration:
            self._end("" if self._complete else "The window failed while it was measured: see its log.")
        except LsguiError as fault:
            self._end(str(fault))

    def _end(self, fault: str) -> None:
        self.fault = fault
        self._timer.stop()
        QTimer.singleShot(0, self._window.close)

    # The steps: each yields what it waits for

    def _all(self) -> Steps:
        yield lambda: self._controller.state.worker.phase is WorkerPhase.READY
        yield _passed(_SETTLE_S)
        self._note("idle")
        if self._errand.clip:
            yield from self._long_clip(Path(self._errand.clip))
        for done in range(self._errand.rounds):
            self._round = done + 1
            yield from self._one_round(Path(self._errand.small[done % len(self._errand.small)]))
            self._note("round")
        self._complete = True

    def _long_clip(self, path: Path) -> Steps:
        reset_highest()
        yield from self._open(path)
        self._note("loaded")
        yield from self._analyse()
        self._note("analysed")
        yield from self._look()
        self._controller.change(lambda s: to.overlay_switched(s, "speckle_change", True))
        self._controller.change(lambda s: to.playing_set(s, True))
        yield _passed(_PLAY_S)
        self._note("played")
        yield from self._close()
        self._note("closed")

    def _one_round(self, path: Path) -> Steps:
        yield from self._open(path)
        yield from self._analyse()
        yield from self._look()
        yield from self._close()

    def _open(self, path: Path) -> Steps:
        self._controller.open_paths([path])
        yield self._is_loaded
        yield self._has_line
        if self._controller.state.roi is None:
            self._controller.set_line(self._middle())
            yield self._has_line

    def _is_loaded(self) -> bool:
        state = self._controller.state
        clip = state.clip
        if clip is not None and clip.phase is LoadPhase.FAILED:
            raise LsguiError(clip.error)
        if clip is None and state.notice and not state.scanning:
            raise LsguiError(state.notice)
        return clip is not None and clip.phase is LoadPhase.COMPLETE and clip.mm_per_px is not None

    def _has_line(self) -> bool:
        return self._controller.state.roi_phase not in (RoiPhase.NONE, RoiPhase.SEARCHING)

    def _middle(self) -> PleuralROI:
        clip = self._controller.state.clip
        if clip is None or clip.info is None:
            raise LsguiError("The clip was closed while its line was looked for.")
        width, height = clip.info.width, clip.info.height
        return PleuralROI.single(0, [(0.2 * width, 0.4 * height), (0.8 * width, 0.4 * height)])

    def _analyse(self) -> Steps:
        self._controller.analysis.analyse()
        yield lambda: self._controller.state.analysis.phase is not AnalysisPhase.RUNNING
        analysis = self._controller.state.analysis
        if analysis.phase is not AnalysisPhase.DONE:
            raise LsguiError(analysis.message or "The analysis did not come to an end.")

    def _look(self) -> Steps:
        """Show every overlay for a moment, but the one that the worker would have to make first."""
        before = self._controller.state.overlays
        for name in before:
            if name != "focus":
                self._switch(name, True)
                yield _passed(_SHOW_S)
        self._controller.change(lambda s: replace(s, overlays=before))

    def _switch(self, name: OverlayName, shown: bool) -> None:
        self._controller.switch_overlay(name, shown)

    def _close(self) -> Steps:
        self._controller.clips.close_all()
        yield _passed(_REST_S)

    def _note(self, moment: str) -> None:
        gc.collect()
        self._see_every_frame()
        prediction = self._controller.state.analysis.prediction
        worker = child_pids("lsgui-worker")
        self._tell(
            Note(
                moment,
                self._round,
                memory_of(),
                memory_of(worker[0]) if worker else None,
                sum(memory_of(pid).own for pid in child_pids("lsgui-reader")),
                len(gc.get_objects()) + gc.get_freeze_count(),
                len(QApplication.allWidgets()),
                threading.active_count(),
                "" if prediction is None else str(prediction.label),
            )
        )

    def _see_every_frame(self) -> None:
        """Touch every page of the frames: what lies in shared memory only counts as ours once it was looked at."""
        clip = self._controller.clips.clip
        if clip is not None:
            for index in range(len(clip)):
                clip.frame(index).reshape(-1)[::_PAGE].max()


def _passed(seconds: float) -> Callable[[], bool]:
    end = time.monotonic() + seconds
    return lambda: time.monotonic() >= end


def main(errand: Errand) -> int:
    """Open the window, do an errand in it, write its notes to standard output, and return the exit status."""
    tests: list[MemoryTest] = []

    def tell(note: Note) -> None:
        sys.stdout.write(json.dumps(asdict(note)) + "\n")
        sys.stdout.flush()

    status = run_window(prepare=lambda review: tests.append(MemoryTest(review, errand, tell)), watched=False)
    for test in tests:
        if test.fault:
            sys.stderr.write(test.fault + "\n")
            return 1
    return status


def _errand(text: str) -> Errand:
    told = cast(dict[str, object], json.loads(text))
    small = cast(list[str], told.get("small", []))
    return Errand(str(told.get("clip", "")), int(str(told.get("rounds", 0))), tuple(small))


if __name__ == "__main__":
    multiprocessing.freeze_support()
    raise SystemExit(main(_errand(sys.argv[1])))
