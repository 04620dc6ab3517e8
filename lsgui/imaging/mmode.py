"""The M-mode: one line across the pleura, over time."""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from lsgui.core.clip import FrameStore
from lsgui.core.pleura import PleuralROI, Polyline

TANGENT_REACH = 0.04
"""Fraction of the line's length on either side over which its direction is taken: a kink does not turn the M-mode."""


def straightened_mmode(
    store: FrameStore, frames: Sequence[int], roi: PleuralROI, column: float, above_px: float, below_px: float
) -> npt.NDArray[np.uint8]:
    """Return grey values across the pleural line at one place of it, for some frames.

    Parameters
    ----------
    store
        Frames of the clip.
    frames
        Indices of frames; each gives one column of the result.
    roi
        The pleural line; its key frames are followed, so that the pleura stays in one row.
    column
        Place along the line as a fraction of its length, 0 its first point, 1 its last.
    above_px, below_px
        Reach above and below the line in pixels of the file, square to the line.

    Returns
    -------
    array
        (depth, time) uint8, one row a pixel, row `round(above_px)` on the pleura; 0 outside the picture.
    """
    above = max(round(above_px), 0)
    depth = np.arange(-above, max(round(below_px), 0) + 1, dtype=np.float64)
    out = np.empty((len(depth), len(frames)), dtype=np.uint8)
    line: Polyline | None = None
    x = y = np.empty((len(depth), 1), dtype=np.float32)
    for at, index in enumerate(frames):
        now = roi.line_at(index)
        if now is not line:
            line = now
            point, normal = point_and_normal(line, column)
            x = (point[0] + depth * normal[0]).astype(np.float32)[:, None]
            y = (point[1] + depth * normal[1]).astype(np.float32)[:, None]
        sampled = cv2.remap(store.frame(index), x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
        out[:, at] = sampled[:, 0]
    return out


def mmode_extent(above_px: float, below_px: float, mm_per_px: float) -> tuple[float, float]:
    """Return the depth in mm against the pleural line of the first and the last row of an M-mode, above negative."""
    return -max(round(above_px), 0) * mm_per_px, max(round(below_px), 0) * mm_per_px


def point_and_normal(line: Polyline, column: float) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the point at a fraction of a line's length and the unit vector across it that points away from the probe.

    Both are (2,) as (x, y) in pixels.
    """
    arc = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    column = min(max(column, 0.0), 1.0)
    at = arc[-1] * np.array([column, max(column - TANGENT_REACH, 0.0), min(column + TANGENT_REACH, 1.0)])
    points = np.stack([np.interp(at, arc, line[:, 0]), np.interp(at, arc, line[:, 1])], axis=1)
    along = points[2] - points[1]
    along /= max(float(np.hypot(*along)), 1e-9)
    normal = np.array([-along[1], along[0]])
    return points[0], normal if normal[1] >= 0 else -normal
