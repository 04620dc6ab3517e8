"""Small pictures of clips for the worklist, read in a thread, the ones on screen first, and kept for the next time."""

import logging
import threading
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QObject, QThread, Signal
from PySide6.QtGui import QImage

from lsgui.core.clip import Frame
from lsgui.core.errors import LsguiError
from lsgui.core.late_imports import load
from lsgui.review.fingerprints import file_key
from lsgui.review.paths import cache_file
from lsgui.review.worklist import detail_of

if TYPE_CHECKING:
    from lsgui.review.worklist_cache import WorklistCache  # loads SQLite: only in the thread

log = logging.getLogger(__name__)

WIDTH, HEIGHT = 64, 48
"""Size of a thumbnail in points; it is read at twice that for sharp screens."""
_LOOKED_AT = 5
"""Frames of which the brightest is shown: recordings often begin with a dark lead-in."""
_BRIGHT = 24
_SMALLEST_PART = 0.005
"""Share of the frame that a patch has to cover to be taken for the scan."""
_FLATTEST_PART = 0.12
"""Share of the frame's height that it has to have: a line of text, which may name a patient, is never enlarged."""
_JPEG_QUALITY = 85
_WAITING_MOST = 64
"""Wishes that wait: beyond that the oldest have long scrolled away."""


@dataclass(frozen=True, slots=True, eq=False)
class Thumbnail:
    """The picture of a clip and its short line; `image` is None where the clip cannot be read."""

    path: Path
    image: QImage | None
    detail: str = ""
    error: str = ""


class ThumbnailThread(QThread):
    """Reads the first frames of clips, the last wish first."""

    ready = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("thumbnails")
        self._wake = threading.Condition()
        self._wishes: list[Path] = []
        self._closing = False
        self._cache: WorklistCache | None = None

    def ask(self, path: Path) -> None:
        """Read the thumbnail of a clip soon."""
        with self._wake:
            if self._closing or path in self._wishes:
                return
            self._wishes.append(path)
            del self._wishes[:-_WAITING_MOST]
            self._wake.notify()
        if not self.isRunning():
            self.start(QThread.Priority.LowestPriority)

    def forget(self) -> None:
        """Drop all wishes."""
        with self._wake:
            self._wishes.clear()

    def close(self) -> None:
        """End the thread; returns when it has ended."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self.wait()

    def run(self) -> None:
        """Read until the thread is closed."""
        try:
            while True:
                with self._wake:
                    while not self._wishes and not self._closing:
                        self._wake.wait()
                    if self._closing:
                        return
                    path = self._wishes.pop()
                self.ready.emit(self._picture(path))
        finally:
            if self._cache is not None:
                self._cache.close()
                self._cache = None

    def _picture(self, path: Path) -> Thumbnail:
        """Return the picture of a clip, from the cache where this very file is known there."""
        from lsgui.review.worklist_cache import KeptPicture, WorklistCache

        if self._cache is None:
            self._cache = WorklistCache(cache_file())
        key = file_key(path)
        kept = None if key is None else self._cache.picture(key)
        if kept is not None and not (image := QImage.fromData(kept.data)).isNull():
            return Thumbnail(path, image, kept.detail)
        read = _read(path)
        if key is not None and read.pixels is not None:
            self._cache.keep_picture(key, KeptPicture(read.detail, _encoded(read.pixels)))
        return Thumbnail(path, None if read.pixels is None else _image(read.pixels), read.detail, read.error)


@dataclass(frozen=True, slots=True, eq=False)
class _Read:
    """What was read of a clip; `pixels` is (2 * HEIGHT, 2 * WIDTH) uint8."""

    pixels: Frame | None
    detail: str = ""
    error: str = ""


def _read(path: Path) -> _Read:
    from lsgui.readers.base import open_source  # here: it loads OpenCV

    try:
        with open_source(path) as source:
            frame = max(islice(source, _LOOKED_AT), key=lambda f: float(f.mean()), default=None)
            info = source.info
    except LsguiError as fault:
        return _Read(None, error=str(fault))
    except Exception as fault:  # the thread is where faults end: the window must live on
        log.error("a thumbnail failed", exc_info=True)
        return _Read(None, error=f"{path.name} cannot be read ({type(fault).__name__}).")
    if frame is None:
        return _Read(None, detail_of(info))
    if info.region is not None:
        x, y, width, height = info.region
        frame = np.asarray(frame[y : y + height, x : x + width])
    return _Read(_shrunk(frame), detail_of(info))


def _scan_part(frame: Frame) -> Frame:
    """Return the part of a frame with the largest bright patch: a screen recording is mostly black and text."""
    load("cv2")
    import cv2

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


def _shrunk(frame: Frame) -> Frame:
    import cv2

    frame = _scan_part(frame)
    width, height = WIDTH * 2, HEIGHT * 2
    scale = max(width / frame.shape[1], height / frame.shape[0])
    size = (max(round(frame.shape[1] * scale), width), max(round(frame.shape[0] * scale), height))
    small = np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA))
    top, left = (small.shape[0] - height) // 2, (small.shape[1] - width) // 2
    return np.ascontiguousarray(small[top : top + height, left : left + width])


def _encoded(pixels: Frame) -> bytes:
    import cv2

    return bytes(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])[1])


def _image(pixels: Frame) -> QImage:
    height, width = pixels.shape
    return QImage(pixels.tobytes(), width, height, width, QImage.Format.Format_Grayscale8).copy()
