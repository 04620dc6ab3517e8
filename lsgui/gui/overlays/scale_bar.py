"""The scale bar: how long a round number of millimetres is on the clip, and whether that is measured or estimated."""

from PySide6.QtCore import QPointF, QSizeF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from lsgui.gui.colour_map import with_alpha
from lsgui.gui.overlays.base import OVERLAYS, Overlay, OverlayScene
from lsgui.gui.theme import DARK, SIZE_SMALL, text_font

_LENGTHS_MM = (1, 2, 5, 10, 20, 50, 100)
_WISHED = 64.0


def bar_length_mm(points_per_mm: float) -> int:
    """Return the round length in millimetres whose bar is nearest to a good size on the screen."""
    return min(_LENGTHS_MM, key=lambda mm: abs(mm * points_per_mm - _WISHED))


@OVERLAYS.register("scale_bar")
class ScaleBar(Overlay):
    """A bar in the lower left corner."""

    title = "Scale bar"
    hint = "Millimetres on the picture; says when they are estimated."
    level = 82
    row = 70

    def paint(self, painter: QPainter, scene: OverlayScene, opacity: float) -> None:
        """Paint the bar once the scale of the clip is known."""
        clip = scene.state.clip
        if clip is None or not clip.mm_per_px:
            return
        points_per_mm = scene.transform.scale_x / clip.mm_per_px
        length_mm = bar_length_mm(points_per_mm)
        length = length_mm * points_per_mm
        font = text_font(SIZE_SMALL)
        metrics = QFontMetricsF(font)
        number = f"{length_mm} mm"
        words = number if clip.calibrated else f"{number}   estimated from depth"
        size = QSizeF(length + 8 + metrics.horizontalAdvance(words), max(metrics.height(), 12.0))
        box = scene.corners.place("bottom_left", size)
        if box is None:
            return
        y, left = box.center().y(), box.left()
        for colour, width in ((with_alpha("#000000", 0.6), 3.0), (QColor(DARK.text), 1.2)):
            painter.setPen(QPen(colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap))
            painter.drawLine(QPointF(left, y), QPointF(left + length, y))
            for x in (left, left + length):
                painter.drawLine(QPointF(x, y - 5), QPointF(x, y + 5))
        painter.setFont(font)
        base = QPointF(left + length + 8, y + (metrics.ascent() - metrics.descent()) / 2)
        painter.setPen(with_alpha("#000000", 0.8))
        painter.drawText(base + QPointF(1, 1), words)
        painter.setPen(QColor(DARK.text))
        painter.drawText(base, words)
