"""The legend of the heat maps that are shown: what is measured, its colours, its numbers with units."""

from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QLinearGradient, QPainter

from lsgui.core.motion_map import MotionMap
from lsgui.gui.colour_map import RAMPS
from lsgui.gui.overlays.base import OVERLAYS, Overlay, OverlayScene
from lsgui.gui.overlays.heatmap import HeatMap
from lsgui.gui.overlays.plate import paint_plate
from lsgui.gui.theme import DARK, SIZE_SMALL, text_font

_BAR = 8.0
_WIDTH = 168.0


@OVERLAYS.register("legend")
class Legend(Overlay):
    """One plate for every heat map on the clip."""

    title = "Legend"
    level = 81
    switchable = False
    shows_verdict = True

    def paint(self, painter: QPainter, scene: OverlayScene, opacity: float) -> None:
        """Paint a plate in the upper right corner for every heat map that is switched on and there."""
        for name, kind in OVERLAYS.items():
            if not issubclass(kind, HeatMap) or not scene.switch(name).shown or scene.line is None:
                continue
            motion = scene.state.analysis.maps.get(kind.quantity)
            if motion is not None:
                _paint_plate(painter, scene, kind, motion)


def _paint_plate(painter: QPainter, scene: OverlayScene, kind: type[HeatMap], motion: MotionMap) -> None:
    font = text_font(SIZE_SMALL)
    metrics = QFontMetricsF(font)
    caption = kind.caption + (f" ({motion.unit})" if motion.unit else "")
    wide = max(metrics.horizontalAdvance(caption), metrics.horizontalAdvance(motion.note), _WIDTH)
    lines = 3 if motion.note else 2
    box = scene.corners.place("top_right", QSizeF(wide + 20, lines * metrics.height() + _BAR + 22))
    if box is None:
        return
    paint_plate(painter, box)
    inner = box.adjusted(10, 8, -10, -8)
    painter.setFont(font)
    painter.setPen(QColor(DARK.text))
    painter.drawText(QPointF(inner.left(), inner.top() + metrics.ascent()), caption)
    bar = QRectF(inner.left(), inner.top() + metrics.height() + 4, inner.width(), _BAR)
    gradient = QLinearGradient(bar.topLeft(), bar.topRight())
    stops = RAMPS[kind.ramp]
    for index, colour in enumerate(stops):
        gradient.setColorAt(index / (len(stops) - 1), QColor(colour))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(gradient)
    painter.drawRoundedRect(bar, 2, 2)
    painter.setPen(QColor(DARK.muted))
    below = QRectF(inner.left(), bar.bottom() + 2, inner.width(), metrics.height())
    places = (Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignHCenter, Qt.AlignmentFlag.AlignRight)
    for words, where in zip(kind.scale_words(motion), places, strict=True):
        painter.drawText(below, int(where), words)
    if motion.note:
        painter.drawText(below.translated(0, metrics.height()), int(Qt.AlignmentFlag.AlignLeft), motion.note)
