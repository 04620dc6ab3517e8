"""The real window, offscreen, over a worker that answers when it is told to."""

from dataclasses import replace

import numpy as np
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtTest import QTest
from window_samples import draw, is_complete, open_clip_in, press, until

from lsgui.annotation.store import AnnotationStore
from lsgui.core.label import ReaderLabel
from lsgui.core.pleura import PleuralROI
from lsgui.review import transitions as to
from lsgui.review.paths import labels_file
from lsgui.review.state import AnalysisPhase, LoadPhase, LoopMode, RoiPhase


def test_a_clip_opens_plays_and_shows_its_facts(review, qtbot, clips):
    open_clip_in(review, qtbot, clips[0])
    state = review.controller.state
    assert state.clip.info.frames == 30
    assert state.playback.playing
    assert review.window.windowTitle() == "Clip 1 of 1 – lsgui"
    first = state.playback.frame
    until(qtbot, lambda: review.controller.state.playback.frame != first)
    assert "clip 20.0 fps" in review.window.player_bar._rates.text()
    assert "20.0 fps" in review.window.status_strip._clip.text()
    assert state.worklist[0].detail == "30 frames · 1.5 s"


def test_the_title_names_a_file_only_when_asked(review, qtbot, clips):
    assert review.window.windowTitle() == "lsgui"
    review.controller.open_paths(clips)
    until(qtbot, lambda: review.window.windowTitle() == "Clip 1 of 3 – lsgui")
    press(review, Qt.Key.Key_N)
    until(qtbot, lambda: review.window.windowTitle() == "Clip 2 of 3 – lsgui")
    review.controller.set_settings(replace(review.controller.settings, name_in_title=True))
    assert review.window.windowTitle() == "clip 1.avi – lsgui"


def test_a_clip_keeps_its_own_time(review, qtbot, clips):
    open_clip_in(review, qtbot, clips[2])
    controller = review.controller
    controller.change(lambda s: to.playing_set(to.frame_shown(to.loop_set(s, LoopMode.ONCE), 0), True))
    shown = []
    controller.stateChanged.connect(lambda old, new: shown.append(new.playback.frame))
    with qtbot.waitSignal(controller.stateChanged, check_params_cb=lambda o, n: not n.playback.playing, timeout=30_000):
        pass
    frames = list(dict.fromkeys(shown))
    assert frames == sorted(frames)
    assert frames[-1] == 49
    assert len(frames) >= 45  # a busy machine may wake the player late: it then shows the frame that is due


def test_keys_of_the_player(review, qtbot, clips):
    open_clip_in(review, qtbot, clips[0])
    state = lambda: review.controller.state.playback  # noqa: E731
    press(review, Qt.Key.Key_Space)
    assert not state().playing
    press(review, Qt.Key.Key_Home)
    press(review, Qt.Key.Key_Right)
    press(review, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert state().frame == 11
    press(review, Qt.Key.Key_Left)
    press(review, Qt.Key.Key_BracketLeft)
    press(review, Qt.Key.Key_End)
    press(review, Qt.Key.Key_BracketRight)
    assert (state().mark_a, state().mark_b) == (10, 29)
    press(review, Qt.Key.Key_L)
    press(review, Qt.Key.Key_Minus)
    press(review, Qt.Key.Key_Space, Qt.KeyboardModifier.ShiftModifier)
    assert (state().loop, state().speed, state().direction) == (LoopMode.SWEEP, 0.75, -1)


def test_scrubbing_shows_exactly_the_frame_under_the_pointer(review, qtbot, clips):
    open_clip_in(review, qtbot, clips[0])
    bar = review.window.player_bar.seek_bar
    axis = bar.axis()
    for frame in (0, 7, 13, 29):
        middle = (axis.x_of_frame(frame) + axis.x_of_frame(frame + 1)) / 2
        QTest.mouseClick(bar, Qt.MouseButton.LeftButton, pos=QPoint(round(middle), bar.height() // 2))
        state = review.controller.state
        assert state.playback.frame == frame
        assert not state.playback.playing
        shown = state.clip.store.frame(frame)
        assert abs(float(np.median(shown[2:8, 5:35])) - (40 + 4 * frame)) < 4


def test_drawing_undo_redo_and_removal(review, qtbot, clips):
    open_clip_in(review, qtbot, clips[0])
    controller = review.controller
    controller.lines.set_line(None)
    first = draw(review, 50)
    second = draw(review, 60)
    assert controller.state.roi is second
    press(review, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert controller.state.roi is first
    press(review, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    assert controller.state.roi is second
    press(review, Qt.Key.Key_Delete)
    assert controller.state.roi is None
    press(review, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert controller.state.roi is second


def test_r_takes_the_pen_and_escape_puts_it_down(review, qtbot, clips):
    open_clip_in(review, qtbot, clips[0])
    press(review, Qt.Key.Key_R)
    assert review.controller.state.tool == "draw_line"
    assert review.controller.state.roi_phase is RoiPhase.DRAWING
    press(review, Qt.Key.Key_Escape)
    assert review.controller.state.tool == "none"
    assert review.controller.state.roi_phase is not RoiPhase.DRAWING


def test_enter_analyses_and_the_verdict_is_for_this_clip(review, qtbot, clips, told_session):
    open_clip_in(review, qtbot, clips[0])
    draw(review)
    press(review, Qt.Key.Key_Return)
    analysis = lambda: review.controller.state.analysis  # noqa: E731
    assert analysis().phase is AnalysisPhase.RUNNING
    until(qtbot, lambda: len(analysis().windows) == 1)
    request = told_session.requests[-1]
    assert (request.clip, request.model_id) == ("clip 0.avi", "motion")
    assert request.frames.shape[0] == 30
    told_session.finish()
    until(qtbot, lambda: analysis().phase is AnalysisPhase.DONE)
    assert analysis().prediction.label.value == "ls_p"
    draw(review, 70)
    assert analysis().stale


def test_enter_before_the_clip_is_read_is_kept_until_it_is(review, qtbot, clips, told_session):
    review.controller.clips.keep_line(clips[0], PleuralROI.single(0, ((20.0, 60.0), (140.0, 60.0))))
    review.controller.open_paths(clips[:1])
    until(qtbot, lambda: review.controller.state.clip is not None)
    assert review.controller.state.clip.phase is not LoadPhase.COMPLETE
    press(review, Qt.Key.Key_Return)
    assert "starts when it is complete" in review.controller.state.notice
    assert not told_session.requests
    until(qtbot, lambda: len(told_session.requests) == 1)
    assert told_session.requests[0].clip == clips[0].name


def test_escape_takes_back_an_early_enter(review, qtbot, clips, told_session):
    review.controller.clips.keep_line(clips[0], PleuralROI.single(0, ((20.0, 60.0), (140.0, 60.0))))
    review.controller.open_paths(clips[:1])
    until(qtbot, lambda: review.controller.state.clip is not None)
    press(review, Qt.Key.Key_Return)
    press(review, Qt.Key.Key_Escape)
    assert not review.controller.state.notice
    until(qtbot, lambda: review.controller.state.clip.mm_per_px is not None)
    qtbot.wait(50)
    assert not told_session.requests


def test_enter_without_a_line_says_what_to_do(review, qtbot, clips, told_session):
    open_clip_in(review, qtbot, clips[0])
    review.controller.lines.set_line(None)
    press(review, Qt.Key.Key_Return)
    assert "draw it (R)" in review.controller.state.notice
    assert review.window.notice_bar.isVisible()
    assert told_session.requests == []
    press(review, Qt.Key.Key_Escape)
    assert not review.window.notice_bar.isVisible()


def test_a_verdict_never_lands_on_another_clip(review, qtbot, clips, told_session):
    open_clip_in(review, qtbot, *clips)
    draw(review)
    press(review, Qt.Key.Key_Return)
    until(qtbot, lambda: len(told_session.requests) == 1)
    late = told_session.requests[0].id
    review.controller.clips.select(1)
    until(qtbot, lambda: late in told_session.cancelled)
    told_session.finish(late)
    until(qtbot, lambda: is_complete(review))
    qtbot.wait(120)
    assert review.controller.state.clip.path == clips[1]
    assert review.controller.state.analysis.phase is AnalysisPhase.IDLE
    review.controller.clips.select(0)
    until(qtbot, lambda: is_complete(review))
    assert review.controller.state.analysis.prediction is None


def test_what_was_done_on_a_clip_is_there_when_the_reader_comes_back(review, qtbot, clips, told_session):
    open_clip_in(review, qtbot, *clips)
    line = draw(review)
    press(review, Qt.Key.Key_Return)
    until(qtbot, lambda: len(told_session.requests) == 1)
    told_session.finish()
    until(qtbot, lambda: review.controller.state.analysis.phase is AnalysisPhase.DONE)
    review.controller.clips.select(2)
    until(qtbot, lambda: is_complete(review))
    review.controller.clips.select(0)
    until(qtbot, lambda: is_complete(review))
    state = review.controller.state
    assert state.roi is line
    assert state.analysis.phase is AnalysisPhase.DONE
    press(review, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert review.controller.state.roi is not line


def test_escape_stops_the_analysis_and_a_late_verdict_is_dropped(review, qtbot, clips, told_session):
    open_clip_in(review, qtbot, clips[0])
    draw(review)
    press(review, Qt.Key.Key_Return)
    until(qtbot, lambda: len(told_session.requests) == 1)
    press(review, Qt.Key.Key_Escape)
    assert review.controller.state.analysis.phase is AnalysisPhase.CANCELLED
    until(qtbot, lambda: told_session.cancelled == [1])
    told_session.finish(1)
    qtbot.wait(100)
    assert review.controller.state.analysis.prediction is None


def test_the_newest_request_wins(review, qtbot, clips, told_session):
    open_clip_in(review, qtbot, clips[0])
    draw(review)
    press(review, Qt.Key.Key_Return)
    until(qtbot, lambda: len(told_session.requests) == 1)
    draw(review, 66)
    press(review, Qt.Key.Key_Return)
    until(qtbot, lambda: len(told_session.requests) == 2)
    told_session.finish(1)
    told_session.finish(2)
    until(qtbot, lambda: review.controller.state.analysis.phase is AnalysisPhase.DONE)
    assert review.controller.state.analysis.request_id == 2


def test_a_failed_analysis_says_its_sentence(review, qtbot, clips, told_session):
    open_clip_in(review, qtbot, clips[0])
    draw(review)
    press(review, Qt.Key.Key_Return)
    until(qtbot, lambda: len(told_session.requests) == 1)
    told_session.fail("The worker ended unexpectedly: press Enter to try again.")
    until(qtbot, lambda: review.controller.state.analysis.phase is AnalysisPhase.FAILED)
    assert "try again" in review.controller.state.analysis.message


def test_an_unreadable_file_gets_one_sentence_and_the_window_lives_on(review, qtbot, clips, tmp_path):
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(b"not a movie at all" * 100)
    review.controller.open_paths([bad])
    until(qtbot, lambda: review.controller.state.clip is not None)
    until(qtbot, lambda: review.controller.state.clip.phase is LoadPhase.FAILED)
    assert "bad.mp4" in review.controller.state.clip.error
    open_clip_in(review, qtbot, clips[0])
    assert is_complete(review)


def test_a_missing_path_and_an_empty_folder_are_said(review, qtbot, tmp_path):
    review.controller.open_paths([tmp_path / "gone.mp4"])
    until(qtbot, lambda: "gone.mp4" in review.controller.state.notice)
    (tmp_path / "empty").mkdir()
    review.controller.open_paths([tmp_path / "empty"])
    until(qtbot, lambda: "No clip" in review.controller.state.notice)
    assert review.controller.state.clip is None


def test_files_are_dropped_anywhere(review, qtbot, clips):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(clip)) for clip in clips])
    for target in (review.window, review.window.start_screen):
        event = QDropEvent(
            QPointF(5, 5), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        )
        target.dropEvent(event)
    until(qtbot, lambda: len(review.controller.state.worklist) == 3)
    until(qtbot, lambda: is_complete(review))


def test_a_pleural_line_file_is_opened_onto_its_clip(review, qtbot, clips, tmp_path):
    open_clip_in(review, qtbot, clips[0])
    file = tmp_path / "line.json"
    line = draw(review)
    review.controller.lines.save_file(file)
    review.controller.lines.set_line(None)
    review.controller.open_paths([file])
    assert np.allclose(review.controller.state.roi.polyline, line.polyline)
    file.write_text('{"frame": 0, "polyline": [[10, 10], [900, 10]]}')
    review.controller.open_paths([file])
    assert "was it drawn on another clip?" in review.controller.state.notice


def test_a_label_is_saved_at_the_key_press(review, qtbot, clips):
    open_clip_in(review, qtbot, *clips)
    press(review, Qt.Key.Key_A)
    assert review.controller.state.reading.label is ReaderLabel.LS_A
    until(qtbot, lambda: review.controller.state.reading.saved_at != "")
    press(review, Qt.Key.Key_N)
    until(qtbot, lambda: is_complete(review))
    assert review.controller.state.selected == 1
    press(review, Qt.Key.Key_B)
    until(qtbot, lambda: review.controller.state.reading.label is ReaderLabel.LS_A)
    with AnnotationStore(labels_file()) as store:
        assert [reading.label for reading in store.all_readings()] == [ReaderLabel.LS_A]


def test_a_store_that_is_damaged_is_said_where_the_time_would_stand(review, qtbot, clips, expected_log_warnings):
    labels_file().write_bytes(b"this is no database")
    open_clip_in(review, qtbot, clips[0])
    press(review, Qt.Key.Key_P)
    until(qtbot, lambda: review.controller.state.reading.error != "")
    assert review.controller.state.reading.saved_at == ""
    assert review.controller.state.worklist[0].label is None
    review.window.close()
    assert review.window.isVisible()  # what was said is not lost without a word
    assert "1 thing" in review.window.unsaved_question.dialog.text()
    review.window.unsaved_question.give_up()
    assert not review.window.isVisible()
