"""The controller's worklist: finds clips, opens the selected one, and remembers what was done on each."""

import logging
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from lsgui.core.clip import Clip
from lsgui.core.pleura import PleuralROI
from lsgui.gui.controller_worklist import WorklistPart
from lsgui.gui.loader_thread import ClipComplete, ClipFailed, ClipGrew, ClipLoaders, ClipOpened, LoadJob
from lsgui.gui.reading_lane import ReadingLane
from lsgui.gui.state_keeper import StateKeeper
from lsgui.review import transitions as to
from lsgui.review.log_file import clip_tag
from lsgui.review.state import Analysis, AnalysisPhase, LoadPhase, ReviewState, RoiPhase

log = logging.getLogger(__name__)

KEPT_CLIPS = 24
"""Of so many clips the line and the verdict stay at hand."""
_KEPT_BYTES = 48_000_000
"""Memory that the maps of those verdicts may take: 1 MB for a clip of some seconds, 5 MB for one of 900 frames."""

_AHEAD_AFTER_MS = 150
"""How long after the clip on screen is decoded the next one is begun."""


@dataclass(frozen=True, slots=True, eq=False)
class KeptClip:
    """What was done on a clip, so that it is there again when the reader comes back."""

    roi: PleuralROI | None = None
    roi_phase: RoiPhase = RoiPhase.NONE
    analysis: Analysis = field(default_factory=Analysis)
    mmode_column: float = 0.5
    mmode_second: float | None = None


class ClipsPart(QObject):
    """Opens one clip at a time. Events of any other clip than the selected one are dropped."""

    clipComplete = Signal(object)
    """The selected clip is decoded: a `Clip`."""

    def __init__(self, keeper: StateKeeper) -> None:
        super().__init__(keeper)
        self._keeper = keeper
        self.worklist = WorklistPart(keeper, self.select, self)
        self._loader = ClipLoaders(self)
        self._loader.told.connect(self._on_loader_told)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_AHEAD_AFTER_MS)
        self._soon.timeout.connect(self._load_ahead)
        keeper.stateChanged.connect(self._on_keeper_stateChanged)
        self._kept: OrderedDict[Path, KeptClip] = OrderedDict()
        self._notes: dict[Path, str] = {}
        self.clip: Clip | None = None
        self.read_seconds = 0.0

    @property
    def process(self) -> ReadingLane:
        """The reading process of the selected clip."""
        return self._loader.process

    def keep_line(self, path: Path, roi: PleuralROI) -> None:
        """Let a clip that is opened next have this line, where nothing was done on it yet."""
        self._kept.setdefault(path, KeptClip(roi, RoiPhase.SET))

    def lines_in_hand(self) -> tuple[tuple[Path, PleuralROI], ...]:
        """Return the lines that were drawn on the clips that were left, with their clips."""
        kept = self._kept.items()
        return tuple((path, one.roi) for path, one in kept if one.roi is not None and one.roi_phase is RoiPhase.SET)

    def keep_note(self, path: Path, sentence: str) -> None:
        """Show this sentence whenever the clip is turned to."""
        self._notes[path] = sentence

    def load_recent(self) -> None:
        """Read the list of recently opened clips, and start a reading process."""
        self.worklist.load_recent()
        self._loader.start()

    def open_paths(self, paths: list[Path]) -> None:
        """Look for clips there and select one."""
        if paths:
            self.worklist.open_paths(paths)

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
        speed = state.playback.speed if state.clip is not None else self._keeper.settings.speed
        note = self._notes.get(path, "")
        self._keeper.change(lambda s: to.notice_set(_with_kept(to.clip_selected(s, index, speed=speed), kept), note))
        log.info("opening %s", clip_tag(path))
        self._soon.stop()
        self._loader.load(self._load_job(path, 0))

    def open_anew(self) -> None:
        """Open the selected clip as if for the first time: another reader sits down, and sees nothing of the former."""
        index = self._keeper.state.selected
        self._keeper.change(lambda s: replace(s, selected=None, clip=None, roi=None, analysis=Analysis()))
        self._kept.clear()
        self.worklist.look_anew()
        if index is not None:
            self.select(index)

    def go(self, step: int) -> None:
        """Turn to the clip `step` places further down the list."""
        self.worklist.go(step)

    def next_unlabelled(self) -> None:
        """Turn to the next clip without a label."""
        self.worklist.go_next_unlabelled()

    def _load_job(self, path: Path, taken: int) -> LoadJob:
        """Return the job for a clip that gets the memory for frames but `taken` bytes, and an eighth of it at least."""
        settings = self._keeper.settings
        most = settings.memory_mb * 1024 * 1024
        return LoadJob(path, max(most - taken, most // 8), settings.colour)

    def close_all(self) -> None:
        """Empty the worklist."""
        self.worklist.forget()
        self._soon.stop()
        self._loader.stop_job()
        self._kept.clear()
        self.clip = None
        self._keeper.change(to.clip_closed)

    def close(self) -> None:
        """End the threads."""
        self.worklist.close()
        self._soon.stop()
        self._loader.close()

    def _keep(self) -> None:
        state = self._keeper.state
        if state.clip is None or state.clip.info is None:
            return
        analysis = state.analysis if state.analysis.phase is AnalysisPhase.DONE else Analysis()
        phase = state.roi_phase if state.roi_phase is RoiPhase.SET else to.resting_phase(state.roi)
        kept = KeptClip(state.roi, phase, analysis, state.mmode_column, state.mmode_second)
        self._kept[state.clip.path] = kept
        self._kept.move_to_end(state.clip.path)
        while len(self._kept) > KEPT_CLIPS:
            self._kept.popitem(last=False)
        held = 0
        for path, kept in reversed(list(self._kept.items())):
            held += sum(one.nbytes for one in kept.analysis.maps.values())
            if held > _KEPT_BYTES:  # the verdicts that were left longest ago go; their lines stay
                self._kept[path] = replace(kept, analysis=Analysis())

    def _on_keeper_stateChanged(self, old: ReviewState, new: ReviewState) -> None:
        """Look ahead anew when the clip on screen is decoded, or another one comes next."""
        complete = new.clip is not None and new.clip.phase in (LoadPhase.COMPLETE, LoadPhase.FAILED)
        before = (old.scanning, old.worklist, old.listing, old.selected, None if old.clip is None else old.clip.phase)
        after = (new.scanning, new.worklist, new.listing, new.selected, None if new.clip is None else new.clip.phase)
        if complete and not new.scanning and any(one is not other for one, other in zip(before, after, strict=True)):
            self._soon.start()

    def _load_ahead(self) -> None:
        """Decode the next unlabelled clip in the background, so that it shows at once when it is asked for."""
        index = self.worklist.next_unlabelled()
        if index is None:
            self._loader.stop_ahead()
            return
        info = None if self.clip is None else self.clip.info
        taken = 0 if info is None else info.frames * info.width * info.height
        self._loader.load_ahead(self._load_job(self._keeper.state.worklist[index].path, taken))

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
    )
