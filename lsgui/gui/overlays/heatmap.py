"""What the heat maps share: a motion map coloured and laid over the band below the pleural line of each frame."""

import math
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QImage, QPainter

from lsgui.core.motion_map import MotionMap
from lsgui.core.pleura import Polyline, polyline_length
from lsgui.gui.overlays.band_warp import warp_band
from lsgui.gui.overlays.base import Overlay, OverlayScene
from lsgui.imaging.band_grid import BandGrid, band_grid
from lsgui.imaging.heat_colours import heat_table
from lsgui.review.heat_style import HeatRange, HeatStyle, heat_range
from lsgui.review.map_words import why_no_map
from lsgui.review.state import ReviewState

_SMOOTH_MM = 2.0
"""The pleural strip smooths its normals over this length."""


class HeatMap(Overlay):
    """Paints the motion map of one quantity. Subclasses say which, and in which colours."""

    has_opacity = True
    shows_verdict = True
    level = 20
    quantity: ClassVar[str]
    """Key of the map in `Analysis.maps`."""
    ramp: ClassVar[str] = "inferno"
    """Its own colours, unless the reader chose others for all maps."""
    caption: ClassVar[str]
    """What the legend says, without the unit."""

    def __init__(self) -> None:
        self._grid: BandGrid | None = None
        self._grid_of: tuple[Polyline, tuple[float, ...]] | None = None
        self._values: npt.NDArray[np.float32] | None = None
        self._values_of: tuple[MotionMap, float, float] | None = None
        self._image = QImage()
        self._image_of: tuple[object, ...] = ()

    @classmethod
    def missing(cls, state: ReviewState) -> str:
        """Return why the map is not there, in a few words for the legend; empty where nothing is to be said."""
        return why_no_map(state, cls.quantity)

    @classmethod
    def scale_words(cls, motion: MotionMap) -> tuple[str, str, str] | None:
        """Return what the legend writes under the left end, the middle and the right end; None for round numbers."""
        return None

    @classmethod
    def ramp_for(cls, style: HeatStyle) -> str:
        """Return the colours that the map is drawn in, a key of `RAMPS`."""
        return cls.ramp if style.colours == "own" else style.colours

    def paint(self, painter: QPainter, scene: OverlayScene, opacity: float) -> None:
        """Paint the map of this moment, once there is one and a line to lay it along."""
        motion = scene.state.analysis.maps.get(self.quantity)
        line = scene.analysed_line
        if motion is None or line is None or len(motion.times_s) == 0:
            return
        style = scene.state.heat
        grid = self._grid_for(line, motion, scene)
        values = self._values_at(motion, scene.time_s, style.window_s)
        scale = heat_range(motion, style, scene.state.held_scales)
        key = (values, grid, self.ramp_for(style), scale)
        if len(self._image_of) != len(key) or any(
            a is not b and (isinstance(a, np.ndarray | BandGrid) or a != b)
            for a, b in zip(key, self._image_of, strict=True)
        ):
            self._image = warp_band(coloured(values, scale, key[2]), grid)
            self._image_of = key
        left, top, width, height = grid.box
        top_left = scene.transform.to_view(left, top)
        bottom_right = scene.transform.to_view(left + width, top + height)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.setOpacity(opacity)
        painter.drawImage(QRectF(QPointF(*top_left), QPointF(*bottom_right)), self._image)

    def _values_at(self, motion: MotionMap, time_s: float, window_s: float) -> npt.NDArray[np.float32]:
        """Return what is shown at a moment, (D, S); the mean of the whole clip is the same at every moment."""
        key = (motion, time_s if math.isfinite(window_s) else 0.0, window_s)
        same = self._values_of is not None and self._values_of[0] is motion and self._values_of[1:] == key[1:]
        if self._values is None or not same:
            self._values, self._values_of = motion.mean_over(key[1], window_s), key
        return self._values

    def _grid_for(self, line: Polyline, motion: MotionMap, scene: OverlayScene) -> BandGrid:
        clip = scene.state.clip
        scale = None if clip is None else clip.mm_per_px
        smooth_px = _SMOOTH_MM / scale if scale else polyline_length(line) / 20
        key: tuple[float, ...] = (motion.depth_px, motion.above_px, smooth_px)
        same = self._grid_of is not None and self._grid_of[1] == key and np.array_equal(self._grid_of[0], line)
        if self._grid is None or not same:
            size = scene.transform.width, scene.transform.height
            self._grid = band_grid(line, motion.depth_px, *size, smooth_px, motion.above_px)
            self._grid_of = (line, key)
        return self._grid


def coloured(values: npt.NDArray[np.float32], scale: HeatRange, ramp: str) -> npt.NDArray[np.uint8]:
    """Return values (D, S) in colour, (D, S, 4) uint8 premultiplied; clear where nothing was measured (NaN)."""
    known = np.isfinite(values)
    span = max(scale.high - scale.low, 1e-9)
    level = np.clip((np.where(known, values, scale.low) - scale.low) * (255.0 / span), 0, 255).astype(np.uint8)
    colours = heat_table(ramp)[level]
    colours[~known] = 0
    return colours
