"""Clips: their times, their frames, and that nobody can change them."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsgui.core.clip import Clip, ClipInfo, MemoryFrames


def _info(frames: int = 10, fps: float = 20.0, **more: object) -> ClipInfo:
    facts = {"path": Path("a.mp4"), "format": "movie", "width": 6, "height": 4, "fps_source": "container", **more}
    return ClipInfo(frames=frames, fps=fps, **facts)  # type: ignore[arg-type]


@given(frames=st.integers(1, 5000), fps=st.floats(0.5, 200))
def test_even_times_rise_by_one_frame_and_end_before_the_duration(frames: int, fps: float) -> None:
    info = _info(frames, fps)
    assert len(info.times_s) == frames
    assert info.times_s[0] == 0.0
    np.testing.assert_allclose(np.diff(info.times_s), 1 / fps)
    assert info.duration_s == pytest.approx(info.times_s[-1] + 1 / fps)


def test_uneven_times_are_those_of_the_file() -> None:
    info = _info(3, 10.0, frame_times_s=(0.0, 0.1, 0.35))
    assert info.times_s.tolist() == [0.0, 0.1, 0.35]
    assert info.duration_s == pytest.approx(0.45)


def test_times_of_another_length_are_not_believed() -> None:
    info = _info(4, 10.0, frame_times_s=(0.0, 0.1, 0.35))
    assert info.times_s.tolist() == pytest.approx([0.0, 0.1, 0.2, 0.3])
    assert info.duration_s == pytest.approx(0.4)


def _clip(frames: int = 5) -> tuple[Clip, np.ndarray]:
    pixels = np.random.default_rng(1).integers(0, 256, (frames, 4, 6), dtype=np.uint8)
    return Clip(_info(frames), MemoryFrames(pixels)), pixels


@given(start=st.integers(0, 6), stop=st.none() | st.integers(0, 9), x=st.integers(0, 5), y=st.integers(0, 3))
def test_stack_is_a_slice_of_the_frames(start: int, stop: int | None, x: int, y: int) -> None:
    clip, pixels = _clip()
    box = (x, y, 6 - x, 4 - y)
    np.testing.assert_array_equal(clip.stack(start, stop, box), pixels[start:stop, y:, x:])


def test_frame_k_is_exactly_frame_k_and_read_only() -> None:
    clip, pixels = _clip()
    assert len(clip) == 5
    for k in range(5):
        np.testing.assert_array_equal(clip.frame(k), pixels[k])
    with pytest.raises(ValueError, match="read-only"):
        clip.frame(0)[0, 0] = 1
    for beyond in (-1, 5):
        with pytest.raises(IndexError):
            clip.frame(beyond)


@pytest.mark.parametrize("pixels", [np.zeros((4, 6), np.uint8), np.zeros((2, 4, 6), np.float32)])
def test_frames_of_another_shape_or_kind_are_refused(pixels: np.ndarray) -> None:
    with pytest.raises(ValueError, match="uint8"):
        MemoryFrames(pixels)


def test_nothing_of_a_clip_can_be_set() -> None:
    clip, _ = _clip()
    with pytest.raises(dataclasses.FrozenInstanceError):
        clip.info = _info()  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        clip.info.fps = 3.0  # type: ignore[misc]
