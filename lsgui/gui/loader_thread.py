"""Opens clips in a thread: the first frame at once, the rest while it already plays."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QObject

from lsgui.core.clip import Clip, ClipInfo, FrameStore
from lsgui.core.errors import CancelledError, ClipReadError
from lsgui.gui.job_thread import Cancelled, JobThread, Tell

_TELL_EVERY_S = 0.05
"""How often the growth of a clip is told: more often would cost the window more than the reader sees."""


@dataclass(frozen=True, slots=True, eq=False)
class ClipOpened:
    """The first frame is there. `path` tells the receiver whether this is still the selected clip."""

    path: Path
    info: ClipInfo
    store: FrameStore


@dataclass(frozen=True, slots=True)
class ClipGrew:
    """Frames 0..frames_ready-1 can be asked for."""

    path: Path
    frames_ready: int


@dataclass(frozen=True, slots=True, eq=False)
class ClipComplete:
    """Every frame is decoded; `clip.info` is exact. `seconds` is the time that reading took."""

    path: Path
    clip: Clip
    seconds: float


@dataclass(frozen=True, slots=True)
class ClipFailed:
    """The clip cannot be read: one sentence."""

    path: Path
    sentence: str


@dataclass(frozen=True, slots=True)
class LoadJob:
    """Decode one clip into a store that keeps `budget_bytes` of frames in memory."""

    path: Path
    budget_bytes: int
    colour: Literal["auto", "rgb", "ybr"] = "auto"

    def run(self, tell: Tell, cancelled: Cancelled) -> None:
        """Decode; tells `ClipOpened`, then `ClipGrew` again and again, then `ClipComplete`."""
        from lsgui.readers.base import ReadOptions, open_source  # here: it loads OpenCV and pydicom
        from lsgui.readers.frame_store import GrowingFrames

        began = time.perf_counter()
        store: GrowingFrames | None = None
        told_at = 0.0
        try:
            with open_source(self.path, options=ReadOptions(colour=self.colour)) as source:
                for frame in source:
                    if cancelled():
                        raise CancelledError
                    if store is None:
                        store = GrowingFrames(frame.shape[0], frame.shape[1], self.budget_bytes, name=self.path.name)
                        store.append(frame)
                        tell(ClipOpened(self.path, source.info, store))
                        continue
                    store.append(frame)
                    if time.perf_counter() - told_at > _TELL_EVERY_S:
                        told_at = time.perf_counter()
                        tell(ClipGrew(self.path, len(store)))
                info = source.final_info()
        except BaseException:
            if store is not None:
                store.close()
            raise
        if store is None:
            raise ClipReadError(f"{self.path.name} holds no frames: check that the recording was saved completely.")
        tell(ClipComplete(self.path, Clip(info, store), time.perf_counter() - began))

    def failure(self, sentence: str) -> ClipFailed:
        """Return the event for a clip that cannot be read."""
        return ClipFailed(self.path, sentence)


class LoaderThread(JobThread):
    """Decodes the clip that was asked for last."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__("loader", parent)
