"""The controller's readings: every statement on its way to the store, and what stands of them on the selected clip."""

import time
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from lsgui.core.label import SlidingLabel
from lsgui.core.reading import ReadingRecord, StatementKind
from lsgui.gui.controller_lines import LinesPart
from lsgui.gui.reading_orders import (
    FindLabels,
    FindReading,
    LabelsFound,
    LookAgain,
    LookUpFailed,
    PutBack,
    ReadingFound,
    Said,
    SaveElsewhere,
    Say,
    StoreChanged,
    TryAgain,
    UseStore,
    Waiting,
)
from lsgui.gui.reading_thread import ReadingThread
from lsgui.gui.state_keeper import StateKeeper
from lsgui.gui.survey_thread import ClipKnown
from lsgui.review import override_transitions as ov
from lsgui.review import reading_transitions as rd
from lsgui.review import transitions as to
from lsgui.review.reading_state import Unsaved
from lsgui.review.session_snapshot import UnsavedStatement
from lsgui.review.state import Contradicted, LoadPhase, ReviewState

_LONGEST_PAUSE_S = 600.0
"""A longer time between two labels is a break, not reading."""
_LONGEST_SETTLE_S = 8.0
_LOOK_AGAIN_MS = 2000
"""How often the store is asked whether another program has written to it."""


class ReadingsPart(QObject):
    """Sends statements to the thread that keeps them, and shows how far each has come."""

    labelSaved = Signal()
    """A label that the reader has just given to the selected clip is on disk."""
    clipKnown = Signal(object)
    """The selected clip's `ClipKnown`: its fingerprint."""
    recordFound = Signal(object)
    """What the reader had said of the selected clip: a `ReadingRecord` or None."""
    saying = Signal(object)
    """What the reader says, as it is said: a `Say`."""
    told = Signal(object)
    """Every event of the thread, after it was taken in here."""

    def __init__(self, keeper: StateKeeper, lines: LinesPart, file: Path) -> None:
        super().__init__(keeper)
        self._keeper = keeper
        self._thread = ReadingThread(file, self)
        self._thread.told.connect(self._on_thread_told)
        self._known: ClipKnown | None = None
        self._ticket = 0
        self._open: dict[int, Say] = {}
        """Statements that are not on disk yet, by their tickets."""
        self._last: dict[Path, int] = {}
        """The last ticket of every clip."""
        self._fresh: set[int] = set()
        """Tickets of labels that go on to the next clip once they are saved."""
        self._saved_at: list[float] = []
        self._looked_up: Path | None = None
        """The selected clip, once it is known what was said of it before."""
        self._timer = QTimer(self)
        self._timer.setInterval(_LOOK_AGAIN_MS)
        self._timer.timeout.connect(lambda: self._thread.submit(LookAgain()))
        lines.clipKnown.connect(self._on_lines_clipKnown)
        keeper.stateChanged.connect(self._on_keeper_stateChanged)

    @property
    def unsaved(self) -> int:
        """How many statements are not on disk."""
        return self._thread.unsaved

    @property
    def why_unsaved(self) -> str:
        """Why not everything is on disk: one sentence, empty where all is."""
        return self._thread.fault

    def say(
        self,
        path: Path,
        kind: StatementKind,
        value: Any,
        *,
        subject: str = "",
        blind: bool = False,
        against: Contradicted | None = None,
        fresh: bool = False,
    ) -> None:
        """Keep what the reader says of a clip; `value` is plain JSON. `fresh` marks a label that was just given."""
        state = self._keeper.state
        self._ticket += 1
        order = Say(
            *(self._ticket, path, self.known_hash(path), state.rater, state.sitting, kind, value, datetime.now(UTC)),
            *(subject, blind, against),
        )
        self._open[order.ticket] = order
        self._last[path] = order.ticket
        if fresh:
            self._fresh.add(order.ticket)
        self._thread.submit(order)
        self.saying.emit(order)
        self._look_at_times()

    @property
    def open_statements(self) -> tuple[Say, ...]:
        """What is not on disk yet, in the order in which it was said."""
        return tuple(self._open.values())

    def say_again(self, statements: Iterable[UnsavedStatement]) -> frozenset[int]:
        """Keep what a killed window could not, as it was said: by whom and when. Returns the tickets."""
        tickets = []
        for said in statements:
            self._ticket += 1
            against = None if said.against is None else Contradicted(SlidingLabel(said.against[0]), said.against[1])
            order = Say(
                *(self._ticket, said.path, None, said.rater, said.sitting, said.kind, said.value, said.said_at),
                *(said.subject, said.blind, against),
            )
            self._open[order.ticket] = order
            tickets.append(order.ticket)
            self._thread.submit(order)
        return frozenset(tickets)

    def give_reason(self, reason: str) -> None:
        """Save why the last label contradicts the verdict; an empty reason stays "not given".

        The question goes when its answer is on the disk.
        """
        override = self._keeper.state.override
        if override is None or not reason.strip():
            self._keeper.change(ov.override_settled)
            return
        against = override.against
        note = {"verdict": against.verdict.value, "model": against.model, "reason": reason.strip()}
        self.say(override.path, StatementKind.OVERRIDE, note, subject=override.reading)

    def looked_up(self, path: Path) -> bool:
        """Return whether it is known what the reader had said of the selected clip before."""
        return self._looked_up == path

    def known_hash(self, path: Path) -> str | None:
        """Return the fingerprint of the selected clip once it is known."""
        return self._known.content_hash if self._known is not None and self._known.path == path else None

    def look_up_worklist(self) -> None:
        """Show the reader's earlier labels in the worklist."""
        state = self._keeper.state
        if state.worklist:
            paths = tuple(entry.path for entry in state.worklist)
            self._thread.submit(FindLabels(paths, state.rater, state.sitting))

    def look_up_clip(self) -> None:
        """Show what the reader had said of the selected clip."""
        state, known = self._keeper.state, self._known
        if known is None or state.clip is None or state.clip.path != known.path:
            return
        last = self._last.get(known.path, 0)
        adjudicating = state.adjudication is not None
        self._thread.submit(FindReading(known.path, known.content_hash, state.rater, state.sitting, last, adjudicating))

    def use_store(self, file: Path) -> None:
        """Keep statements in another file; only while none waits."""
        self._thread.submit(UseStore(file))

    def settle(self) -> int:
        """Try to write what waits before the window closes; return how many statements are still not on disk."""
        return self._thread.settle(_LONGEST_SETTLE_S)

    def try_again(self) -> None:
        """Write what waits now."""
        self._thread.submit(TryAgain())

    def save_elsewhere(self, file: Path) -> None:
        """Write what waits to another file; `told` says how it went (`SavedElsewhere`)."""
        self._thread.submit(SaveElsewhere(file))

    def close(self) -> None:
        """Save what waits, then end the thread."""
        self._timer.stop()
        self._thread.close()

    def _look_at_times(self) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def _on_lines_clipKnown(self, known: ClipKnown) -> None:
        self._known = known
        self.clipKnown.emit(known)
        self.look_up_clip()
        self._look_at_times()

    def _on_keeper_stateChanged(self, old: ReviewState, new: ReviewState) -> None:
        if old.clip is not new.clip and (new.clip is None or new.clip.phase is LoadPhase.OPENING):
            self._looked_up = None
        found = len(new.worklist) > len(old.worklist)
        if not new.scanning and (found or old.scanning):  # once a folder is searched, not at every part of it
            self.look_up_worklist()

    def _on_thread_told(self, event: object) -> None:
        if isinstance(event, Said):
            self._take_said(event)
        elif isinstance(event, Waiting):
            self._take_waiting(event)
        elif isinstance(event, ReadingFound):
            self._take_reading(event)
        elif isinstance(event, LabelsFound):
            self._take_labels(event)
        elif isinstance(event, StoreChanged):
            self.look_up_clip()
            self.look_up_worklist()
        elif isinstance(event, PutBack):
            self._keeper.change(lambda s: to.notice_set(s, put_back_words(event)))
        elif isinstance(event, LookUpFailed):
            self._keeper.change(lambda s: to.notice_set(s, event.sentence))
            self._note_looked_up(None)
        self.told.emit(event)

    def _take_said(self, event: Said) -> None:
        order = event.order
        self._open.pop(order.ticket, None)
        fresh = order.ticket in self._fresh
        self._fresh.discard(order.ticket)
        if (order.rater, order.sitting) != (self._keeper.state.rater, self._keeper.state.sitting):
            return
        on_screen = self._is_on_screen(order.path)
        if on_screen and not any((o.path, o.kind) == (order.path, order.kind) for o in self._open.values()):
            self._keeper.change(lambda s: rd.saved(s, order.kind, event.at))
        if order.kind is StatementKind.OVERRIDE:
            self._keeper.change(lambda s: ov.override_settled(s, order.subject))
        if order.kind is not StatementKind.LABEL:
            return
        label = rd.label_of(order.value)
        if not on_screen:
            self._keeper.change(lambda s: rd.entry_labelled(s, order.path, label))
        if fresh and label is not None:
            self._count()
            self._keeper.change(lambda s: ov.override_asked(s, order.path, label, event.uid, order.against))
            if on_screen:
                self.labelSaved.emit()

    def _take_waiting(self, event: Waiting) -> None:
        self._keeper.change(lambda s: rd.unsaved_set(s, Unsaved(event.count, event.sentence)))
        if not event.count:
            return
        for order in self._open.values():
            if self._is_on_screen(order.path) and order.path in event.paths:
                self._keeper.change(partial(rd.failed, kind=order.kind, sentence=event.sentence))

    def _take_reading(self, event: ReadingFound) -> None:
        order, state = event.order, self._keeper.state
        if not self._is_on_screen(order.path) or (order.rater, order.sitting) != (state.rater, state.sitting):
            return
        if order.ticket < self._last.get(order.path, 0) or order.adjudicating != (state.adjudication is not None):
            self.look_up_clip()  # something was said meanwhile
            return
        self._keeper.change(lambda s: rd.record_found(s, event.record, event.marks))
        self._note_looked_up(event.record)

    def _note_looked_up(self, record: ReadingRecord | None) -> None:
        clip = self._keeper.state.clip
        self._looked_up = None if clip is None else clip.path
        self.recordFound.emit(record)

    def _take_labels(self, event: LabelsFound) -> None:
        state = self._keeper.state
        if (event.order.rater, event.order.sitting) != (state.rater, state.sitting):
            return
        self._keeper.change(lambda s: replace(rd.labels_found(s, event.labels), known_raters=event.raters))

    def _is_on_screen(self, path: Path) -> bool:
        clip = self._keeper.state.clip
        return clip is not None and clip.path == path

    def _count(self) -> None:
        """Learn how fast the reader reads, for the worklist's estimate."""
        self._saved_at = [*self._saved_at[-20:], time.monotonic()]
        steps = [b - a for a, b in zip(self._saved_at, self._saved_at[1:], strict=False) if b - a < _LONGEST_PAUSE_S]
        if steps:
            from statistics import median  # here: the first window needs none of it

            pace = median(steps)
            self._keeper.change(lambda s: replace(s, pace_s=pace))


def put_back_words(event: PutBack) -> str:
    """Return what is to be known of a store that another file had taken the place of."""
    many, was = ("1 thing", "was") if event.count == 1 else (f"{event.count} things", "were")
    name = event.file.name
    return f"{name} was replaced while the window was open: {many} that you had said {was} saved again in the new file."
