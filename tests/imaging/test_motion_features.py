"""Each sign of sliding on strips made so that only this sign is there, or a confounder that must not raise it."""

from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from lsgui.core.strip import PleuralStrip
from lsgui.imaging.flow_map import relative_flow_map
from lsgui.imaging.motion_features import FEATURES, MotionFeatures, clip_features
from lsgui.imaging.motion_index import WEIGHTS, in_mm, index_of, motion_index, score_of
from lsgui.imaging.patch_change import SHORT, USUAL, patch_change

ROWS, COLUMNS, LINE, HZ = 64, 40, 24, 25.0
Grey = npt.NDArray[np.float64]


def grain(rng: np.random.Generator, count: int = 1, width: int = COLUMNS) -> Grey:
    return np.stack([cv2.GaussianBlur(rng.standard_normal((ROWS, width)), (0, 0), 1.2) for _ in range(count)]) * 3.4


def strip_of(lung: Grey, wall: Grey, *, noise: float = 0.0, gain: float = 1.0, seed: int = 9) -> PleuralStrip:
    """Return a strip whose wall and lung are textures (T, ROWS, COLUMNS) of unit variance."""
    rng = np.random.default_rng(seed)
    frames = np.where(np.arange(ROWS)[None, :, None] < LINE, wall, lung) * 30.0 * gain + 110.0
    frames = frames + rng.normal(0.0, noise, frames.shape)
    count = len(frames)
    return PleuralStrip(
        frames=frames.clip(0, 255).astype(np.uint8),
        valid=np.ones((ROWS, COLUMNS), dtype=bool),
        pleura_row=LINE,
        pitch_mm=0.4,
        calibrated=True,
        times_s=np.arange(count) / HZ,
        wall_shift_mm=np.zeros((count, 2)),
        wall_correlation=np.ones(count),
    )


def signs(strip: PleuralStrip) -> MotionFeatures:
    change = patch_change(strip)
    assert change is not None
    return clip_features(change, relative_flow_map(strip, 1.0))


def renewing(rng: np.random.Generator, rates: Grey) -> Grey:
    """Return texture of which the part `rates[k]` is new in frame k."""
    out = [grain(rng)[0]]
    for rate in rates[1:]:
        out.append(np.sqrt(1 - rate) * out[-1] + np.sqrt(rate) * grain(rng)[0])
    return np.stack(out)


def held(rng: np.random.Generator, count: int) -> Grey:
    return np.repeat(grain(rng), count, axis=0)


def test_texture_that_renews_itself_is_seen_and_noise_is_not() -> None:
    rng = np.random.default_rng(1)
    count = 125
    slides = signs(strip_of(renewing(rng, np.full(count, 0.06)), held(rng, count), noise=4.0))
    still = signs(strip_of(held(rng, count), held(rng, count), noise=4.0))
    noisy = signs(strip_of(held(rng, count) * 0.5, held(rng, count), noise=12.0))
    for name in ("renewal_near", "renewal_middle"):
        assert getattr(slides, name) > 1.0
        assert abs(getattr(still, name)) < 0.3
        assert abs(getattr(noisy, name)) < 0.5


def test_gain_changes_no_sign() -> None:
    rng = np.random.default_rng(2)
    lung, wall = renewing(rng, np.full(125, 0.05)), held(rng, 125)
    loud, quiet = (signs(strip_of(lung, wall, gain=gain)).values() for gain in (1.0, 0.5))
    assert np.abs(loud - quiet)[:-1].max() < 0.1
    assert abs(loud[-1] - quiet[-1]) < 1.0  # the bands of an even renewal are both near nothing


def test_texture_that_travels_is_tracked() -> None:
    rng = np.random.default_rng(3)
    carpet = grain(rng, 1, COLUMNS + 60)[0]
    path = 10.0 * np.sin(2 * np.pi * 0.25 * np.arange(125) / HZ)  # samples: 4 mm to either side

    def moved(k: int) -> Grey:
        matrix = np.array([[1.0, 0.0, -30.0 - path[k]], [0.0, 1.0, 0.0]])
        return cv2.warpAffine(carpet, matrix, (COLUMNS, ROWS), flags=cv2.INTER_CUBIC)

    wall = held(rng, 125)
    slides = signs(strip_of(np.stack([moved(k) for k in range(125)]), wall, noise=2.0))
    still = signs(strip_of(np.repeat(moved(0)[None], 125, axis=0), wall, noise=2.0))
    assert np.exp(slides.travel) > 3.0
    assert np.exp(still.travel) < 0.5
    assert slides.speed > still.speed + 2.0


@pytest.mark.parametrize(("rate", "is_breath"), [(0.3, True), (1.4, False)])
def test_a_breath_swings_slowly_and_a_heart_fast(rate: float, *, is_breath: bool) -> None:
    rng = np.random.default_rng(4)
    times = np.arange(250) / HZ
    speed = 0.12 * np.maximum(np.sin(2 * np.pi * rate * times), 0.0) ** 2
    found = signs(strip_of(renewing(rng, speed), held(rng, 250), noise=3.0))
    steady = signs(strip_of(renewing(rng, np.full(250, speed.mean())), held(rng, 250), noise=3.0))
    assert (found.breathing > 1.0) is is_breath
    assert (found.swing_more > steady.swing_more + 0.5) is is_breath


def test_repeated_frames_do_not_read_as_stillness() -> None:
    rng = np.random.default_rng(5)
    strip = strip_of(renewing(rng, np.full(150, 0.06)), held(rng, 150), noise=3.0)
    order = np.repeat(np.arange(0, 150, 2), 2)
    doubled = replace(strip, frames=strip.frames[order])
    plain, repeated = motion_index(strip), motion_index(doubled)
    assert plain.index is not None
    assert repeated.index is not None
    assert repeated.index > plain.index - 0.1
    change = patch_change(doubled)
    assert change is not None
    known = change.likeness[SHORT][:, np.isfinite(change.likeness[SHORT]).all(axis=0)]
    assert known[~change.wall].max() < 0.999  # no frame is compared with its own copy


def test_a_jump_of_the_probe_is_left_out() -> None:
    rng = np.random.default_rng(6)
    first, second = held(rng, 60), held(rng, 60)
    wall = np.concatenate([first, second])
    lung = np.concatenate([held(rng, 60), held(rng, 60)])
    change = patch_change(strip_of(lung, wall, noise=2.0))
    assert change is not None
    assert np.isnan(change.likeness[USUAL][0]).sum() > 3  # beyond the clip's beginning
    jumped = motion_index(strip_of(lung, wall, noise=2.0))
    assert jumped.index is not None
    assert jumped.index < 0.35


def test_a_flow_map_in_pixels_is_turned_into_millimetres() -> None:
    rng = np.random.default_rng(7)
    strip = strip_of(renewing(rng, np.full(60, 0.05)), held(rng, 60))
    in_px = replace(strip, calibrated=False)
    flow = relative_flow_map(in_px, 0.2)
    assert flow is not None
    assert flow.unit == "px/s"
    given, made = motion_index(in_px, in_mm(flow, 0.2)), motion_index(in_px)
    assert given.index == pytest.approx(made.index, abs=1e-4)


def test_the_grid_has_the_level_of_the_whole_clip() -> None:
    rng = np.random.default_rng(8)
    lung = np.concatenate([held(rng, 125)[..., :20], renewing(rng, np.full(125, 0.06))[..., 20:]], axis=2)
    evidence = motion_index(strip_of(lung, held(rng, 125), noise=3.0))
    along = np.nanmedian(evidence.scores, axis=0)
    assert along[0] < along[-1] - 1.0
    assert evidence.index is not None
    level = float(np.median(np.nanmean(evidence.scores, axis=1)))
    assert float(index_of(level)) == pytest.approx(evidence.index, abs=1e-6)


def test_a_sign_that_is_missing_counts_as_usual() -> None:
    usual = np.array([WEIGHTS[name][1] for name in FEATURES])
    missing = usual.copy()
    missing[3] = np.nan
    assert score_of(missing) == pytest.approx(score_of(usual))
