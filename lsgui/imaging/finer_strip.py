"""The same strip with more samples: what a network that compares cells of 8 x 8 pixels needs to see of fine pixels."""

import cv2
import numpy as np
import numpy.typing as npt

from lsgui.core.pleura import PleuralROI
from lsgui.core.strip import PleuralStrip
from lsgui.imaging.strip_cutter import MARGIN_COLUMNS, PITCH_MM, StripSampler

WORTH = 1.3
"""Pixels of the file a sample of the strip from which finer sampling shows more than the strip does."""


class FinerStrip:
    """Frames of a strip, sampled from the clip once more with several samples for one, where the strip found its wall.

    Parameters
    ----------
    frames, origin, roi, mm_per_px
        What the strip was cut from, as for `cut_strip`.
    strip
        The strip.
    times
        Samples in place of one, each way.
    """

    def __init__(
        self,
        frames: npt.NDArray[np.uint8],
        origin: tuple[int, int],
        roi: PleuralROI,
        mm_per_px: float,
        strip: PleuralStrip,
        times: int,
    ) -> None:
        self._sampler = StripSampler(frames, origin, roi, mm_per_px, times)
        self._shift = strip.wall_shift_mm / PITCH_MM
        self._times = times

    def __call__(self, indices: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
        """Return these frames, (N, D * times, S * times) uint8."""
        return np.stack([self._one(int(index)) for index in indices])

    def _one(self, index: int) -> npt.NDArray[np.uint8]:
        times, sampler = self._times, self._sampler
        x, y = (
            cv2.resize(places, None, fx=times, fy=times, interpolation=cv2.INTER_LINEAR)
            for places in sampler.places(index, *self._shift[index])
        )
        inner = slice(MARGIN_COLUMNS * times, -MARGIN_COLUMNS * times)
        x, y = np.ascontiguousarray(x[:, inner]), np.ascontiguousarray(y[:, inner])
        found = cv2.remap(sampler.frame(index), x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(found, dtype=np.uint8)


def worth_finer(pitch_mm: float, mm_per_px: float) -> bool:
    """Return whether the file has finer pixels than a strip of this pitch shows."""
    return pitch_mm / mm_per_px > WORTH
