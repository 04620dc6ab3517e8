"""Suggest the pleural line: the last bright line square to the beams, with only echoes below it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from lsgui.core.clip import Clip
from lsgui.core.errors import CancelledError
from lsgui.core.pleura import PleuralROI, Polyline, resample_polyline
from lsgui.imaging.beam_view import COLUMN_MM, ROW_MM, BeamView, straighten
from lsgui.imaging.line_candidates import NEAREST_MM, LineCandidate, line_candidates
from lsgui.imaging.line_tracker import track_line
from lsgui.imaging.scan_area import Box, Scale, ScanArea
from lsgui.imaging.usable_range import usable_range

STRETCHES = 6
STRETCH_FRAMES = 8
STRETCH_STEP_S = 0.1
"""The clip is looked at in a few short stretches: within one the probe hardly moves, together they span the clip."""
DEEPEST_MM = 48.0
"""Depth beyond which the pleura is not looked for."""
VIEW_MM = 75.0
"""Depth of the straightened picture: the echoes below the pleura are evidence too."""
SHORTEST_MM = 8.0
SHORTEST_WITHIN_MM = 5.0
SAME_LINE_MM = 2.5
"""Depth within which lines of two stretches are the same line."""
SURE_AT = 2.6
SHARPNESS = 1.3
"""Evidence at which the confidence is one half, and how fast it rises there."""
ENOUGH = 0.55
ENOUGH_WITHIN = 0.1
"""Confidence below which no line is suggested, for the whole picture and within a rectangle that the user drew."""


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
        Up to eight points a key frame, source "auto", confidence 0 to 1.

    Raises
    ------
    CancelledError
        When `cancelled` says so.
    """
    view = straighten(area, scale.mm_per_px, VIEW_MM)
    zone = _zone(view, within)
    if min(view.x.shape) < 16 or not zone.any():
        return None
    start, stop = usable_range(clip)
    shortest = SHORTEST_MM if within is None else SHORTEST_WITHIN_MM
    chosen = _best(_look(clip, view, zone, (start, stop), shortest, cancelled))
    if chosen is None:
        return None
    evidence, frame, line = chosen
    confidence = float(1.0 / (1.0 + np.exp(-SHARPNESS * (evidence - SURE_AT))))
    if least_confidence is None:
        least_confidence = ENOUGH if within is None else ENOUGH_WITHIN
    if confidence < least_confidence:
        return None
    points = _points(view, line)
    keyframes = track_line(clip.store, points, frame, (start, stop), clip.info.fps, scale.mm_per_px, cancelled)
    return PleuralROI(keyframes, "auto", round(confidence, 3))


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


def _zone(view: BeamView, within: Box | None) -> npt.NDArray[np.bool_]:
    depth = np.arange(view.x.shape[0])[:, None] * ROW_MM
    if within is None:
        return np.broadcast_to((depth > NEAREST_MM) & (depth < DEEPEST_MM), view.x.shape)
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


def _best(stretches: list[_Stretch]) -> tuple[float, int, LineCandidate] | None:
    """Return evidence, frame and line of the best candidate: its own score and how well other stretches agree."""
    best: tuple[float, int, LineCandidate] | None = None
    for stretch in stretches:
        others = [other for other in stretches if other is not stretch]
        for line in stretch.lines:
            agreed = [max((o.score for o in other.lines if _same_line(line, o)), default=0.0) for other in others]
            support = float(np.mean(np.clip(agreed, 0.0, 3.0))) if agreed else 0.0
            evidence = 0.4 * line.score + 1.2 * support
            if best is None or evidence > best[0]:
                best = (evidence, stretch.middle, line)
    return best


def _same_line(line: LineCandidate, other: LineCandidate) -> bool:
    """Return whether two candidates of different stretches are one line, which may have moved sideways a little."""
    common, here, there = np.intersect1d(line.columns, other.columns, return_indices=True)
    if len(common) < 0.4 * min(len(line.columns), len(other.columns)):
        return False
    return float(np.median(np.abs(line.rows[here] - other.rows[there]))) * ROW_MM < SAME_LINE_MM


def _points(view: BeamView, line: LineCandidate) -> Polyline:
    """Return the candidate as a smooth polyline of few points in pixels, from left to right."""
    rows = ndimage.gaussian_filter1d(line.rows.astype(np.float64), 1.5 / COLUMN_MM, mode="nearest")
    points = view.to_pixels(rows, line.columns.astype(np.float64))
    return resample_polyline(points, int(np.clip(round(line.length_mm / 6.0), 3, 8)))
