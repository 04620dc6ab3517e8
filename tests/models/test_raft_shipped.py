"""The RAFT that is shipped: small, no verdict, and better than saying that nothing moves."""

import numpy as np
import pytest
import torch

from lsgui.core.errors import ModelError
from lsgui.core.resources import model_dirs
from lsgui.models.card import find_cards, load_card, read_card
from lsgui.models.raft import RaftFlow, build_raft_small, load_raft
from lsgui.simulation.speckle_pairs import PairSpec, SpecklePairs


@pytest.fixture(scope="module")
def shipped() -> RaftFlow:
    return load_raft()


@pytest.fixture(scope="module")
def series() -> SpecklePairs:
    return SpecklePairs(seed=77, size=128, tissues=4)


def test_nothing_moves_where_nothing_moved(shipped: RaftFlow, series: SpecklePairs) -> None:
    for index in range(3):
        picture = torch.from_numpy(series.pair(index).before)
        flow = shipped(torch.stack([picture, picture])[None])
        assert flow.norm(dim=2).mean() < 0.1


@pytest.mark.parametrize(("renewed", "bound_px"), [(0.0, 0.5), (0.4, 1.7)])
def test_shipped_weights_find_a_shift_of_2_pixels(
    shipped: RaftFlow, series: SpecklePairs, renewed: float, bound_px: float
) -> None:
    rng = np.random.default_rng(5)
    errors = []
    for _ in range(4):
        pair = series.draw(rng, PairSpec("rigid", 2.0, renewed=renewed))
        flow = shipped(torch.from_numpy(np.stack([pair.before, pair.after]))[None])[0, 0].numpy()
        errors.append(np.hypot(*(flow - pair.flow)).mean())
    assert np.mean(errors) < bound_px  # saying "nothing moves" is off by 2


def test_the_card_says_where_the_shipped_flow_means_something() -> None:
    metrics = read_card(model_dirs()[-1] / "raft-small").metrics
    rows = metrics["end_point_error_on_simulated_pairs"]
    moved = [row for row in rows if row["motion_px"] >= 0.5]
    assert len(moved) >= 5
    assert all(row["px"]["RAFT"] < row["motion_px"] for row in moved)
    worse = [row["condition"] for row in rows if row["px"]["RAFT"] > row["px"]["DIS"]]
    assert metrics["conditions_worse_than_dis"] == worse


def test_the_shipped_card_is_a_measure_of_motion_and_no_verdict() -> None:
    card = read_card(model_dirs()[-1] / "raft-small")
    assert card.role == "flow"
    assert card.parameters == sum(weight.numel() for weight in build_raft_small().parameters())
    assert card.weights_path.stat().st_size < 5_000_000
    assert "raft-small" not in find_cards()
    with pytest.raises(ModelError, match="gives no verdict"):
        load_card("raft-small")


def test_cuda_agrees_with_the_processor(shipped: RaftFlow, series: SpecklePairs, cuda: str) -> None:
    pair = series.pair(1)
    frames = torch.from_numpy(np.stack([pair.before, pair.after]))[None]
    there = load_raft().to(cuda)(frames.to(cuda)).cpu()
    assert (there - shipped(frames)).norm(dim=2).mean() < 0.1
