"""The thin lines across the pleura: where the M-modes below the clip are taken."""

from functools import cache
from typing import Literal

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPixmap

from lsgui.gui.colour_map import with_alpha
from lsgui.gui.overlays.base import OVERLAYS, Overlay, OverlayScene
from lsgui.gui.polyline_edit import point_and_normal
from lsgui.gui.theme import DARK, SIZE_SMALL, text_font
from lsgui.review.mmode_transitions import mmode_reach_px

COLUMN_COLOUR = "#7fe07a"
"""The M-mode's own green, on the clip and as its cursor: nothing else has it, and it says nothing of the verdict."""
SECOND_COLOUR = "#ff9ecb"
"""The second M-mode's rose, told from the green by colour-blind eyes too; the letter says it as well."""

_PLATE = 8.0
_SHARP = 2.0
"""Device pixels per point that the letters are painted for: sharp at 200 % scale."""


def letter_plate(painter: QPainter, centre: QPointF, letter: str, colour: str) -> None:
    """Paint an M-mode's letter on a disc of its colour."""
    painter.drawPixmap(centre - QPointF(_PLATE, _PLATE), _letter(letter, colour))


@cache
def _letter(letter: str, colour: str) -> QPixmap:
    plate = QPixmap(round(2 * _PLATE * _SHARP), round(2 * _PLATE * _SHARP))
    plate.setDevicePixelRatio(_SHARP)
    plate.fill(Qt.GlobalColor.transparent)
    painter = QPainter(plate)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colour))
    box = QRectF(0, 0, 2 * _PLATE, 2 * _PLATE)
    painter.drawEllipse(box)
    painter.setPen(QColor(DARK.background))
    painter.setFont(text_font(SIZE_SMALL, bold=True))
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, letter)
    painter.end()
    return plate


@OVERLAYS.register("mmode_column")
class MModeColumn(Overlay):
    """A line across the pleura for each M-mode; what the M-mode shows of it is bright, with a ring on the pleura."""

    title = "M-mode column"
    level = 55
    switchable = False

    def paint(self, painter: QPainter, scene: OverlayScene, opacity: float) -> None:
        """Paint the lines once there is a pleural line to be straightened on."""
        state = scene.state
        if scene.line is None or state.tool != "none":
            return
        if state.mmode_second is not None:
            self._paint_column(painter, scene, state.mmode_second, SECOND_COLOUR, "B")
        letter: Literal["", "A"] = "" if state.mmode_second is None else "A"
        self._paint_column(painter, scene, state.mmode_column, COLUMN_COLOUR, letter)

    def _paint_column(self, painter: QPainter, scene: OverlayScene, column: float, colour: str, letter: str) -> None:
        if scene.line is None:
            return
        clip = scene.state.clip
        (x, y), (nx, ny) = point_and_normal(scene.line, column)
        above, below = mmode_reach_px(None if clip is None else clip.mm_per_px, scene.state.mmode_depth)
        far = scene.transform.width + scene.transform.height

        def at(depth: float) -> QPointF:
            return QPointF(*scene.transform.to_view(x + depth * nx, y + depth * ny))

        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(with_alpha(colour, 0.35), 1.2))
        painter.drawLine(at(-far), at(far))
        painter.setPen(QPen(with_alpha(colour, 0.9), 1.4))
        painter.drawLine(at(-above), at(below))
        painter.drawEllipse(at(0.0), 5.5, 5.5)
        if letter:
            letter_plate(painter, _inside(at(below), scene), letter, colour)


def _inside(point: QPointF, scene: OverlayScene) -> QPointF:
    """Return a point held far enough inside the view for a plate."""
    wide, high, edge = scene.transform.view_width, scene.transform.view_height, _PLATE + 2.0
    return QPointF(min(max(point.x(), edge), wide - edge), min(max(point.y(), edge), high - edge))
