"""The class ribbon: for every stretch of pleura, at the moment that is shown, what the model says of it."""

import math

import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from lsgui.core.pleura import Polyline, polyline_length, resample_polyline
from lsgui.core.prediction import Prediction
from lsgui.gui.colour_map import probability_colour
from lsgui.gui.overlays.base import OVERLAYS, Overlay, OverlayScene
from lsgui.gui.polyline_edit import normals_at
from lsgui.gui.theme import DARK
from lsgui.gui.verdict_text import segment_probability
from lsgui.gui.view_transform import ViewTransform

_ABOVE = 11.0
"""Points above the pleural line."""
_APART = 6.0
_RADIUS = 2.6


def stretch_values(prediction: Prediction, frame: int) -> list[tuple[float, float, float]]:
    """Return (left, right, p_absent) of every stretch of pleura at a frame, left and right as fractions of the line.

    There are none where the model judges the picture as a whole.
    """
    if not prediction.tells_stretches:
        return []
    ribbon = prediction.ribbon
    if ribbon is None or ribbon.p_absent.size == 0:
        return [(s.left, s.right, s.p_absent) for s in prediction.segments]
    values = segment_probability(ribbon, frame)
    if len(values) == len(prediction.segments):
        places = [(s.left, s.right) for s in prediction.segments]
    else:
        edges = np.linspace(0.0, 1.0, len(values) + 1)
        places = list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))
    return [(left, right, float(p)) for (left, right), p in zip(places, values, strict=True)]


def stretch_at(prediction: Prediction, frame: int, fraction: float) -> float | None:
    """Return p(absent) at a fraction of the line in a frame, or None where nothing was scored."""
    stretches = stretch_values(prediction, frame)
    index = _stretch_of(stretches, fraction)
    return None if index is None else stretches[index][2]


@OVERLAYS.register("class_ribbon")
class ClassRibbon(Overlay):
    """Dots above the pleural line: present, unsure or absent; small and grey where nothing was scored."""

    title = "Class ribbon"
    hint = "Above the pleural line: teal where sliding is present, orange where absent, violet where unsure."
    level = 50
    row = 40
    shows_verdict = True

    def __init__(self) -> None:
        self._dots: list[tuple[QPointF, float]] = []
        self._dots_of: tuple[Polyline, ViewTransform] | None = None

    def paint(self, painter: QPainter, scene: OverlayScene, opacity: float) -> None:
        """Paint the ribbon of this moment."""
        prediction = scene.state.analysis.prediction
        line = scene.analysed_line
        if prediction is None or line is None:
            return
        stretches = stretch_values(prediction, scene.frame)
        if not stretches:
            return
        for p_absent, points in _grouped(self._places(line, scene.transform), stretches):
            scored = p_absent is not None
            colour = QColor(DARK.muted) if p_absent is None else probability_colour(p_absent, scene.threshold, DARK)
            width = 2.0 * (_RADIUS if scored else _RADIUS - 1.0)
            painter.setPen(QPen(colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            painter.drawPoints(points)

    def _places(self, line: Polyline, transform: ViewTransform) -> list[tuple[QPointF, float]]:
        """Return where the dots lie in the view, each with its fraction of the line."""
        same = self._dots_of is not None and self._dots_of[1] == transform and np.array_equal(self._dots_of[0], line)
        if not same:
            shown = transform.points_to_view(line)
            count = max(int(polyline_length(shown) / _APART), 2)
            fractions = np.linspace(0.0, 1.0, count)
            points = resample_polyline(shown, count) - _ABOVE * normals_at(shown, fractions)
            self._dots = [(QPointF(x, y), f) for (x, y), f in zip(points.tolist(), fractions.tolist(), strict=True)]
            self._dots_of = (line, transform)
        return self._dots


def _grouped(
    dots: list[tuple[QPointF, float]], stretches: list[tuple[float, float, float]]
) -> list[tuple[float | None, QPolygonF]]:
    """Return the dots of every stretch with its probability; None for dots that no scored stretch holds."""
    groups: dict[int | None, list[QPointF]] = {}
    for place, fraction in dots:
        groups.setdefault(_stretch_of(stretches, fraction), []).append(place)
    return [(None if index is None else stretches[index][2], QPolygonF(points)) for index, points in groups.items()]


def _stretch_of(stretches: list[tuple[float, float, float]], fraction: float) -> int | None:
    """Return the scored stretch whose middle is nearest among those that hold a fraction of the line."""
    held = [
        (abs((left + right) / 2 - fraction), index)
        for index, (left, right, p_absent) in enumerate(stretches)
        if left - 1e-9 <= fraction <= right + 1e-9 and math.isfinite(p_absent)
    ]
    return min(held)[1] if held else None
