"""The class ribbon: for every stretch of pleura, at the moment that is shown, what the model says of it."""

import math
from functools import lru_cache

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen, QPixmap, QPolygonF

from lsgui.core.pleura import Polyline, polyline_length, resample_polyline
from lsgui.core.prediction import Prediction
from lsgui.gui.colour_map import probability_colour, with_alpha
from lsgui.gui.overlays.base import OVERLAYS, Overlay, OverlayScene
from lsgui.gui.overlays.plate import paint_plate
from lsgui.gui.polyline_edit import normals_at, point_and_normal
from lsgui.gui.theme import DARK, SIZE_SMALL, text_font
from lsgui.gui.view_transform import ViewTransform
from lsgui.inference.verdict_words import segment_probability
from lsgui.review.mmode_transitions import boundary, boundary_words

_ABOVE = 11.0
"""Points above the pleural line."""
_APART = 6.0
_RADIUS = 2.6
_MARK = (-8.0, 26.0)
"""Points above the line between which a possible lung point is marked; negative is below it."""
_ABOUT_S = 0.6
"""Seconds about the moment of a possible lung point during which it is named on the clip."""


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
        self._shown = (QPointF(), QPixmap())
        self._shown_of: tuple[list[tuple[QPointF, float]], object] | None = None

    def paint(self, painter: QPainter, scene: OverlayScene, opacity: float) -> None:
        """Paint the ribbon of this moment."""
        prediction = scene.state.analysis.prediction
        line = scene.analysed_line
        if prediction is None or line is None:
            return
        stretches = stretch_values(prediction, scene.frame)
        if not stretches:
            return
        dots = self._places(line, scene.transform)
        key = (tuple(stretches), scene.threshold, scene.device_ratio)
        if self._shown_of is None or self._shown_of[0] is not dots or self._shown_of[1] != key:
            self._shown = _painted(dots, stretches, scene)
            self._shown_of = (dots, key)
        painter.drawPixmap(self._shown[0], self._shown[1])
        if not scene.state.analysis.stale:
            _paint_boundary(painter, scene, line)

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


def _painted(
    dots: list[tuple[QPointF, float]], stretches: list[tuple[float, float, float]], scene: OverlayScene
) -> tuple[QPointF, QPixmap]:
    """Return the dots as a picture with its corner in the view: they stay the same for many frames."""
    box = QPolygonF([place for place, _ in dots]).boundingRect().adjusted(-4, -4, 4, 4)
    box = QRectF(box.toAlignedRect()).intersected(QRectF(0, 0, scene.transform.view_width, scene.transform.view_height))
    box.setSize(box.size().expandedTo(QSizeF(1, 1)))
    picture = QPixmap((box.size() * scene.device_ratio).toSize())
    picture.setDevicePixelRatio(scene.device_ratio)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.translate(-box.topLeft())
    for p_absent, points in _grouped(dots, stretches):
        scored = p_absent is not None
        colour = QColor(DARK.muted) if p_absent is None else probability_colour(p_absent, scene.threshold, DARK)
        width = 2.0 * (_RADIUS if scored else _RADIUS - 1.0)
        painter.setPen(QPen(colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawPoints(points)
    painter.end()
    return box.topLeft(), picture


def _paint_boundary(painter: QPainter, scene: OverlayScene, line: Polyline) -> None:
    """Mark a possible lung point: where the classes meet along the line, or while they change."""
    found = boundary(scene.state)
    if found is None:
        return
    shown = scene.transform.points_to_view(line)
    if found.along is None and (found.time_s is None or abs(found.time_s - scene.time_s) > _ABOUT_S):
        return
    (x, y), (nx, ny) = point_and_normal(shown, 0.5 if found.along is None else found.along)
    top = QPointF(x - _MARK[1] * nx, y - _MARK[1] * ny)
    if found.along is not None:
        for colour, width in ((with_alpha("#000000", 0.6), 4.0), (QColor(DARK.text), 2.0)):
            painter.setPen(QPen(colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap))
            painter.drawLine(QPointF(x - _MARK[0] * nx, y - _MARK[0] * ny), top)
    words = _plate(boundary_words(found).capitalize(), scene.device_ratio)
    size = words.deviceIndependentSize()
    right, bottom = scene.transform.view_width - size.width() - 4, scene.transform.view_height - size.height() - 4
    left = min(max(top.x() - size.width() / 2, 4.0), right)
    painter.drawPixmap(QPointF(left, min(max(top.y() - size.height(), 4.0), bottom)), words)


@lru_cache(maxsize=2)
def _plate(words: str, ratio: float) -> QPixmap:
    """Return words on a dark plate, painted once: laying out text takes longer than all the dots."""
    font = text_font(SIZE_SMALL)
    metrics = QFontMetricsF(font)
    box = QRectF(0, 0, metrics.horizontalAdvance(words) + 12, metrics.height() + 4)
    plate = QPixmap((box.size() * ratio).toSize())
    plate.setDevicePixelRatio(ratio)
    plate.fill(Qt.GlobalColor.transparent)
    painter = QPainter(plate)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    paint_plate(painter, box)
    painter.setPen(QColor(DARK.text))
    painter.setFont(font)
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, words)
    painter.end()
    return plate


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
