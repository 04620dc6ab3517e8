"""The paper's networks, counted from what is built."""

import json

import pytest
import torch

from lsgui.core.errors import ModelError
from lsgui.core.resources import model_dirs
from lsgui.models.base import find_spec
from lsgui.models.card import ModelCard, ModelInput, find_cards, load_card, read_card, scan_cards
from lsgui.models.cmwra import Cmwra
from lsgui.models.cmwru import Cmwru
from lsgui.models.rcm2d import Rcm2d

PUBLISHED = {"cmwru": 42_457_865, "cmwra": 335_588_305, "rcm2d": 6_827_717}


def count(network: torch.nn.Module) -> int:
    return sum(weight.numel() for weight in network.parameters())


def card_of(model: str, **changes: object) -> ModelCard:
    card = read_card(model_dirs()[-1] / model)
    return card.model_copy(update=changes)


def exact(model: str) -> torch.nn.Module:
    frames = 30 if model == "rcm2d" else 40
    size = ModelInput(kind="flow" if model == "cmwra" else "frame", size=(frames, 256, 256))
    return find_spec(model).build(card_of(model, input=size, hyperparameters={"head": "published"}))


@pytest.mark.parametrize("model", [*PUBLISHED, "inception2d"])
def test_a_card_counts_what_is_built(model: str) -> None:
    card = card_of(model)
    with torch.device("meta"):  # counting takes no memory
        assert card.parameters == count(find_spec(model).build(card))


@pytest.mark.parametrize("model", PUBLISHED)
def test_the_published_count_is_that_of_the_exact_network(model: str) -> None:
    with torch.device("meta"):
        built = count(exact(model))
    assert built == PUBLISHED[model] == card_of(model).published_parameters
    listed = next(entry for entry in (card.listing() for card in scan_cards()[0].values()) if entry["id"] == model)
    assert listed["published_parameters"] == built


@pytest.mark.parametrize(("model", "frames", "size"), [("cmwru", 32, 128), ("cmwru", 40, 256), ("cmwra", 40, 256)])
def test_the_pooled_network_is_small_enough_to_ship(model: str, frames: int, size: int) -> None:
    wanted = ModelInput(kind="flow" if model == "cmwra" else "frame", size=(frames, size, size))
    with torch.device("meta"):
        built = count(find_spec(model).build(card_of(model, input=wanted, hyperparameters={"head": "pooled"})))
    assert 50_000 < built < 5_000_000  # 20 MB in float32


@pytest.mark.parametrize("model", ["cmwru", "cmwra"])
def test_the_pooled_head_sees_at_which_depth_something_is(model: str) -> None:
    torch.manual_seed(0)
    kind = "flow" if model == "cmwra" else "frame"
    wanted = ModelInput(kind=kind, size=(9, 64, 64))
    network = find_spec(model).build(card_of(model, input=wanted, hyperparameters={"head": "pooled"})).eval()
    above = torch.zeros(1, 8, 2, 64, 64) if model == "cmwra" else torch.zeros(1, 9, 1, 64, 64)
    below, aside = above.clone(), above.clone()
    moving = torch.randn(above.shape[1], above.shape[2], 12, 12)
    above[0, :, :, 6:18, 8:20] = moving
    below[0, :, :, 38:50, 8:20] = moving
    aside[0, :, :, 6:18, 40:52] = moving
    with torch.inference_mode():
        first, second, third = (network(clip).item() for clip in (above, below, aside))
    assert abs(first - second) > 10 * abs(first - third)


def test_the_flow_step_shortens_the_published_network() -> None:
    flow = {step: torch.randn(2, 10 - step, 2, 32, 32) for step in (1, 2, 3)}
    for step, fields in flow.items():
        wanted = ModelInput(kind="flow", size=(10, 32, 32), flow_step=step)
        assert find_spec("cmwra").build(card_of("cmwra", input=wanted))(fields).shape == (2, 1)
    with torch.device("meta"):
        assert Cmwra(40, 256, step=1).head[1].in_features == 1_310_720


def test_dropout_comes_from_the_card() -> None:
    for model in ("cmwru", "cmwra", "rcm2d", "inception2d"):
        size = 96 if model == "inception2d" else 32
        wanted = ModelInput(kind="flow" if model == "cmwra" else "frame", size=(8, size, size))
        network = find_spec(model).build(card_of(model, input=wanted, hyperparameters={"dropout": 0.25}))
        rates = {part.p for part in network.modules() if isinstance(part, torch.nn.Dropout | torch.nn.Dropout3d)}
        assert rates == {0.25}


@pytest.mark.parametrize(
    ("model", "changes", "words"),
    [
        ("cmwru", {"dropout": 1.5}, "dropout must be a number"),
        ("cmwru", {"head": "huge"}, "published or pooled"),
        ("cmwru", {"head": "pooled", "width": 0}, "width must be a whole number"),
        ("cmwru", {"head": "pooled", "depth_bins": "many"}, "depth_bins must be"),
        ("cmwru", {"head": "pooled", "motion_channels": 1}, "true or false"),
        ("rcm2d", {"dropout": "much"}, "dropout must be a number"),
    ],
)
def test_a_wrong_hyperparameter_is_one_sentence(model: str, changes: dict[str, object], words: str) -> None:
    with pytest.raises(ModelError, match=words) as caught:
        find_spec(model).build(card_of(model, hyperparameters=changes))
    assert str(caught.value).startswith(f"Model {model}: ")


def test_a_size_that_a_network_cannot_take_is_one_sentence() -> None:
    with pytest.raises(ModelError, match="too small"):
        find_spec("inception2d").build(card_of("inception2d", input=ModelInput(kind="frame", size=(4, 64, 64))))
    with pytest.raises(ModelError, match="takes optical flow"):
        find_spec("cmwra").build(card_of("cmwra", input=ModelInput(kind="frame", size=(4, 64, 64))))
    with pytest.raises(ModelError, match="not one of square pictures"):
        find_spec("cmwru").build(card_of("cmwru", input=ModelInput(kind="frame", size=(4, 64, 32))))


def test_the_final_run_with_45_frames_has_its_count() -> None:
    with torch.device("meta"):
        assert count(Cmwru(45)) == 50_846_473
        assert count(Cmwru(40).stages) + count(Cmwru(40).stem) == 512_456


def test_the_networks_run_and_depend_on_their_input() -> None:
    torch.manual_seed(0)
    clips = torch.randn(3, 8, 1, 64, 64)
    for network in (Cmwru(8, 64), Rcm2d(64)):
        logits = network(clips)
        assert logits.shape == (3, 1)
        assert logits.std() > 0
    flow = torch.randn(3, 7, 2, 64, 64)
    assert Cmwra(8, 64)(flow).shape == (3, 1)


def test_inception_reads_frames_and_averages_them() -> None:
    network = find_spec("inception2d").build(read_card(model_dirs()[-1] / "inception2d")).eval()
    clip = torch.randn(1, 2, 1, 96, 96)
    with torch.inference_mode():
        whole = network(clip)
        singles = [network(clip[:, k : k + 1]) for k in (0, 1)]
    assert whole.item() == pytest.approx(sum(s.item() for s in singles) / 2, rel=1e-3, abs=1e-5)


def test_a_network_without_weights_is_listed_but_cannot_be_asked(tmp_path, monkeypatch) -> None:
    bare = card_of("cmwru").model_dump(mode="json") | {"sha256": "", "architecture_only": True}
    (tmp_path / "cmwru").mkdir()
    (tmp_path / "cmwru" / "model.json").write_text(json.dumps(bare), encoding="utf-8")
    monkeypatch.setenv("LSGUI_MODELS", str(tmp_path))
    assert "cmwru" in scan_cards()[0]
    assert "cmwru" not in find_cards()
    with pytest.raises(ModelError, match=r"comes without weights: train it, or choose one of .*cmwru-strip, motion"):
        load_card("cmwru")
