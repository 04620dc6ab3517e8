from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lsgui.core.clip import ClipInfo
from lsgui.review.playback import PlaybackClock, Timeline, stretch
from lsgui.review.state import LoopMode, Playback

unhurried = settings(deadline=None, max_examples=60)


def timeline(frames: int = 10, fps: float = 10.0, *, complete: bool = True, ready: int | None = None) -> Timeline:
    info = ClipInfo(Path("c.mp4"), "movie", frames, 8, 8, fps, "container")
    return Timeline.of(info, frames if ready is None else ready, complete=complete)


timelines = st.lists(st.floats(0.005, 0.4), min_size=1, max_size=60).map(
    lambda steps: Timeline(np.concatenate([[0.0], np.cumsum(steps)[:-1]]), float(np.sum(steps)), len(steps), True)
)


@st.composite
def scenes(draw):
    line = draw(timelines)
    marks = sorted(draw(st.lists(st.integers(0, line.last), min_size=2, max_size=2)))
    playback = Playback(
        speed=draw(st.floats(0.1, 4.0)),
        loop=draw(st.sampled_from(LoopMode)),
        mark_a=draw(st.sampled_from([None, marks[0]])),
        mark_b=draw(st.sampled_from([None, marks[1]])),
    )
    first, last = stretch(playback, line)
    direction = draw(st.sampled_from([1, -1]))
    return line, playback, PlaybackClock.at_frame(draw(st.integers(first, last)), line, direction)


@unhurried
@given(scenes(), st.lists(st.floats(0.0, 3.0), max_size=30))
def test_the_frame_never_leaves_the_stretch_that_plays(scene, steps):
    line, playback, clock = scene
    first, last = stretch(playback, line)
    for step in steps:
        clock = clock.advance(step, playback, line)
        assert first <= clock.frame(playback, line) <= last
        assert clock.until_next_s(playback, line) >= 0.0


@unhurried
@given(scenes(), st.floats(0.001, 2.0), st.floats(0.001, 2.0))
def test_two_short_waits_are_one_long_wait(scene, a, b):
    line, playback, clock = scene
    apart = clock.advance(a, playback, line).advance(b, playback, line)
    together = clock.advance(a + b, playback, line)
    begin, end = line.start_of(stretch(playback, line)[0]), line.start_of(stretch(playback, line)[1] + 1)
    distance = abs(apart.time_s - together.time_s)
    assert min(distance, abs(distance - (end - begin))) < 1e-6  # a loop's end is its beginning


@unhurried
@given(timelines, st.integers(0, 59))
def test_standing_at_a_frame_shows_it_in_both_directions(line, frame):
    frame = min(frame, line.last)
    for direction in (1, -1):
        assert PlaybackClock.at_frame(frame, line, direction).frame(Playback(), line) == frame


@unhurried
@given(timelines, st.floats(0.1, 4.0))
def test_waking_at_each_frame_shows_every_frame_once(line, speed):
    playback = Playback(speed=speed, loop=LoopMode.ONCE)
    clock = PlaybackClock.at_frame(0, line)
    seen = [clock.frame(playback, line)]
    while not clock.ended:
        clock = clock.advance(clock.until_next_s(playback, line) + 1e-9, playback, line)
        seen.append(clock.frame(playback, line))
    assert list(dict.fromkeys(seen)) == list(range(line.ready))
    assert seen == sorted(seen)


def test_a_loop_takes_the_clips_own_time():
    line, playback = timeline(), Playback()
    clock = PlaybackClock.at_frame(3, line)
    assert clock.advance(1.0, playback, line).frame(playback, line) == 3
    assert clock.advance(0.7, playback, line).frame(playback, line) == 0
    assert clock.advance(0.25, Playback(speed=4.0), line).frame(playback, line) == 3


def test_a_sweep_turns_at_the_end_and_at_the_start():
    line, playback = timeline(4), Playback(loop=LoopMode.SWEEP)
    clock, seen = PlaybackClock.at_frame(0, line), []
    for _ in range(16):
        seen.append(clock.frame(playback, line))
        clock = clock.advance(0.1, playback, line)
    assert seen[:9] == [0, 1, 2, 3, 3, 2, 1, 0, 0]


def test_reverse_goes_back_and_round():
    line, playback = timeline(4), Playback(direction=-1)
    clock, seen = PlaybackClock.at_frame(1, line, -1), []
    for _ in range(5):
        seen.append(clock.frame(playback, line))
        clock = clock.advance(0.1, playback, line)
    assert seen == [1, 0, 3, 2, 1]


def test_a_clip_that_still_decodes_waits_at_its_last_frame():
    growing, playback = timeline(100, complete=False, ready=5), Playback()
    clock = PlaybackClock.at_frame(0, growing).advance(9.0, playback, growing)
    assert clock.frame(playback, growing) == 4
    grown = timeline(100, complete=False, ready=50)
    assert clock.advance(0.1, playback, grown).frame(playback, grown) == pytest.approx(6, abs=1)


def test_a_container_that_promised_too_few_frames_has_times_for_all():
    info = ClipInfo(Path("c.mp4"), "movie", 3, 8, 8, 10.0, "container")
    line = Timeline.of(info, 6, complete=True)
    assert np.allclose(line.starts, [0, 0.1, 0.2, 0.3, 0.4, 0.5])
    assert line.end_s == pytest.approx(0.6)


def test_uneven_times_are_kept():
    info = ClipInfo(Path("c.dcm"), "dicom", 3, 8, 8, 10.0, "FrameTimeVector", frame_times_s=(0.0, 0.3, 0.4))
    line, playback = Timeline.of(info, 3, complete=True), Playback()
    clock = PlaybackClock.at_frame(0, line)
    assert clock.advance(0.29, playback, line).frame(playback, line) == 0
    assert clock.advance(0.31, playback, line).frame(playback, line) == 1
    assert clock.advance(0.41, playback, line).frame(playback, line) == 2
