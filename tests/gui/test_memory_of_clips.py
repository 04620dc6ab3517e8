"""What the window lets go of when a clip is left: frames, files, threads; and that many clips cost what one does."""

import gc
import threading
import weakref
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evidence_samples import motion_map
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from window_samples import draw, open_clip_in, press, until, write_clip

from lsgui.gui import controller_clips
from lsgui.inference.protocol import MotionReady
from lsgui.review.state import AnalysisPhase

HANDLES = Path("/proc/self/fd")


def analyse(review: Any, session: Any, qtbot: Any) -> None:
    asked = len(session.requests)
    press(review, Qt.Key.Key_Return)
    until(qtbot, lambda: len(session.requests) > asked)
    session.events.put(MotionReady(session.requests[-1].id, motion_map("flow")))
    session.finish()
    until(qtbot, lambda: review.controller.state.analysis.phase is AnalysisPhase.DONE)
    until(qtbot, lambda: review.window.mmode_view.image is not None)
    review.window.grab()  # every panel has painted what it has


def look_at(review: Any, session: Any, qtbot: Any, path: Path) -> "weakref.ref[Any]":
    """Open a clip, draw its line, analyse it; return what tells whether its frames are still held."""
    open_clip_in(review, qtbot, path)
    draw(review)
    analyse(review, session, qtbot)
    return weakref.ref(review.controller.state.clip.store)


def test_the_frames_of_a_clip_go_when_it_is_closed(review: Any, told_session: Any, qtbot: Any, clips: Any) -> None:
    frames = look_at(review, told_session, qtbot, clips[0])
    told_session.requests.clear()  # the test's own hold on them
    assert frames() is not None
    review.controller.clips.close_all()
    review.window.grab()
    gc.collect()
    until(qtbot, lambda: frames() is None)


def test_the_frames_of_a_clip_go_when_another_is_turned_to(
    review: Any, told_session: Any, qtbot: Any, clips: Any
) -> None:
    frames = look_at(review, told_session, qtbot, clips[0])
    told_session.requests.clear()
    open_clip_in(review, qtbot, clips[1])
    draw(review)
    until(qtbot, lambda: review.window.mmode_view.image is not None)
    review.window.grab()
    gc.collect()
    until(qtbot, lambda: frames() is None)


def test_a_map_can_be_asked_for_when_the_reader_is_back_at_a_clip(
    review: Any, told_session: Any, qtbot: Any, clips: Any
) -> None:
    open_clip_in(review, qtbot, clips[0], clips[1])
    draw(review)
    analyse(review, told_session, qtbot)
    first = told_session.requests[-1]
    review.controller.choose("model_id", "cmwru-strip")  # the next clip is judged by another model
    review.controller.clips.select(1)
    until(qtbot, lambda: getattr(review.controller.state.clip, "mm_per_px", None) is not None)
    draw(review, 50.0)
    analyse(review, told_session, qtbot)
    assert told_session.requests[-1].model_id == "cmwru-strip"
    review.controller.clips.select(0)
    until(qtbot, lambda: getattr(review.controller.state.clip, "mm_per_px", None) is not None)
    press(review, Qt.Key.Key_F5)
    until(qtbot, lambda: told_session.requests[-1].wanted == "flow")
    request = told_session.requests[-1]
    assert (request.clip, request.model_id) == (first.clip, "motion")
    assert request.roi.line_at(0).tolist() == first.roi.line_at(0).tolist()
    told_session.draw(motion_map("flow", 0.2))
    until(qtbot, lambda: review.controller.state.analysis.map_work is None)


def test_verdicts_of_former_clips_are_kept_within_their_memory(
    review: Any, told_session: Any, qtbot: Any, clips: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(controller_clips, "_KEPT_BYTES", int(1.5 * motion_map("flow").nbytes))
    open_clip_in(review, qtbot, *clips)
    lines = []
    for turn in range(3):
        review.controller.clips.select(turn)
        until(qtbot, lambda: getattr(review.controller.state.clip, "mm_per_px", None) is not None)
        lines.append(draw(review, 50.0 + turn))
        analyse(review, told_session, qtbot)
    review.controller.clips.select(1)  # now the verdicts of the third and of the second are more than may be kept
    assert review.controller.state.analysis.phase is AnalysisPhase.IDLE
    assert review.controller.state.roi is lines[1]
    review.controller.clips.select(2)
    assert review.controller.state.analysis.phase is AnalysisPhase.DONE
    assert "flow" in review.controller.state.analysis.maps


def test_many_clips_cost_what_one_does(review: Any, told_session: Any, qtbot: Any, tmp_path: Path) -> None:
    """Opened, judged, closed: after nine rounds every cache is full, and nine more leave nothing but what was said.

    That is edits to undo, and statements to write anew should the store be lost.
    """
    paths = [write_clip(tmp_path / f"{k}.avi", frames=8) for k in range(3)]
    held = []
    for turn in range(1, 19):
        look_at(review, told_session, qtbot, paths[turn % 3])
        told_session.requests.clear()
        review.controller.clips.close_all()
        if turn in (9, 18):
            review.window.grab()
            gc.collect()
            held.append(_held())
    before, after = held
    assert after.threads <= before.threads
    assert after.files <= before.files
    assert after.widgets <= before.widgets
    more = after.objects - before.objects
    undone = {"lsgui.review.label_history.Edit", "lsgui.core.pleura.PleuralROI"}  # the reader's own lines, up to `MOST`
    undone.add("lsgui.core.reading.Statement")
    assert {name: count for name, count in more.items() if name not in undone and count > 2} == {}  # 2: on their way
    assert more["lsgui.review.label_history.Edit"] == 9
    assert more["lsgui.core.reading.Statement"] == 9


@dataclass(frozen=True)
class _Held:
    threads: int
    files: int
    widgets: int
    objects: Counter[str]


def _held() -> _Held:
    names = Counter(f"{type(one).__module__}.{type(one).__name__}" for one in gc.get_objects())
    return _Held(
        threads=threading.active_count(),
        files=len(list(HANDLES.iterdir())) if HANDLES.is_dir() else 0,
        widgets=len(QApplication.allWidgets()),
        objects=Counter({name: count for name, count in names.items() if name.startswith("lsgui.")}),
    )
