"""The motion index: does the lung move as only a sliding lung does, measured without a network.

Derivation. A patch of speckle loses its likeness to itself for three reasons: noise, motion of the whole picture, and
motion of its own. Above the pleural line (the chest wall, which the strip is held still on) only the first two act;
below it all three. Each sign in `motion_features` is therefore taken of lung *and* wall of the same clip: how much
texture is new after 0.23 s beyond what noise explains, how fast and how far it travels, whether the line's
change swings between rest and motion as it does with the breath, and whether it does so at breathing or at heart rate.
No sign holds alone: sliding texture mostly renews itself on real clips, mostly travels on others, and a heart beat,
a drifting probe or a codec imitates each of them somewhere. The score is their weighted sum,

    score = sum of weight * (sign - its usual value) + OFFSET,    index = 1 / (1 + exp(-(score - EVEN) / SLOPE)).

The weights are the regularised logistic regression of `packaging/measure_motion.py --fit` on edits of ten real sliding
clips and on simulated clips, both counting alike; each patient's own figures come from weights fitted without that
patient. `EVEN` lies above the fit's zero, so that a lung pulse or a drifting probe rarely reads as sliding. What it is
worth stands on the card of the model `motion`.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from lsgui.core.motion_map import MotionMap
from lsgui.core.strip import PleuralStrip
from lsgui.imaging.flow_map import relative_flow_map
from lsgui.imaging.motion_features import (
    FEATURES,
    LOCAL_FEATURES,
    MIDDLE,
    NEAR,
    band_powers,
    clip_features,
    filled_series,
    local_features,
)
from lsgui.imaging.patch_change import USUAL, Bools, PatchChange, patch_change
from lsgui.imaging.strip_channels import SAMPLE_HZ, WINDOW_SAMPLES

Floats = npt.NDArray[np.float64]

WEIGHTS: dict[str, tuple[float, float]] = {
    "renewal_near": (1.1667, 0.2186),
    "renewal_middle": (1.8064, 0.3117),
    "travel": (0.6408, -1.5266),
    "speed": (1.0839, -0.6551),
    "swing_short": (-3.1061, 0.3473),
    "swing_usual": (1.3639, 0.4571),
    "swing_more": (1.8313, 0.1947),
    "breathing": (0.6504, -0.4376),
}
"""By sign: its weight, and its usual value, which stands in where it cannot be measured."""

OFFSET = -0.4592
EVEN = 0.25
SLOPE = 1.0

SEGMENT_COLUMNS = 8
WINDOW_STEP = 8
"""Samples between the beginnings of two windows (0.6 s)."""

REACH_COLUMNS = 6
"""Patches count for a segment when their centre lies so near its middle: about three across."""

LEAST_SAMPLES = 5
LEAST_PATCHES = 4
WALL_GAP_ROWS = 3

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
    scores
        (windows, segments) float64, above `EVEN` for sliding, NaN where nothing could be measured. The signs that need
        the whole clip are the same for all; the level is that of the whole clip, which has less noise.
    starts
        (windows,) int64: first sample of each window at `SAMPLE_HZ`.
    band_ratio
        Power of the lung's change in the breathing band over that in the pulse band; None for clips under 4 s.
    wall_change, lung_change
        Median decorrelation at 0.23 s of wall and lung.
    """

    index: float | None
    interval: tuple[float, float] | None
    scores: Floats
    starts: npt.NDArray[np.int64]
    band_ratio: float | None
    wall_change: float
    lung_change: float


def index_of(score: Floats | float) -> Floats:
    """Return the motion index of a score, 0..1."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip((np.asarray(score) - EVEN) / SLOPE, -60, 60))))


def score_of(signs: Floats) -> Floats:
    """Return the score of signs (..., 8) in the order of `FEATURES`; one that is NaN counts as usual."""
    weight, usual = np.array([WEIGHTS[name] for name in FEATURES]).T
    return np.asarray(np.nan_to_num(signs - usual) @ weight + OFFSET)


def motion_index(
    strip: PleuralStrip, flow: MotionMap | None = None, change: PatchChange | None = None
) -> MotionEvidence:
    """Measure the motion index of a strip, per window of 2.5 s, per segment of 3.2 mm, and for the whole.

    Parameters
    ----------
    flow
        The strip's flow map in mm/s, where there is one already; else it is made.
    change
        What its patches do, where that is known already.
    """
    change = change or patch_change(strip)
    samples = 0 if change is None else change.samples
    starts = window_starts(max(samples, 1))
    segments = max(strip.frames.shape[2] // SEGMENT_COLUMNS, 1)
    if change is None or samples < LEAST_SAMPLES or not _enough(change):
        nothing = np.full((len(starts), segments), np.nan)
        return MotionEvidence(None, None, nothing, starts, None, float("nan"), float("nan"))
    if flow is None and len(strip.frames) > 2:
        flow = relative_flow_map(replace(strip, calibrated=True), 1.0)
    whole = clip_features(change, flow).values()
    score = float(score_of(whole))
    grid = _grid(change, whole, starts, segments, strip.frames.shape[2])
    low, high = _spread(grid, score)
    return MotionEvidence(
        index=float(index_of(score)),
        interval=(low, high),
        scores=grid,
        starts=starts,
        band_ratio=_band_ratio(change),
        wall_change=_usual_change(change, change.wall),
        lung_change=_usual_change(change, change.between(NEAR[0], MIDDLE[1])),
    )


def in_mm(flow: MotionMap, mm_per_px: float) -> MotionMap:
    """Return a flow map in mm/s, also where it counts pixels a second because the file gave no scale."""
    if flow.unit == "mm/s" or flow.vectors is None:
        return flow
    return replace(flow, values=flow.values * mm_per_px, vectors=flow.vectors * mm_per_px, unit="mm/s")


def window_starts(samples: int) -> npt.NDArray[np.int64]:
    """Return the first sample of every window; a clip shorter than a window has one that holds all of it."""
    last = max(samples - WINDOW_SAMPLES, 0)
    starts = np.arange(0, last + 1, WINDOW_STEP)
    return np.asarray(starts if last - starts[-1] < WINDOW_STEP // 2 else np.append(starts, last), dtype=np.int64)


def _enough(change: PatchChange) -> bool:
    lung = change.between(NEAR[0], MIDDLE[1])
    known = np.isfinite(change.likeness[USUAL]).any()
    return bool(known and change.wall.sum() >= LEAST_PATCHES and lung.sum() >= LEAST_PATCHES)


def _grid(change: PatchChange, whole: Floats, starts: npt.NDArray[np.int64], segments: int, columns: int) -> Floats:
    """Return the score of every window and segment, (windows, segments)."""
    middles = (np.arange(segments) + 0.5) * columns / segments
    stretches: list[Bools] = [np.abs(change.column - middle) <= REACH_COLUMNS for middle in middles]
    places = [FEATURES.index(name) for name in LOCAL_FEATURES]
    signs = np.tile(whole, (len(starts), segments, 1))
    for at, start in enumerate(starts):
        signs[at][:, places] = local_features(change, slice(int(start), int(start) + WINDOW_SAMPLES), stretches)
    scores = score_of(signs)
    scores[~np.isfinite(signs[..., places]).any(axis=2)] = np.nan
    if np.isfinite(scores).any():
        rows = scores[np.isfinite(scores).any(axis=1)]
        scores += float(score_of(whole)) - float(np.median(np.nanmean(rows, axis=1)))
    return scores


def _spread(grid: Floats, score: float) -> tuple[float, float]:
    """Return the 10-90 % spread of the index over windows and segments, widened to hold the whole clip's."""
    known = grid[np.isfinite(grid)]
    low, high = np.percentile(index_of(known), [10, 90]) if known.size else (1.0, 0.0)
    index = float(index_of(score))
    return min(float(low), index), max(float(high), index)


def _usual_change(change: PatchChange, chosen: Bools) -> float:
    values = 1.0 - change.likeness[USUAL][chosen]
    return float(np.nanmedian(values)) if np.isfinite(values).any() else float("nan")


def _band_ratio(change: PatchChange) -> float | None:
    """Return the power of the lung's change in the breathing band over that in the pulse band."""
    lung = change.between(NEAR[0], MIDDLE[1])
    series = filled_series(change.pooled(USUAL, change.wall) - change.pooled(USUAL, lung))
    if len(series) < _BANDS_NEED_S * SAMPLE_HZ - USUAL:
        return None
    low, high = band_powers(series, (BREATHING_HZ, PULSE_HZ))
    return low / max(high, 1e-12)
