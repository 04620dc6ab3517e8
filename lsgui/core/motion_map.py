"""A map of motion over the pleural band that can be laid over the playing clip."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

MotionQuantity = Literal["flow", "speckle_change", "focus"]

_HOLDS_S = 0.3
"""Seconds before the first and after the last moment for which a map still holds: each is measured over about as much.
Where moments lie further apart it is the distance between two of them."""
_SAMPLES = 9
"""Moments at which a window of time is looked at: it spans few maps."""


@dataclass(frozen=True, slots=True, eq=False)
class MotionMap:
    """A quantity over time, depth below the pleural line and position along it.

    The map lives in strip coordinates, so it follows the pleural line through key frames and probe motion; the
    overlay draws it between `above_px` above the line and `depth_px` below it.

    Attributes
    ----------
    quantity
        "flow": speed of the lung relative to the chest wall. "speckle_change": decorrelation below the line minus that
        of the same clip's chest wall. "focus": where the network looked.
    values
        (K, D, S) float32: K moments, D rows away from the probe, which begin on the line or `above_px` above it, S
        columns from the line's first point to its last. NaN where nothing could be measured.
    times_s
        (K,) float64: the moment of each map, rising.
    depth_px
        Pixels of the file below the line at which the last row ends.
    unit
        Unit of the values for the legend: "mm/s", "px/s", "".
    low, high
        Ends of the colour scale.
    vectors
        (K, d, s, 2) float32: velocity in `unit` at the centres of d x s equal cells over the same band, as (along the
        line from its first point to its last, across it away from the probe). NaN where nothing could be measured;
        None for a quantity without a direction.
    note
        How it was made, for the legend and the evidence ("RAFT, 2 frames (0.12 s)"); empty where that goes without
        saying.
    above_px
        Pixels of the file above the line at which the first row begins; 0 for a map of what lies below the line.
    """

    quantity: MotionQuantity
    values: npt.NDArray[np.float32]
    times_s: npt.NDArray[np.float64]
    depth_px: float
    unit: str
    low: float
    high: float
    vectors: npt.NDArray[np.float32] | None = None
    note: str = ""
    above_px: float = 0.0

    def __post_init__(self) -> None:
        self.values.setflags(write=False)
        self.times_s.setflags(write=False)
        if self.vectors is not None:
            self.vectors.setflags(write=False)

    @property
    def nbytes(self) -> int:
        """Bytes of its arrays."""
        return self.values.nbytes + self.times_s.nbytes + (0 if self.vectors is None else self.vectors.nbytes)

    def at(self, time_s: float) -> npt.NDArray[np.float32]:
        """Return the map at a moment, (D, S), blended between its two neighbours in time.

        Where one of the two could not be measured there is nothing to blend (NaN), but at its own moment a map is
        shown as it is. Well before the first and after the last moment nothing was measured: all NaN.
        """
        return self._blended(self.values, time_s)

    def mean_over(self, time_s: float, window_s: float) -> npt.NDArray[np.float32]:
        """Return the mean over `window_s` seconds about a moment, (D, S); 0 is `at`, infinity the whole clip.

        The mean is of what was measured; NaN where that is less than half of the window's time that has maps.
        """
        if window_s <= 0.0:
            return self.at(time_s)
        weights = self._weights(time_s, window_s)
        used = np.flatnonzero(weights)
        if used.size == 0:
            return np.full(self.values.shape[1:], np.nan, dtype=np.float32)
        share = (weights[used] / weights.sum()).astype(np.float32)
        series = self.values[used[0] : used[-1] + 1] if used.size == np.ptp(used) + 1 else self.values[used]
        plain = np.tensordot(share, series, axes=1)
        spoilt = ~np.isfinite(plain)
        if spoilt.any():  # only where something is missing: this is asked for on every frame
            part = series[:, spoilt]
            known = np.isfinite(part)
            measured = share @ known
            total = share @ np.where(known, part, np.float32(0.0))
            enough = measured >= 0.5
            plain[spoilt] = np.where(enough, total / np.where(enough, measured, 1.0), np.nan)
        return np.asarray(plain, dtype=np.float32)

    def _weights(self, time_s: float, window_s: float) -> npt.NDArray[np.float64]:
        """Return how much every map counts in a window of time, (K,); all 0 where none was measured there."""
        count = len(self.times_s)
        if not np.isfinite(window_s):
            return np.asarray(np.gradient(self.times_s) if count > 1 else np.ones(count), dtype=np.float64)
        reach = self._reach_s()
        first, last = float(self.times_s[0]), float(self.times_s[-1])
        moments = time_s + window_s * np.linspace(-0.5, 0.5, _SAMPLES)
        moments = np.clip(moments[(moments >= first - reach) & (moments <= last + reach)], first, last)
        after = np.clip(np.searchsorted(self.times_s, moments), 0, count - 1)
        before = np.maximum(after - 1, 0)
        span = self.times_s[after] - self.times_s[before]
        weight = np.where(span > 0, (moments - self.times_s[before]) / np.where(span > 0, span, 1.0), 1.0)
        both = np.bincount(after, weight, count) + np.bincount(before, 1.0 - weight, count)
        return np.asarray(both, dtype=np.float64)

    def _reach_s(self) -> float:
        return max(_HOLDS_S, float(np.median(np.diff(self.times_s))) if len(self.times_s) > 1 else 0.0)

    def vectors_at(self, time_s: float) -> npt.NDArray[np.float32] | None:
        """Return the velocities at a moment, (d, s, 2), blended as `at` blends; None without velocities."""
        return None if self.vectors is None else self._blended(self.vectors, time_s)

    def _blended(self, series: npt.NDArray[np.float32], time_s: float) -> npt.NDArray[np.float32]:
        reach = self._reach_s()
        if not self.times_s[0] - reach <= time_s <= self.times_s[-1] + reach:
            return np.full(series.shape[1:], np.nan, dtype=np.float32)
        after = min(max(int(np.searchsorted(self.times_s, time_s)), 0), len(self.times_s) - 1)
        before = max(after - 1, 0)
        span = self.times_s[after] - self.times_s[before]
        weight = float(np.clip((time_s - self.times_s[before]) / span, 0.0, 1.0)) if span > 0 else 0.0
        if weight in (0.0, 1.0):
            return np.asarray(series[after if weight else before])
        return np.asarray((1.0 - weight) * series[before] + weight * series[after], dtype=np.float32)
