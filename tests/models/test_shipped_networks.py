"""What ships with weights: small enough, named by its hash, able to tell the demo's still lung from its sliding one."""

import json
from pathlib import Path

import pytest

from lsgui.cli.main import run
from lsgui.core.resources import resources_dir
from lsgui.models.card import scan_cards

NETWORKS = ("cmwru-strip", "cmwru", "rcm2d", "cmwra")
MOST_BYTES = 20_000_000


@pytest.mark.parametrize("model", [*NETWORKS, "raft-small"])
def test_weights_are_small_and_their_card_says_how_they_were_made_and_what_they_reach(model: str) -> None:
    card = scan_cards()[0][model]
    assert card.folder is not None
    assert 0 < (card.folder / "model.safetensors").stat().st_size < MOST_BYTES
    assert card.command.startswith("lsgui train ")
    assert card.metrics
    text = (card.folder / "README.md").read_text(encoding="utf-8")
    assert card.command in text
    assert card.sha256[:12] in text
    assert "not validated on patients" in text


@pytest.mark.parametrize("model", NETWORKS)
def test_a_shipped_network_finds_the_demos_still_lung_stiller_than_its_sliding_one(
    model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    demo = resources_dir() / "demo"
    clips = [str(demo / name) for name in ("sliding.mp4", "absent.dcm")]
    assert run(["predict", *clips, "--model", model, "--device", "cpu", "--json", "-"]) == 0
    said = {Path(one["clip"]).name: one for one in map(json.loads, capsys.readouterr().out.splitlines())}
    assert said["sliding.mp4"]["model"]["id"] == model
    assert said["sliding.mp4"]["p_absent"] < 0.5 * said["absent.dcm"]["p_absent"]
