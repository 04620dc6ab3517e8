"""Follow the chest wall along a strip: where it lies in each frame, and how well it is recognised."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from lsgui.core.errors import CancelledError

SEARCH_ALONG = 8
SEARCH_ACROSS = 5
"""Largest step of the wall between two frames, in samples (3.2 mm and 2 mm at 0.4 mm)."""

TEMPLATE_MEMORY = 0.85
"""How much of the template is kept from frame to frame: it must forget, for speckle changes as the probe drifts."""

LOST_BELOW = 0.4
"""Correlation under which the wall counts as lost and the template starts afresh."""

FARTHEST = 25.0
"""Samples (10 mm) that the wall is followed away from the line; farther, following starts again at the line."""

WHOLE = slice(None)
SampleFrame = Callable[[int, float, float, slice], npt.NDArray[np.uint8]]
"""(frame, along, across, rows) -> (D, S) uint8: these rows of the frame on the strip's grid, moved by so many
samples."""
KeepFrame = Callable[[int, npt.NDArray[np.uint8]], None]
"""Takes a frame's number and the whole frame, (D, S) uint8, as it lies on its wall."""


@dataclass(frozen=True, slots=True)
class WallTrack:
    """Where the wall lies.

    Attributes
    ----------
    shift
        (T, 2) float64: (along, across) in samples against the pleural line of each frame.
    correlation
        (T,) float64: normalised cross-correlation with the template at the found place.
    """

    shift: npt.NDArray[np.float64]
    correlation: npt.NDArray[np.float64]


def follow_wall(
    sample: SampleFrame,
    keep: KeepFrame,
    count: int,
    valid: npt.NDArray[np.bool_],
    pleura_row: int,
    pitch_mm: float,
    cancelled: Callable[[], bool] | None = None,
) -> WallTrack:
    """Follow the chest wall by matching it with a slowly forgetting template.

    One that never forgets is lost once the probe drifts out of plane; the last frame alone adds up rounding errors.

    Parameters
    ----------
    sample
        Gives a frame on a grid that reaches `SEARCH_ALONG` columns beyond the stretch of interest.
    keep
        Is given every frame at the place where its wall was found, so that nobody needs to sample it again.
    valid
        (D, S) bool: where the grid lies inside the scan area.
    pleura_row
        Row of the pleural line; the wall is what lies above it.
    pitch_mm
        Millimetres between samples.
    """
    top, bottom = wall_rows(valid, pleura_row, pitch_mm)
    rows = slice(top, bottom)
    columns = slice(SEARCH_ALONG, -SEARCH_ALONG)
    shift = np.zeros((count, 2))
    correlation = np.ones(count)
    last = np.zeros(2)
    around = slice(max(top - SEARCH_ACROSS, 0), bottom + SEARCH_ACROSS)
    found = sample(0, 0.0, 0.0, WHOLE)
    keep(0, found)
    template = found[rows, columns].astype(np.float32)
    for index in range(1, count):
        if cancelled is not None and index % 16 == 0 and cancelled():
            raise CancelledError
        area = sample(index, last[0], last[1], around).astype(np.float32)
        step, score = _match(area, template, min(top, SEARCH_ACROSS))
        last, memory = _place(last, step, score)
        found = sample(index, last[0], last[1], WHOLE)
        keep(index, found)
        template = memory * template + (1.0 - memory) * found[rows, columns].astype(np.float32)
        shift[index], correlation[index] = last, score
    return WallTrack(shift, correlation)


def _place(
    last: npt.NDArray[np.float64], step: npt.NDArray[np.float64], score: float
) -> tuple[npt.NDArray[np.float64], float]:
    """Return where the wall lies after a step, and how much of the template is kept."""
    if np.abs(last + step).max() > FARTHEST:
        return np.zeros(2), 0.0
    return (last, 0.0) if score < LOST_BELOW else (last + step, TEMPLATE_MEMORY)


def wall_rows(valid: npt.NDArray[np.bool_], pleura_row: int, pitch_mm: float) -> tuple[int, int]:
    """Return the rows (top, bottom) that serve as wall: from 0.8 mm above the line upwards, inside the scan area.

    The first rows of the strip are left to the search: a template that began there could not be found nearer the probe.
    """
    bottom = pleura_row - round(0.8 / pitch_mm)
    usable = np.flatnonzero(valid[:bottom].mean(axis=1) > 0.5)
    top = max(int(usable[0]) if len(usable) else 0, min(SEARCH_ACROSS, max(bottom - 5, 0)))
    return (top, bottom) if bottom - top >= 5 else (max(bottom - 5, 0), bottom)


def _match(
    area: npt.NDArray[np.float32], template: npt.NDArray[np.float32], rows_above: int
) -> tuple[npt.NDArray[np.float64], float]:
    """Find the template in an area around its last place; return the step (along, across) and the correlation."""
    scores = cv2.matchTemplate(area, template, cv2.TM_CCOEFF_NORMED)
    # A wall does not jump: of equal matches the one nearest to the last place is right.
    across = np.arange(scores.shape[0])[:, None] - rows_above
    along = np.arange(scores.shape[1])[None] - SEARCH_ALONG
    near = scores - 0.002 * (across**2 + along**2)
    row, column = (int(k) for k in np.unravel_index(int(np.argmax(near)), near.shape))
    step = [column - SEARCH_ALONG + _vertex(scores[row], column), row - rows_above + _vertex(scores[:, column], row)]
    return np.array(step, dtype=np.float64), float(scores[row, column])


def _vertex(scores: npt.NDArray[np.float32], peak: int) -> float:
    """Return where between samples the parabola through three scores has its top, -0.5..0.5."""
    if not 0 < peak < len(scores) - 1:
        return 0.0
    left, middle, right = (float(scores[peak + k]) for k in (-1, 0, 1))
    curvature = left - 2.0 * middle + right
    return 0.0 if curvature >= -1e-9 else float(np.clip(0.5 * (left - right) / curvature, -0.5, 0.5))
