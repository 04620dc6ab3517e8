"""What a network on whole pictures sees: the right pixels, held still, the same from a box as from the whole clip."""

import time

import numpy as np
import pytest

from lsgui.core.errors import ModelError, RoiError
from lsgui.core.pleura import PleuralROI
from lsgui.imaging.square_cutter import wall_in_pixels
from lsgui.imaging.strip_cutter import cut_strip
from lsgui.models.card import ModelInput
from lsgui.models.preprocess import (
    ClipInput,
    ClipStack,
    flow_patch_corners,
    needed_box,
    normalise,
    prepare_stack,
    resampled,
    take_window,
    window_samples,
    window_starts,
)

MM_PER_PX = 0.2
LINE = PleuralROI.single(0, [[100, 120], [200, 116], [300, 120]])
SHALLOW = PleuralROI.single(0, [[100, 36], [300, 36]])


def _speckle(height, width, seed=0):
    import cv2

    noise = np.random.default_rng(seed).normal(0, 1, (height, width)).astype(np.float32)
    return np.clip(110 + 320 * cv2.GaussianBlur(noise, (0, 0), 4.0), 20, 235).astype(np.uint8)


def _clip(count=30, height=320, width=420):
    return np.repeat(_speckle(height, width)[None], count, axis=0)


def _moving(shifts, height=320, width=420):
    big = _speckle(height + 40, width + 40)
    return np.stack([big[20 - dy : 20 - dy + height, 20 - dx : 20 - dx + width] for dx, dy in shifts])


def _stack(spec, frames, roi=LINE, origin=(0, 0), scan=None, fps=25.0):
    return prepare_stack(spec, frames, origin, np.arange(len(frames)) / fps, roi, MM_PER_PX, scan)


def test_the_scan_area_is_squeezed_to_a_square_without_a_line():
    frames = _clip(4)
    stack = _stack(ClipInput("frame", 4, 64), frames, roi=None, scan=(20, 10, 128, 64))
    assert stack.frames.shape == (1, 4, 64, 64)
    assert stack.frames.dtype == np.uint8
    one = _stack(ClipInput("frame", 4, 64), frames, roi=None, scan=(20, 10, 64, 64))
    np.testing.assert_array_equal(one.frames[0], frames[:, 10:74, 20:84])


def test_the_box_around_the_line_holds_10_mm_above_and_20_mm_below():
    frames = np.full((3, 320, 420), 40, np.uint8)
    frames[:, 116:121] = 250  # the pleural line
    frames[:, 116 - 50 : 116 - 48, 100:300] = 140  # 10 mm above
    frames[:, 120 + 98 : 120 + 100, 100:300] = 180  # 20 mm below
    frames[:, :, :94] = 0
    stack = _stack(ClipInput("frame", 3, 128, region="pleura"), frames)
    picture = stack.frames[0, 0].astype(float)
    assert picture[0].mean() > 90
    assert picture[-1].mean() > 120
    brightest = int(picture.mean(axis=1).argmax())
    assert brightest == pytest.approx(128 * 52 / 154, abs=2)
    assert picture[60:100, 0].min() > 30
    assert stack.line[:, 0].tolist() == pytest.approx([0, 64, 128])
    assert stack.line[0, 1] == pytest.approx(128 * 54 / 154, abs=1)


def test_the_box_goes_with_the_key_frames_and_keeps_its_size():
    drift = np.linspace(0, 16, 17).astype(int)
    frames = _moving([(0, d) for d in drift])
    still = np.array([[100, 120], [300, 120]])
    roi = PleuralROI(((0, still), (16, still + np.array([0, 16]))))
    stack = _stack(ClipInput("frame", 17, 96, region="pleura"), frames, roi)
    inner = stack.frames[0, :, 4:-4, 4:-4].astype(float)
    assert np.abs(inner - inner[0]).max() < 12
    loose = _stack(ClipInput("frame", 17, 96, region="pleura"), frames, PleuralROI.single(0, still))
    assert np.abs(loose.frames[0, -1].astype(float) - loose.frames[0, 0]).mean() > 20


@pytest.mark.parametrize("reverse", [False, True], ids=["left to right", "right to left"])
@pytest.mark.parametrize("region", ["scan", "pleura"])
def test_a_stabilised_stack_stands_still_while_the_probe_moves(region, reverse):
    angle = np.linspace(0, 2 * np.pi, 30)
    shifts = np.stack([np.round(7 * np.sin(angle)), np.round(4 * (1 - np.cos(angle)))], axis=1).astype(int)
    frames = _moving(shifts)
    line = SHALLOW.polyline
    roi = PleuralROI.single(0, line[::-1] if reverse else line)
    spec = ClipInput("frame", 30, 128, region=region, stabilise=True)
    held = _stack(spec, frames, roi).frames[0, :, 44:-20, 20:-20].astype(float)
    loose = _stack(ClipInput("frame", 30, 128, region=region), frames, roi).frames[0, :, 44:-20, 20:-20].astype(float)
    assert held.std(axis=0).mean() < 0.35 * loose.std(axis=0).mean()


def test_the_walls_displacement_in_pixels_is_that_of_the_picture():
    shifts = [(0, 0), (2, 1), (5, 2), (7, 2), (7, 0), (4, -2)]
    frames = _moving(shifts)
    for line in (SHALLOW.polyline, SHALLOW.polyline[::-1]):
        roi = PleuralROI.single(0, line)
        strip = cut_strip(frames, (0, 0), np.arange(6) / 25.0, roi, MM_PER_PX, True)
        np.testing.assert_allclose(wall_in_pixels(strip, roi, MM_PER_PX), shifts, atol=0.6)


def test_patches_lie_side_by_side_below_the_line():
    frames = _clip(5)
    stack = _stack(ClipInput("patches", 5, 32), frames)
    assert stack.frames.shape == (6, 5, 32, 32)  # 200 px hold six squares of 32
    for patch, picture in enumerate(stack.frames[:, 0]):
        x = 100 + 32 * patch
        top = next(y for y in range(100, 140) if np.array_equal(frames[0, y : y + 32, x : x + 32], picture))
        assert 116 <= top <= 121
    short = _stack(ClipInput("patches", 5, 32), frames, PleuralROI.single(0, [[100, 50], [110, 50]]))
    assert short.frames.shape == (1, 5, 32, 32)


@pytest.mark.parametrize(
    "spec",
    [
        ClipInput("frame", 8, 64, region="pleura"),
        ClipInput("frame", 8, 64, region="pleura", stabilise=True),
        ClipInput("frame", 8, 64, stabilise=True),
        ClipInput("frame", 8, 64),
        ClipInput("patches", 8, 32),
        ClipInput("patches", 8, 32, stabilise=True),
        ClipInput("flow", 8, 64, region="pleura", patch=32),
    ],
    ids=str,
)
def test_the_needed_box_gives_the_very_pictures_of_the_whole_clip(spec):
    rng = np.random.default_rng(3)
    shifts = rng.integers(-3, 4, (20, 2))
    frames = _moving(shifts)
    roi = PleuralROI(((0, LINE.polyline), (12, LINE.polyline + np.array([6, 3]))))
    scan = (40, 30, 340, 270)
    x, y, w, h = needed_box(spec, (420, 320), roi, MM_PER_PX, scan)
    whole = _stack(spec, frames, roi, scan=scan)
    boxed = _stack(spec, frames[:, y : y + h, x : x + w], roi, (x, y), scan)
    np.testing.assert_array_equal(whole.frames, boxed.frames)
    np.testing.assert_array_equal(whole.moments, boxed.moments)
    assert whole.frames.std() > 5


def test_black_frames_at_both_ends_are_left_out():
    frames = _clip(12)
    frames[:3] = 0
    frames[10:] = 0
    stack = _stack(ClipInput("frame", 4, 32, region="pleura"), frames, PleuralROI.single(5, LINE.polyline))
    assert stack.moments.tolist() == list(range(3, 10))
    assert stack.frames.min() > 3


def test_frames_are_resampled_to_the_nearest():
    times = np.arange(50) / 25.0
    assert resampled(times, None).tolist() == list(range(50))
    assert resampled(times, 12.5).tolist() == list(range(0, 50, 2))
    assert resampled(times, 50.0)[:5].tolist() == [0, 1, 1, 1, 2]
    assert len(resampled(np.array([0.0, 1e9]), 12.5)) == 20_000
    assert resampled(np.array([0.0]), 12.5).tolist() == [0]
    stack = _stack(ClipInput("frame", 4, 32, rate_hz=12.5), _clip(20), None)
    assert stack.moments.tolist() == list(range(0, 20, 2))


def test_windows_cover_the_clip_and_a_short_one_is_played_to_and_fro():
    assert window_starts(100, 40, 20).tolist() == [0, 20, 40, 60]
    assert window_starts(95, 40, 20).tolist() == [0, 20, 40, 55]
    assert window_starts(10, 40, 20).tolist() == [0]
    assert window_samples(4, 0, 9).tolist() == [0, 1, 2, 3, 2, 1, 0, 1, 2]
    assert window_samples(1, 0, 3).tolist() == [0, 0, 0]
    frames = np.arange(3, dtype=np.uint8)[None, :, None, None] + np.zeros((2, 3, 2, 2), np.uint8)
    window = take_window(ClipStack(frames, np.arange(3)), 0, ClipInput("patches", 5, 2))
    assert window.shape == (2, 5, 2, 2)
    assert window[1, :, 0, 0].tolist() == [0, 1, 2, 1, 0]
    later = take_window(ClipStack(frames, np.arange(3)), 1, ClipInput("patches", 2, 2))
    assert later[0, :, 0, 0].tolist() == [1, 2]


def test_normalising_is_the_deviation_and_then_the_z_score():
    windows = np.random.default_rng(0).uniform(0, 255, (3, 6, 4, 4)).astype(np.float32)
    out = normalise(windows, ClipInput("frame", 6, 4, mean=50.0, std=20.0))
    assert out.shape == (3, 6, 1, 4, 4)
    assert out.dtype == np.float32
    np.testing.assert_allclose(out[:, :, 0], (windows - 50) / 20, rtol=1e-5, atol=1e-6)
    moved = normalise(windows, ClipInput("frame", 6, 4, deviation=True, std=10.0))
    np.testing.assert_allclose(moved.mean(axis=1), 0, atol=1e-5)
    np.testing.assert_allclose(moved[:, :, 0] * 10, windows - windows.mean(axis=1, keepdims=True), atol=1e-3)


def test_flow_patches_lie_below_the_line_in_the_square():
    stack = _stack(ClipInput("flow", 4, 128, region="pleura", patch=32), _clip(6))
    corners = flow_patch_corners(stack, ClipInput("flow", 4, 128, patch=32))
    assert corners[:, 0].tolist() == [0, 32, 64, 96]
    assert (corners[:, 1] >= stack.line[:, 1].min()).all()
    assert (corners[:, 1] <= 96).all()


def test_an_input_survives_the_card():
    spec = ClipInput("flow", 32, 128, 12.8, "pleura", True, True, 2, 3.5, 21.0, 32)
    again = ModelInput.model_validate_json(spec.to_model_input().model_dump_json())
    assert ClipInput.from_model_input(again) == spec
    assert again.window_s == pytest.approx(2.5)
    plain = ClipInput.from_model_input(ModelInput(kind="frame", size=(40, 256, 256)))
    assert plain == ClipInput("frame", 40, 256)


@pytest.mark.parametrize(
    "wanted",
    [
        ModelInput(kind="strip", size=(32, 64, 32)),
        ModelInput(kind="frame"),
        ModelInput(kind="frame", size=(40, 256, 128)),
        ModelInput(kind="frame", size=(40, 256, 256), std=0.0),
        ModelInput(kind="flow", size=(40, 256, 256), flow_step=4),
        ModelInput(kind="flow", size=(2, 256, 256), flow_step=2),
        ModelInput(kind="frame", size=(40, 256, 256), rate_hz=-1),
        ModelInput(kind="frame", size=(40, 256, 256), std="wide"),
    ],
    ids=str,
)
def test_an_input_that_is_no_picture_is_one_sentence(wanted):
    with pytest.raises(ModelError) as caught:
        ClipInput.from_model_input(wanted)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("spec", [ClipInput("patches", 4, 32), ClipInput("frame", 4, 32, region="pleura")], ids=str)
def test_without_a_line_there_is_no_picture_below_it(spec):
    with pytest.raises(RoiError, match="needs a pleural line"):
        _stack(spec, _clip(4), None)


def test_a_line_outside_the_frames_is_refused():
    with pytest.raises(RoiError, match="outside"):
        _stack(ClipInput("patches", 4, 32), _clip(4)[:, :60, :60])


def test_a_clip_of_100_frames_takes_about_a_second():
    frames = np.repeat(_speckle(600, 800)[None], 100, axis=0)
    roi = PleuralROI.single(0, [[200, 200], [600, 190]])
    began = time.process_time()
    stack = prepare_stack(
        ClipInput("frame", 40, 256, region="pleura", stabilise=True),
        frames,
        (0, 0),
        np.arange(100) / 25,
        roi,
        0.1,
        None,
    )
    assert stack.frames.shape == (1, 100, 256, 256)
    assert time.process_time() - began < 4.0
