"""Where a network looked: it adds up, changes with the weights, is nothing where nothing matters, and finds sliding."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
import torch

from lsgui.core.errors import CancelledError, ModelError
from lsgui.core.label import SlidingLabel
from lsgui.core.motion_map import MotionMap
from lsgui.core.strip import PleuralStrip
from lsgui.imaging.strip_channels import CHANNELS
from lsgui.imaging.strip_cutter import cut_strip
from lsgui.inference.focus import contributions, split_network
from lsgui.inference.focus_map import focus_map, strip_focus
from lsgui.inference.served_models import network_of
from lsgui.models.card import load_card
from lsgui.models.cmwra import Cmwra
from lsgui.models.cmwru import Cmwru
from lsgui.models.cmwru_strip import CmwruStrip
from lsgui.models.rcm2d import Rcm2d
from lsgui.simulation.clip import simulate_clip
from lsgui.simulation.draw import random_spec

NETWORKS = {
    "cmwru-strip": (lambda: CmwruStrip(4), (2, CHANNELS, 8, 32, 20)),
    "cmwru": (lambda: Cmwru(8, 32, bins=4, width=2, motion_channels=True), (2, 8, 1, 32, 32)),
    "cmwru as published": (lambda: Cmwru(8, 32, width=2), (2, 8, 1, 32, 32)),
    "cmwra": (lambda: Cmwra(8, 32, bins=4, width=2), (2, 7, 2, 32, 32)),
    "cmwra as published": (lambda: Cmwra(8, 32, width=2), (2, 7, 2, 32, 32)),
    "rcm2d": (lambda: Rcm2d(32), (2, 5, 1, 32, 32)),
}


def fresh(name: str, seed: int = 1) -> tuple[torch.nn.Module, torch.Tensor]:
    """A network with random weights, its normalisations as after some training, and an input."""
    torch.manual_seed(seed)
    build, shape = NETWORKS[name]
    network = build()
    with torch.no_grad():
        for part in network.modules():
            if isinstance(part, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d | torch.nn.BatchNorm3d):
                part.bias.normal_(0.0, 0.3)
                part.running_var.uniform_(0.2, 1.0)
    torch.manual_seed(99)
    return network.eval(), torch.randn(shape)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_cut_in_two_is_the_network(name: str) -> None:
    network, seen = fresh(name)
    split = split_network(network, name)
    with torch.inference_mode():
        torch.testing.assert_close(split.after(split.before(seen), len(seen)), network(seen))


@pytest.mark.parametrize("name", NETWORKS)
def test_what_the_places_added_is_the_change_of_the_logits(name: str) -> None:
    network, seen = fresh(name)
    split = split_network(network, name)
    added = contributions(split, seen, steps=32)
    with torch.inference_mode():
        layer = split.before(seen)
        neutral = split.neutral.reshape(1, -1, *(1,) * (layer.ndim - 2)).expand_as(layer)
        change = (network(seen) - split.after(neutral, len(seen))).flatten(1).sum(dim=1).numpy()
    assert np.abs(change).max() > 1e-3
    np.testing.assert_allclose(added.sum(axis=(1, 2, 3)), change, rtol=0.3 if name == "rcm2d" else 0.1)


@pytest.mark.parametrize("name", NETWORKS)
def test_other_weights_look_elsewhere_and_the_same_ones_at_the_same_places(name: str) -> None:
    network, seen = fresh(name)
    one = contributions(split_network(network, name), seen)
    again = contributions(split_network(network, name), seen)
    other = contributions(split_network(fresh(name, seed=2)[0], name), seen)
    np.testing.assert_array_equal(one, again)
    assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.6


@pytest.mark.parametrize("name", NETWORKS)
def test_nothing_is_added_where_the_logit_does_not_depend_on_the_input(name: str) -> None:
    network, seen = fresh(name)
    last = [part for part in network.modules() if isinstance(part, torch.nn.Linear | torch.nn.Conv1d)][-1]
    with torch.no_grad():
        last.weight.zero_()
    assert not contributions(split_network(network, name), seen).any()


def test_a_network_without_places_is_refused_and_the_work_can_be_stopped() -> None:
    with pytest.raises(ModelError, match="cannot show where it looked: choose"):
        split_network(torch.nn.Linear(2, 1), "other")
    network, seen = fresh("cmwru-strip")
    with pytest.raises(CancelledError):
        contributions(split_network(network, "x"), seen, cancelled=lambda: True)


@lru_cache
def sliding_strip(seed: int) -> PleuralStrip:
    spec = random_spec(np.random.default_rng(seed), SlidingLabel.LS_P, "sliding")
    made = simulate_clip(spec, seed)
    times = np.arange(len(made.frames)) / made.fps
    return cut_strip(made.frames, (0, 0), times, made.roi, made.mm_per_px, True)


def still_on_the_right(strip: PleuralStrip) -> PleuralStrip:
    """Below the right half of the line lies the wall's own reflection: it moves as the wall does."""
    frames, row = strip.frames.copy(), strip.pleura_row
    half, below = frames.shape[2] // 2, frames.shape[1] - row
    mirror = np.abs(np.arange(below) % (2 * row - 2) - (row - 1))
    frames[:, row:, half:] = frames[:, mirror, half:]
    return replace(strip, frames=frames)


def shipped_focus(strip: PleuralStrip) -> MotionMap:
    card = load_card("cmwru-strip")
    split = split_network(network_of("cmwru-strip", card.sha256, "cpu"), "cmwru-strip")
    found = strip_focus(split, strip, "cpu", lambda: False, lambda _done: None)
    assert found is not None
    return focus_map(*found, strip, mm_per_px=0.2, note="")


@pytest.mark.parametrize("seed", [4, 7])
def test_what_speaks_for_present_lies_on_the_sliding_half_and_for_absent_on_the_still_half(seed: int) -> None:
    strip = still_on_the_right(sliding_strip(seed))
    found = shipped_focus(strip)
    below = np.nan_to_num(found.values.mean(axis=0))[strip.pleura_row // 2 :]
    half = below.shape[1] // 2
    present, absent = np.maximum(-below, 0.0), np.maximum(below, 0.0)
    assert present[:, :half].sum() > 0.75 * present.sum()
    assert absent[:, half:].sum() > 0.85 * absent.sum()


def test_the_map_of_the_whole_strip_lies_above_and_below_the_line() -> None:
    strip = sliding_strip(4)
    found = shipped_focus(strip)
    assert (found.quantity, found.low, found.high, found.unit) == ("focus", -1.0, 1.0, "")
    assert found.above_px == pytest.approx(strip.pleura_row * strip.pitch_mm / 0.2)
    assert found.above_px + found.depth_px == pytest.approx(strip.frames.shape[1] * strip.pitch_mm / 0.2)
    assert np.nanmax(np.abs(found.values)) == pytest.approx(1.0)
    assert (np.diff(found.times_s) > 0).all()
    assert 0.0 < found.times_s[0] < found.times_s[-1] < strip.times_s[-1]
    assert np.nanmean(found.values[:, strip.pleura_row // 2 :]) < -0.1, "a sliding lung speaks for present"


def test_outside_the_scan_nothing_is_shown_and_without_any_weight_nothing_is_scaled_up() -> None:
    strip = sliding_strip(4)
    valid = strip.valid.copy()
    valid[:, :10] = False
    masked = replace(strip, valid=valid)
    values = np.zeros((3, strip.frames.shape[1] // 2, strip.frames.shape[2] // 2), dtype=np.float32)
    found = focus_map(values, np.arange(3.0), masked, 0.2, "")
    assert np.isnan(found.values[:, :, :5]).all()
    assert not found.values[:, :, 5:][:, masked.valid[::2, 10::2][: values.shape[1], : values.shape[2] - 5]].any()


def test_a_clip_too_short_to_be_scored_has_no_map() -> None:
    strip = sliding_strip(4)
    short = replace(
        strip,
        frames=strip.frames[:3],
        times_s=strip.times_s[:3],
        wall_shift_mm=strip.wall_shift_mm[:3],
        wall_correlation=strip.wall_correlation[:3],
    )
    split = split_network(fresh("cmwru-strip")[0], "x")
    assert strip_focus(split, short, "cpu", lambda: False, lambda _done: None) is None
