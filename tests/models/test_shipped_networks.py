"""What ships with weights: small enough, named by its hash, and able to tell the demo's still lung from its sliding one."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lsgui.cli.main import app
from lsgui.core.resources import resources_dir
from lsgui.models.card import load_card

NETWORKS = ("cmwru-strip", "cmwru", "rcm2d", "cmwra")
MOST_BYTES = 20_000_000


@pytest.mark.parametrize("model", [*NETWORKS, "raft-small"])
def test_weights_are_small_and_their_card_says_how_they_were_made_and_what_they_reach(model: str) -> None:
    card = load_card(model)
    assert card.folder is not None
    assert 0 < (card.folder / "model.safetensors").stat().st_size < MOST_BYTES
    assert card.command.startswith("lsgui train ")
    assert card.metrics
    text = (card.folder / "README.md").read_text(encoding="utf-8")
    assert card.command in text
    assert card.sha256[:12] in text
    assert "not validated on patients" in text


@pytest.mark.parametrize("model", NETWORKS)
def test_a_shipped_network_finds_the_demos_still_lung_stiller_than_its_sliding_one(model: str) -> None:
    demo = resources_dir() / "demo"
    clips = [str(demo / name) for name in ("sliding.mp4", "absent.dcm")]
    result = CliRunner().invoke(app, ["predict", *clips, "--model", model, "--device", "cpu", "--json", "-"])
    assert result.exit_code == 0, result.output
    said = {Path(one["clip"]).name: one for one in map(json.loads, result.stdout.splitlines())}
    assert said["sliding.mp4"]["model"]["id"] == model
    assert said["sliding.mp4"]["p_absent"] < 0.5 * said["absent.dcm"]["p_absent"]
