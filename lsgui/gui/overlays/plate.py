"""A dark plate behind words on the clip, and the icons that go with a verdict's colour."""

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen

from lsgui.core.label import SlidingLabel
from lsgui.gui.colour_map import with_alpha
from lsgui.gui.theme import DARK


def paint_plate(painter: QPainter, box: QRectF, edge: QColor | None = None) -> None:
    """Paint a dark plate, with a coloured left edge where one is given."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(with_alpha(DARK.background, 0.82))
    painter.drawRoundedRect(box, 4, 4)
    if edge is not None:
        painter.setBrush(edge)
        painter.drawRect(QRectF(box.left(), box.top(), 4, box.height()))


def paint_verdict_icon(painter: QPainter, box: QRectF, label: SlidingLabel, colour: QColor) -> None:
    """Paint the sign of a verdict in a circle: a tick for present, a bar for absent, a question mark for cannot assess.

    Shapes that stay apart without colour; the bar is the barcode's line, no cross that could be read as "wrong".
    """
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(colour, max(box.width() / 11, 1.4)))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawEllipse(box.adjusted(1, 1, -1, -1))
    pen = QPen(colour, max(box.width() / 8, 1.6))
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    painter.setPen(pen)
    if label is SlidingLabel.LS_P:
        path = QPainterPath(_within(box, 0.30, 0.52))
        path.lineTo(_within(box, 0.45, 0.67))
        path.lineTo(_within(box, 0.71, 0.36))
        painter.drawPath(path)
    elif label is SlidingLabel.LS_A:
        painter.drawLine(_within(box, 0.30, 0.5), _within(box, 0.70, 0.5))
    else:
        path = QPainterPath(_within(box, 0.37, 0.40))
        path.cubicTo(_within(box, 0.37, 0.22), _within(box, 0.66, 0.24), _within(box, 0.64, 0.42))
        path.cubicTo(_within(box, 0.62, 0.50), _within(box, 0.50, 0.50), _within(box, 0.50, 0.60))
        painter.drawPath(path)
        painter.drawPoint(_within(box, 0.50, 0.75))


def _within(box: QRectF, x: float, y: float) -> QPointF:
    return QPointF(box.left() + x * box.width(), box.top() + y * box.height())
