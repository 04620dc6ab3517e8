"""What in the pictures themselves lowers trust in an answer: too short, too slow, frozen, repeated, badly lit."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from scipy.ndimage import percentile_filter

from lsgui.core.clip import Clip, FrameStore
from lsgui.core.pleura import PleuralROI
from lsgui.core.prediction import QualityFlag
from lsgui.imaging.mmode import straightened_mmode
from lsgui.imaging.usable_range import sparse, usable_range

SHORTEST_S = 3.0
SLOWEST_FPS = 12.0
MOST_REPEATS = 0.2
"""Limits that the definition of the flags gives: one breath, fine motion, a fifth of the frames."""
REPEAT_CHANGE = 0.25
REPEAT_USUAL = 90.0
REPEAT_REACH_S = 0.5
"""A frame repeats the one before when it changes by less than this fraction of what a new frame around it changes,
which is this percentile of the changes: a step of gain or a cut is no measure. A codec leaves traces in repeated
frames, so they are not equal; how much a new frame changes depends on the clip."""
FROZEN_GREY = 3
FROZEN_SHARE = 0.35
LIT_GREY = 16
"""A picture is frozen when never more than this share of its lit pixels changes by more than so many grey values. A
codec changes up to a quarter of a still picture's pixels, a clock or a cursor a few; the stillest living picture, three
fifths."""
LOOKED_AT = 1200
BLOCK = 60
"""Frames of a long clip that are compared, in blocks of neighbours spread over it."""
SATURATED_GREY = 250
MOST_SATURATED = 0.12
DARK_GREY = 28
BLACK_GREY = 8
"""Gain is too high when this share of the band at the line is white (0.03 at most in 16 clips of fair gain), too low
when the line itself is nearly black or more than half of the band is (its median was 49 at least)."""

Floats = npt.NDArray[np.float64]


def clip_flags(clip: Clip) -> tuple[QualityFlag, ...]:
    """Return what the frames and the file say against a clip, in the order of the flags' definition.

    Black frames before and after the image are left out first. A single frame is both too short and frozen; in a
    frozen clip every frame repeats the one before.

    Parameters
    ----------
    clip
        The whole clip.
    """
    start, stop = usable_range(clip)
    times = clip.info.times_s
    seconds = float(times[stop - 1] - times[start]) + 1.0 / clip.info.fps
    changes = frame_changes(clip, start, stop)
    found = {
        QualityFlag.TOO_SHORT: seconds < SHORTEST_S,
        QualityFlag.LOW_FRAME_RATE: clip.info.fps < SLOWEST_FPS,
        QualityFlag.DUPLICATE_FRAMES: repeated_share(changes, clip.info.fps) > MOST_REPEATS,
        QualityFlag.FROZEN: _is_frozen(clip, start, stop),
        QualityFlag.FRAME_RATE_ASSUMED: clip.info.fps_source == "assumed",
    }
    return tuple(flag for flag, raised in found.items() if raised)


def line_flags(store: FrameStore, roi: PleuralROI, frames: Sequence[int], mm_per_px: float) -> tuple[QualityFlag, ...]:
    """Return what the picture along a pleural line says against it: saturated or dark.

    Parameters
    ----------
    store
        Frames of the clip.
    roi
        The pleural line.
    frames
        Indices to choose from; about twelve are looked at.
    mm_per_px
        Millimetres per pixel of the file.
    """
    chosen = [frames[int(k)] for k in np.unique(np.linspace(0, len(frames) - 1, 12).astype(int))]
    above, below = 2.0 / mm_per_px, 6.0 / mm_per_px
    band = np.stack([straightened_mmode(store, chosen, roi, at, above, below) for at in np.linspace(0.05, 0.95, 24)])
    peak = np.percentile(band.max(axis=1), 75)  # the brightest row of a column is the line, if it is lit at all
    too_bright = float((band >= SATURATED_GREY).mean()) > MOST_SATURATED
    too_dark = peak < DARK_GREY or float(np.median(band)) < BLACK_GREY
    return (QualityFlag.OVER_OR_UNDER_GAIN,) if too_bright or too_dark else ()


def frame_changes(clip: Clip, start: int, stop: int) -> list[Floats]:
    """Return the mean change in grey values from each frame to the next, one array a run of neighbouring frames."""
    return [_changes(clip, first, last) for first, last in _blocks(start, stop)]


def repeated_share(changes: Sequence[Floats], fps: float) -> float:
    """Return the share of frames that repeat the one before, 0 to 1."""
    size = 2 * max(2, round(REPEAT_REACH_S * fps)) + 1
    repeats = frames = 0
    for run in changes:
        frames += len(run) + 1
        if len(run):
            usual = percentile_filter(run, REPEAT_USUAL, size=min(size, 2 * len(run) - 1), mode="mirror")
            repeats += int((run <= REPEAT_CHANGE * usual).sum())
    return repeats / frames if frames else 0.0


def _blocks(start: int, stop: int) -> Iterator[tuple[int, int]]:
    """Return (first, last + 1) of the runs of frames to compare."""
    count = stop - start
    if count <= LOOKED_AT:
        yield start, stop
        return
    for first in np.linspace(start, stop - BLOCK, LOOKED_AT // BLOCK).astype(int):
        yield int(first), int(first) + BLOCK


def _changes(clip: Clip, first: int, last: int) -> Floats:
    out = np.empty(max(last - first - 1, 0), dtype=np.float64)
    before = sparse(clip.frame(first)).astype(np.int16)
    for at, index in enumerate(range(first + 1, last)):
        now = sparse(clip.frame(index)).astype(np.int16)
        out[at] = np.abs(now - before).mean()
        before = now
    return out


def _is_frozen(clip: Clip, start: int, stop: int) -> bool:
    """Return whether all frames show the first one, but for what a codec, a clock or a cursor adds."""
    first = sparse(clip.frame(start)).astype(np.int16)
    for index in np.unique(np.linspace(start, stop - 1, 48).astype(int)):
        now = sparse(clip.frame(int(index))).astype(np.int16)
        lit = np.maximum(now, first) > LIT_GREY
        changed = np.abs(now - first) > FROZEN_GREY
        if int((changed & lit).sum()) > FROZEN_SHARE * max(int(lit.sum()), 1):
            return False
    return True
