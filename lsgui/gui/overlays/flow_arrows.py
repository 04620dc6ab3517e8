"""Flow arrows: which way and how far the lung moves relative to the chest wall."""

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QLineF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from lsgui.core.motion_map import MotionMap
from lsgui.core.pleura import Polyline, polyline_length, resample_polyline
from lsgui.gui.colour_map import with_alpha
from lsgui.gui.overlays.base import OVERLAYS, Overlay, OverlayScene
from lsgui.gui.theme import DARK
from lsgui.imaging.band_grid import smooth_normals

COVERED_S = 1.0
"""An arrow is as long as the way that its place covers in this time: one millimetre on the clip is one mm/s.

Texture of real lung decorrelates while it moves, so that what is measured of sliding is mostly below 2 mm/s; a
shorter time would leave little to be seen of it.
"""
_LONGEST = 0.95
"""Of the distance between two arrows: a faster one is cut there, so that none reaches into the next."""
_SMOOTH_MM = 2.0
"""The pleural strip smooths its normals over this length."""
_SAMPLES = 192
_DOT = 2.5
"""Points of the view: a shorter arrow has no head to be read and is a dot."""
_HEAD, _HEAD_PART = 4.5, 0.45
"""Strokes of the head in points of the view, and at most as a part of the arrow."""
_TURN = np.deg2rad(152.0)

Floats = npt.NDArray[np.float64]


@OVERLAYS.register("flow_arrows")
class FlowArrows(Overlay):
    """An arrow at every place of the band whose velocity was measured, a dot where it stands still."""

    title = "Flow arrows"
    hint = (
        "Which way the lung moves against the chest wall; 1 mm long is 1 mm/s, up to about 2 mm. Dots: none measured."
    )
    level = 25
    row = 35
    shows_verdict = True

    def __init__(self) -> None:
        self._places: tuple[Floats, Floats] | None = None
        self._places_of: tuple[Polyline, tuple[float, ...]] | None = None

    def paint(self, painter: QPainter, scene: OverlayScene, opacity: float) -> None:
        """Paint the arrows of this moment, once there are velocities and a line to lay them along."""
        motion, line = scene.state.analysis.maps.get("flow"), scene.analysed_line
        if motion is None or line is None or len(motion.times_s) == 0:
            return
        velocity = motion.vectors_at(scene.time_s)
        scale = _px_per_unit(motion, scene)
        if velocity is None or scale is None:
            return
        tails, normals = self._places_for(line, motion.depth_px, velocity.shape, scale)
        along, across = velocity[..., 0, None] * (scale * COVERED_S), velocity[..., 1, None] * (scale * COVERED_S)
        way = along * np.stack([normals[:, 1], -normals[:, 0]], axis=1) + across * normals
        way *= np.minimum(1.0, _longest(line, velocity.shape) / np.maximum(np.hypot(along, across), 1e-9))
        known = np.isfinite(way).all(axis=2)
        strokes = _strokes(
            scene.transform.points_to_view(tails[known]), scene.transform.points_to_view((tails + way)[known])
        )
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for colour, width in ((with_alpha("#000000", 0.55), 3.2), (QColor(DARK.text), 1.3)):
            painter.setPen(
                QPen(colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.SquareCap)
            )  # round caps take ten times as long
            painter.drawLines(strokes)

    def _places_for(
        self, line: Polyline, depth_px: float, shape: tuple[int, ...], px_per_mm: float
    ) -> tuple[Floats, Floats]:
        """Return the centres of the cells (d, s, 2) and the line's normals there (s, 2), in clip pixels."""
        rows, columns = shape[:2]
        key: tuple[float, ...] = (depth_px, rows, columns, px_per_mm)
        same = self._places_of is not None and self._places_of[1] == key and np.array_equal(self._places_of[0], line)
        if self._places is None or not same:
            at = np.rint((np.arange(columns) + 0.5) / columns * (_SAMPLES - 1)).astype(np.intp)
            points = resample_polyline(line, _SAMPLES)
            spacing = polyline_length(line) / (_SAMPLES - 1)
            normals = smooth_normals(points, spacing, _SMOOTH_MM * px_per_mm)[at]
            depths = (np.arange(rows) + 0.5) / rows * depth_px
            self._places = points[at] + depths[:, None, None] * normals, normals
            self._places_of = (line, key)
        return self._places


def _px_per_unit(motion: MotionMap, scene: OverlayScene) -> float | None:
    """Return clip pixels per unit of length of the map, or None while the scale of the clip is not known."""
    if motion.unit == "px/s":
        return 1.0
    clip = scene.state.clip
    return None if clip is None or not clip.mm_per_px else 1.0 / clip.mm_per_px


def _longest(line: Polyline, shape: tuple[int, ...]) -> float:
    return _LONGEST * polyline_length(line) / shape[1]


def _strokes(tails: Floats, tips: Floats) -> list[QLineF]:
    """Return shafts with their heads, or dots, in points of the view."""
    way = tips - tails
    length = np.hypot(way[:, 0], way[:, 1])
    moves = length >= _DOT
    ends = [np.hstack([tails[~moves], tails[~moves] + 0.01])]  # a stroke without length would not be painted
    tails, tips, way, length = tails[moves], tips[moves], way[moves], length[moves]
    ends.append(np.hstack([tails, tips]))
    reach = np.minimum(_HEAD, _HEAD_PART * length) / length
    for turn in (_TURN, -_TURN):
        turned = way @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
        ends.append(np.hstack([tips, tips + reach[:, None] * turned]))
    return [QLineF(*stroke) for stroke in np.concatenate(ends).tolist()]
