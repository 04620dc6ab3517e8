"""The small picture by which a list shows a clip: its brightest early frame, cut to the scan."""

from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from lsgui.core.clip import ClipInfo, Frame
from lsgui.readers.base import open_source
from lsgui.readers.frame_source import cannot_read

_LOOKED_AT = 5
"""Frames of which the brightest is shown: recordings often begin with a dark lead-in."""
_BRIGHT = 24
_SMALLEST_PART = 0.005
"""Share of the frame that a patch has to cover to be taken for the scan."""
_FLATTEST_PART = 0.12
"""Share of the frame's height that it has to have: a line of text, which may name a patient, is never enlarged."""
_JPEG_QUALITY = 85


def small_picture(path: Path, width: int, height: int) -> tuple[bytes, ClipInfo]:
    """Return a JPEG of (height, width) pixels, and what the file says of its clip.

    Raises
    ------
    ClipReadError
        When the clip cannot be read.
    """
    with open_source(path) as source:
        frame = max(islice(source, _LOOKED_AT), key=lambda f: float(f.mean()), default=None)
        info = source.info
    if frame is None:
        raise cannot_read(path, "it holds no frames", "check that the recording was saved completely")
    if info.region is not None:
        x, y, region_width, region_height = info.region
        frame = np.asarray(frame[y : y + region_height, x : x + region_width])
    small = _shrunk(_scan_part(frame), width, height)
    return bytes(cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])[1]), info


def _scan_part(frame: Frame) -> Frame:
    """Return the part of a frame with the largest bright patch: a screen recording is mostly black and text."""
    step = max(frame.shape[1] // 240, 1)
    bright = (frame[::step, ::step] > _BRIGHT).astype(np.uint8)
    patch = cv2.morphologyEx(bright, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    _, _, boxes, _ = cv2.connectedComponentsWithStats(patch)
    parts: npt.NDArray[np.int64] = boxes[1:].astype(np.int64) * step
    smallest, flattest = _SMALLEST_PART * frame.size, _FLATTEST_PART * frame.shape[0]
    parts = parts[(parts[:, cv2.CC_STAT_HEIGHT] >= flattest) & (parts[:, 2] * parts[:, 3] >= smallest)]
    if not len(parts):
        return frame
    x, y, width, height = (int(value) for value in parts[int(np.argmax(parts[:, cv2.CC_STAT_AREA])), :4])
    return np.asarray(frame[y : y + height, x : x + width])


def _shrunk(frame: Frame, width: int, height: int) -> Frame:
    scale = max(width / frame.shape[1], height / frame.shape[0])
    size = (max(round(frame.shape[1] * scale), width), max(round(frame.shape[0] * scale), height))
    small = np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA))
    top, left = (small.shape[0] - height) // 2, (small.shape[1] - width) // 2
    return np.ascontiguousarray(small[top : top + height, left : left + width])
