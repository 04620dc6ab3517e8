"""The speckle-change map: where below the pleural line the picture changes more than the chest wall does."""

import cv2
import numpy as np

from lsgui.core.motion_map import MotionMap
from lsgui.core.strip import PleuralStrip
from lsgui.imaging.motion_index import WALL_GAP_ROWS
from lsgui.imaging.strip_channels import NOISE_VARIANCE, local_decorrelation, local_moments, sample_moments

MAP_LAG = 3
"""Samples at 12.8 Hz over which change is measured: 0.23 s, at which sliding and still lungs differ most."""

DEPTH_ROWS = 30
"""Rows below the line that are drawn: 12 mm."""

HIGHEST = 0.5
"""Upper end of the colour scale. Half of the texture is new after 0.23 s: nothing but a sliding lung does that."""

LEAST_TEXTURE = 8.0
"""Times `NOISE_VARIANCE` that the local variance must have for a patch to be drawn: with less, a texture that stands
still would read as an eighth of change and more, and a black shadow as all of it."""


def speckle_change_map(strip: PleuralStrip, mm_per_px: float) -> MotionMap | None:
    """Return decorrelation below the line minus that of the same clip's chest wall, about three maps a second.

    NaN outside the scan and where there is too little texture to measure; None where the clip is too short.
    """
    chosen = sample_moments(strip.times_s)
    if len(chosen) <= MAP_LAG + 1:
        return None
    frames = strip.frames[chosen].astype(np.float32)
    mean, variance = local_moments(frames)
    change = local_decorrelation(frames, MAP_LAG, mean, variance)
    wall = np.zeros_like(strip.valid)
    wall[2 : strip.pleura_row - WALL_GAP_ROWS] = strip.valid[2 : strip.pleura_row - WALL_GAP_ROWS]
    reference = np.median(change[:, wall], axis=1) if wall.any() else np.zeros(len(change))
    rows = slice(strip.pleura_row, strip.pleura_row + DEPTH_ROWS)
    relative = change[:, rows] - _steady(reference)[:, None, None]
    steps = np.arange(0, len(relative), 4)
    texture = variance[MAP_LAG:, rows]
    smooth, flat = (np.stack([x[max(k - 3, 0) : k + 4].mean(axis=0) for k in steps]) for x in (relative, texture))
    known = (flat >= LEAST_TEXTURE * NOISE_VARIANCE) & strip.valid[rows]
    smooth = np.stack([_smoothed(values, where) for values, where in zip(smooth, known, strict=True)])
    moments = strip.times_s[chosen[steps + MAP_LAG // 2]]
    return MotionMap(
        quantity="speckle_change",
        values=smooth,
        times_s=np.array(moments, dtype=np.float64),
        depth_px=DEPTH_ROWS * strip.pitch_mm / mm_per_px,
        unit="",
        low=0.0,
        high=HIGHEST,
    )


def _smoothed(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Smooth values (D, S) among those that were measured; NaN where they were not."""
    weight = cv2.GaussianBlur(known.astype(np.float32), (0, 0), 1.0)
    total = cv2.GaussianBlur(np.where(known, values, 0.0).astype(np.float32), (0, 0), 1.0)
    return np.where(known, total / np.maximum(weight, 1e-6), np.nan).astype(np.float32)


def _steady(reference: np.ndarray) -> np.ndarray:
    """Smooth the wall's own change over 0.5 s, so that its noise does not flicker in the map."""
    kernel = np.ones(7) / 7
    return np.convolve(np.pad(reference, 3, mode="edge"), kernel, mode="valid")
