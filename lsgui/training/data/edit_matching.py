"""Give the texture of an edit the brightness and contrast of the clip it was made from, so that they say nothing.

The chest wall is brighter than what lies below the pleural line. A network that is taught on the wall mirrored below
the line would learn to call bright pictures absent.
"""

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d

from lsgui.core.pleura import PleuralROI

Frames = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]

STEP_MM = 0.4
BLUR_MM = 1.6
BLEND_MM = 1.0
SAMPLED_FRAMES = 16
GAIN = (0.3, 3.0)


def matched(frames: Frames, like: Frames, roi: PleuralROI, mm_per_px: float) -> Frames:
    """Return edited frames with the mean and contrast of `like` at every depth below the line, (T, H, W) uint8.

    One gain and offset a depth for the whole clip: nothing that moves is added or taken away.

    Parameters
    ----------
    frames, like
        (T, H, W) uint8: the clip edited, and as it was.
    roi
        Its pleural line in their pixels.
    """
    picked = range(0, len(frames), max(len(frames) // SAMPLED_FRAMES, 1))
    bins = [_depth_bins(roi, k, frames.shape[1:], mm_per_px) for k in picked]
    count = 1 + max(int(found.max()) for found in bins)
    mean_from, spread_from = _profile(frames, picked, bins, count)
    mean_to, spread_to = _profile(like, picked, bins, count)
    gain = np.clip(spread_to / np.maximum(spread_from, 1.0), *GAIN)
    weight = np.clip((np.arange(count) - 1) * STEP_MM / BLEND_MM, 0.0, 1.0)  # bin 0 is the wall, which stays
    scale = 1.0 + weight * (gain - 1.0)
    offset = weight * (mean_to - gain * mean_from)
    out = np.empty_like(frames)
    still = len(roi.keyframes) == 1
    for index, frame in enumerate(frames):
        place = bins[0] if still else _depth_bins(roi, index, frames.shape[1:], mm_per_px)
        place = np.minimum(place, count - 1)
        out[index] = np.clip(np.rint(frame * scale[place] + offset[place]), 0, 255).astype(np.uint8)
    return out


def _depth_bins(roi: PleuralROI, index: int, size: tuple[int, ...], mm_per_px: float) -> npt.NDArray[np.int64]:
    """Return the depth of every pixel below the line in steps from 1, and 0 above it, (H, W)."""
    line = roi.line_at(index)
    order = np.argsort(line[:, 0])
    rows = np.interp(np.arange(size[1]), line[order, 0], line[order, 1])
    depth_mm = (np.arange(size[0])[:, None] - rows[None]) * mm_per_px
    return np.asarray(np.maximum(np.floor(depth_mm / STEP_MM) + 1, 0), dtype=np.int64)


def _profile(frames: Frames, picked: range, bins: list[npt.NDArray[np.int64]], count: int) -> tuple[Floats, Floats]:
    """Return mean and standard deviation at each depth, smoothed, (count,) each."""
    sums = np.zeros((3, count))
    for index, place in zip(picked, bins, strict=True):
        values = frames[index].astype(np.float64).ravel()
        for row, weights in enumerate((np.ones_like(values), values, values**2)):
            sums[row] += np.bincount(place.ravel(), weights, count)
    total = np.maximum(sums[0], 1.0)
    mean = sums[1] / total
    spread = np.sqrt(np.maximum(sums[2] / total - mean**2, 0.0))
    smooth = [gaussian_filter1d(part[1:], BLUR_MM / STEP_MM, mode="nearest") for part in (mean, spread)]
    return np.append(mean[0], smooth[0]), np.append(spread[0], smooth[1])
