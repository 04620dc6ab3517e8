"""The frames that show an image: screen captures start and end with black or empty ones."""

import numpy as np
import numpy.typing as npt

from lsgui.core.clip import Clip

SAMPLED_PIXELS = 20_000
"""Pixels of a frame that are looked at, on an even grid."""


def sparse(frame: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return an even grid of a frame's pixels, about `SAMPLED_PIXELS` of them."""
    step = max(1, int(np.sqrt(frame.size / SAMPLED_PIXELS)))
    return frame[step // 2 :: step, step // 2 :: step]


def usable_range(clip: Clip) -> tuple[int, int]:
    """Return the first frame that shows an image and the last one + 1.

    Leading and trailing frames count as empty when their lit pixels are less than half of those of the clip's typical
    frame: a black lead-in may carry the text of the screen. A clip without such frames is usable as a whole.
    """
    count = len(clip)
    typical = np.median([_lit(clip, k) for k in np.unique(np.linspace(0, count - 1, 15).astype(int))])
    start, stop = 0, count
    while start < count and _lit(clip, start) < 0.5 * typical:
        start += 1
    while stop > start and _lit(clip, stop - 1) < 0.5 * typical:
        stop -= 1
    return (start, stop) if start < stop else (0, count)


def _lit(clip: Clip, index: int) -> float:
    """Return the mean grey value of a frame's sampled pixels."""
    return float(sparse(clip.frame(index)).mean())
