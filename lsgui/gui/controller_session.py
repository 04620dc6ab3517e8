"""The controller's session: written down while it runs, and one whose window was killed put back when asked."""

import logging
from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import QObject, QTimer

from lsgui.gui.controller_clips import ClipsPart
from lsgui.gui.controller_lines import LinesPart
from lsgui.gui.controller_project import ProjectPart
from lsgui.gui.controller_readings import ReadingsPart
from lsgui.gui.job_thread import Cancelled, JobThread, Tell
from lsgui.gui.reading_orders import LookUpFailed, Said, Say, StoreUsed
from lsgui.gui.state_keeper import StateKeeper
from lsgui.review import transitions as to
from lsgui.review.paths import labels_file, sessions_dir
from lsgui.review.session_mark import SessionMark, claim_left
from lsgui.review.session_snapshot import LeftSession, Snapshot, UnsavedStatement, save_snapshot
from lsgui.review.state import ReviewState, RoiPhase

log = logging.getLogger(__name__)

_SAVE_AFTER_MS = 1000
"""How long after a change the session is written down."""


@dataclass(frozen=True, slots=True)
class FoundLeft:
    """What a killed window left, and its mark, held."""

    mark: SessionMark
    left: LeftSession


@dataclass(frozen=True, slots=True)
class _FindLeft:
    """Look for a window that was killed."""

    def run(self, tell: Tell, cancelled: Cancelled) -> None:
        """Tell `FoundLeft` where there is one."""
        found = claim_left(sessions_dir())
        if found is None:
            return
        if cancelled():
            found[0].let_go()
        else:
            tell(FoundLeft(*found))

    def failure(self, sentence: str) -> object:
        """Return nothing that anybody waits for."""
        return None


@dataclass(frozen=True, slots=True)
class _Saved:
    """The session is written down; `taken_over`: what another one left is part of it, and gone."""

    taken_over: bool


@dataclass(frozen=True, slots=True)
class _Save:
    """Write the session down; what another one left goes once it is part of this one."""

    file: Path
    snapshot: Snapshot
    taken_over: SessionMark | None = None

    def run(self, tell: Tell, cancelled: Cancelled) -> None:
        """Write."""
        save_snapshot(self.file, self.snapshot)
        if self.taken_over is not None:
            self.taken_over.take_away()
        tell(_Saved(self.taken_over is not None))

    def failure(self, sentence: str) -> object:
        """Return nothing: a disk that is full is told where labels are saved."""
        return None


class SessionPart(QObject):
    """Writes down what is open, and puts back what a killed window left. It does nothing before `begin`."""

    def __init__(
        self, keeper: StateKeeper, clips: ClipsPart, lines: LinesPart, readings: ReadingsPart, project: ProjectPart
    ) -> None:
        super().__init__(keeper)
        self._keeper = keeper
        self._clips = clips
        self._lines = lines
        self._readings = readings
        self._project = project
        self._mark: SessionMark | None = None
        self._left: FoundLeft | None = None
        self._taken_over: SessionMark | None = None
        self._waiting: SessionMark | None = None
        """The mark of one that was put aside though it holds what is not saved: for the next start."""
        self._restoring: Snapshot | None = None
        """What is being put back, until its clip stands where it stood."""
        self._holds = self._awaits_store = self._asked = self._turned = False
        self._written: Snapshot | None = None
        self._again: frozenset[int] = frozenset()
        """Tickets of what a killed window could not save, until it is on the disk."""
        self._count = 0
        self._finder = JobThread("left session", self, calm=True)
        self._finder.told.connect(self._on_finder_told)
        self._saver = JobThread("session", self, calm=True)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_SAVE_AFTER_MS)
        self._soon.timeout.connect(self._save)
        self._saver.told.connect(self._on_saver_told)
        readings.told.connect(self._on_readings_told)
        keeper.stateChanged.connect(self._on_keeper_stateChanged)

    def begin(self, mark: SessionMark) -> None:
        """Write this session down under its mark from now on, and look for one that was not closed."""
        self._mark = mark
        self._finder.submit(_FindLeft())

    def restore(self) -> None:
        """Put back what a killed window left: project, what was not saved, worklist, lines, clip and position."""
        snapshot = None if self._left is None else self._left.left.snapshot
        if self._left is None or snapshot is None:
            return
        store = snapshot.store
        if snapshot.unsaved and store is not None and not store.exists():
            self._tell(f"{store.name} is gone, and what was not saved belongs there: bring its drive back first.")
            return
        self._taken_over, self._restoring = self._left.mark, snapshot
        self._holds, self._asked, self._turned = True, False, False
        self._let_offer_go()
        self._awaits_store = store is not None and store != self._project.store and not self._readings.unsaved
        if store is not None and self._awaits_store:
            self._project.use_store(store)
        else:
            self._open()

    def dismiss(self) -> None:
        """Let what a killed window left go, but for what was said and not saved: that waits for the next start."""
        found = self._left
        self._let_offer_go()
        if found is None:
            return
        snapshot = found.left.snapshot
        if snapshot is not None and snapshot.unsaved:
            self._waiting = found.mark
        else:
            found.mark.take_away()

    def close(self) -> None:
        """End the threads; what was not asked for waits for the next window."""
        self._soon.stop()
        self._finder.close()
        self._saver.close()
        if self._taken_over is not None and not self._again:
            self._taken_over.take_away()
            self._taken_over = None
        for mark in (self._taken_over, self._waiting, None if self._left is None else self._left.mark):
            if mark is not None:
                mark.let_go()
        self._taken_over = self._waiting = self._left = None

    def _let_offer_go(self) -> None:
        self._left = None
        self._keeper.change(lambda s: replace(s, left=None))

    def _tell(self, sentence: str) -> None:
        self._keeper.change(lambda s: to.notice_set(s, sentence))

    # --- putting back -------------------------------------------------------------------------------------------

    def _open(self) -> None:
        snapshot = self._restoring
        if snapshot is None:
            return
        self._say_again(snapshot)
        if snapshot.unsaved and not self._again:  # its project could not be opened
            self._waiting, self._taken_over = self._taken_over, None
        shown = self._keeper.state.clip
        for path, roi in snapshot.lines:
            self._clips.keep_line(path, roi)
            if shown is not None and shown.path == path and self._keeper.state.roi is None:
                self._lines.set_line(roi)
        self._holds = False
        if snapshot.paths:
            self._clips.open_paths(list(snapshot.paths))
        else:
            self._end_restoring()

    def _say_again(self, snapshot: Snapshot) -> None:
        """Have what could not be saved kept in the store to which it belongs; in no other."""
        if snapshot.unsaved and not self._again and self._project.store == (snapshot.store or labels_file()):
            self._again = self._readings.say_again(snapshot.unsaved)
            self._count = len(self._again)

    def _on_said(self, ticket: int) -> None:
        """Once all of it is on the disk it is no longer part of what was left."""
        self._again -= {ticket}
        if self._again:
            return
        many, was = ("1 thing", "was") if self._count == 1 else (f"{self._count} things", "were")
        self._tell(f"{many} that you had said before lsgui ended {was} saved now.")
        if self._left is not None and self._left.left.snapshot is not None:
            left = replace(self._left.left, snapshot=replace(self._left.left.snapshot, unsaved=()))
            self._left = FoundLeft(self._left.mark, left)
            self._keeper.change(lambda s: replace(s, left=left))
            if left.snapshot is not None:  # not by the saver, where a newer order takes the place of one that waits
                self._finder.submit(_Save(self._left.mark.snapshot_file, left.snapshot))
        elif self._waiting is not None:
            self._waiting.take_away()
            self._waiting = None
        else:
            self._soon.start()

    def _turn(self, new: ReviewState) -> None:
        """Turn to the clip that was on screen once it is listed, and to its frame once that is decoded."""
        snapshot = self._restoring
        if snapshot is None or self._holds or not new.worklist:
            return
        clip = new.clip
        if snapshot.clip is None or (clip is not None and clip.path == snapshot.clip and clip.error):
            self._end_restoring()
        elif clip is not None and clip.path == snapshot.clip:
            self._asked = self._turned = True
            if clip.frames_ready > snapshot.frame:
                self._end_restoring()
                self._keeper.change(lambda s: to.frame_shown(to.playing_set(s, False), snapshot.frame))
        elif self._asked:
            if self._turned:
                self._end_restoring()  # the reader has gone on
        elif to.place_of(new, snapshot.clip) is not None:
            self._asked = True
            QTimer.singleShot(0, self, self._select)  # once whoever lists it has shown its own choice
        elif not new.scanning:
            self._end_restoring()  # it is gone

    def _select(self) -> None:
        snapshot = self._restoring
        index = None if snapshot is None or snapshot.clip is None else to.place_of(self._keeper.state, snapshot.clip)
        if index is not None:
            self._clips.select(index)

    def _end_restoring(self) -> None:
        self._restoring = None
        self._soon.start()

    def _on_readings_told(self, event: object) -> None:
        if isinstance(event, Said) and event.order.ticket in self._again:
            self._on_said(event.order.ticket)
        if self._awaits_store and isinstance(event, StoreUsed | LookUpFailed):
            self._awaits_store = False
            QTimer.singleShot(0, self, self._open)  # once the others have heard of the project

    def _on_finder_told(self, event: object) -> None:
        if not isinstance(event, FoundLeft):
            return
        log.info("a window was not closed: %s", event.left.fault or "killed")
        if event.left.snapshot is None:
            event.mark.take_away()  # told once, and nothing is lost with it
        else:
            self._left = event
        self._keeper.change(lambda s: replace(s, left=event.left))
        snapshot = event.left.snapshot
        if snapshot is not None and (snapshot.store is None or snapshot.store.exists()):
            self._say_again(snapshot)

    def _on_saver_told(self, event: object) -> None:
        if isinstance(event, _Saved) and event.taken_over:
            self._taken_over = None

    # --- writing down -------------------------------------------------------------------------------------------

    def _on_keeper_stateChanged(self, old: ReviewState, new: ReviewState) -> None:
        if self._mark is None:
            return
        self._turn(new)
        moved = not new.playback.playing and (
            old.playback.playing or old.playback.frame != new.playback.frame
        )  # not at every frame of a clip that plays
        if (
            moved
            or old.roi is not new.roi
            or old.worklist is not new.worklist
            or old.selected != new.selected
            or old.project != new.project
            or old.unsaved != new.unsaved
        ) and not self._soon.isActive():
            self._soon.start()

    def _save(self) -> None:
        if self._mark is None or self._restoring is not None:
            return
        snapshot = self._snapshot()
        if snapshot == self._written:
            return
        self._written = snapshot
        taken_over = self._taken_over if not self._again else None  # it still holds what is not saved
        self._saver.submit(_Save(self._mark.snapshot_file, snapshot, taken_over))

    def _snapshot(self) -> Snapshot:
        state = self._keeper.state
        lines = dict(self._clips.lines_in_hand())
        clip = None if state.clip is None else state.clip.path
        if clip is not None:
            lines.pop(clip, None)
            if state.roi is not None and state.roi_phase is RoiPhase.SET:
                lines[clip] = state.roi
        store = self._project.store
        return Snapshot(
            self._clips.worklist.opened,
            clip,
            state.playback.frame,
            tuple(lines.items()),
            None if store == labels_file() else store,
            tuple(map(_unsaved, self._readings.open_statements)) if state.unsaved.count else (),
        )


def _unsaved(say: Say) -> UnsavedStatement:
    against = None if say.against is None else (say.against.verdict.value, say.against.model)
    said = (say.path, say.rater, say.sitting, say.kind, say.subject, say.value, say.when, say.blind)
    return UnsavedStatement(*said, against)
