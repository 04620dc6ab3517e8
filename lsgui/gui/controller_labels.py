"""The controller's labels: what the reader says of a clip, with one undo and redo over the whole sitting."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject

from lsgui.core.interval import IntervalMark
from lsgui.core.label import ReaderLabel
from lsgui.core.pleura import PleuralROI
from lsgui.core.reading import ReadingRecord, StatementKind, Tag
from lsgui.gui.controller_clips import ClipsPart
from lsgui.gui.controller_lines import LinesPart
from lsgui.gui.controller_readings import ReadingsPart
from lsgui.gui.state_keeper import StateKeeper
from lsgui.review import interval_transitions as iv
from lsgui.review import override_transitions as ov
from lsgui.review import reading_transitions as rd
from lsgui.review import transitions as to
from lsgui.review.label_history import Edit, LabelHistory
from lsgui.review.line_of_reader import Line, line_value, same_line
from lsgui.review.reading_state import Reading
from lsgui.review.state import LoadPhase, ReviewState, RoiPhase

_READABLE = (LoadPhase.OPENING, LoadPhase.DECODING, LoadPhase.COMPLETE)


class LabelsPart(QObject):
    """Turns what the reader does into statements, each saved at once, and takes it back or does it again.

    Nothing is said in nobody's name: while the reader is not known the window asks, and what was said waits.
    """

    def __init__(self, keeper: StateKeeper, clips: ClipsPart, lines: LinesPart, readings: ReadingsPart) -> None:
        super().__init__(keeper)
        self._keeper = keeper
        self._clips = clips
        self._lines = lines
        self._readings = readings
        self._history = LabelHistory()
        self._held: list[Edit] = []
        """What was said while nobody had said who reads."""
        self._early: list[tuple[Path, Callable[[Path, Reading], Edit]]] = []
        """What depends on what was said of a clip before, until that is known."""
        self._revealed: set[tuple[str, int, Path]] = set()
        """Who has seen the verdict or another rater's reading of which clip, in which sitting."""
        lines.lineEdited.connect(self._on_lines_lineEdited)
        readings.recordFound.connect(self._on_readings_recordFound)
        keeper.stateChanged.connect(self._on_keeper_stateChanged)

    # What the reader says

    def label(self, label: ReaderLabel) -> None:
        """Save what the reader says of the selected clip; said twice it is saved once."""
        state = self._keeper.state
        path = self._path()
        if path is None:
            return
        kind, answer = StatementKind.LABEL, state.reading
        if state.adjudication is not None:
            kind, answer = StatementKind.ADJUDICATION, state.adjudication.answer
        if answer.label is label and not answer.error:
            if answer.saved_at and kind is StatementKind.LABEL:
                self._readings.labelSaved.emit()
            return
        self._do(Edit(path, kind, answer.label, label))

    def toggle_tag(self, tag: Tag) -> None:
        """Say that a sign is seen, or no longer."""
        self._once_known(lambda path, reading: Edit(path, StatementKind.TAGS, reading.tags, reading.tags ^ {tag}))

    def set_confidence(self, level: int) -> None:
        """Say how sure the reader is, 1 to 3; the same again takes it back."""

        def edit(path: Path, reading: Reading) -> Edit:
            now = reading.confidence
            return Edit(path, StatementKind.CONFIDENCE, now, None if now == level else level)

        self._once_known(edit)

    def set_comment(self, path: Path, former: str, text: str, *, goes_on: bool = False) -> None:
        """Save the comment on a clip; `goes_on` while it is still being typed, which is one edit."""
        if text != former and self._may_describe():
            self._do(Edit(path, StatementKind.COMMENT, former, text), goes_on=goes_on)

    def mark_interval(self, before: IntervalMark | None, after: IntervalMark | None) -> None:
        """Save an interval that was begun, ended or dropped."""
        path, mark = self._path(), after or before
        if path is None or mark is None or not self._may_describe():
            return
        edit = Edit(path, StatementKind.INTERVAL, before, after, mark.id)
        if after is None and before is not None and before.stop is None:
            self._history = self._history.without_start(path, mark.id)
            self._put(edit, None)
            self._show_history()
        else:
            self._do(edit, goes_on=before is not None and after is not None)

    # Undo and redo

    def undo(self) -> None:
        """Take back the last edit of this sitting, on whichever clip it was done."""
        done = self._history.undo()
        if done is not None:
            self._history, edit = done
            self._turn_and_put(edit, edit.before, "Undone")

    def redo(self) -> None:
        """Do the last edit again that was taken back."""
        done = self._history.redo()
        if done is not None:
            self._history, edit = done
            self._turn_and_put(edit, edit.after, "Done again")

    # Who reads

    def name_reader(self) -> None:
        """The reader is known now: save what waited for it, and a line that was drawn meanwhile."""
        held, self._held = self._held, []
        state = self._keeper.state
        if state.clip is not None and state.roi is not None and line_value(state.roi) is not None:
            self._say_line(state.clip.path, state.roi)
        for edit in held:
            self._do(edit)

    def drop_held(self) -> bool:
        """Forget what waited for the reader's name; True where something did."""
        waited = bool(self._held)
        self._held.clear()
        return waited

    def begin_anew(self) -> None:
        """Another reader, sitting or project: nothing of the former one can be taken back."""
        self._history = LabelHistory()
        self._show_history()

    # Parts

    def _path(self) -> Path | None:
        clip = self._keeper.state.clip
        return clip.path if clip is not None and clip.phase in _READABLE else None

    def _may_describe(self) -> bool:
        """Signs, confidence, comment and intervals belong to a reading: an adjudication is a label alone."""
        return self._keeper.state.adjudication is None

    def _once_known(self, edit: Callable[[Path, Reading], Edit]) -> None:
        """Do what depends on what was said of the clip before: as soon as that is known."""
        path = self._path()
        if path is None or not self._may_describe():
            return
        if self._readings.looked_up(path):
            self._do(edit(path, self._keeper.state.reading))
        else:
            self._early.append((path, edit))

    def flush(self) -> None:
        """Do now what waits to know what was said of its clip before: the reader goes on."""
        early, self._early = self._early, []
        for path, edit in early:
            self._do(edit(path, Reading()))

    def _do(self, edit: Edit, *, goes_on: bool = False) -> None:
        if not self._keeper.state.rater:
            self._held.append(edit)
            self._keeper.change(rd.rater_asked)
            return
        self._history = self._history.done(edit, goes_on=goes_on)
        self._put(edit, edit.after, fresh=True)
        self._show_history()

    def _turn_and_put(self, edit: Edit, value: Any, word: str) -> None:
        """Take an edit back or do it again: on its own clip, to which the window turns first."""
        state = self._keeper.state
        elsewhere = state.clip is None or state.clip.path != edit.path
        if elsewhere:
            index = next((i for i, entry in enumerate(state.worklist) if entry.path == edit.path), None)
            if index is not None:
                self._clips.select(index)
        self._put(edit, value)
        self._show_history()
        if elsewhere:
            self._keeper.change(lambda s: to.notice_set(s, f"{word}: {edit.words}."))

    def _put(self, edit: Edit, value: Any, *, fresh: bool = False) -> None:
        """Let `value` stand where the edit was, on screen and in the store."""
        state = self._keeper.state
        shown = state.clip is not None and state.clip.path == edit.path
        if edit.kind is StatementKind.LINE:
            line: Line = value
            if shown:
                self._lines.put_line(line)
            self._say_line(edit.path, line[0])
            return
        blind = self._is_blind(edit.path)  # before it is shown as on its way, which covers the verdict again
        against = ov.contradicted(state, value) if fresh and shown and edit.kind is StatementKind.LABEL else None
        if shown:
            self._keeper.change(lambda s: _shown(s, edit, value))
        self._readings.say(
            *(edit.path, edit.kind, _json(edit.kind, value, state)),
            subject=edit.subject,
            blind=blind,
            against=against,
            fresh=fresh and edit.kind is StatementKind.LABEL,
        )

    def _is_blind(self, path: Path) -> bool:
        """Return whether this reader has really seen nothing but the clip."""
        state = self._keeper.state
        return state.verdict_hidden and (state.rater, state.sitting, path) not in self._revealed

    def _say_line(self, path: Path, roi: PleuralROI | None) -> None:
        """Save the reader's own line, or that there is none any more; a suggestion is nobody's."""
        state, value = self._keeper.state, line_value(roi)
        never_said = state.reading.mark(StatementKind.LINE) is None
        if not state.rater or not self._may_describe() or (value is None and never_said):
            return
        if state.clip is not None and state.clip.path == path:
            self._keeper.change(lambda s: rd.said(s, StatementKind.LINE, value))
        self._readings.say(path, StatementKind.LINE, value, blind=self._is_blind(path))

    def _show_history(self) -> None:
        past, future = bool(self._history.past), bool(self._history.future)
        self._keeper.change(lambda s: rd.history_shown(s, can_undo=past, can_redo=future))

    def _on_lines_lineEdited(self, before: Line, after: Line) -> None:
        path = self._path()
        if path is None:
            return
        suggestion = before[0] is None and after[1] is RoiPhase.SUGGESTED
        if not (suggestion and not self._history.has_edits(path, StatementKind.LINE)):
            self._history = self._history.done(Edit(path, StatementKind.LINE, before, after))
        self._say_line(path, after[0])
        self._show_history()

    def _on_readings_recordFound(self, record: ReadingRecord | None) -> None:
        """Bring the reader's own line back; one that is being drawn stays in hand."""
        state = self._keeper.state
        line = None if record is None or state.roi_phase is RoiPhase.DRAWING else record.line
        if line is not None and not same_line(state.roi, line):
            self._lines.put_line((line, RoiPhase.SET))
        early, self._early = self._early, []
        for path, edit in early:
            self._do(edit(path, self._keeper.state.reading if path == self._path() else Reading()))

    def _on_keeper_stateChanged(self, old: ReviewState, new: ReviewState) -> None:
        if self._early and old.clip is not None and (new.clip is None or new.clip.path != old.clip.path):
            self.flush()
        if (old.rater, old.sitting) != (new.rater, new.sitting):
            return  # what is shown is about to go
        others = new.adjudication is not None and bool(new.adjudication.reads)
        if new.clip is not None and (new.ai_is_shown or others):
            self._revealed.add((new.rater, new.sitting, new.clip.path))


def _shown(state: ReviewState, edit: Edit, value: Any) -> ReviewState:
    if edit.kind is StatementKind.INTERVAL:
        state = iv.interval_gone(state, edit.subject) if value is None else iv.interval_put(state, value)
    return rd.said(state, edit.kind, value)


def _json(kind: StatementKind, value: Any, state: ReviewState) -> Any:
    """Return a value in the form in which it is stored (`StatementKind`)."""
    if value is None or kind is StatementKind.CONFIDENCE:
        return value
    if kind is StatementKind.LABEL:
        return {"label": value.value}
    if kind is StatementKind.ADJUDICATION:
        raters = () if state.adjudication is None else state.adjudication.raters
        return {"label": value.value, "of": list(raters)}
    if kind is StatementKind.TAGS:
        return sorted(tag.value for tag in value) or None
    if kind is StatementKind.INTERVAL:
        label = None if value.label is None else value.label.value
        return {"start": value.start, "stop": value.stop, "label": label}
    return value or None
