"""Signs of sliding in a strip, each compared with the chest wall of the same clip.

Noise, compression and a moving probe change every picture; so no sign looks at the lung alone. How strongly noise
changes a patch depends on its contrast (dark, flat patches lose their likeness first): over the patches of the wall a
sign is fitted as a falling line of contrast, and a patch of the lung counts by how far it lies above that line.
"""

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
from scipy.ndimage import uniform_filter1d

from lsgui.core.motion_map import MotionMap
from lsgui.imaging.patch_change import SHORT, USUAL, Bools, PatchChange
from lsgui.imaging.strip_channels import SAMPLE_HZ

Floats = npt.NDArray[np.float64]

LINE, NEAR, MIDDLE = (-2, 2), (3, 10), (11, 20)
"""Rows of patch centres below the line: the line itself, to 4 mm, to 8 mm. Deeper there is mostly noise."""

FLOOR = 0.02
"""Added before logarithms: where a very still wall changes by less than that, so may a still lung."""

SWING_SAMPLES = 10
"""Samples (0.8 s) over which change is averaged before its swing is taken: longer than a heart's stroke."""

BREATHING_HZ = (0.1, 0.75)
PULSE_HZ = (0.8, 3.5)
_BANDS_NEED = 26
_FLOW_ROWS = 2


@dataclass(frozen=True, slots=True)
class MotionFeatures:
    """The signs. NaN where one could not be measured.

    Attributes
    ----------
    renewal_near, renewal_middle
        Log of -log(likeness over 0.23 s / likeness over 0.08 s): texture that is new after 0.23 s and was not noise,
        for noise costs as much likeness at either lag. 1 to 4 mm and 4 to 8 mm below the line.
    travel
        Log of the way along the line, in mm, between the two ends of the texture's path (tracked by flow to 5 mm).
    speed
        Log of the median speed of flow against the wall, mm/s.
    swing_short, swing_usual
        How far the change of the line over 0.08 and 0.23 s swings between rest and motion (10 to 90 % over time, 0.8 s
        averages), as logarithms, less the wall's change of the same moments.
    swing_more
        The swing of the line over 0.23 s less that of the wall by itself.
    breathing
        Log of the power of (lung - wall) likeness over 0.08 s in the breathing band over that in the pulse band.
    """

    renewal_near: float
    renewal_middle: float
    travel: float
    speed: float
    swing_short: float
    swing_usual: float
    swing_more: float
    breathing: float

    def values(self) -> Floats:
        """Return the signs as (8,) in the order of `FEATURES`."""
        return np.array([getattr(self, name) for name in FEATURES])


FEATURES = tuple(part.name for part in fields(MotionFeatures))

_LOCAL = {"renewal_near": NEAR, "renewal_middle": MIDDLE}
LOCAL_FEATURES = tuple(_LOCAL)
"""Signs that can be told for a stretch of pleura and a moment; the others need the whole clip."""


def local_features(change: PatchChange, when: slice, stretches: list[Bools]) -> Floats:
    """Return the local signs of every stretch in some samples, (stretches, 2), NaN where nothing could be measured.

    Parameters
    ----------
    when
        Samples in time.
    stretches
        Patches (P,) of each stretch of pleura.
    """
    above = _above_wall(_renewal(change, when), change)
    out = np.full((len(stretches), len(_LOCAL)), np.nan)
    for at, rows in enumerate(_LOCAL.values()):
        below = change.between(*rows) & np.isfinite(above)
        for index, stretch in enumerate(stretches):
            values = above[below & stretch]
            if values.size:
                out[index, at] = np.median(values)
    return out


def clip_features(change: PatchChange, flow: MotionMap | None) -> MotionFeatures:
    """Return the signs of the whole clip.

    Parameters
    ----------
    flow
        Flow map in mm/s; None for a clip that is too short for one.
    """
    everywhere = [np.ones(len(change.row), dtype=bool)]
    local = dict(zip(LOCAL_FEATURES, local_features(change, slice(None), everywhere)[0], strict=True))
    return MotionFeatures(**local, **_flow_features(flow), **_swings(change), breathing=_breathing(change))


def _renewal(change: PatchChange, when: slice) -> Floats:
    """Return the log of -log(likeness over 0.23 s / likeness over 0.08 s) of every patch, (P,)."""
    short, usual = (_mean_over_time(change.likeness[lag][:, when]) for lag in (SHORT, USUAL))
    left = np.clip(usual / np.clip(short, 0.05, 1.0), 0.03, 1.0)
    return np.asarray(np.log(FLOOR - np.log(left)))


def _mean_over_time(series: npt.NDArray[np.float32]) -> Floats:
    """Return the mean over the samples at which anything was measured, (P,), NaN where nothing was."""
    known = series[:, np.isfinite(series).all(axis=0)]
    return known.mean(axis=1, dtype=np.float64) if known.shape[1] else np.full(len(series), np.nan)


def _above_wall(values: Floats, change: PatchChange) -> Floats:
    """Return how far each patch lies above what the wall's line predicts at its contrast, (P,)."""
    wall = change.wall & np.isfinite(values)
    if wall.sum() < 4:
        return np.full(len(values), np.nan)
    contrast = change.contrast.astype(np.float64)
    x, y = contrast[wall] - contrast[wall].mean(), values[wall] - values[wall].mean()
    # A wall whose brighter patches change more tells nothing of noise: then its mean is compared with.
    slope = min(float((x * y).sum() / ((x * x).sum() + 0.05 * len(x))), 0.0)
    return np.asarray(values - values[wall].mean() - slope * (contrast - contrast[wall].mean()))


def _flow_features(flow: MotionMap | None) -> dict[str, float]:
    if flow is None or flow.vectors is None or len(flow.times_s) < 3 or not np.isfinite(flow.values).any():
        return {"travel": float("nan"), "speed": float("nan")}
    along = flow.vectors[:, :_FLOW_ROWS, :, 0].reshape(len(flow.times_s), -1).astype(np.float64)
    known = along[:, np.isfinite(along).any(axis=0)]
    speed = float(np.log(np.nanmedian(flow.values[np.isfinite(flow.values).any(axis=(1, 2))]) + 0.1))
    if not known.shape[1]:
        return {"travel": float("nan"), "speed": speed}
    path = np.cumsum(np.nan_to_num(np.nanmedian(known, axis=1))) * float(np.median(np.diff(flow.times_s)))
    at = np.arange(len(path))
    path = path - np.polyval(np.polyfit(at, path, 1), at)
    return {"travel": float(np.log(np.ptp(path) + 0.1)), "speed": speed}


def _swings(change: PatchChange) -> dict[str, float]:
    line, wall = change.between(*LINE), change.wall
    if not line.any() or not wall.any():
        return dict.fromkeys(("swing_short", "swing_usual", "swing_more"), float("nan"))
    swing: dict[int, tuple[float, float]] = {}
    for lag in (SHORT, USUAL):
        of_line, of_wall = (_calm(change.pooled(lag, part)) for part in (line, wall))
        swing[lag] = (_range(of_line - of_wall), _range(of_line) - _range(of_wall))
    return {"swing_short": swing[SHORT][0], "swing_usual": swing[USUAL][0], "swing_more": swing[USUAL][1]}


def _calm(likeness: npt.NDArray[np.float32]) -> Floats:
    """Return the logarithm of a change over time, averaged over 0.8 s."""
    filled = filled_series(likeness)
    if not len(filled):
        return np.zeros(1)
    return np.asarray(uniform_filter1d(np.log(1.0 - filled + FLOOR), SWING_SAMPLES, mode="nearest"))


def _range(series: Floats) -> float:
    low, high = np.percentile(series, [10, 90])
    return float(high - low)


def _breathing(change: PatchChange) -> float:
    lung, wall = change.between(*MIDDLE), change.wall
    if not lung.any() or not wall.any():
        return float("nan")
    series = filled_series(change.pooled(SHORT, lung) - change.pooled(SHORT, wall))
    if len(series) < _BANDS_NEED:
        return float("nan")
    low, high = band_powers(series, (BREATHING_HZ, PULSE_HZ))
    return float(np.log((low + 1e-6) / (high + 1e-6)))


def filled_series(series: npt.NDArray[np.floating]) -> Floats:
    """Return a series from its first known sample on, with its gaps bridged by straight lines; empty without any."""
    known = np.flatnonzero(np.isfinite(series))
    if not known.size:
        return np.empty(0)
    return np.asarray(np.interp(np.arange(known[0], len(series)), known, series[known]), dtype=np.float64)


def band_powers(series: Floats, bands: tuple[tuple[float, float], ...]) -> list[float]:
    """Return the power of a series at 12.8 Hz, its straight trend taken off, in bands of (low, high) Hz."""
    at = np.arange(len(series))
    steady = series - np.polyval(np.polyfit(at, series, 1), at)
    power = np.abs(np.fft.rfft(steady * np.hanning(len(steady)))) ** 2 / (0.375 * len(steady) ** 2)
    rate = np.fft.rfftfreq(len(steady), 1.0 / SAMPLE_HZ)
    return [float(power[(rate >= low) & (rate <= high)].sum()) for low, high in bands]
