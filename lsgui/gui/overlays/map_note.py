"""Says that a map is being made, how far it is, and how it is stopped."""

from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter

from lsgui.gui.overlays.base import OVERLAYS, Overlay, OverlayScene
from lsgui.gui.overlays.plate import paint_plate
from lsgui.gui.theme import DARK, SIZE_SMALL, text_font
from lsgui.review.state import MapWork

_BAR = 3.0


def map_work_words(work: MapWork) -> str:
    """Return "Computing the flow map by RAFT … 40 %, Esc stops"."""
    return f"Computing the {work.words} … {round(100 * work.fraction)} %, Esc stops"


@OVERLAYS.register("map_note")
class MapNote(Overlay):
    """A plate with a thin bar under the legend, while a map is being made."""

    title = "Map being made"
    level = 82
    switchable = False
    always = True

    def paint(self, painter: QPainter, scene: OverlayScene, opacity: float) -> None:
        """Paint the plate in the upper right corner."""
        work = scene.state.analysis.map_work
        if work is None:
            return
        words = map_work_words(work)
        font = text_font(SIZE_SMALL)
        metrics = QFontMetricsF(font)
        widest = metrics.horizontalAdvance(words.replace(f"{round(100 * work.fraction)} %", "100 %"))
        box = scene.corners.place("top_right", QSizeF(widest + 20, metrics.height() + _BAR + 20))
        if box is None:
            return
        paint_plate(painter, box)
        inner = box.adjusted(10, 8, -10, -8)
        painter.setFont(font)
        painter.setPen(QColor(DARK.text))
        painter.drawText(QPointF(inner.left(), inner.top() + metrics.ascent()), words)
        bar = QRectF(inner.left(), inner.bottom() - _BAR, inner.width(), _BAR)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(DARK.line))
        painter.drawRoundedRect(bar, 1.5, 1.5)
        painter.setBrush(QColor(DARK.accent))
        painter.drawRoundedRect(QRectF(bar.topLeft(), QSizeF(bar.width() * work.fraction, _BAR)), 1.5, 1.5)
