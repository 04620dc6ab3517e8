"""The pleural lines of all raters while a clip is adjudicated, each in a stroke of its own."""

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QPainter, QPen, QPolygonF

from lsgui.gui.colour_map import with_alpha
from lsgui.gui.overlays.base import OVERLAYS, Overlay, OverlayScene
from lsgui.gui.reader_strokes import stroke


@OVERLAYS.register("raters_lines")
class RatersLines(Overlay):
    """What the raters drew; the panel names each stroke."""

    title = "Raters' lines"
    level = 58
    switchable = False

    def paint(self, painter: QPainter, scene: OverlayScene, opacity: float) -> None:
        """Paint every rater's line on a dark halo."""
        settled = scene.state.adjudication
        if settled is None:
            return
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for index, read in enumerate(settled.reads):
            if read.line is None:
                continue
            line = scene.transform.points_to_view(read.line.line_at(scene.frame))
            polygon = QPolygonF([QPointF(*point) for point in line])
            painter.setPen(QPen(with_alpha("#000000", 0.45), 4.0))
            painter.drawPolyline(polygon)
            painter.setPen(stroke(index))
            painter.drawPolyline(polygon)
