"""Opens clips: a thread drives a reading process each; the first frame at once, the rest while it already plays."""

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QObject, QThread, Signal

from lsgui.core.clip import Clip, ClipInfo, FrameStore
from lsgui.core.late_imports import load
from lsgui.gui.job_thread import Cancelled, JobThread, Tell
from lsgui.gui.reading_lane import ReadingLane


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

    def read(self, lane: ReadingLane, tell: Tell, cancelled: Cancelled) -> None:
        """Decode; tells `ClipOpened`, then `ClipGrew` again and again, then `ClipComplete`."""
        from lsgui.decoding.clip_opening import ClipHearer  # here: the window paints before processes are thought of
        from lsgui.decoding.messages import DecodeClip

        began = time.perf_counter()
        calm = not self.hurry.is_set()

        def on_opened(info: ClipInfo, store: FrameStore) -> None:
            load("cv2", calm=not self.hurry.is_set())  # what shows frames needs it, in the window's thread
            tell(ClipOpened(self.path, info, store))

        hearer = ClipHearer(
            DecodeClip(self.path, self.colour, self.budget_bytes, calm),
            on_opened=on_opened,
            on_grown=lambda frames: tell(ClipGrew(self.path, frames)),
        )
        try:
            hurry = self.hurry if calm else None
            lane.get().ask(self.path, hearer.asked, hearer.hear, cancelled, hurry=hurry, urgent=True)
            clip = hearer.clip()
        except BaseException:
            hearer.close()
            raise
        tell(ClipComplete(self.path, clip, time.perf_counter() - began))

    def failure(self, sentence: str) -> ClipFailed:
        """Return the event for a clip that cannot be read."""
        return ClipFailed(self.path, sentence)


def _set(event: threading.Event) -> threading.Event:
    event.set()
    return event


class ClipLoaders(QObject):
    """Decodes the clip that was asked for last, and ahead of it the one that will be asked for next.

    Two lanes, each a thread with a reading process, of which one decodes the clip on screen and the other, calmly, the
    next one. When that is asked for the lanes change places: what is decoded is told at once, and the rest follows
    without haste being lost. A clip that was decoded in vain, or that cannot be read, leaves no trace.
    """

    told = Signal(object)
    """`ClipOpened`, `ClipGrew`, `ClipComplete` and `ClipFailed` of the clip that was asked for last."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._current = _Lane("reader", self)
        self._other = _Lane("reader ahead", self)
        for lane in (self._current, self._other):
            lane.thread.told.connect(self._on_thread_told)
        self._wanted: _Marked | None = None
        self._ahead: _Marked | None = None

    @property
    def ahead(self) -> Path | None:
        """The clip that is decoded ahead, or was."""
        return None if self._ahead is None else self._ahead.job.path

    @property
    def process(self) -> ReadingLane:
        """The reading process that decodes, or has decoded, the clip that was asked for last."""
        return self._current.process

    def start(self) -> None:
        """Start a reading process, so that the first clip does not wait for it; a clip that waits already does."""
        if self._wanted is None:
            self._current.thread.submit(_Start(self._current.process))

    def load(self, job: LoadJob) -> None:
        """Decode this clip now."""
        known, self._ahead = self._ahead, None
        if known is None or (known.job.path, known.job.colour) != (job.path, job.colour) or known.failed:
            self._other.let_go()
            self._wanted = _Marked(job, self._current.process)
            self._current.thread.submit(self._wanted)
            return
        self._current.let_go()
        self._current, self._other = self._other, self._current
        self._wanted = known
        known.job.hurry.set()
        self._current.thread.setPriority(QThread.Priority.NormalPriority)
        for event in known.taken():
            self.told.emit(event)

    def load_ahead(self, job: LoadJob) -> None:
        """Decode this clip in case it is asked for next."""
        if self._ahead is None or (self._ahead.job.path, self._ahead.job.colour) != (job.path, job.colour):
            job.hurry.clear()
            self._ahead = _Marked(job, self._other.process)
            self._other.thread.submit(self._ahead)
            self._other.thread.setPriority(QThread.Priority.LowestPriority)

    def stop_ahead(self) -> None:
        """Nothing is expected next: let go of what was decoded ahead."""
        self._ahead = None
        self._other.let_go()

    def stop_job(self) -> None:
        """Stop both."""
        self.stop_ahead()
        self._wanted = None
        self._current.let_go()

    def close(self) -> None:
        """End the threads and their processes."""
        self.stop_job()
        self._current.close()
        self._other.close()

    def _on_thread_told(self, told: "tuple[_Marked, object]") -> None:
        whose, event = told
        if whose is self._wanted:
            self.told.emit(event)
        elif whose is self._ahead:
            whose.keep(event)


class _Lane:
    """A thread and the reading process that it drives."""

    def __init__(self, name: str, parent: QObject) -> None:
        self.thread = JobThread(name, parent)
        self.process = ReadingLane(name)

    def let_go(self) -> None:
        """Stop what goes on, and give back what was decoded."""
        self.thread.stop_job()
        self.process.forget()

    def close(self) -> None:
        """End both."""
        self.process.close()
        self.thread.close()


@dataclass(frozen=True, slots=True)
class _Start:
    """Start a reading process."""

    lane: ReadingLane

    def run(self, tell: Tell, cancelled: Cancelled) -> None:
        """Start it."""
        self.lane.get().start(cancelled)

    def failure(self, sentence: str) -> object:
        """Return what nobody listens to: the first clip tries again, and says what is wrong."""
        return (None, sentence)


class _Marked:
    """A job whose events can be told from those of every other, also of one for the same clip."""

    def __init__(self, job: LoadJob, lane: ReadingLane) -> None:
        self.job = job
        self._lane = lane
        self.failed = False
        self._events: dict[type, object] = {}

    def run(self, tell: Tell, cancelled: Cancelled) -> None:
        """Do the job."""
        self.job.read(self._lane, lambda event: tell((self, event)), cancelled)

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
