"""The thin green line: where the M-mode below the clip is taken."""

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from lsgui.gui.colour_map import with_alpha
from lsgui.gui.overlays.base import OVERLAYS, Overlay, OverlayScene
from lsgui.gui.polyline_edit import point_and_normal

COLUMN_COLOUR = "#7fe07a"
"""The M-mode's own green, on the clip and as its cursor: nothing else has it, and it says nothing of the verdict."""


def column_ends(scene: OverlayScene) -> tuple[QPointF, QPointF, QPointF] | None:
    """Return the upper end, the point on the pleura and the lower end of the column, in points of the view."""
    if scene.line is None:
        return None
    (x, y), (nx, ny) = point_and_normal(scene.transform.points_to_view(scene.line), scene.state.mmode_column)
    reach = scene.transform.view_width + scene.transform.view_height
    middle = QPointF(x, y)
    return middle - QPointF(nx, ny) * reach, middle, middle + QPointF(nx, ny) * reach


@OVERLAYS.register("mmode_column")
class MModeColumn(Overlay):
    """A line across the pleura, over the whole picture, with a dot where it meets the pleural line."""

    title = "M-mode column"
    level = 55
    switchable = False

    def paint(self, painter: QPainter, scene: OverlayScene, opacity: float) -> None:
        """Paint the line once there is a pleural line to be straightened on."""
        ends = column_ends(scene)
        if ends is None:
            return
        top, middle, bottom = ends
        painter.setPen(QPen(with_alpha(COLUMN_COLOUR, 0.75), 1.2))
        painter.drawLine(top, bottom)
        painter.setPen(QPen(QColor(COLUMN_COLOUR), 1.5))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(middle, 5.5, 5.5)
