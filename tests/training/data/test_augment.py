from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from lsgui.training.data.augment import (
    CROP_AREA,
    JITTER,
    MOST_DEGREES,
    Draw,
    apply_to_flow,
    apply_to_window,
    augment_flow,
    augment_window,
    draw,
)

Floats = npt.NDArray[np.float32]
SIDE = 64


def texture(seed: int = 0, blur: float = 2.0) -> Floats:
    noise = np.random.default_rng(seed).normal(0.0, 1.0, (SIDE, SIDE)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), blur)
    return np.asarray(110.0 + 40.0 * smooth / smooth.std(), dtype=np.float32)


def seeds(count: int) -> list[np.random.Generator]:
    return [np.random.default_rng(seed) for seed in range(count)]


@pytest.mark.parametrize("seed", range(12))
def test_fault_1_one_draw_for_all_frames_a_static_clip_stays_static(seed: int) -> None:
    still = np.repeat(texture()[None], 9, axis=0)[None]
    out = augment_window(still, np.random.default_rng(seed), odds=1.0)
    assert out.shape == still.shape
    assert np.array_equal(out, np.repeat(out[:, :1], 9, axis=1))
    assert np.abs(out[0, 0] - still[0, 0]).mean() > 5.0  # and something was done to it


def test_fault_1_contrast_does_not_follow_the_mean_of_each_frame() -> None:
    window = np.stack([texture(), texture() * 0.2])[None]
    out = apply_to_window(window, Draw(np.eye(3)[:2], 1.0, 0.7))
    grey = window[0, :, 10, 10]
    slope = (out[0, 0, 10, 10] - out[0, 1, 10, 10]) / (grey[0] - grey[1])
    assert slope == pytest.approx(0.7, abs=1e-4)  # one straight line for all frames


def test_fault_2_brightness_never_blanks_the_picture() -> None:
    window = np.stack([texture(k) for k in range(4)])[None]
    outs = [apply_to_window(window, Draw(np.eye(3)[:2], *_jitter(rng))) for rng in seeds(40)]
    for out in outs:
        assert out.min() >= 0.0
        assert out.max() <= 255.0
        assert 60.0 < out.mean() < 160.0  # grey values, not 0..1
        assert np.corrcoef(out.ravel(), window.ravel())[0, 1] > 0.98
    assert np.std([out.mean() for out in outs]) > 5.0
    assert np.std([out.std() for out in outs]) > 3.0


def _jitter(rng: np.random.Generator) -> tuple[float, float]:
    drawn = draw(rng, (SIDE, SIDE), odds=1.0)
    assert abs(drawn.brightness - 1.0) <= JITTER
    assert abs(drawn.contrast - 1.0) <= JITTER
    return drawn.brightness, drawn.contrast


def test_fault_2_nothing_is_clamped_to_one_whatever_is_drawn() -> None:
    window = np.repeat(texture()[None, None], 3, axis=1)
    for rng in seeds(60):
        assert augment_window(window, rng).max() > 100.0


def dots(positions: npt.NDArray[np.float64]) -> Floats:
    y, x = np.mgrid[:SIDE, :SIDE]
    return np.stack([255.0 * np.exp(-((x - px) ** 2 + (y - py) ** 2) / 8.0) for px, py in positions]).astype(np.float32)


def centres(window: Floats) -> npt.NDArray[np.float64]:
    y, x = np.mgrid[:SIDE, :SIDE]
    return np.stack([[(x * f).sum(), (y * f).sum()] / f.sum() for f in window.astype(np.float64)])


@pytest.mark.parametrize("seed", range(8))
def test_a_moving_dot_keeps_its_motion(seed: int) -> None:
    path = np.stack([np.linspace(24, 40, 9), 32 + 5 * np.sin(np.linspace(0, 3, 9))], axis=1)
    drawn = draw(np.random.default_rng(seed), (SIDE, SIDE), odds=1.0)
    out = apply_to_window(dots(path)[None], Draw(drawn.matrix))[0]
    expected = path @ drawn.matrix[:, :2].T + drawn.matrix[:, 2]
    assert np.abs(centres(out) - expected).max() < 0.1


@pytest.mark.parametrize("seed", range(12))
def test_flow_is_turned_and_stretched_with_the_picture(seed: int) -> None:
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    flow = np.stack([2.5 + 0.02 * (y - 32), -1.5 + 0.03 * (x - 32)])
    first = texture()
    # the second shows at x + flow(x) what the first shows at x; the flow changes slowly, so one step back will do
    at = np.stack([cv2.remap(part, x - flow[0], y - flow[1], cv2.INTER_LINEAR, borderMode=1) for part in flow])
    second = cv2.remap(first, x - at[0], y - at[1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    pair = augment_window(np.stack([first, second])[None], np.random.default_rng(seed), odds=1.0)[0]
    turned = augment_flow(flow[None], np.random.default_rng(seed), odds=1.0)[0]

    def error(field: Floats) -> float:
        there = cv2.remap(pair[1], x + field[0], y + field[1], cv2.INTER_LINEAR)
        return float(np.abs(there - pair[0])[14:-14, 14:-14].mean())

    assert error(turned) < 2.0
    assert error(np.asarray(flow, dtype=np.float32)) > 4.0 * error(turned)


def test_a_flip_alone_is_exact_for_pictures_and_flow() -> None:
    flip = Draw(np.array([[-1.0, 0.0, SIDE - 1.0], [0.0, 1.0, 0.0]]))
    assert np.array_equal(apply_to_window(texture()[None, None], flip)[0, 0], texture()[:, ::-1])
    out = apply_to_flow(np.stack([texture(1), texture(2)])[None], flip)
    assert np.array_equal(out[0, 0], -texture(1)[:, ::-1])
    assert np.array_equal(out[0, 1], texture(2)[:, ::-1])


def test_each_change_comes_with_its_odds_and_within_its_bounds() -> None:
    drawn = [draw(rng, (SIDE, SIDE)) for rng in seeds(600)]
    linear = np.array([d.matrix[:, :2] for d in drawn])
    assert np.mean(np.linalg.det(linear) < 0) == pytest.approx(0.5, abs=0.07)
    assert np.mean([d.brightness != 1.0 for d in drawn]) == pytest.approx(0.5, abs=0.07)
    turned = np.degrees(np.arctan2(linear[:, 1, 0], linear[:, 1, 1]))
    assert np.mean(np.abs(turned) > 1e-9) == pytest.approx(0.5, abs=0.07)
    assert np.abs(turned).max() <= MOST_DEGREES * 1.15  # a crop of another ratio shears a turned picture a little
    areas = 1.0 / np.abs(np.linalg.det(linear))
    assert areas.min() >= CROP_AREA[0] - 1e-6
    assert areas.max() <= CROP_AREA[1] + 1e-6
    assert np.mean(areas < 1.0 - 1e-6) == pytest.approx(0.5, abs=0.07)


def test_a_crop_shows_only_what_was_in_the_picture() -> None:
    corners = np.array([[-0.5, -0.5], [SIDE - 0.5, SIDE - 0.5]])
    for rng in seeds(200):
        matrix = draw(rng, (SIDE, SIDE), odds=1.0).matrix
        inverse = cv2.invertAffineTransform(matrix)
        seen = corners @ inverse[:, :2].T + inverse[:, 2]
        # a turned picture's corners lie outside by no more than the turn
        room = SIDE / 2 * np.sin(np.radians(MOST_DEGREES))
        assert seen.min() > -0.5 - room
        assert seen.max() < SIDE - 0.5 + room


def test_the_same_seed_gives_the_same_and_all_squares_of_a_window_one_draw() -> None:
    window = np.stack([np.stack([texture(k) for k in range(3)])] * 2)
    one, two = (augment_window(window, np.random.default_rng(5), odds=1.0) for _ in range(2))
    assert np.array_equal(one, two)
    assert np.array_equal(one[0], one[1])
    assert not np.array_equal(one, augment_window(window, np.random.default_rng(6), odds=1.0))


def test_without_luck_nothing_changes() -> None:
    window: Any = np.stack([texture()])[None]
    assert np.array_equal(augment_window(window, np.random.default_rng(0), odds=0.0), window)
    flow = np.stack([texture(), texture(1)])[None]
    assert np.array_equal(augment_flow(flow, np.random.default_rng(0), odds=0.0), flow)
