"""The rhythm of a lung: strokes at heart rate, waves at breathing rate, both, neither, or too short a clip to tell."""

import numpy as np
import pytest
from speckle_samples import FPS, HEIGHT, LINE_Y, MM_PER_PX, Sample, moved, texture

from lsgui.core.strip import PleuralStrip
from lsgui.imaging.motion_bands import motion_bands
from lsgui.imaging.strip_cutter import cut_strip


def lung(path_px: np.ndarray, fps: float = FPS, seed: int = 3) -> PleuralStrip:
    """A still wall over a lung whose speckle follows a path and is another one after 12 pixels of it."""
    rng = np.random.default_rng(seed)
    above, slices = texture(rng), [texture(rng) for _ in range(40)]
    frames = np.empty((len(path_px), HEIGHT, 160), dtype=np.uint8)
    for k, place in enumerate(path_px):
        frame = moved(above, 0.0, 0.0)
        at = place / 12.0 + 20.0
        low, part = int(at), 0.5 * np.pi * (at - int(at))
        below = 90.0 + np.cos(part) * (slices[low] - 90.0) + np.sin(part) * (slices[low + 1] - 90.0)
        frame[LINE_Y:] = moved(below.astype(np.float32), 0.4 * place, 0.0)[LINE_Y:]
        frame[LINE_Y - 1 : LINE_Y + 2] += 90.0
        frames[k] = np.clip(frame + rng.normal(0.0, 3.0, frame.shape), 0, 255).astype(np.uint8)
    times = np.arange(len(path_px)) / fps
    sample = Sample(frames, times, _line(), np.zeros((len(path_px), 2)))
    return cut_strip(sample.frames, (0, 0), sample.times_s, sample.roi, MM_PER_PX, True)


def _line():
    from lsgui.core.pleura import PleuralROI

    return PleuralROI.single(0, [[40.0, LINE_Y], [120.0, LINE_Y]])


def beats(times: np.ndarray, per_min: float) -> np.ndarray:
    phase = np.mod(times * per_min / 60.0, 1.0)
    return 1.6 * np.exp(-(((phase - 0.3) / 0.07) ** 2))


def breaths(times: np.ndarray, per_min: float) -> np.ndarray:
    return 16.0 * np.sin(2 * np.pi * times * per_min / 60.0)


def test_beats_alone_are_a_pulse_at_any_frame_rate() -> None:
    for per_min, fps in ((55.0, 20.0), (80.0, 25.0), (105.0, 30.0)):
        times = np.arange(0, 7, 1 / fps)
        bands = motion_bands(lung(beats(times, per_min), fps))
        assert bands is not None
        assert bands.is_pulse, (per_min, bands)
        assert bands.beats_per_min == pytest.approx(per_min, rel=0.08)


@pytest.mark.parametrize("per_min", [12.0, 20.0, 29.0])
def test_breathing_is_no_pulse(per_min: float) -> None:
    times = np.arange(0, 8, 1 / FPS)
    bands = motion_bands(lung(breaths(times, per_min)))
    assert bands is not None
    assert not bands.is_pulse, bands


def test_breathing_with_a_pulse_and_a_lung_at_rest_are_no_pulse() -> None:
    times = np.arange(0, 8, 1 / FPS)
    for path in (breaths(times, 16.0) + beats(times, 75.0), np.zeros(len(times))):
        bands = motion_bands(lung(path))
        assert bands is not None
        assert not bands.is_pulse, bands


def test_a_clip_under_four_seconds_says_nothing() -> None:
    times = np.arange(0, 3.8, 1 / FPS)
    assert motion_bands(lung(beats(times, 80.0))) is None
