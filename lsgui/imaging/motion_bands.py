"""With what rhythm does the lung change: in strokes at heart rate, or to and fro with the breath?

Derivation. A patch of speckle that moves loses its likeness to itself: over a short lag 1 - correlation grows with the
square of the path, so its root follows the speed. The root of the lung's change over 0.08 s, less what the chest wall
does at the same moments, is therefore a curve of the lung's own speed.

A beating heart repeats that curve every 0.55 to 1.3 s (46 to 110 beats a minute): the curve's autocorrelation has a
peak there, and little of its power lies in the breathing band. A breath moves the lung twice, in and out, so that 25 to
30 breaths a minute look like 50 to 60 beats. Only the shape tells them apart: the heart moves the lung in short strokes
out of rest, the breath in long waves. Slow rhythms count as beats where the curve rises in strokes.

Frames are compared at the clip's own rate: resampling them first would add beats between the two rates.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d

from lsgui.core.strip import PleuralStrip
from lsgui.imaging.strip_channels import NOISE_VARIANCE, local_decorrelation, local_moments

LAG_S = 0.08
"""A lung at 7 mm/s moves half a millimetre meanwhile: about as far as speckle is wide."""

CURVE_HZ = 12.8
SHORTEST_S = 4.0
"""Length of a clip from which a breath can be told from heart beats."""

BREATHING_HZ = (0.08, 0.75)
BEATS_PER_MIN = (46.0, 115.0)
LEAST_BEAT = 0.35
MOST_BREATHING = 0.4
STROKES_PER_MIN = 66.0
LEAST_STROKES = 0.15
"""The heart alone moves the lung: each beat is this much like the next, this much of the power at most lies in the
breathing band, and rhythms slower than 66 a minute, which may be the two halves of fast breaths, rise in strokes. Set
on 22 simulated clips with a pulse alone and 94 of sliding lungs, and on edits of 7 recorded clips."""

LUNG_ROWS = (1, 16)
"""Rows under the line that are looked at: 0.4 to 6 mm. The line's own shimmer is left out."""
WALL_GAP_ROWS = 3
_FEWEST = 40
_SPECTRUM = 1024

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class MotionBands:
    """The rhythm of the lung's change.

    Attributes
    ----------
    beat
        Height of the autocorrelation's peak at heart rate, -0.5 (none) to 1 (one beat is like the next).
    beats_per_min
        Rate of that peak; NaN where there is none.
    breathing
        Share of the curve's power in the breathing band, 0 to 1.
    strokes
        Skewness by quantiles, -1 to 1: positive where the curve rises in strokes out of rest.
    """

    beat: float
    beats_per_min: float
    breathing: float
    strokes: float

    @property
    def is_pulse(self) -> bool:
        """True where the heart alone moves the lung."""
        if self.beat < LEAST_BEAT or self.breathing > MOST_BREATHING:
            return False
        return self.beats_per_min > STROKES_PER_MIN or self.strokes > LEAST_STROKES


def motion_bands(strip: PleuralStrip) -> MotionBands | None:
    """Return the rhythm of a strip's lung; None where the clip is too short or nothing can be compared."""
    if len(strip.times_s) < 3 or strip.times_s[-1] - strip.times_s[0] < SHORTEST_S:
        return None
    curve = speed_curve(strip)
    if curve is None or len(curve) < SHORTEST_S * CURVE_HZ - 4:
        return None
    steady = curve - np.polyval(np.polyfit(np.arange(len(curve)), curve, 1), np.arange(len(curve)))
    power = np.abs(np.fft.rfft(steady * np.hanning(len(steady)), _SPECTRUM)) ** 2
    rate = np.fft.rfftfreq(_SPECTRUM, 1.0 / CURVE_HZ)
    low, high = BREATHING_HZ
    beat, beats_per_min = _beat(steady)
    ends = np.percentile(steady, [10, 50, 90])
    return MotionBands(
        beat=beat,
        beats_per_min=beats_per_min,
        breathing=float(power[(rate >= low) & (rate < high)].sum() / max(float(power.sum()), 1e-12)),
        strokes=float((ends[2] + ends[0] - 2 * ends[1]) / max(float(ends[2] - ends[0]), 1e-9)),
    )


def speed_curve(strip: PleuralStrip) -> Floats | None:
    """Return the lung's own speed over time, in arbitrary units at `CURVE_HZ`; None where nothing can be compared."""
    lag = max(1, round(LAG_S * strip.fps))
    rows = min(strip.pleura_row + LUNG_ROWS[1] + 4, strip.frames.shape[1])
    valid = strip.valid[:rows]
    wall, lung = np.zeros_like(valid), np.zeros_like(valid)
    wall[2 : strip.pleura_row - WALL_GAP_ROWS] = valid[2 : strip.pleura_row - WALL_GAP_ROWS]
    lung[strip.pleura_row + LUNG_ROWS[0] : strip.pleura_row + LUNG_ROWS[1]] = True
    lung &= valid
    if len(strip.frames) <= lag + 2 or wall.sum() < _FEWEST or lung.sum() < _FEWEST:
        return None
    frames = strip.frames[:, :rows].astype(np.float32)
    mean, variance = local_moments(frames)
    change = local_decorrelation(frames, lag, mean, variance)
    texture = np.clip(variance.mean(axis=0) / (4.0 * NOISE_VARIANCE) - 1.0, 0.02, 2.0)
    moments = 0.5 * (strip.times_s[lag:] + strip.times_s[:-lag])
    ticks = np.arange(moments[0], moments[-1], 1.0 / CURVE_HZ)
    of_lung, of_wall = (_rooted(change, texture, part, moments, ticks, strip.fps) for part in (lung, wall))
    own = of_wall - of_wall.mean()
    share = float((own * (of_lung - of_lung.mean())).sum() / max(float((own**2).sum()), 1e-9))
    return np.asarray(of_lung - min(max(share, 0.0), 1.5) * own)


def _rooted(
    change: npt.NDArray[np.float32],
    texture: npt.NDArray[np.float32],
    part: Bools,
    moments: Floats,
    ticks: Floats,
    fps: float,
) -> Floats:
    """Return the root of a part's mean change at the ticks.

    Patches without texture, which only carry noise, weigh little.
    """
    weight = texture[part] / texture[part].sum()
    mean = (change[:, part] * weight).sum(axis=1).astype(np.float64)
    smooth = gaussian_filter1d(mean, max(0.5 * fps / CURVE_HZ, 0.3))
    return np.sqrt(np.maximum(np.interp(ticks, moments, smooth), 0.0))


def _beat(steady: Floats) -> tuple[float, float]:
    """Return height and rate of the highest peak of the autocorrelation at heart rate."""
    count = len(steady)
    likeness = np.correlate(steady, steady, "full")[count - 1 :] / np.arange(count, 0, -1)
    likeness = likeness / max(float(likeness[0]), 1e-12)
    slow, fast = (60.0 * CURVE_HZ / edge for edge in BEATS_PER_MIN)
    peaks = [
        k
        for k in range(max(int(np.ceil(fast)), 1), min(int(slow), count - 2) + 1)
        if likeness[k] >= likeness[k - 1] and likeness[k] >= likeness[k + 1]
    ]
    if not peaks:
        return -0.5, float("nan")
    best = max(peaks, key=lambda k: float(likeness[k]))
    return float(likeness[best]), 60.0 * CURVE_HZ / best
