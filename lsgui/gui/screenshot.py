"""Takes a picture of the window once the first clip is analysed, for documents and tests."""

from pathlib import Path

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QWidget

from lsgui.gui.controller import Controller
from lsgui.review import transitions as to
from lsgui.review.state import AnalysisPhase, LoadPhase, ReviewState, RoiPhase

_SETTLE_MS = 600
_LONGEST_MS = 120_000


class ScreenshotTaker(QObject):
    """Accepts the suggested line, waits for the verdict, pauses in the middle of the clip, saves a PNG, closes.

    Attributes
    ----------
    fault
        One sentence where no picture could be taken; empty otherwise.
    """

    def __init__(self, controller: Controller, window: QWidget, path: Path) -> None:
        super().__init__(window)
        self._controller = controller
        self._window = window
        self._path = path
        self._asked = False
        self._done = False
        self.fault = ""
        controller.stateChanged.connect(self._on_controller_stateChanged)
        QTimer.singleShot(_LONGEST_MS, self, self._on_too_late)
        if controller.state.clip is None:
            QTimer.singleShot(3_000, self, self._on_nothing_opened)

    def _on_controller_stateChanged(self, old: ReviewState, new: ReviewState) -> None:
        if self._done or new.clip is None:
            return
        complete = new.clip.phase is LoadPhase.COMPLETE
        if complete and new.roi is not None and not self._asked and new.roi_phase is not RoiPhase.SEARCHING:
            self._asked = True
            self._controller.analysis.analyse()
        elif (
            new.clip.phase is LoadPhase.FAILED
            or new.roi_phase is RoiPhase.NOT_FOUND
            or new.analysis.phase in (AnalysisPhase.DONE, AnalysisPhase.FAILED)
        ):
            self._finish()

    def _on_nothing_opened(self) -> None:
        if self._controller.state.clip is None and not self._controller.state.scanning:
            self._finish()

    def _on_too_late(self) -> None:
        if not self._done:
            self.fault = "No picture was taken: the analysis did not end within two minutes."
            self._window.close()

    def _finish(self) -> None:
        if not self._done:
            self._done = True
            ready = 0 if self._controller.state.clip is None else self._controller.state.clip.frames_ready
            self._controller.change(lambda s: to.frame_shown(to.playing_set(s, False), ready // 2))
            QTimer.singleShot(_SETTLE_MS, self, self._save)

    def _save(self) -> None:
        if not self._window.grab().save(str(self._path), "PNG"):
            self.fault = f"{self._path.name} cannot be written: choose another folder."
        self._window.close()
