"""A motion map between its moments."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsgui.core.motion_map import MotionMap


def _with_vectors(vectors: np.ndarray, times: list[float]) -> MotionMap:
    return replace(_map(np.zeros((len(times), 1, 1)), times), vectors=vectors.astype(np.float32))


def _map(values: np.ndarray, times: list[float]) -> MotionMap:
    return MotionMap("flow", values.astype(np.float32), np.array(times), 40.0, "mm/s", 0.0, 15.0)


@given(st.integers(1, 6), st.floats(0, 1))
def test_between_two_moments_it_is_between_them(count: int, share: float) -> None:
    time_s = share * (count - 1)
    values = np.random.default_rng(3).random((count, 2, 3))
    at = _map(values, list(range(count))).at(time_s)
    low, high = int(np.clip(np.floor(time_s), 0, count - 1)), int(np.clip(np.ceil(time_s), 0, count - 1))
    assert at.shape == (2, 3)
    assert (at >= np.minimum(values[low], values[high]) - 1e-6).all()
    assert (at <= np.maximum(values[low], values[high]) + 1e-6).all()


def test_half_way_is_the_mean() -> None:
    half = _map(np.array([[[0.0]], [[10.0]]]), [1.0, 2.0]).at(1.5)
    assert half.item() == pytest.approx(5.0)


def test_at_its_own_moment_a_map_is_shown_even_beside_one_that_could_not_be_measured() -> None:
    values = np.array([[[1.0]], [[np.nan]], [[3.0]]])
    motion = _map(values, [0.0, 1.0, 2.0])
    for k, time_s in enumerate((0.0, 1.0, 2.0)):
        np.testing.assert_array_equal(motion.at(time_s), values[k])
    assert np.isnan(motion.at(0.5))


def test_just_beyond_its_ends_a_map_holds_and_further_out_nothing_was_measured() -> None:
    motion = _map(np.array([[[1.0]], [[3.0]]]), [10.0, 10.5])
    assert motion.at(9.6).item() == 1.0
    assert motion.at(10.9).item() == 3.0
    for time_s in (0.0, 9.3, 11.2, 50.0):
        assert np.isnan(motion.at(time_s)).all()
        assert np.isnan(motion.mean_over(time_s, 0.2)).all()
    assert _map(np.array([[[7.0]]]), [2.0]).at(2.2).item() == 7.0


def test_the_mean_over_a_window_is_that_of_the_map_in_it() -> None:
    times = np.arange(0.0, 10.0, 0.25)
    rising = _map(times[:, None, None], times.tolist())
    assert rising.mean_over(5.0, 0.0).item() == pytest.approx(5.0)
    for window_s in (0.5, 1.0, 2.0):
        assert rising.mean_over(5.1, window_s).item() == pytest.approx(5.1, abs=0.01)
    waves = _map(np.sin(2 * np.pi * times)[:, None, None], times.tolist())
    assert abs(waves.mean_over(5.25, 1.0).item()) < 0.15 < waves.at(5.25).item()


def test_the_mean_of_the_whole_clip_is_the_same_at_every_moment_and_counts_time_not_maps() -> None:
    motion = _map(np.array([0.0, 0.0, 0.0, 8.0])[:, None, None], [0.0, 0.1, 0.2, 4.2])
    at_start, at_end = (motion.mean_over(time_s, float("inf")).item() for time_s in (0.0, 4.2))
    assert at_start == at_end
    assert at_start > 3.0
    assert _map(np.array([[[5.0]]]), [1.0]).mean_over(0.0, float("inf")).item() == 5.0


def test_a_mean_is_of_what_was_measured_and_of_nothing_where_most_was_not() -> None:
    values = np.full((9, 1, 2), 4.0)
    values[:3, 0, 0] = np.nan  # a third of the time
    values[:7, 0, 1] = np.nan
    motion = _map(values, (np.arange(9) / 8).tolist())
    mean = motion.mean_over(0.5, float("inf"))
    assert mean[0, 0] == pytest.approx(4.0)
    assert np.isnan(mean[0, 1])


def test_it_cannot_be_changed() -> None:
    motion = _map(np.zeros((1, 1, 1)), [0.0])
    with pytest.raises(ValueError, match="read-only"):
        motion.values[0] = 1


def test_velocities_are_blended_as_the_map_is_and_there_need_be_none() -> None:
    motion = _with_vectors(np.array([[[[2.0, 0.0]]], [[[4.0, -6.0]]]]), [1.0, 2.0])
    half = motion.vectors_at(1.5)
    assert half is not None
    np.testing.assert_allclose(half, [[[3.0, -3.0]]])
    assert _map(np.zeros((1, 1, 1)), [0.0]).vectors_at(0.0) is None


def test_velocities_cannot_be_changed_and_come_through_the_pipe_of_the_worker() -> None:
    motion = _with_vectors(np.array([[[[2.0, 1.0]]]]), [0.0])
    assert motion.vectors is not None
    with pytest.raises(ValueError, match="read-only"):
        motion.vectors[0] = 1
    sent = pickle.loads(pickle.dumps(motion))  # as multiprocessing's connections do
    np.testing.assert_array_equal(sent.vectors_at(0.0), [[[2.0, 1.0]]])
