"""The axes of an M-mode: depth against the pleura on its left edge, time below it."""

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from lsgui.gui.colour_map import with_alpha
from lsgui.gui.mmode_job import MModeRequest
from lsgui.gui.theme import DARK, tokens
from lsgui.gui.time_axis import TimeAxis

_DEPTH_STEPS = (5, 10, 20, 50, 100, 1000)
_TIME_STEPS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 60.0, 300.0)


def paint_depth(painter: QPainter, box: QRectF, request: MModeRequest, mm_per_px: float | None) -> None:
    """Paint the pleura as a dashed line at 0, and the depths on small plates at the left edge."""
    per_unit = 1.0 / mm_per_px if mm_per_px else 1.0  # pixels of the clip per unit of the axis
    depth = request.above_px + request.below_px + 1
    metrics = QFontMetricsF(painter.font())
    step = next(s for s in _DEPTH_STEPS if s * per_unit / depth * box.height() >= 1.7 * metrics.height())
    unit = "mm" if mm_per_px else "px"
    first = -int(request.above_px / per_unit / step) * step
    for value in range(first, int(request.below_px / per_unit) + 1, step):
        y = box.top() + (request.above_px + 0.5 + value * per_unit) / depth * box.height()
        if value == 0:
            painter.setPen(QPen(with_alpha(DARK.accent, 0.9), 1.0, Qt.PenStyle.DashLine))
            painter.drawLine(QPointF(box.left(), y), QPointF(box.right(), y))
        words = f"0 {unit}" if value == 0 else f"{'+' if value > 0 else '−'}{abs(value)}"
        wide = metrics.horizontalAdvance(words) + 8
        plate = QRectF(box.left() + 3, y - metrics.height() / 2, wide, metrics.height())
        plate.moveTop(min(max(plate.top(), box.top() + 1), box.bottom() - 1 - plate.height()))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(with_alpha(DARK.background, 0.65))
        painter.drawRoundedRect(plate, 3, 3)
        painter.setPen(QColor(DARK.text))
        painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, words)


def paint_times(painter: QPainter, box: QRectF, axis: TimeAxis) -> None:
    """Paint seconds below an M-mode."""
    end = axis.timeline.end_s
    metrics = QFontMetricsF(painter.font())
    least = metrics.horizontalAdvance("00.0 s") * 2
    step = next((s for s in _TIME_STEPS if s / max(end, 1e-9) * box.width() >= least), end or 1.0)
    painter.setPen(QColor(tokens().muted))
    for index in range(int(end / step + 1e-6) + 1):
        x = axis.x_of_time(index * step)
        words = f"{index * step:g}" + (" s" if index == 0 else "")
        wide = metrics.horizontalAdvance(words)
        left = min(max(x - wide / 2, box.left()), box.right() - wide)
        painter.drawText(QPointF(left, box.bottom() + 3 + metrics.ascent()), words)
