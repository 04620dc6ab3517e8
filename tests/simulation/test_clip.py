"""A simulated clip behaves as real ones do above and below the pleura, and its truth is true."""

from dataclasses import replace
from functools import cache

import cv2
import numpy as np
import pytest

from lsgui.core.label import SlidingLabel
from lsgui.simulation import ClipSpec, SimulatedClip, simulate_clip
from lsgui.simulation.checks import block_correlation
from lsgui.simulation.spec import Lung, Motion, Picture, Pleura, Rib, Scanner, Wall

STILL = Motion(speed_mm_s=0.0)
SLIDING = Motion(speed_mm_s=8.0, breaths_per_min=18)
SCENES = {
    "sliding": SLIDING,
    "absent": STILL,
    "pulse": replace(STILL, pulse_mm=0.3),
    "drift": replace(STILL, drift_mm_s=(1.5, 0.1)),
    "lung_point": replace(SLIDING, lung_point=0.5, lung_point_travel=0.0, lung_point_left=True),
}


def lumify(scene: str) -> ClipSpec:
    """A clip like the real one whose correlations were measured: 16.45 Hz, 0.235 mm a pixel, 24 px blocks."""
    present = scene in ("sliding", "lung_point")
    return ClipSpec(
        label=SlidingLabel.LS_P if present else SlidingLabel.LS_A,
        picture=Picture(160, 200, 0.235, 16.45, 5.0),
        wall=Wall(level_db=-36, correlation=0.95),
        pleura=Pleura(depth_mm=16, level_db=-6),
        lung=Lung(haze_db=-33, moving=0.42, decay_mm=20),
        motion=SCENES[scene],
        scanner=Scanner(compound_mm=0.1, noise_db=-60, persistence=0.1),
    )


@cache
def clip(scene: str) -> SimulatedClip:
    return simulate_clip(lumify(scene), 3)


def above_below(scene: str, lag: int, follow: bool = False) -> tuple[float, float]:
    made = clip(scene)
    return block_correlation(made.frames, made.roi, lags=(lag,), gap_px=6, follow=follow)[lag]


def test_the_same_seed_gives_the_same_pixels_and_another_seed_others() -> None:
    small = replace(lumify("sliding"), picture=Picture(96, 120, 0.25, 15.0, 1.0))
    first = simulate_clip(small, 7)
    assert np.array_equal(first.frames, simulate_clip(small, 7).frames)
    assert not np.array_equal(first.frames, simulate_clip(small, 8).frames)
    assert first.frames.shape == (15, 120, 96)
    assert first.frames.dtype == np.uint8
    with pytest.raises(ValueError, match="read-only"):
        first.frames[0, 0, 0] = 1


@pytest.mark.parametrize(("lag", "low", "high"), [(1, 0.86, 0.96), (2, 0.76, 0.91), (4, 0.60, 0.80), (8, 0.50, 0.72)])
def test_sliding_loses_likeness_below_the_line_as_a_real_clip_does(lag: int, low: float, high: float) -> None:
    # measured on a real clip: .910, .808, .678, .628 below; the wall keeps .997 to .981
    above, below = above_below("sliding", lag)
    assert low < below < high
    assert above > 0.95


def test_absent_changes_below_hardly_more_than_the_wall() -> None:
    above, below = above_below("absent", 8)
    assert above > 0.94
    assert 0.82 < below < above


def test_a_pulse_lies_between_absent_and_sliding() -> None:
    below = above_below("pulse", 8)[1]
    assert above_below("sliding", 8)[1] + 0.05 < below < above_below("absent", 8)[1] - 0.02


def test_a_drifting_probe_changes_everything_until_it_is_followed() -> None:
    above, below = above_below("drift", 8)
    assert above < 0.8
    assert below < 0.5
    above, below = above_below("drift", 8, follow=True)
    assert above > 0.88
    assert below > 0.7


def test_the_lung_does_not_slide_as_a_carpet() -> None:
    """The best shift along the line must not bring the texture back."""
    made = clip("sliding")
    line = made.roi.line_at(0)
    top = int(line[:, 1].mean()) + 8
    found = []
    for k in range(4, len(made.frames) - 4, 4):
        for x in range(int(line[0, 0]) + 8, int(line[-1, 0]) - 32, 24):
            block = made.frames[k, top : top + 24, x : x + 24]
            around = made.frames[k + 4, top - 1 : top + 25, x - 8 : x + 32]
            found.append(float(cv2.matchTemplate(around, block, cv2.TM_CCOEFF_NORMED).max()))
    assert np.mean(found) < 0.85


def test_ground_truth_says_when_and_where_the_lung_moves() -> None:
    sliding, absent, pulse, point = (clip(name) for name in ("sliding", "absent", "pulse", "lung_point"))
    assert sliding.sliding.all()
    assert 6.5 < np.abs(sliding.flow_mm_s).max() <= 8.3
    assert not absent.sliding.any()
    assert np.abs(absent.flow_mm_s).max() == 0.0
    assert not pulse.sliding.any()
    assert np.abs(pulse.flow_mm_s).max() > 0.5
    assert point.sliding[:, :7].all()
    assert not point.sliding[:, 9:].any()
    assert np.abs(point.flow_mm_s[:, 10:]).max() < 0.3


def test_the_path_of_the_lung_is_its_speed_over_time_and_the_wall_lies_where_the_line_does() -> None:
    sliding, drift = clip("sliding"), clip("drift")
    travelled = np.cumsum(sliding.flow_mm, axis=0)
    by_speed = np.cumsum(sliding.flow_mm_s, axis=0) / sliding.fps
    assert not sliding.flow_mm[0].any()
    assert np.ptp(travelled) > 5.0
    assert np.abs(travelled - by_speed + by_speed[:1]).max() < 0.1 * np.ptp(travelled)
    assert not clip("absent").flow_mm.any()
    moved = np.array([drift.roi.line_at(k)[0] - drift.roi.line_at(0)[0] for k in range(len(drift.frames))])
    assert np.allclose(moved * drift.mm_per_px, drift.wall_mm - drift.wall_mm[:1], atol=0.2)


def test_the_picture_moves_where_the_truth_says_so() -> None:
    """Left of the lung point the texture changes, right of it it stands."""
    made = clip("lung_point")
    line = made.roi.line_at(0)
    left, right = line[:4], line[5:]
    change = []
    for part in (left, right):
        roi = type(made.roi).single(0, part)
        change.append(block_correlation(made.frames, roi, lags=(6,), gap_px=6, block_px=20)[6][1])
    assert change[0] < change[1] - 0.1


def test_the_line_lies_on_the_bright_pleura_and_between_the_ribs() -> None:
    spec = replace(
        lumify("drift"), wall=Wall(level_db=-36, ribs=(Rib(3.0, 8.0), Rib(34.0, 8.0))), picture=Picture(170, 170, 0.235)
    )
    made = simulate_clip(spec, 5)
    for k in (0, len(made.frames) // 2, len(made.frames) - 1):
        line = made.roi.line_at(k)
        rows, columns = np.round(line[:, 1]).astype(int), np.round(line[:, 0]).astype(int)
        on = made.frames[k, rows, columns].mean()
        off = [made.frames[k, rows + step, columns].mean() for step in (-9, 9)]
        assert on > 1.4 * max(off)
    ends_mm = line[[0, -1], 0] * made.mm_per_px
    assert 5.0 < ends_mm[0] < 14.0
    assert 24.0 < ends_mm[1] < 37.0


def test_lead_in_repeats_and_steps_of_gain_are_as_asked() -> None:
    scanner = Scanner(black_lead_in=4, repeat_every=3, gain_steps=((0.6, 6.0),), persistence=0.0)
    made = simulate_clip(replace(lumify("sliding"), picture=Picture(96, 120, 0.25, 15.0, 1.2), scanner=scanner), 1)
    assert not made.frames[:4].any()
    same = [bool((made.frames[k] == made.frames[k - 1]).all()) for k in range(6, len(made.frames))]
    assert same == [k % 3 == 2 for k in range(6, len(made.frames))]
    assert made.frames[-1].mean() > made.frames[5].mean() + 10


@pytest.mark.parametrize("codec", ["jpeg", "mpeg4"])
def test_compression_changes_pixels_a_little(codec: str) -> None:
    spec = replace(lumify("absent"), picture=Picture(96, 120, 0.25, 15.0, 1.0))
    plain = simulate_clip(spec, 2).frames.astype(int)
    coded = simulate_clip(replace(spec, scanner=replace(spec.scanner, codec=codec)), 2).frames  # type: ignore[arg-type]
    assert 0.2 < np.abs(coded - plain).mean() < 12


def test_a_convex_picture_is_a_sector_with_true_speeds() -> None:
    picture = Picture(200, 180, 0.45, 15.0, 1.0, "convex", probe_radius_mm=50.0)
    made = simulate_clip(replace(lumify("sliding"), picture=picture), 2)
    assert not made.frames[:, 0, [0, -1]].any()
    assert not made.frames[:, -1, [0, -1]].any()
    line = made.roi.line_at(0)
    assert line[4, 1] > line[0, 1] + 3  # bent around the probe
    assert (made.frames[5, np.round(line[:, 1]).astype(int), np.round(line[:, 0]).astype(int)] > 20).all()


def test_a_small_curved_probe_sees_a_picture_wider_than_its_canvas() -> None:
    picture = Picture(400, 220, 0.15, 15.0, 0.4, "convex", probe_radius_mm=15.0, sector_deg=40.0)
    made = simulate_clip(replace(lumify("sliding"), picture=picture, pleura=Pleura(depth_mm=9.0)), 2)
    assert made.frames.shape == (6, 220, 400)
    assert made.frames.any()


@pytest.mark.parametrize("swing_mm", [-1.5, 1.5])
def test_the_line_stays_in_the_picture_whichever_way_the_wall_swings(swing_mm: float) -> None:
    made = simulate_clip(replace(lumify("absent"), motion=replace(STILL, wall_swing_mm=swing_mm)), 4)
    for k in range(0, len(made.frames), 8):
        x = made.roi.line_at(k)[:, 0]
        assert x.min() >= 0.0
        assert x.max() <= made.frames.shape[2] - 1


def test_a_tilting_probe_changes_the_still_lung_as_much_as_the_wall() -> None:
    """Out-of-plane motion must not tell absent from present: everything passes through the scan plane alike."""
    change = {}
    for tilt in (0.0, 1.5):
        spec = replace(lumify("absent"), motion=replace(STILL, tilt_slices=tilt, sway_hz=0.3))
        made = simulate_clip(spec, 3)
        change[tilt] = block_correlation(made.frames, made.roi, lags=(8,), gap_px=6)[8]
    assert change[1.5][0] < change[0.0][0] - 0.05
    assert change[1.5][1] < change[0.0][1] - 0.1
