"""What a clip looks like as a whole, in numbers: is this a lung seen by ultrasound at all, the right way up?

The scan area is straightened along its beams and looked at in a few short bursts of frames, and as a row of coarse
pictures over several seconds. What is seen in them: `lung_signs`; what it weighs: `lung_judge`.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from lsgui.core.clip import Clip
from lsgui.imaging import lung_signs as signs
from lsgui.imaging.scan_area import ScanArea, face_radius
from lsgui.imaging.usable_range import usable_range

DEPTHS, BEAMS = 128, 72
"""Size of the straightened picture."""
BURSTS = 5
LAGS_S = (0.0, 0.05, 0.25)
"""A burst is a frame and those that follow it by so much."""
BLOCKS = (10, 8)
"""Depths and beams of the coarse pictures."""
SERIES_HZ = 12.0
"""Rate of the row of coarse pictures."""
LOOK_S = 3.3
"""How much is looked at, in the middle of the clip: as long as the clips are that taught what is no lung, for what
changes over a longer time looks otherwise."""
SMALLEST_PX = 56
"""Width and height of a scan area below which nothing of all this can be seen."""

FEATURES = signs.NAMES
"""What is measured, in order."""

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]
Grey = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class _View:
    """Maps from the straightened picture into the frame, and which of its cells lie in the scan area."""

    x: Floats
    y: Floats
    valid: Bools

    def sample(self, frame: Grey) -> Floats:
        picture = cv2.remap(frame, self.x, self.y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(picture, dtype=np.float32)


def can_be_seen(clip: Clip, area: ScanArea) -> bool:
    """Return whether the picture is large enough and has enough frames to be looked at."""
    return min(area.box[2:]) >= SMALLEST_PX and len(clip) >= len(LAGS_S) + 2


def lung_look(clip: Clip, area: ScanArea) -> npt.NDArray[np.float64]:
    """Return what a clip looks like, (F,) float64 in the order of `FEATURES`."""
    start, stop = looked_at(clip)
    view = _straight(area)
    bursts = [[clip.frame(k) for k in frames] for frames in _bursts(start, stop, clip.info.fps)]
    pictures = np.stack([np.stack([view.sample(frame) for frame in burst]) for burst in bursts])
    series = _series(clip, view, start, stop)
    mean = np.asarray(pictures.mean(axis=(0, 1)), dtype=np.float32)
    x, y, width, height = area.box
    details = [burst[0][y : y + height, x : x + width] for burst in bursts[::2]]
    found = [
        *signs.brightness(mean, view.valid),
        *signs.lines(mean, view.valid),
        *signs.changes(pictures, view.valid),
        *signs.rhythm(series, min(SERIES_HZ, clip.info.fps)),
        *signs.whole_motion(pictures, view.valid),
        *signs.texture(details, area.mask[y : y + height, x : x + width]),
        *signs.shape(area.mask[y : y + height, x : x + width]),
    ]
    return np.nan_to_num(np.array(found, dtype=np.float64), nan=0.0, posinf=50.0, neginf=-50.0)


def looked_at(clip: Clip) -> tuple[int, int]:
    """Return the first of the frames that are looked at and the last one + 1."""
    start, stop = usable_range(clip)
    most = round(LOOK_S * clip.info.fps)
    if stop - start <= most:
        return start, stop
    first = (start + stop - most) // 2
    return first, first + most


def _straight(area: ScanArea) -> _View:
    left, top, width, height = area.box
    if area.apex is None:
        across = np.linspace(left + 0.02 * width, left + 0.98 * width - 1, BEAMS)
        x, y = np.meshgrid(across, np.linspace(top, top + height - 1, DEPTHS))
    else:
        radius, step = face_radius(area), max(min(width, height) // 64, 1)
        rows, columns = np.nonzero(area.mask[::step, ::step])
        angles = np.arctan2(columns * step - area.apex[0], rows * step - area.apex[1])
        low, high = np.percentile(angles, [2.0, 98.0]) if len(angles) else (-0.5, 0.5)
        reach = max(top + height - area.apex[1], radius + 2.0)
        angle, distance = np.meshgrid(np.linspace(low, high, BEAMS), np.linspace(radius, reach, DEPTHS))
        x, y = area.apex[0] + distance * np.sin(angle), area.apex[1] + distance * np.cos(angle)
    x32, y32 = x.astype(np.float32), y.astype(np.float32)
    inside = cv2.remap(area.mask.astype(np.uint8), x32, y32, cv2.INTER_NEAREST, borderValue=0)
    valid = np.asarray(inside > 0)
    return _View(x32, y32, valid if float(valid.mean()) > 0.1 else np.ones_like(valid))


def _bursts(start: int, stop: int, fps: float) -> list[list[int]]:
    lags = [0, *(max(1, round(lag * fps)) for lag in LAGS_S[1:])]
    firsts = np.linspace(start, max(stop - 1 - lags[-1], start), BURSTS).astype(int)
    return [[min(int(first) + lag, stop - 1) for lag in lags] for first in firsts]


def _series(clip: Clip, view: _View, start: int, stop: int) -> Floats:
    """Return coarse pictures, (T, depths, beams) float32 grey; what lies outside the scan area counts as black."""
    step = clip.info.fps / min(SERIES_HZ, clip.info.fps)
    count = max(int((stop - start - 1) / step + 1), 2)
    first = start + max(0.0, (stop - start - count * step) / 2)
    small = _View(view.x[1::4, 1::3].copy(), view.y[1::4, 1::3].copy(), view.valid[1::4, 1::3])
    shown = [small.sample(clip.frame(min(int(first + k * step), stop - 1))) * small.valid for k in range(count)]
    size = BLOCKS[1], BLOCKS[0]
    return np.stack([np.asarray(cv2.resize(s, size, interpolation=cv2.INTER_AREA), np.float32) for s in shown])
