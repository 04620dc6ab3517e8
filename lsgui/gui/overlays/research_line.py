"""The line that goes with every verdict: research use only."""

from PySide6.QtCore import QPointF, QSizeF
from PySide6.QtGui import QColor, QFontMetricsF, QPainter

from lsgui.core.label import RESEARCH_LINE
from lsgui.gui.colour_map import with_alpha
from lsgui.gui.overlays.base import OVERLAYS, Overlay, OverlayScene
from lsgui.gui.theme import DARK, SIZE_SMALL, text_font


@OVERLAYS.register("research_line")
class ResearchLine(Overlay):
    """In the lower right corner whenever there is a verdict, also when the overlays are cleared."""

    title = "Research use"
    level = 83
    switchable = False
    shows_verdict = True
    always = True

    def paint(self, painter: QPainter, scene: OverlayScene, opacity: float) -> None:
        """Paint the line once there is a verdict."""
        if scene.state.analysis.prediction is None:
            return
        font = text_font(SIZE_SMALL)
        metrics = QFontMetricsF(font)
        box = scene.corners.place("bottom_right", QSizeF(metrics.horizontalAdvance(RESEARCH_LINE), metrics.height()))
        if box is None:
            return
        painter.setFont(font)
        base = QPointF(box.left(), box.top() + metrics.ascent())
        painter.setPen(with_alpha("#000000", 0.8))
        painter.drawText(base + QPointF(1, 1), RESEARCH_LINE)
        painter.setPen(QColor(DARK.muted))
        painter.drawText(base, RESEARCH_LINE)
