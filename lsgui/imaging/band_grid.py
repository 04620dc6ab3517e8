"""The band along the pleural line, pixel by pixel in the coordinates of the strip: the geometry of the heat maps."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lsgui.core.pleura import Polyline, polyline_length, resample_polyline

_MOST_PIXELS = 16_000
"""A band larger than this is warped at half size or less: the maps are far coarser than the picture."""
_SAMPLES = 192
"""Samples along the line from which points and normals are looked up."""
_ROUNDS = 5
_FEATHER = 1.5
"""Pixels of the band's box over which its edges fade."""


@dataclass(frozen=True, slots=True, eq=False)
class BandGrid:
    """For every pixel of the band's box, where along and how far below the line it lies.

    Attributes
    ----------
    left, top, step
        The box's first pixel centre in clip pixels, and clip pixels per box pixel.
    along
        (h, w) float32: 0 at the line's first point, 1 at its last.
    below
        (h, w) float32: 0 at the band's upper edge, which is the line but for a band that begins above it, 1 at its
        lower edge.
    cover
        (h, w) float32: 1 inside the band, 0 outside, with a soft edge.
    mask
        (h, w, 4) uint8: the same as 0 to 255 for each of four channels.
    """

    left: float
    top: float
    step: float
    along: npt.NDArray[np.float32]
    below: npt.NDArray[np.float32]
    cover: npt.NDArray[np.float32]
    mask: npt.NDArray[np.uint8]

    @property
    def box(self) -> tuple[float, float, float, float]:
        """The box (x, y, width, height) in clip pixels, from edge to edge."""
        rows, columns = self.along.shape
        half = self.step / 2
        return self.left - half, self.top - half, columns * self.step, rows * self.step


def smooth_normals(points: Polyline, step: float, smooth_px: float) -> Polyline:
    """Return unit normals of evenly spaced points, smoothed as those of the pleural strip are, (n, 2).

    Parameters
    ----------
    points
        (n, 2) points at equal arc length, `step` pixels apart.
    smooth_px
        Standard deviation of the Gaussian, in pixels.
    """
    sigma = max(smooth_px / max(step, 1e-6), 0.5)
    reach = min(math.ceil(3 * sigma), len(points) - 1)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    padded = np.pad(points, ((reach, reach), (0, 0)), mode="edge")
    smooth = np.stack([np.convolve(padded[:, k], kernel, mode="valid") for k in (0, 1)], axis=1)
    tangent = np.gradient(smooth, axis=0)
    tangent /= np.maximum(np.hypot(tangent[:, 0], tangent[:, 1]), 1e-9)[:, None]
    normal = np.stack([-tangent[:, 1], tangent[:, 0]], axis=1)
    return normal if normal[:, 1].mean() >= 0 else -normal


def band_grid(
    line: Polyline, depth_px: float, width: int, height: int, smooth_px: float, above_px: float = 0.0
) -> BandGrid:
    """Return the grid of the band from `above_px` above `line` to `depth_px` below it along its smoothed normals.

    Every pixel looks for the sample of the line on whose normal it lies, in a few rounds of projecting on the tangent
    of the sample found before; this inverts the sampling of the pleural strip.

    Parameters
    ----------
    line, depth_px
        The pleural line and how deep the band reaches, in clip pixels.
    width, height
        Size of the clip, beyond which there is no band.
    smooth_px
        Standard deviation over which the strip smooths its normals, in clip pixels.
    above_px
        How far the band reaches above the line, in clip pixels.
    """
    length = polyline_length(line)
    spacing = length / (_SAMPLES - 1)
    points = resample_polyline(line, _SAMPLES)
    normals = smooth_normals(points, spacing, smooth_px)
    corners = np.concatenate([points - above_px * normals, points + depth_px * normals])
    left, top = np.maximum(corners.min(axis=0) - 2, 0.0)
    right, bottom = np.minimum(corners.max(axis=0) + 2, [width - 1.0, height - 1.0])
    step = max(1.0, math.sqrt(max(right - left, 1.0) * max(bottom - top, 1.0) / _MOST_PIXELS))
    x, y = np.meshgrid(
        np.arange(left, max(right, left + 1) + step, step, dtype=np.float32),
        np.arange(top, max(bottom, top + 1) + step, step, dtype=np.float32),
    )
    at, below = _projected(x, y, points.astype(np.float32), normals.astype(np.float32), spacing)
    edges = np.minimum(np.minimum(at, length - at), np.minimum(below + above_px, depth_px - below))
    cover = np.clip(edges / (_FEATHER * step), 0.0, 1.0).astype(np.float32)
    return BandGrid(
        left=float(left),
        top=float(top),
        step=step,
        along=(at / length).astype(np.float32),
        below=((below + above_px) / (depth_px + above_px)).astype(np.float32),
        cover=cover,
        mask=np.repeat(np.rint(255.0 * cover).astype(np.uint8)[..., None], 4, axis=2),
    )


def _projected(
    x: npt.NDArray[np.float32],
    y: npt.NDArray[np.float32],
    points: npt.NDArray[np.float32],
    normals: npt.NDArray[np.float32],
    spacing: float,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return arc length along the line and distance below it of every pixel, both in pixels."""
    last = len(points) - 1
    chord = points[-1] - points[0]
    at = ((x - points[0, 0]) * chord[0] + (y - points[0, 1]) * chord[1]) / float(chord @ chord) * (last * spacing)
    below = np.zeros_like(at)
    for _ in range(_ROUNDS):
        index = np.clip(np.rint(at / spacing), 0, last).astype(np.intp)
        dx, dy = x - points[index, 0], y - points[index, 1]
        nx, ny = normals[index, 0], normals[index, 1]
        at = index * np.float32(spacing) + dx * ny - dy * nx
        below = dx * nx + dy * ny
    return at, below
