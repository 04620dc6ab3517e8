"""Training RAFT: learns from its batch, goes on bit for bit, writes an honest card, refuses wrong settings."""

import json
import logging
import math
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch

from lsgui.core.errors import DeviceError, LsguiError, ModelError
from lsgui.models.raft import RaftFlow, build_raft_small, load_raft
from lsgui.training.raft.run import read_raft_recipe, train_raft
from lsgui.training.raft.table import CONDITIONS, as_markdown, as_metrics, measure
from lsgui.training.raft.trainer import (
    Progress,
    RaftRecipe,
    matching_loss,
    sequence_loss,
    train_raft_network,
)

TINY = RaftRecipe(
    steps=4, matching_steps=1, clear_steps=1, batch=1, iterations=2, iterations_in_use=2, checkpoint_every=2,
    validate_every=2, validation_pairs=2, table_pairs=1, tissues=1,
)  # fmt: skip


def settings() -> list[str]:
    return [f"{name}={value}" for name, value in asdict(TINY).items() if value != getattr(RaftRecipe(), name)]


def test_the_losses_are_least_where_the_flow_is_true() -> None:
    truth = torch.zeros(2, 2, 128, 128)
    truth[1, 0] = 8.0  # one cell to the right

    def loss(*flows: torch.Tensor) -> float:
        return float(sequence_loss(list(flows), truth, 0.8, 0.25))

    assert loss(truth, truth) == 0
    assert loss(truth + 1.0, truth) == pytest.approx(0.8 * loss(truth, truth + 1.0), rel=1e-5)  # earlier counts less
    still, moving = 2.0 / 0.25**0.5, 2.0 / 8.25**0.5  # a still pair counts more than one that moves far
    assert loss(truth + 1.0) == pytest.approx((still + moving) / 2.0, rel=1e-4)

    cells = torch.arange(256)
    right = torch.zeros(2, 256, 256)
    right[0, cells, cells] = 50.0
    right[1, cells[:-1], cells[:-1] + 1] = 50.0
    volume = right.reshape(512, 1, 16, 16)
    assert matching_loss(volume, truth) < 1e-3
    assert matching_loss(volume, truth[:, :, ::2, ::2] / 2.0) < 1e-3  # pictures of half the size, enlarged twice
    assert matching_loss(volume.flip(0), truth) > 10.0


def test_a_broken_run_goes_on_bit_for_bit(tmp_path: Path) -> None:
    whole = train_raft_network(TINY, folder=tmp_path / "whole")

    class BrokenOffError(Exception):
        pass

    def stop(progress: Progress) -> None:
        if progress.step == 3:  # after the checkpoint of step 2
            raise BrokenOffError

    with pytest.raises(BrokenOffError):
        train_raft_network(TINY, folder=tmp_path / "broken", report=stop)
    said: list[Progress] = []
    resumed = train_raft_network(TINY, folder=tmp_path / "broken", report=said.append)
    assert [progress.step for progress in said] == [3, 4]
    assert said[-1].seconds_left == 0.0
    for name, tensor in whole.state_dict().items():
        assert torch.equal(resumed.state_dict()[name], tensor), name
    states = [torch.load(tmp_path / run / "checkpoint.pt", weights_only=True) for run in ("whole", "broken")]
    for name, tensor in states[0]["network"].items():
        assert torch.equal(states[1]["network"][name], tensor), name
    assert (tmp_path / "whole/history.csv").read_text() == (tmp_path / "broken/history.csv").read_text()

    with pytest.raises(ModelError, match="other settings"):
        train_raft_network(replace(TINY, learning_rate=1e-5), folder=tmp_path / "broken")
    (tmp_path / "broken" / "checkpoint.pt").write_bytes(b"torn")
    with pytest.raises(ModelError, match=r"checkpoint\.pt cannot be read"):
        train_raft_network(TINY, folder=tmp_path / "broken")


def test_a_run_writes_weights_card_and_table(tmp_path: Path) -> None:
    out = tmp_path / "run"
    card = train_raft(out, settings(), None)
    assert card.role == "flow"
    assert card.hyperparameters == {"iterations": 2, "enlarge": 2}
    loaded = load_raft(out / "model.safetensors")
    assert (loaded.iterations, loaded.enlarge) == (2, 2)  # the card beside the weights says it
    assert sum(weight.numel() for weight in loaded.parameters()) == card.parameters
    content = json.loads((out / "model.json").read_text(encoding="utf-8"))
    table = content["metrics"]["end_point_error_on_simulated_pairs"]
    assert [row["condition"] for row in table] == [condition.name for condition in CONDITIONS]
    assert all(row["pairs"] == 1 for row in table)
    assert content["metrics"]["beats_dis_by_30_percent_where_asked"] is False  # four steps cannot
    assert content["command"].startswith("lsgui train --model raft-small --out RUN --set steps=4")
    readme = (out / "README.md").read_text(encoding="utf-8")
    assert "does **not** beat DIS" in readme
    blind = content["metrics"]["conditions_worse_than_nothing_moves"]
    assert blind  # four steps cannot see motion everywhere
    assert f"nothing moves would err less on: {'; '.join(blind)}." in readme
    assert f"{table[0]['px']['DIS']:.3f}" in readme


def test_the_table_measures_what_it_is_given() -> None:
    def still(hidden: torch.Tensor, _context: torch.Tensor, _likeness: torch.Tensor, moved: torch.Tensor):
        """Say that nothing moves."""
        return hidden, torch.zeros_like(moved)

    network = build_raft_small()
    raft = RaftFlow(network, iterations=1)
    raft.serve_by(network.feature_encoder, network.context_encoder, still)
    rows = measure(raft, seed=1, pairs_each=2)
    for row in rows:
        assert row.px["RAFT"] == pytest.approx(row.motion_px, abs=1e-3)
        assert 0 < row.mm["RAFT"] < row.px["RAFT"]
    by_name = {row.condition: row for row in rows}
    assert by_name["sub-pixel, under 0.3 px"].motion_px < 0.3
    assert by_name["rigid, 0.5 to 8 px"].px["DIS"] < 0.5
    assert by_name["decorrelating 60 %"].px["DIS"] > by_name["decorrelating 20 %"].px["DIS"]
    metrics = as_metrics(rows)
    assert "rigid, 0.5 to 8 px" in metrics["conditions_worse_than_dis"]
    assert "rigid, 0.5 to 8 px" not in metrics["conditions_worse_than_nothing_moves"]
    assert set(metrics["conditions_with_30_percent_gain"]).isdisjoint(metrics["conditions_without_30_percent_gain"])
    assert as_markdown(rows).count("\n") == len(rows) + 1


def test_random_pairs_take_the_place_of_clear_ones_little_by_little() -> None:
    recipe = RaftRecipe(steps=100, matching_steps=10, clear_steps=20, most_random=0.8)
    shares = [recipe.random_share(step) for step in range(100)]
    assert shares[:31] == [0.0] * 31
    assert sorted(shares) == shares
    assert 0.3 < shares[50] < 0.5
    assert shares[-1] == 0.8


def test_the_learning_rate_goes_through_one_cycle_a_stage() -> None:
    recipe = RaftRecipe(steps=300, matching_steps=100, matching_rate=1e-2, learning_rate=1e-3)
    rates = [recipe.rate(step) for step in range(300)]
    assert max(rates[:100]) == pytest.approx(1e-2, rel=0.01)
    assert max(rates[100:]) == pytest.approx(1e-3, rel=0.01)
    assert all(rates[step] < 0.05 * max(rates[:100]) for step in (0, 99))
    assert all(rates[step] < 0.05 * max(rates[100:]) for step in (100, 299))


def test_features_learn_to_match_in_a_few_steps_and_alone() -> None:
    recipe = replace(TINY, steps=24, matching_steps=24, batch=2, tissues=4)
    said: list[Progress] = []
    network = train_raft_network(recipe, report=said.append)
    chance = math.log((recipe.size * recipe.enlarge // 8) ** 2)
    assert said[0].loss == pytest.approx(chance, abs=0.5)
    assert said[-1].loss < chance - 0.25  # smoothed over the last steps

    torch.manual_seed(recipe.seed)
    fresh = build_raft_small().state_dict()
    for name, tensor in network.state_dict().items():
        if not name.startswith("feature_encoder"):
            assert torch.equal(tensor, fresh[name]), name


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("stepz=3", "no training setting 'stepz'"),
        ("steps=many", "needs a number"),
        ("steps=0", "must be positive"),
        ("learning_rate=nan", "must be positive"),
        ("size=100", "multiple of 8"),
        ("enlarge=1", "at least 128"),
        ("steps", "key=value"),
    ],
)
def test_wrong_settings_are_refused(setting: str, said: str) -> None:
    with pytest.raises(ModelError, match=said):
        read_raft_recipe(None, [setting])


def test_settings_of_a_file_yield_to_the_command_line(tmp_path: Path) -> None:
    config = tmp_path / "raft.toml"
    config.write_text("steps = 7\nlearning_rate = 0.001\n", encoding="utf-8")
    recipe = read_raft_recipe(config, ["steps=9"])
    assert (recipe.steps, recipe.learning_rate, recipe.batch) == (9, 0.001, RaftRecipe().batch)
    config.write_text("steps = [", encoding="utf-8")
    with pytest.raises(ModelError, match=r"raft\.toml is not a TOML file of settings"):
        read_raft_recipe(config, [])


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(LsguiError, match="cannot be made"):
        train_raft(tmp_path / "file" / "run", [], None)


def test_too_little_memory_names_the_batch_to_try(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise torch.OutOfMemoryError

    monkeypatch.setattr("lsgui.training.raft.run.train_raft_network", full)
    with pytest.raises(DeviceError, match="--set batch=4"):
        train_raft(tmp_path / "run", ["batch=8"], None)


def test_a_network_that_learns_nothing_is_named_in_the_log(expected_log_warnings: list[logging.LogRecord]) -> None:
    train_raft_network(replace(TINY, steps=1, matching_steps=0, clear_steps=0))
    assert any("no better than saying that nothing moves" in said.getMessage() for said in expected_log_warnings)
