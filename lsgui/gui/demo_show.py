"""The demo: the bundled clips, each analysed as it plays; as a kiosk they follow one another for hours."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

from PySide6.QtCore import QElapsedTimer, QObject, Qt, QTimer

from lsgui.gui.app import Review, open_review, run_window
from lsgui.inference.protocol import InferenceSession
from lsgui.review import transitions as to
from lsgui.review.demo_clips import DemoClip, demo_clips
from lsgui.review.state import AnalysisPhase, LoadPhase, ReviewState, RoiPhase

log = logging.getLogger(__name__)

_TICK_MS = 250
_ENDED = (AnalysisPhase.DONE, AnalysisPhase.FAILED, AnalysisPhase.CANCELLED)


class DemoShow(QObject):
    """Opens the demo clips with their own lines, says what to look for, and asks for each verdict.

    Parameters
    ----------
    review
        The window and its controller.
    demos
        What to show, in this order.
    kiosk
        Full screen without worklist, menus and label buttons; the next clip follows by itself.
    shown_s
        Seconds that a kiosk shows a clip at least, of which `verdict_s` with its verdict.
    patience_s
        Seconds after which a kiosk goes on although there is no verdict.
    """

    def __init__(
        self,
        review: Review,
        demos: Sequence[DemoClip],
        *,
        kiosk: bool = False,
        shown_s: float = 14.0,
        verdict_s: float = 8.0,
        patience_s: float = 60.0,
    ) -> None:
        super().__init__(review.window)
        self._controller = review.controller
        self._window = review.window
        self._demos = {demo.path.absolute(): demo for demo in demos}
        self._kiosk = kiosk
        self._least = (shown_s, verdict_s, patience_s)
        self._asked = False
        self._since_clip, self._since_verdict = QElapsedTimer(), QElapsedTimer()
        self._timer = QTimer(self)
        self._timer.setInterval(_TICK_MS)
        self._timer.timeout.connect(self._on_timer_timeout)
        self._controller.stateChanged.connect(self._on_controller_stateChanged)
        self._window.firstPainted.connect(self._on_window_firstPainted)
        if kiosk:
            self._clear_screen()

    def _on_window_firstPainted(self) -> None:
        if not self._demos:
            self._controller.tell("The demo clips are missing: install lsgui again.")
            return
        # a demo is no reading: its verdicts are never covered
        self._controller.change(lambda s: replace(s, blind=False))
        for path, demo in self._demos.items():
            if demo.roi is not None:
                self._controller.clips.keep_line(path, demo.roi)
        self._controller.open_paths(list(self._demos))
        if self._kiosk:
            self._since_clip.start()
            self._timer.start()

    def _on_controller_stateChanged(self, old: ReviewState, new: ReviewState) -> None:
        if self._kiosk and old.clip is not new.clip:
            self._window.columns.set_present("left", False)  # the window has just found it worth showing
        if new.clip is None or new.clip.path not in self._demos:
            return
        if old.clip is None or old.clip.path != new.clip.path:
            self._begin(self._demos[new.clip.path])
        elif not self._asked and _ready(new):
            self._asked = True
            if new.analysis.phase is AnalysisPhase.IDLE:
                self._controller.analysis.analyse()
        elif old.analysis.phase is not new.analysis.phase and new.analysis.phase is AnalysisPhase.RUNNING:
            self._introduce(self._demos[new.clip.path])  # the start of an analysis clears the notice
        if new.analysis.phase in _ENDED and not self._since_verdict.isValid():
            self._since_verdict.start()

    def _begin(self, demo: DemoClip) -> None:
        self._asked = False
        self._since_clip.start()
        self._since_verdict.invalidate()
        self._introduce(demo)

    def _introduce(self, demo: DemoClip) -> None:
        sentence = f"Simulated clip: {demo.title}. {demo.look_for}"
        # later, for the others are still hearing of the change that this answers
        QTimer.singleShot(0, self, lambda: self._controller.tell(sentence))

    def _on_timer_timeout(self) -> None:
        state = self._controller.state
        if state.clip is not None and state.clip.phase is LoadPhase.COMPLETE and not state.playback.playing:
            self._controller.change(lambda s: to.playing_set(s, True))
        shown_s, verdict_s, patience_s = self._least
        shown = self._since_clip.elapsed() / 1000.0
        judged = self._since_verdict.elapsed() / 1000.0 if self._since_verdict.isValid() else -1.0
        if (shown >= shown_s and judged >= verdict_s) or shown >= patience_s:
            self._since_clip.start()
            self._next()

    def _next(self) -> None:
        state = self._controller.state
        if not state.worklist:
            return
        following = 0 if state.selected is None else (state.selected + 1) % len(state.worklist)
        self._controller.clips.select(following)

    def _clear_screen(self) -> None:
        window = self._window
        window.menuBar().hide()
        window.label_panel.hide()
        window.overlay_panel.hide()
        window.columns.set_present("left", False)
        window.setCursor(Qt.CursorShape.BlankCursor)


def _ready(state: ReviewState) -> bool:
    clip = state.clip
    return (
        clip is not None
        and clip.phase is LoadPhase.COMPLETE
        and state.roi is not None
        and state.roi_phase is not RoiPhase.SEARCHING
    )


def open_demo_show(make_session: Callable[[], InferenceSession], *, kiosk: bool = False) -> tuple[Review, DemoShow]:
    """Return the window of a running application with the demo in it; it begins with the window's first painting."""
    review = open_review(make_session)
    return review, DemoShow(review, demo_clips(), kiosk=kiosk)


def run_demo(*, kiosk: bool = False, in_process: bool = False) -> int:
    """Open the window with the demo and return its exit status when it is closed."""

    def prepare(review: Review) -> None:
        log.info("the demo%s", " as a kiosk" if kiosk else "")
        DemoShow(review, demo_clips(), kiosk=kiosk)  # the window owns it
        if kiosk:
            review.window.setWindowState(Qt.WindowState.WindowFullScreen)

    return run_window(in_process=in_process, prepare=prepare, remembers=False)
