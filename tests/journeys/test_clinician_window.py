"""The clinician's journey in the real window with a real worker: open, see, accept the line, Enter, verdict, label."""

import time
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from lsgui.core.label import ReaderLabel
from lsgui.gui.app import Review, open_review
from lsgui.gui.inference_thread import session_maker
from lsgui.review.state import AnalysisPhase, LoadPhase, RoiPhase, WorkerPhase

PATIENCE_MS = 120_000


def until(qtbot, done) -> None:
    qtbot.waitUntil(done, timeout=PATIENCE_MS)


def press(review, key) -> None:
    QTest.keyClick(review.window, key)


def test_open_accept_the_line_analyse_read_and_label(review, qtbot, shared_clips: Path):
    state = lambda: review.controller.state  # noqa: E731
    review.controller.open_paths([shared_clips / "tuke_lumify_l12.mp4", shared_clips / "Vir_prospective_file1.mp4"])
    until(qtbot, lambda: state().clip is not None and state().clip.phase is LoadPhase.COMPLETE)
    assert (state().clip.info.frames, state().clip.info.width) == (164, 1280)
    assert state().playback.playing
    until(qtbot, lambda: state().roi_phase is RoiPhase.SUGGESTED)
    assert state().roi.source == "auto"

    press(review, Qt.Key.Key_Return)
    until(qtbot, lambda: state().analysis.phase is AnalysisPhase.DONE)
    verdict = state().analysis.prediction
    assert verdict.clip == "tuke_lumify_l12.mp4"
    assert verdict.model.id == "motion"
    assert verdict.label.value == "ls_p"  # the expert's polygons of this clip say lung sliding is present
    assert state().analysis.ribbon is not None
    assert "speckle_change" in state().analysis.maps
    assert state().roi_phase is RoiPhase.SET

    press(review, Qt.Key.Key_P)
    until(qtbot, lambda: state().reading.saved_at != "")
    assert state().worklist[0].label is ReaderLabel.LS_P

    press(review, Qt.Key.Key_N)
    until(qtbot, lambda: state().clip.path.name == "Vir_prospective_file1.mp4")
    assert state().analysis.prediction is None
    assert state().reading.label is None


def test_turning_to_another_clip_and_escape_stop_the_worker_soon(review, qtbot, shared_clips: Path):
    state = lambda: review.controller.state  # noqa: E731
    review.controller.open_paths([shared_clips / "tuke_lumify_l12.mp4", shared_clips / "Vir_prospective_file1.mp4"])
    until(qtbot, lambda: state().roi_phase is RoiPhase.SUGGESTED and state().worker.phase is WorkerPhase.READY)
    press(review, Qt.Key.Key_Return)
    until(qtbot, lambda: state().analysis.fraction > 0)
    began = time.monotonic()
    press(review, Qt.Key.Key_Escape)
    assert state().analysis.phase is AnalysisPhase.CANCELLED
    assert time.monotonic() - began < 1.0

    press(review, Qt.Key.Key_Return)
    until(qtbot, lambda: state().analysis.fraction > 0)
    review.controller.clips.select(1)
    until(qtbot, lambda: state().clip.phase is LoadPhase.COMPLETE)
    qtbot.wait(1500)
    assert state().analysis.phase is AnalysisPhase.IDLE
    assert state().worker.phase is WorkerPhase.READY
    review.controller.clips.select(0)
    until(qtbot, lambda: state().clip.phase is LoadPhase.COMPLETE)
    press(review, Qt.Key.Key_Return)
    until(qtbot, lambda: state().analysis.phase is AnalysisPhase.DONE)
    assert state().analysis.prediction.clip == "tuke_lumify_l12.mp4"


def test_labels_are_there_again_after_a_restart(review, qtbot, shared_clips: Path):
    clip = shared_clips / "Vir_prospective_file1.mp4"
    review.controller.open_paths([clip])
    until(qtbot, lambda: review.controller.state.clip is not None and review.controller.state.clip.frames_ready > 0)
    press(review, Qt.Key.Key_U)
    review.window.close()  # at once: a label that waits is saved before the program ends

    again = open_review(session_maker(in_process=False))
    with qtbot.waitExposed(again.window):
        again.window.show()
    again.controller.open_paths([clip.parent])
    until(qtbot, lambda: any(entry.label is not None for entry in again.controller.state.worklist))
    labelled = [entry.title for entry in again.controller.state.worklist if entry.label is ReaderLabel.CANNOT_ASSESS]
    assert labelled == [clip.name]
    again.window.close()
    again.window.deleteLater()
    again.controller.deleteLater()


def test_every_demo_clip_opens_from_the_help_menu_with_its_line(review, qtbot):
    demos = review.window.start_screen.demos
    assert {demo.path.stem for demo in demos} == {"sliding", "absent", "lung_point", "lung_pulse", "probe_drift"}
    for demo in demos:
        review.controller.open_demo(demo)
        until(qtbot, lambda: is_shown(review, demo.path))  # noqa: B023
        assert review.controller.state.roi is demo.roi
        assert review.controller.state.notice == demo.look_for


def is_shown(review: Review, path: Path) -> bool:
    clip = review.controller.state.clip
    return clip is not None and clip.path == path.absolute() and clip.phase is LoadPhase.COMPLETE
