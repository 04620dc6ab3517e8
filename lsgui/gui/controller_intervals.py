"""The controller's intervals: the I key marks where a class begins and ends; every press is saved."""

import uuid

from PySide6.QtCore import QObject

from lsgui.core.interval import IntervalMark
from lsgui.gui.controller_clips import ClipsPart
from lsgui.gui.controller_readings import ReadingsPart
from lsgui.gui.reading_orders import FindIntervals, IntervalsFound, SaveInterval
from lsgui.gui.reading_thread import LabelFailed
from lsgui.gui.state_keeper import StateKeeper
from lsgui.gui.survey_thread import ClipKnown
from lsgui.review import interval_transitions as iv
from lsgui.review.state import ReviewState


class IntervalsPart(QObject):
    """Keeps the intervals of the selected clip, through the thread of the readings."""

    def __init__(self, keeper: StateKeeper, clips: ClipsPart, readings: ReadingsPart) -> None:
        super().__init__(keeper)
        self._keeper = keeper
        self._clips = clips
        self._readings = readings
        self._withdrawn: set[str] = set()
        self._edits_before: dict[str, int] = {}
        """How many edits of the line had been made when an interval was marked: undo goes back in that order."""
        readings.clipKnown.connect(self._on_readings_clipKnown)
        readings.told.connect(self._on_readings_told)
        keeper.stateChanged.connect(self._on_keeper_stateChanged)

    def mark(self) -> None:
        """Mark a start at the current frame, or the end of the interval that is begun."""
        state = self._keeper.state
        if state.clip is None or state.clip.frames_ready == 0:
            return
        begun, frame = iv.half_open(state), state.playback.frame
        label = state.reading.label
        mark = IntervalMark(uuid.uuid4().hex, frame, None, label) if begun is None else begun.ended(frame, label)
        if begun is None:
            self._edits_before[mark.id] = len(self._clips.history.past)
        self._save(mark)
        self._keeper.change(lambda s: iv.interval_put(s, mark))

    def drop_half(self) -> bool:
        """Withdraw the interval that has no end yet; False where there is none."""
        begun = iv.half_open(self._keeper.state)
        if begun is not None:
            self._withdraw(begun)
        return begun is not None

    def undo(self) -> bool:
        """Withdraw the last interval; False where there is none, or an edit of the line came after it."""
        intervals = self._keeper.state.intervals
        if not intervals or self._edits_before.get(intervals[-1].id, 0) < len(self._clips.history.past):
            return False
        self._withdraw(intervals[-1])
        return True

    def _withdraw(self, mark: IntervalMark) -> None:
        self._withdrawn.add(mark.id)
        self._save(mark, withdrawn=True)
        self._keeper.change(lambda s: iv.interval_gone(s, mark.id))

    def _save(self, mark: IntervalMark, *, withdrawn: bool = False) -> None:
        state = self._keeper.state
        if state.clip is None:
            return
        path, former = state.clip.path, next((other for other in state.intervals if other.id == mark.id), None)
        known = self._readings.known_hash(path)
        self._readings.submit(SaveInterval(path, known, state.rater, mark, former, withdrawn))

    def _on_readings_clipKnown(self, known: ClipKnown) -> None:
        self._readings.submit(FindIntervals(known.path, known.content_hash, self._keeper.state.rater))

    def _on_keeper_stateChanged(self, old: ReviewState, new: ReviewState) -> None:
        if old.rater != new.rater and new.clip is not None:
            self._keeper.change(iv.without_intervals)
            known = self._readings.known_hash(new.clip.path)
            if known is not None:
                self._readings.submit(FindIntervals(new.clip.path, known, new.rater))

    def _on_readings_told(self, event: object) -> None:
        state = self._keeper.state
        path = None if state.clip is None else state.clip.path
        if isinstance(event, IntervalsFound) and (event.path, event.rater) == (path, state.rater):
            self._keeper.change(lambda s: iv.intervals_found(s, event.intervals, self._withdrawn))
        elif isinstance(event, LabelFailed) and isinstance(event.order, SaveInterval) and event.order.path == path:
            order = event.order  # only what is on disk may look as if it were
            self._withdrawn.discard(order.interval.id)
            self._keeper.change(lambda s: iv.interval_unsaved(s, order.interval, order.former))
