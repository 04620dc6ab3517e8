from dataclasses import replace

import cv2
import numpy as np
import pytest

from lsgui.core.errors import CancelledError
from lsgui.core.strip import PleuralStrip
from lsgui.imaging.flow_map import DIS, FlowSolver, relative_flow_map

ROWS, COLUMNS, PLEURA, PITCH = 64, 90, 24, 0.4


def _speckle(rng, height, width):
    parts = [cv2.GaussianBlur(rng.normal(size=(height, width)), (0, 0), 1.2) for _ in range(2)]
    envelope = np.hypot(*parts)
    return np.clip(90.0 + 40.0 * np.log(envelope / envelope.mean() + 0.05), 0, 255).astype(np.float32)


def _strip(lung_mm_s, wall_mm_s=0.0, frames=40, fps=25.0, noise=6.0, times=None, across_mm_s=0.0):
    rng = np.random.default_rng(3)
    wall, lung = _speckle(rng, ROWS + 80, COLUMNS + 200), _speckle(rng, ROWS + 80, COLUMNS + 200)
    times = np.arange(frames) / fps if times is None else times
    out = np.empty((frames, ROWS, COLUMNS), np.uint8)
    for k, time in enumerate(times):
        shifts = [
            (along * time / PITCH - 100, across * time / PITCH - 40)
            for along, across in ((wall_mm_s, 0.0), (wall_mm_s + lung_mm_s, across_mm_s))
        ]
        still, moving = (
            cv2.warpAffine(t, np.float32([[1, 0, s[0]], [0, 1, s[1]]]), (COLUMNS, ROWS), flags=cv2.INTER_CUBIC)
            for t, s in zip((wall, lung), shifts, strict=True)
        )
        still[PLEURA:] = moving[PLEURA:]
        out[k] = np.clip(still + rng.normal(0.0, noise, still.shape), 0, 255)
    return PleuralStrip(
        frames=out,
        valid=np.ones((ROWS, COLUMNS), bool),
        pleura_row=PLEURA,
        pitch_mm=PITCH,
        calibrated=True,
        times_s=np.asarray(times, dtype=np.float64),
        wall_shift_mm=np.zeros((frames, 2)),
        wall_correlation=np.ones(frames),
    )


@pytest.mark.parametrize("speed", [3.0, 7.0, 13.0])
def test_speed_of_a_sliding_lung_is_measured(speed):
    flow = relative_flow_map(_strip(speed), mm_per_px=0.2)
    inner = flow.values[2:-2, 3:, 10:-10]
    assert np.median(inner) == pytest.approx(speed, rel=0.07)
    assert np.percentile(np.abs(inner - speed), 90) < 0.15 * speed + 0.3
    assert flow.high >= speed
    assert (flow.quantity, flow.unit, flow.low) == ("flow", "mm/s", 0.0)
    assert flow.depth_px == pytest.approx(12.0 / 0.2)


@pytest.mark.parametrize(("along", "across"), [(7.0, 0.0), (-7.0, 0.0), (0.0, 6.0), (0.0, -6.0), (-5.0, 4.0)])
@pytest.mark.parametrize("wall", [0.0, 6.0])
def test_velocity_has_the_direction_and_size_of_the_lung_against_the_wall(along, across, wall):
    flow = relative_flow_map(_strip(along, wall_mm_s=wall, across_mm_s=across), mm_per_px=0.2)
    count = len(flow.times_s)
    assert flow.vectors.shape == (count, 5, 15, 2)  # 12 mm by 36 mm
    assert flow.vectors.dtype == np.float32
    found = np.median(flow.vectors[2:-2, 1:-1, 3:-3], axis=(0, 1, 2))
    assert found == pytest.approx([along, across], abs=0.07 * np.hypot(along, across))
    assert flow.vectors_at(flow.times_s[3]) == pytest.approx(flow.vectors[3])


def test_velocity_of_a_still_lung_is_near_zero():
    vectors = relative_flow_map(_strip(0.0), mm_per_px=0.2).vectors
    assert np.percentile(np.hypot(vectors[..., 0], vectors[..., 1]), 90) < 0.5


def test_still_lung_is_near_zero_and_does_not_fill_the_scale():
    flow = relative_flow_map(_strip(0.0), mm_per_px=0.2)
    assert np.median(flow.values) < 0.3
    assert np.percentile(flow.values, 98) < 0.4 * flow.high


def test_motion_of_the_whole_strip_is_taken_off():
    flow = relative_flow_map(_strip(0.0, wall_mm_s=8.0), mm_per_px=0.2)
    assert np.median(flow.values[:, 3:, 20:-20]) < 0.6


def test_about_eight_maps_a_second_at_the_middle_of_their_frames():
    flow = relative_flow_map(_strip(5.0, frames=75), mm_per_px=0.2)
    assert 7.0 < (len(flow.times_s) - 1) / (flow.times_s[-1] - flow.times_s[0]) < 9.0
    assert (np.diff(flow.times_s) > 0).all()
    assert flow.times_s[0] == pytest.approx(0.04)


def test_unevenly_spaced_frames_keep_their_speed():
    rng = np.random.default_rng(0)
    times = np.cumsum(np.concatenate([[0.0], rng.uniform(0.03, 0.05, 39)]))
    flow = relative_flow_map(_strip(7.0, times=times), mm_per_px=0.2)
    assert np.median(flow.values[:, 3:, 10:-10]) == pytest.approx(7.0, rel=0.07)


def test_outside_the_scan_is_not_a_number():
    strip = _strip(5.0, frames=12)
    valid = strip.valid.copy()
    valid[:, :10] = False
    masked = PleuralStrip(
        strip.frames, valid, PLEURA, PITCH, True, strip.times_s, strip.wall_shift_mm, strip.wall_correlation
    )
    flow = relative_flow_map(masked, mm_per_px=0.2)
    values = flow.values
    assert np.isnan(values[:, :, :10]).all()
    assert np.isfinite(values[:, :, 10:]).all()
    assert np.isnan(flow.vectors[:, :, :2]).all()  # centres at columns 3 and 9
    assert np.isfinite(flow.vectors[:, :, 2:]).all()


def test_single_frame_has_no_flow_and_the_work_can_be_stopped():
    assert relative_flow_map(_strip(5.0, frames=1), mm_per_px=0.2) is None
    with pytest.raises(CancelledError):
        relative_flow_map(_strip(5.0, frames=12), mm_per_px=0.2, cancelled=lambda: True)


def test_flow_in_two_lanes_is_that_of_one() -> None:
    strip = _strip(5.0)
    one, two = (relative_flow_map(strip, mm_per_px=0.2, solver=replace(DIS, lanes=lanes)) for lanes in (1, 2))
    assert one is not None
    assert two is not None
    assert np.array_equal(one.values, two.values, equal_nan=True)
    assert one.vectors is not None
    assert np.array_equal(one.vectors, two.vectors, equal_nan=True)


def test_a_cancel_and_a_fault_reach_out_of_the_lanes() -> None:
    with pytest.raises(CancelledError):
        relative_flow_map(_strip(5.0), 0.2, lambda: True, solver=replace(DIS, lanes=2))

    def failing(_before: np.ndarray, _after: np.ndarray) -> np.ndarray:
        raise ValueError("no flow")

    with pytest.raises(ValueError, match="no flow"):
        relative_flow_map(_strip(5.0), 0.2, solver=FlowSolver("broken", failing, 4, lanes=2))
