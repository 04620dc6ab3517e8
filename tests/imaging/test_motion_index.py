import cv2
import numpy as np
import pytest
from speckle_samples import MM_PER_PX, Sample, speckle_clip

from lsgui.core.prediction import QualityFlag
from lsgui.core.strip import PleuralStrip
from lsgui.imaging.decorrelation import speckle_change_map
from lsgui.imaging.motion_index import motion_index
from lsgui.imaging.strip_channels import (
    CHANNELS,
    LAGS,
    SAMPLE_HZ,
    local_decorrelation,
    local_moments,
    sample_moments,
    strip_channels,
)
from lsgui.imaging.strip_cutter import cut_strip
from lsgui.imaging.strip_flags import strip_flags


def cut(sample: Sample) -> PleuralStrip:
    return cut_strip(sample.frames, (0, 0), sample.times_s, sample.roi, MM_PER_PX, calibrated=True)


def test_a_lung_that_renews_itself_slides_and_one_that_follows_the_wall_does_not() -> None:
    slides = motion_index(cut(speckle_clip(1, renew=0.3)))
    still = motion_index(cut(speckle_clip(1)))
    assert slides.index is not None
    assert still.index is not None
    assert slides.index > 0.9
    assert still.index < 0.35
    assert slides.interval is not None
    assert slides.interval[0] <= slides.index <= slides.interval[1]


def test_a_moving_probe_is_no_sliding() -> None:
    drifting = motion_index(cut(speckle_clip(2, drift_px_s=10.0)))
    assert drifting.index is not None
    assert drifting.index < 0.4


def test_more_noise_is_no_sliding() -> None:
    noisy = motion_index(cut(speckle_clip(3, noise=14.0)))
    assert noisy.index is not None
    assert noisy.index < 0.4


def test_a_lung_point_shows_along_the_line() -> None:
    slides, still = speckle_clip(4, renew=0.3), speckle_clip(4)
    frames = still.frames.copy()
    frames[:, 60:, 80:] = slides.frames[:, 60:, 80:]
    evidence = motion_index(cut(Sample(frames, still.times_s, still.roi, still.wall)))
    along = np.nanmedian(evidence.scores, axis=0)
    assert along[:3].max() < 0.2 < along[-3:].min()


def test_too_little_gives_no_index() -> None:
    evidence = motion_index(cut(speckle_clip(5, seconds=0.2)))
    assert evidence.index is None
    assert evidence.interval is None
    assert np.isnan(evidence.scores).all()


@pytest.mark.parametrize("fps", [8.0, 12.8, 25.0, 60.0])
def test_samples_are_frames_nearest_in_time(fps: float) -> None:
    times = np.arange(round(4 * fps)) / fps
    moments = sample_moments(times)
    asked = np.arange(len(moments)) / SAMPLE_HZ
    assert np.abs(times[moments] - asked).max() <= 0.5 / fps + 1e-9
    assert (np.diff(moments) >= 0).all()


def test_decorrelation_is_one_minus_correlation() -> None:
    rng = np.random.default_rng(0)
    frames = (90 + 40 * rng.standard_normal((3, 9, 9))).astype(np.float32)
    mean, variance = local_moments(frames)
    found = local_decorrelation(frames, 1, mean, variance)[:, 4, 4]
    expected = [1 - np.corrcoef(frames[k].ravel(), frames[k + 1].ravel())[0, 1] for k in (0, 1)]
    assert found == pytest.approx(expected, abs=0.01)


def test_channels_are_finite_also_for_black_and_short_strips() -> None:
    for frames in (np.zeros((40, 64, 32), np.float32), np.full((5, 64, 24), 7.0, np.float32)):
        channels = strip_channels(frames)
        assert channels.shape == (CHANNELS, len(frames) // 4, 32, frames.shape[2] // 2)
        assert np.isfinite(channels).all()
    assert len(LAGS) + 3 == CHANNELS


def test_change_is_compared_with_the_walls_own_so_that_a_restless_wall_hides_nothing() -> None:
    """A lung that changes as its wall does reads the same on a still and on a restless wall, one that slides higher."""
    rng = np.random.default_rng(0)

    def texture(renew: float) -> np.ndarray:
        field = rng.standard_normal((40, 74, 42))
        for k in range(1, len(field)):
            field[k] = (1 - renew) ** 0.5 * field[k - 1] + renew**0.5 * field[k]
        smooth = np.stack([cv2.GaussianBlur(frame, (0, 0), 1.2) for frame in field])
        return (100 + 60 * smooth[:, 5:69, 5:37]).astype(np.float32)

    def below(wall: float, lung: float) -> float:
        frames = texture(wall)
        frames[:, 24:] = texture(lung)[:, 24:]
        return float(strip_channels(frames)[4][:, 15:28].mean())  # at 0.23 s, against the wall

    still, restless = below(0.01, 0.01), below(0.06, 0.06)
    assert abs(still - restless) < 0.3
    assert below(0.01, 0.06) > still + 0.8
    assert below(0.06, 0.3) > restless + 0.8


def test_the_speckle_map_is_bright_where_the_lung_slides() -> None:
    slides = speckle_change_map(cut(speckle_clip(6, renew=0.3)), MM_PER_PX)
    still = speckle_change_map(cut(speckle_clip(6)), MM_PER_PX)
    assert slides is not None
    assert still is not None
    assert np.nanmedian(slides.values) > 0.15
    assert abs(float(np.nanmedian(still.values))) < 0.05
    assert slides.depth_px == pytest.approx(12.0 / MM_PER_PX)
    assert speckle_change_map(cut(speckle_clip(6, seconds=0.2)), MM_PER_PX) is None


def flags_of(sample: Sample) -> tuple[QualityFlag, ...]:
    strip = cut(sample)
    return strip_flags(strip, motion_index(strip))


def test_each_flag_of_the_strip_comes_with_its_fault_and_only_then() -> None:
    clean = speckle_clip(7)
    assert flags_of(clean) == ()
    assert QualityFlag.PROBE_MOTION in flags_of(speckle_clip(7, drift_px_s=-16.0, seconds=2.4))
    rng = np.random.default_rng(1)
    noise = rng.integers(40, 220, clean.frames.shape).astype(np.uint8)
    assert QualityFlag.TRACKING_LOST in flags_of(Sample(noise, clean.times_s, clean.roi, clean.wall))


def test_motion_at_heart_rate_is_flagged_and_at_breathing_rate_is_not() -> None:
    def breathing(rate: float) -> Sample:
        still, slides = speckle_clip(8, seconds=8.0), speckle_clip(8, seconds=8.0, renew=0.5)
        on = np.sin(2 * np.pi * rate * still.times_s) > 0.3
        frames = still.frames.copy()
        frames[on, 60:] = slides.frames[on, 60:]
        return Sample(frames, still.times_s, still.roi, still.wall)

    assert QualityFlag.PULSE_ONLY in flags_of(breathing(1.4))
    assert QualityFlag.PULSE_ONLY not in flags_of(breathing(0.3))
