from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lsgui.core.clip import ClipInfo, MemoryFrames
from lsgui.core.label import ReaderLabel
from lsgui.core.pleura import PleuralROI
from lsgui.core.prediction import WindowScore
from lsgui.core.reading import StatementKind
from lsgui.inference.protocol import (
    Cancelled,
    Failed,
    Progress,
    WindowScored,
    WorkerReady,
    WorkerRestarting,
    WorkerStopped,
)
from lsgui.review import analysis_transitions as an
from lsgui.review import reading_transitions as rd
from lsgui.review import transitions as to
from lsgui.review.state import (
    AnalysisPhase,
    LoadPhase,
    LoopMode,
    PictureSettings,
    ReviewState,
    RoiPhase,
    WorkerPhase,
    WorklistEntry,
)

PATHS = (Path("a.mp4"), Path("b.mp4"))


def opened(frames: int = 20, **info) -> ReviewState:
    state = to.worklist_extended(ReviewState(), tuple(WorklistEntry(path, path.name) for path in PATHS))
    state = to.clip_selected(state, 0, speed=1.0)
    said = ClipInfo(PATHS[0], "movie", frames, 8, 6, 10.0, "container", **info)
    state = to.clip_opened(state, said, MemoryFrames(np.zeros((1, 6, 8), np.uint8)), play=True)
    return to.clip_completed(state, said, frames)


def line(y: float = 3.0, source: str = "hand") -> PleuralROI:
    return PleuralROI.single(0, [[1, y], [6, y]], source)


def test_a_clip_goes_from_opening_to_complete():
    state = opened()
    assert state.clip.phase is LoadPhase.COMPLETE
    assert state.clip.frames_ready == 20
    assert state.playback.playing
    assert state.worklist[0].detail == "20 frames · 2.0 s"


def test_a_growing_clip_shows_only_what_is_decoded():
    state = to.clip_selected(opened(), 1, speed=1.0)
    info = ClipInfo(PATHS[1], "movie", 50, 8, 6, 10.0, "container")
    state = to.clip_opened(state, info, MemoryFrames(np.zeros((1, 6, 8), np.uint8)), play=False)
    assert to.frame_shown(state, 40).playback.frame == 0
    assert to.frame_shown(to.clip_grew(state, 30), 40).playback.frame == 29


def test_the_files_own_wish_to_sweep_and_its_trim_are_kept():
    state = opened(playback="sweep", trim=(3, 12))
    assert state.playback.loop is LoopMode.SWEEP
    assert (state.playback.mark_a, state.playback.mark_b) == (3, 12)


def test_turning_to_another_clip_leaves_nothing_of_the_former():
    state = an.analysis_started(to.line_set(opened(), line(), RoiPhase.SET), 4)
    state = to.clip_selected(state, 1, speed=0.5)
    assert state.roi is None
    assert state.analysis.phase is AnalysisPhase.IDLE
    assert state.clip.path == PATHS[1]
    assert state.playback.speed == 0.5


def test_an_unreadable_clip_says_so_in_its_place_and_in_the_worklist():
    state = to.clip_failed(to.clip_selected(opened(), 1, speed=1.0), "b.mp4 is empty.")
    assert state.clip.phase is LoadPhase.FAILED
    assert state.clip.error == state.worklist[1].error == "b.mp4 is empty."


def test_stepping_pauses_and_stays_within_the_clip():
    state = to.stepped(opened(), 7)
    assert (state.playback.frame, state.playback.playing) == (7, False)
    assert to.stepped(state, -100).playback.frame == 0
    assert to.stepped(state, 10**9).playback.frame == 19


def test_marks_on_the_wrong_side_take_the_other_away():
    state = to.mark_set(to.frame_shown(opened(), 12), "b")
    state = to.mark_set(to.frame_shown(state, 4), "a")
    assert (state.playback.mark_a, state.playback.mark_b) == (4, 12)
    state = to.mark_set(to.frame_shown(state, 15), "a")
    assert (state.playback.mark_a, state.playback.mark_b) == (15, None)
    assert to.marks_cleared(state).playback.mark_a is None


def test_speed_steps_and_holds_its_range():
    state = opened()
    for _ in range(20):
        state = to.speed_stepped(state, 1)
    assert state.playback.speed == 4.0
    for _ in range(20):
        state = to.speed_stepped(state, -1)
    assert state.playback.speed == 0.1
    assert to.speed_stepped(to.speed_set(state, 1.2), 1).playback.speed == 1.5


def test_loop_modes_go_round():
    state = opened()
    seen = []
    for _ in range(4):
        seen.append(state.playback.loop)
        state = to.loop_cycled(state)
    assert seen == [LoopMode.LOOP, LoopMode.SWEEP, LoopMode.ONCE, LoopMode.LOOP]


def test_playing_once_again_begins_at_the_start():
    state = to.loop_set(to.stepped(opened(), 10**9), LoopMode.ONCE)
    assert to.playing_set(state, True).playback.frame == 0
    assert to.playing_set(to.reversed_(state), True).playback.frame == 19


def test_a_still_picture_does_not_play():
    assert not to.playing_set(opened(1), True).playback.playing


@pytest.mark.parametrize("changed", [None, line(4.0)])
def test_a_verdict_is_marked_when_the_line_is_changed_and_unmarked_when_it_comes_back(changed):
    first = line()
    state = an.analysis_started(to.line_set(opened(), first, RoiPhase.SET), 1)
    state = replace(state, analysis=replace(state.analysis, phase=AnalysisPhase.DONE))
    moved = to.line_set(state, changed, RoiPhase.SET)
    assert moved.analysis.stale
    assert not to.line_set(moved, first, RoiPhase.SET).analysis.stale


def test_drawing_that_is_given_up_leaves_the_line_as_it_was():
    state = to.line_set(opened(), line(source="auto"), RoiPhase.SUGGESTED)
    drawing = to.drawing_started(state, "draw_line")
    assert (drawing.tool, drawing.roi_phase, drawing.playback.playing) == ("draw_line", RoiPhase.DRAWING, False)
    stopped = to.drawing_stopped(drawing)
    assert (stopped.tool, stopped.roi_phase, stopped.roi) == ("none", RoiPhase.SUGGESTED, state.roi)


def test_analysing_accepts_a_suggested_line():
    state = an.analysis_started(to.line_set(opened(), line(source="auto"), RoiPhase.SUGGESTED), 1)
    assert state.roi_phase is RoiPhase.SET


def test_events_of_another_request_change_nothing():
    state = an.analysis_started(to.line_set(opened(), line(), RoiPhase.SET), 7)
    for event in (Progress(6, 0.5, "x"), WindowScored(8, WindowScore(0, 5, 0.2)), Failed(6, "x"), Cancelled(6)):
        assert an.request_event(state, event) is state


def test_progress_never_goes_back_and_windows_add_up():
    state = an.analysis_started(to.line_set(opened(), line(), RoiPhase.SET), 7)
    for event in (
        Progress(7, 0.5, "b"),
        Progress(7, 0.4, "c"),
        WindowScored(7, WindowScore(0, 5, 0.2)),
        WindowScored(7, WindowScore(5, 9, 0.4)),
    ):
        state = an.request_event(state, event)
    assert (state.analysis.fraction, state.analysis.stage) == (0.5, "c")
    assert [window.p_absent for window in state.analysis.windows] == [0.2, 0.4]


def test_what_comes_after_a_stop_is_dropped():
    state = an.analysis_stopped(an.analysis_started(to.line_set(opened(), line(), RoiPhase.SET), 7))
    assert state.analysis.phase is AnalysisPhase.CANCELLED
    assert an.request_event(state, Failed(7, "x")) is state


def test_the_worker_says_how_it_is():
    state = an.worker_event(ReviewState(), WorkerReady("cpu", "CPU, 2 threads", "2.9", ""))
    assert (state.worker.phase, state.worker.device_name) == (WorkerPhase.READY, "CPU, 2 threads")
    assert an.worker_event(state, WorkerRestarting("It died.")).worker.phase is WorkerPhase.RESTARTING
    stopped = an.worker_event(state, WorkerStopped("It cannot start."))
    assert (stopped.worker.phase, stopped.notice) == (WorkerPhase.STOPPED, "It cannot start.")


def test_a_saved_label_stands_in_the_worklist_too():
    state = rd.saved(rd.said(opened(), StatementKind.LABEL, ReaderLabel.LS_A), StatementKind.LABEL, "14:02:11")
    assert state.reading.saved_at == "14:02:11"
    assert state.worklist[0].label is ReaderLabel.LS_A
    assert state.worklist[1].label is None


def test_a_blind_reader_sees_no_verdict_before_the_label_is_saved():
    state = replace(opened(), blind=True)
    pending = rd.said(state, StatementKind.LABEL, ReaderLabel.LS_P)
    assert pending.verdict_hidden
    saved = rd.saved(pending, StatementKind.LABEL, "14:02:11")
    assert not saved.verdict_hidden
    withdrawn = rd.saved(rd.said(saved, StatementKind.LABEL, None), StatementKind.LABEL, "14:02:12")
    assert withdrawn.verdict_hidden


def test_overlays_and_grey_values_hold_their_ranges():
    state = opened()
    assert to.overlay_faded(state, "flow", 3.0).overlays["flow"].opacity == 1.0
    hidden = to.overlays_toggled(state)
    assert not hidden.overlays_shown
    assert to.overlay_switched(hidden, "flow", True).overlays_shown
    assert to.picture_set(state, PictureSettings(-5, 50, 50)).picture == PictureSettings(-1.0, 4.0, 3.0)
    assert to.column_set(state, 1.7).mmode_column == 1.0
