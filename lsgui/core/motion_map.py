"""A map of motion over the pleural band that can be laid over the playing clip."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

MotionQuantity = Literal["flow", "speckle_change", "focus"]


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

    def at(self, time_s: float) -> npt.NDArray[np.float32]:
        """Return the map at a moment, (D, S), blended between its two neighbours in time.

        Where one of the two could not be measured there is nothing to blend (NaN), but at its own moment a map is
        shown as it is.
        """
        return self._blended(self.values, time_s)

    def vectors_at(self, time_s: float) -> npt.NDArray[np.float32] | None:
        """Return the velocities at a moment, (d, s, 2), blended as `at` blends; None without velocities."""
        return None if self.vectors is None else self._blended(self.vectors, time_s)

    def _blended(self, series: npt.NDArray[np.float32], time_s: float) -> npt.NDArray[np.float32]:
        after = min(max(int(np.searchsorted(self.times_s, time_s)), 0), len(self.times_s) - 1)
        before = max(after - 1, 0)
        span = self.times_s[after] - self.times_s[before]
        weight = float(np.clip((time_s - self.times_s[before]) / span, 0.0, 1.0)) if span > 0 else 0.0
        if weight in (0.0, 1.0):
            return np.asarray(series[after if weight else before])
        return np.asarray((1.0 - weight) * series[before] + weight * series[after], dtype=np.float32)
