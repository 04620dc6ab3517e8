"""Does the probe stay where it is? Where the chest wall goes in the picture, and whether it is still the same wall.

The strip is held still on the chest wall, and an automatic line follows the pleura: neither alone tells where the wall
went. Their sum does. A hand that slides the probe takes the wall along; breathing carries it at most 2 to 3 mm to and
fro. A hand that tilts the probe leaves the wall in its place and shows another slice of it: in swings, which the wall's
speckle tells (`wall_renewal`), or so far that a second later even its layers are not the same.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import uniform_filter1d

from lsgui.core.pleura import PleuralROI
from lsgui.core.strip import PleuralStrip
from lsgui.imaging.strip_channels import NOISE_VARIANCE, local_decorrelation, local_moments, sample_moments
from lsgui.imaging.wall_renewal import wall_renewal

Floats = npt.NDArray[np.float64]

SMOOTH_S = 0.3
"""The track is averaged over so long: tremor of the hand and errors of following are no path."""
SPAN_S = 2.5
"""Speed and reach are taken over stretches of the clip as long as a window of the network."""

SLIDES_MM_S = 1.5
SLIDES_MM = 2.9
"""A probe slides along when both are exceeded: held probes reached 1.4 mm/s or 2.8 mm, by breathing and pulse, in 60
simulated clips and in the recorded clips whose probe is called still."""

STARTS_AGAIN_MM = 4.0
"""A longer step from one frame to the next is none of the wall's: following has started again at the line."""

LAGS = (6, 12, 19, 26)
AVERAGED = 3
TILTS_LOSS = 0.6
"""Likeness that the wall's layers, averaged over 0.2 s, lose within 0.5 to 2 s when the probe is tilted on and on; held
probes reached 0.45 in simulated clips, where a breathing wall renews its speckle, and 0.39 in four of five recorded
ones."""
TILTS_STEADY = 0.61
"""The wall's likeness over 0.23 s at its least, as a part of that at its most, when a probe is tilted to and fro; 0.62
at least in edits and corruptions of four recorded clips whose probe is called still, 0.87 in held simulated ones. In
four of five recorded clips whose probe is called drifting it is lower."""
_FEWEST = 20


@dataclass(frozen=True, slots=True)
class ProbeMotion:
    """How the probe moved.

    Attributes
    ----------
    speed_mm_s, reach_mm
        Mean speed of the chest wall in the picture and the width of its path, in the stretch where it moved most.
    loss
        1 - correlation of the chest wall's layers with themselves 0.5 to 2 s later, after following; NaN: unknown.
    steady
        How evenly the wall keeps its speckle: its likeness at its least over that at its most; NaN: unknown.
    """

    speed_mm_s: float
    reach_mm: float
    loss: float
    steady: float

    @property
    def moves(self) -> bool:
        """True where the probe slid along the skin or was tilted."""
        slides = self.speed_mm_s > SLIDES_MM_S and self.reach_mm > SLIDES_MM
        return slides or self.loss > TILTS_LOSS or self.steady < TILTS_STEADY


def line_path_mm(roi: PleuralROI, first: int, count: int, mm_per_px: float) -> Floats:
    """Return the path of a line's middle in frames first..first+count-1, (count, 2) mm (x, y) from its first place."""
    middle = np.array([roi.line_at(first + k).mean(axis=0) for k in range(count)])
    return np.asarray((middle - middle[0]) * mm_per_px)


def probe_motion(strip: PleuralStrip, path_mm: Floats | None = None) -> ProbeMotion:
    """Measure how the probe moved.

    Parameters
    ----------
    strip
        The strip; `wall_shift_mm` is relative to the line of each frame.
    path_mm
        (T, 2) path of the line itself (`line_path_mm`); None: it stands.
    """
    place = strip.wall_shift_mm if path_mm is None else strip.wall_shift_mm + path_mm
    span = float(strip.times_s[-1] - strip.times_s[0])
    if len(place) < 4 or span <= 0:
        return ProbeMotion(0.0, 0.0, float("nan"), float("nan"))
    own = np.diff(place, axis=0, prepend=place[:1])
    own[np.hypot(*own.T) > STARTS_AGAIN_MM] = 0.0
    smooth = uniform_filter1d(np.cumsum(own, axis=0), max(round(SMOOTH_S * strip.fps), 1), axis=0, mode="nearest")
    steps = np.hypot(*np.diff(smooth, axis=0).T)
    size = min(max(round(SPAN_S * strip.fps), 2), len(steps))
    path = np.concatenate([[0.0], np.cumsum(steps)])
    speed = float((path[size:] - path[:-size]).max()) / (size / strip.fps)
    starts = range(0, max(len(smooth) - size, 1), max(size // 12, 1))
    reach = max(float(np.hypot(*np.ptp(smooth[k : k + size + 1], axis=0))) for k in starts)
    renewal = wall_renewal(strip)
    return ProbeMotion(speed, reach, _loss(strip), float("nan") if renewal is None else renewal.steady)


def _loss(strip: PleuralStrip) -> float:
    """Return how unlike itself the chest wall gets within two seconds; NaN where it cannot be seen."""
    rows = slice(2, max(strip.pleura_row - 3, 3))
    picked = strip.frames[sample_moments(strip.times_s)][:, : strip.pleura_row].astype(np.float32)
    if len(picked) < AVERAGED + LAGS[0] + 2:
        return float("nan")
    layers = uniform_filter1d(picked, AVERAGED, axis=0)[AVERAGED // 2 : len(picked) - AVERAGED // 2]
    mean, variance = local_moments(layers)
    seen = strip.valid[rows] & (variance[:, rows].mean(axis=0) > 5.0 * NOISE_VARIANCE)
    if int(seen.sum()) < _FEWEST:
        return float("nan")
    losses = [
        float(local_decorrelation(layers, lag, mean, variance)[:, rows].mean(axis=0)[seen].mean())
        for lag in LAGS
        if lag < len(layers)
    ]
    return max(losses)
