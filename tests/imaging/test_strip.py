import numpy as np
import pytest
from speckle_samples import HEIGHT, LINE_Y, MM_PER_PX, WIDTH, Sample, speckle_clip

from lsgui.core.errors import CancelledError, RoiError
from lsgui.core.pleura import PleuralROI
from lsgui.imaging.strip_cutter import PITCH_MM, PLEURA_ROW, ROWS, cut_strip, strip_grid


def cut(sample: Sample, roi: PleuralROI | None = None, origin: tuple[int, int] = (0, 0)):
    return cut_strip(sample.frames, origin, sample.times_s, roi or sample.roi, MM_PER_PX, calibrated=True)


def test_the_line_lies_in_its_row_and_millimetres_are_kept() -> None:
    strip = cut(speckle_clip(1))
    profile = strip.frames.mean(axis=(0, 2))
    assert abs(int(profile.argmax()) - PLEURA_ROW) <= 1
    assert strip.frames.shape[1:] == (ROWS, round(80 * MM_PER_PX / PITCH_MM))
    assert strip.pitch_mm == PITCH_MM
    assert strip.calibrated


def test_a_box_of_the_clip_gives_the_same_strip() -> None:
    sample = speckle_clip(2, seconds=1.0)
    whole = cut(sample)
    boxed = cut_strip(sample.frames[:, 5:, 10:], (10, 5), sample.times_s, sample.roi, MM_PER_PX, calibrated=True)
    assert np.array_equal(whole.frames, boxed.frames)


def test_a_drawn_direction_does_not_matter() -> None:
    sample = speckle_clip(3, seconds=1.0)
    backwards = PleuralROI.single(0, sample.roi.polyline[::-1])
    assert np.array_equal(cut(sample).frames, cut(sample, backwards).frames)


@pytest.mark.parametrize("speed", [-8.0, 5.0])
def test_the_wall_is_followed_and_held_still(speed: float) -> None:
    sample = speckle_clip(4, drift_px_s=speed, noise=3.0)
    strip = cut(sample)
    followed = strip.wall_shift_mm[:, 0] / MM_PER_PX
    assert np.abs(followed - sample.wall[:, 0]).max() < 1.0
    assert np.abs(strip.wall_shift_mm[:, 1]).max() < 0.3
    assert np.median(strip.wall_correlation) > 0.9
    wall = strip.frames[:, 4 : PLEURA_ROW - 4].astype(float)
    assert np.corrcoef(wall[0].ravel(), wall[-1].ravel())[0, 1] > 0.8


@pytest.mark.parametrize("towards", [-1, 1])
def test_a_wall_that_rises_to_the_probe_or_sinks_is_followed_there_and_back(towards: int) -> None:
    sample = speckle_clip(9, seconds=2.0)
    count = len(sample.frames)
    path = np.round(towards * 1.2 / MM_PER_PX * np.sin(np.pi * np.arange(count) / (count - 1))).astype(int)
    moved = np.stack([np.roll(frame, int(step), axis=0) for frame, step in zip(sample.frames, path, strict=True)])
    strip = cut_strip(moved, (0, 0), sample.times_s, sample.roi, MM_PER_PX, calibrated=True)
    assert np.abs(strip.wall_shift_mm[:, 1] - path * MM_PER_PX).max() < 0.3


def test_noise_in_place_of_a_wall_is_reported_as_lost() -> None:
    sample = speckle_clip(5, seconds=2.0)
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 255, sample.frames.shape).astype(np.uint8)
    lost = cut_strip(noise, (0, 0), sample.times_s, sample.roi, MM_PER_PX, calibrated=False)
    assert np.median(lost.wall_correlation) < 0.4


def test_key_frames_move_the_strip() -> None:
    sample = speckle_clip(6, seconds=2.0)
    last = len(sample.frames) - 1
    line = sample.roi.polyline
    roi = PleuralROI(((0, line), (last, line + np.array([12.0, 0.0]))))
    shift = cut(sample, roi).wall_shift_mm[:, 0] / MM_PER_PX
    assert shift[-1] == pytest.approx(-12.0, abs=1.0)  # the wall stood still, so it moved against the line


def test_samples_outside_the_picture_are_marked() -> None:
    sample = speckle_clip(7, seconds=1.0)
    high = PleuralROI.single(0, [[40.0, 12.0], [120.0, 12.0]])
    strip = cut(sample, high)
    assert not strip.valid[0].any()
    assert strip.valid[PLEURA_ROW + 5].all()


def test_normals_point_away_from_the_probe() -> None:
    grid = strip_grid(np.array([[100.0, 50.0], [20.0, 60.0]]), 20, MM_PER_PX)
    assert (grid.normal[:, 1] > 0.9).all()


@pytest.mark.parametrize(
    ("line", "words"),
    [([[40.0, 60.0], [50.0, 60.0]], "3 mm long"), ([[0.0, HEIGHT + 80], [WIDTH, HEIGHT + 80]], "outside the picture")],
)
def test_an_unusable_line_gets_a_sentence(line: list[list[float]], words: str) -> None:
    with pytest.raises(RoiError, match=words):
        cut(speckle_clip(8, seconds=0.5), PleuralROI.single(0, line))


def test_cutting_stops_when_asked() -> None:
    sample = speckle_clip(9, seconds=2.0)
    with pytest.raises(CancelledError):
        cut_strip(sample.frames, (0, 0), sample.times_s, sample.roi, MM_PER_PX, True, lambda: True)


def test_arrays_are_read_only() -> None:
    strip = cut(speckle_clip(10, seconds=0.5))
    with pytest.raises(ValueError, match="read-only"):
        strip.frames[0, 0, 0] = 1
    assert strip.fps == pytest.approx(20.0)
    assert LINE_Y == 60
