"""Undo and redo of a whole sitting."""

from pathlib import Path

from lsgui.core.interval import IntervalMark
from lsgui.core.label import ReaderLabel
from lsgui.core.reading import StatementKind
from lsgui.review.label_history import MOST, Edit, LabelHistory

ONE, TWO = Path("one.mp4"), Path("two.mp4")


def labelled(path: Path, before: ReaderLabel | None, after: ReaderLabel | None) -> Edit:
    return Edit(path, StatementKind.LABEL, before, after)


def test_undo_and_redo_walk_the_same_way_back_and_forth_across_clips() -> None:
    edits = [
        labelled(ONE, None, ReaderLabel.LS_P),
        Edit(ONE, StatementKind.CONFIDENCE, None, 3),
        labelled(TWO, None, ReaderLabel.LS_A),
        labelled(ONE, ReaderLabel.LS_P, ReaderLabel.LS_A),
    ]
    history = LabelHistory()
    for edit in edits:
        history = history.done(edit)
    for expected in reversed(edits):
        history, edit = history.undo() or (history, None)
        assert edit is expected
    assert history.undo() is None
    for expected in edits:
        history, edit = history.redo() or (history, None)
        assert edit is expected
    assert history.redo() is None
    history, _ = history.undo() or (history, None)
    assert history.done(labelled(TWO, None, None)).redo() is None


def test_the_end_of_an_interval_and_more_of_a_comment_are_one_edit_with_what_began_them() -> None:
    begun, ended = IntervalMark("m", 3), IntervalMark("m", 3, 9)
    history = LabelHistory().done(Edit(ONE, StatementKind.INTERVAL, None, begun, "m"))
    history = history.done(Edit(ONE, StatementKind.INTERVAL, begun, ended, "m"), goes_on=True)
    assert [(edit.before, edit.after) for edit in history.past] == [(None, ended)]
    history = history.done(Edit(ONE, StatementKind.COMMENT, "", "rib"))
    history = history.done(Edit(ONE, StatementKind.COMMENT, "rib", "rib in the way"), goes_on=True)
    assert [(edit.before, edit.after) for edit in history.past][1:] == [("", "rib in the way")]
    other = history.done(Edit(TWO, StatementKind.COMMENT, "", "x"), goes_on=True)
    assert len(other.past) == 3  # another clip is another edit, whatever is said


def test_an_interval_that_was_dropped_at_once_leaves_nothing_to_take_back() -> None:
    history = LabelHistory().done(Edit(ONE, StatementKind.INTERVAL, None, IntervalMark("m", 3), "m"))
    assert history.without_start(ONE, "m").past == ()
    assert history.without_start(TWO, "m") is history
    assert history.has_edits(ONE, StatementKind.INTERVAL)
    assert not history.has_edits(ONE, StatementKind.LINE)


def test_the_oldest_edits_are_forgotten_in_the_end() -> None:
    history = LabelHistory()
    for _ in range(MOST + 5):
        history = history.done(labelled(ONE, None, ReaderLabel.LS_P))
    assert len(history.past) == MOST
