"""The controller's worklist: finds clips, opens the selected one, and remembers what was done on each."""

import logging
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from lsgui.core.clip import Clip
from lsgui.core.errors import LsguiError
from lsgui.core.pleura import PleuralROI
from lsgui.gui.job_thread import Cancelled, JobThread, Tell
from lsgui.gui.loader_thread import ClipComplete, ClipFailed, ClipGrew, ClipOpened, LoaderThread, LoadJob
from lsgui.gui.state_keeper import StateKeeper
from lsgui.review import transitions as to
from lsgui.review.history import RoiHistory
from lsgui.review.log_file import clip_tag
from lsgui.review.paths import recent_file
from lsgui.review.recent import load_recent, save_recent, with_recent
from lsgui.review.state import Analysis, AnalysisPhase, LoadPhase, ReviewState, RoiPhase, WorklistEntry
from lsgui.review.worklist import next_unlabelled, scan

log = logging.getLogger(__name__)

_KEPT_CLIPS = 24
"""Of so many clips the line and the verdict stay at hand; a verdict's maps take a few megabytes each."""


@dataclass(frozen=True, slots=True)
class Scanned:
    """Clips were found; `asked` are the paths that were opened."""

    asked: tuple[Path, ...]
    entries: tuple[WorklistEntry, ...]


@dataclass(frozen=True, slots=True)
class ScanFailed:
    """Nothing could be found: one sentence."""

    sentence: str


@dataclass(frozen=True, slots=True)
class ScanJob:
    """Look for clips in files and folders."""

    paths: tuple[Path, ...]

    def run(self, tell: Tell, cancelled: Cancelled) -> None:
        """Tell `Scanned`."""
        tell(Scanned(self.paths, scan(self.paths, cancelled)))

    def failure(self, sentence: str) -> ScanFailed:
        """Return the event for a scan that found nothing."""
        return ScanFailed(sentence)


@dataclass(frozen=True, slots=True, eq=False)
class KeptClip:
    """What was done on a clip, so that it is there again when the reader comes back."""

    roi: PleuralROI | None = None
    roi_phase: RoiPhase = RoiPhase.NONE
    analysis: Analysis = field(default_factory=Analysis)
    history: RoiHistory = field(default_factory=RoiHistory)
    mmode_column: float = 0.5
    mmode_second: float | None = None


class ClipsPart(QObject):
    """Opens one clip at a time. Events of any other clip than the selected one are dropped."""

    clipComplete = Signal(object)
    """The selected clip is decoded: a `Clip`."""

    def __init__(self, keeper: StateKeeper) -> None:
        super().__init__(keeper)
        self._keeper = keeper
        self._scanner = JobThread("scanner", self)
        self._scanner.told.connect(self._on_scanner_told)
        self._loader = LoaderThread(self)
        self._loader.told.connect(self._on_loader_told)
        self._pending: tuple[Path, ...] = ()
        self._kept: OrderedDict[Path, KeptClip] = OrderedDict()
        self._notes: dict[Path, str] = {}
        self.clip: Clip | None = None
        self.read_seconds = 0.0
        self.history = RoiHistory()

    def keep_line(self, path: Path, roi: PleuralROI) -> None:
        """Let a clip that is opened next have this line, where nothing was done on it yet."""
        self._kept.setdefault(path, KeptClip(roi, RoiPhase.SET))

    def keep_note(self, path: Path, sentence: str) -> None:
        """Show this sentence whenever the clip is turned to."""
        self._notes[path] = sentence

    def load_recent(self) -> None:
        """Read the list of recently opened clips."""
        try:
            recent = load_recent(recent_file())
        except LsguiError as fault:
            sentence = str(fault)
            self._keeper.change(lambda s: to.notice_set(s, sentence))
            return
        self._keeper.change(lambda s: replace(s, recent=recent))

    def open_paths(self, paths: list[Path]) -> None:
        """Look for clips there and select the first one."""
        if not paths:
            return
        self._pending = (*self._pending, *(Path(path).absolute() for path in paths))
        self._keeper.change(lambda s: replace(s, scanning=True, notice=""))
        self._scanner.submit(ScanJob(self._pending))

    def select(self, index: int) -> None:
        """Turn to a clip of the worklist."""
        state = self._keeper.state
        if not 0 <= index < len(state.worklist):
            return
        if index == state.selected and state.clip is not None and state.clip.phase is not LoadPhase.FAILED:
            return
        self._keep()
        path = state.worklist[index].path
        self.clip = None
        kept = self._kept.get(path, KeptClip())
        self.history = kept.history
        speed = state.playback.speed if state.clip is not None else self._keeper.settings.speed
        self._keeper.change(lambda s: _with_kept(to.clip_selected(s, index, speed=speed), kept))
        self._keeper.change(lambda s: to.notice_set(s, self._notes.get(path, "")))
        log.info("opening %s", clip_tag(path))
        settings = self._keeper.settings
        self._loader.submit(LoadJob(path, settings.memory_mb * 1024 * 1024, settings.colour))

    def go(self, step: int) -> None:
        """Turn to the clip `step` places further down the worklist."""
        selected = self._keeper.state.selected
        self.select(step - 1 if selected is None else selected + step)

    def next_unlabelled(self) -> None:
        """Turn to the next clip without a label."""
        state = self._keeper.state
        index = next_unlabelled(state.worklist, state.selected)
        if index is not None:
            self.select(index)
        else:
            self._keeper.change(lambda s: to.notice_set(s, "Every other clip of the worklist has a label."))

    def close_all(self) -> None:
        """Empty the worklist."""
        self._scanner.stop_job()
        self._loader.stop_job()
        self._pending = ()
        self._kept.clear()
        self.clip = None
        self.history = RoiHistory()
        self._keeper.change(to.clip_closed)

    def close(self) -> None:
        """End the threads."""
        self._scanner.close()
        self._loader.close()

    def _keep(self) -> None:
        state = self._keeper.state
        if state.clip is None or state.clip.info is None:
            return
        analysis = state.analysis if state.analysis.phase is AnalysisPhase.DONE else Analysis()
        phase = state.roi_phase if state.roi_phase is RoiPhase.SET else to.resting_phase(state.roi)
        kept = KeptClip(state.roi, phase, analysis, self.history, state.mmode_column, state.mmode_second)
        self._kept[state.clip.path] = kept
        self._kept.move_to_end(state.clip.path)
        while len(self._kept) > _KEPT_CLIPS:
            self._kept.popitem(last=False)

    def _on_scanner_told(self, event: object) -> None:
        if isinstance(event, ScanFailed):
            self._pending = ()
            self._keeper.change(lambda s: to.notice_set(replace(s, scanning=False), event.sentence))
        elif isinstance(event, Scanned) and event.asked == self._pending:
            self._pending = ()
            recent = self._keeper.state.recent
            for path in event.asked:
                recent = with_recent(recent, path)
            self._keeper.change(lambda s: replace(to.worklist_extended(s, event.entries), recent=recent))
            self._save_recent(recent)
            first = event.entries[0].path
            self.select(next(i for i, entry in enumerate(self._keeper.state.worklist) if entry.path == first))

    def _save_recent(self, recent: tuple[Path, ...]) -> None:
        try:
            save_recent(recent_file(), recent)
        except LsguiError as fault:
            log.info("recent files: %s", type(fault).__name__, exc_info=True)

    def _on_loader_told(self, event: object) -> None:
        selected = self._keeper.state.clip
        if selected is None or getattr(event, "path", None) != selected.path:
            return
        if isinstance(event, ClipOpened):
            play = self._keeper.settings.play_on_open
            self._keeper.change(lambda s: to.clip_opened(s, event.info, event.store, play=play))
        elif isinstance(event, ClipGrew):
            self._keeper.change(lambda s: to.clip_grew(s, event.frames_ready))
        elif isinstance(event, ClipComplete):
            self.clip, self.read_seconds = event.clip, event.seconds
            note = event.clip.info.note
            self._keeper.change(
                lambda s: to.notice_set(to.clip_completed(s, event.clip.info, len(event.clip)), note or s.notice)
            )
            self.clipComplete.emit(event.clip)
        elif isinstance(event, ClipFailed):
            self._keeper.change(lambda s: to.clip_failed(s, event.sentence))


def _with_kept(state: ReviewState, kept: KeptClip) -> ReviewState:
    return replace(
        state,
        roi=kept.roi,
        roi_phase=kept.roi_phase,
        analysis=kept.analysis,
        mmode_column=kept.mmode_column,
        mmode_second=kept.mmode_second,
        can_undo=bool(kept.history.past),
        can_redo=bool(kept.history.future),
    )
