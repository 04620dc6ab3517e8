"""What cannot be written stays, in its order, is tried again, and is never lost without a word."""

import sqlite3
from pathlib import Path

import pytest
from label_samples import SHIFT, Key, history, open_ready, press, records, saved_lines, settled, turn_to, until
from PySide6.QtWidgets import QFileDialog, QMessageBox

from lsgui.annotation.store import AnnotationStore
from lsgui.core.label import ReaderLabel
from lsgui.core.reading import StatementKind, Tag
from lsgui.review.paths import labels_file


@pytest.fixture
def gone(review, qtbot, clips, expected_log_warnings):
    """A store that was there when the first clip was labelled, and whose folder is gone now."""
    open_ready(review, qtbot, *clips)
    press(review, Key.Key_P)
    settled(review, qtbot)
    folder = labels_file().parent
    away = folder.with_name("away")
    folder.rename(away)
    return away


def back(away: Path) -> None:
    folder = away.with_name("data")
    for made in folder.iterdir() if folder.is_dir() else ():  # the window notes there which file is which clip
        made.unlink()
    if folder.is_dir():
        folder.rmdir()
    away.rename(folder)


def test_a_store_that_is_gone_is_said_steadily_and_written_once_it_is_back(review, qtbot, clips, gone):
    turn_to(review, qtbot, clips, 1)
    press(review, Key.Key_A)
    press(review, Key.Key_B, SHIFT)
    until(qtbot, lambda: review.controller.state.unsaved.count == 2)
    saved, waiting, fault = saved_lines(review)
    assert (saved, waiting) == ("", "")
    assert fault == "NOT SAVED: label, signs"  # why stands in the strip
    assert "labels.sqlite is gone" in review.window.unsaved_strip._words.text()
    assert review.controller.state.verdict_hidden is False
    turn_to(review, qtbot, clips, 2)
    strip = review.window.unsaved_strip
    assert strip.isVisible()  # on every clip, until all is on disk
    assert "2 things you said wait" in strip._words.text()
    turn_to(review, qtbot, clips, 1)
    assert review.controller.state.reading.label is ReaderLabel.LS_A  # what waits is shown again, as not saved
    assert saved_lines(review)[2].startswith("NOT SAVED")
    back(gone)
    until(qtbot, lambda: review.controller.state.unsaved.count == 0)  # by itself
    assert not strip.isVisible()
    assert saved_lines(review)[0].startswith("✓ saved")
    assert [row.kind for row in history()] == [StatementKind.LABEL, StatementKind.LABEL, StatementKind.TAGS]
    (record,) = records(clips[1])
    assert (record.label, record.tags) == (ReaderLabel.LS_A, {Tag.B_LINES})


def test_a_store_that_was_there_is_never_begun_anew_while_it_is_gone(review, qtbot, clips, gone):
    turn_to(review, qtbot, clips, 1)
    press(review, Key.Key_A)
    until(qtbot, lambda: review.controller.state.unsaved.count == 1)
    assert not labels_file().exists()
    back(gone)
    review.controller.readings.try_again()
    until(qtbot, lambda: review.controller.state.unsaved.count == 0)
    assert len(history(StatementKind.LABEL)) == 2


def test_closing_over_what_is_not_saved_asks_and_another_file_takes_it(review, qtbot, clips, gone, tmp_path):
    turn_to(review, qtbot, clips, 1)
    press(review, Key.Key_A)
    until(qtbot, lambda: review.controller.state.unsaved.count == 1)
    review.window.close()
    question = review.window.unsaved_question
    assert review.window.isVisible()
    box = question.dialog
    assert isinstance(box, QMessageBox)
    assert "1 thing that you said is not saved" in box.text()
    assert "is gone" in box.informativeText()
    next(b for b in box.buttons() if "another file" in b.text()).click()
    until(qtbot, lambda: isinstance(question.dialog, QFileDialog))
    question.dialog.fileSelected.emit(str(tmp_path / "rescued.sqlite"))
    question.dialog.reject()
    until(qtbot, lambda: not review.window.isVisible())
    back(gone)
    with AnnotationStore(tmp_path / "rescued.sqlite") as rescued, AnnotationStore(labels_file()) as store:
        assert store.merge(rescued.history()) == 1
    assert [record.label for record in records(clips[1])] == [ReaderLabel.LS_A]


def test_closing_may_be_taken_back_and_trying_again_closes(review, qtbot, clips, gone):
    turn_to(review, qtbot, clips, 1)
    press(review, Key.Key_U)
    until(qtbot, lambda: review.controller.state.unsaved.count == 1)
    review.window.close()
    box = review.window.unsaved_question.dialog
    next(b for b in box.buttons() if b.text() == "Go on reading").click()
    assert review.window.isVisible()
    review.window.close()
    back(gone)
    box = review.window.unsaved_question.dialog
    next(b for b in box.buttons() if b.text() == "Try again").click()
    until(qtbot, lambda: not review.window.isVisible())
    assert len(history(StatementKind.LABEL)) == 2


def test_another_program_that_holds_the_store_only_delays(review, qtbot, clips, expected_log_warnings):
    open_ready(review, qtbot, *clips)
    press(review, Key.Key_P)
    settled(review, qtbot)
    with sqlite3.connect(labels_file(), isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        turn_to(review, qtbot, clips, 1)
        press(review, Key.Key_A)
        until(qtbot, lambda: review.controller.state.unsaved.count == 1)
        assert "another program" in review.controller.state.unsaved.sentence
        other.execute("ROLLBACK")
    until(qtbot, lambda: review.controller.state.unsaved.count == 0)
    other.close()
    assert [record.label for record in records(clips[1])] == [ReaderLabel.LS_A]


def test_a_clip_that_is_gone_holds_up_no_other_clip(review, qtbot, clips, expected_log_warnings):
    open_ready(review, qtbot, *clips)
    ghost = clips[0].with_name("ghost.avi")
    review.controller.readings.say(ghost, StatementKind.LABEL, {"label": "ls_p"})
    review.controller.readings.say(ghost, StatementKind.CONFIDENCE, 2)
    press(review, Key.Key_A)
    until(qtbot, lambda: review.controller.state.reading.saved_at != "")
    assert review.controller.state.unsaved.count == 2
    assert "ghost.avi" in review.controller.state.unsaved.sentence
    ghost.write_bytes(clips[2].read_bytes())
    review.controller.readings.try_again()
    until(qtbot, lambda: review.controller.state.unsaved.count == 0)
    rows = [(row.file_name, row.kind) for row in history()]
    assert rows == [
        ("clip 0.avi", StatementKind.LABEL),
        ("ghost.avi", StatementKind.LABEL),
        ("ghost.avi", StatementKind.CONFIDENCE),
    ]


def test_a_project_is_not_left_while_something_of_it_waits(review, qtbot, clips, gone, tmp_path):
    turn_to(review, qtbot, clips, 1)
    press(review, Key.Key_A)
    until(qtbot, lambda: review.controller.state.unsaved.count == 1)
    review.controller.project.use_store(tmp_path / "other.sqlite")
    assert "not saved yet" in review.controller.state.notice
    assert not (tmp_path / "other.sqlite").exists()
    back(gone)
    review.controller.readings.try_again()
    until(qtbot, lambda: review.controller.state.unsaved.count == 0)
