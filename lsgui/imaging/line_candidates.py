"""Lines in a straightened picture that may be the pleura, and how much speaks for each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt
from scipy import ndimage

from lsgui.imaging.beam_view import COLUMN_MM, ROW_MM
from lsgui.imaging.line_evidence import (
    FACE_SLACK_MM,
    agreement,
    echo_share,
    line_response,
    strongest_above,
    strongest_below,
)
from lsgui.imaging.line_paths import NOTHING, STEEPEST, best_paths

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

FEATURES = (
    "strength", "lines below", "lines above", "brightest", "fading", "not fading", "changes below", "length",
    "unseen below", "echoes below", "echoes above", "at half depth", "at twice depth", "at two thirds", "ribs beside",
    "goes on beside", "haze", "over haze", "uneven", "layers below", "is an A-line", "has an A-line",
)  # fmt: skip
"""What is weighed of each line."""
CANDIDATES = 4
"""Lines that are weighed per stretch of time."""
LEAP_COST = 10.0
"""Cost of crossing from one line to another within a candidate: never worth it."""
SHADOW_COST = 3.0
"""Cost of each column in a rib's shadow: a line goes from rib to rib, not across."""
SHADOWED = 0.5
"""Brightness below a line, against that below its bright columns, under which a column lies in shadow."""
SHADOW_MM = (3.0, 15.0)
"""Depth below a line in which a shadow shows."""
GOES_ON = 0.35
GAP_MM = 2.0
"""A line that was found goes on while it keeps this share of its strength, across gaps of this length."""
STRONGEST = 1.6
"""Line strength above which more brightness says no more."""
BELOW_WEIGHT = 0.8
"""How much a line further down speaks against a line: below the pleura come only echoes."""
NEAREST_MM = 5.5
"""Depth above which lie the skin and the ring-down of the probe, never the pleura."""


@dataclass(frozen=True, slots=True, eq=False)
class LineCandidate:
    """A line that may be the pleura.

    Attributes
    ----------
    rows, columns
        (n,) int64: its cells in the straightened picture, one a column.
    features
        (F,) float64: what speaks for and against it, in the order of `FEATURES`.
    strength
        Mean response of the line filter along it.
    clear_below
        Strength of the strongest line below, A-lines left out, over the line's own; 0 is clear.
    """

    rows: Ints
    columns: Ints
    features: npt.NDArray[np.float64]
    strength: float
    clear_below: float

    @property
    def depth_mm(self) -> float:
        """Mean depth below the top of the straightened picture in mm."""
        return float(self.rows.mean()) * ROW_MM

    @property
    def length_mm(self) -> float:
        """Length along the beams' columns in mm."""
        return len(self.columns) * COLUMN_MM


@dataclass(frozen=True, slots=True, eq=False)
class _Maps:
    """What is known of each cell, all (D, A) float32, and the strength `unit` of the picture's strong lines."""

    picture: Floats
    response: Floats
    below: Floats
    above: Floats
    soon: Floats
    alike: Floats
    unit: float


def line_candidates(
    stretches: Sequence[Floats], valid: Bools, zone: Bools, shortest_mm: float
) -> list[list[LineCandidate]]:
    """Return the likeliest pleural lines of short stretches of time, best first, a list for each stretch.

    Parameters
    ----------
    stretches
        Each (T, D, A) float32: a few straightened frames about 0.1 s apart.
    valid
        (D, A) bool: cells inside the scan area.
    zone
        (D, A) bool: cells where the line may lie.
    shortest_mm
        Shortest length that counts.
    """
    allowed = zone & valid
    if not allowed.any():
        return [[] for _ in stretches]
    maps = [_maps(pictures, valid, allowed) for pictures in stretches]
    energies = np.concatenate([_energies(m, valid, allowed) for m in maps])
    found: list[list[LineCandidate]] = [[] for _ in stretches]
    for _ in range(CANDIDATES):
        paths = best_paths(energies)
        for at, path in enumerate(paths):
            stretch = at // 2
            along = energies[at, path, np.arange(len(path))] - SHADOW_COST * _shadow(maps[stretch].picture, path)
            columns = _best_stretch(along - LEAP_COST * _leaps(path), shortest_mm)
            if columns is None:
                continue
            rows = path[columns]
            for row, column in zip(rows, columns, strict=True):
                energies[at, max(row - 5, 0) : row + 6, column] = NOTHING
            if not any(_same(rows, columns, line) for line in found[stretch]):
                found[stretch].append(_weigh(rows, columns, maps[stretch]))
    return [[extended(line, m, allowed) for line in _with_repeats(lines)] for lines, m in zip(found, maps, strict=True)]


def _maps(pictures: Floats, valid: Bools, allowed: Bools) -> _Maps:
    picture = pictures.mean(axis=0)
    response = line_response(picture, valid)
    unit = float(np.percentile(response[allowed], 95)) + 1e-3
    soon, alike = agreement(pictures, lags=(1, 2))
    return _Maps(picture, response, strongest_below(response), strongest_above(response), soon, alike, unit)


def _energies(maps: _Maps, valid: Bools, allowed: Bools) -> Floats:
    """Return two views of what a pleural line gathers along its way, (2, D, A) float32; in a shadow it is nothing.

    The first takes whatever lies below off a line's strength: right where the layers above are as bright as the
    pleura. The second forgives lines below of up to half the strength: right where echoes follow the pleura.
    """
    strength = np.minimum(maps.response / maps.unit, STRONGEST)
    strict = np.maximum(strength - BELOW_WEIGHT * np.minimum(maps.below / maps.unit, STRONGEST), NOTHING)
    ratio = maps.below / np.maximum(maps.response, 0.1 * maps.unit)
    lenient = strength * np.maximum(1.0 - BELOW_WEIGHT * np.clip((ratio - 0.5) / 0.5, 0.0, 1.5), -0.2)
    open_to_sound = allowed & ~_shadowed(maps.picture, valid)
    return np.where(open_to_sound, np.stack([strict, lenient]), NOTHING).astype(np.float32)


def _shadowed(picture: Floats, valid: Bools) -> Bools:
    """Return the cells below which lies a shadow: much darker than below most cells of the same depth, (D, A) bool."""
    near, far = (round(mm / ROW_MM) for mm in SHADOW_MM)
    kernel = np.zeros((2 * far + 1, 1), dtype=np.float32)
    kernel[far + near :] = 1.0
    weight = valid.astype(np.float32)
    grey, area = (
        cv2.blur(cv2.filter2D(m, cv2.CV_32F, kernel, borderType=cv2.BORDER_CONSTANT), (5, 1))
        for m in (picture * weight, weight)
    )
    below = grey / np.maximum(area, 1.0)
    lit = np.percentile(below, 80, axis=1, keepdims=True)
    return np.asarray((below < SHADOWED * lit) & (area > 0.2 * len(kernel) / 2))


def _same(rows: Ints, columns: Ints, line: LineCandidate) -> bool:
    """Return whether most of a line's cells lie on a line that was found before."""
    common, here, there = np.intersect1d(columns, line.columns, return_indices=True)
    near = np.abs(rows[here] - line.rows[there]) * ROW_MM < 1.2
    return len(common) > 0 and int(near.sum()) > 0.7 * max(len(columns), len(line.columns))


def _best_stretch(along: Floats, shortest_mm: float) -> Ints | None:
    """Return the contiguous columns with the greatest sum of energy above a floor, None where too short or weak."""
    gain = ndimage.uniform_filter1d(along.astype(np.float64), 5) - 0.25
    total = np.concatenate([[0.0], np.cumsum(gain)])
    lowest = np.minimum.accumulate(total)
    stop = int(np.argmax(total - lowest))
    start = int(np.argmin(total[: stop + 1]))
    if (stop - start) * COLUMN_MM < shortest_mm:
        return None
    return np.arange(start, stop)


def _leaps(path: Ints) -> Floats:
    """Return 1 where a path climbs as fast as it may, on its way from one line to another, else 0; (A,) float32."""
    steps = np.abs(np.diff(path, prepend=path[0])).astype(np.float64)
    return np.asarray(ndimage.uniform_filter1d(steps, 3) > STEEPEST - 0.5, dtype=np.float32)


def _shadow(picture: Floats, path: Ints) -> Floats:
    """Return 1 for columns in the shadow of a rib or of lost contact, 0 elsewhere, (A,) float32.

    Bone lets nothing through; below the pleura there are at least the echoes of the chest wall.
    """
    offsets = np.arange(*(round(mm / ROW_MM) for mm in SHADOW_MM))
    at = np.clip(path[None, :] + offsets[:, None], 0, picture.shape[0] - 1)
    below = ndimage.uniform_filter1d(picture[at, np.arange(len(path))].mean(axis=0), 7)
    return np.asarray(below < SHADOWED * np.percentile(below, 80), dtype=np.float32)


def _weigh(rows: Ints, columns: Ints, maps: _Maps) -> LineCandidate:
    """Return the candidate with what a reader looks for, each feature bounded."""
    own = np.maximum(maps.response[rows, columns], 0.2 * maps.unit)
    clear = float(np.mean(np.minimum(maps.below[rows, columns] / own, 1.5)))
    outshone = float(np.mean(np.clip(maps.above[rows, columns] / own - 1.0, 0.0, 1.5)))
    brightest = maps.picture[round(NEAREST_MM / ROW_MM) :, columns].max(axis=0)
    peak = float(np.mean(np.clip(maps.picture[rows, columns] / np.maximum(brightest, 20.0), 0.3, 1.0)))
    haze = _band(maps.picture, rows, columns, 2.0, 6.0)
    # Lung shows a haze that fades with depth; muscle goes on.
    fading = 1.0 - _band(maps.picture, rows, columns, 8.0, 15.0) / max(haze, 8.0)
    slides = _band(maps.alike, rows, columns, -7.0, -1.5) - _band(maps.alike, rows, columns, 1.5, 7.0)
    # Below bone and air without contact is nothing but noise, which is new in every frame.
    alive = _band(maps.soon, rows, columns, 2.5, 7.0)
    # A line near the lower edge has not shown that nothing follows.
    unseen = max(0.0, 1.0 - (maps.picture.shape[0] - float(rows.mean())) * ROW_MM / 12.0)
    ends, beside = _beside(rows, columns, maps)
    features = (
        min(float(own.mean()) / maps.unit, STRONGEST),
        clear,
        outshone,
        peak,
        float(np.clip(fading, -0.5, 0.6)),
        max(0.0, 0.12 - fading),
        float(np.clip(slides, 0.0, 0.2)),
        float(np.log(min(len(columns) * COLUMN_MM, 40.0) / 15.0)),
        unseen,
        float(np.clip(alive, 0.0, 0.4)),
        float(np.clip(_band(maps.soon, rows, columns, -7.0, -1.5), 0.0, 1.0)),
        _at_multiple(rows, columns, maps.response, own, 0.5),
        _at_multiple(rows, columns, maps.response, own, 2.0),
        _at_multiple(rows, columns, maps.response, own, 2.0 / 3.0),
        ends,
        beside,
        float(np.log(max(haze, 4.0) / max(_band(maps.picture, rows, columns, -7.0, -2.0), 4.0))),
        float(np.log(max(maps.picture[rows, columns].mean(), 4.0) / max(haze, 4.0))),
        float(np.std(rows - np.polyval(np.polyfit(columns, rows, 2), columns))) * ROW_MM,
        _band(maps.response, rows, columns, 2.5, 18.0) / float(own.mean()),
        0.0,
        0.0,
    )
    return LineCandidate(rows, columns, np.array(features), float(own.mean()), clear)


def _at_multiple(rows: Ints, columns: Ints, response: Floats, own: Floats, multiple: float) -> float:
    """Return the mean line response near a multiple of the line's depth, against its own, 0 to 1.5."""
    reach = max(2, round(0.06 * multiple * float(rows.mean())))
    widened = cv2.dilate(response, np.ones((2 * reach + 1, 1), np.uint8))
    at = np.round(rows * multiple + 0.5 * (multiple > 1) * FACE_SLACK_MM / ROW_MM).astype(int)
    seen = at < response.shape[0]
    if not seen.mean() > 0.5:
        return 0.0
    return float(np.mean(np.minimum(widened[at[seen], columns[seen]] / own[seen], 1.5)))


def _beside(rows: Ints, columns: Ints, maps: _Maps) -> tuple[float, float]:
    """Return how much of its surroundings fits a pleura: the share of its ends at a rib's shadow, 0, 0.5 or 1, and the
    share of lit columns outside in which it goes on in line with itself, 0 to 1.
    """
    every = np.arange(maps.picture.shape[1])
    slope, offset = np.polyfit(columns, rows, 1)
    straight = slope * every + offset
    straight[columns] = rows
    lit = _lit_below(maps.picture, np.round(straight).astype(int), columns)
    outside = np.ones(len(every), dtype=bool)
    outside[columns] = False
    reach = round(3.0 / COLUMN_MM)
    first, last = int(columns[0]), int(columns[-1])
    sides = (every[max(first - reach, 0) : first], every[last + 1 : last + 1 + reach])
    ends = float(np.mean([len(side) > 2 and float(lit[side].mean()) < 0.5 for side in sides]))
    goes_on = 0.0
    looked = outside & lit
    if looked.sum() * COLUMN_MM > 3.0:
        slack = 4 + np.round(0.1 * np.minimum(np.abs(every - first), np.abs(every - last))).astype(int)
        hits = 0
        for column in every[looked]:
            low = max(int(straight[column]) - slack[column], 0)
            part = maps.response[low : int(straight[column]) + slack[column] + 1, column]
            hits += bool(part.size and part.max() > GOES_ON * maps.response[rows, columns].mean())
        goes_on = hits / int(looked.sum())
    return ends, goes_on


def _lit_below(picture: Floats, path: Ints, columns: Ints) -> Bools:
    """Return the columns that are at least half as bright below a path as most of `columns` are, (A,) bool."""
    offsets = np.arange(*(round(mm / ROW_MM) for mm in SHADOW_MM))
    at = np.clip(path[None, :] + offsets[:, None], 0, picture.shape[0] - 1)
    below = picture[at, np.arange(len(path))].mean(axis=0)
    return np.asarray(below > SHADOWED * np.percentile(below[columns], 80))


def extended(line: LineCandidate, maps: _Maps, allowed: Bools) -> LineCandidate:
    """Return a line carried on at both ends as far as it is seen.

    Evidence against it, such as a bright A-line below one part, may have cut it short; a pleura goes on until a shadow
    or the edge of the picture.
    """
    offsets = np.arange(*(round(mm / ROW_MM) for mm in SHADOW_MM))
    at = np.clip(line.rows[None, :] + offsets[:, None], 0, maps.picture.shape[0] - 1)
    dark = SHADOWED * float(np.percentile(maps.picture[at, line.columns[None, :]].mean(axis=0), 80))

    def seen(row: int, column: int) -> bool:
        below = maps.picture[row + offsets[0] : row + offsets[-1] + 1, column]
        return bool(below.size and below.mean() > dark and maps.response[row, column] > GOES_ON * line.strength)

    ends = []
    for step in (-1, 1):
        row, column = (int(cells[0 if step < 0 else -1]) for cells in (line.rows, line.columns))
        ends.append(_walk(row, column, step, maps.response * allowed, seen))
    rows = [row for row, _ in ends[0][::-1]], [row for row, _ in ends[1]]
    columns = [column for _, column in ends[0][::-1]], [column for _, column in ends[1]]
    return replace(
        line,
        rows=np.concatenate([rows[0], line.rows, rows[1]]).astype(np.int64),
        columns=np.concatenate([columns[0], line.columns, columns[1]]).astype(np.int64),
    )


def _walk(
    row: int, column: int, step: int, response: Floats, seen: Callable[[int, int], bool]
) -> list[tuple[int, int]]:
    """Return the cells (row, column) along the ridge from a line's end on, across gaps of at most `GAP_MM`."""
    cells: list[tuple[int, int]] = []
    last = 0
    column += step
    while 0 <= column < response.shape[1] and len(cells) - last <= GAP_MM / COLUMN_MM:
        low = max(row - 1, 0)
        row = low + int(np.argmax(response[low : row + 2, column]))
        cells.append((row, column))
        if seen(row, column):
            last = len(cells)
        column += step
    return cells[:last]


def _band(image: Floats, rows: Ints, columns: Ints, low_mm: float, high_mm: float) -> float:
    """Return the mean of an image between two depths against a line."""
    offsets = np.arange(round(low_mm / ROW_MM), round(high_mm / ROW_MM) + 1)
    at = np.clip(rows[None, :] + offsets[:, None], 0, image.shape[0] - 1)
    return float(image[at, columns[None, :]].mean())


def _with_repeats(found: list[LineCandidate]) -> list[LineCandidate]:
    """Return the candidates, A-lines and the lines that they repeat marked in their last two features.

    A line at twice the depth of another with nothing but air's echoes between is its repetition. Fascia half way down
    to the pleura is told apart by the other layers below it.
    """
    marks = np.zeros((len(found), 2))
    for deep_at, deep in enumerate(found):
        for shallow_at, shallow in enumerate(found):
            if shallow.clear_below < 0.6 and _repeats(shallow, deep):
                marks[deep_at, 0] = marks[shallow_at, 1] = 1.0
                break
    return [
        replace(line, features=np.concatenate([line.features[:-2], mark]))
        for line, mark in zip(found, marks, strict=True)
    ]


def _repeats(shallow: LineCandidate, deep: LineCandidate) -> bool:
    common, at_shallow, at_deep = np.intersect1d(shallow.columns, deep.columns, return_indices=True)
    if len(common) < 0.6 * len(deep.columns):
        return False
    depths = deep.rows[at_deep] * ROW_MM, shallow.rows[at_shallow] * ROW_MM
    for multiple in (2, 3):
        excess = depths[0] - multiple * depths[1]
        slack = 0.08 * multiple * shallow.depth_mm
        if -slack < float(np.median(excess)) < slack + FACE_SLACK_MM:
            weaker = deep.strength < 1.3 * echo_share(multiple) * shallow.strength
            return weaker and float(np.std(excess)) < 1.5
    return False
