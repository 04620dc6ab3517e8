"""The ribbon: the probability of absent sliding over time, in the verdict's colours, above the seek bar.

Above, over the whole line; below it, where the model tells them apart, for every stretch of pleura: the first row is
the line's left end.
"""

import math

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QBrush,
    QColor,
    QHelpEvent,
    QImage,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QPolygonF,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from lsgui.core.prediction import WindowScore
from lsgui.gui.colour_map import mixed, probability_colour
from lsgui.gui.ribbon_grid import Probabilities, grid_image, stretch_probabilities
from lsgui.gui.theme import tokens
from lsgui.gui.time_axis import BAR_INSET, TimeAxis, timeline_of
from lsgui.inference.verdict import LungPoint
from lsgui.inference.verdict_words import number_words
from lsgui.review.mmode_transitions import boundary, boundary_words
from lsgui.review.playback import Timeline
from lsgui.review.state import AnalysisPhase, ReviewState

_WHOLE, _BETWEEN, _GRID = 10, 2, 20
"""Heights of the ribbon of the whole line, of the gap below it, and of that of its stretches."""
_UNTIL_KNOWN = 0.5
"""Threshold by which windows are coloured while the verdict, which brings its own, is not there yet."""


def frame_probability(windows: tuple[WindowScore, ...], frames: int) -> npt.NDArray[np.float64]:
    """Return p(absent) of every frame, (frames,): the mean of the windows that hold it, NaN where none does."""
    total, count = np.zeros(frames), np.zeros(frames)
    for window in windows:
        if math.isfinite(window.p_absent):
            total[max(window.start, 0) : window.stop] += window.p_absent
            count[max(window.start, 0) : window.stop] += 1
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


class RibbonBar(QWidget):
    """Paints the ribbon as it grows, with a possible lung point; a click asks for the frame under the pointer."""

    frameAsked = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(_WHOLE + _BETWEEN + _GRID)
        self.setAccessibleName("Probability of absent sliding over time")
        self._timeline: Timeline | None = None
        self._values: npt.NDArray[np.float64] = np.zeros(0)
        self._stretches: Probabilities | None = None
        self._boundary: LungPoint | None = None
        self._threshold = _UNTIL_KNOWN
        self._covered = False
        self._faded = False
        self._image = QImage()
        self._image_of: tuple[object, ...] = ()

    def sizeHint(self) -> QSize:
        """Return a flat bar."""
        return QSize(200, _WHOLE + _BETWEEN + _GRID)

    def apply(self, old: ReviewState | None, new: ReviewState) -> None:
        """Render what differs between two states."""
        clip_changed = old is None or old.clip is not new.clip
        if clip_changed:
            self._timeline = timeline_of(new)
        analysis = new.analysis
        if clip_changed or old is None or old.analysis is not analysis:
            windows = analysis.windows if analysis.prediction is None else analysis.prediction.windows
            self._threshold = _UNTIL_KNOWN if analysis.prediction is None else analysis.prediction.threshold
            frames = 0 if self._timeline is None else len(self._timeline.starts)
            self._values = frame_probability(windows, frames)
            self._stretches = stretch_probabilities(analysis.prediction, frames) if frames else None
            self._faded = analysis.stale or analysis.phase in (AnalysisPhase.CANCELLED, AnalysisPhase.FAILED)
        self._covered = new.verdict_hidden
        if old is None or clip_changed or old.analysis is not analysis or old.verdict_hidden != new.verdict_hidden:
            self._boundary = boundary(new)
            self.setCursor(Qt.CursorShape.ArrowCursor if self._timeline is None else Qt.CursorShape.PointingHandCursor)
            self.update()

    # Painting

    def _axis(self) -> TimeAxis | None:
        if self._timeline is None:
            return None
        return TimeAxis(self._timeline, BAR_INSET, self.width() - BAR_INSET)

    def _bars(self) -> tuple[QRectF, QRectF]:
        """Return where the ribbon of the whole line lies, and that of its stretches."""
        wide = self.width() - 2 * BAR_INSET
        return QRectF(BAR_INSET, 0, wide, _WHOLE), QRectF(BAR_INSET, _WHOLE + _BETWEEN, wide, _GRID)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint tracks, colours and a possible lung point."""
        painter = QPainter(self)
        look = tokens()
        axis = self._axis()
        whole, grid = self._bars()
        scored = axis is not None and not self._covered and bool(np.isfinite(self._values).any())
        for bar in (whole, grid):
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            shape = QPainterPath()
            shape.addRoundedRect(bar, 3, 3)
            painter.fillPath(shape, QColor(look.raised))
            if axis is None or not scored:
                continue
            painter.save()
            painter.setClipPath(shape)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            if bar is whole:
                self._paint_whole(painter, bar, axis)
            else:
                self._paint_stretches(painter, bar, axis)
            painter.restore()
        if axis is not None and scored and self._boundary is not None and not self._faded:
            _paint_boundary(painter, self._boundary, axis, grid, look.text)
        painter.end()

    def _paint_whole(self, painter: QPainter, bar: QRectF, axis: TimeAxis) -> None:
        look = tokens()
        for start, stop in _runs(self._values):
            left, right = axis.x_of_frame(start), axis.x_of_frame(stop)
            value = float(self._values[start])
            if math.isfinite(value):
                colour = mixed(QColor(look.raised), probability_colour(value, self._threshold, look), self._strength())
                painter.fillRect(QRectF(left, 0, right - left + 0.5, bar.height()), colour)
            else:
                hatch = QBrush(QColor(look.muted), Qt.BrushStyle.BDiagPattern)
                painter.fillRect(QRectF(left, 0, right - left, bar.height()), hatch)

    def _paint_stretches(self, painter: QPainter, bar: QRectF, axis: TimeAxis) -> None:
        values, look = self._stretches, tokens()
        if values is None:
            return
        width = max(round(bar.width() * self.devicePixelRatioF()), 1)
        key = (values, width, look.name, self._threshold, self._strength(), axis.timeline)
        if len(self._image_of) != len(key) or self._image_of[0] is not values or self._image_of[1:] != key[1:]:
            self._image = grid_image(values, axis, width, self._threshold, self._strength(), look)
            self._image_of = key
        painter.drawImage(bar, self._image)

    def _strength(self) -> float:
        return 0.4 if self._faded else 0.9

    # Pointer

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Go where the pointer is."""
        axis = self._axis()
        if axis is not None and event.button() == Qt.MouseButton.LeftButton:
            self.frameAsked.emit(axis.frame_at(event.position().x()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Follow the pointer while the button is held."""
        axis = self._axis()
        if axis is not None and event.buttons() & Qt.MouseButton.LeftButton:
            self.frameAsked.emit(axis.frame_at(event.position().x()))

    def words_at(self, x: float, y: float = 0.0) -> str:
        """Return what the tooltip says at a position: of the whole line, or of the stretch under the pointer."""
        axis = self._axis()
        if axis is None:
            return ""
        if self._covered:
            return "Hidden until you save your reading"
        frame = axis.frame_at(x)
        where = f"{axis.timeline.start_of(frame):.2f} s · frame {frame + 1}"
        if frame >= len(self._values) or not np.isfinite(self._values).any():
            return f"{where}\nNot analysed yet"
        value, of = float(self._values[frame]), ""
        grid = self._bars()[1]
        if self._stretches is not None and y >= grid.top():
            count = len(self._stretches)
            row = min(int((y - grid.top()) / grid.height() * count), count - 1)
            value = float(self._stretches[row, frame])
            of = f"stretch {row + 1} of {count} ({100 * row / count:.0f}–{100 * (row + 1) / count:.0f} % of the line): "
        words = f"{where}\n{of}" + (f"p(absent) {number_words(value)}" if math.isfinite(value) else "not scored")
        return words + ("" if self._boundary is None else f"\n{boundary_words(self._boundary).capitalize()}")

    def event(self, event: QEvent) -> bool:
        """Show the probability under the pointer."""
        if isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), self.words_at(event.pos().x(), event.pos().y()), self)
            return True
        return super().event(event)


def _paint_boundary(painter: QPainter, found: LungPoint, axis: TimeAxis, grid: QRectF, colour: str) -> None:
    """Mark a possible lung point: a dashed line between two stretches, or a moment with its wedge."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if found.along is not None:
        y = grid.top() + grid.height() * found.along
        pen = QPen(QColor(colour), 1.6)
        pen.setDashPattern([4.0, 3.0])
        painter.setPen(pen)
        painter.drawLine(QPointF(grid.left(), y), QPointF(grid.right(), y))
    elif found.time_s is not None:
        x = axis.x_of_time(found.time_s)
        painter.setPen(QPen(QColor(colour), 1.6))
        painter.drawLine(QPointF(x, 0), QPointF(x, grid.bottom()))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colour))
        painter.drawPolygon(QPolygonF([QPointF(x - 5, 0), QPointF(x + 5, 0), QPointF(x, 6)]))


def _runs(values: npt.NDArray[np.float64]) -> list[tuple[int, int]]:
    """Return (start, stop) of every run of equal values; NaN equals NaN."""
    if len(values) == 0:
        return []
    a, b = values[:-1], values[1:]
    edges = np.flatnonzero(~((a == b) | (np.isnan(a) & np.isnan(b)))) + 1
    starts = [0, *edges.tolist()]
    return list(zip(starts, [*starts[1:], len(values)], strict=True))
