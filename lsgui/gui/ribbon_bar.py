"""The ribbon: the probability of absent sliding over time, in the verdict's colours, above the seek bar."""

import math

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QBrush, QColor, QHelpEvent, QMouseEvent, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from lsgui.core.prediction import WindowScore
from lsgui.gui.colour_map import mixed, probability_colour
from lsgui.gui.theme import tokens
from lsgui.gui.time_axis import BAR_INSET, TimeAxis, timeline_of
from lsgui.gui.verdict_text import number_words
from lsgui.review.playback import Timeline
from lsgui.review.state import AnalysisPhase, ReviewState

_HEIGHT = 14
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
    """Paints the ribbon as it grows; a click asks for the frame under the pointer."""

    frameAsked = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(_HEIGHT)
        self.setAccessibleName("Probability of absent sliding over time")
        self._timeline: Timeline | None = None
        self._values: npt.NDArray[np.float64] = np.zeros(0)
        self._threshold = _UNTIL_KNOWN
        self._covered = False
        self._faded = False

    def sizeHint(self) -> QSize:
        """Return a flat bar."""
        return QSize(200, _HEIGHT)

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
            self._faded = analysis.stale or analysis.phase in (AnalysisPhase.CANCELLED, AnalysisPhase.FAILED)
        self._covered = new.verdict_hidden
        if old is None or clip_changed or old.analysis is not analysis or old.verdict_hidden != new.verdict_hidden:
            self.setCursor(Qt.CursorShape.ArrowCursor if self._timeline is None else Qt.CursorShape.PointingHandCursor)
            self.update()

    # Painting

    def _axis(self) -> TimeAxis | None:
        if self._timeline is None:
            return None
        return TimeAxis(self._timeline, BAR_INSET, self.width() - BAR_INSET)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint track and colours."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        look = tokens()
        bar = QRectF(BAR_INSET, 0, self.width() - 2 * BAR_INSET, self.height())
        shape = QPainterPath()
        shape.addRoundedRect(bar, 3, 3)
        painter.fillPath(shape, QColor(look.raised))
        axis = self._axis()
        scored = bool(np.isfinite(self._values).any())
        if axis is not None and scored and not self._covered:
            painter.setClipPath(shape)
            strength = 0.4 if self._faded else 0.9
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            for start, stop in _runs(self._values):
                left, right = axis.x_of_frame(start), axis.x_of_frame(stop)
                value = float(self._values[start])
                if math.isfinite(value):
                    painter.fillRect(
                        QRectF(left, 0, right - left + 0.5, bar.height()),
                        mixed(QColor(look.raised), probability_colour(value, self._threshold, look), strength),
                    )
                else:
                    hatch = QBrush(QColor(look.muted), Qt.BrushStyle.BDiagPattern)
                    painter.fillRect(QRectF(left, 0, right - left, bar.height()), hatch)
        painter.end()

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

    def words_at(self, x: float) -> str:
        """Return what the tooltip says at a horizontal position."""
        axis = self._axis()
        if axis is None:
            return ""
        if self._covered:
            return "Hidden until you save your reading"
        frame = axis.frame_at(x)
        where = f"{axis.timeline.start_of(frame):.2f} s · frame {frame + 1}"
        if frame >= len(self._values) or not np.isfinite(self._values).any():
            return f"{where}\nNot analysed yet"
        value = self._values[frame]
        return f"{where}\n" + (f"p(absent) {number_words(value)}" if math.isfinite(value) else "not scored")

    def event(self, event: QEvent) -> bool:
        """Show the probability under the pointer."""
        if isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), self.words_at(event.pos().x()), self)
            return True
        return super().event(event)


def _runs(values: npt.NDArray[np.float64]) -> list[tuple[int, int]]:
    """Return (start, stop) of every run of equal values; NaN equals NaN."""
    if len(values) == 0:
        return []
    a, b = values[:-1], values[1:]
    edges = np.flatnonzero(~((a == b) | (np.isnan(a) & np.isnan(b)))) + 1
    starts = [0, *edges.tolist()]
    return list(zip(starts, [*starts[1:], len(values)], strict=True))
