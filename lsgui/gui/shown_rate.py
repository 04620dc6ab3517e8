"""How many different frames a second reach the screen, counted where they are painted."""

import time

from PySide6.QtCore import QEvent, QObject, Signal
from PySide6.QtWidgets import QWidget

from lsgui.review.state import ReviewState

_EVERY_S = 1.0


class ShownRate(QObject):
    """Watches the paint events of the clip's view. A frame painted twice counts once; one never painted not at all.

    Attributes
    ----------
    shown
        Different frames painted since the start.
    skipped
        Frames that were due but never painted.
    """

    rateMeasured = Signal(float)

    def __init__(self, view: QWidget, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._due: object = None
        self._painted: object = None
        self._since: float | None = None
        self._count = 0
        self.shown = 0
        self.skipped = 0
        view.installEventFilter(self)

    def apply(self, old: ReviewState | None, new: ReviewState) -> None:
        """Take note of the frame that is due."""
        if not new.playback.playing:
            if self._since is not None:
                self._since = None
                self.rateMeasured.emit(0.0)
            self._due = self._painted = None
            return
        if self._since is None:
            self._since, self._count = time.perf_counter(), 0
        due = (None if new.clip is None else new.clip.path, new.playback.frame)
        if due != self._due:
            if self._due is not None and self._due != self._painted:
                self.skipped += 1
            self._due = due

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Count the paint event of a new frame."""
        if event.type() == QEvent.Type.Paint and self._due is not None and self._due != self._painted:
            self._painted = self._due
            self.shown += 1
            self._count += 1
            self._measure()
        return False

    def _measure(self) -> None:
        now = time.perf_counter()
        if self._since is not None and now - self._since >= _EVERY_S:
            rate = self._count / (now - self._since)
            self._since, self._count = now, 0
            self.rateMeasured.emit(rate)
