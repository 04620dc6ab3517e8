"""Labels, signs, confidence, comment and line by keys, in the real window over the real store; undo across clips."""

import pytest
from label_samples import (
    CTRL,
    SHIFT,
    Key,
    history,
    keyboard,
    open_ready,
    press,
    ready,
    records,
    saved_lines,
    say_in_store,
    settled,
    turn_to,
    type_in,
    until,
)
from window_samples import draw

from lsgui.core.label import ReaderLabel
from lsgui.core.reading import StatementKind, Tag
from lsgui.review.paths import labels_file, settings_file
from lsgui.review.settings import load_settings
from lsgui.review.state import RoiPhase
from lsgui.review.worklist_choice import ListOrder


def test_every_part_is_said_by_its_key_saved_at_once_and_there_again(review, qtbot, clips):
    open_ready(review, qtbot, *clips)
    for key, modifier in (
        (Key.Key_A, SHIFT),
        (Key.Key_P, SHIFT),
        (Key.Key_S, SHIFT ^ SHIFT),
        (Key.Key_A, SHIFT ^ SHIFT),
    ):
        press(review, key, modifier)
    press(review, Key.Key_W)
    comment = review.window.label_panel.comment
    type_in(review, qtbot, comment, "Apnoea, no PEEP: Ask K")  # A, N, P and K are no commands here
    keyboard(review, Key.Key_Escape)
    line = draw(review)
    settled(review, qtbot)
    saved, waiting, fault = saved_lines(review)
    assert saved.startswith("✓ saved ")
    assert saved.endswith("· label, signs, confidence, comment, line")
    assert (waiting, fault) == ("", "")
    (record,) = records(clips[0])
    assert (record.rater, record.label) == ("R1", ReaderLabel.LS_A)
    assert record.tags == {Tag.A_LINES, Tag.LUNG_PULSE}
    assert (record.confidence, record.comment) == (3, "Apnoea, no PEEP: Ask K")
    assert record.line.polyline.tolist() == line.polyline.tolist()

    review.controller.clips.close_all()
    open_ready_again = review.controller.open_paths
    open_ready_again([clips[0]])
    ready(review, qtbot, clips[0])
    reading = review.controller.state.reading
    assert (reading.label, reading.tags, reading.confidence) == (ReaderLabel.LS_A, record.tags, 3)
    assert comment.toPlainText() == "Apnoea, no PEEP: Ask K"
    assert review.controller.state.roi.polyline.tolist() == line.polyline.tolist()
    assert review.controller.state.roi_phase is RoiPhase.SET


def test_a_sign_or_a_confidence_pressed_again_is_withdrawn_and_the_history_keeps_both(review, qtbot, clips):
    open_ready(review, qtbot, clips[0])
    for key, modifier in (
        (Key.Key_B, SHIFT),
        (Key.Key_B, SHIFT),
        (Key.Key_D, SHIFT ^ SHIFT),
        (Key.Key_D, SHIFT ^ SHIFT),
    ):
        press(review, key, modifier)
    settled(review, qtbot)
    assert [row.value for row in history(StatementKind.TAGS)] == [["b_lines"], None]
    assert [row.value for row in history(StatementKind.CONFIDENCE)] == [1, None]
    assert records(clips[0]) == ()


def test_a_key_pressed_before_the_clip_is_known_adds_to_what_was_said_before(review, qtbot, clips):
    open_ready(review, qtbot, *clips[:2])
    press(review, Key.Key_A, SHIFT)
    settled(review, qtbot)
    turn_to(review, qtbot, clips, 1)
    review.controller.clips.select(0)
    until(qtbot, lambda: review.controller.state.clip.frames_ready > 0)
    assert not review.controller.readings.looked_up(clips[0])
    press(review, Key.Key_B, SHIFT)  # at once: what was said of this clip is not looked up yet
    ready(review, qtbot, clips[0])
    settled(review, qtbot)
    assert history(StatementKind.TAGS)[-1].value == ["a_lines", "b_lines"]


def test_the_same_label_again_adds_no_row(review, qtbot, clips):
    open_ready(review, qtbot, clips[0])
    press(review, Key.Key_P)
    settled(review, qtbot)
    press(review, Key.Key_P)
    settled(review, qtbot)
    assert len(history(StatementKind.LABEL)) == 1


def test_undo_and_redo_go_across_clips_and_turn_to_where_it_was_done(review, qtbot, clips):
    open_ready(review, qtbot, *clips)
    press(review, Key.Key_P)
    press(review, Key.Key_B, SHIFT)
    settled(review, qtbot)
    turn_to(review, qtbot, clips, 1)
    press(review, Key.Key_A)
    settled(review, qtbot)
    turn_to(review, qtbot, clips, 2)

    press(review, Key.Key_Z, CTRL)
    assert review.controller.state.selected == 1
    assert review.controller.state.notice == "Undone: label on clip 1.avi."
    ready(review, qtbot, clips[1])
    settled(review, qtbot)
    assert review.controller.state.reading.label is None
    assert review.controller.state.worklist[1].label is None
    press(review, Key.Key_Z, CTRL)
    assert review.controller.state.selected == 0
    ready(review, qtbot, clips[0])
    settled(review, qtbot)
    assert review.controller.state.reading.tags == frozenset()
    assert review.controller.state.reading.label is ReaderLabel.LS_P
    assert [(r.label, r.tags) for r in records(clips[0])] == [(ReaderLabel.LS_P, frozenset())]
    assert records(clips[1]) == ()

    press(review, Key.Key_Z, CTRL | SHIFT)
    press(review, Key.Key_Z, CTRL | SHIFT)
    assert review.controller.state.selected == 1
    ready(review, qtbot, clips[1])
    settled(review, qtbot)
    assert [r.label for r in records(clips[1])] == [ReaderLabel.LS_A]
    assert [r.tags for r in records(clips[0])] == [{Tag.B_LINES}]
    assert not review.controller.state.can_redo
    said = [None if row.value is None else row.value["label"] for row in history(StatementKind.LABEL)]
    assert said == ["ls_p", "ls_a", None, "ls_a"]  # nothing was deleted


def test_an_interval_and_a_line_are_taken_back_and_done_again(review, qtbot, clips):
    open_ready(review, qtbot, *clips)
    first = draw(review, 50)
    review.controller.seek(3)
    press(review, Key.Key_I)
    review.controller.seek(8)
    press(review, Key.Key_I)
    second = draw(review, 66)
    press(review, Key.Key_Z, CTRL)
    press(review, Key.Key_Z, CTRL)
    assert review.controller.state.roi is first
    assert review.controller.state.intervals == ()
    press(review, Key.Key_Z, CTRL | SHIFT)
    assert [(mark.start, mark.stop) for mark in review.controller.state.intervals] == [(3, 9)]
    press(review, Key.Key_Z, CTRL | SHIFT)
    assert review.controller.state.roi is second
    settled(review, qtbot)
    (record,) = records(clips[0])
    assert [(mark.start, mark.stop) for mark in record.intervals] == [(3, 9)]
    assert record.line.polyline.tolist() == second.polyline.tolist()


def test_a_line_that_is_taken_away_is_withdrawn_and_a_suggestion_is_nobodys(review, qtbot, clips):
    open_ready(review, qtbot, clips[0])
    draw(review)
    review.controller.lines.set_line(None)
    settled(review, qtbot)
    assert [row.value is None for row in history(StatementKind.LINE)] == [False, True]
    review.controller.lines.suggest()
    until(qtbot, lambda: review.controller.state.roi_phase is not RoiPhase.SEARCHING)
    settled(review, qtbot)
    assert history(StatementKind.LINE)[-1].value is None


def test_a_comment_is_saved_while_it_is_typed_and_is_one_step_of_undo(review, qtbot, clips):
    open_ready(review, qtbot, clips[0])
    press(review, Key.Key_W)
    comment = review.window.label_panel.comment
    type_in(review, qtbot, comment, "rib")
    until(
        qtbot, lambda: [row.value for row in history(StatementKind.COMMENT)] == ["rib"] if labels_file().exists() else 0
    )
    assert comment.hasFocus()
    type_in(review, qtbot, comment, " shadow")
    keyboard(review, Key.Key_Return, CTRL)
    settled(review, qtbot)
    assert not comment.hasFocus()
    assert [row.value for row in history(StatementKind.COMMENT)] == ["rib", "rib shadow"]
    press(review, Key.Key_Z, CTRL)
    settled(review, qtbot)
    assert (comment.toPlainText(), review.controller.state.reading.comment) == ("", "")
    assert records(clips[0]) == ()


def test_what_is_typed_when_the_window_closes_is_saved(review, qtbot, clips):
    open_ready(review, qtbot, clips[0])
    press(review, Key.Key_W)
    type_in(review, qtbot, review.window.label_panel.comment, "last words")
    review.window.close()
    assert [record.comment for record in records(clips[0])] == ["last words"]


@pytest.fixture
def nobody(review):
    """Nobody has said who reads."""
    review.controller.choose("rater", "")
    return review


def test_the_first_label_asks_once_who_reads_and_is_saved_in_that_name(nobody, qtbot, clips):
    review = nobody
    open_ready(review, qtbot, *clips)
    press(review, Key.Key_P)
    strip = review.window.rater_strip
    assert strip.isVisible()
    assert review.controller.state.reading.label is None
    press(review, Key.Key_B, SHIFT)  # to the window: the question does not stand in the way
    type_in(review, qtbot, strip.name, "K. Pane")  # K, P, A, N and E are no commands here
    keyboard(review, Key.Key_Return)
    settled(review, qtbot)
    assert not strip.isVisible()
    (record,) = records(clips[0])
    assert (record.rater, record.label, record.tags) == ("K. Pane", ReaderLabel.LS_P, {Tag.B_LINES})
    assert load_settings(settings_file()).rater == "K. Pane"
    assert "Reader: K. Pane" in review.window.reader_corner.text()
    turn_to(review, qtbot, clips, 1)
    press(review, Key.Key_A)
    assert not strip.isVisible()


def test_a_label_lands_on_its_own_clip_however_late_the_name_comes(nobody, qtbot, clips):
    review = nobody
    open_ready(review, qtbot, *clips)
    press(review, Key.Key_U)
    turn_to(review, qtbot, clips, 2)
    review.window.rater_strip.named.emit("AK")
    settled(review, qtbot)
    assert [record.label for record in records(clips[0])] == [ReaderLabel.CANNOT_ASSESS]
    assert records(clips[2]) == ()
    assert review.controller.state.reading.label is None


def test_escape_puts_the_question_aside_and_says_that_nothing_was_saved(nobody, qtbot, clips):
    review = nobody
    open_ready(review, qtbot, clips[0])
    press(review, Key.Key_P)
    qtbot.waitUntil(review.window.rater_strip.name.hasFocus, timeout=10_000)
    keyboard(review, Key.Key_Escape)
    assert not review.window.rater_strip.isVisible()
    assert review.controller.state.notice.startswith("Not saved")
    assert not labels_file().exists()


def test_another_reader_sees_nothing_of_the_former_and_both_are_kept(review, qtbot, clips):
    open_ready(review, qtbot, *clips)
    press(review, Key.Key_P)
    draw(review)
    settled(review, qtbot)
    press(review, Key.Key_U, CTRL)
    strip = review.window.rater_strip
    type_in(review, qtbot, strip.name, "MB")
    keyboard(review, Key.Key_Return)
    ready(review, qtbot, clips[0])
    state = review.controller.state
    assert (state.rater, state.reading.label, state.roi, state.worklist[0].label) == ("MB", None, None, None)
    assert not state.can_undo
    press(review, Key.Key_A)
    settled(review, qtbot)
    assert {(r.rater, r.label) for r in records(clips[0])} == {("R1", ReaderLabel.LS_P), ("MB", ReaderLabel.LS_A)}
    until(
        qtbot,
        lambda: review.controller.state.known_raters == ("MB", "R1") or review.controller.readings.look_up_worklist(),
    )


def test_the_second_pass_hides_the_first_and_is_kept_beside_it(review, qtbot, clips):
    open_ready(review, qtbot, *clips)
    for index, key in enumerate((Key.Key_P, Key.Key_A)):
        turn_to(review, qtbot, clips, index)
        press(review, key)
        press(review, Key.Key_B, SHIFT)
    settled(review, qtbot)
    press(review, Key.Key_D, CTRL)
    ready(review, qtbot, clips[1])
    state = review.controller.state
    assert (state.sitting, state.reading.label, state.reading.tags) == (2, None, frozenset())
    assert [entry.label for entry in state.worklist] == [None, None, None]
    assert "Second pass" in review.window.reader_corner.text()
    assert state.listing.order is ListOrder.RANDOM
    press(review, Key.Key_P)
    settled(review, qtbot)
    until(qtbot, lambda: review.controller.state.worklist[1].label is ReaderLabel.LS_P)
    assert [entry.label for entry in review.controller.state.worklist] == [None, ReaderLabel.LS_P, None]
    assert {(r.sitting, r.label) for r in records(clips[1])} == {(1, ReaderLabel.LS_A), (2, ReaderLabel.LS_P)}
    press(review, Key.Key_D, CTRL)
    ready(review, qtbot, clips[1])
    assert review.controller.state.reading.label is ReaderLabel.LS_A
    until(
        qtbot, lambda: [e.label for e in review.controller.state.worklist[:2]] == [ReaderLabel.LS_P, ReaderLabel.LS_A]
    )
    assert load_settings(settings_file()).sitting == "1"
    assert review.controller.state.listing.order is ListOrder.NATURAL


def test_what_another_program_says_shows_up_by_itself(review, qtbot, clips):
    open_ready(review, qtbot, *clips[:2])
    press(review, Key.Key_P)
    settled(review, qtbot)
    turn_to(review, qtbot, clips, 1)
    say_in_store(clips[1], "R1", ReaderLabel.LUNG_POINT)  # the same rater, in a second window
    until(qtbot, lambda: review.controller.state.reading.label is ReaderLabel.LUNG_POINT)
    until(qtbot, lambda: review.controller.state.worklist[1].label is ReaderLabel.LUNG_POINT)
