"""A dark plate behind words on the clip, and the signs that go with a verdict's colour."""

from functools import cache

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPixmap

from lsgui.core.label import SlidingLabel
from lsgui.gui.colour_map import with_alpha
from lsgui.gui.theme import DARK, icon_pixmap


def paint_plate(painter: QPainter, box: QRectF, edge: QColor | None = None) -> None:
    """Paint a dark plate, with a coloured left edge where one is given."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(with_alpha(DARK.background, 0.82))
    painter.drawRoundedRect(box, 4, 4)
    if edge is not None:
        painter.setBrush(edge)
        painter.drawRect(QRectF(box.left(), box.top(), 4, box.height()))


@cache
def verdict_icon(label: SlidingLabel, colour: str, size: int) -> QPixmap:
    """Return the sign of a verdict: a wave for present, level lines for absent, a question mark for cannot assess."""
    names = {SlidingLabel.LS_P: "present", SlidingLabel.LS_A: "absent", SlidingLabel.CANNOT_ASSESS: "unsure"}
    return icon_pixmap(names[label], colour, size)
