"""Pairs of speckle pictures: seeded, and moved as they say."""

import time

import numpy as np
import pytest

from lsgui.simulation.speckle_pairs import LARGEST_PX, Kind, PairSpec, SpecklePairs


@pytest.fixture(scope="module")
def series() -> SpecklePairs:
    return SpecklePairs(seed=4, size=128, tissues=6)


def correlation(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.corrcoef(first.astype(float).ravel(), second.astype(float).ravel())[0, 1])


def test_a_pair_depends_on_seed_and_number_alone(series: SpecklePairs) -> None:
    again = SpecklePairs(seed=4, size=128, tissues=6)
    again.pair(3)  # what was drawn before does not matter
    for index in (7, 2):
        one, two = series.pair(index), again.pair(index)
        assert np.array_equal(one.before, two.before)
        assert np.array_equal(one.after, two.after)
        assert np.array_equal(one.flow, two.flow)
        assert one.spec == two.spec
    assert not np.array_equal(SpecklePairs(seed=5, size=128, tissues=6).pair(7).before, series.pair(7).before)


def test_random_pairs_cover_what_is_promised(series: SpecklePairs) -> None:
    pairs = [series.pair(index) for index in range(60)]
    longest = np.array([np.hypot(*pair.flow).max() for pair in pairs])
    assert all(pair.before.shape == (128, 128) and pair.before.dtype == np.uint8 for pair in pairs)
    assert all(pair.flow.shape == (2, 128, 128) and pair.flow.dtype == np.float32 for pair in pairs)
    assert (longest < 0.3).any()
    assert (longest > 4.0).any()
    assert longest.max() <= 1.4 * LARGEST_PX  # the wall's own motion may add to the lung's
    assert {pair.spec.kind for pair in pairs} == {"rigid", "shear", "smooth", "sliding"}
    renewed = [pair.spec.renewed for pair in pairs]
    assert min(renewed) == 0.0
    assert 0.4 < max(renewed) <= 0.6
    assert any(pair.spec.jpeg for pair in pairs)


def test_easy_pairs_move_clearly(series: SpecklePairs) -> None:
    pairs = [series.pair(index, easy=True) for index in range(30)]
    assert {pair.spec.kind for pair in pairs} == {"rigid", "smooth"}
    assert all(1.0 <= pair.spec.shift_px <= 10.0 and pair.spec.renewed == 0.0 for pair in pairs)
    assert len({pair.spec.shift_px for pair in pairs}) == 30


@pytest.mark.parametrize("shift", [2, 5])
def test_a_rigid_pair_matches_once_it_is_shifted_back(series: SpecklePairs, shift: int) -> None:
    rng = np.random.default_rng(1)
    for _ in range(4):
        pair = series.draw(rng, PairSpec("rigid", float(shift), noise=0.0))
        dx, dy = pair.flow[:, 0, 0]
        assert np.hypot(dx, dy) == pytest.approx(shift, rel=1e-5)
        # whole pixels nearest to the flow must match far better than no shift: the flow's sign and axes are right
        x, y = round(float(dx)), round(float(dy))
        inner = pair.before[8:-8, 8:-8]
        moved = pair.after[8 + y : 120 + y, 8 + x : 120 + x]
        assert correlation(inner, moved) > 0.7
        assert correlation(inner, moved) > correlation(inner, pair.after[8:-8, 8:-8]) + 0.1
        assert correlation(inner, moved) > correlation(inner, pair.after[8 - y : 120 - y, 8 - x : 120 - x]) + 0.1


def test_renewal_takes_its_share_of_the_texture(series: SpecklePairs) -> None:
    kept = []
    for renewed in (0.0, 0.2, 0.6, 1.0):
        rng = np.random.default_rng(2)
        pairs = [series.draw(rng, PairSpec("rigid", 0.0, renewed=renewed, noise=0.0)) for _ in range(8)]
        kept.append(np.mean([local(pair.before, pair.after) for pair in pairs]))
    assert kept[0] > 0.999
    assert kept[0] > kept[1] + 0.1 > kept[2] + 0.3 > kept[3] + 0.5
    assert kept[3] == pytest.approx(0.0, abs=0.12)  # bright places stay bright


def local(first: np.ndarray, second: np.ndarray) -> float:
    """Correlation of the texture alone: brightness of the surroundings taken off."""
    import cv2

    parts = [picture.astype(np.float32) for picture in (first, second)]
    return correlation(*(part - cv2.boxFilter(part, -1, (25, 25)) for part in parts))


def test_lung_slides_below_the_line_only(series: SpecklePairs) -> None:
    rng = np.random.default_rng(3)
    for _ in range(6):
        pair = series.draw(rng, PairSpec("sliding", 4.0))
        assert 0.2 < pair.lung.mean() < 0.9
        assert not pair.lung[0].any()
        assert pair.lung[-1].all()
        speed = np.hypot(*pair.flow)
        assert speed[~pair.lung].max() <= 0.36 * 4.0
        edge = pair.lung & ~np.roll(pair.lung, 1, axis=0)
        assert speed[edge].mean() > 2.0


@pytest.mark.parametrize("kind", ["rigid", "shear", "smooth"])
def test_the_longest_vector_is_the_one_asked_for(series: SpecklePairs, kind: Kind) -> None:
    pair = series.draw(np.random.default_rng(9), PairSpec(kind, 3.0))
    assert np.hypot(*pair.flow).max() == pytest.approx(3.0, rel=1e-3)
    assert not pair.lung.any()


def test_a_pair_takes_little_time(series: SpecklePairs) -> None:
    began = time.thread_time()  # other work on the machine does not count
    for index in range(20):
        series.pair(index)
    assert time.thread_time() - began < 20 / 20  # 60 a second on a free core, with a wide margin for a busy one
