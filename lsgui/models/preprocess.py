"""From a clip to what a network on whole pictures sees: one path for training and serving. No torch.

`prepare_stack` (once a clip) -> `take_window` -> augmentation, in training only -> `normalise` -> network.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt

from lsgui.core.errors import ModelError, RoiError
from lsgui.core.pleura import PleuralROI
from lsgui.imaging.square_cutter import (
    ROOM_MM,
    Box,
    SquarePath,
    box_of_path,
    box_of_strip,
    cut_squares,
    fixed_path,
    line_centres,
    patch_corners,
    patch_path,
    pleura_path,
    wall_in_pixels,
)
from lsgui.imaging.strip_cutter import cut_strip
from lsgui.models.card import ModelCard, ModelInput

BLACK = 3.0
"""Mean grey level under which a frame counts as black lead-in."""

MAX_SAMPLES = 20_000
"""Samples that a clip is resampled to at most: a file with a wrong clock must not fill the memory."""

_OUTSIDE = "What the model needs to see lies outside the picture: draw the pleural line again."

Windows = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ClipInput:
    """What a network on whole pictures wants, as its card says.

    Attributes
    ----------
    kind
        "frame": one square picture a moment; "patches": squares of the file's own pixels below the pleural line;
        "flow": optical flow of the "frame" pictures.
    frames
        Moments of a window.
    size
        Side of a square in pixels.
    rate_hz
        Frames are resampled, nearest, to this rate; None: as they come.
    region
        "scan": the whole scan area; "pleura": the box around the pleural line, 10 mm above to 20 mm below. Either is
        squeezed to the square.
    stabilise
        Held still on the chest wall.
    deviation
        The window's own mean over time is taken away, before z-scoring.
    flow_step
        Distance in moments of the two pictures of a flow field.
    mean, std
        Of the training set's grey values, after `deviation`.
    patch
        Kind "flow": side of the squares below the pleural line that are cut from the flow; None: the whole field.
    """

    kind: Literal["frame", "patches", "flow"]
    frames: int
    size: int
    rate_hz: float | None = None
    region: Literal["scan", "pleura"] = "scan"
    stabilise: bool = False
    deviation: bool = False
    flow_step: int = 1
    mean: float = 0.0
    std: float = 1.0
    patch: int | None = None

    def __post_init__(self) -> None:
        """Check that the parts agree."""
        whole = self.frames >= 1 and self.size >= 1 and 1 <= self.flow_step <= 3
        if not whole or self.std <= 0 or (self.rate_hz is not None and not 0 < self.rate_hz <= 1000):
            raise ModelError(
                "The input of the model is not usable: frames, size, std and rate_hz are positive, flow_step is 1 to 3."
            )
        if self.kind == "flow" and (self.frames <= self.flow_step or (self.patch or 1) > self.size):
            raise ModelError("The input of the model is not usable: no flow field of that step or patch fits into it.")

    @classmethod
    def from_card(cls, card: ModelCard) -> Self:
        """Read `card.input`.

        Raises
        ------
        ModelError
            When the card's model takes another input or the input is incomplete; the sentence names the card.
        """
        try:
            return cls.from_model_input(card.input)
        except ModelError as fault:
            raise ModelError(f"Model {card.id}: {fault}") from fault

    @classmethod
    def from_model_input(cls, wanted: ModelInput) -> Self:
        """Read the input of a card; ModelError where it is not for pictures or incomplete."""
        if wanted.kind not in ("frame", "patches", "flow") or wanted.size is None or len(wanted.size) not in (2, 3):
            raise ModelError(f"The input {wanted.kind!r} of size {wanted.size} is not made of square pictures.")
        if len(wanted.size) == 3 and wanted.size[1] != wanted.size[2]:
            raise ModelError(f"The input of size {wanted.size} is not square.")
        known = {field.name for field in fields(cls)} - {"kind", "frames", "size"}
        extra: dict[str, Any] = {k: v for k, v in (wanted.model_extra or {}).items() if k in known}
        try:
            return cls(kind=wanted.kind, frames=wanted.size[0], size=wanted.size[1], **extra)
        except TypeError as fault:
            raise ModelError(f"The input of the model is not usable ({fault}).") from fault

    def to_model_input(self) -> ModelInput:
        """Return the card's form of this input."""
        extra = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("kind", "frames", "size")}
        window_s = self.frames / self.rate_hz if self.rate_hz else None
        return ModelInput(kind=self.kind, size=(self.frames, self.size, self.size), window_s=window_s, **extra)


@dataclass(frozen=True, slots=True, eq=False)
class ClipStack:
    """The pictures of a whole clip, ready to be cut into windows.

    Attributes
    ----------
    frames
        (P, T', S, S) uint8, P = 1 but for "patches".
    moments
        (T',) int64: which frame of the clip each sample is.
    line
        (n, 2) float64: the pleural line in pixels of the square, x and y, None where it is unknown or P is not 1.
    """

    frames: npt.NDArray[np.uint8]
    moments: npt.NDArray[np.int64]
    line: npt.NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        """Keep the arrays from being changed: a stack is shared and cached."""
        for array in (self.frames, self.moments):
            array.setflags(write=False)


def prepare_stack(
    spec: ClipInput,
    frames: npt.NDArray[np.uint8],
    origin: tuple[int, int],
    times_s: npt.NDArray[np.float64],
    roi: PleuralROI | None,
    mm_per_px: float,
    scan_box: Box | None,
    cancelled: Callable[[], bool] | None = None,
) -> ClipStack:
    """Return the pictures of a clip: what can be made once and kept.

    Black frames at both ends are left out. Only the pixels of `needed_box` are looked at, so that a box cut out of the
    clip gives the very pictures that the whole clip gives.

    Parameters
    ----------
    frames, origin
        (T, h, w) uint8: the clip, or a box of it with its corner (x, y) in pixels of the file.
    times_s
        (T,) moments in seconds.
    roi
        The pleural line; None where it is unknown and the input does not need it.
    scan_box
        (x, y, width, height) of the scan area; None: the whole of `frames`.

    Raises
    ------
    RoiError
        When the input needs a pleural line and there is none, or it cannot be followed.
    CancelledError
        When `cancelled` says so.
    """
    height, width = frames.shape[1:]
    scan_box = scan_box or (origin[0], origin[1], width, height)
    x, y, w, h = needed_box(spec, (origin[0] + width, origin[1] + height), roi, mm_per_px, scan_box)
    left, top = max(x, origin[0]), max(y, origin[1])
    cut = frames[:, top - origin[1] : y + h - origin[1], left - origin[0] : x + w - origin[0]]
    if cut.size == 0:
        raise RoiError(_OUTSIDE)
    first, stop = bright_range(cut)
    cut, times_s, roi = cut[first:stop], times_s[first:stop], _late(roi, first)
    path = _path(spec, roi, len(cut), mm_per_px, scan_box)
    if spec.stabilise:
        line = _needed(roi)
        strip = cut_strip(cut, (left, top), times_s - times_s[0], line, mm_per_px, True, cancelled)
        path = path.moved(wall_in_pixels(strip, line, mm_per_px))
    chosen = resampled(times_s, spec.rate_hz)
    pictures = cut_squares(cut, (left, top), path, chosen, spec.size)
    return ClipStack(pictures, chosen + first, _line_in_square(spec, roi, path, chosen))


def square_path(
    spec: ClipInput, stack: ClipStack, roi: PleuralROI | None, count: int, mm_per_px: float, scan_box: Box
) -> SquarePath:
    """Return where the squares of a stack lie in the frames from its first one on, in pixels of the file.

    They go with the pleural line, not with the chest wall that a stabilised input follows besides: as the strip is laid
    over the clip.

    Parameters
    ----------
    count
        Frames of the clip.
    """
    first = int(stack.moments[0])
    return _path(spec, _late(roi, first), count - first, mm_per_px, scan_box)


def needed_box(
    spec: ClipInput, picture: tuple[int, int], roi: PleuralROI | None, mm_per_px: float, scan_box: Box
) -> Box:
    """Return the box (x, y, width, height) of the file's pixels that an input is made from.

    Parameters
    ----------
    picture
        (width, height) of the whole frame.

    Raises
    ------
    RoiError
        When the input needs a pleural line and there is none, or it lies outside the picture.
    """
    count = 1 if roi is None else roi.keyframes[-1][0] + 1
    path = _path(spec, roi, count, mm_per_px, scan_box)
    moves = spec.stabilise or (spec.kind != "patches" and spec.region == "pleura")
    first, last = box_of_path(path, ROOM_MM / mm_per_px if moves else 0.0)
    if spec.stabilise:
        strip_first, strip_last = box_of_strip(_needed(roi), mm_per_px)
        first, last = np.minimum(first, strip_first), np.maximum(last, strip_last)
    size = np.array(picture)
    if (first > size - 1).any() or (last < 0).any():
        raise RoiError(_OUTSIDE)
    begin = np.clip(np.floor(first), 0, size - 1).astype(int)
    end = np.clip(np.ceil(last) + 1, begin + 1, size).astype(int)
    return int(begin[0]), int(begin[1]), int(end[0] - begin[0]), int(end[1] - begin[1])


def bright_range(frames: npt.NDArray[np.uint8]) -> tuple[int, int]:
    """Return (first, stop) of the frames without black ones at either end; all of them where all are black."""
    bright = np.flatnonzero(frames[:, ::4, ::4].mean(axis=(1, 2)) > BLACK)
    return (int(bright[0]), int(bright[-1]) + 1) if len(bright) else (0, len(frames))


def resampled(times_s: npt.NDArray[np.float64], rate_hz: float | None) -> npt.NDArray[np.int64]:
    """Return which frame stands for each sample: all of them, or the one nearest to each moment of the rate.

    Frames are never blended: a mean of two frames looks like motion that is not there.
    """
    if rate_hz is None or len(times_s) < 2:
        return np.arange(len(times_s), dtype=np.int64)
    span = float(times_s[-1] - times_s[0])
    count = min(max(int(np.floor(span * rate_hz + 1e-6)) + 1, 1), MAX_SAMPLES)
    moments = times_s[0] + np.arange(count) / rate_hz
    after = np.clip(np.searchsorted(times_s, moments), 1, len(times_s) - 1)
    before_is_nearer = moments - times_s[after - 1] < times_s[after] - moments
    return np.asarray(np.where(before_is_nearer, after - 1, after), dtype=np.int64)


def window_starts(count: int, length: int, step: int) -> npt.NDArray[np.int64]:
    """Return the first sample of every window of `length`, `step` apart, the last flush with the end."""
    last = max(count - length, 0)
    starts = np.arange(0, last + 1, max(step, 1), dtype=np.int64)
    return starts if starts[-1] == last else np.append(starts, np.int64(last))


def window_samples(count: int, start: int, length: int) -> npt.NDArray[np.int64]:
    """Return the samples of a window; beyond the last one a clip is played to and fro."""
    if count == 1:
        return np.zeros(length, dtype=np.int64)
    period = 2 * (count - 1)
    place = np.arange(start, start + length) % period
    return np.asarray(np.where(place < count, place, period - place), dtype=np.int64)


def take_window(stack: ClipStack, start: int, spec: ClipInput) -> Windows:
    """Return the window that begins at sample `start`, (P, T, S, S) float32 grey values 0..255."""
    samples = window_samples(stack.frames.shape[1], int(start), spec.frames)
    return stack.frames[:, samples].astype(np.float32)


def normalise(windows: Windows, spec: ClipInput) -> Windows:
    """Return windows (..., T, S, S) of 0..255 as the network wants them, (..., T, 1, S, S) float32."""
    values = windows - windows.mean(axis=-3, keepdims=True) if spec.deviation else windows
    return np.asarray((values - np.float32(spec.mean)) / np.float32(spec.std), dtype=np.float32)[..., None, :, :]


def flow_patch_corners(stack: ClipStack, spec: ClipInput) -> npt.NDArray[np.int64]:
    """Return the upper left corners (P, 2) as (x, y) of the squares of side `spec.patch` to cut from a flow field."""
    if spec.patch is None or stack.line is None:
        raise RoiError("Flow below the pleural line needs a pleural line: draw it (R).")
    corners = patch_corners(stack.line, spec.patch)
    return np.asarray(np.clip(corners, 0, spec.size - spec.patch).astype(np.int64))


def _path(spec: ClipInput, roi: PleuralROI | None, count: int, mm_per_px: float, scan_box: Box) -> SquarePath:
    if spec.kind == "patches":
        return patch_path(_needed(roi), count, spec.size)
    if spec.region == "pleura":
        return pleura_path(_needed(roi), count, mm_per_px)
    path = fixed_path(scan_box, count)
    if not spec.stabilise:
        return path
    centres = line_centres(_needed(roi), count)
    return path.moved(centres - centres[0])


def _needed(roi: PleuralROI | None) -> PleuralROI:
    if roi is None:
        raise RoiError("This model needs a pleural line: draw it (R).")
    return roi


def _late(roi: PleuralROI | None, first: int) -> PleuralROI | None:
    """Return the line in the time of a clip that begins at frame `first`."""
    if roi is None or not first:
        return roi
    keys = sorted({first, *(k for k, _ in roi.keyframes if k > first)})
    return PleuralROI(tuple((k - first, roi.line_at(k)) for k in keys), roi.source, roi.confidence)


def _line_in_square(
    spec: ClipInput, roi: PleuralROI | None, path: SquarePath, chosen: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64] | None:
    if roi is None or path.corners.shape[1] != 1 or spec.kind == "patches":
        return None
    middle = int(chosen[len(chosen) // 2])
    line = roi.line_at(middle)
    return np.asarray((line - path.corners[middle, 0]) * (spec.size / np.array(path.size)))
