"""Is the chest wall that is seen still the same slice of it? A probe that is tilted shows another one and comes back.

Derivation. The layers of the wall (fasciae, muscle) run along the probe and stay where they are in the picture when the
probe is tilted a little; the speckle within them belongs to one slice and is replaced. So the layers are taken out (the
mean along the wall), and what is left is compared with itself 0.23 s later, each patch at its best within 0.8 mm: a
wall that breathing only bends stays like itself. How much speckle a still probe keeps differs from clip to clip, for
breathing renews it evenly; a hand tilts in swings, fast in the middle and slow at the ends, so that likeness falls and
recovers. Noise and codecs lower both ends alike, so that their ratio is looked at.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import minimum_filter, uniform_filter, uniform_filter1d

from lsgui.core.strip import PleuralStrip
from lsgui.imaging.strip_channels import NOISE_VARIANCE, sample_moments

LAG = 3
AVERAGED = 3
"""Samples at 12.8 Hz: 0.23 s between two moments, each the mean of as many frames, so that noise is no change."""

PATCH = 13
"""Side of a patch in samples of 0.4 mm: larger than where texture is followed, for here it is a mean that counts."""

SEARCH_ROWS, SEARCH_COLUMNS = 1, 2
"""How far a patch is looked for, in samples of 0.4 mm."""

SMOOTH = 3
"""Samples (0.23 s) over which likeness is averaged: one repeated or spoilt frame is no swing."""

ENDS = (10.0, 90.0)
_FEWEST = 20
_SHORTEST = 12

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class WallRenewal:
    """How much of its speckle the chest wall keeps over 0.23 s, 0 to 1, when it keeps least and when most."""

    least: float
    most: float

    @property
    def steady(self) -> float:
        """The least as a part of the most."""
        return max(self.least, 0.0) / max(self.most, 1e-3)


def wall_renewal(strip: PleuralStrip) -> WallRenewal | None:
    """Measure the chest wall of a strip; None where it is too short or shows no speckle."""
    stop = max(strip.pleura_row - 3, 1)
    frames = strip.frames[sample_moments(strip.times_s)][:, :stop].astype(np.float32)
    if len(frames) < AVERAGED + LAG + _SHORTEST or frames.shape[2] < PATCH:
        return None
    means = uniform_filter1d(frames, AVERAGED, axis=0)[AVERAGED // 2 : len(frames) - AVERAGED // 2]
    speckle = means - uniform_filter1d(means, PATCH, axis=2, mode="nearest")
    mean = _local(speckle)
    variance = np.maximum(_local(speckle * speckle) - mean * mean, 0.0) + np.float32(NOISE_VARIANCE)
    texture = variance.mean(axis=0) - NOISE_VARIANCE
    seen = _whole_patches(strip.valid[:stop]) & (texture > NOISE_VARIANCE)
    if int(seen.sum()) < _FEWEST:
        return None
    likeness = _best_likeness(speckle, mean, variance)[:, seen]
    weight = np.minimum(texture[seen] / (2.0 * NOISE_VARIANCE) - 1.0, 2.0) + 0.02
    series = uniform_filter1d((likeness * weight).sum(axis=1) / weight.sum(), SMOOTH, mode="nearest")
    least, most = np.percentile(series, ENDS)
    return WallRenewal(float(least), float(most))


def _whole_patches(valid: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return the samples (D, S) around which a patch, wherever it is looked for, lies within the valid ones."""
    framed = np.zeros_like(valid)
    framed[2:, SEARCH_COLUMNS:-SEARCH_COLUMNS] = valid[2:, SEARCH_COLUMNS:-SEARCH_COLUMNS]
    return np.asarray(minimum_filter(framed, (PATCH, PATCH), mode="constant"))


def _best_likeness(speckle: Floats, mean: Floats, variance: Floats) -> Floats:
    """Return the correlation of every patch with the most alike one near it `LAG` samples ago, (T - LAG, D, S)."""
    best = np.full_like(speckle[LAG:], -1.0)
    for down in range(-SEARCH_ROWS, SEARCH_ROWS + 1):
        for along in range(-SEARCH_COLUMNS, SEARCH_COLUMNS + 1):
            past, mean_past, spread = (np.roll(x[:-LAG], (down, along), axis=(1, 2)) for x in (speckle, mean, variance))
            covariance = _local(speckle[LAG:] * past) - mean[LAG:] * mean_past
            np.maximum(best, covariance / np.sqrt(variance[LAG:] * spread), out=best)
    return best


def _local(values: Floats) -> Floats:
    """Return the mean over a patch around every sample, (T, D, S)."""
    return np.asarray(uniform_filter(values, (1, PATCH, PATCH), mode="nearest"), dtype=np.float32)
