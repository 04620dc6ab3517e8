"""Measures the window on this machine: how soon it opens, how it plays during an analysis and as overlays switch."""

import os
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from lsgui.gui.controller import Controller
from lsgui.gui.main_window import MainWindow
from lsgui.gui.stall_watch import StallWatch
from lsgui.review import transitions as to
from lsgui.review.state import AnalysisPhase, LoadPhase, OverlayName, ReviewState, RoiPhase, WorkerPhase

HEAVY = ("torch", "torchvision", "cv2", "scipy", "sklearn", "pydicom", "PIL", "pydantic", "rich", "typer", "sqlite3")
"""Libraries that a window does not need before its first painting."""

_SETTLE_MS = 1_500
_IDLE_MS = 4_000
_AFTER_MS = 1_000
_BARE_MS = 4_000
_SWITCH_MS = 150
"""Time between two switches of an overlay: each is on or off for a few frames."""
_LONGEST_MS = 180_000


@dataclass(frozen=True, slots=True)
class StartReport:
    """How the window opened.

    Attributes
    ----------
    wall_s
        Seconds from the start of the process to the end of the first painting; None where the system does not tell
        when a process started.
    cpu_s
        Processor time that the process used until then.
    modules
        Python modules loaded until then.
    heavy
        Those of `HEAVY` among them.
    """

    wall_s: float | None
    cpu_s: float
    modules: int
    heavy: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlayReport:
    """How a clip played.

    Attributes
    ----------
    seconds
        How long it was watched.
    asked_fps, shown_fps
        The clip's own rate, and the different frames a second that were painted.
    dropped
        Frames that were due but never painted.
    longest_stall_ms
        The longest gap of a 16 ms timer: what a person would see.
    busiest_ms
        The longest work of the GUI thread itself between two ticks, in processor time.
    """

    seconds: float
    asked_fps: float
    shown_fps: float
    dropped: int
    longest_stall_ms: float
    busiest_ms: float


@dataclass(frozen=True, slots=True)
class WindowReport:
    """What `PlayTest` measured; the plays are None where no clip was given.

    Attributes
    ----------
    start
        How the window opened.
    idle, analysis
        The clip playing before the analysis, and while it runs.
    bare, overlays
        After it: with every overlay cleared, and while each is switched on and off in turn.
    """

    start: StartReport
    idle: PlayReport | None = None
    analysis: PlayReport | None = None
    bare: PlayReport | None = None
    overlays: PlayReport | None = None

    def as_dict(self) -> dict[str, object]:
        """Return the report for JSON."""
        return asdict(self)


def process_age_s() -> float | None:
    """Return the seconds since this process was started, to 10 ms; None where the system does not tell."""
    try:
        fields = Path("/proc/self/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        started = int(fields[19]) / os.sysconf("SC_CLK_TCK")
        return time.clock_gettime(time.CLOCK_BOOTTIME) - started
    except (OSError, AttributeError, ValueError, IndexError):
        return None


def start_report() -> StartReport:
    """Return what has been used up to now."""
    heavy = tuple(name for name in HEAVY if name in sys.modules)
    return StartReport(process_age_s(), time.process_time(), len(sys.modules), heavy)


class PlayTest(QObject):
    """Waits for the first painting; with a clip, plays it, analyses it and switches overlays; then closes the window.

    Attributes
    ----------
    report
        What was measured; None until the first painting.
    fault
        One sentence where the clip could not be measured; empty otherwise.
    """

    def __init__(self, controller: Controller, window: MainWindow, *, with_clip: bool) -> None:
        super().__init__(window)
        self._controller = controller
        self._window = window
        self._with_clip = with_clip
        self._started: StartReport | None = None
        self._watched: list[PlayReport] = []
        self._watch: StallWatch | None = None
        self._counts = (0, 0, 0.0)
        self._step = "opening"
        self.fault = ""
        window.firstPainted.connect(self._on_window_firstPainted)
        controller.stateChanged.connect(self._on_controller_stateChanged)
        QTimer.singleShot(_LONGEST_MS, self, self._on_too_late)

    @property
    def report(self) -> WindowReport | None:
        """What was measured so far."""
        return None if self._started is None else WindowReport(self._started, *self._watched)

    def _on_window_firstPainted(self) -> None:
        self._started = start_report()
        if not self._with_clip:
            self._end("")

    def _on_controller_stateChanged(self, old: ReviewState, new: ReviewState) -> None:
        clip = new.clip
        if clip is None or self._step == "ended":
            return
        if clip.phase is LoadPhase.FAILED:
            self._end(clip.error)
        elif new.roi_phase is RoiPhase.NOT_FOUND:
            self._end("No pleural line was found in this clip: measure with another one.")
        elif self._step == "opening" and _is_ready(new):
            self._step = "settling"
            QTimer.singleShot(_SETTLE_MS, self, self._watch_idle)
        elif self._step == "analysing" and new.analysis.phase in (AnalysisPhase.DONE, AnalysisPhase.FAILED):
            self._step = "drawing evidence"
            QTimer.singleShot(_AFTER_MS, self, self._on_analysed)

    def _watch_idle(self) -> None:
        self._controller.change(lambda s: to.overlay_switched(s, "speckle_change", True))
        self._controller.change(lambda s: to.overlay_switched(s, "class_ribbon", True))
        self._controller.change(lambda s: to.playing_set(s, True))
        self._begin_watching()
        QTimer.singleShot(_IDLE_MS, self, self._watch_analysis)

    def _watch_analysis(self) -> None:
        self._end_watching()
        self._begin_watching()
        self._step = "analysing"
        self._controller.analysis.analyse()

    def _on_analysed(self) -> None:
        self._end_watching()
        if self._controller.state.analysis.phase is AnalysisPhase.FAILED:
            self._end(self._controller.state.analysis.message)
            return
        self._controller.change(lambda s: replace(s, overlays_shown=False))
        self._begin_watching()
        QTimer.singleShot(_BARE_MS, self, self._watch_switching)

    def _watch_switching(self) -> None:
        self._end_watching()
        self._controller.change(lambda s: replace(s, overlays_shown=True))
        self._begin_watching()
        switcher = OverlaySwitcher(self._controller, self)
        switcher.ended.connect(self._on_switched)
        switcher.start(_SWITCH_MS)

    def _on_switched(self) -> None:
        self._end_watching()
        self._end("")

    def _begin_watching(self) -> None:
        rate = self._window.shown_rate
        self._counts = (rate.shown, rate.skipped, time.perf_counter())
        self._watch = StallWatch(self)

    def _end_watching(self) -> None:
        clip, watch, rate = self._controller.state.clip, self._watch, self._window.shown_rate
        if clip is None or clip.info is None or watch is None:
            return
        watch.stop()
        shown, skipped, began = self._counts
        seconds = time.perf_counter() - began
        self._watched.append(
            PlayReport(
                seconds=seconds,
                asked_fps=clip.info.fps,
                shown_fps=(rate.shown - shown) / seconds,
                dropped=rate.skipped - skipped,
                longest_stall_ms=watch.longest_ms,
                busiest_ms=watch.busiest_ms,
            )
        )

    def _on_too_late(self) -> None:
        if self._step != "ended":
            self._end("The analysis did not end within three minutes.")

    def _end(self, fault: str) -> None:
        self.fault, self._step = fault, "ended"
        QTimer.singleShot(0, self._window.close)


class OverlaySwitcher(QObject):
    """Switches every overlay to its other state and back in turn, at the ticks of a timer; then all are as before."""

    ended = Signal()

    def __init__(self, controller: Controller, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._controller = controller
        self._before = controller.state.overlays
        self._left: list[tuple[OverlayName, bool]] = []
        for name, switch in self._before.items():
            self._left += [(name, not switch.shown), (name, switch.shown)]
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._on_timer_timeout)

    def start(self, every_ms: int) -> None:
        """Begin."""
        self._timer.start(every_ms)

    def _on_timer_timeout(self) -> None:
        if self._left:
            self._controller.switch_overlay(*self._left.pop(0))
            return
        self._timer.stop()
        self._controller.change(lambda s: replace(s, overlays=self._before))
        self.ended.emit()


def _is_ready(state: ReviewState) -> bool:
    """Return whether the clip is there, its line is found and the worker is warm: the analysis alone is measured."""
    return (
        state.clip is not None
        and state.clip.phase is LoadPhase.COMPLETE
        and state.clip.mm_per_px is not None
        and state.roi is not None
        and state.roi_phase is not RoiPhase.SEARCHING
        and state.worker.phase is WorkerPhase.READY
    )
