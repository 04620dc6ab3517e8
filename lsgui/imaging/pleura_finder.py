"""Suggest the pleural line: the last bright line square to the beams, with only echoes below it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from lsgui.core.clip import Clip
from lsgui.core.errors import CancelledError
from lsgui.core.pleura import PleuralROI, Polyline, polyline_length, resample_polyline
from lsgui.imaging.beam_view import COLUMN_MM, ROW_MM, BeamView, straighten
from lsgui.imaging.line_candidates import NEAREST_MM, LineCandidate, line_candidates
from lsgui.imaging.line_judge import line_judge
from lsgui.imaging.line_presence import shown_share
from lsgui.imaging.line_tracker import track_line
from lsgui.imaging.scan_area import Box, Scale, ScanArea
from lsgui.imaging.usable_range import usable_range

STRETCHES = 6
STRETCH_FRAMES = 8
STRETCH_STEP_S = 0.1
"""The clip is looked at in a few short stretches: within one the probe hardly moves, together they span the clip."""
DEEPEST_MM = 48.0
DEEPEST_GUESSED_MM = 64.0
"""Depth beyond which the pleura is not looked for, where the file says the scale and where it is estimated."""
VIEW_MM = 75.0
"""Depth of the straightened picture: the echoes below the pleura are evidence too."""
COARSEST_MM = 1.2
"""Millimetres per pixel above which a line about 1 mm thick cannot be told from its flanks."""
SHORTEST_MM = 7.0
SHORTEST_WITHIN_MM = 5.0
LEAST_STRIP_MM = 6.2
"""Length of a line below which no strip can be cut along it."""
RIB_MM = 0.9
"""How far a line may lie above the curve of its neighbourhood."""
SAME_LINE_MM = 2.5
"""Depth within which lines of two stretches are the same line."""
ENOUGH = 0.6
ENOUGH_WITHIN = 0.1
"""Confidence below which no line is suggested, for the whole picture and within a rectangle that the user drew."""
LEAVING = 2
"""Power of the share of the clip in which the line shows: elsewhere it is not the pleura, and a line that comes and
goes is less surely the pleura where it shows."""


@dataclass(frozen=True, slots=True, eq=False)
class SeenLine:
    """A line that may be the pleura.

    Attributes
    ----------
    features
        (F,) float64, in the order of `line_judge.WEIGHED`.
    frame
        Where it was seen.
    points
        Its place there, in pixels.
    """

    features: npt.NDArray[np.float64]
    frame: int
    points: Polyline


@dataclass(frozen=True, slots=True, eq=False)
class _Stretch:
    middle: int
    lines: list[LineCandidate]


def find_pleura(
    clip: Clip,
    area: ScanArea,
    scale: Scale,
    *,
    within: Box | None = None,
    least_confidence: float | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> PleuralROI | None:
    """Return the likeliest pleural line of a clip, or None where none is likely enough: then it must be drawn.

    Parameters
    ----------
    clip
        The whole clip.
    area, scale
        Its scan area and millimetres per pixel.
    within
        Look only inside this rectangle (x, y, width, height) in pixels, and be content with less evidence.
    least_confidence
        Confidence below which no line is suggested; None: `ENOUGH`, or `ENOUGH_WITHIN` in a rectangle.
    cancelled
        Asked between the stretches of the clip and while the line is followed.

    Returns
    -------
    PleuralROI or None
        Up to eight points a key frame, source "auto", confidence 0 to 1: how likely the line is the pleura, less
        where it is not followed or not seen throughout the clip.

    Raises
    ------
    CancelledError
        When `cancelled` says so.
    """
    lines = seen_lines(clip, area, scale, within=within, cancelled=cancelled)
    long_enough = [line for line in lines if polyline_length(line.points) * scale.mm_per_px > LEAST_STRIP_MM]
    if not long_enough:
        return None
    sureness = [line_judge().confidence(line.features) for line in long_enough]
    best = max(range(len(sureness)), key=lambda k: sureness[k] * _crossed(long_enough[k].points, within))
    if least_confidence is None:
        least_confidence = ENOUGH if within is None else ENOUGH_WITHIN
    if sureness[best] < least_confidence:
        return None
    line, span = long_enough[best], usable_range(clip)
    at = line.frame, span, clip.info.fps, scale.mm_per_px, cancelled
    track = track_line(clip.store, line.points, *at)
    confidence = round(sureness[best] * shown_share(clip.store, track, *at) ** LEAVING, 3)
    return PleuralROI(track.keyframes, "auto", confidence) if confidence >= least_confidence else None


def _crossed(points: Polyline, box: Box | None) -> float:
    """Return the share of a rectangle's width that a line crosses: users draw it around the line they mean. None: 1."""
    if box is None:
        return 1.0
    left, right = max(float(points[0, 0]), box[0]), min(float(points[-1, 0]), box[0] + box[2])
    return max(right - left, 0.0) / box[2]


def seen_lines(
    clip: Clip,
    area: ScanArea,
    scale: Scale,
    *,
    within: Box | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> list[SeenLine]:
    """Return all lines of a clip that may be the pleura, a few for each of a few short stretches of it.

    The features of each are, on average, those of the same line in all stretches.
    """
    view = straighten(area, scale.mm_per_px, VIEW_MM)
    zone = _zone(view, within, DEEPEST_MM if scale.calibrated else DEEPEST_GUESSED_MM)
    if min(view.x.shape) < 16 or not zone.any() or scale.mm_per_px > COARSEST_MM:
        return []
    shortest = SHORTEST_MM if within is None else SHORTEST_WITHIN_MM
    stretches = _look(clip, view, zone, usable_range(clip), shortest, cancelled)
    return [
        SeenLine(_features_of(line, stretch, stretches), stretch.middle, _points(view, line))
        for stretch in stretches
        for line in stretch.lines
    ]


def _look(
    clip: Clip,
    view: BeamView,
    zone: npt.NDArray[np.bool_],
    span: tuple[int, int],
    shortest_mm: float,
    cancelled: Callable[[], bool] | None,
) -> list[_Stretch]:
    """Return the candidates of a few short stretches of the clip."""
    pictures, middles = [], []
    for frames in _stretches(*span, clip.info.fps):
        if cancelled is not None and cancelled():
            raise CancelledError
        pictures.append(np.stack([view.sample(clip.frame(k)) for k in frames]))
        middles.append(frames[len(frames) // 2])
    lines = line_candidates(pictures, view.valid, zone, shortest_mm)
    return [_Stretch(middle, found) for middle, found in zip(middles, lines, strict=True)]


def _zone(view: BeamView, within: Box | None, deepest_mm: float) -> npt.NDArray[np.bool_]:
    depth = np.arange(view.x.shape[0])[:, None] * ROW_MM
    if within is None:
        return np.broadcast_to((depth > NEAREST_MM) & (depth < deepest_mm), view.x.shape)
    x, y, width, height = within
    inside = (view.x >= x) & (view.x < x + width) & (view.y >= y) & (view.y < y + height)
    return np.asarray(inside & (depth > 2.0))


def _stretches(start: int, stop: int, fps: float) -> list[list[int]]:
    """Return frame numbers of the stretches, spread evenly from start to stop - 1."""
    step = max(1, round(STRETCH_STEP_S * fps))
    count = min(STRETCH_FRAMES, max(1, (stop - start - 1) // step + 1))
    reach = (count - 1) * step
    firsts = np.unique(np.linspace(start, max(stop - 1 - reach, start), STRETCHES).astype(int))
    return [[int(first) + k * step for k in range(count)] for first in firsts]


def _features_of(line: LineCandidate, stretch: _Stretch, stretches: list[_Stretch]) -> npt.NDArray[np.float64]:
    """Return the features of a line in its own and in all stretches, and the share of the stretches that show it."""
    mates = [line]
    for other in stretches:
        same = [o for o in other.lines if other is not stretch and _same_line(line, o)]
        if same:
            mates.append(max(same, key=lambda o: o.strength))
    mean = 0.5 * line.features + 0.5 * np.mean([mate.features for mate in mates], axis=0)
    return np.append(mean, len(mates) / len(stretches))


def _same_line(line: LineCandidate, other: LineCandidate) -> bool:
    """Return whether two candidates of different stretches are one line, which may have moved sideways a little."""
    common, here, there = np.intersect1d(line.columns, other.columns, return_indices=True)
    if len(common) < 0.4 * min(len(line.columns), len(other.columns)):
        return False
    return float(np.median(np.abs(line.rows[here] - other.rows[there]))) * ROW_MM < SAME_LINE_MM


def _points(view: BeamView, line: LineCandidate) -> Polyline:
    """Return the candidate as a smooth polyline of few points in pixels, from left to right.

    Where a line leaps up by more than `RIB_MM` it has climbed a rib, whose face lies above the pleura: there the curve
    through the rest is taken.
    """
    columns, rows = line.columns.astype(np.float64), line.rows.astype(np.float64)
    degree = int(np.clip(line.length_mm // 10.0, 1, 3))
    kept = np.ones(len(rows), dtype=bool)
    at = (columns - columns.mean()) / max(float(np.ptp(columns)), 1.0)
    curve = rows
    for _ in range(4):
        curve = np.polyval(np.polyfit(at[kept], rows[kept], degree), at)
        off_mm = (rows - curve) * ROW_MM
        again = (off_mm > -RIB_MM) & (off_mm < 1.5 * RIB_MM)
        if again.sum() < 0.5 * len(rows) or bool((again == kept).all()):
            break
        kept = again
    ends = np.flatnonzero(kept)
    run = slice(int(ends[0]), int(ends[-1]) + 1)
    rows = np.where(kept, rows, curve)[run]
    rows = ndimage.gaussian_filter1d(rows, 1.5 / COLUMN_MM, mode="nearest")
    points = view.to_pixels(rows, columns[run])
    return resample_polyline(points, int(np.clip(round(len(rows) * COLUMN_MM / 4.0), 3, 8)))
