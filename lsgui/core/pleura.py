"""The pleural line: a polyline, followed through the clip by key frames, and its file."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from lsgui.core.errors import RoiError
from lsgui.core.plain_file import read_json

Polyline = npt.NDArray[np.float64]
"""Points of a line from left to right, (n, 2) float64 as (x, y) in pixels of the file, n >= 2."""

RoiSource = Literal["file", "auto", "hand"]

CERTAIN = 0.7
"""Confidence below which an automatic line is shown as uncertain."""


def polyline_length(line: Polyline) -> float:
    """Return the length of a polyline in pixels."""
    return float(np.hypot(*np.diff(line, axis=0).T).sum())


def resample_polyline(line: Polyline, count: int) -> Polyline:
    """Return `count` points at equal arc length along `line`, (count, 2)."""
    arc = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    at = np.linspace(0.0, arc[-1], count)
    return np.stack([np.interp(at, arc, line[:, 0]), np.interp(at, arc, line[:, 1])], axis=1)


MOST_POINTS, MOST_KEYFRAMES = 10_000, 100_000
"""Of a line, and of its key frames: more than a hand or the program makes."""

LAST_FRAME, FURTHEST = 10_000_000, 1e6
"""Frame, and pixels from the corner of a picture, beyond which no line lies."""


def _frozen(points: Any) -> Polyline:
    if len(points) > MOST_POINTS:
        raise RoiError(f"A pleural line has {MOST_POINTS} points at most: draw it with fewer.")
    line = np.array(points, dtype=np.float64)
    if line.ndim != 2 or line.shape[1] != 2 or len(line) < 2 or not np.isfinite(line).all():
        raise RoiError("A pleural line needs at least two points, each an [x, y] pair of numbers.")
    if np.abs(line).max() > FURTHEST:
        raise RoiError("The pleural line lies far outside of any picture: draw it along the pleura.")
    if polyline_length(line) < 1.0:
        raise RoiError("The pleural line is shorter than one pixel: draw it along the pleura.")
    line.setflags(write=False)
    return line


@dataclass(frozen=True, slots=True, eq=False)
class PleuralROI:
    """Where the pleura lies, frame by frame.

    Attributes
    ----------
    keyframes
        (frame, line) in rising order of frame, at least one. Between key frames the line is interpolated; before the
        first and after the last it stays.
    source
        "file", "auto" (found by the program) or "hand".
    confidence
        0 to 1 for an automatic line, None for others.
    """

    keyframes: tuple[tuple[int, Polyline], ...]
    source: RoiSource = "hand"
    confidence: float | None = None

    def __post_init__(self) -> None:
        if not self.keyframes:
            raise RoiError("A pleural line needs at least one key frame.")
        if len(self.keyframes) > MOST_KEYFRAMES:
            raise RoiError(f"A pleural line has {MOST_KEYFRAMES} key frames at most: draw it with fewer.")
        ordered = tuple(sorted(((int(k), _frozen(line)) for k, line in self.keyframes), key=lambda item: item[0]))
        if ordered[0][0] < 0 or ordered[-1][0] > LAST_FRAME or len({k for k, _ in ordered}) != len(ordered):
            raise RoiError("Key frames of a pleural line must be different frame numbers from 0 up.")
        object.__setattr__(self, "keyframes", ordered)

    @classmethod
    def single(cls, frame: int, line: Any, source: RoiSource = "hand", confidence: float | None = None) -> "PleuralROI":
        """Return a line drawn on one frame that holds for the whole clip."""
        return cls(((frame, line),), source, confidence)

    @property
    def uncertain(self) -> bool:
        """Whether the program found the line and is not sure of it."""
        return self.source == "auto" and self.confidence is not None and self.confidence < CERTAIN

    @property
    def frame(self) -> int:
        """The first key frame."""
        return self.keyframes[0][0]

    @property
    def polyline(self) -> Polyline:
        """The line at the first key frame."""
        return self.keyframes[0][1]

    def line_at(self, frame: int) -> Polyline:
        """Return the line at a frame, interpolated point by point at equal arc length between key frames."""
        frames = [k for k, _ in self.keyframes]
        after = int(np.searchsorted(frames, frame, side="right"))
        if after == 0:
            return self.keyframes[0][1]
        k0, line0 = self.keyframes[after - 1]
        if after == len(frames) or k0 == frame:
            return line0
        k1, line1 = self.keyframes[after]
        weight = (frame - k0) / (k1 - k0)
        count = max(len(line0), len(line1))
        if len(line0) != len(line1):
            line0, line1 = resample_polyline(line0, count), resample_polyline(line1, count)
        line = (1.0 - weight) * line0 + weight * line1
        line.setflags(write=False)
        return line

    def with_line(self, frame: int, line: Any) -> "PleuralROI":
        """Return this ROI with the line at `frame` replaced or added, now drawn by hand."""
        kept = tuple(item for item in self.keyframes if item[0] != frame)
        return PleuralROI((*kept, (frame, line)), "hand")

    def without_keyframe(self, frame: int) -> "PleuralROI":
        """Return this ROI without the key frame at `frame`; the last key frame cannot be taken away."""
        kept = tuple(item for item in self.keyframes if item[0] != frame)
        return PleuralROI(kept, "hand")

    def bounds(self) -> tuple[float, float, float, float]:
        """Return (left, top, right, bottom) over all key frames, in pixels."""
        points = np.concatenate([line for _, line in self.keyframes])
        left, top = points.min(axis=0)
        right, bottom = points.max(axis=0)
        return float(left), float(top), float(right), float(bottom)

    def to_json(self) -> dict[str, Any]:
        """Return the ROI as the ROI file's mapping: frame, polyline, keyframes, source."""
        points = {str(k): np.round(line, 2).tolist() for k, line in self.keyframes}
        first = str(self.frame)
        out: dict[str, Any] = {"frame": self.frame, "polyline": points[first]}
        if len(points) > 1:
            out["keyframes"] = points
        out["source"] = self.source
        return out

    @classmethod
    def from_json(cls, data: Mapping[str, Any], source: RoiSource = "file") -> "PleuralROI":
        """Read the ROI file's mapping.

        Raises
        ------
        RoiError
            When neither `polyline` nor `keyframes` holds a usable line.
        """
        try:
            frames = {int(k): line for k, line in (data.get("keyframes") or {}).items()}
            if data.get("polyline") is not None:
                frames.setdefault(int(data.get("frame") or 0), data["polyline"])
            return cls(tuple(frames.items()), source)
        except (TypeError, ValueError, OverflowError, AttributeError) as fault:
            raise RoiError("The pleural line is not of the form {frame, polyline, keyframes}.") from fault


def read_roi_file(path: Path, clip_name: str | None = None) -> PleuralROI:
    """Read a pleural line from a JSON file.

    Parameters
    ----------
    path
        A file with one ROI, or with a mapping of clip name to ROI.
    clip_name
        Which entry to take from a file of several.

    Raises
    ------
    RoiError
        One sentence naming the file, the fault and the remedy.
    """
    try:
        data = read_json(path)
    except OSError as fault:
        raise RoiError(f"{path.name}: the pleural line file cannot be read ({fault.strerror}).") from fault
    except ValueError as fault:
        raise RoiError(
            f"{path.name} is not a JSON file: save a pleural line from lsgui or write one by hand."
        ) from fault
    if isinstance(data, dict) and clip_name is not None and isinstance(data.get(clip_name), dict):
        data = data[clip_name]
    if not isinstance(data, dict) or not ({"polyline", "keyframes"} & data.keys()):
        raise RoiError(f"{path.name} holds no pleural line: it needs 'polyline' or 'keyframes'.")
    try:
        return PleuralROI.from_json(data)
    except RoiError as fault:
        raise RoiError(f"{path.name}: {fault}") from fault


def check_roi_fits(roi: PleuralROI, width: int, height: int, name: str) -> None:
    """Raise RoiError when the line does not belong to a picture of this size.

    It does when at some key frame all of it lies in the picture, and at all key frames together more than half: a line
    that follows its place through probe motion may leave the picture for a while.
    """
    points = np.stack([resample_polyline(line, 32) for _, line in roi.keyframes])
    inside = np.all((points >= -1.0) & (points <= np.array([width, height])), axis=2)
    if np.any(np.all(inside, axis=1)) and np.mean(inside) >= 0.5:
        return
    left, top, right, bottom = roi.bounds()
    raise RoiError(
        f"{name}: the pleural line runs from ({left:.0f}, {top:.0f}) to ({right:.0f}, {bottom:.0f}) but the picture is "
        f"{width} x {height} px: was it drawn on another clip?"
    )
