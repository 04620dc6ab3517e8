"""Edited clips: a real sliding clip whose pleural line and everything below it is made to do only what the wall does.

They stand in for absent sliding in tests, for no open clip of it exists. They are named edited everywhere and never
shown or counted as patient data.
"""

from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from lsgui.core.pleura import PleuralROI

ClipEdit = Literal["frozen", "hard", "hard_pulse", "mirror", "sham"]
CLIP_EDITS: tuple[ClipEdit, ...] = ("frozen", "hard", "hard_pulse", "mirror", "sham")
"""The first four are absent; "sham" is present: the lung is re-timed and carries the same seam."""

Frames = npt.NDArray[np.uint8]
Shifts = npt.NDArray[np.float64]


def edit_clip(
    kind: ClipEdit, frames: Frames, roi: PleuralROI, wall_px: Shifts, mm_per_px: float, fps: float, seed: int = 0
) -> Frames:
    """Return the clip edited, (T, H, W) uint8.

    Parameters
    ----------
    frames
        (T, H, W) uint8 of a sliding clip.
    roi
        Its pleural line.
    wall_px
        (T, 2) displacement (x, y) of the chest wall in pixels of the picture against the pleural line.
    """
    rng = np.random.default_rng(seed)
    count, height, width = frames.shape
    reference = count // 2
    lines = [_line_rows(roi, index, width) for index in range(count)]
    place = np.array([roi.line_at(index).mean(axis=0) for index in range(count)]) + wall_px
    mean = _steady_mean(frames, place, reference)
    pulse = _pulse(rng, count, fps, 0.5 / mm_per_px) if kind == "hard_pulse" else np.zeros(count)
    retime = _far_from(count, fps)
    out = np.empty_like(frames)
    for index in range(count):
        own = frames[index].astype(np.float32)
        step = place[index] - place[reference]
        if kind == "mirror":
            below = _reflected(own, lines[index])
        elif kind == "sham":
            other = retime[index]
            below = _shifted(frames[other].astype(np.float32), place[index] - place[other])
        else:
            below = _shifted(frames[reference].astype(np.float32), step + np.array([pulse[index], 0.15 * pulse[index]]))
            below += rng.normal(0.0, 1.5, below.shape).astype(np.float32)
            if kind != "frozen":
                below += _reflected(own - _shifted(mean, step), lines[index])
        weight = _below_weight(lines[index], height, mm_per_px)
        out[index] = np.clip(own * (1.0 - weight) + below * weight, 0, 255).astype(np.uint8)
    return out


def _line_rows(roi: PleuralROI, index: int, width: int) -> npt.NDArray[np.float64]:
    """Return the row of the line in every picture column, held level beyond its ends."""
    line = roi.line_at(index)
    order = np.argsort(line[:, 0])
    return np.asarray(np.interp(np.arange(width), line[order, 0], line[order, 1]), dtype=np.float64)


def _below_weight(rows: npt.NDArray[np.float64], height: int, mm_per_px: float) -> npt.NDArray[np.float32]:
    """Return 0 above and 1 below a seam 0.8 mm over the line, blended over 1 mm, (H, W)."""
    depth_mm = (np.arange(height)[:, None] - rows[None]) * mm_per_px
    return np.clip(depth_mm + 1.3, 0.0, 1.0).astype(np.float32)


def _shifted(frame: npt.NDArray[np.float32], step: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    matrix = np.array([[1.0, 0.0, step[0]], [0.0, 1.0, step[1]]])
    size = (frame.shape[1], frame.shape[0])
    moved = cv2.warpAffine(frame, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, dtype=np.float32)


def _reflected(frame: npt.NDArray[np.float32], rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Return the picture mirrored about the line, folded back at the top edge."""
    height, width = frame.shape
    y = np.arange(height, dtype=np.float32)[:, None]
    depth = np.abs(y - rows[None].astype(np.float32))
    reach = np.maximum(rows[None] - 2.0, 2.0).astype(np.float32)
    folded = reach - np.abs(np.mod(depth, 2 * reach) - reach)
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
