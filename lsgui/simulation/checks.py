"""Measure simulated or real clips: how fast texture above and below the pleura loses its likeness to itself."""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from lsgui.core.pleura import PleuralROI


def block_correlation(
    frames: npt.NDArray[np.uint8],
    roi: PleuralROI,
    lags: Sequence[int] = (1, 2, 4, 8),
    block_px: int = 24,
    gap_px: int = 4,
    follow: bool = False,
) -> dict[int, tuple[float, float]]:
    """Return the mean normalised cross-correlation above and below the pleura at each lag in frames.

    Blocks of `block_px` stand side by side along the line of the first key frame, one row of them above it and one
    below, `gap_px` away from it. With `follow` they move with the line.

    Raises
    ------
    ValueError
        When no block fits into the picture.
    """
    found: dict[int, tuple[list[float], list[float]]] = {lag: ([], []) for lag in lags}
    start = roi.line_at(0)
    for x in np.arange(start[:, 0].min(), start[:, 0].max() - block_px + 1, block_px):
        for k in range(0, len(frames), 3):
            line = roi.line_at(k) if follow else start
            offset = float(line[0, 0] - start[0, 0])
            middle = float(np.interp(x + offset + block_px / 2, line[:, 0], line[:, 1]))
            for side, top in ((0, middle - gap_px - block_px), (1, middle + gap_px)):
                here = _block(frames[k], x + offset, top, block_px)
                for lag in lags:
                    if here is None or k + lag >= len(frames):
                        continue
                    later = roi.line_at(k + lag) if follow else start
                    moved = float(later[0, 0] - line[0, 0])
                    sunk = float(np.interp(x + offset + moved + block_px / 2, later[:, 0], later[:, 1])) - middle
                    there = _block(frames[k + lag], x + offset + moved, top + sunk, block_px)
                    if there is not None and here.std() > 0 and there.std() > 0:
                        found[lag][side].append(float(np.corrcoef(here.ravel(), there.ravel())[0, 1]))
    if not any(above and below for above, below in found.values()):
        raise ValueError("no block fits beside the pleural line")
    return {lag: (float(np.mean(above)), float(np.mean(below))) for lag, (above, below) in found.items()}


def _block(frame: npt.NDArray[np.uint8], left: float, top: float, size: int) -> npt.NDArray[np.float32] | None:
    if left < 0 or top < 0 or left + size > frame.shape[1] or top + size > frame.shape[0]:
        return None
    centre = (left + (size - 1) / 2, top + (size - 1) / 2)
    return np.asarray(cv2.getRectSubPix(frame.astype(np.float32), (size, size), centre), dtype=np.float32)
