"""Moderate corruption: each kind does what it is named for, repeatably, and nothing else."""

import sys

import numpy as np
import pytest

from lsgui.core.errors import DatasetError
from lsgui.simulation import ClipSpec, simulate_clip
from lsgui.simulation.corruption import CORRUPTIONS, SLOW_HZ, corrupt, frames_at_rate
from lsgui.simulation.spec import Picture

FPS = 25.0


@pytest.fixture(scope="module")
def clip() -> tuple[np.ndarray, np.ndarray]:
    # odd sizes, with a black border: encoders pad, the surround stays
    frames = simulate_clip(ClipSpec(picture=Picture(121, 141, 0.3, FPS, 1.6, border=(10, 0, 0, 8))), 1).frames
    return frames, np.arange(len(frames)) / FPS


@pytest.mark.parametrize("kind", CORRUPTIONS)
def test_a_seed_gives_the_same_corruption_and_the_clip_itself_is_left_alone(
    kind: str, clip: tuple[np.ndarray, np.ndarray]
) -> None:
    frames, times = clip
    before = frames.copy()
    first, moments = corrupt(kind, frames, times, 3)
    second, _ = corrupt(kind, frames, times, 3)
    assert np.array_equal(first, second)
    assert np.array_equal(frames, before)
    assert first.dtype == np.uint8
    assert first.shape[1:] == frames.shape[1:]
    assert len(first) == len(moments)
    assert np.all(np.diff(moments) > 0)
    assert first[:, :, :9].mean() < 2  # the border stays black, but for what an encoder lets bleed into it


def test_slow_keeps_about_twelve_frames_a_second_at_their_own_moments(clip: tuple[np.ndarray, np.ndarray]) -> None:
    frames, times = clip
    slow, moments = corrupt("slow", frames, times, 0)
    assert len(slow) == pytest.approx(SLOW_HZ * times[-1], abs=2)
    kept = frames_at_rate(times, SLOW_HZ)
    assert np.array_equal(slow, frames[kept])
    assert np.array_equal(moments, times[kept])
    still = np.arange(20) / 8.0
    assert np.array_equal(frames_at_rate(still, SLOW_HZ), np.arange(20))  # a slower clip stays as it is
    assert np.array_equal(frames_at_rate(times[:1], SLOW_HZ), [0])


def test_a_gain_step_changes_all_after_a_moment_and_nothing_before(clip: tuple[np.ndarray, np.ndarray]) -> None:
    frames, times = clip
    for seed in range(6):
        stepped, _ = corrupt("gain_step", frames, times, seed)
        changed = (stepped != frames).any(axis=(1, 2))
        first = int(np.argmax(changed))
        assert changed[first:].all()
        assert len(frames) / 3 - 1 <= first <= 2 * len(frames) / 3 + 1
        middle = (frames[first:] > 60) & (frames[first:] < 190)
        change = np.abs(stepped[first:].astype(int) - frames[first:])[middle].mean()
        assert 18 <= change <= 33  # 4 to 7 dB


def test_noise_is_new_in_every_frame(clip: tuple[np.ndarray, np.ndarray]) -> None:
    frames, times = clip
    noisy, _ = corrupt("noise", frames, times, 1)
    inside = (frames > 60) & (frames < 190)
    added = noisy.astype(float) - frames
    assert 4.5 < added[inside].std() < 9.5
    assert abs(float(np.corrcoef(added[3][inside[3] & inside[4]], added[4][inside[3] & inside[4]])[0, 1])) < 0.1


def test_h264_loses_detail_but_not_brightness(clip: tuple[np.ndarray, np.ndarray]) -> None:
    frames, times = clip
    coded, moments = corrupt("h264", frames, times, 1)
    assert np.array_equal(moments, times)
    change = coded.astype(float) - frames
    assert 1.5 < np.abs(change[:, :, 12:]).mean() < 15
    assert abs(change.mean()) < 2


def test_what_cannot_be_done_is_said_in_a_sentence(
    clip: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    frames, times = clip
    with pytest.raises(DatasetError, match="no corruption 'rain': choose one of h264"):
        corrupt("rain", frames, times, 0)
    with pytest.raises(ValueError, match="moments"):
        corrupt("noise", frames, times[:-1], 0)
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(DatasetError, match=r"needs PyAV: install it with pip install 'lsgui\[train\]'"):
        corrupt("h264", frames, times, 0)
