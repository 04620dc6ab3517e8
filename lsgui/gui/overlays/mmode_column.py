"""The thin green line: where the M-mode below the clip is taken."""

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QPainter, QPen

from lsgui.gui.colour_map import with_alpha
from lsgui.gui.overlays.base import OVERLAYS, Overlay, OverlayScene
from lsgui.gui.polyline_edit import point_and_normal

COLUMN_COLOUR = "#7fe07a"
"""The M-mode's own green, on the clip and as its cursor: nothing else has it, and it says nothing of the verdict."""


ABOVE_MM, BELOW_MM = 10.0, 20.0
"""How far above and below the pleura the M-mode reaches."""
ABOVE_PX, BELOW_PX = 40, 80
"""The same where the scale of the clip is not known."""


def mmode_reach_px(mm_per_px: float | None) -> tuple[int, int]:
    """Return how many pixels of the clip the M-mode reaches above and below the pleura."""
    if not mm_per_px:
        return ABOVE_PX, BELOW_PX
    return max(round(ABOVE_MM / mm_per_px), 4), max(round(BELOW_MM / mm_per_px), 8)


@OVERLAYS.register("mmode_column")
class MModeColumn(Overlay):
    """A line across the pleura; what the M-mode shows of it is bright, with a ring on the pleura."""

    title = "M-mode column"
    level = 55
    switchable = False

    def paint(self, painter: QPainter, scene: OverlayScene, opacity: float) -> None:
        """Paint the line once there is a pleural line to be straightened on."""
        if scene.line is None or scene.state.tool != "none":
            return
        clip = scene.state.clip
        (x, y), (nx, ny) = point_and_normal(scene.line, scene.state.mmode_column)
        above, below = mmode_reach_px(None if clip is None else clip.mm_per_px)
        far = scene.transform.width + scene.transform.height

        def at(depth: float) -> QPointF:
            return QPointF(*scene.transform.to_view(x + depth * nx, y + depth * ny))

        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(with_alpha(COLUMN_COLOUR, 0.35), 1.2))
        painter.drawLine(at(-far), at(far))
        painter.setPen(QPen(with_alpha(COLUMN_COLOUR, 0.9), 1.4))
        painter.drawLine(at(-above), at(below))
        painter.drawEllipse(at(0.0), 5.5, 5.5)
