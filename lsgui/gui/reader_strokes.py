"""How each rater's line is drawn where several stand side by side: told apart by stroke, and by colour besides."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPen

from lsgui.gui.theme import DARK

_STROKES: tuple[tuple[str, tuple[float, ...]], ...] = (
    (DARK.warning, ()),
    (DARK.text, (5.0, 3.0)),
    (DARK.accent, (1.5, 2.5)),
    (DARK.unsure, (6.0, 2.5, 1.5, 2.5)),
)


def stroke(index: int, width: float = 2.0) -> QPen:
    """Return the pen of the rater at a place in the list; after the last the first comes again."""
    colour, dashes = _STROKES[index % len(_STROKES)]
    pen = QPen(QColor(colour), width)
    pen.setCapStyle(Qt.PenCapStyle.FlatCap)
    if dashes:
        pen.setDashPattern(list(dashes))
    return pen
