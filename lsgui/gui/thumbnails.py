"""Small pictures of clips for the worklist, read in a thread, the ones on screen first."""

import logging
import threading
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, QThread, Signal
from PySide6.QtGui import QImage

from lsgui.core.clip import Frame
from lsgui.core.errors import LsguiError
from lsgui.review.worklist import detail_of

log = logging.getLogger(__name__)

WIDTH, HEIGHT = 64, 48
"""Size of a thumbnail in points; it is read at twice that for sharp screens."""
_LOOKED_AT = 5
"""Frames of which the brightest is shown: recordings often begin with a dark lead-in."""
_BRIGHT = 24
_SMALLEST_PART = 0.005
"""Share of the frame that a patch has to cover to be taken for the scan."""
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
        while True:
            with self._wake:
                while not self._wishes and not self._closing:
                    self._wake.wait()
                if self._closing:
                    return
                path = self._wishes.pop()
            self.ready.emit(_read(path))


def _read(path: Path) -> Thumbnail:
    from lsgui.readers.base import open_source  # here: it loads OpenCV

    try:
        with open_source(path) as source:
            frame = max(islice(source, _LOOKED_AT), key=lambda f: float(f.mean()), default=None)
            detail = detail_of(source.info)
    except LsguiError as fault:
        return Thumbnail(path, None, error=str(fault))
    except Exception as fault:  # the thread is where faults end: the window must live on
        log.error("a thumbnail failed", exc_info=True)
        return Thumbnail(path, None, error=f"{path.name} cannot be read ({type(fault).__name__}).")
    return Thumbnail(path, None if frame is None else _shrunk(frame), detail)


def _scan_part(frame: Frame) -> Frame:
    """Return the part of a frame with the largest bright patch: a screen recording is mostly black and text."""
    import cv2

    step = max(frame.shape[1] // 240, 1)
    bright = (frame[::step, ::step] > _BRIGHT).astype(np.uint8)
    patch = cv2.morphologyEx(bright, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    count, _, boxes, _ = cv2.connectedComponentsWithStats(patch)
    if count < 2:
        return frame
    x, y, width, height, _ = (int(value) * step for value in boxes[1 + int(np.argmax(boxes[1:, cv2.CC_STAT_AREA]))])
    if width * height < _SMALLEST_PART * frame.size:
        return frame
    return np.asarray(frame[y : y + height, x : x + width])


def _shrunk(frame: Frame) -> QImage:
    import cv2

    frame = _scan_part(frame)
    width, height = WIDTH * 2, HEIGHT * 2
    scale = max(width / frame.shape[1], height / frame.shape[0])
    size = (max(round(frame.shape[1] * scale), width), max(round(frame.shape[0] * scale), height))
    small = np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA))
    top, left = (small.shape[0] - height) // 2, (small.shape[1] - width) // 2
    cut = np.ascontiguousarray(small[top : top + height, left : left + width])
    return QImage(cut.tobytes(), width, height, width, QImage.Format.Format_Grayscale8).copy()
