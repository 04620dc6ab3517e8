"""What the heat maps share: a motion map coloured and laid over the band below the pleural line of each frame."""

from typing import ClassVar

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QImage, QPainter

from lsgui.core.motion_map import MotionMap
from lsgui.core.pleura import Polyline, polyline_length
from lsgui.gui.colour_map import heat_table
from lsgui.gui.overlays.band_warp import BandGrid, band_grid, warp_band
from lsgui.gui.overlays.base import Overlay, OverlayScene

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
    caption: ClassVar[str]
    """What the legend says, without the unit."""

    def __init__(self) -> None:
        self._table = heat_table(self.ramp)
        self._grid: BandGrid | None = None
        self._grid_of: tuple[Polyline, tuple[float, ...]] | None = None
        self._image = QImage()
        self._image_of: tuple[MotionMap, float, BandGrid] | None = None

    def paint(self, painter: QPainter, scene: OverlayScene, opacity: float) -> None:
        """Paint the map of this moment, once there is one and a line to lay it along."""
        motion = scene.state.analysis.maps.get(self.quantity)
        line = scene.analysed_line
        if motion is None or line is None or len(motion.times_s) == 0:
            return
        grid = self._grid_for(line, motion, scene)
        key = (motion, scene.time_s, grid)
        if self._image_of is None or any(a is not b and a != b for a, b in zip(key, self._image_of, strict=True)):
            self._image = warp_band(self.colours(motion, scene.time_s), grid)
            self._image_of = key
        box = grid.box
        top_left = scene.transform.to_view(box.left(), box.top())
        bottom_right = scene.transform.to_view(box.right(), box.bottom())
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.setOpacity(opacity)
        painter.drawImage(QRectF(QPointF(*top_left), QPointF(*bottom_right)), self._image)

    def colours(self, motion: MotionMap, time_s: float) -> npt.NDArray[np.uint8]:
        """Return the map at a moment in colour, (D, S, 4) uint8 premultiplied; clear where nothing was measured."""
        values = motion.at(time_s)
        known = np.isfinite(values)
        span = max(motion.high - motion.low, 1e-9)
        level = np.clip((np.where(known, values, motion.low) - motion.low) / span * 255.0, 0, 255).astype(np.uint8)
        colours = self._table[level]
        colours[~known] = 0
        return colours

    @classmethod
    def scale_words(cls, motion: MotionMap) -> tuple[str, str, str]:
        """Return what the legend writes under the left end, the middle and the right end of the colours."""
        middle = (motion.low + motion.high) / 2
        return f"{motion.low:.3g}", f"{middle:.3g}", f"{motion.high:.3g}"

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
