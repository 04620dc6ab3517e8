"""The controller's worklist: finds clips, lists them as the reader chose, and finds the way through them."""

import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from lsgui.core.errors import LsguiError
from lsgui.core.prediction import Prediction
from lsgui.core.reading import StatementKind
from lsgui.gui.facts_thread import (
    Asked,
    ClipsRecognised,
    FactsLearnt,
    FactsThread,
    KeepClip,
    KeepVerdict,
    Learn,
    LookAgain,
    PlacesLearnt,
)
from lsgui.gui.job_thread import JobThread
from lsgui.gui.reading_orders import Said, StoreChanged
from lsgui.gui.state_keeper import StateKeeper
from lsgui.gui.worklist_bar import fresh_choice
from lsgui.gui.worklist_scan import ScanBegan, ScanEnded, ScanFailed, ScanFound, ScanJob
from lsgui.review import transitions as to
from lsgui.review import worklist_transitions as wl
from lsgui.review.paths import labels_file, recent_file, worklists_file
from lsgui.review.recent import load_recent, save_recent, with_recent
from lsgui.review.state import AnalysisPhase, ReviewState
from lsgui.review.worklist_choice import ListFilter
from lsgui.review.worklist_memory import Remembered, WorklistMemory, clip_key
from lsgui.review.worklist_view import listed, neighbour, next_unlabelled

if TYPE_CHECKING:
    from lsgui.gui.controller_readings import ReadingsPart  # which knows this part: only the type is needed here

log = logging.getLogger(__name__)

_KEEP_AFTER_MS = 700
"""How long after the last change the choice is written down."""
_NOTED_MOST = 32
"""So many verdicts are remembered as noted: more than stay at hand when their clips are left (`KEPT_CLIPS`)."""

Select = Callable[[int], None]


class WorklistPart(QObject):
    """Fills the worklist, and answers which clip comes next. It turns to none itself: `select` does.

    Parameters
    ----------
    select
        Turns to a clip by its place in the worklist.
    """

    recognised = Signal()
    """Clips were recognised by what they hold, whatever their names are."""

    def __init__(self, keeper: StateKeeper, select: Select, parent: QObject) -> None:
        super().__init__(parent)
        self._keeper = keeper
        self._select = select
        self._scanner = JobThread("scanner", self)
        self._scanner.told.connect(self._on_scanner_told)
        self.opened: tuple[Path, ...] = ()
        """The files and folders that were opened, in their order."""
        self._pending: tuple[Path, ...] = ()
        self._folders: tuple[Path, ...] = ()
        self._awaited = False
        self._to_show: Path | None = None
        self._came_from: Path | None = None
        self._facts = FactsThread(self)
        self._facts.told.connect(self._on_facts_told)
        self._store: Callable[[], Path] = labels_file
        self._noted: OrderedDict[Path, Prediction] = OrderedDict()
        """The last verdicts that were kept: one of them may be shown again, and is not news."""
        self._keep_soon = QTimer(self)
        self._keep_soon.setSingleShot(True)
        self._keep_soon.setInterval(_KEEP_AFTER_MS)
        self._keep_soon.timeout.connect(self._keep)
        keeper.stateChanged.connect(self._on_keeper_stateChanged)

    def follow(self, readings: "ReadingsPart", store: Callable[[], Path]) -> None:
        """Show what the store knows of the clips: which store it is, and when to look again.

        Parameters
        ----------
        readings
            Tells what was said and when another program wrote; looks up the reader's own labels.
        store
            Gives the file.
        """
        self._store = store
        readings.told.connect(self._on_readings_told)
        self.recognised.connect(readings.look_up_worklist)

    def load_recent(self) -> None:
        """Read the list of recently opened clips."""
        try:
            recent = load_recent(recent_file())
        except LsguiError as fault:
            self._say(str(fault))
            return
        self._keeper.change(lambda s: replace(s, recent=recent))

    def open_paths(self, paths: list[Path]) -> None:
        """Look for clips there; the one that was left last is shown, else the first."""
        wanted = tuple(Path(path).absolute() for path in paths)
        self._pending = (*self._pending, *wanted)
        self.opened = tuple(dict.fromkeys((*self.opened, *wanted)))
        self._keeper.change(lambda s: replace(s, scanning=True, notice=""))
        self._scanner.submit(ScanJob(self._pending))

    def next_unlabelled(self) -> int | None:
        """Return the next clip without a label in the order of the list."""
        state = self._keeper.state
        return next_unlabelled(state.worklist, listed(state).order, state.selected)

    def go_next_unlabelled(self) -> None:
        """Turn to the next clip without a label, or say that there is none."""
        index = self.next_unlabelled()
        if index is not None:
            self._select(index)
            return
        self._say(_nothing_left(self._keeper.state))

    def go_first_unlabelled(self) -> None:
        """Turn to the first clip without a label."""
        state = self._keeper.state
        index = next_unlabelled(state.worklist, listed(state).order, None)
        if index is None:
            self._say("Every clip that is listed has a label.")
        elif index != state.selected:
            self._select(index)

    def go(self, step: int) -> None:
        """Turn to the clip `step` places further down the list.

        One step back leads to the clip that was on screen before where a filter took that out of the list meanwhile:
        a label that was just given can be looked at again.
        """
        state = self._keeper.state
        order = listed(state).order
        if step == -1 and self._came_from is not None:
            before = to.place_of(state, self._came_from)
            if before is not None and before != state.selected and before not in order:
                self._select(before)
                return
        index = neighbour(order, state.selected, step)
        if index is not None:
            self._select(index)

    def look_anew(self) -> None:
        """Another person reads, or from another store: learn anew what there is to know."""
        if self._keeper.state.worklist:
            self._keeper.change(wl.facts_forgotten)
            self._learn()

    def forget(self) -> None:
        """The worklist is emptied: stop the search, and keep how it was left."""
        self._scanner.stop_job()
        self._facts.forget()
        self._noted.clear()
        self._keep_now()
        self._pending = self._folders = self.opened = ()
        self._awaited, self._to_show, self._came_from = False, None, None

    def close(self) -> None:
        """Keep how the worklist is left, and end the thread."""
        self._keep_now()
        self._facts.told.disconnect(self._on_facts_told)  # what is still on its way comes too late
        self._scanner.close()
        self._facts.close()

    def _say(self, sentence: str) -> None:
        self._keeper.change(lambda s: to.notice_set(s, sentence))

    # --- filling ------------------------------------------------------------------------------------------------

    def _on_scanner_told(self, event: object) -> None:
        if isinstance(event, ScanFailed):
            self._pending = ()
            self._keeper.change(lambda s: to.notice_set(replace(s, scanning=False), event.sentence))
        elif getattr(event, "asked", None) != self._pending:
            return  # more was asked for meanwhile: the search begins anew
        elif isinstance(event, ScanBegan):
            self._begin(event)
        elif isinstance(event, ScanFound):
            self._take_in(event)
        elif isinstance(event, ScanEnded):
            self._end(event)

    def _begin(self, event: ScanBegan) -> None:
        self._awaited = True
        self._to_show = None
        if not self._keeper.state.worklist:
            left = event.remembered
            choice = fresh_choice() if left is None else left.choice
            self._keeper.change(lambda s: wl.listing_set(s, choice))
            self._awaited = left is None or not left.clip
        self._folders = (*self._folders, *(folder for folder in event.folders if folder not in self._folders))

    def _take_in(self, event: ScanFound) -> None:
        self._keeper.change(lambda s: to.worklist_extended(s, event.entries, scanning=True))
        if self._to_show is None:
            self._to_show = event.entries[0].path
        if event.left_at is not None:
            further = event.left_at != self._to_show
            self._show(event.left_at)
            if further:
                self._say("Back at the clip where you left. Ctrl+Home goes to the first unlabelled one.")
        elif self._awaited:
            self._show(self._to_show)

    def _show(self, path: Path) -> None:
        self._awaited = False
        self._to_show = path
        index = to.place_of(self._keeper.state, path)
        if index is not None:
            self._select(index)

    def _end(self, event: ScanEnded) -> None:
        self._pending = ()
        recent = self._keeper.state.recent
        for path in event.asked:
            recent = with_recent(recent, path)
        self._keeper.change(lambda s: replace(s, scanning=False, recent=recent))
        if self._keeper.state.selected is None and self._to_show is not None:
            self._show(self._to_show)  # the clip where the reader left is gone
        try:
            save_recent(recent_file(), recent)
        except LsguiError as fault:
            log.info("recent files: %s", type(fault).__name__, exc_info=True)
        self._learn()

    # --- what the store knows -----------------------------------------------------------------------------------

    def _asked(self) -> Asked:
        return Asked(self._store(), self._keeper.state.rater)

    def _learn(self) -> None:
        paths = tuple(entry.path for entry in self._keeper.state.worklist)
        self._facts.submit(Learn(self._asked(), paths))

    def _on_readings_told(self, event: object) -> None:
        if isinstance(event, StoreChanged):
            self._facts.submit(LookAgain(self._asked()))
        elif isinstance(event, Said) and event.order.kind is StatementKind.LABEL:
            clip = self._keeper.state.clip
            if clip is not None and clip.info is not None and clip.path == event.order.path:
                self._facts.submit(KeepClip(self._asked(), clip.path, clip.info))
        elif isinstance(event, Said) and event.order.kind is StatementKind.ADJUDICATION:
            self._facts.submit(LookAgain(self._asked()))

    def _on_facts_told(self, event: object) -> None:
        if isinstance(event, PlacesLearnt):
            self._keeper.change(lambda s: wl.places_learnt(s, event.places))
        elif isinstance(event, FactsLearnt) and event.asked == self._asked():
            self._keeper.change(lambda s: wl.facts_learnt(s, event.facts))
        elif isinstance(event, ClipsRecognised):
            self.recognised.emit()

    def _note_verdict(self, new: ReviewState) -> None:
        """Keep a new verdict on the line as it stands: what it says is known in later sittings too."""
        analysis, clip = new.analysis, new.clip
        if analysis.phase is not AnalysisPhase.DONE or analysis.stale or analysis.prediction is None or clip is None:
            return
        if self._noted.get(clip.path) is not analysis.prediction:
            self._noted[clip.path] = analysis.prediction
            self._noted.move_to_end(clip.path)
            while len(self._noted) > _NOTED_MOST:
                self._noted.popitem(last=False)
            self._facts.submit(KeepVerdict(self._asked(), clip.path, analysis.prediction))

    # --- remembering --------------------------------------------------------------------------------------------

    def _on_keeper_stateChanged(self, old: ReviewState, new: ReviewState) -> None:
        if old.clip is not None and new.clip is not None and old.clip.path != new.clip.path:
            self._came_from = old.clip.path
        if old.analysis is not new.analysis:
            self._note_verdict(new)
        if old.rater != new.rater:
            self.look_anew()
        if self._folders and (old.listing != new.listing or old.selected != new.selected):
            self._keep_soon.start()

    def _keep_now(self) -> None:
        if self._keep_soon.isActive():
            self._keep_soon.stop()
            self._keep()

    def _keep(self) -> None:
        state = self._keeper.state
        if not self._folders or state.clip is None:
            return
        try:
            left = Remembered(state.listing, clip_key(state.clip.path))
            WorklistMemory(worklists_file()).keep(self._folders, left)
        except LsguiError as fault:
            log.info("worklists: %s", type(fault).__name__, exc_info=True)


def _nothing_left(state: ReviewState) -> str:
    """Return why there is no next clip to label."""
    choice = state.listing
    narrowed = choice.filter not in (ListFilter.ALL, ListFilter.UNLABELLED) or bool(choice.search.strip())
    sentence = f"Every other clip {'that is listed' if narrowed else 'of the worklist'} has a label"
    faulty = sum(bool(entry.error) and entry.label is None for entry in state.worklist)
    if faulty:
        sentence += f", but {faulty} cannot be read"
    return f"{sentence}. Ctrl+Shift+F lists all." if narrowed else f"{sentence}."
