"""Edited clips: a real sliding clip whose pleural line and everything below it is made to do only what the wall does.

They stand in for absent sliding in tests, for no open clip of it exists. They are named edited everywhere and never
shown or counted as patient data.

frozen       held still from one frame and carried with the chest wall, with a little noise
hard         frozen, with the wall's own residual change reflected below the line
mirror       the wall's own moving picture reflected below the line
sham         the lung re-timed: it slides, and carries the same seam as the others
line_kept    the real pleural line, which shimmers, over a lung that is held still
..._pulse    with a jerk at heart rate
..._drift    with probe drift added: the whole picture moves, wall and lung alike
"""

from collections.abc import Iterator
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from lsgui.core.pleura import PleuralROI

ClipEdit = Literal[
    "frozen", "hard", "hard_pulse", "mirror", "sham", "frozen_pulse", "frozen_drift", "hard_drift", "line_kept"
]
CLIP_EDITS: tuple[ClipEdit, ...] = ("frozen", "hard", "hard_pulse", "mirror", "sham")
"""Edits that every model is judged on. The first four are absent; "sham" is present."""

ALL_EDITS: tuple[ClipEdit, ...] = (*CLIP_EDITS, "frozen_pulse", "frozen_drift", "hard_drift", "line_kept")
"""All edits there are; only "sham" is present."""

Frames = npt.NDArray[np.uint8]
Shifts = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_PULSE_MM = 0.5
_LINE_MM = 1.2
"""How far above its middle the bright line reaches at most."""
_SEAM_MM = (-1.3, -0.3)
_SEAM_UNDER_LINE_MM = (1.0, 2.0)
"""Where the exchange begins and is complete, in mm below the line."""


def edit_clip(
    kind: ClipEdit,
    frames: Frames,
    roi: PleuralROI,
    wall_px: Shifts,
    mm_per_px: float,
    fps: float,
    seed: int = 0,
    inside: Mask | None = None,
    hold_line: bool = False,
) -> Frames:
    """Return the clip edited, (T, H, W) uint8.

    Where probe drift is added, the line moves with the picture: `edited_line` gives it.

    Parameters
    ----------
    kind
        One of `ALL_EDITS`.
    frames
        (T, H, W) uint8 of a sliding clip.
    roi
        Its pleural line.
    wall_px
        (T, 2) displacement (x, y) of the chest wall in pixels of the picture against the pleural line.
    inside
        (H, W) bool: the scanned picture; all else (text, rulers, black screen) stays as it is. None: everywhere.
    hold_line
        For the hard kinds: True holds the line itself as well. False gives it back its own shimmer, for the line is
        what lies nearest to where the wall's change is reflected.

    Raises
    ------
    ValueError
        When the kind is unknown.
    """
    if kind not in ALL_EDITS:
        raise ValueError(f"there is no edit {kind!r}")
    count, height, width = frames.shape
    # the wall carries the line along: mirrored about a line that stays, a wall that rises would move below it
    lines = [_line_rows(roi, index, width) + wall_px[index, 1] for index in range(count)]
    place = np.array([roi.line_at(index).mean(axis=0) for index in range(count)]) + wall_px
    gap_px = _LINE_MM / mm_per_px if hold_line else 0.0
    out = np.empty_like(frames)
    for index, below in enumerate(_lungs(kind, frames, lines, place, _PULSE_MM / mm_per_px, fps, seed, gap_px)):
        weight = _below_weight(lines[index], height, mm_per_px, under_line=kind == "line_kept")
        out[index] = np.clip(frames[index] * (1.0 - weight) + below * weight, 0, 255).astype(np.uint8)
    if kind.endswith("_drift"):
        out = _drifted(out, added_drift_mm(kind, count, fps, seed) / mm_per_px, inside)
    return out if inside is None else np.where(inside, out, frames)


def _lungs(
    kind: ClipEdit,
    frames: Frames,
    lines: list[npt.NDArray[np.float64]],
    place: Shifts,
    pulse_px: float,
    fps: float,
    seed: int,
    gap_px: float,
) -> Iterator[npt.NDArray[np.float32]]:
    """Yield for every frame the picture that is to be shown below the line, (H, W)."""
    rng = np.random.default_rng(seed)
    count = len(frames)
    reference = count // 2
    mean = _steady_mean(frames, place, reference)
    pulse = _pulse(rng, count, fps, pulse_px) if kind.endswith("_pulse") else np.zeros(count)
    retime = _far_from(count, fps)
    for index in range(count):
        own = frames[index].astype(np.float32)
        step = place[index] - place[reference]
        if kind == "mirror":
            yield _reflected(own, lines[index])
        elif kind == "sham":
            other = retime[index]
            yield _shifted(frames[other].astype(np.float32), place[index] - place[other])
        else:
            below = _shifted(frames[reference].astype(np.float32), step + np.array([pulse[index], 0.15 * pulse[index]]))
            below += rng.normal(0.0, 1.5, below.shape).astype(np.float32)
            if kind.startswith("hard"):
                below += _reflected(own - _shifted(mean, step), lines[index], gap_px)
            yield below


def added_drift_mm(kind: ClipEdit, count: int, fps: float, seed: int) -> Shifts:
    """Return how far an edit moves the whole picture in each frame, (T, 2) mm (x, y); zero but for the drifting kinds.

    A steady drift of at most 5 mm over the clip, a sway of 0.8 to 2 mm, and a tremor; in depth a fifth of that.
    """
    if not kind.endswith("_drift"):
        return np.zeros((count, 2))
    rng = np.random.default_rng([seed, 2])
    times = np.arange(count) / fps
    centred = times - 0.5 * times[-1]
    pace = min(rng.uniform(0.8, 2.0), 5.0 / max(float(times[-1]), 0.5))
    sway = rng.uniform(0.8, 2.0) * np.sin(2 * np.pi * (rng.uniform(0.12, 0.45) * times + rng.random()))
    shift = np.stack([pace * centred + sway, 0.2 * (pace * centred - sway)], axis=1)
    return np.asarray(shift * rng.choice([-1.0, 1.0], 2) + rng.normal(0.0, 0.03, (count, 2)))


def edited_line(roi: PleuralROI, kind: ClipEdit, count: int, mm_per_px: float, fps: float, seed: int = 0) -> PleuralROI:
    """Return the pleural line of an edited clip: that of the clip, carried along where probe drift is added."""
    if not kind.endswith("_drift"):
        return roi
    shift = added_drift_mm(kind, count, fps, seed) / mm_per_px
    keys = sorted({*range(0, count, 3), count - 1, *(k for k, _ in roi.keyframes if k < count)})
    return PleuralROI(tuple((k, roi.line_at(k) + shift[k]) for k in keys), roi.source, roi.confidence)


def _drifted(frames: Frames, shift_px: Shifts, inside: Mask | None) -> Frames:
    """Return each frame moved by its (x, y) pixels; what comes in over the edge of the scanned picture repeats it."""
    rows, columns = np.indices(frames.shape[1:])
    if inside is not None and not inside.all():
        _, labels = cv2.distanceTransformWithLabels(
            (~inside).astype(np.uint8), cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
        )
        place = np.zeros(int(labels.max()) + 1, dtype=np.int64)
        place[labels[inside]] = np.flatnonzero(inside)
        rows, columns = np.unravel_index(place[labels], inside.shape)
    out = np.empty_like(frames)
    for index, (frame, step) in enumerate(zip(frames, shift_px, strict=True)):
        moved = _shifted(frame[rows, columns].astype(np.float32), step)
        out[index] = np.clip(np.rint(moved), 0, 255).astype(np.uint8)
    return out


def _line_rows(roi: PleuralROI, index: int, width: int) -> npt.NDArray[np.float64]:
    """Return the row of the line in every picture column, held level beyond its ends."""
    line = roi.line_at(index)
    order = np.argsort(line[:, 0])
    return np.asarray(np.interp(np.arange(width), line[order, 0], line[order, 1]), dtype=np.float64)


def _below_weight(
    rows: npt.NDArray[np.float64], height: int, mm_per_px: float, under_line: bool = False
) -> npt.NDArray[np.float32]:
    """Return 0 above and 1 below a seam over the line (or under it), blended over 1 mm, (H, W)."""
    depth_mm = (np.arange(height)[:, None] - rows[None]) * mm_per_px
    begins, complete = _SEAM_UNDER_LINE_MM if under_line else _SEAM_MM
    return np.clip((depth_mm - begins) / (complete - begins), 0.0, 1.0).astype(np.float32)


def _shifted(frame: npt.NDArray[np.float32], step: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    matrix = np.array([[1.0, 0.0, step[0]], [0.0, 1.0, step[1]]])
    size = (frame.shape[1], frame.shape[0])
    moved = cv2.warpAffine(frame, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, dtype=np.float32)


def _reflected(
    frame: npt.NDArray[np.float32], rows: npt.NDArray[np.float64], gap_px: float = 0.0
) -> npt.NDArray[np.float32]:
    """Return the picture mirrored about the line, folded back at the top edge; `gap_px` over the line are left out."""
    height, width = frame.shape
    y = np.arange(height, dtype=np.float32)[:, None]
    depth = np.abs(y - rows[None].astype(np.float32))
    reach = np.maximum(rows[None] - 2.0 - gap_px, 2.0).astype(np.float32)
    folded = gap_px + reach - np.abs(np.mod(depth, 2 * reach) - reach)
    source = rows[None].astype(np.float32) - folded
    x = np.repeat(np.arange(width, dtype=np.float32)[None], height, 0)
    return np.asarray(cv2.remap(frame, x, source.astype(np.float32), cv2.INTER_LINEAR), dtype=np.float32)


def _steady_mean(frames: Frames, place: Shifts, reference: int) -> npt.NDArray[np.float32]:
    mean = np.zeros(frames.shape[1:], dtype=np.float32)
    picked = range(0, len(frames), max(len(frames) // 40, 1))
    for index in picked:
        mean += _shifted(frames[index].astype(np.float32), place[reference] - place[index])
    return np.asarray(mean / len(picked), dtype=np.float32)


def _pulse(rng: np.random.Generator, count: int, fps: float, most_px: float) -> npt.NDArray[np.float64]:
    phase = 2 * np.pi * (rng.uniform(1.0, 1.7) * np.arange(count) / fps + rng.random())
    return np.asarray(most_px * np.maximum(np.sin(phase), 0.0) ** 3)


def _far_from(count: int, fps: float) -> npt.NDArray[np.int64]:
    """Return for every frame another one at least 1.5 s away where the clip is long enough, in unbroken order."""
    away = min(max(round(1.5 * fps), count // 2), count - 1)
    return (np.arange(count) + away) % count
