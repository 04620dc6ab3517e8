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


@given(st.integers(1, 6), st.floats(-1, 7))
def test_between_two_moments_it_is_between_them(count: int, time_s: float) -> None:
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
    np.testing.assert_array_equal(motion.at(-5.0), values[0])
    np.testing.assert_array_equal(motion.at(50.0), values[2])


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
