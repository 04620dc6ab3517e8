"""When frames were taken: believable rates, and moments of unevenly spaced frames."""

from collections.abc import Sequence

import numpy as np

MIN_FPS, MAX_FPS = 0.1, 1000.0
"""Rates outside are unit mistakes or empty tags: a scanner gives 5 to 200 frames per second."""

_EVEN = 0.25
"""Frames count as evenly spaced while none is further from its even place than this part of the frame time."""


def believable(fps: float | None) -> float | None:
    """Return a rate that can be true, else None."""
    return fps if fps is not None and np.isfinite(fps) and MIN_FPS <= fps <= MAX_FPS else None


def spacing(moments_s: Sequence[float]) -> tuple[float, tuple[float, ...] | None] | None:
    """Return (frames per second, moments) of a clip from the moments of its frames.

    The moments start at 0 and are None where the frames are evenly spaced, so that the rate says it all. The whole is
    None where the moments cannot be true: fewer than two, not rising, or at an unbelievable rate.
    """
    times = np.asarray(moments_s, dtype=np.float64)
    if len(times) < 2 or not np.isfinite(times).all() or (np.diff(times) <= 0).any():
        return None
    times = times - times[0]
    fps = believable(float((len(times) - 1) / times[-1]))
    if fps is None:
        return None
    off = np.abs(times - np.arange(len(times)) / fps).max() * fps
    return fps, (None if off <= _EVEN else tuple(float(t) for t in times))
