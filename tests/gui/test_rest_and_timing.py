"""A window at rest rests, and the hidden timing of the window measures what it says."""

import itertools
import time
from pathlib import Path
from typing import Any

from PySide6.QtCore import QTimer
from window_samples import draw, open_clip_in, until

from lsgui.gui.play_test import PlayErrand, PlayTest
from lsgui.review import transitions as to
from lsgui.review.state import LoopMode


def test_a_waiting_window_asks_its_worker_nothing(
    review: Any, qtbot: Any, told_session: Any, clips: list[Path]
) -> None:
    open_clip_in(review, qtbot, clips[0])
    review.controller.change(lambda s: to.playing_set(s, False))
    asked: list[float | None] = []
    poll = told_session.poll
    told_session.poll = lambda timeout_s: asked.append(timeout_s) or poll(timeout_s)
    told_session.wake()
    until(qtbot, lambda: asked == [None])
    qtbot.wait(600)
    assert asked == [None], "it sleeps until something comes"


def test_a_paused_window_looks_at_the_store_now_and_then_and_does_nothing_else(
    review: Any, qtbot: Any, clips: list[Path]
) -> None:
    open_clip_in(review, qtbot, clips[0])
    draw(review)
    review.controller.change(lambda s: to.playing_set(s, False))
    qtbot.wait(1500)  # what was put off for a moment is done
    ticking = [timer for part in (review.controller, review.window) for timer in part.findChildren(QTimer)]
    assert [timer.interval() for timer in ticking if timer.isActive()] == [2000]
    used, began = time.process_time(), time.perf_counter()
    qtbot.wait(500)
    assert time.process_time() - used < 0.25 * (time.perf_counter() - began)


def test_a_late_frame_is_not_followed_by_late_ones(review: Any, qtbot: Any, clips: list[Path]) -> None:
    open_clip_in(review, qtbot, clips[0])
    review.controller.change(lambda s: to.loop_set(to.playing_set(s, True), LoopMode.LOOP))
    part = review.controller.player
    qtbot.wait(100)
    time.sleep(0.08)  # the window is held up
    qtbot.wait(200)
    assert time.perf_counter() - part._planned < 0.08, "the plan caught up"


def test_after_a_sleep_of_the_machine_the_clip_goes_on_where_it_stood(
    review: Any, qtbot: Any, clips: list[Path]
) -> None:
    open_clip_in(review, qtbot, clips[0])
    review.controller.change(lambda s: to.loop_set(to.frame_shown(to.playing_set(s, False), 0), LoopMode.ONCE))
    review.controller.change(lambda s: to.playing_set(s, True))
    until(qtbot, lambda: review.controller.state.playback.frame >= 2)
    shown = [review.controller.state.playback.frame]
    review.controller.stateChanged.connect(lambda _old, new: shown.append(new.playback.frame))
    time.sleep(1.6)  # longer than the whole clip: it would have come to its end
    until(qtbot, lambda: len(shown) > 3)
    assert max(after - before for before, after in itertools.pairwise(shown)) <= 3
    assert review.controller.state.playback.playing


def test_the_timing_of_a_folder_tells_of_its_listing_and_of_rest(
    review: Any, qtbot: Any, clips: list[Path], tmp_path: Path
) -> None:
    test = PlayTest(review.controller, review.window, PlayErrand(folder=True, seconds=0.1))
    test._on_window_firstPainted()
    review.controller.open_paths([clips[0].parent])
    until(qtbot, lambda: test._steps.gi_frame is None)
    assert not test.fault
    report = test.report
    assert report is not None
    assert set(report.stalls) == {"listing"}
    assert set(report.idles) == {"worklist"}
    assert report.stalls["listing"].longest_ms > 0
    assert report.as_dict()["platform"] == "offscreen"


def test_a_clip_that_cannot_be_read_ends_the_timing_with_its_sentence(review: Any, qtbot: Any, tmp_path: Path) -> None:
    broken = tmp_path / "broken.avi"
    broken.write_bytes(b"RIFF....AVI nothing")
    test = PlayTest(review.controller, review.window, PlayErrand(clip=True, seconds=0.1))
    test._on_window_firstPainted()
    review.controller.open_paths([broken])
    until(qtbot, lambda: bool(test.fault))
    assert "broken.avi" in test.fault
