"""The I key and the reason of an override, in the real window over the real store."""

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from window_samples import draw, is_complete, open_clip_in, press, until

from lsgui.annotation.store import NOT_GIVEN, AnnotationStore
from lsgui.core.label import ReaderLabel, SlidingLabel
from lsgui.core.reading import StatementKind
from lsgui.gui.theme import tokens
from lsgui.review.paths import labels_file
from lsgui.review.state import AnalysisPhase

CTRL = Qt.KeyboardModifier.ControlModifier


def spans(review) -> list[tuple[int, int | None, ReaderLabel | None]]:
    return [(mark.start, mark.stop, mark.label) for mark in review.controller.state.intervals]


def mark(review, frame: int) -> None:
    review.controller.seek(frame)
    press(review, Qt.Key.Key_I)


def stored(review, qtbot, rows: int) -> list[tuple[str, int, int | None]]:
    """Return (action, start, stop) of every row, once there are as many; one withdrawn shows what it was last."""

    def read() -> list[tuple[str, int, int | None]]:
        with AnnotationStore(labels_file()) as store:
            said = [row for row in store.history() if row.kind is StatementKind.INTERVAL]
        last, found = {}, []
        for row in said:
            action = "withdrawn" if row.value is None else "marked"
            last[row.subject] = row.value or last[row.subject]
            found.append((action, last[row.subject]["start"], last[row.subject]["stop"]))
        return found

    until(qtbot, lambda: len(read()) == rows)
    return read()


def open_paused(review, qtbot, *clips) -> None:
    open_clip_in(review, qtbot, *clips)
    review.controller.lines.set_line(None)
    until(qtbot, lambda: review.controller.readings.known_hash(clips[0]) is not None)


def test_intervals_of_both_classes_are_saved_at_each_press_and_there_again(review, qtbot, clips):
    open_paused(review, qtbot, *clips)
    mark(review, 3)
    assert spans(review) == [(3, None, None)]
    assert stored(review, qtbot, 1) == [("marked", 3, None)]
    press(review, Qt.Key.Key_P)
    mark(review, 9)
    press(review, Qt.Key.Key_A)
    mark(review, 25)
    mark(review, 20)  # marked from the end to the start
    expected = [(3, 10, ReaderLabel.LS_P), (20, 26, ReaderLabel.LS_A)]
    assert spans(review) == expected
    assert len(stored(review, qtbot, 4)) == 4
    review.controller.clips.select(1)
    until(qtbot, lambda: is_complete(review))
    assert spans(review) == []
    review.controller.clips.select(0)
    until(qtbot, lambda: spans(review) == expected)


def test_ctrl_z_withdraws_the_last_one_and_escape_drops_half_an_interval(review, qtbot, clips):
    open_paused(review, qtbot, clips[0])
    for frame in (2, 6, 10, 14):
        mark(review, frame)
    press(review, Qt.Key.Key_Z, CTRL)
    assert spans(review) == [(2, 7, None)]
    mark(review, 20)
    press(review, Qt.Key.Key_Escape)
    assert spans(review) == [(2, 7, None)]
    rows = stored(review, qtbot, 7)
    assert [row for row in rows if row[0] == "withdrawn"] == [("withdrawn", 10, 15), ("withdrawn", 20, None)]
    with AnnotationStore(labels_file()) as store:
        known = review.controller.readings.known_hash(clips[0])
        assert [m.stop for m in store.intervals(known, review.controller.state.rater)] == [7]


def test_undo_goes_back_through_lines_and_intervals_in_the_order_of_the_work(review, qtbot, clips):
    open_paused(review, qtbot, clips[0])
    first = draw(review, 50)
    mark(review, 2)
    mark(review, 6)
    second = draw(review, 60)
    assert review.controller.state.roi is second
    press(review, Qt.Key.Key_Z, CTRL)
    assert (review.controller.state.roi, len(spans(review))) == (first, 1)
    press(review, Qt.Key.Key_Z, CTRL)
    assert (review.controller.state.roi, len(spans(review))) == (first, 0)
    press(review, Qt.Key.Key_Z, CTRL)
    assert review.controller.state.roi is not first


def test_an_interval_that_cannot_be_saved_does_not_look_as_if_it_were(review, qtbot, clips, expected_log_warnings):
    labels_file().write_bytes(b"this is no database")
    open_paused(review, qtbot, clips[0])
    mark(review, 2)
    until(qtbot, lambda: review.controller.state.unsaved.count == 1)
    assert spans(review) == [(2, None, None)]  # nothing that was said goes: it waits, and says so
    assert "damaged" in review.controller.state.reading.marks[StatementKind.INTERVAL].fault
    labels_file().unlink()
    review.controller.readings.try_again()
    until(qtbot, lambda: review.controller.state.unsaved.count == 0)
    assert review.controller.state.reading.marks[StatementKind.INTERVAL].at
    assert stored(review, qtbot, 1) == [("marked", 2, None)]


def test_the_seek_bar_draws_an_interval_in_the_colour_of_its_label_and_names_it(review, qtbot, clips):
    open_paused(review, qtbot, clips[0])
    press(review, Qt.Key.Key_A)
    mark(review, 10)
    mark(review, 19)
    bar = review.window.player_bar.seek_bar
    review.controller.seek(0)
    middle = round((bar.axis().x_of_frame(10) + bar.axis().x_of_frame(20)) / 2)
    picture = bar.grab().toImage()
    assert picture.pixelColor(middle, round(bar.height() / 2 + 9)).name() == tokens().absent
    assert "Absent" in bar.words_at(middle)
    assert "frames 11–20" in bar.words_at(middle)
    assert bar.words_at(bar.axis().x_of_frame(2)) == ""


def analysed(review, qtbot, clip, told_session) -> None:
    """A clip with a verdict on screen: sliding is present."""
    open_clip_in(review, qtbot, clip)
    draw(review)
    press(review, Qt.Key.Key_Return)
    until(qtbot, lambda: len(told_session.requests) == 1)
    told_session.finish()
    until(qtbot, lambda: review.controller.state.analysis.phase is AnalysisPhase.DONE)


def overrides() -> list[tuple[SlidingLabel, str, str]]:
    with AnnotationStore(labels_file()) as store:
        return [(one.verdict, one.model, one.reason) for one in store.overrides().values()]


def test_a_label_against_the_verdict_is_saved_at_once_and_asks_why(review, qtbot, clips, told_session):
    analysed(review, qtbot, clips[0], told_session)
    press(review, Qt.Key.Key_A)
    until(qtbot, lambda: review.controller.state.override is not None)
    assert review.controller.state.reading.saved_at
    assert review.window.override_strip.isVisible()
    assert [(verdict, reason) for verdict, _, reason in overrides()] == [(SlidingLabel.LS_P, NOT_GIVEN)]
    press(review, Qt.Key.Key_2, CTRL)
    until(qtbot, lambda: review.controller.state.override is None)
    assert [reason for *_, reason in overrides()] == ["motion is pulse or probe"]
    assert not review.window.override_strip.isVisible()


def test_another_reason_is_typed_and_its_letters_are_no_commands(review, qtbot, clips, told_session):
    analysed(review, qtbot, clips[0], told_session)
    press(review, Qt.Key.Key_A)
    until(qtbot, lambda: review.controller.state.override is not None)
    press(review, Qt.Key.Key_4, CTRL)
    line = review.window.override_strip.other
    qtbot.waitUntil(line.hasFocus, timeout=5000)
    QTest.keyClicks(line, "apnoea, no pip")
    QTest.keyClick(line, Qt.Key.Key_Return)
    until(qtbot, lambda: review.controller.state.override is None)
    assert [reason for *_, reason in overrides()] == ["apnoea, no pip"]
    assert review.controller.state.reading.label is ReaderLabel.LS_A
    assert len(told_session.requests) == 1


def test_the_question_follows_to_the_next_clip_and_escape_leaves_it_unanswered(review, qtbot, clips, told_session):
    analysed(review, qtbot, clips[0], told_session)
    review.controller.open_paths([clips[1]])
    until(qtbot, lambda: is_complete(review) and review.controller.state.selected == 1)
    review.controller.clips.select(0)
    until(qtbot, lambda: is_complete(review) and review.controller.state.analysis.phase is AnalysisPhase.DONE)
    press(review, Qt.Key.Key_A)
    until(qtbot, lambda: review.controller.state.override is not None)
    press(review, Qt.Key.Key_N)
    until(qtbot, lambda: review.controller.state.selected == 1)
    assert "clip 0.avi: you read absent" in review.window.override_strip._words.text()
    press(review, Qt.Key.Key_Escape)
    assert review.controller.state.override is None
    assert [reason for *_, reason in overrides()] == [NOT_GIVEN]


def test_agreement_and_what_no_verdict_contradicts_ask_nothing(review, qtbot, clips, told_session):
    analysed(review, qtbot, clips[0], told_session)
    for key in (Qt.Key.Key_P, Qt.Key.Key_U, Qt.Key.Key_K):
        press(review, key)
        until(qtbot, lambda: review.controller.state.reading.saved_at != "")
        assert review.controller.state.override is None
    assert overrides() == []
