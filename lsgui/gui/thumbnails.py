"""Small pictures of clips for the worklist, read in a thread, the ones on screen first, and kept for the next time."""

import logging
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QThread, Signal
from PySide6.QtGui import QImage

from lsgui.core.errors import CancelledError, LsguiError
from lsgui.gui.reading_lane import ReadingLane
from lsgui.review.fingerprints import file_key
from lsgui.review.paths import cache_file
from lsgui.review.worklist import detail_of

if TYPE_CHECKING:
    from lsgui.decoding.messages import PictureMade
    from lsgui.review.worklist_cache import WorklistCache  # loads SQLite: only in the thread

log = logging.getLogger(__name__)

WIDTH, HEIGHT = 64, 48
"""Size of a thumbnail in points; it is read at twice that for sharp screens."""
_WAITING_MOST = 64
"""Wishes that wait: beyond that the oldest have long scrolled away."""
_PROCESS_RESTS_AFTER_S = 10.0
"""So long after the last picture that had to be made its process is ended."""


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
        self._process = ReadingLane("pictures")
        """Nobody knows what a file does to a decoder: pictures are made where that is survivable."""

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
        self._process.close()
        self.wait()

    def run(self) -> None:
        """Read until the thread is closed."""
        try:
            while True:
                path = self._next()
                if path is None:
                    return
                self.ready.emit(self._picture(path))
        except CancelledError:
            return  # closed
        finally:
            if self._cache is not None:
                self._cache.close()
                self._cache = None

    def _next(self) -> Path | None:
        """Return the last wish, None once the thread is closed."""
        while True:
            with self._wake:
                seconds = None if self._process.pid is None else _PROCESS_RESTS_AFTER_S
                woken = bool(self._wishes) or self._closing or self._wake.wait(seconds)
                if self._closing:
                    return None
                if self._wishes:
                    return self._wishes.pop()
            if not woken:
                self._process.rest()

    def _picture(self, path: Path) -> Thumbnail:
        """Return the picture of a clip, from the cache where this very file is known there."""
        from lsgui.review.worklist_cache import KeptPicture, WorklistCache

        if self._cache is None:
            self._cache = WorklistCache(cache_file())
        key = file_key(path)
        kept = None if key is None else self._cache.picture(key)
        if kept is not None and not (image := QImage.fromData(kept.data)).isNull():
            return Thumbnail(path, image, kept.detail)
        try:
            made = self._made(path)
        except LsguiError as fault:
            return Thumbnail(path, None, error=str(fault))
        detail = detail_of(made.info)
        if key is not None:
            self._cache.keep_picture(key, KeptPicture(detail, made.jpeg))
        return Thumbnail(path, QImage.fromData(made.jpeg), detail)

    def _made(self, path: Path) -> "PictureMade":
        """Let the reading process make the picture."""
        from lsgui.decoding.messages import PictureMade, PictureOf

        made: list[PictureMade] = []
        self._process.get().ask(path, PictureOf(path, 2 * WIDTH, 2 * HEIGHT), made.append, lambda: self._closing)
        return made[0]
