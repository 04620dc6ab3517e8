"""The pleural line with its handles: solid when drawn by hand or read from a file, dashed while only suggested.

A suggestion that the program is not sure of is dotted in the colour of warnings.
"""

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from lsgui.core.pleura import polyline_length
from lsgui.gui.colour_map import with_alpha
from lsgui.gui.overlays.base import OVERLAYS, Overlay, OverlayScene
from lsgui.gui.roi_tool import paint_handles
from lsgui.gui.theme import DARK

_ROOMY = 20.0
"""Points between two handles below which they are painted smaller, so that the line stays to be seen."""


@OVERLAYS.register("pleural_line")
class RoiOutline(Overlay):
    """The pleural line of the current frame."""

    title = "Pleural line"
    hint = "Where the program takes the pleura to be: drag its handles. Dashed: suggested. Dotted: uncertain."
    level = 60
    row = 10

    def paint(self, painter: QPainter, scene: OverlayScene, opacity: float) -> None:
        """Paint the line on a dark halo, then its handles."""
        if scene.line is None:
            return
        points = [QPointF(*p) for p in scene.transform.points_to_view(scene.line)]
        polygon = QPolygonF(points)
        drawing = scene.state.tool == "draw_line"
        painter.setOpacity(0.4 if drawing else 1.0)  # the former line steps back while a new one is drawn
        roi = scene.state.roi
        suggested, uncertain = (False, False) if roi is None else (roi.source == "auto", roi.uncertain)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(with_alpha("#000000", 0.45), 4.0, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawPolyline(polygon)
        pen = QPen(QColor(DARK.warning if uncertain else DARK.accent), 2.0)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        if suggested:
            pen.setDashPattern([1.5, 2.5] if uncertain else [4.0, 3.0])
            pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        painter.setPen(pen)
        painter.drawPolyline(polygon)
        if not scene.state.playback.playing and not drawing:
            crowded = polyline_length(scene.transform.points_to_view(scene.line)) < _ROOMY * (len(points) - 1)
            paint_handles(painter, points, scene.selected, small=crowded)
