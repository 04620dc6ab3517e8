"""What the reader's own words do to the state: pure functions, state in, state out.

Something said is shown at once as on its way (`said`), then as saved, or as not saved with the reason.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from lsgui.core.label import ReaderLabel
from lsgui.core.reading import ReadingRecord, StatementKind, Tag
from lsgui.review.reading_state import Reading, SaveMark, Unsaved
from lsgui.review.state import ReviewState

_FIELDS = {StatementKind.TAGS: "tags", StatementKind.CONFIDENCE: "confidence", StatementKind.COMMENT: "comment"}
_NOTHING: dict[StatementKind, Any] = {StatementKind.TAGS: frozenset[Tag](), StatementKind.COMMENT: ""}


def said(state: ReviewState, kind: StatementKind, value: Any) -> ReviewState:
    """Show what the reader says of a part of the reading as on its way to the disk; None withdraws it."""
    if kind is StatementKind.ADJUDICATION:
        if state.adjudication is None:
            return state
        return replace(state, adjudication=replace(state.adjudication, answer=Reading(value)))
    if kind is StatementKind.LABEL:
        return replace(state, reading=replace(state.reading, label=value, saved_at="", error=""))
    reading = state.reading
    if kind in _FIELDS:
        shown: dict[str, Any] = {_FIELDS[kind]: _NOTHING.get(kind) if value is None else value}
        reading = replace(reading, **shown)
    return replace(state, reading=_marked(reading, kind, SaveMark()))


def saved(state: ReviewState, kind: StatementKind, saved_at: str) -> ReviewState:
    """A part of the selected clip's reading is on disk; a label stands in the worklist too."""
    if kind is StatementKind.ADJUDICATION:
        return _answered(state, saved_at, "")
    if kind is StatementKind.LABEL:
        state = replace(state, reading=replace(state.reading, saved_at=saved_at, error=""))
        return state if state.clip is None else entry_labelled(state, state.clip.path, state.reading.label)
    return replace(state, reading=_marked(state.reading, kind, SaveMark(saved_at)))


def failed(state: ReviewState, kind: StatementKind, sentence: str) -> ReviewState:
    """A part of the selected clip's reading could not be written yet: the sentence stands where the time would."""
    if kind is StatementKind.ADJUDICATION:
        return _answered(state, "", sentence)
    if kind is StatementKind.LABEL:
        return replace(state, reading=replace(state.reading, saved_at="", error=sentence))
    return replace(state, reading=_marked(state.reading, kind, SaveMark("", sentence)))


def record_found(
    state: ReviewState, record: ReadingRecord | None, marks: Mapping[StatementKind, SaveMark]
) -> ReviewState:
    """Show what the reader had said of the selected clip; intervals and line are taken over by others."""
    if record is None:
        return replace(state, reading=Reading(marks=_rest(marks)), intervals=())
    label = marks.get(StatementKind.LABEL, SaveMark())
    reading = Reading(
        label=record.label,
        saved_at=label.at,
        error=label.fault,
        tags=record.tags,
        confidence=record.confidence,
        comment=record.comment,
        marks=_rest(marks),
    )
    return replace(state, reading=reading, intervals=record.intervals)


def label_of(value: Any) -> ReaderLabel | None:
    """Return the label of a statement about one; None where it is withdrawn."""
    return None if value is None else ReaderLabel(value["label"])


def labels_found(state: ReviewState, labels: Mapping[Path, ReaderLabel]) -> ReviewState:
    """Show the reader's earlier labels in the worklist; a clip without one among them has none."""
    if all(entry.label is labels.get(entry.path) for entry in state.worklist):
        return state
    worklist = tuple(
        entry if entry.label is labels.get(entry.path) else replace(entry, label=labels.get(entry.path))
        for entry in state.worklist
    )
    return replace(state, worklist=worklist)


def entry_labelled(state: ReviewState, path: Path, label: ReaderLabel | None) -> ReviewState:
    """Show the label of one clip in the worklist; None where it was withdrawn."""
    index = next((i for i, entry in enumerate(state.worklist) if entry.path == path), None)
    if index is None or state.worklist[index].label is label:
        return state
    changed = replace(state.worklist[index], label=label)
    return replace(state, worklist=(*state.worklist[:index], changed, *state.worklist[index + 1 :]))


def unsaved_set(state: ReviewState, unsaved: Unsaved) -> ReviewState:
    """So many statements wait to be written, and why."""
    return state if unsaved == state.unsaved else replace(state, unsaved=unsaved)


def rater_asked(state: ReviewState) -> ReviewState:
    """Ask who reads; what was said waits for the answer."""
    return state if state.rater_asked else replace(state, rater_asked=True)


def rater_settled(state: ReviewState) -> ReviewState:
    """The question who reads is answered or put aside."""
    return replace(state, rater_asked=False) if state.rater_asked else state


def history_shown(state: ReviewState, *, can_undo: bool, can_redo: bool) -> ReviewState:
    """Say whether anything can be taken back, or done again."""
    if (state.can_undo, state.can_redo) == (can_undo, can_redo):
        return state
    return replace(state, can_undo=can_undo, can_redo=can_redo)


def nothing_read(state: ReviewState) -> ReviewState:
    """Another reader sits down, or another sitting or project begins: no label of the former one is left to see."""
    unread = tuple(entry if entry.label is None else replace(entry, label=None) for entry in state.worklist)
    return replace(
        state,
        worklist=unread,
        reading=Reading(),
        intervals=(),
        override=None,
        can_undo=False,
        can_redo=False,
    )


def _marked(reading: Reading, kind: StatementKind, mark: SaveMark) -> Reading:
    return replace(reading, marks=MappingProxyType({**reading.marks, kind: mark}))


def _rest(marks: Mapping[StatementKind, SaveMark]) -> Mapping[StatementKind, SaveMark]:
    own = (StatementKind.LABEL, StatementKind.ADJUDICATION, StatementKind.OVERRIDE)
    return MappingProxyType({kind: mark for kind, mark in marks.items() if kind not in own})


def _answered(state: ReviewState, saved_at: str, fault: str) -> ReviewState:
    if state.adjudication is None:
        return state
    answer = replace(state.adjudication.answer, saved_at=saved_at, error=fault)
    return replace(state, adjudication=replace(state.adjudication, answer=answer))
