"""What the commands on the M-mode do to the state: pure functions, state in, state out."""

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from types import MappingProxyType

import numpy as np

from lsgui.core.clip import ClipInfo
from lsgui.core.prediction import Prediction
from lsgui.inference.verdict import LungPoint, lung_point
from lsgui.review.state import MModeDepth, ReviewState

REACH_MM: Mapping[MModeDepth, tuple[float, float]] = MappingProxyType(
    {"near": (5.0, 10.0), "usual": (10.0, 20.0), "deep": (10.0, 45.0)}
)
"""How far above and below the pleura the M-mode reaches."""
REACH_PX: Mapping[MModeDepth, tuple[int, int]] = MappingProxyType(
    {"near": (20, 40), "usual": (40, 80), "deep": (40, 180)}
)
"""The same where the scale of the clip is not known."""

_BESIDE = 0.2
"""How far from a lung point the two columns are set, as a part of the line: the boundary travels as the lung does."""


def mmode_reach_px(mm_per_px: float | None, depth: MModeDepth = "usual") -> tuple[int, int]:
    """Return how many pixels of the clip the M-mode reaches above and below the pleura."""
    if not mm_per_px:
        return REACH_PX[depth]
    above, below = REACH_MM[depth]
    return max(round(above / mm_per_px), 4), max(round(below / mm_per_px), 8)


def depth_cycled(state: ReviewState) -> ReviewState:
    """Take the next depth range of the M-mode."""
    depths = list(REACH_MM)
    return replace(state, mmode_depth=depths[(depths.index(state.mmode_depth) + 1) % len(depths)])


def second_column_set(state: ReviewState, column: float | None) -> ReviewState:
    """Take a second M-mode at a place along the pleural line, 0 to 1, or none."""
    held = None if column is None else min(max(column, 0.0), 1.0)
    return state if held == state.mmode_second else replace(state, mmode_second=held)


def second_column_toggled(state: ReviewState) -> ReviewState:
    """Take a second M-mode well away from the first, or give it up."""
    if state.mmode_second is not None:
        return second_column_set(state, None)
    first = state.mmode_column
    return second_column_set(state, first + 0.3 if first <= 0.5 else first - 0.3)


def columns_beside(state: ReviewState, along: float) -> ReviewState:
    """Take one M-mode on either side of a place along the pleural line."""
    left, right = max(along - _BESIDE, 0.02), min(along + _BESIDE, 0.98)
    return replace(state, mmode_column=left, mmode_second=right)


def boundary(state: ReviewState) -> LungPoint | None:
    """Return where the verdict's probabilities change class, if they do and the reader may see it."""
    prediction, clip = state.analysis.prediction, state.clip
    if prediction is None or clip is None or clip.info is None or state.verdict_hidden:
        return None
    return _boundary(prediction, clip.info)


@lru_cache(maxsize=8)  # asked for whenever the ribbon is painted
def _boundary(prediction: Prediction, info: ClipInfo) -> LungPoint | None:
    ribbon = prediction.ribbon
    if ribbon is None or ribbon.p_absent.size == 0 or not prediction.tells_stretches:
        return None
    times = info.times_s
    last = len(times) - 1
    middles = (times[np.clip(ribbon.starts, 0, last)] + times[np.clip(ribbon.stops - 1, 0, last)]) / 2
    return lung_point(ribbon.p_absent, middles)


def boundary_words(found: LungPoint) -> str:
    """Return the hint in a few words: never a diagnosis."""
    if found.along is not None:
        return f"possible lung point at {100 * found.along:.0f} % of the line"
    return f"possible lung point: sliding {'ends' if found.sliding_first else 'begins'} at about {found.time_s:.1f} s"
