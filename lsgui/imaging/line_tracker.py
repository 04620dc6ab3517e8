"""Follow a line that was found on one frame through the clip, and keep key frames where the probe moves it."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from lsgui.core.clip import FrameStore
from lsgui.core.errors import CancelledError
from lsgui.core.pleura import Polyline

STEP_S = 0.25
"""Time between two places that are compared: short enough for the texture to be recognised."""
MOST_STEPS = 160
"""Steps over the whole clip at most, so that a long clip does not take long."""
ABOVE_MM = 6.0
BELOW_MM = 2.0
"""What is followed with the line: mostly the chest wall above it, which does not slide."""
REACH_MM = 4.0
"""How far the line may move within one step."""
LOST_BELOW = 0.5
"""Correlation under which the line counts as lost: from there on it stays where it was."""
MOVED_PX = 1.0
"""Motion that is worth a key frame."""
KEYFRAME_S = 0.75
"""Time between key frames where the line moves."""


@dataclass(frozen=True, slots=True)
class _Step:
    frame: int
    shift: tuple[float, float]
    """Where the line lies against its first place, (x, y) in pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """Where a line was followed to.

    Attributes
    ----------
    keyframes
        (frame, line) from first to last; before and after, the line stays.
    followed
        First and last frame + 1 through which it was recognised.
    """

    keyframes: tuple[tuple[int, Polyline], ...]
    followed: tuple[int, int]


def track_line(
    store: FrameStore,
    line: Polyline,
    frame: int,
    span: tuple[int, int],
    fps: float,
    mm_per_px: float,
    cancelled: Callable[[], bool] | None = None,
) -> Track:
    """Return where a line that was found on one frame lies on the others.

    Parameters
    ----------
    store
        Frames of the clip.
    line
        (n, 2) points on `frame`.
    frame
        Where the line was found; following runs both ways from it.
    span
        First and last frame + 1 to follow through.
    fps, mm_per_px
        Scales of time and space.
    cancelled
        Asked at every step.

    Raises
    ------
    CancelledError
        When `cancelled` says so.
    """
    step = max(1, round(STEP_S * fps), (span[1] - span[0]) // MOST_STEPS)
    forward = _follow(store, line, range(frame, span[1], step), mm_per_px, cancelled)
    backward = _follow(store, line, range(frame, span[0] - 1, -step), mm_per_px, cancelled)
    steps = [*reversed(backward[1:]), *forward]
    keep = _worth_keeping(steps, frame, max(1, round(KEYFRAME_S * fps)))
    first, last = backward[-1].frame, forward[-1].frame
    # Followed to within a step of an end is followed to the end.
    followed = (span[0] if first - step < span[0] else first, span[1] if last + step >= span[1] else last + 1)
    return Track(tuple((s.frame, line + np.asarray(s.shift)) for s in keep), followed)


def _follow(
    store: FrameStore, line: Polyline, frames: range, mm_per_px: float, cancelled: Callable[[], bool] | None
) -> list[_Step]:
    """Return where the line lies on each of `frames`, until it is lost."""
    steps = [_Step(frames[0], (0.0, 0.0))]
    shift = np.zeros(2)
    before = store.frame(frames[0])
    reach = max(2, round(REACH_MM / mm_per_px))
    for index in frames[1:]:
        if cancelled is not None and cancelled():
            raise CancelledError
        now = store.frame(index)
        moved = _match(before, now, line + shift, reach, mm_per_px)
        if moved is None:
            break
        shift = shift + moved
        steps.append(_Step(index, (float(shift[0]), float(shift[1]))))
        before = now
    return steps


def _match(
    before: npt.NDArray[np.uint8], now: npt.NDArray[np.uint8], line: Polyline, reach: int, mm_per_px: float
) -> npt.NDArray[np.float64] | None:
    """Return the motion (x, y) of the line's surroundings between two frames, None where they are not recognised."""
    height, width = before.shape
    left, right = int(line[:, 0].min()), int(line[:, 0].max()) + 1
    top, bottom = int(line[:, 1].min() - ABOVE_MM / mm_per_px), int(line[:, 1].max() + BELOW_MM / mm_per_px) + 1
    left, right, top, bottom = max(left, 0), min(right, width), max(top, 0), min(bottom, height)
    if right - left < 8 or bottom - top < 8:
        return None
    patch = before[top:bottom, left:right]
    x, y = max(left - reach, 0), max(top - reach, 0)
    field = now[y : min(bottom + reach, height), x : min(right + reach, width)]
    likeness = cv2.matchTemplate(field, patch, cv2.TM_CCOEFF_NORMED)
    _, best, _, (column, row) = cv2.minMaxLoc(likeness)
    if not best > LOST_BELOW:
        return None
    return np.array([x + column + _peak(likeness[row], column) - left, y + row + _peak(likeness[:, column], row) - top])


def _peak(values: npt.NDArray[np.float32], at: int) -> float:
    """Return how far the top of a parabola through three values lies from the middle one."""
    if not 0 < at < len(values) - 1:
        return 0.0
    before, middle, after = (float(v) for v in values[at - 1 : at + 2])
    bend = before - 2.0 * middle + after
    return 0.5 * (before - after) / bend if bend < 0 else 0.0


def _worth_keeping(steps: list[_Step], frame: int, spacing: int) -> list[_Step]:
    """Return the steps that need a key frame: where the line moved, not more often than `spacing` frames."""
    if max(np.hypot(*step.shift) for step in steps) <= MOVED_PX:
        return [step for step in steps if step.frame == frame]
    kept = [steps[0]]
    for step, following in pairwise(steps[1:]):
        if following.frame - kept[-1].frame > spacing or step.frame == frame:
            kept.append(step)
    if steps[-1] is not kept[-1]:
        kept.append(steps[-1])
    return _without_idle(kept, frame)


def _without_idle(steps: list[_Step], frame: int) -> list[_Step]:
    """Return the steps less those that lie, within half of `MOVED_PX`, on the way between their neighbours."""
    kept = [steps[0]]
    for at in range(1, len(steps) - 1):
        last, this, following = kept[-1], steps[at], steps[at + 1]
        weight = (this.frame - last.frame) / (following.frame - last.frame)
        between = (1.0 - weight) * np.asarray(last.shift) + weight * np.asarray(following.shift)
        if this.frame == frame or float(np.hypot(*(between - np.asarray(this.shift)))) > 0.5 * MOVED_PX:
            kept.append(this)
    return kept if len(steps) == 1 else [*kept, steps[-1]]
