"""The motion index: does the lung change as only a sliding lung does, measured without weights.

Derivation. A patch of speckle decorrelates with time for three reasons: noise, motion of the whole picture, and motion
of its own. Above the pleural line (the chest wall, which the strip is held still on) only the first two act; below it
all three. How strongly noise decorrelates a patch depends on its contrast: dark, flat patches decorrelate first. So
for each lag the wall's decorrelation d is fitted as log d = a + b log(variance), b <= 0, over the patches of this same
clip's wall, and each patch below is compared with what that line expects at its contrast:

    excess = mean over the lags 0.08 and 0.23 s of log((d_below + FLOOR) / (exp(a + b log variance_below) + FLOOR))

Moments at which the wall itself is not recognised (a jump of the probe, a cut) say nothing of the lung: they are left
out.

An excess of 0 says that the lung does what a chest wall of the same contrast would do; sliding lungs show more. The
excess does not depend on gain, depth or frame rate. The index is 1 / (1 + exp(-(excess - EVEN) / SLOPE)).

`EVEN` and `SLOPE` were set on ten clips of sliding lungs and edits of them (see the card of the model `motion`).
"""

import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lsgui.core.strip import PleuralStrip
from lsgui.imaging.strip_channels import (
    SAMPLE_HZ,
    WINDOW_SAMPLES,
    Grey,
    local_decorrelation,
    local_moments,
    sample_moments,
)

EVEN = 0.10
SLOPE = 0.07
INDEX_LAGS = (1, 3)
SEGMENT_COLUMNS = 8
WINDOW_STEP = 8
"""Samples between the beginnings of two windows (0.6 s)."""

BELOW_ROWS = (2, 25)
"""Rows under the pleural line that are looked at: 0.8 to 10 mm. Deeper there is mostly noise."""

WALL_GAP_ROWS = 3

SPOILT_FACTOR = 3.0
SPOILT_CHANGE = 0.2
"""A moment is left out when the wall's decorrelation is this many times, and this much, above its median."""

FLOOR = 0.02
"""Added to both sides of the comparison: where a very still wall changes by less than that, so may a still lung."""

_TINY = 1e-3

BREATHING_HZ = (0.1, 0.7)
PULSE_HZ = (0.8, 2.5)
_BANDS_NEED_S = 4.0


@dataclass(frozen=True, slots=True, eq=False)
class MotionEvidence:
    """What the strip itself says of sliding.

    Attributes
    ----------
    index, interval
        The motion index, 0 (lung does what the wall does) to 1, and its 10-90 % spread over windows and segments;
        None where nothing could be measured.
    excess
        (windows, segments) float64, NaN where nothing could be measured.
    starts
        (windows,) int64: first sample of each window at `SAMPLE_HZ`.
    band_ratio
        Power of the lung's change in the breathing band over that in the pulse band; None for clips under 4 s.
    wall_change, lung_change
        Median decorrelation at 0.23 s of wall and lung.
    """

    index: float | None
    interval: tuple[float, float] | None
    excess: npt.NDArray[np.float64]
    starts: npt.NDArray[np.int64]
    band_ratio: float | None
    wall_change: float
    lung_change: float


def index_of(excess: npt.NDArray[np.float64] | float) -> npt.NDArray[np.float64]:
    """Return the motion index of an excess, 0..1."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip((np.asarray(excess) - EVEN) / SLOPE, -60, 60))))


def motion_index(strip: PleuralStrip) -> MotionEvidence:
    """Measure the motion index of a strip, per window of 2.5 s, per segment of 3.2 mm, and for the whole."""
    frames = strip.frames[sample_moments(strip.times_s)].astype(np.float32)
    starts = window_starts(len(frames))
    segments = max(frames.shape[2] // SEGMENT_COLUMNS, 1)
    nothing = np.full((len(starts), segments), np.nan)
    wall = np.zeros(strip.valid.shape, dtype=bool)
    wall[2 : strip.pleura_row - WALL_GAP_ROWS] = strip.valid[2 : strip.pleura_row - WALL_GAP_ROWS]
    below = np.zeros_like(wall)
    below[strip.pleura_row + BELOW_ROWS[0] : strip.pleura_row + BELOW_ROWS[1]] = True
    below &= strip.valid
    if len(frames) <= max(INDEX_LAGS) + 1 or wall.sum() < 40 or below.sum() < 40:
        return MotionEvidence(None, None, nothing, starts, None, float("nan"), float("nan"))
    mean, variance = local_moments(frames)
    change = {lag: _known_moments(local_decorrelation(frames, lag, mean, variance), wall) for lag in INDEX_LAGS}
    total = _excess(change, variance, wall, below, slice(None))
    grid = np.array([_windowed(change, variance, wall, below, int(start), segments) for start in starts])
    known = grid[np.isfinite(grid)]
    whole = float(np.median(total[below]))
    spread = np.percentile(index_of(known), [10, 90]) if known.size else np.full(2, float(index_of(whole)))
    last = change[INDEX_LAGS[-1]]
    return MotionEvidence(
        index=float(index_of(whole)),
        interval=(min(float(spread[0]), float(index_of(whole))), max(float(spread[1]), float(index_of(whole)))),
        excess=grid,
        starts=starts,
        band_ratio=_band_ratio(_filled(last[:, below].mean(axis=1) - last[:, wall].mean(axis=1))),
        wall_change=float(np.nanmedian(last[:, wall])),
        lung_change=float(np.nanmedian(last[:, below])),
    )


def _known_moments(change: Grey, wall: npt.NDArray[np.bool_]) -> Grey:
    """Return the change with NaN at the moments when the wall changes far more than it mostly does."""
    of_wall = change[:, wall].mean(axis=1)
    usual = float(np.median(of_wall))
    out = change.copy()
    out[of_wall > max(SPOILT_FACTOR * usual, usual + SPOILT_CHANGE)] = np.nan
    return out


def _filled(signal: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Return a signal over time with its gaps bridged by straight lines."""
    known = np.flatnonzero(np.isfinite(signal))
    return np.asarray(np.interp(np.arange(len(signal)), known, signal[known]), dtype=np.float64)


def window_starts(samples: int) -> npt.NDArray[np.int64]:
    """Return the first sample of every window; a clip shorter than a window has one that holds all of it."""
    last = max(samples - WINDOW_SAMPLES, 0)
    starts = np.arange(0, last + 1, WINDOW_STEP)
    return np.asarray(starts if last - starts[-1] < WINDOW_STEP // 2 else np.append(starts, last), dtype=np.int64)


def _windowed(
    change: dict[int, Grey],
    variance: Grey,
    wall: npt.NDArray[np.bool_],
    below: npt.NDArray[np.bool_],
    start: int,
    segments: int,
) -> npt.NDArray[np.float64]:
    """Return the excess of each segment in one window, (segments,)."""
    excess = _excess(change, variance, wall, below, slice(start, start + WINDOW_SAMPLES))
    edges = np.linspace(0, excess.shape[1], segments + 1).round().astype(int)
    out = np.full(segments, np.nan)
    for index, (left, right) in enumerate(itertools.pairwise(edges)):
        values = excess[:, left:right][below[:, left:right]]
        if values.size >= 20:
            out[index] = np.median(values)
    return out


def _excess(
    change: dict[int, Grey],
    variance: Grey,
    wall: npt.NDArray[np.bool_],
    below: npt.NDArray[np.bool_],
    samples: slice,
) -> npt.NDArray[np.float64]:
    """Return the excess of every patch against what the wall's line predicts at its contrast, (D, S)."""
    contrast = np.log(variance[samples].mean(axis=0))
    total = np.zeros(contrast.shape)
    for values in change.values():
        picked = values[samples]
        picked = picked[np.isfinite(picked[:, 0, 0])]
        if not len(picked):
            return np.full(contrast.shape, np.nan)
        logarithm = np.log(picked.mean(axis=0) + _TINY)
        design = np.stack([np.ones(int(wall.sum())), contrast[wall]], axis=1)
        level, slope = np.linalg.lstsq(design, logarithm[wall], rcond=None)[0]
        if slope > 0:  # a wall whose brighter patches change more tells nothing of noise: compare with its mean
            level, slope = float(logarithm[wall].mean()), 0.0
        expected = np.exp(level + slope * contrast)
        total += np.log((np.exp(logarithm) + FLOOR) / (expected + FLOOR))
    return np.where(below, total / len(change), np.nan)


def _band_ratio(signal: npt.NDArray[np.floating]) -> float | None:
    """Return the power in the breathing band over the power in the pulse band."""
    if len(signal) < _BANDS_NEED_S * SAMPLE_HZ:
        return None
    steady = signal - np.polyval(np.polyfit(np.arange(len(signal)), signal, 1), np.arange(len(signal)))
    power = np.abs(np.fft.rfft(steady * np.hanning(len(steady)))) ** 2
    rate = np.fft.rfftfreq(len(steady), 1.0 / SAMPLE_HZ)
    low, high = (float(power[(rate >= a) & (rate <= b)].sum()) for a, b in (BREATHING_HZ, PULSE_HZ))
    return low / max(high, 1e-12)
