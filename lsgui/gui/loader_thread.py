"""Opens clips in a thread: the first frame at once, the rest while it already plays."""

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QObject, QThread, Signal

from lsgui.core.clip import Clip, ClipInfo, FrameStore
from lsgui.core.errors import CancelledError, ClipReadError
from lsgui.gui.job_thread import Cancelled, JobThread, Tell

_TELL_EVERY_S = 0.05
"""How often the growth of a clip is told: more often would cost the window more than the reader sees."""
_CALM_PAUSE_S = 0.003
"""Pause after every frame of a clip that is decoded ahead: the clip on screen comes first."""


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
    """Decode one clip into a store that keeps `budget_bytes` of frames in memory; calmly while `hurry` is cleared."""

    path: Path
    budget_bytes: int
    colour: Literal["auto", "rgb", "ybr"] = "auto"
    hurry: threading.Event = field(default_factory=lambda: _set(threading.Event()), compare=False)

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
                    if not self.hurry.is_set():
                        self.hurry.wait(_CALM_PAUSE_S)
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


def _set(event: threading.Event) -> threading.Event:
    event.set()
    return event


class ClipLoaders(QObject):
    """Decodes the clip that was asked for last, and ahead of it the one that will be asked for next.

    Two threads, of which one decodes the clip on screen and the other, calmly, the next one. When that is asked for
    the threads change places: what is decoded is told at once, and the rest follows without haste being lost. A clip
    that was decoded in vain, or that cannot be read, leaves no trace.
    """

    told = Signal(object)
    """`ClipOpened`, `ClipGrew`, `ClipComplete` and `ClipFailed` of the clip that was asked for last."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._current = JobThread("loader", self)
        self._other = JobThread("loader ahead", self)
        for thread in (self._current, self._other):
            thread.told.connect(self._on_thread_told)
        self._wanted: _Marked | None = None
        self._ahead: _Marked | None = None

    @property
    def ahead(self) -> Path | None:
        """The clip that is decoded ahead, or was."""
        return None if self._ahead is None else self._ahead.job.path

    def load(self, job: LoadJob) -> None:
        """Decode this clip now."""
        known, self._ahead = self._ahead, None
        if known is None or (known.job.path, known.job.colour) != (job.path, job.colour) or known.failed:
            self._other.stop_job()
            self._wanted = _Marked(job)
            self._current.submit(self._wanted)
            return
        self._current.stop_job()
        self._current, self._other = self._other, self._current
        self._wanted = known
        known.job.hurry.set()
        self._current.setPriority(QThread.Priority.NormalPriority)
        for event in known.taken():
            self.told.emit(event)

    def load_ahead(self, job: LoadJob) -> None:
        """Decode this clip in case it is asked for next."""
        if self._ahead is None or (self._ahead.job.path, self._ahead.job.colour) != (job.path, job.colour):
            job.hurry.clear()
            self._ahead = _Marked(job)
            self._other.submit(self._ahead)
            self._other.setPriority(QThread.Priority.LowestPriority)

    def stop_ahead(self) -> None:
        """Nothing is expected next: let go of what was decoded ahead."""
        self._ahead = None
        self._other.stop_job()

    def stop_job(self) -> None:
        """Stop both."""
        self.stop_ahead()
        self._wanted = None
        self._current.stop_job()

    def close(self) -> None:
        """End the threads."""
        self.stop_job()
        self._current.close()
        self._other.close()

    def _on_thread_told(self, told: "tuple[_Marked, object]") -> None:
        whose, event = told
        if whose is self._wanted:
            self.told.emit(event)
        elif whose is self._ahead:
            whose.keep(event)


class _Marked:
    """A job whose events can be told from those of every other, also of one for the same clip."""

    def __init__(self, job: LoadJob) -> None:
        self.job = job
        self.failed = False
        self._events: dict[type, object] = {}

    def run(self, tell: Tell, cancelled: Cancelled) -> None:
        """Do the job."""
        self.job.run(lambda event: tell((self, event)), cancelled)

    def failure(self, sentence: str) -> object:
        """Return the event for a clip that cannot be read."""
        return (self, self.job.failure(sentence))

    def keep(self, event: object) -> None:
        """Keep an event for later; the last of each kind counts."""
        self.failed = self.failed or isinstance(event, ClipFailed)
        self._events[type(event)] = event

    def taken(self) -> tuple[object, ...]:
        """Return what was kept, in the order in which it came, and keep it no longer; the growth of a whole clip is no
        news.
        """
        if ClipComplete in self._events:
            self._events.pop(ClipGrew, None)
        events, self._events = tuple(self._events.values()), {}
        return events
