"""Two M-modes side by side: their columns on the clip, their places on the screen, and their files."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from evidence_samples import FRAMES, drawn_clip, near, pixels
from evidence_samples import review as state_with_line
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from window_samples import approve_mask, draw, open_clip_in, press, until

from lsgui.core.clip import MemoryFrames
from lsgui.core.pleura import PleuralROI
from lsgui.gui.clip_view import ClipView
from lsgui.gui.export_task import export_subject
from lsgui.gui.mmode_export import MModeTask
from lsgui.gui.mmode_view import MModeView
from lsgui.gui.overlays.mmode_column import COLUMN_COLOUR, SECOND_COLOUR
from lsgui.gui.polyline_edit import point_and_normal
from lsgui.gui.time_axis import ROOM_INSET
from lsgui.review.state import Playback, ReviewState


@pytest.fixture
def mmode(qtbot: Any) -> MModeView:
    view = MModeView()
    qtbot.addWidget(view)
    view.resize(round(816 + 2 * ROOM_INSET), 200)
    view.show()
    qtbot.waitExposed(view)
    return view


@pytest.fixture
def view(qtbot: Any) -> ClipView:
    view = ClipView()
    qtbot.addWidget(view)
    view.resize(600, 450)
    view.show()
    qtbot.waitExposed(view)
    return view


def _columns_as_greys(**changes: Any) -> ReviewState:
    """Grey tells the column of the picture; the line runs from 40 to 160."""
    frames = np.tile(np.arange(200, dtype=np.uint8), (FRAMES, 150, 1))
    roi = PleuralROI.single(0, [[40.0, 60.0], [160.0, 60.0]])
    return state_with_line(clip=drawn_clip(store=MemoryFrames(frames)), roi=roi, **changes)


def test_each_half_shows_its_own_column_over_the_whole_clip(qtbot: Any, mmode: MModeView) -> None:
    mmode.apply(None, _columns_as_greys(mmode_column=0.25, mmode_second=0.75, playback=Playback(frame=10)))
    until(qtbot, lambda: mmode.image is not None and mmode.second_image is not None)
    assert (mmode.image == 70).all()
    assert (mmode.second_image == 130).all()
    row = pixels(mmode.grab().toImage())[150]
    inset = round(ROOM_INSET)
    assert np.median(row[inset + 60 : inset + 380, 0]) == 70
    assert np.median(row[inset + 480 : inset + 800, 0]) == 130
    for channel, left in ((1, inset), (0, inset + 416)):  # green, then rose
        half = row[left : left + 400].astype(int)
        coloured = np.flatnonzero(half[:, channel] - np.delete(half, channel, axis=1).max(axis=1) > 25)
        assert left + coloured.mean() == pytest.approx(left + 400 * 10 / FRAMES, abs=2)


def test_above_one_another_both_lie_on_the_players_time_axis(qtbot: Any, mmode: MModeView) -> None:
    state = _columns_as_greys(mmode_column=0.25, mmode_second=0.75, mmode_stacked=True, playback=Playback(frame=20))
    mmode.apply(None, state)
    until(qtbot, lambda: mmode.image is not None and mmode.second_image is not None)
    found = pixels(mmode.grab().toImage())
    assert np.median(found[50, 100:700, 0]) == 70
    assert np.median(found[150, 100:700, 0]) == 130
    for row, channel in ((50, 1), (150, 0)):
        line = found[row].astype(int)
        at = np.flatnonzero(line[:, channel] - np.delete(line, channel, axis=1).max(axis=1) > 25)
        assert at.mean() == pytest.approx(ROOM_INSET + 816 / 2, abs=2)


def test_a_click_in_either_half_asks_for_the_frame_on_its_own_axis(qtbot: Any, mmode: MModeView) -> None:
    mmode.apply(None, _columns_as_greys(mmode_second=0.75))
    asked: list[int] = []
    mmode.frameAsked.connect(asked.append)
    for left in (ROOM_INSET, ROOM_INSET + 416):
        at = QPoint(round(left + 400 * 12.5 / FRAMES), 90)
        qtbot.mouseClick(mmode, Qt.MouseButton.LeftButton, pos=at)
    assert asked == [12, 12]


def test_the_second_one_goes_when_its_column_is_cleared(qtbot: Any, mmode: MModeView) -> None:
    both = _columns_as_greys(mmode_second=0.75)
    mmode.apply(None, both)
    until(qtbot, lambda: mmode.second_image is not None)
    mmode.apply(both, replace(both, mmode_second=None))
    assert mmode.second_image is None
    assert not near(pixels(mmode.grab().toImage()), SECOND_COLOUR, 40).any()


def test_another_depth_range_is_another_cut(qtbot: Any, mmode: MModeView) -> None:
    state = state_with_line()
    mmode.apply(None, state)
    until(qtbot, lambda: mmode.image is not None and mmode.image.shape == (40 + 80 + 1, FRAMES))
    near_range = replace(state, mmode_depth="near")
    mmode.apply(state, near_range)
    until(qtbot, lambda: mmode.image is not None and mmode.image.shape == (20 + 40 + 1, FRAMES))


def test_both_columns_stand_on_the_clip_and_either_is_dragged_by_itself(qtbot: Any, view: ClipView) -> None:
    view.apply(None, state_with_line(mmode_column=0.25, mmode_second=0.75))
    found = pixels(view.grab_view())
    asked: list[tuple[str, float]] = []
    view.columnPointed.connect(lambda column: asked.append(("a", column)))
    view.secondColumnPointed.connect(lambda column: asked.append(("b", column)))
    shown = view.transform.points_to_view(np.array([[40.0, 60.0], [100.0, 64.0], [160.0, 60.0]]))
    for letter, column, colour in (("a", 0.25, COLUMN_COLOUR), ("b", 0.75, SECOND_COLOUR)):
        (x, y), (nx, ny) = point_and_normal(shown, column)
        at = QPoint(round(x + 60 * nx), round(y + 60 * ny))
        assert near(found[at.y() - 3 : at.y() + 4, at.x() - 3 : at.x() + 4], colour, 60).any()
        asked.clear()
        QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=at)
        qtbot.mouseMove(view, QPoint(at.x() + 36, at.y()))
        QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=QPoint(at.x() + 36, at.y()))
        assert {name for name, _ in asked} == {letter}
        assert asked[-1][1] == pytest.approx(column + 0.1, abs=0.03)


def test_the_second_columns_ring_is_taken_hold_of_before_the_line(qtbot: Any, view: ClipView) -> None:
    view.apply(None, state_with_line(mmode_second=0.75))
    drawn: list[object] = []
    asked: list[float] = []
    view.roiDrawn.connect(drawn.append)
    view.secondColumnPointed.connect(asked.append)
    shown = view.transform.points_to_view(np.array([[40.0, 60.0], [100.0, 64.0], [160.0, 60.0]]))
    (x, y), _ = point_and_normal(shown, 0.75)
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=QPoint(round(x), round(y)))
    qtbot.mouseMove(view, QPoint(round(x) - 40, round(y)))
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=QPoint(round(x) - 40, round(y)))
    assert not drawn
    assert asked[-1] < 0.7


def test_a_click_with_shift_sets_the_second_column_and_one_on_the_ribbon_the_first(view: ClipView) -> None:
    view.apply(None, state_with_line(mmode_column=0.1))
    asked: list[tuple[str, float]] = []
    view.columnPointed.connect(lambda column: asked.append(("a", column)))
    view.secondColumnPointed.connect(lambda column: asked.append(("b", column)))
    shown = view.transform.points_to_view(np.array([[40.0, 60.0], [100.0, 64.0], [160.0, 60.0]]))
    (x, y), (nx, ny) = point_and_normal(shown, 0.6)
    on_ribbon = QPoint(round(x - 11 * nx), round(y - 11 * ny))
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=on_ribbon)
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier, pos=on_ribbon)
    assert [name for name, _ in asked] == ["a", "b"]
    assert [column for _, column in asked] == pytest.approx([0.6, 0.6], abs=0.02)


# --- in the window ----------------------------------------------------------------------------------------------


def test_keys_set_move_and_clear_the_second_column(review: Any, qtbot: Any, clips: list[Path]) -> None:
    open_clip_in(review, qtbot, clips[0])
    draw(review)
    press(review, Qt.Key.Key_M, Qt.KeyboardModifier.ShiftModifier)
    first = review.controller.state.mmode_second
    assert first == pytest.approx(0.8)
    for action, moved in (("second_right", 0.82), ("second_left", 0.8)):
        review.window.menus.actions[action].trigger()
        assert review.controller.state.mmode_second == pytest.approx(moved)
    until(qtbot, lambda: review.window.mmode_view.second_image is not None)
    press(review, Qt.Key.Key_M, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    assert review.controller.state.mmode_stacked
    assert review.window.mmode_view.height() >= 190
    press(review, Qt.Key.Key_M, Qt.KeyboardModifier.ShiftModifier)
    assert review.controller.state.mmode_second is None
    assert not review.window.menus.actions["second_left"].isEnabled()


def test_the_second_column_is_there_again_when_the_reader_comes_back(
    review: Any, qtbot: Any, clips: list[Path]
) -> None:
    open_clip_in(review, qtbot, *clips[:2])
    draw(review)
    review.controller.set_second_column(0.9)
    review.controller.clips.select(1)
    assert review.controller.state.mmode_second is None
    review.controller.clips.select(0)
    assert review.controller.state.mmode_second == 0.9


def test_the_m_modes_are_saved_while_the_clip_plays_on(
    review: Any, qtbot: Any, clips: list[Path], tmp_path: Path
) -> None:
    open_clip_in(review, qtbot, clips[0])
    draw(review)
    review.controller.set_second_column(0.75)
    assert review.controller.state.playback.playing
    until(qtbot, lambda: review.controller.readings.known_hash(clips[0]) is not None)
    review.window.commands.exports.save_mmode()
    dialog = review.window.commands.dialog
    short = review.controller.readings.known_hash(clips[0])[:8]
    assert dialog.selectedFiles()[0].endswith(f"lsgui-{short}-mmode.png")
    dialog.fileSelected.emit(str(tmp_path / "saved.png"))
    dialog.reject()
    approve_mask(review, qtbot)
    until(qtbot, lambda: review.controller.state.notice.startswith("Saved saved.png"))
    assert review.controller.state.playback.playing
    names = {path.name for path in tmp_path.glob("saved*")}
    assert names == {"saved.png", "saved-raw-A.png", "saved-raw-B.png", "saved.json"}
    said = json.loads((tmp_path / "saved.json").read_text())
    assert (said["clip"], said["frames"]) == (f"Clip {short}", 30)
    assert said["stamp"].startswith("lsgui ")
    assert said["seconds_per_px"] == pytest.approx(0.05)


def test_a_folder_that_cannot_be_written_is_told(review: Any, qtbot: Any, clips: list[Path], tmp_path: Path) -> None:
    open_clip_in(review, qtbot, clips[0])
    draw(review)
    (tmp_path / "file").write_text("not a folder")
    exports = review.window.commands.exports
    subject = export_subject(review.controller.state, None, review.controller.project.store)
    exports.submit(MModeTask(subject, tmp_path / "file" / "x.png"))
    approve_mask(review, qtbot)
    until(qtbot, lambda: "cannot be written" in review.controller.state.notice)
    exports.submit(MModeTask(replace(subject, roi=None), tmp_path / "x.png"))
    assert "no M-mode to save" in review.controller.state.notice
