"""The real window as a window: sizes, keys, menus, themes, and that it never stutters."""

import itertools
import subprocess
import sys
import time

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton
from window_samples import draw, open_clip_in, press, until

from lsgui.gui.action_table import ACTIONS
from lsgui.gui.app import open_review
from lsgui.gui.stall_watch import StallWatch
from lsgui.review.demo_clips import demo_clips
from lsgui.review.state import AnalysisPhase, WorkerPhase


def test_recent_files_are_remembered(review, qtbot, clips, home):
    open_clip_in(review, qtbot, clips[1])
    assert review.controller.state.recent[0] == clips[1]
    assert "clip 1.avi" in (home / "settings" / "recent.json").read_text()


def test_the_theme_changes_at_once_and_is_saved(review, qtbot, home):
    before = QApplication.palette().window().color().name()
    review.window.commands.cycle_theme()
    assert QApplication.palette().window().color().name() != before
    assert '"light"' in (home / "settings" / "settings.json").read_text()
    review.window.commands.cycle_theme()
    review.window.commands.cycle_theme()
    assert QApplication.palette().window().color().name() == before


def test_full_screen_keeps_the_keys_and_escape_leaves_it(review, qtbot, clips):
    open_clip_in(review, qtbot, clips[0])
    review.controller.tell("")
    press(review, Qt.Key.Key_F11)
    until(qtbot, review.window.isFullScreen)
    assert not review.window.menuBar().isVisible()
    playing = review.controller.state.playback.playing
    press(review, Qt.Key.Key_Space)
    assert review.controller.state.playback.playing != playing
    press(review, Qt.Key.Key_Escape)
    until(qtbot, lambda: not review.window.isFullScreen())
    assert review.window.menuBar().isVisible()


@pytest.mark.parametrize(
    ("size", "left", "right"), [((1366, 768), True, True), ((1000, 700), False, True), ((700, 900), False, False)]
)
def test_a_small_window_gives_its_room_to_the_clip(review, qtbot, clips, size, left, right):
    open_clip_in(review, qtbot, clips[0])
    review.window.resize(*size)
    QApplication.processEvents()
    assert review.window.size().toTuple() == size
    assert review.window.worklist_panel.isVisible() == left
    assert review.window._right.isVisible() == right
    assert review.window.clip_view.width() >= size[0] * 0.5
    assert review.window.clip_view.height() >= size[1] * 0.35
    press(review, Qt.Key.Key_F3)
    assert review.window._right.isVisible() != right


def test_every_command_is_in_a_menu_with_its_key(review):
    menus = {}
    for menu_action in review.window.menuBar().actions():
        menus[menu_action.text()] = [action.objectName() for action in menu_action.menu().actions()]
    for action in ACTIONS:
        assert action.id in menus[action.menu]
        assert review.window.menus.actions[action.id].shortcuts()


def test_every_command_can_be_given_in_every_state(review, qtbot, clips):
    """No command may fail, whatever is open: those that make no sense are disabled or say why."""
    outside = {
        "open_files",
        "open_folder",
        "export",
        "export_mmode",
        "load_line",
        "save_line",
        "log_folder",
        "quit",
        "full_screen",
    }
    for step in ("empty", "clip", "line"):
        if step == "clip":
            open_clip_in(review, qtbot, *clips)
        if step == "line":
            draw(review)
        for action in ACTIONS:
            if action.id in outside or (step == "clip" and action.id == "close_all"):
                continue
            review.window.menus.actions[action.id].trigger()
            if review.window.commands.dialog is not None:
                review.window.commands.dialog.reject()
        qtbot.wait(50)


def test_the_window_itself_never_works_long_while_a_clip_plays_and_is_analysed(review, qtbot, clips, told_session):
    open_clip_in(review, qtbot, clips[2])
    draw(review)
    qtbot.wait(300)
    watch = StallWatch()
    press(review, Qt.Key.Key_Return)
    until(qtbot, lambda: len(told_session.requests) == 1)
    told_session.finish()
    until(qtbot, lambda: review.controller.state.analysis.phase is AnalysisPhase.DONE)
    qtbot.wait(500)
    watch.stop()
    assert len(watch.gaps_ms) >= 3
    assert watch.busiest_ms < 100, sorted(watch.busy_ms)[-5:]


def test_the_stall_watch_sees_a_stall(qtbot):
    watch = StallWatch()
    qtbot.wait(50)
    began = time.thread_time()
    while time.thread_time() - began < 0.12:
        pass
    watch.stop()
    assert watch.longest_ms >= 110
    assert watch.busiest_ms >= 110


def test_space_presses_a_button_that_was_reached_by_tab_and_plays_after_a_click(review, qtbot, clips):
    open_clip_in(review, qtbot, clips[0])
    bar = review.window.player_bar
    review.controller.seek(5)
    bar._on.setFocus(Qt.FocusReason.OtherFocusReason)
    QTest.keyClick(bar._on, Qt.Key.Key_Tab)
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab, Qt.KeyboardModifier.ShiftModifier)
    assert QApplication.focusWidget() is bar._on
    QTest.keyClick(bar._on, Qt.Key.Key_Space)
    assert review.controller.state.playback.frame == 6
    assert not review.controller.state.playback.playing
    bar._on.clearFocus()
    bar._on.setFocus(Qt.FocusReason.MouseFocusReason)
    QTest.keyClick(bar._on, Qt.Key.Key_Space)
    assert review.controller.state.playback.playing


@pytest.mark.parametrize("width", [1440, 1366, 1180, 1000, 900, 820, 700, 560])
def test_nothing_of_the_player_overlaps_at_any_width(review, qtbot, clips, width):
    open_clip_in(review, qtbot, clips[0])
    review.window.resize(width, 760)
    qtbot.wait(30)
    bar = review.window.player_bar
    parts = [part for part in (*bar._all_buttons, bar._time, bar._frame, bar._rates) if part.isVisible()]
    for part in parts:
        assert part.width() >= part.minimumSizeHint().width(), part
        assert bar.rect().contains(part.geometry())
    rows = sorted(parts, key=lambda part: part.x())
    for before, after in itertools.pairwise(rows):
        assert before.geometry().right() < after.x()


def test_the_window_opens_without_what_it_does_not_need_yet(home):
    code = (
        "import sys; from lsgui.gui import app; from lsgui.cli import main\n"
        "from lsgui.gui.play_report import HEAVY, start_report\n"
        "from PySide6.QtWidgets import QApplication\n"
        "opened = app.open_review\n"
        "def open_review(*given, **named):\n"
        "    review = opened(*given, **named)\n"
        "    review.window.firstPainted.connect(lambda: print(start_report().heavy, len(HEAVY)))\n"
        "    review.window.firstPainted.connect(review.window.close)\n"
        "    return review\n"
        "app.open_review = open_review\n"
        "raise SystemExit(main.run([]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["()", "11"], done.stderr


def test_the_start_screen_offers_ways_to_open(review):
    window = review.window
    assert window._stack.currentWidget() is window.start_screen
    assert not window.worklist_panel.isVisible()
    assert review.controller.state.worker.phase is WorkerPhase.READY


def test_the_start_screen_shows_the_demo_clip_that_is_clicked(review, qtbot):
    name = f"Show the demo clip: {demo_clips()[1].title}"
    shows = [b for b in review.window.start_screen.findChildren(QPushButton) if b.accessibleName() == name]
    QTest.mouseClick(shows[0], Qt.MouseButton.LeftButton)
    until(qtbot, lambda: review.controller.state.clip is not None and review.controller.state.roi is not None)
    assert review.controller.state.clip.path == demo_clips()[1].path.absolute()


def test_a_window_closed_without_a_clip_forgets_no_width_of_its_columns(review, qtbot, clips, told_session):
    review.window.close()
    again = open_review(lambda: told_session)
    again.window.resize(1440, 900)
    again.window.show()
    open_clip_in(again, qtbot, clips[0])
    QApplication.processEvents()
    assert min(again.window._splitters["across"].sizes()) >= 200
    again.window.close()
    again.window.deleteLater()
    again.controller.deleteLater()
