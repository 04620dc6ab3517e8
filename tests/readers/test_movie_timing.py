"""Rates and moments of movies and GIFs."""

from fractions import Fraction

import numpy as np
import pytest
from reader_samples import numbered_frames, write_gif, write_movie

from lsgui.readers.base import ReadOptions, open_clip
from lsgui.readers.timing import believable, spacing


def test_a_screen_recording_keeps_the_moments_of_its_frames(tmp_path):
    gaps = [40, 40, 120, 40, 80, 40, 200, 40, 40, 40, 120]
    times = [Fraction(int(t), 1000) for t in np.cumsum([0, *gaps])]
    path = write_movie(tmp_path / "uneven.mkv", numbered_frames(12), "ffv1", Fraction(1000), pixels="gray", times=times)
    info = open_clip(path).info
    assert info.times_s == pytest.approx([float(t) for t in times], abs=1e-3)
    assert info.fps == pytest.approx(11 / 0.8, rel=0.01)
    assert info.fps_source == "container"
    assert open_clip(path, options=ReadOptions(fps=20)).info.frame_times_s is None


def test_a_clock_tick_in_the_header_is_not_taken_for_the_rate(tmp_path):
    times = [Fraction(50 * k, 1000) for k in range(12)]
    path = write_movie(tmp_path / "tick.webm", numbered_frames(12), "libvpx", Fraction(1000), times=times)
    info = open_clip(path).info
    assert info.fps == pytest.approx(20.0, rel=0.01)
    assert info.frame_times_s is None


def test_gif_delays(tmp_path):
    info = open_clip(write_gif(tmp_path / "even.gif", numbered_frames(8), 50)).info
    assert (info.fps, info.fps_source, info.frame_times_s) == (20.0, "file", None)
    delays = [40, 40, 120, 40, 200, 40, 40, 80]
    info = open_clip(write_gif(tmp_path / "uneven.gif", numbered_frames(8), delays)).info
    assert info.times_s == pytest.approx(np.cumsum([0, *delays[:-1]]) / 1000.0)
    assert info.fps == pytest.approx(8 / 0.6)
    info = open_clip(write_gif(tmp_path / "unset.gif", numbered_frames(8), 0)).info
    assert (info.fps, info.fps_source) == (10.0, "assumed")


def test_moments_that_cannot_be_true_are_none():
    for wrong in ([], [0.0], [0.0, 0.0], [0.0, 1.0, 0.5], [0.0, float("nan")], [0.0, 1e-9], [0.0, 1e9]):
        assert spacing(wrong) is None
    assert spacing([1.0, 1.04, 1.08]) == (pytest.approx(25.0), None)
    for wrong_rate in (None, 0.0, -5.0, float("nan"), float("inf"), 1e6):
        assert believable(wrong_rate) is None
    assert believable(30.0) == 30.0
