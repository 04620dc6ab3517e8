"""The seek bar: the clip's time from left to right, with the frame that is shown, A-B marks and what is decoded."""

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from lsgui.core.interval import IntervalMark
from lsgui.gui.theme import tokens, verdict_colour
from lsgui.gui.time_axis import BAR_INSET, TimeAxis, timeline_of
from lsgui.inference.verdict import LungPoint
from lsgui.review.mmode_transitions import boundary, boundary_words
from lsgui.review.playback import Timeline
from lsgui.review.state import ReviewState

_GROOVE = 4.0
_INTERVAL = 4.0
"""How thick intervals are drawn, below the groove."""
_NEAR = 8.0
"""Points from a possible lung point within which it is named."""


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
        self._intervals: tuple[IntervalMark, ...] = ()
        self._boundary: LungPoint | None = None
        self.setEnabled(False)

    def sizeHint(self) -> QSize:
        """Return a flat bar that is easy to hit."""
        return QSize(200, 24)

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
        if old is None or old.analysis is not new.analysis or old.verdict_hidden != new.verdict_hidden:
            found = boundary(new)
            found = None if found is None or found.time_s is None or new.analysis.stale else found
            if found != self._boundary:
                self._boundary = found
                self.update()
        if new.intervals != self._intervals:
            self._intervals = new.intervals
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

    def words_at(self, x: float) -> str:
        """Return what the tooltip says at a horizontal position: the intervals and the lung point that lie there."""
        axis = self.axis()
        if axis is None:
            return ""
        frame = axis.frame_at(x)
        here = (mark for mark in self._intervals if mark.start <= frame < self._stop_of(mark))
        words = [_words(mark, axis) for mark in here]
        found = self._boundary
        if found is not None and found.time_s is not None and abs(axis.x_of_time(found.time_s) - x) <= _NEAR:
            words.append(boundary_words(found).capitalize())
        return "\n".join(words)

    def event(self, event: QEvent) -> bool:
        """Name the intervals under the pointer."""
        if isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), self.words_at(event.pos().x()), self)
            return True
        return super().event(event)

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
        self._paint_intervals(painter, axis)
        self._paint_boundary(painter, axis)
        self._paint_handle(painter, QPointF(at, self.height() / 2))

    def _stop_of(self, mark: IntervalMark) -> int:
        """Return the frame after an interval; one that is only begun reaches to the frame on screen."""
        return max(self._frame, mark.start) + 1 if mark.stop is None else mark.stop

    def _paint_intervals(self, painter: QPainter, axis: TimeAxis) -> None:
        top, foot = self.height() / 2 + 7, self.height() / 2 + 7 + _INTERVAL
        for mark in self._intervals:
            colour = QColor(verdict_colour(mark.label))
            left = axis.x_of_frame(mark.start)
            right = axis.x_of_frame(min(self._stop_of(mark), axis.timeline.last + 1))
            painter.setBrush(colour)
            painter.drawRect(QRectF(left, top - 4, 2, foot - top + 4))
            if mark.stop is None:
                colour.setAlphaF(0.5)
                painter.setBrush(colour)
            else:
                painter.drawRect(QRectF(right - 2, top - 4, 2, foot - top + 4))
            painter.drawRect(QRectF(left, top, max(right - left, 2.0), foot - top))

    def _paint_boundary(self, painter: QPainter, axis: TimeAxis) -> None:
        """Mark the moment of a possible lung point by a diamond on the groove."""
        if self._boundary is None or self._boundary.time_s is None:
            return
        x, y, half = axis.x_of_time(self._boundary.time_s), self.height() / 2, 5.5
        painter.setBrush(QColor(tokens().text))
        corners = [QPointF(x, y - half), QPointF(x + half, y), QPointF(x, y + half), QPointF(x - half, y)]
        painter.drawPolygon(QPolygonF(corners))

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


def _words(mark: IntervalMark, axis: TimeAxis) -> str:
    says = "Interval" if mark.label is None else mark.label.wording
    start = f"{axis.timeline.start_of(mark.start):.2f}"
    if mark.stop is None:
        return f"{says} from {start} s: I marks its end, Esc drops it"
    return f"{says} {start}–{axis.timeline.start_of(mark.stop):.2f} s · frames {mark.start + 1}–{mark.stop}"
