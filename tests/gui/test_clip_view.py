"""The clip's view with real events: the right frame, zoom, greys, drawing, correcting, dropping files."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from evidence_samples import HEIGHT, LINE, WIDTH, all_off, drawn_clip, pixels, real_clip, real_line, review
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QKeyEvent, QWheelEvent
from PySide6.QtWidgets import QApplication

from lsgui.core.pleura import PleuralROI
from lsgui.gui.clip_view import ClipView
from lsgui.review.state import LoadedClip, LoadPhase, PictureSettings, Playback, ReviewState, RoiPhase

Show = Callable[..., ClipView]


@pytest.fixture
def shown(qtbot: Any) -> Show:
    """Make a view of 600 x 450 points, three for every pixel of the drawn clip, that shows a state."""

    def make(state: ReviewState, width: int = 600, height: int = 450) -> ClipView:
        view = ClipView()
        qtbot.addWidget(view)
        view.resize(width, height)
        view.show()
        qtbot.waitExposed(view)
        view.apply(None, state)
        return view

    return make


def at(view: ClipView, x: float, y: float) -> QPoint:
    left, top = view.transform.to_view(x, y)
    return QPoint(round(left), round(top))


def listen(signal: Any) -> list[Any]:
    heard: list[Any] = []
    signal.connect(lambda *values: heard.append(values if len(values) != 1 else values[0]))
    return heard


# --- what is seen -----------------------------------------------------------------------------------------------


def test_every_frame_that_is_asked_for_is_the_frame_that_is_painted(shown: Show) -> None:
    state = all_off(review(roi=None))
    view = shown(state)
    for frame in (0, 7, 39, 3):
        now = replace(state, playback=Playback(frame=frame))
        view.apply(state, now)
        state = now
        assert pixels(view.grab_view())[30, 30].tolist() == [frame] * 3


def test_a_real_clip_fills_the_view_with_square_pixels_and_the_very_grey_values(
    shown: Show, shared_clips: Path
) -> None:
    clip = real_clip(shared_clips, "Reg_recommendations_alines_mov1.mov")
    assert clip.info is not None
    state = all_off(review(clip=clip, roi=None, roi_phase=RoiPhase.SET, playback=Playback(frame=90)))
    view = shown(state, clip.info.width, clip.info.height)
    shown_grey = pixels(view.grab_view())[: clip.info.height - 120, :, 0]  # the sentence at the foot is left out
    assert clip.store is not None
    assert np.array_equal(shown_grey, clip.store.frame(90)[: clip.info.height - 120])


def test_pixels_that_are_not_square_in_the_body_are_not_square_on_the_screen(shown: Show) -> None:
    clip = drawn_clip()
    assert clip.info is not None
    tall = replace(clip, info=replace(clip.info, spacing_mm=(0.4, 0.2)))
    view = shown(review(clip=tall))
    assert view.transform.scale_y == pytest.approx(2.0 * view.transform.scale_x)


def test_frames_still_being_decoded_show_the_last_that_is_there(shown: Show) -> None:
    state = all_off(review(clip=drawn_clip(phase=LoadPhase.DECODING, frames_ready=5), roi=None))
    view = shown(replace(state, playback=Playback(frame=30)))
    assert pixels(view.grab_view())[30, 30].tolist() == [4, 4, 4]


def test_contrast_brightness_and_gamma_change_the_greys_only(shown: Show) -> None:
    state = all_off(review(roi=None, playback=Playback(frame=20)))
    view = shown(state)
    brighter = replace(state, picture=PictureSettings(brightness=0.5))
    view.apply(state, brighter)
    assert pixels(view.grab_view())[30, 30, 0] == pytest.approx(20 + 0.5 * 255, abs=1)
    gamma = replace(state, picture=PictureSettings(gamma=2.0))
    view.apply(brighter, gamma)
    assert pixels(view.grab_view())[30, 30, 0] == pytest.approx(255 * (20 / 255) ** 0.5, abs=1)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (ReviewState(), "No clip open"),
        (review(clip=LoadedClip(Path("x.mp4"), LoadPhase.OPENING), roi=None), "Opening x.mp4"),
        (
            review(clip=LoadedClip(Path("x.mp4"), LoadPhase.FAILED, error="x.mp4 is empty."), roi=None),
            "x.mp4 is empty.",
        ),
        (review(roi=None, roi_phase=RoiPhase.SEARCHING), "Looking for the pleural line"),
        (review(roi=None, roi_phase=RoiPhase.NOT_FOUND), "No pleural line found. Draw the line: R"),
        (review(roi=None, roi_phase=RoiPhase.DRAWING, tool="draw_line"), "Enter ends"),
        (review(roi=None, roi_phase=RoiPhase.DRAWING, tool="draw_rectangle"), "Drag a box"),
        (review(), ""),
    ],
)
def test_every_state_says_what_it_is_also_to_a_screen_reader(shown: Show, state: ReviewState, words: str) -> None:
    view = shown(state)
    said = view.accessibleDescription()
    assert words in said if words else said == ""
    assert not view.grab_view().isNull()


# --- zoom and pan -----------------------------------------------------------------------------------------------


def wheel(view: ClipView, point: QPoint, steps: int) -> None:
    event = QWheelEvent(
        QPointF(point),
        view.mapToGlobal(QPointF(point)),
        QPoint(),
        QPoint(0, 120 * steps),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(view, event)


def test_the_wheel_zooms_about_the_pixel_under_the_pointer(shown: Show) -> None:
    view = shown(review())
    point = at(view, 150, 40)
    before = view.transform.to_clip(point.x(), point.y())
    wheel(view, point, 5)
    assert view.transform.zoom > 2.5
    assert view.transform.to_clip(point.x(), point.y()) == pytest.approx(before, abs=1e-6)
    wheel(view, point, -50)
    assert view.transform.zoom == 1.0


def test_dragging_moves_a_zoomed_picture_and_never_off_the_view(qtbot: Any, shown: Show) -> None:
    view = shown(review())
    view.zoom_in()
    view.zoom_in()
    qtbot.mousePress(view, Qt.MouseButton.MiddleButton, pos=QPoint(300, 300))
    qtbot.mouseMove(view, QPoint(2000, 300))
    qtbot.mouseRelease(view, Qt.MouseButton.MiddleButton, pos=QPoint(2000, 300))
    assert view.transform.to_clip(0, 0)[0] == pytest.approx(-0.5, abs=1e-6)
    view.zoom_to_fit()
    assert view.transform.zoom == 1.0


def test_a_picture_in_a_corner_of_a_screen_capture_opens_large_and_the_whole_frame_is_one_press_away(
    shown: Show, shared_clips: Path
) -> None:
    name = "tuke_lumify_l12.mp4"
    found = replace(real_line(shared_clips, name), source="auto")
    view = shown(review(clip=real_clip(shared_clips, name), roi=found, roi_phase=RoiPhase.SUGGESTED), 900, 600)
    left, top, right, bottom = found.bounds()
    x0, _ = view.transform.to_view(left, top)
    x1, _ = view.transform.to_view(right, bottom)
    assert 0 < x0 < x1 < 900
    assert x1 - x0 > 150
    view.zoom_to_fit()
    assert view.transform.zoom == 1.0


def test_the_view_does_not_jump_once_the_reader_has_chosen_it(shown: Show) -> None:
    state = review()
    view = shown(state)
    view.zoom_in()
    chosen = view.transform
    assert state.clip is not None
    view.apply(state, replace(state, clip=replace(state.clip, scan_box=(50, 50, 60, 60))))
    assert view.transform == chosen


def test_a_right_drag_asks_for_brightness_and_contrast_as_reading_stations_do(qtbot: Any, shown: Show) -> None:
    view = shown(review())
    asked = listen(view.pictureAdjusted)
    qtbot.mousePress(view, Qt.MouseButton.RightButton, pos=QPoint(300, 200))
    qtbot.mouseMove(view, QPoint(400, 170))
    qtbot.mouseRelease(view, Qt.MouseButton.RightButton, pos=QPoint(400, 170))
    brightness, contrast = asked[-1]
    assert brightness == pytest.approx(0.1)
    assert contrast == pytest.approx(2**0.5)


# --- drawing ----------------------------------------------------------------------------------------------------


def test_clicks_and_enter_draw_a_line_kept_from_left_to_right(qtbot: Any, shown: Show) -> None:
    view = shown(review(roi=None, roi_phase=RoiPhase.DRAWING, tool="draw_line", playback=Playback(frame=9)))
    drawn, ended = listen(view.roiDrawn), listen(view.toolEnded)
    for x, y in ((150, 70), (100, 72), (50, 66)):
        qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=at(view, x, y))
    qtbot.keyClick(view, Qt.Key.Key_Return)
    (roi,) = drawn
    assert isinstance(roi, PleuralROI)
    assert roi.source == "hand"
    assert roi.frame == 9
    assert roi.polyline == pytest.approx(np.array([[50, 66], [100, 72], [150, 70]]), abs=0.4)
    assert len(ended) == 1


@pytest.mark.parametrize("end", ["double_click", "right_click"])
def test_a_double_click_or_a_right_click_ends_the_line(qtbot: Any, shown: Show, end: str) -> None:
    view = shown(review(roi=None, roi_phase=RoiPhase.DRAWING, tool="draw_line"))
    drawn = listen(view.roiDrawn)
    for x in (30, 90, 150):
        qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=at(view, x, 70))
    if end == "double_click":
        qtbot.mouseDClick(view, Qt.MouseButton.LeftButton, pos=at(view, 150, 70))
    else:
        qtbot.mouseClick(view, Qt.MouseButton.RightButton, pos=at(view, 150, 70))
    assert len(drawn) == 1
    assert len(drawn[0].polyline) == 3


def test_backspace_takes_a_point_back_and_escape_draws_nothing(qtbot: Any, shown: Show) -> None:
    view = shown(review(roi=None, roi_phase=RoiPhase.DRAWING, tool="draw_line"))
    drawn, ended = listen(view.roiDrawn), listen(view.toolEnded)
    for x in (30, 90, 150):
        qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=at(view, x, 70))
    qtbot.keyClick(view, Qt.Key.Key_Backspace)
    qtbot.keyClick(view, Qt.Key.Key_Backspace)
    qtbot.keyClick(view, Qt.Key.Key_Return)
    assert not drawn  # one point is no line: the tool stays in hand
    qtbot.keyClick(view, Qt.Key.Key_Escape)
    assert not drawn
    assert len(ended) == 1


def test_a_stroke_becomes_a_line_of_few_handles_that_keeps_its_shape(qtbot: Any, shown: Show) -> None:
    view = shown(review(roi=None, roi_phase=RoiPhase.DRAWING, tool="draw_line"))
    drawn = listen(view.roiDrawn)
    xs = np.linspace(20, 180, 80)
    ys = 70 + 8 * np.sin(xs / 40)
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=at(view, xs[0], ys[0]))
    for x, y in zip(xs, ys, strict=True):
        qtbot.mouseMove(view, at(view, x, y))
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=at(view, xs[-1], ys[-1]))
    line = drawn[0].polyline
    assert 3 <= len(line) <= 8
    assert np.abs(np.interp(xs, line[:, 0], line[:, 1]) - ys).max() < 2.0


def test_a_dragged_box_asks_for_a_search_inside_it(qtbot: Any, shown: Show) -> None:
    view = shown(review(roi=None, roi_phase=RoiPhase.DRAWING, tool="draw_rectangle"))
    boxes = listen(view.rectangleDrawn)
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=at(view, 120, 90))
    qtbot.mouseMove(view, at(view, 60, 50))
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=at(view, 40, 40))
    assert boxes == [(40, 40, 81, 51)]


def test_while_drawing_the_tool_takes_its_keys_from_the_windows_shortcuts(shown: Show) -> None:
    idle = shown(review())
    drawing = shown(review(roi=None, roi_phase=RoiPhase.DRAWING, tool="draw_line"))

    def taken(view: ClipView, key: Qt.Key) -> bool:
        event = QKeyEvent(QEvent.Type.ShortcutOverride, key, Qt.KeyboardModifier.NoModifier)
        event.ignore()
        QApplication.sendEvent(view, event)
        return event.isAccepted()

    for key in (Qt.Key.Key_Return, Qt.Key.Key_Escape, Qt.Key.Key_Backspace):
        assert taken(drawing, key)
        assert not taken(idle, key)
    assert not taken(drawing, Qt.Key.Key_Space)


def test_another_clip_takes_the_tool_out_of_the_hand(qtbot: Any, shown: Show) -> None:
    drawing = review(roi=None, roi_phase=RoiPhase.DRAWING, tool="draw_line")
    view = shown(drawing)
    drawn = listen(view.roiDrawn)
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=at(view, 30, 70))
    view.apply(drawing, review(roi=None, roi_phase=RoiPhase.NONE, clip=drawn_clip(Path("other.mp4"))))
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=at(view, 90, 70))
    qtbot.keyClick(view, Qt.Key.Key_Return)
    assert not drawn


# --- correcting -------------------------------------------------------------------------------------------------


def drag(qtbot: Any, view: ClipView, start: tuple[float, float], end: tuple[float, float]) -> None:
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=at(view, *start))
    qtbot.mouseMove(view, at(view, *end))
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=at(view, *end))


def test_a_dragged_handle_corrects_the_line_once_when_it_is_let_go(qtbot: Any, shown: Show) -> None:
    view = shown(review())
    drawn = listen(view.roiDrawn)
    drag(qtbot, view, (100, 64), (110, 80))
    (roi,) = drawn
    assert roi.polyline == pytest.approx(np.array([LINE[0], [110, 80], LINE[2]]), abs=0.4)


def test_a_correction_on_another_frame_is_a_key_frame_of_its_own(qtbot: Any, shown: Show) -> None:
    view = shown(review(playback=Playback(frame=20)))
    drawn = listen(view.roiDrawn)
    drag(qtbot, view, (160, 60), (160, 80))
    (roi,) = drawn
    assert [frame for frame, _ in roi.keyframes] == [0, 20]
    assert roi.line_at(0)[2].tolist() == LINE[2]
    assert roi.line_at(10)[2] == pytest.approx([160, 70], abs=0.4)


def test_the_line_itself_is_dragged_as_a_whole_and_stays_in_the_picture(qtbot: Any, shown: Show) -> None:
    view = shown(review())
    drawn = listen(view.roiDrawn)
    drag(qtbot, view, (70, 62), (70, 500))
    (roi,) = drawn
    assert np.diff(roi.polyline, axis=0) == pytest.approx(np.diff(np.array(LINE), axis=0), abs=1e-6)
    assert roi.polyline[:, 1].max() <= HEIGHT - 1


def test_a_double_click_adds_a_handle_and_delete_takes_it_away(qtbot: Any, shown: Show) -> None:
    state = review()
    view = shown(state)
    drawn = listen(view.roiDrawn)
    qtbot.mouseDClick(view, Qt.MouseButton.LeftButton, pos=at(view, 130, 62))
    assert len(drawn[-1].polyline) == 4
    more = replace(state, roi=drawn[-1])
    view.apply(state, more)
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=at(view, 130, 62))
    view.setFocus()
    qtbot.keyClick(view, Qt.Key.Key_Delete)
    assert drawn[-1].polyline == pytest.approx(np.array(LINE), abs=1e-6)


def test_two_points_are_the_least_a_line_has(qtbot: Any, shown: Show) -> None:
    view = shown(review(roi=PleuralROI.single(0, [LINE[0], LINE[2]])))
    drawn = listen(view.roiDrawn)
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=at(view, *LINE[0]))
    qtbot.keyClick(view, Qt.Key.Key_Delete)
    assert not drawn


# --- the M-mode's column ----------------------------------------------------------------------------------------


def test_a_click_on_the_picture_asks_for_the_m_mode_there(qtbot: Any, shown: Show) -> None:
    view = shown(review())
    columns = listen(view.columnPointed)
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=at(view, 130, 100))
    assert columns == [pytest.approx(0.75, abs=0.03)]


def test_the_green_line_can_be_dragged(qtbot: Any, shown: Show) -> None:
    view = shown(review())
    columns = listen(view.columnPointed)
    drag(qtbot, view, (100, 110), (40, 110))
    assert columns[-1] == pytest.approx(0.0, abs=0.06)


def test_the_column_follows_the_pointer_only_when_it_was_told_to(qtbot: Any, shown: Show) -> None:
    state = review()
    view = shown(state)
    columns = listen(view.columnPointed)
    qtbot.mouseMove(view, at(view, 60, 100))
    assert not columns
    view.apply(state, replace(state, mmode_follows_pointer=True))
    qtbot.mouseMove(view, at(view, 160, 100))
    assert columns == [pytest.approx(1.0, abs=0.06)]


# --- dropping files ---------------------------------------------------------------------------------------------


def test_dropped_files_and_folders_are_handed_on(shown: Show, tmp_path: Path) -> None:
    view = shown(ReviewState())
    paths = listen(view.filesDropped)
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path)), QUrl("https://example.org/clip.mp4")])
    buttons = (Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    enter = QDragEnterEvent(QPoint(5, 5), Qt.DropAction.CopyAction, data, *buttons)
    QApplication.sendEvent(view, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(view, QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, data, *buttons))
    assert paths == [[tmp_path]]


def test_the_whole_clip_is_where_the_picture_says_it_is(shown: Show) -> None:
    view = shown(review())
    assert view.transform.to_view(-0.5, -0.5) == pytest.approx((0, 0))
    assert view.transform.to_view(WIDTH - 0.5, HEIGHT - 0.5) == pytest.approx((600, 450))
