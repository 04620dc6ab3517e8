"""What the pointer finds on the clip: the columns of the M-modes, the class ribbon, and what a press would do."""

from typing import Literal

import numpy as np
from PySide6.QtCore import QPointF, Qt

from lsgui.core.pleura import Polyline
from lsgui.gui.polyline_edit import nearest_on_line, point_and_normal
from lsgui.gui.roi_tool import Grip
from lsgui.review.state import PictureSettings, ReviewState

ColumnName = Literal["a", "b"]

_REACH = 5.0
_RING_REACH = 9.0
"""Points within which a column, and the ring where it crosses the pleura, are taken hold of."""
_RIBBON = (6.0, 17.0)
"""Points above the pleural line between which the class ribbon lies."""


def column_at(shown: Polyline | None, state: ReviewState | None, at: QPointF) -> ColumnName | None:
    """Return which M-mode's column lies under the pointer; `shown` is the pleural line in points of the view."""
    if shown is None or state is None or not state.overlays_shown:
        return None
    found: list[tuple[float, ColumnName]] = []
    for name, column in (("a", state.mmode_column), ("b", state.mmode_second)):
        if column is None:
            continue
        (x, y), (nx, ny) = point_and_normal(shown, column)
        away = abs((at.x() - x) * ny - (at.y() - y) * nx)
        if away <= _REACH:
            found.append((away, "a" if name == "a" else "b"))
    return min(found)[1] if found else None


def on_ring(shown: Polyline | None, state: ReviewState | None, at: QPointF) -> bool:
    """Return whether the pointer is on the ring of the second column, which is dragged before the line is."""
    if shown is None or state is None or state.mmode_second is None or not state.overlays_shown:
        return False
    (x, y), _ = point_and_normal(shown, state.mmode_second)
    return bool(np.hypot(at.x() - x, at.y() - y) <= _RING_REACH)


def on_ribbon(shown: Polyline | None, state: ReviewState | None, at: QPointF) -> bool:
    """Return whether the pointer is on the class ribbon above the line: a click there moves the M-mode."""
    if shown is None or state is None or state.analysis.prediction is None or state.verdict_hidden:
        return False
    if not (state.overlays_shown and state.overlays["class_ribbon"].shown):
        return False
    _, fraction, away = nearest_on_line(shown, (at.x(), at.y()))
    (x, y), (nx, ny) = point_and_normal(shown, fraction)
    above = -((at.x() - x) * nx + (at.y() - y) * ny)
    return _RIBBON[0] <= above <= _RIBBON[1] and away <= _RIBBON[1]


def greys_after(greys: PictureSettings, offset: QPointF) -> tuple[float, float]:
    """Return brightness and contrast after a drag: upwards is brighter, to the right is harder."""
    brightness = float(np.clip(greys.brightness - offset.y() / 300, -1.0, 1.0))
    contrast = float(np.clip(greys.contrast * 2 ** (offset.x() / 200), 0.2, 4.0))
    return brightness, contrast


def pointer_shape(*, drawing: bool, panning: bool, grip: Grip, on_column: bool, on_ribbon: bool) -> Qt.CursorShape:
    """Return the pointer that says what a press would do."""
    if drawing:
        return Qt.CursorShape.CrossCursor
    if panning:
        return Qt.CursorShape.ClosedHandCursor
    if grip is Grip.HANDLE:
        return Qt.CursorShape.PointingHandCursor
    if grip is Grip.LINE:
        return Qt.CursorShape.SizeAllCursor
    if on_column:
        return Qt.CursorShape.SizeHorCursor
    return Qt.CursorShape.PointingHandCursor if on_ribbon else Qt.CursorShape.ArrowCursor
