"""The seek bar: the clip's time from left to right, with the frame that is shown, A-B marks and what is decoded."""

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from lsgui.gui.theme import tokens
from lsgui.gui.time_axis import BAR_INSET, TimeAxis, timeline_of
from lsgui.review.playback import Timeline
from lsgui.review.state import ReviewState

_GROOVE = 4.0


class SeekBar(QWidget):
    """Shows where the clip stands. Dragging asks for exactly the frame of the moment under the pointer."""

    frameAsked = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName("Position in the clip")
        self._timeline: Timeline | None = None
        self._frame = 0
        self._marks: tuple[int | None, int | None] = (None, None)
        self.setEnabled(False)

    def sizeHint(self) -> QSize:
        """Return a flat bar that is easy to hit."""
        return QSize(200, 20)

    def apply(self, old: ReviewState | None, new: ReviewState) -> None:
        """Render the difference."""
        if old is None or old.clip is not new.clip:
            clip = new.clip
            self._timeline = timeline_of(new)
            self.setEnabled(clip is not None and clip.frames_ready > 1)
            self.update()
        marks = (new.playback.mark_a, new.playback.mark_b)
        if new.playback.frame != self._frame or marks != self._marks:
            self._frame, self._marks = new.playback.frame, marks
            self.update()

    def axis(self) -> TimeAxis | None:
        """Return the time axis, which ribbon and M-mode share; None while there is no frame."""
        return None if self._timeline is None else TimeAxis(self._timeline, BAR_INSET, self.width() - BAR_INSET)

    def _ask_frame_under(self, event: QMouseEvent) -> None:
        axis = self.axis()
        if axis is not None:
            self.frameAsked.emit(axis.frame_at(event.position().x()))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Go where the pointer is."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._ask_frame_under(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Follow the pointer while the button is held."""
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._ask_frame_under(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Up and down step by frames where the bar has the keyboard; left and right are the window's."""
        steps = {Qt.Key.Key_Up: 1, Qt.Key.Key_Down: -1, Qt.Key.Key_PageUp: 10, Qt.Key.Key_PageDown: -10}
        step = steps.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
        else:
            self.frameAsked.emit(self._frame + step)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint groove, decoded part, A-B stretch and handle."""
        look, axis = tokens(), self.axis()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        left, right = BAR_INSET, self.width() - BAR_INSET
        self._paint_groove(painter, left, right, look.line)
        if axis is None:
            return
        if not axis.timeline.complete:
            self._paint_groove(painter, left, min(axis.x_of_frame(axis.timeline.ready), right), look.muted)
        last = axis.timeline.last
        a, b = (None if mark is None else min(mark, last) for mark in self._marks)
        at = axis.x_of_frame(min(self._frame, last))
        self._paint_groove(painter, left if a is None else axis.x_of_frame(a), at, look.accent)
        painter.setBrush(QColor(look.accent))
        for x in (None if a is None else axis.x_of_frame(a), None if b is None else axis.x_of_frame(b + 1)):
            if x is not None:
                painter.drawRect(QRectF(x - 1, 1, 2, self.height() - 2))
        self._paint_handle(painter, QPointF(at, self.height() / 2))

    def _paint_groove(self, painter: QPainter, left: float, right: float, colour: str) -> None:
        if right > left:
            painter.setBrush(QColor(colour))
            painter.drawRoundedRect(QRectF(left, (self.height() - _GROOVE) / 2, right - left, _GROOVE), 2, 2)

    def _paint_handle(self, painter: QPainter, centre: QPointF) -> None:
        look = tokens()
        radius = BAR_INSET if self.underMouse() or self.hasFocus() else BAR_INSET - 1
        painter.setBrush(QColor(look.text))
        painter.drawEllipse(centre, radius, radius)
        if self.hasFocus():
            painter.setBrush(QColor(look.accent))
            painter.drawEllipse(centre, radius - 3, radius - 3)
