"""The controller's readings: the reader's own labels, kept apart from the verdict."""

import statistics
import time
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from lsgui.core.label import ReaderLabel
from lsgui.gui.controller_lines import LinesPart
from lsgui.gui.reading_orders import ReasonSaved, SaveReason, StoreOrder
from lsgui.gui.reading_thread import (
    FindLabel,
    FindLabels,
    LabelFailed,
    LabelFound,
    LabelSaved,
    LabelsFound,
    ReadingThread,
    SaveLabel,
)
from lsgui.gui.state_keeper import StateKeeper
from lsgui.gui.survey_thread import ClipKnown
from lsgui.review import override_transitions as ov
from lsgui.review import transitions as to
from lsgui.review.state import LoadPhase, Reading, ReviewState

_LONGEST_PAUSE_S = 600.0
"""A longer time between two labels is a break, not reading."""


class ReadingsPart(QObject):
    """Saves a label at the key press."""

    labelSaved = Signal()
    clipKnown = Signal(object)
    """The selected clip's `ClipKnown`: its fingerprint."""
    told = Signal(object)
    """Every event of the thread, after it was taken in here."""

    def __init__(self, keeper: StateKeeper, lines: LinesPart) -> None:
        super().__init__(keeper)
        self._keeper = keeper
        self._thread = ReadingThread(self)
        self._thread.told.connect(self._on_thread_told)
        self._known: ClipKnown | None = None
        self._saved_at: list[float] = []
        lines.clipKnown.connect(self._on_lines_clipKnown)
        keeper.stateChanged.connect(self._on_keeper_stateChanged)

    def save(self, label: ReaderLabel) -> None:
        """Save what the reader says of the selected clip."""
        state = self._keeper.state
        clip, against = state.clip, ov.contradicted(state, label)
        if clip is None or clip.phase in (LoadPhase.EMPTY, LoadPhase.FAILED):
            return
        self._keeper.change(lambda s: to.reading_pending(s, label))
        self._thread.submit(SaveLabel(clip.path, self.known_hash(clip.path), state.rater, label, against))

    def give_reason(self, reason: str) -> None:
        """Save why the last label contradicts the verdict; an empty reason stays "not given"."""
        override = self._keeper.state.override
        if override is None:
            return
        if reason.strip():
            self._thread.submit(SaveReason(override.reading, override.against, reason.strip()))
        else:
            self._keeper.change(ov.override_settled)

    def submit(self, order: StoreOrder) -> None:
        """Carry out an order about intervals or overrides after what waits."""
        self._thread.submit(order)

    def known_hash(self, path: Path) -> str | None:
        """Return the fingerprint of the selected clip once it is known."""
        return self._known.content_hash if self._known is not None and self._known.path == path else None

    def look_up_worklist(self) -> None:
        """Show the reader's earlier labels in the worklist."""
        state = self._keeper.state
        if state.worklist:
            self._thread.submit(FindLabels(tuple(entry.path for entry in state.worklist), state.rater))

    def close(self) -> None:
        """Save what waits, then end the thread."""
        self._thread.close()

    def _on_lines_clipKnown(self, known: ClipKnown) -> None:
        self._known = known
        self.clipKnown.emit(known)
        self._thread.submit(FindLabel(known.path, known.content_hash, self._keeper.state.rater))

    def _on_keeper_stateChanged(self, old: ReviewState, new: ReviewState) -> None:
        if len(new.worklist) > len(old.worklist):
            self.look_up_worklist()
        if new.rater != old.rater:
            unlabelled = tuple(replace(entry, label=None) for entry in new.worklist)
            self._keeper.change(lambda s: replace(s, worklist=unlabelled, reading=Reading()))
            self.look_up_worklist()
            if self._known is not None and new.clip is not None and new.clip.path == self._known.path:
                self._thread.submit(FindLabel(self._known.path, self._known.content_hash, new.rater))

    def _on_thread_told(self, event: object) -> None:
        clip = self._keeper.state.clip
        path = None if clip is None else clip.path
        self._take_in(event, path)
        self.told.emit(event)

    def _take_in(self, event: object, path: Path | None) -> None:
        if isinstance(event, LabelSaved):
            self._count()
            self._keeper.change(
                lambda s: ov.override_asked(s, event.path.name, event.label, event.reading, event.against)
            )
            if event.path == path:
                self._keeper.change(lambda s: to.reading_saved(s, event.label, event.at))
                self.labelSaved.emit()
            else:
                self._keeper.change(lambda s: to.entry_changed(s, event.path, label=event.label))
        elif isinstance(event, ReasonSaved):
            self._keeper.change(lambda s: ov.override_settled(s, event.reading))
        elif isinstance(event, LabelFound) and event.path == path:
            if self._keeper.state.reading.label is None:
                self._keeper.change(lambda s: to.reading_saved(s, event.label, event.at))
        elif isinstance(event, LabelsFound) and event.rater == self._keeper.state.rater:
            self._keeper.change(lambda s: to.labels_found(s, event.labels))
        elif isinstance(event, LabelFailed):
            if event.path is not None and event.path == path:
                self._keeper.change(lambda s: to.reading_failed(s, event.sentence))
            self._keeper.change(lambda s: to.notice_set(s, event.sentence))

    def _count(self) -> None:
        """Learn how fast the reader reads, for the worklist's estimate."""
        self._saved_at = [*self._saved_at[-20:], time.monotonic()]
        steps = [b - a for a, b in zip(self._saved_at, self._saved_at[1:], strict=False) if b - a < _LONGEST_PAUSE_S]
        if steps:
            pace = statistics.median(steps)
            self._keeper.change(lambda s: replace(s, pace_s=pace))
