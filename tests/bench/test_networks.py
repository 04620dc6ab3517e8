"""The figures of the networks: each stands beside its reference, and what they are made of is true."""

import json

import numpy as np
import pytest
import torch

from lsgui.bench import networks, whole_clip
from lsgui.bench.networks import multiply_adds
from lsgui.bench.rows import Bound
from lsgui.inference.device import resolve_device
from lsgui.inference.openvino_engine import engine_name
from lsgui.models.cmwru import Cmwru


def silent(_words: str, _fraction: float) -> None:
    pass


@pytest.fixture(scope="module")
def threads():
    """One thread: beside other tests, threads that wait for one another wait for ever."""
    before = torch.get_num_threads()
    with pytest.MonkeyPatch.context() as patch:
        for part in (networks, whole_clip):
            patch.setattr(part, "resolve_device", lambda choice: resolve_device(choice, 1))
        yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def found(threads):
    return networks.measure(silent, True)


def test_every_network_stands_beside_eager_torch_and_answers_alike(found) -> None:
    said = json.loads(json.dumps(found.as_json()))["inference"]
    assert list(said) == ["cmwru-strip", "cmwru"]
    for figures in said.values():
        assert figures["speedup"] == pytest.approx(figures["reference_s"] / figures["shipped_s"])
        assert min(figures["reference_s"], figures["shipped_s"], figures["matrix_product_s"]) > 0
        assert figures["max_probability_difference"] < 0.01
        assert figures["engine"].startswith(engine_name())
    assert said["cmwru-strip"]["input"] == [1, 7, 8, 32, networks.STRIP_COLUMNS]


def test_its_rows_carry_the_promise_and_the_limit(found) -> None:
    rows = found.rows()
    assert [row.name for row in rows] == ["cmwru-strip", "cmwru"]
    assert all(row.target.bound is Bound.TIMES and row.target.value == 3.0 for row in rows)
    assert all("matrix products alone" in row.note for row in rows)


def test_a_network_that_is_not_here_is_a_row_with_its_reason(monkeypatch: pytest.MonkeyPatch, threads) -> None:
    monkeypatch.setattr(networks, "MODELS", ("nobody", "cmwra", "rcm2d"))
    found = networks.measure(silent, True)
    (row,) = [row for row in found.rows() if row.shipped is None]
    assert row.name == "nobody"
    assert "no model called" in row.note
    assert "nobody" not in found.as_json()["inference"]


def test_multiplications_are_those_of_the_layers() -> None:
    layer = torch.nn.Conv3d(2, 4, 3, padding=1, bias=False)
    assert multiply_adds(layer, torch.zeros(1, 2, 5, 6, 7)) == 4 * 2 * 27 * 5 * 6 * 7
    small = Cmwru(8, 32, width=2).eval()
    one, two = (multiply_adds(small, torch.zeros(rows, 8, 1, 32, 32)) for rows in (1, 2))
    assert two == 2 * one


def test_a_clip_s_windows_in_one_pass_beside_one_after_another(threads) -> None:
    found = whole_clip.measure(silent, True)
    said = json.loads(json.dumps(found.as_json()))["whole_clip"]
    assert (said["frames"], said["windows"]) == (240, 10)
    assert said["max_logit_difference"] < 1e-4
    assert said["max_probability_difference"] < 0.01
    assert said["multiply_adds_of_8_windows_shared"] < 0.6 * said["multiply_adds_of_8_windows"]
    for figures in (said, said["against_eager_batches"], said["against_same_engine_window_by_window"]):
        assert figures["speedup"] == pytest.approx(figures["reference_s"] / figures["shipped_s"])
    target, *others = found.rows()
    assert (target.target.value, target.against) == (3.0, "eager PyTorch, by window")
    assert all(row.target is None for row in others)


def test_the_clip_is_long_enough_for_what_is_said_of_it() -> None:
    channels, starts = whole_clip.clip_channels(240)
    assert channels.shape[:3] == (7, 25, 32)
    assert np.isfinite(channels).all()
    assert len(starts) == 10
