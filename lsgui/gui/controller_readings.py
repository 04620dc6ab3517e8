"""The controller's readings: the reader's own labels, kept apart from the verdict."""

import statistics
import time
from dataclasses import replace

from PySide6.QtCore import QObject, Signal

from lsgui.core.label import ReaderLabel
from lsgui.gui.controller_lines import LinesPart
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
from lsgui.review import transitions as to
from lsgui.review.state import LoadPhase, Reading, ReviewState

_LONGEST_PAUSE_S = 600.0
"""A longer time between two labels is a break, not reading."""


class ReadingsPart(QObject):
    """Saves a label at the key press."""

    labelSaved = Signal()

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
        clip = self._keeper.state.clip
        if clip is None or clip.phase in (LoadPhase.EMPTY, LoadPhase.FAILED):
            return
        self._keeper.change(lambda s: to.reading_pending(s, label))
        known = self._known.content_hash if self._known is not None and self._known.path == clip.path else None
        self._thread.submit(SaveLabel(clip.path, known, self._keeper.state.rater, label))

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
        if isinstance(event, LabelSaved):
            self._count()
            if event.path == path:
                self._keeper.change(lambda s: to.reading_saved(s, event.label, event.at))
                self.labelSaved.emit()
            else:
                self._keeper.change(lambda s: to.entry_changed(s, event.path, label=event.label))
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
