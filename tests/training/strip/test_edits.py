import numpy as np
import pytest

from lsgui.training.strip.edits import (
    NEGATIVE,
    POSITIVE,
    Seam,
    blend,
    edit_window,
    match_texture,
    mirrored_wall,
    moved,
    pulse_motion,
)

ROW = 24
SECONDS = np.arange(32) / 12.8


@pytest.fixture
def window() -> np.ndarray:
    rng = np.random.default_rng(0)
    out = rng.uniform(20, 200, (32, 64, 32)).astype(np.float32)
    out[:, :ROW] = out[:1, :ROW] + rng.normal(0, 3, (32, ROW, 32))  # a wall that hardly changes over a lung that does
    return out


def change(window: np.ndarray, rows: slice) -> float:
    return float(np.abs(np.diff(window[:, rows], axis=0)).mean())


@pytest.mark.parametrize("kind", NEGATIVE)
def test_a_negative_changes_below_the_line_little_more_than_the_wall(kind: str, window: np.ndarray) -> None:
    edited = edit_window(kind, window, ROW, SECONDS, np.random.default_rng(1), seam=Seam(ROW - 1, 1.0))
    assert change(edited, slice(ROW + 2, None)) < 0.35 * change(window, slice(ROW + 2, None))
    assert np.array_equal(edited[:, : ROW - 3], window[:, : ROW - 3])


@pytest.mark.parametrize("kind", POSITIVE)
def test_a_positive_keeps_the_motion_of_the_lung(kind: str, window: np.ndarray) -> None:
    other = window[::-1].copy()
    edited = edit_window(kind, window, ROW, SECONDS, np.random.default_rng(1), other, Seam(ROW - 1, 1.0))
    assert change(edited, slice(ROW + 2, None)) > 0.5 * change(window, slice(ROW + 2, None))


def test_the_mirror_carries_the_walls_own_motion(window: np.ndarray) -> None:
    mirrored = mirrored_wall(window, ROW, gap=0)
    assert np.array_equal(mirrored[:, ROW : ROW + 10], window[:, ROW - 10 : ROW][:, ::-1])
    assert np.array_equal(mirrored[:, :ROW], window[:, :ROW])


def test_brightness_and_contrast_say_nothing_after_matching(window: np.ndarray) -> None:
    dim = window.copy()
    dim[:, ROW:] = 10 + 0.5 * window[:, ROW:]
    matched = match_texture(dim, window, ROW)
    assert matched[:, ROW + 6 :].mean() == pytest.approx(window[:, ROW + 6 :].mean(), rel=0.03)
    assert matched[:, ROW + 6 :].std() == pytest.approx(window[:, ROW + 6 :].std(), rel=0.1)


def test_a_heart_beat_moves_the_still_lung_and_brings_it_back(window: np.ndarray) -> None:
    still = window[:1]
    beating = moved(still, *pulse_motion(np.random.default_rng(0), SECONDS, 1.5))
    assert beating.shape == window.shape
    assert 0 < change(beating, slice(ROW, None)) < change(window, slice(ROW, None))
    away = np.abs(beating - still)[:, ROW:].mean(axis=(1, 2))
    assert away.min() < 0.05 * away.max()


def test_a_seam_blends_over_its_width() -> None:
    above, below = np.zeros((2, 10, 4), np.float32), np.ones((2, 10, 4), np.float32)
    blended = blend(above, below, Seam(5.0, 2.0))[0, :, 0]
    assert blended[:4].max() == 0
    assert blended[5] == pytest.approx(0.5)
    assert blended[7:].min() == 1
