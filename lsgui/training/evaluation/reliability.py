"""Do probabilities mean what they say: bins of probability against the share of absent clips in them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lsgui.training.evaluation.metrics import CALIBRATION_BINS, Bools, Floats


@dataclass(frozen=True, slots=True, eq=False)
class ReliabilityBins:
    """Bins of equal width between 0 and 1.

    Attributes
    ----------
    edges
        (bins + 1,) borders of the bins.
    counts
        (bins,) how many items fall in each.
    mean_p, share_absent
        (bins,) mean probability and share of ls_a in each; NaN where a bin is empty.
    low, high
        (bins,) 95 % Wilson interval of the share; NaN where a bin is empty.
    """

    edges: Floats
    counts: npt.NDArray[np.int64]
    mean_p: Floats
    share_absent: Floats
    low: Floats
    high: Floats

    @property
    def error(self) -> float:
        """Expected calibration error: the gap of each bin, weighted by its count; NaN where nothing was counted."""
        if not self.counts.sum():
            return float("nan")
        gaps = np.nan_to_num(np.abs(self.mean_p - self.share_absent))
        return float((self.counts * gaps).sum() / self.counts.sum())


def reliability_bins(
    absent: Sequence[bool] | Bools, p_absent: Sequence[float] | Floats, bins: int = CALIBRATION_BINS
) -> ReliabilityBins:
    """Return the bins of (n,) labels and probabilities."""
    truth, p = np.asarray(absent, dtype=np.float64), np.asarray(p_absent, dtype=np.float64)
    which = np.minimum((p * bins).astype(int), bins - 1)
    counts = np.bincount(which, minlength=bins).astype(np.int64)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean_p = np.bincount(which, p, bins) / counts
        share = np.bincount(which, truth, bins) / counts
    low, high = wilson_interval(share, counts)
    return ReliabilityBins(np.linspace(0.0, 1.0, bins + 1), counts, mean_p, share, low, high)


def wilson_interval(share: Floats, counts: npt.NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Return the 95 % interval of shares of counts (Wilson, 1927, doi.org/10.1080/01621459.1927.10502953)."""
    z = 1.959964
    with np.errstate(invalid="ignore", divide="ignore"):
        centre = (share + z**2 / (2 * counts)) / (1 + z**2 / counts)
        half = z / (1 + z**2 / counts) * np.sqrt(share * (1 - share) / counts + z**2 / (4 * counts**2))
    return np.clip(centre - half, 0.0, 1.0), np.clip(centre + half, 0.0, 1.0)


def isotonic_curve(absent: Sequence[bool] | Bools, p_absent: Sequence[float] | Floats) -> tuple[Floats, Floats]:
    """Return (p, share): the rising step curve that fits the labels best, which needs no bins.

    Pool-adjacent-violators, as in the reliability diagrams of Dimitriadis et al., 2021,
    doi.org/10.1073/pnas.2016191118.
    """
    from sklearn.isotonic import IsotonicRegression

    p = np.asarray(p_absent, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    fitted = IsotonicRegression(y_min=0.0, y_max=1.0).fit_transform(p[order], np.asarray(absent, dtype=float)[order])
    return p[order], np.asarray(fitted, dtype=np.float64)
