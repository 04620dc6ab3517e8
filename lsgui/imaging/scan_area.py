"""Where in the picture the ultrasound image lies, and how many millimetres a pixel spans."""

import math
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from lsgui.core.clip import Clip, ClipInfo

Geometry = Literal["linear", "convex"]
Box = tuple[int, int, int, int]
Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]

SAMPLED_FRAMES = 24
LOOKED_AT_PX = 2560 * 1664
"""Pixels of a picture that are looked at: every second, third, ... of one larger than any scanner's screen."""
DARK_FRAME = 1.0
"""Mean grey value within the picture below which a frame shows no image (a black lead-in)."""
LIVE_VARIATION = 0.3
"""Standard deviation over time in grey values above which a pixel is live: even dark depth carries receiver noise."""
SMALLEST_FAN_ROWS = 32
"""Rows that it takes to tell a fan's straight sides."""
GROUPS = 3
PASSING_GREY = 3.0
"""Parts of the clip of which the middle one decides where something changed this much but once: a pointer that passes
by is gone in the others."""
NOISE_REACH = 1.7
"""How much livelier than the noise of a recorded screen the image is."""
LARGEST_GLYPH_PX = 60
THIN_PX = 2.0
"""Size above which a bright still shape is taken for an echo, not for a letter or a mark, unless its strokes, up to
this half width, are those of a drawn frame or ruler."""
LINEAR_WIDTH_MM = 38.0
"""Footprint of the usual linear probes (34-40 mm): what a scan area that is shown in its whole width spans."""
LEAST_DEPTH_MM = 35.0
"""Depth that every setting for the lung shows."""
CONVEX_DEPTH_MM = 105.0
"""Depth that curved probes are commonly set to for the lung (80-130 mm)."""
CONVEX_RADIUS_MM = 55.0
"""Radius of the face of the usual curved probes (40-60 mm)."""


@dataclass(frozen=True, slots=True, eq=False)
class ScanArea:
    """The part of the picture that the probe's image fills.

    Attributes
    ----------
    box
        (x, y, width, height) in pixels of the file, the tight rectangle around `mask`.
    mask
        (H, W) bool: True inside the image, False in the surround and on static text or graphics.
    geometry
        "linear" where the beams run straight down, "convex" where they fan out from `apex`.
    apex
        Point (x, y) in pixels where the beams of a convex image meet; None for linear.
    """

    box: Box
    mask: Bools
    geometry: Geometry
    apex: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        self.mask.setflags(write=False)


@dataclass(frozen=True, slots=True)
class Scale:
    """Millimetres per pixel; `calibrated` is False where they were estimated from the scan area."""

    mm_per_px: float
    calibrated: bool


def find_scan_area(clip: Clip) -> ScanArea:
    """Return the image region of a clip.

    The image changes over time (even its dark depth carries noise) while the surround, rulers and text stand still;
    a still picture is told from its surround by brightness. The region is the largest connected piece, made convex
    but for the arc of a curved probe's face; static bright marks within it are left out of the mask.

    Parameters
    ----------
    clip
        The whole clip; about 24 frames of it are looked at.

    Returns
    -------
    ScanArea
        The whole picture (or the file's own region) where nothing better can be told.
    """
    outer = _outer_box(clip.info)
    x, y, width, height = outer
    step = math.ceil(math.sqrt(width * height / LOOKED_AT_PX))
    mean, spread = _time_statistics(_sample(clip, outer, step))
    live = _image_piece(mean, spread)
    inner = np.ones(mean.shape, dtype=bool) if live is None else _fill(live)
    geometry, apex = _fan(inner)
    inner &= ~_static_marks(mean, spread, inner)
    mask = np.zeros((clip.info.height, clip.info.width), dtype=bool)
    mask[y : y + height, x : x + width] = inner.repeat(step, axis=0).repeat(step, axis=1)[:height, :width]
    if apex is not None:
        apex = (apex[0] * step + x, apex[1] * step + y)
    return ScanArea(_bounds(mask), mask, geometry, apex)


def picture_scale(info: ClipInfo, area: ScanArea) -> Scale:
    """Return millimetres per pixel, from the file where it is calibrated, else estimated.

    Row and column spacing are averaged; where they differ by more than 2 % the row spacing counts, because depth is
    what distances across the pleural line need. The estimate takes the probe's usual footprint for the width of a
    linear image, unless that makes it too shallow for a lung; for a convex one the geometric mean of two guesses, from
    a common depth and from the usual radius of the probe's face. It is good to about ±25 %.
    """
    if info.spacing_mm is not None:
        row, column = info.spacing_mm
        differ = abs(row - column) > 0.02 * max(row, column)
        return Scale(row if differ else 0.5 * (row + column), True)
    _, _, width, height = area.box
    if area.geometry == "linear":
        return Scale(max(LINEAR_WIDTH_MM / max(width, 1), LEAST_DEPTH_MM / max(height, 1)), False)
    by_depth = CONVEX_DEPTH_MM / max(height, 1)
    if area.apex is None:
        return Scale(by_depth, False)
    radius = face_radius(area)
    if not 0.15 * height < radius < 1.2 * height:  # a face cut away by cropping says nothing
        return Scale(by_depth, False)
    return Scale(float(np.sqrt(by_depth * CONVEX_RADIUS_MM / radius)), False)


def face_radius(area: ScanArea) -> float:
    """Return the distance in pixels from the apex of a convex area to the probe's face straight below it."""
    if area.apex is None:
        return 0.0
    column = int(np.clip(round(area.apex[0]), 0, area.mask.shape[1] - 1))
    return float(area.mask[:, column].argmax()) - area.apex[1]


def _outer_box(info: ClipInfo) -> Box:
    if info.region is None:
        return (0, 0, info.width, info.height)
    left, top = max(info.region[0], 0), max(info.region[1], 0)
    right = min(info.region[0] + info.region[2], info.width)
    bottom = min(info.region[1] + info.region[3], info.height)
    if right - left < 8 or bottom - top < 8:
        return (0, 0, info.width, info.height)
    return (left, top, right - left, bottom - top)


def _sample(clip: Clip, box: Box, step: int = 1) -> npt.NDArray[np.uint8]:
    x, y, width, height = box
    indices = np.unique(np.linspace(0, len(clip) - 1, SAMPLED_FRAMES).astype(int))
    frames = np.stack([clip.frame(int(k))[y : y + height : step, x : x + width : step] for k in indices])
    # A lead-in frame may carry the header text, so it is dark against the clip's own typical frame.
    levels = frames.mean(axis=(1, 2))
    lit = levels > max(DARK_FRAME * 0.1, 0.5 * float(np.median(levels)))
    return frames[lit] if lit.any() else frames


def _time_statistics(frames: npt.NDArray[np.uint8]) -> tuple[Floats, Floats]:
    """Return mean and standard deviation over time, each (h, w) float32.

    What changes strongly in one part of the clip only, such as a pointer that crosses the screen, does not count: there
    both are the middle one of those of three parts.
    """
    mean, spread = _statistics(frames)
    if len(frames) < 4 * GROUPS:
        return mean, spread
    means, spreads = zip(*(_statistics(part) for part in np.array_split(frames, GROUPS)), strict=True)
    middle = _middle(spreads)
    passing = (spread > PASSING_GREY) & (middle < 0.25 * spread)
    return np.where(passing, _middle(means), mean), np.where(passing, middle, spread)


def _middle(maps: tuple[Floats, ...]) -> Floats:
    """Return the middle one of three values at each pixel."""
    first, second, third = maps
    middle = np.maximum(np.minimum(first, second), np.minimum(np.maximum(first, second), third))
    return np.asarray(middle, dtype=np.float32)


def _statistics(frames: npt.NDArray[np.uint8]) -> tuple[Floats, Floats]:
    total = np.zeros(frames.shape[1:], dtype=np.float64)
    square = np.zeros_like(total)
    for frame in frames:
        cv2.accumulate(frame, total)
        cv2.accumulateSquare(frame, square)
    mean = total / len(frames)
    variance = np.maximum(square / len(frames) - mean * mean, 0.0)
    return mean.astype(np.float32), np.sqrt(variance).astype(np.float32)


def _image_piece(mean: Floats, spread: Floats) -> Bools | None:
    """Return the piece of the picture that is the probe's image, (h, w) bool, None where there is none worth the name.

    It is the largest live piece. Where that is but a clock or a trace beside a larger still picture, it is the picture.
    """
    size = max(3, round(min(mean.shape) / 120) | 1)
    smooth = cv2.blur(spread, (size, size))
    live = _largest(smooth > max(LIVE_VARIATION, NOISE_REACH * _screen_noise(mean, smooth)))
    if live is not None and live.mean() > 0.25:
        return live
    bright = _largest(mean > float(np.percentile(mean, 5)) + 8.0)
    if live is None or bright is None:
        return bright if live is None else live
    apart = (live & bright).sum() < 0.3 * live.sum()
    return bright if apart and bright.sum() > 2 * live.sum() else live


def _screen_noise(mean: Floats, smooth: Floats) -> float:
    """Return how much the surround of the image changes by itself, 0 where the image reaches the picture's edge.

    Screens recorded over a cable are noisy all over; around the image, noise and grey are the same everywhere.
    """
    rim = max(2, round(0.015 * min(mean.shape)))
    edge = np.ones(mean.shape, dtype=bool)
    edge[rim:-rim, rim:-rim] = False
    low, middle, high = (float(v) for v in np.percentile(smooth[edge], [10, 50, 80]))
    grey = np.percentile(mean[edge], [10, 80])
    even = high < 1.5 * max(low, 0.05) and float(grey[1] - grey[0]) < 4.0
    return middle if even else 0.0


def _largest(live: Bools) -> Bools | None:
    """Return the largest connected piece, (h, w) bool, None where it is small."""
    # Opening cuts thin bridges to flickering text; closing joins echoes across shadows.
    opened = cv2.morphologyEx(live.astype(np.uint8), cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    reach = max(5, round(min(live.shape) / 40) | 1)
    closed = cv2.morphologyEx(opened, cv2.MORPH_CLOSE, np.ones((reach, reach), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(closed)
    if count < 2:
        return None
    best = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    if stats[best, cv2.CC_STAT_AREA] < 0.003 * live.size:
        return None
    return np.asarray(labels == best)


def _fill(live: Bools) -> Bools:
    """Return the convex hull of `live` without what lies above the arc of the probe's face."""
    outline, _ = cv2.findContours(live.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    hull = cv2.convexHull(np.concatenate(outline))
    filled = np.zeros(live.shape, dtype=np.uint8)
    cv2.fillConvexPoly(filled, hull, 1)
    _, top, width, height = cv2.boundingRect(hull)
    first = np.where(live.any(axis=0), live.argmax(axis=0), live.shape[0])
    # A shadow from the very top (no contact) is no arc: the face reaches down by a sixth of the height at most.
    first = np.where(first > top + height / 6, top, first)
    above = (filled > 0) & (np.arange(live.shape[0])[:, None] < first[None, :])
    # The arc is wide and shallow; slivers along a fan's sides, left by compression blocks, are not.
    arc = cv2.morphologyEx(above.astype(np.uint8), cv2.MORPH_OPEN, np.ones((1, max(width // 8, 3)), np.uint8))
    return np.asarray((filled > 0) & (arc == 0))


def _fan(mask: Bools) -> tuple[Geometry, tuple[float, float] | None]:
    """Return the geometry and, for a fan, the point where its straight sides meet."""
    rows = np.flatnonzero(mask.any(axis=1))
    left = mask[rows].argmax(axis=1).astype(np.float64)
    right = mask.shape[1] - 1.0 - mask[rows][:, ::-1].argmax(axis=1)
    if len(rows) < SMALLEST_FAN_ROWS:
        return "linear", None
    widths = right - left
    upper = slice(len(rows) // 25, max(len(rows) // 10, len(rows) // 25 + 1))
    if float(np.median(widths[upper])) > 0.85 * float(np.percentile(widths, 95)):
        return "linear", None
    slope_left, at_left = _side(rows, left, int(left.min()))
    slope_right, at_right = _side(rows, right, int(right.max()))
    if slope_right - slope_left < 0.05:
        return "linear", None
    meeting = (at_left - at_right) / (slope_right - slope_left)
    return "convex", (float(slope_left * meeting + at_left), float(meeting))


def _side(rows: npt.NDArray[np.int64], edge: npt.NDArray[np.float64], border: int) -> tuple[float, float]:
    """Return slope and offset of a fan's side, x = slope * y + offset.

    A side is straight from the corner of the probe's face until the picture's border or the bottom arc ends it.
    """
    reached = np.flatnonzero(np.abs(edge - border) <= 2)
    stop = int(reached[0]) if len(reached) else len(rows)
    start = len(rows) // 50
    stop = min(max(stop, start + 8), len(rows))
    slope, offset = np.polyfit(rows[start:stop], edge[start:stop], 1)
    return float(slope), float(offset)


def _static_marks(mean: Floats, spread: Floats, inner: Bools) -> Bools:
    """Return text and graphics that lie over the image: bright, still where all around them lives, and sharp.

    A saturated pleural line is bright and still too, but it fades over some pixels where a glyph ends at once.
    """
    typical = float(np.median(spread[inner])) if inner.any() else 0.0
    if typical < 1.0:  # a still picture: nothing can be told from its stillness
        return np.zeros_like(inner)
    around = cv2.medianBlur(np.clip(mean, 0, 255).astype(np.uint8), 15).astype(np.float32)
    still = (inner & (mean > around + 40.0) & (spread < min(1.0, 0.25 * typical))).astype(np.uint8)
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(still)
    marks = np.zeros_like(still)
    for label in range(1, count):
        x, y, width, height = (int(v) for v in boxes[label, :4])
        window = np.s_[max(y - 4, 0) : y + height + 4, max(x - 4, 0) : x + width + 4]
        glyph = (labels[window] == label).astype(np.uint8)
        if max(width, height) > LARGEST_GLYPH_PX and cv2.distanceTransform(glyph, cv2.DIST_C, 3).max() > THIN_PX:
            continue
        inner_ring = cv2.dilate(glyph, np.ones((3, 3), np.uint8))
        rim = (cv2.dilate(inner_ring, np.ones((3, 3), np.uint8)) > 0) & (inner_ring == 0)
        rise = mean[window] - around[window]
        if float(rise[rim].mean()) < 0.3 * float(rise[glyph > 0].mean()):
            marks[window] |= glyph
    return np.asarray(cv2.dilate(marks, np.ones((5, 5), np.uint8)) > 0)


def _bounds(mask: Bools) -> Box:
    x, y, width, height = cv2.boundingRect(mask.astype(np.uint8))
    if width == 0 or height == 0:
        return (0, 0, mask.shape[1], mask.shape[0])
    return (int(x), int(y), int(width), int(height))
