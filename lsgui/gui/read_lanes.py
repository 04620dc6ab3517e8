"""A lane for each rater's intervals under the seek bar, on its time axis, while a clip is adjudicated."""

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from lsgui.core.interval import IntervalMark
from lsgui.core.reading import ReadingRecord
from lsgui.gui.colour_map import with_alpha
from lsgui.gui.theme import SIZE_SMALL, text_font, tokens, verdict_colour
from lsgui.gui.time_axis import BAR_INSET, TimeAxis, timeline_of
from lsgui.review.playback import Timeline
from lsgui.review.state import ReviewState

_LANE = 15
_GAP = 2


class ReadLanes(QWidget):
    """Hidden outside adjudication, and where no rater marked an interval."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._reads: tuple[ReadingRecord, ...] = ()
        self._timeline: Timeline | None = None
        self.hide()

    def sizeHint(self) -> QSize:
        """Return room for the lanes."""
        return QSize(200, len(self._reads) * (_LANE + _GAP))

    def apply(self, old: ReviewState | None, new: ReviewState) -> None:
        """Render the difference."""
        if old is not None and old.clip is new.clip and old.adjudication is new.adjudication:
            return
        self._timeline = timeline_of(new)
        reads = () if new.adjudication is None else new.adjudication.reads
        self._reads = reads if any(read.intervals for read in reads) else ()
        self.setAccessibleName("; ".join(_lane_words(read, self._timeline) for read in self._reads))
        self.setFixedHeight(max(self.sizeHint().height(), 1))
        self.setVisible(bool(self._reads) and self._timeline is not None)
        self.update()

    def words_at(self, y: float) -> str:
        """Return what the lane under the pointer says."""
        index = int(y // (_LANE + _GAP))
        return _lane_words(self._reads[index], self._timeline) if 0 <= index < len(self._reads) else ""

    def event(self, event: QEvent) -> bool:
        """Name the lane under the pointer."""
        if isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), self.words_at(event.pos().y()), self)
            return True
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint a lane a rater."""
        if self._timeline is None:
            return
        axis = TimeAxis(self._timeline, BAR_INSET, self.width() - BAR_INSET)
        painter = QPainter(self)
        painter.setFont(text_font(SIZE_SMALL))
        for index, read in enumerate(self._reads):
            lane = QRectF(axis.left, index * (_LANE + _GAP), axis.right - axis.left, _LANE)
            painter.fillRect(lane, QColor(tokens().raised))
            for mark in read.intervals:
                self._paint_interval(painter, lane, axis, mark)
            painter.setPen(QColor(tokens().text))
            painter.drawText(lane.adjusted(6, 0, -6, 0), Qt.AlignmentFlag.AlignVCenter, read.rater)

    def _paint_interval(self, painter: QPainter, lane: QRectF, axis: TimeAxis, mark: IntervalMark) -> None:
        colour = verdict_colour(mark.label)
        left = axis.x_of_frame(mark.start)
        right = axis.x_of_frame(min(mark.stop or mark.start + 1, axis.timeline.last + 1))
        box = QRectF(left, lane.top(), max(right - left, 2.0), lane.height())
        painter.fillRect(box, with_alpha(colour, 0.45))
        painter.fillRect(QRectF(box.left(), box.bottom() - 3, box.width(), 3), QColor(colour))


def _lane_words(read: ReadingRecord, timeline: Timeline | None) -> str:
    if timeline is None or not read.intervals:
        return f"{read.rater}: no interval"
    said = (
        f"{'interval' if mark.label is None else mark.label.wording} "
        f"{timeline.start_of(mark.start):.2f}–{timeline.start_of(mark.stop or mark.start + 1):.2f} s"
        for mark in read.intervals
    )
    return f"{read.rater}: {', '.join(said)}"
