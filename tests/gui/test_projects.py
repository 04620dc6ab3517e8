"""Annotation projects in the real window: a file of its own for labels, shown by name, switched without a trace."""

from label_samples import CTRL, SHIFT, Key, history, open_ready, press, ready, records, settled, until
from PySide6.QtWidgets import QFileDialog
from window_samples import ToldSession

from lsgui.cli.main import run
from lsgui.core.label import ReaderLabel
from lsgui.gui.app import open_review
from lsgui.review.paths import labels_file, settings_file
from lsgui.review.settings import load_settings


def choose(review, qtbot, key, path) -> None:
    press(review, key, CTRL)
    dialog = review.window.commands.dialog
    assert isinstance(dialog, QFileDialog)
    dialog.fileSelected.emit(str(path))
    dialog.reject()
    until(qtbot, lambda: review.controller.project.store == path and review.window.commands.dialog is None)
    review.window.activateWindow()  # as a window manager does
    until(qtbot, review.window.isActiveWindow)


def test_a_new_project_keeps_its_own_labels_and_the_old_ones_stay(review, qtbot, clips, tmp_path):
    open_ready(review, qtbot, *clips)
    press(review, Key.Key_P)
    settled(review, qtbot)
    ward = tmp_path / "ward 3.sqlite"
    choose(review, qtbot, Key.Key_N, ward)
    ready(review, qtbot, clips[0])
    state = review.controller.state
    assert (state.project, state.reading.label, state.worklist[0].label) == ("ward 3", None, None)
    assert review.window.reader_corner.text().startswith("ward 3")
    assert load_settings(settings_file()).store_file == str(ward)
    press(review, Key.Key_A)
    settled(review, qtbot)
    assert [r.label for r in records(clips[0], ward)] == [ReaderLabel.LS_A]
    assert [r.label for r in records(clips[0])] == [ReaderLabel.LS_P]
    press(review, Key.Key_N, CTRL | SHIFT)
    until(qtbot, lambda: review.controller.project.store == labels_file())
    ready(review, qtbot, clips[0])
    assert review.controller.state.reading.label is ReaderLabel.LS_P
    choose(review, qtbot, Key.Key_P, ward)
    ready(review, qtbot, clips[0])
    until(qtbot, lambda: review.controller.state.worklist[0].label is ReaderLabel.LS_A)


def test_a_file_that_is_no_store_is_refused_and_the_project_stays(
    review, qtbot, clips, tmp_path, expected_log_warnings
):
    open_ready(review, qtbot, clips[0])
    letter = tmp_path / "letter.sqlite"
    letter.write_bytes(b"Dear colleague")
    review.controller.project.use_store(letter)
    until(qtbot, lambda: "letter.sqlite" in review.controller.state.notice)
    assert review.controller.project.store == labels_file()
    assert letter.read_bytes() == b"Dear colleague"
    press(review, Key.Key_P)
    settled(review, qtbot)
    assert len(history()) == 1


def test_a_store_named_at_the_start_is_used_and_not_remembered(qtbot, home, clips, tmp_path):
    named = tmp_path / "named.sqlite"
    opened = open_review(ToldSession, store=named)
    with qtbot.waitExposed(opened.window):
        opened.window.show()
    opened.controller.choose("rater", "AK")
    open_ready(opened, qtbot, clips[0])
    press(opened, Key.Key_K)
    settled(opened, qtbot)
    assert [r.label for r in records(clips[0], named)] == [ReaderLabel.LUNG_POINT]
    assert load_settings(settings_file()).store_file == ""
    assert not labels_file().exists()
    opened.window.close()
    opened.window.deleteLater()
    opened.controller.deleteLater()


def test_a_look_up_after_closing_starts_no_thread(review, qtbot, clips):
    open_ready(review, qtbot, clips[0])
    review.controller.readings.close()
    assert not review.controller.readings._thread.isRunning()
    review.controller.readings.look_up_worklist()
    assert not review.controller.readings._thread.isRunning()


def test_two_windows_on_one_project_see_what_the_other_says(review, qtbot, clips):
    other = open_review(ToldSession)
    with qtbot.waitExposed(other.window):
        other.window.show()
    for one in (review, other):
        open_ready(one, qtbot, *clips)
    press(review, Key.Key_P)
    settled(review, qtbot)
    until(qtbot, lambda: other.controller.state.reading.label is ReaderLabel.LS_P)
    until(qtbot, lambda: other.controller.state.worklist[0].label is ReaderLabel.LS_P)
    press(other, Key.Key_A)
    settled(other, qtbot)
    until(qtbot, lambda: review.controller.state.reading.label is ReaderLabel.LS_A)
    assert [row.value["label"] for row in history()] == ["ls_p", "ls_a"]
    other.window.close()
    other.window.deleteLater()
    other.controller.deleteLater()


def test_open_names_who_reads(review, monkeypatch, clips):
    monkeypatch.setattr("lsgui.gui.app.run_window", lambda paths, **asked: (asked["prepare"](review), 0)[1])
    assert run(["open", str(clips[0]), "--rater", " AB "]) == 0
    assert review.controller.state.rater == "AB"
