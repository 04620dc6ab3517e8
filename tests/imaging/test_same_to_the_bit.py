"""Strips, channels and patches are computed in fewer steps than they are defined by: no bit of them may differ."""

import cv2
import numpy as np
import pytest
from plain_ways import plain_channels, plain_mean, plain_patch, plain_strip
from speckle_samples import HEIGHT, LINE_Y, MM_PER_PX, WIDTH, Sample, speckle_clip

from lsgui.core.pleura import PleuralROI
from lsgui.imaging.frame_change import coarse_changes
from lsgui.imaging.patch_change import PATCH, SHORT, USUAL, _different_frames, patch_change
from lsgui.imaging.strip_channels import _pooled, local_mean, sample_moments, strip_channels
from lsgui.imaging.strip_cutter import PITCH_MM, StripSampler, cut_strip


def enlarged(sample: Sample, times: int) -> tuple[np.ndarray, PleuralROI, float]:
    frames = np.stack([cv2.resize(f, None, fx=times, fy=times) for f in sample.frames])
    keyframes = tuple((k, line * times) for k, line in sample.roi.keyframes)
    return frames, PleuralROI(keyframes), MM_PER_PX / times


def bent(sample: Sample) -> Sample:
    line = np.array([[30.0, LINE_Y - 3.0], [80.0, LINE_Y + 2.0], [130.0, LINE_Y]])
    roi = PleuralROI(((0, line[::-1]), (40, line + 4.0), (70, line - 2.5)))
    return Sample(sample.frames, sample.times_s, roi, sample.wall)


CLIPS = {
    "still": lambda: (speckle_clip(1), 1),
    "drifting, renewed": lambda: (speckle_clip(2, drift_px_s=20.0, renew=0.3), 1),
    "bent, key frames": lambda: (bent(speckle_clip(3, drift_px_s=-9.0, renew=0.2)), 1),
    "fine pixels": lambda: (speckle_clip(4, seconds=2.0, drift_px_s=15.0, renew=0.3), 3),
}


@pytest.mark.parametrize("name", CLIPS)
def test_a_strip_is_sampled_less_often_but_is_the_same(name: str) -> None:
    sample, times = CLIPS[name]()
    frames, roi, mm_per_px = enlarged(sample, times)
    strip = cut_strip(frames, (0, 0), sample.times_s, roi, mm_per_px, calibrated=True)
    still, valid, shift, correlation = plain_strip(frames, roi, mm_per_px)
    assert strip.frames.tobytes() == still.tobytes()
    assert (strip.valid == valid).all()
    assert strip.wall_shift_mm.tobytes() == (shift * PITCH_MM).tobytes()
    assert strip.wall_correlation.tobytes() == correlation.tobytes()


def test_a_jump_and_black_frames_change_nothing_of_that() -> None:
    sample = speckle_clip(5, seconds=2.5)
    frames = sample.frames.copy()
    frames[20:] = np.roll(frames[20:], (30, 50), axis=(1, 2))  # the wall is lost
    frames[35:38] = 0
    strip = cut_strip(frames, (0, 0), sample.times_s, sample.roi, MM_PER_PX, calibrated=True)
    still, _, shift, _ = plain_strip(frames, sample.roi, MM_PER_PX)
    assert strip.frames.tobytes() == still.tobytes()
    assert strip.wall_shift_mm.tobytes() == (shift * PITCH_MM).tobytes()


def test_each_frame_is_low_passed_once_and_sampled_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    frames, roi, mm_per_px = enlarged(speckle_clip(6, seconds=2.0), 2)
    done = {"GaussianBlur": 0, "remap": 0}
    for name in done:
        real = getattr(cv2, name)

        def counted(*args: object, _name: str = name, _real=real, **kwargs: object) -> object:
            done[_name] += 1
            return _real(*args, **kwargs)

        monkeypatch.setattr(cv2, name, counted)
    cut_strip(frames, (0, 0), np.arange(len(frames)) / 20.0, roi, mm_per_px, calibrated=True)
    looked_at = 24  # for what is ever seen
    assert done["GaussianBlur"] <= len(frames) + looked_at
    assert done["remap"] <= 2 * len(frames) + looked_at


def test_rows_sampled_by_themselves_are_those_of_the_whole() -> None:
    frames, roi, mm_per_px = enlarged(speckle_clip(7, seconds=0.3), 2)
    sampler = StripSampler(frames, (0, 0), roi, mm_per_px)
    whole = sampler.sample(3, 1.37, -0.61)
    for rows in (slice(0, 7), slice(5, 30), slice(50, 64)):
        assert (sampler.sample(3, 1.37, -0.61, rows) == whole[rows]).all()


@pytest.mark.parametrize("count", [2, 3, 5, 13, 64, 71])
def test_channels_in_small_parts_are_the_same(count: int) -> None:
    sample = speckle_clip(8, seconds=3.6, drift_px_s=5.0, renew=0.3)
    strip = cut_strip(sample.frames, (0, 0), sample.times_s, sample.roi, MM_PER_PX, calibrated=True)
    frames = strip.frames[:count].astype(np.float32)
    plain = plain_channels(frames)
    assert strip_channels(frames).tobytes() == np.stack([_pooled(channel) for channel in plain]).tobytes()
    assert local_mean(frames).tobytes() == plain_mean(frames).tobytes()


def test_patches_of_a_row_together_are_the_same_as_one_by_one() -> None:
    sample = speckle_clip(9, drift_px_s=4.0, renew=0.3)
    frames = sample.frames.copy()
    frames[10] = frames[9]
    strip = cut_strip(frames, (0, 0), sample.times_s, sample.roi, MM_PER_PX, calibrated=True)
    change = patch_change(strip)
    assert change is not None
    chosen = sample_moments(strip.times_s)
    different = _different_frames(strip.frames)[chosen]
    half = PATCH // 2
    for at in range(0, len(change.row), 7):
        row, column = change.row[at] + strip.pleura_row - half, change.column[at] - half
        patch = strip.frames[chosen][:, row : row + PATCH, column : column + PATCH]
        contrast, series = plain_patch(patch, different, (SHORT, USUAL))
        assert change.contrast[at] == np.float32(contrast)
        for lag, plain in zip((SHORT, USUAL), series, strict=True):
            known = np.isfinite(change.likeness[lag][at])  # moments that the wall spoils are taken out later
            assert known.any()
            assert (change.likeness[lag][at][known] == plain[known]).all()


def test_changes_between_frames_are_exact() -> None:
    frames = np.random.default_rng(1).integers(0, 256, (9, HEIGHT + 1, WIDTH - 1), dtype=np.uint8)
    coarse = frames[:, ::2, ::2].astype(np.int16)
    assert (coarse_changes(frames) == np.abs(np.diff(coarse, axis=0)).mean(axis=(1, 2))).all()
    assert coarse_changes(frames[:1]).shape == (0,)
