"""Text that a scanner wrote into the picture, found by how letters look: sharp strokes of one height in a row."""

import cv2
import numpy as np
import numpy.typing as npt

from lsgui.core.clip import Clip

Box = tuple[int, int, int, int]
Bools = npt.NDArray[np.bool_]
Pixels = npt.NDArray[np.uint8]

SAMPLED_FRAMES = 48
PARTS = 6
"""Parts of the clip within each of which a letter must stand still to be told from moving tissue."""
STROKE_RISE = 48.0
"""Grey values by which a stroke stands out from what is around it."""
STROKE_PX = 9
"""Widest stroke; what is wider is an area of tissue."""
LETTER_PX = (5, 48)
"""Heights of letters."""
LINE_LETTERS = 3
"""Letters in a row from which on it is a line of text."""
GAP = 2.0
"""Heights of a letter between two of one line: words stand apart."""
MARGIN_PX = 4
LEAST_FRAMES = 4
LIVE_PX = 31
"""How far around a mark the picture must live."""
LIVE_CHANGE = 30
"""Grey values between which living tissue changes within a part of the clip."""
STILL_SHARE = 0.4
"""Share of that change which compression leaves in a letter."""
GRAIN_PX = 61
"""How far around a stroke the picture's own grain is looked at."""
STROKE_OVER_GRAIN = 3.0
MARK_OVER_GRAIN = 3.0
"""How far strokes and marks stand out beyond that grain: coarse speckle that stands still is no text."""
MARK_RISE = 40
"""Grey values by which a single mark stands out from what is around it at every moment."""


def find_text(clip: Clip) -> tuple[Box, ...]:
    """Return boxes around lines of text, (x, y, width, height) in pixels, with a margin.

    A stroke is bright (or dark) against its surround in every frame of a part of the clip: tissue that moves does not
    stay sharp in one place. Three or more of them side by side, of one height, are a line of text. Single marks, and
    letters that touch each other in handwriting, are not told: a person looks before anything leaves.

    Parameters
    ----------
    clip
        About 48 of its frames are looked at.
    """
    boxes: list[Box] = []
    indices = np.unique(np.linspace(0, len(clip) - 1, SAMPLED_FRAMES).astype(int))
    for part in np.array_split(indices, min(PARTS, len(indices))):
        frames = [clip.frame(int(k)) for k in part]
        for strokes in _standing_strokes(frames):
            boxes += _text_lines(strokes)
        boxes += _standing_marks(frames)
    return tuple(sorted({_with_margin(box, clip.info.width, clip.info.height) for box in boxes}))


def _standing_strokes(frames: list[Pixels]) -> tuple[Bools, Bools]:
    """Return thin bright and thin dark strokes that stand in every frame, (H, W) bool each."""
    kernel = np.ones((STROKE_PX + 2, STROKE_PX + 2), np.uint8)
    bright = dark = None
    for frame in frames:
        up = cv2.morphologyEx(frame, cv2.MORPH_TOPHAT, kernel)
        down = cv2.morphologyEx(frame, cv2.MORPH_BLACKHAT, kernel)
        bright = up if bright is None else cv2.min(bright, up)
        dark = down if dark is None else cv2.min(dark, down)
    return _beyond_grain(np.asarray(bright)), _beyond_grain(np.asarray(dark))


def _beyond_grain(rise: Pixels) -> Bools:
    """Return what stands out; the median around it is of the background, for letters fill less than half of theirs."""
    grain = cv2.medianBlur(rise, GRAIN_PX).astype(np.float32)
    return np.asarray(rise > np.maximum(STROKE_RISE, STROKE_OVER_GRAIN * grain))


def _standing_marks(frames: list[Pixels]) -> list[Box]:
    """Return boxes of single letters and marks: bright, and still where all around them lives."""
    if len(frames) < LEAST_FRAMES:
        return []
    low, high = np.minimum.reduce(frames), np.maximum.reduce(frames)
    change = high - low
    live = cv2.medianBlur(cv2.blur(change, (LIVE_PX, LIVE_PX)), 5)
    middle = cv2.addWeighted(low, 0.5, high, 0.5, 0.0)
    rise = cv2.subtract(low, cv2.medianBlur(middle, LIVE_PX))
    grain = np.sqrt(cv2.boxFilter(np.square(rise, dtype=np.float32), -1, (GRAIN_PX, GRAIN_PX)))
    stands_out = rise > np.maximum(MARK_RISE, MARK_OVER_GRAIN * grain)
    still = (live > LIVE_CHANGE) & (change < STILL_SHARE * live.astype(np.float32)) & stands_out
    count, _, stats, _ = cv2.connectedComponentsWithStats(still.astype(np.uint8))
    low_px, high_px = LETTER_PX
    return [
        (int(x) - int(h), int(y) - int(h) // 2, int(w) + 2 * int(h), 2 * int(h))
        for x, y, w, h, area in stats[1:count]
        if low_px <= h <= high_px and w <= 2 * h and area >= h
    ]


def _text_lines(strokes: Bools) -> list[Box]:
    count, _, stats, _ = cv2.connectedComponentsWithStats(strokes.astype(np.uint8))
    low, high = LETTER_PX
    letters = sorted(
        (int(x), int(y), int(w), int(h))
        for x, y, w, h, area in stats[1:count]
        if low <= h <= high and w <= 2 * h and area >= h
    )
    lines: list[list[Box]] = []
    for letter in letters:
        home = next((line for line in reversed(lines) if _follows(line[-1], letter)), None)
        if home is None:
            lines.append([letter])
        else:
            home.append(letter)
    return [_around(line) for line in lines if len(line) >= LINE_LETTERS]


def _follows(last: Box, letter: Box) -> bool:
    """Tell whether a letter continues a line: near, at the same height, of much the same size."""
    x, y, width, height = last
    taller, smaller = max(height, letter[3]), min(height, letter[3])
    gap = letter[0] - (x + width)
    shared = min(y + height, letter[1] + letter[3]) - max(y, letter[1])
    return -2 <= gap <= GAP * taller and shared >= 0.6 * smaller and smaller >= 0.5 * taller


def _around(line: list[Box]) -> Box:
    left, top = min(box[0] for box in line), min(box[1] for box in line)
    right, bottom = max(box[0] + box[2] for box in line), max(box[1] + box[3] for box in line)
    tall = bottom - top
    # letters before and after that touch or are too thin to be told
    return (left - tall, top - tall // 3, right - left + 2 * tall, tall + 2 * (tall // 3))


def _with_margin(box: Box, width: int, height: int) -> Box:
    x, y, w, h = box
    left, top = max(x - MARGIN_PX, 0), max(y - MARGIN_PX, 0)
    right, bottom = min(x + w + MARGIN_PX, width), min(y + h + MARGIN_PX, height)
    return (left, top, right - left, bottom - top)
