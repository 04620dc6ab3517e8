"""Measures the window on this machine: how soon it opens, how it plays, whether it stutters, what it uses at rest.

`lsgui open --timing PATH` prints the figures as JSON: with a clip it is played, analysed and exported, with a folder
its clips are listed.
"""

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QGuiApplication

from lsgui.core.errors import LsguiError
from lsgui.gui.controller import Controller
from lsgui.gui.main_window import MainWindow
from lsgui.gui.play_report import (
    IdleReport,
    PlayReport,
    StallReport,
    StartReport,
    WindowReport,
    child_pids,
    start_report,
    worker_cpu_s,
)
from lsgui.gui.stall_watch import StallWatch
from lsgui.review import transitions as to
from lsgui.review.state import AnalysisPhase, LoadPhase, OverlayName, RoiPhase, WorkerPhase

_TICK_MS = 20
_SETTLE_S = 1.5
"""Rest before something idle is measured: what was queued is done by then."""
_AFTER_S = 1.0
_SWITCH_MS = 150
"""Time between two switches of an overlay: each is on or off for a few frames."""
_FAST = 4.0
_VISIBLE_MS = 50.0
"""A gap that long is seen as a stutter."""
_PATIENCE_S = 180.0

Steps = Generator[Callable[[], bool] | float]
"""Each step yields what it waits for, or how many seconds."""


@dataclass(frozen=True, slots=True)
class PlayErrand:
    """What is measured after the first painting.

    Attributes
    ----------
    clip
        A clip was asked for: it is played, analysed and exported.
    folder
        A folder was asked for: the listing of its clips is watched.
    seconds
        How long each playing and each rest is watched; 0 for the start alone.
    """

    clip: bool = False
    folder: bool = False
    seconds: float = 4.0


class PlayTest(QObject):
    """Waits for the first painting, does its errand, then closes the window.

    Attributes
    ----------
    report
        What was measured; None until the first painting.
    fault
        One sentence where the errand could not be done; empty otherwise.
    """

    def __init__(self, controller: Controller, window: MainWindow, errand: PlayErrand) -> None:
        super().__init__(window)
        self._controller = controller
        self._window = window
        self._errand = errand
        self._started: StartReport | None = None
        self._plays: dict[str, PlayReport] = {}
        self._stalls: dict[str, StallReport] = {}
        self._idles: dict[str, IdleReport] = {}
        self.fault = ""
        self._steps = self._all()
        self._until: Callable[[], bool] | None = None
        self._begun = time.monotonic()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._on_timer_timeout)
        window.firstPainted.connect(self._on_window_firstPainted)

    @property
    def report(self) -> WindowReport | None:
        """What was measured so far."""
        if self._started is None:
            return None
        screen = QGuiApplication.primaryScreen()
        rate = 0.0 if screen is None else screen.refreshRate()
        return WindowReport(QGuiApplication.platformName(), rate, self._started, self._plays, self._stalls, self._idles)

    def _on_window_firstPainted(self) -> None:
        self._started = start_report()
        self._go_on()

    def _on_timer_timeout(self) -> None:
        try:
            if self._until is not None and not self._until():
                if time.monotonic() - self._begun > _PATIENCE_S:
                    raise LsguiError("The window did not get on within three minutes: see its log.")
                return
        except LsguiError as fault:
            self._end(str(fault))
            return
        self._go_on()

    def _go_on(self) -> None:
        """Do the next step; no timer runs while a step waits for time alone, or it would be measured at rest."""
        self._timer.stop()
        try:
            wanted = next(self._steps)
        except StopIteration:
            self._end("")
        except LsguiError as fault:
            self._end(str(fault))
        else:
            self._begun = time.monotonic()
            if isinstance(wanted, float):
                QTimer.singleShot(round(wanted * 1000), self, self._go_on)
            else:
                self._until = wanted
                self._timer.start(_TICK_MS)

    def _end(self, fault: str) -> None:
        self.fault = fault
        self._timer.stop()
        QTimer.singleShot(0, self._window.close)

    # The steps

    def _all(self) -> Steps:
        if not self._errand.seconds:
            return
        if self._errand.folder:
            yield from self._list()
        elif self._errand.clip:
            yield from self._see_clip()
        else:
            yield self._is_warm
            yield from self._rest("start")

    def _list(self) -> Steps:
        watch = StallWatch(self)
        yield self._is_listed
        yield _AFTER_S  # what the store knows of the clips, and their pictures, come after the names
        self._stalls["listing"] = _stall(watch)
        yield self._is_warm
        self._set_playing(False)
        yield from self._rest("worklist")

    def _see_clip(self) -> Steps:
        watch = StallWatch(self)
        yield self._is_ready
        self._stalls["decoding"] = _stall(watch)
        yield self._is_warm
        self._set_playing(False)
        yield from self._rest("clip")
        yield from self._judge()
        yield from self._look()
        yield from self._export()
        self._set_playing(False)
        yield from self._rest("verdict")

    def _judge(self) -> Steps:
        """Play, and analyse while it plays, with heat map and ribbon switched on."""
        controller, seconds = self._controller, self._errand.seconds
        controller.change(lambda s: to.overlay_switched(s, "speckle_change", True))
        controller.change(lambda s: to.overlay_switched(s, "class_ribbon", True))
        self._set_playing(True)
        yield from self._play("before_analysis", seconds)
        controller.analysis.analyse()
        yield from self._play("analysing", self._is_analysed)
        if controller.state.analysis.phase is not AnalysisPhase.DONE:
            raise LsguiError(controller.state.analysis.message or controller.state.notice or "There is no verdict.")
        yield _AFTER_S  # the maps of the evidence are on their way

    def _look(self) -> Steps:
        """Play with the evidence, without any overlay, four times as fast, and while overlays are switched."""
        controller, seconds = self._controller, self._errand.seconds
        yield from self._play("evidence", seconds)
        controller.change(lambda s: to.speed_set(s, _FAST))
        yield from self._play("fast", seconds)
        controller.change(lambda s: to.speed_set(s, 1.0))
        controller.change(lambda s: replace(s, overlays_shown=False))
        yield from self._play("bare", seconds)
        controller.change(lambda s: replace(s, overlays_shown=True))
        switched: list[bool] = []
        switcher = OverlaySwitcher(controller, self)
        switcher.ended.connect(lambda: switched.append(True))
        switcher.start(_SWITCH_MS)
        yield from self._play("switching", lambda: bool(switched))

    def _export(self) -> Steps:
        """Export report, picture and table while the clip plays: into a folder, and from a store, of its own."""
        from tempfile import TemporaryDirectory

        from lsgui.gui.export_task import BundleTask, export_subject
        from lsgui.gui.export_thread import Exporter

        with TemporaryDirectory(prefix="lsgui-timing-") as folder:
            subject = export_subject(self._controller.state, None, Path(folder) / "labels.sqlite")
            if subject is None:
                return
            ended: list[str] = []
            exporter = Exporter(self)
            exporter.maskWanted.connect(lambda wanted: exporter.approve(wanted, wanted.proposed, "timing"))
            exporter.ended.connect(lambda end: ended.append(end.sentence if end.folder is None else ""))
            exporter.submit(BundleTask(subject, ("report", "picture", "windows"), Path(folder) / "out"))
            yield from self._play("exporting", lambda: bool(ended))
            exporter.stop()
            if ended[0]:
                raise LsguiError(ended[0])

    # What a step waits for

    def _is_warm(self) -> bool:
        return self._controller.state.worker.phase in (WorkerPhase.READY, WorkerPhase.STOPPED)

    def _is_listed(self) -> bool:
        state = self._controller.state
        if state.notice and not state.worklist and not state.scanning:
            raise LsguiError(state.notice)
        return not state.scanning and state.clip is not None and state.clip.phase is LoadPhase.COMPLETE

    def _is_ready(self) -> bool:
        """Return whether the clip is there and its line is found."""
        state = self._controller.state
        if state.clip is None:
            return False
        if state.clip.phase is LoadPhase.FAILED:
            raise LsguiError(state.clip.error)
        if state.roi_phase is RoiPhase.NOT_FOUND:
            raise LsguiError("No pleural line was found in this clip: measure with another one.")
        known = state.clip.phase is LoadPhase.COMPLETE and state.clip.mm_per_px is not None
        return known and state.roi is not None and state.roi_phase is not RoiPhase.SEARCHING

    def _is_analysed(self) -> bool:
        return self._controller.state.analysis.phase is not AnalysisPhase.RUNNING

    # Measuring

    def _set_playing(self, playing: bool) -> None:
        self._controller.change(lambda s: to.playing_set(s, playing))

    def _rest(self, shown: str) -> Steps:
        """Leave the window alone, and note what it uses."""
        yield _SETTLE_S
        worker = next(iter(child_pids("lsgui-worker")), None)
        before = (time.perf_counter(), time.process_time(), worker_cpu_s(worker))
        yield self._errand.seconds
        after = (time.perf_counter(), time.process_time(), worker_cpu_s(worker))
        seconds = after[0] - before[0]
        used = None if before[2] is None or after[2] is None else 100.0 * (after[2] - before[2]) / seconds
        self._idles[shown] = IdleReport(seconds, 100.0 * (after[1] - before[1]) / seconds, used)

    def _play(self, what: str, until: Callable[[], bool] | float) -> Steps:
        """Watch the clip playing for so long."""
        rate = self._window.shown_rate
        shown, skipped, began, used = rate.shown, rate.skipped, time.perf_counter(), time.thread_time()
        watch = StallWatch(self)
        yield until
        painted, seconds = rate.shown - shown, time.perf_counter() - began
        used = time.thread_time() - used
        due = int(seconds * min(self._asked_fps(), _refresh_hz() or self._asked_fps()))
        self._plays[what] = PlayReport(
            asked_fps=self._asked_fps(),
            shown_fps=painted / seconds,
            dropped=max(rate.skipped - skipped, due - 1 - painted),  # one may be due as the watch ends
            paint_ms=1000.0 * used / max(painted, 1),
            stall=_stall(watch),
        )

    def _asked_fps(self) -> float:
        clip = self._controller.state.clip
        fps = 0.0 if clip is None or clip.info is None else clip.info.fps
        return fps * self._controller.state.playback.speed


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


def _refresh_hz() -> float:
    screen = QGuiApplication.primaryScreen()
    return 0.0 if screen is None else screen.refreshRate()


def _stall(watch: StallWatch) -> StallReport:
    watch.stop()
    return StallReport(
        seconds=sum(watch.gaps_ms) / 1000.0,
        longest_ms=watch.longest_ms,
        over_50_ms=sum(gap > _VISIBLE_MS for gap in watch.gaps_ms),
        busiest_ms=watch.busiest_ms,
    )
