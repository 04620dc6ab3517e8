"""When the frames were taken, how they are to be played, and how large a pixel is."""

from dataclasses import dataclass

import numpy as np
from pydicom.dataset import Dataset

from lsgui.readers.dicom_parts.tags import items, number, numbers, value, whole
from lsgui.readers.timing import believable, spacing

Box = tuple[int, int, int, int]
Moments = tuple[float, ...] | None

_FRAME_TIME_VECTOR_TAG = 0x00181065
_TISSUE_FORMAT, _TISSUE_DATA, _CENTIMETRES = 1, 1, 3
_COLOUR_FLOW = 2
_SWEEP = 1
_MIN_MM, _MAX_MM = 0.001, 10.0
"""Millimetres a pixel that a picture of a chest can have; outside, the tag is in another unit or empty."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Frames per second, the tag it comes from, and the moments of unevenly spaced frames in seconds."""

    fps: float
    source: str
    moments: Moments = None


@dataclass(frozen=True, slots=True)
class Calibration:
    """Millimetres a pixel as (row, column), and the 2D tissue region as (x, y, width, height); None: not said."""

    spacing_mm: tuple[float, float] | None = None
    region: Box | None = None


def read_timing(dataset: Dataset, frames: int) -> Timing | None:
    """Return the timing by the first tag that can be true, None where there is none.

    The order is that of the clinic: what FrameIncrementPointer points to, FrameTime, FrameTimeVector,
    RecommendedDisplayFrameRate, CineRate, frames over EffectiveDuration (PS3.3 C.7.6.5). A missing or zero FrameTime
    never means one frame a second.
    """
    by_tag = [_by_frame_time, _by_frame_time_vector]
    if _points_to_vector(dataset):
        by_tag.reverse()
    for read in (*by_tag, _by_rate_tags):
        timing = read(dataset, frames)
        if timing is not None:
            return timing
    return None


def read_trim(dataset: Dataset, frames: int) -> tuple[int, int] | None:
    """Return the first and last frame to show, from 0; None for all (the tags count from 1)."""
    start, stop = whole(dataset, "StartTrim", 1) - 1, whole(dataset, "StopTrim", frames) - 1
    if not 0 <= start <= stop < frames or (start, stop) == (0, frames - 1):
        return None
    return start, stop


def sweeps(dataset: Dataset) -> bool:
    """Tell whether the clip is to be played to and fro."""
    return whole(dataset, "PreferredPlaybackSequencing") == _SWEEP


def read_calibration(dataset: Dataset, width: int, height: int) -> Calibration:
    """Return the calibration of the largest 2D tissue region, else that of the whole picture.

    Parameters
    ----------
    dataset
        The tags (PS3.3 C.8.5.5 for regions).
    width, height
        Size of the decoded frames, to which the region is clamped.
    """
    tissue = [
        region
        for region in items(dataset, "SequenceOfUltrasoundRegions")
        if whole(region, "RegionSpatialFormat") == _TISSUE_FORMAT and whole(region, "RegionDataType") == _TISSUE_DATA
    ]
    boxed = [(box, region) for region in tissue if (box := _box(region, width, height)) is not None]
    if boxed:
        box, region = max(boxed, key=lambda pair: pair[0][2] * pair[0][3])
        return Calibration(_region_spacing(region) or _pixel_spacing(dataset), box)
    return Calibration(next(filter(None, map(_region_spacing, tissue)), None) or _pixel_spacing(dataset))


def colour_region_share(dataset: Dataset, width: int, height: int) -> float:
    """Return the share of the picture, 0 to 1, that the tags call colour flow (PS3.3 C.8.5.5.1.2)."""
    boxes = [
        _box(region, width, height)
        for region in items(dataset, "SequenceOfUltrasoundRegions")
        if whole(region, "RegionDataType") == _COLOUR_FLOW
    ]
    return max((box[2] * box[3] / (width * height) for box in boxes if box is not None), default=0.0)


def _points_to_vector(dataset: Dataset) -> bool:
    pointer = value(dataset, "FrameIncrementPointer")
    try:
        first = pointer[0] if isinstance(pointer, list | tuple) else pointer
        return first is not None and int(first) == _FRAME_TIME_VECTOR_TAG
    except (TypeError, ValueError, LookupError):
        return False


def _by_frame_time(dataset: Dataset, frames: int) -> Timing | None:
    milliseconds = number(dataset, "FrameTime")
    fps = believable(1000.0 / milliseconds) if milliseconds else None
    return None if fps is None else Timing(fps, "FrameTime")


def _by_frame_time_vector(dataset: Dataset, frames: int) -> Timing | None:
    steps = numbers(dataset, "FrameTimeVector")
    if len(steps) >= frames > 1:
        # each value is the time since the frame before, so the first says nothing
        moments = np.concatenate([[0.0], np.cumsum(steps[1:frames])]) / 1000.0
        measured = spacing(moments.tolist())
        if measured is not None:
            return Timing(measured[0], "FrameTimeVector", measured[1])
    rising = [step for step in steps[1:] if step > 0]
    fps = believable(1000.0 * len(rising) / sum(rising)) if rising else None
    return None if fps is None else Timing(fps, "FrameTimeVector")


def _by_rate_tags(dataset: Dataset, frames: int) -> Timing | None:
    for keyword in ("RecommendedDisplayFrameRate", "CineRate"):
        fps = believable(number(dataset, keyword))
        if fps is not None:
            return Timing(fps, keyword)
    seconds = number(dataset, "EffectiveDuration")
    fps = believable(frames / seconds) if seconds and frames > 1 else None
    return None if fps is None else Timing(fps, "EffectiveDuration")


def _box(region: Dataset, width: int, height: int) -> Box | None:
    corners = [number(region, f"RegionLocation{name}") for name in ("MinX0", "MinY0", "MaxX1", "MaxY1")]
    if any(corner is None for corner in corners):
        return None
    left, top, right, bottom = (int(corner or 0) for corner in corners)
    left, top = max(left, 0), max(top, 0)
    right, bottom = min(right, width - 1), min(bottom, height - 1)
    return (left, top, right - left + 1, bottom - top + 1) if right > left and bottom > top else None


def _region_spacing(region: Dataset) -> tuple[float, float] | None:
    units = whole(region, "PhysicalUnitsXDirection"), whole(region, "PhysicalUnitsYDirection")
    if units != (_CENTIMETRES, _CENTIMETRES):
        return None
    return _plausible(number(region, "PhysicalDeltaY"), number(region, "PhysicalDeltaX"), 10.0)


def _pixel_spacing(dataset: Dataset) -> tuple[float, float] | None:
    spaced = numbers(dataset, "PixelSpacing")
    return _plausible(spaced[0], spaced[1], 1.0) if len(spaced) == 2 else None


def _plausible(row: float | None, column: float | None, to_mm: float) -> tuple[float, float] | None:
    if row is None or column is None:
        return None
    row_mm, column_mm = abs(row) * to_mm, abs(column) * to_mm
    return (row_mm, column_mm) if _MIN_MM <= min(row_mm, column_mm) <= max(row_mm, column_mm) <= _MAX_MM else None
