"""Cards and weights: what is valid, what is damaged, and one sentence for each fault."""

import json
import re
import shutil

import pytest

from lsgui.core.errors import ModelError
from lsgui.core.resources import model_dirs
from lsgui.models.card import ModelCard, find_cards, hash_file, load_card, read_card, scan_cards, write_card

GOOD = {
    "id": "toy",
    "title": "A toy",
    "version": "2",
    "architecture": "toy-net",
    "input": {"kind": "strip", "size": [32, 64, 96], "window_s": 2.5, "step_s": 0.5},
    "threshold": 0.5,
    "threshold_source": "logit 0",
    "abstain": [0.4, 0.6],
    "calibration": {"temperature": 1.3},
    "parameters": 3,
    "sha256": "0" * 64,
    "trained_on": "simulated strips",
    "metrics": {"clip": {"auc": 0.9}},
    "seed": 1,
}


@pytest.fixture
def own(tmp_path, monkeypatch):
    """The user's own model folder."""
    monkeypatch.setenv("LSGUI_MODELS", str(tmp_path))
    return tmp_path


def _put(root, data, name="toy"):
    folder = root / name
    folder.mkdir(exist_ok=True)
    text = data if isinstance(data, str) else json.dumps(data)
    (folder / "model.json").write_text(text, encoding="utf-8")
    return folder


def test_every_shipped_card_is_valid_and_its_weights_are_the_ones_it_names():
    cards, faults = scan_cards()
    assert not faults
    assert "motion" in cards
    for card in cards.values():
        assert card.shipped
        assert card.folder.name == card.id
        assert (card.folder / "README.md").is_file()
        assert card.needs_weights == card.weights_path.is_file()
        if card.needs_weights:
            assert hash_file(card.weights_path) == card.sha256


def test_motion_has_a_card_without_weights():
    card = load_card("motion")
    assert (card.needs_weights, card.parameters, card.sha256, card.input.kind) == (False, 0, "", "none")
    assert card.listing()["shipped"] is True
    assert card.listing()["published_parameters"] is None
    assert card.ref.id == "motion"


def test_a_card_survives_its_file(own):
    card = read_card(_put(own, GOOD))
    assert card.input.model_extra == {"step_s": 0.5}
    again = read_card(write_card(card, own / "copy").parent)
    assert again.model_dump() == card.model_dump()
    assert [path.name for path in (own / "copy").iterdir()] == ["model.json"], "no temporary file is left"


def test_the_listing_has_exactly_the_contract_s_keys(own):
    listing = read_card(_put(own, GOOD)).listing()
    assert list(listing) == [
        "id",
        "title",
        "version",
        "shipped",
        "parameters",
        "published_parameters",
        "input",
        "sha256",
        "trained_on",
        "metrics",
    ]
    assert json.loads(json.dumps(listing)) == listing


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"id": "No Good"}, "id"),
        ({"title": ""}, "title"),
        ({"threshold": 1.5}, "threshold"),
        ({"abstain": [0.6, 0.7]}, "abstain band"),
        ({"abstain": [0.4]}, "abstain"),
        ({"calibration": {"temperature": 0}}, "calibration.temperature"),
        ({"sha256": "abc"}, "sha256"),
        ({"sha256": None}, "needs the sha256"),
        ({"input": {"kind": "smell"}}, "input.kind"),
        ({"input": {"kind": "none"}}, "no weights"),
        ({"treshold": 0.4}, "treshold"),
        ({"parameters": -1}, "parameters"),
    ],
)
def test_a_wrong_card_is_one_sentence_that_names_file_and_field(own, change, words):
    folder = _put(own, {**GOOD, **change})
    with pytest.raises(ModelError) as caught:
        read_card(folder)
    sentence = str(caught.value)
    assert words in sentence
    assert str(folder / "model.json") in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize("text", ["", "{", "[1, 2]", "null", '{"id": "toy"}', "\x00\x01"])
def test_a_damaged_card_is_named_and_the_others_still_work(own, text, expected_log_warnings):
    _put(own, text)
    with pytest.raises(ModelError, match=re.escape("model.json")):
        load_card("toy")
    assert "motion" in find_cards()
    assert "toy" not in find_cards()
    assert expected_log_warnings


def test_the_users_own_card_wins_over_a_shipped_one(own):
    shutil.copytree(model_dirs()[-1] / "motion", own / "motion")
    data = json.loads((own / "motion" / "model.json").read_text(encoding="utf-8"))
    _put(own, {**data, "version": "mine"}, "motion")
    assert load_card("motion").version == "mine"
    assert load_card("motion").listing()["shipped"] is False


def test_an_unknown_model_names_the_known_ones():
    with pytest.raises(ModelError, match=r"no model called 'nothing': choose one of .*motion"):
        load_card("nothing")


def test_a_folder_with_a_card_is_a_model_as_well(own, monkeypatch):
    motion = json.loads((model_dirs()[-1] / "motion" / "model.json").read_text(encoding="utf-8"))
    elsewhere = own / "runs" / "mine"
    elsewhere.mkdir(parents=True)
    (elsewhere / "model.json").write_text(json.dumps({**motion, "id": "mine", "version": "7"}), encoding="utf-8")
    for name in (str(elsewhere), elsewhere, elsewhere / "model.json"):
        card = load_card(name)
        assert (card.id, card.version, card.folder, card.shipped) == ("mine", "7", elsewhere, False)
    monkeypatch.chdir(own)
    assert load_card("runs/mine").id == "mine"
    (own / "motion").mkdir()
    monkeypatch.chdir(own)
    assert load_card("motion").shipped, "an id wins over a folder of the same name"
    with pytest.raises(ModelError, match=r"runs holds no model\.json"):
        load_card("runs")
    (elsewhere / "model.json").write_text("{", encoding="utf-8")
    with pytest.raises(ModelError, match="is not a JSON file"):
        load_card("runs/mine")


def test_weights_stored_as_float16_serve_in_float32(own):
    import torch

    from lsgui.models.checkpoint import load_weights, save_weights

    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.BatchNorm1d(32))
    net[1].running_var.fill_(1e-8)  # nothing in float16
    save_weights(net, own / "whole.safetensors")
    save_weights(net, own / "half.safetensors", half=True)
    assert (own / "half.safetensors").stat().st_size < 0.75 * (own / "whole.safetensors").stat().st_size
    other = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.BatchNorm1d(32))
    load_weights(other, (own / "half.safetensors").read_bytes(), "half")
    assert {p.dtype for p in other.parameters()} == {torch.float32}
    assert torch.equal(other[1].running_var, net[1].running_var)
    torch.testing.assert_close(other[0].weight, net[0].weight, rtol=1e-3, atol=1e-4)


def test_weights_go_out_and_come_back(own):
    import torch

    from lsgui.models.checkpoint import load_model_weights, load_weights, save_weights

    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(4, 2), torch.nn.BatchNorm1d(2))
    card = ModelCard.model_validate({**GOOD, "folder": own})
    digest = save_weights(net, card.weights_path, {"title": "A toy"})
    assert digest == hash_file(card.weights_path)
    card = card.model_copy(update={"sha256": digest})
    other = torch.nn.Sequential(torch.nn.Linear(4, 2), torch.nn.BatchNorm1d(2))
    load_model_weights(other, card)
    for name, tensor in net.state_dict().items():
        assert torch.equal(tensor, other.state_dict()[name])
    assert [path.name for path in own.iterdir()] == ["model.safetensors"]

    with pytest.raises(ModelError, match="belong to another network"):
        load_model_weights(torch.nn.Linear(4, 3), card)
    with pytest.raises(ModelError, match="belong to another network"):
        load_model_weights(torch.nn.Linear(4, 2), card)
    with pytest.raises(ModelError, match="damaged"):
        load_weights(other, b"not safetensors at all", "x")
    data = bytearray(card.weights_path.read_bytes())
    data[-1] ^= 1
    card.weights_path.write_bytes(bytes(data))
    with pytest.raises(ModelError, match="the hash differs"):
        load_model_weights(other, card)
    card.weights_path.unlink()
    with pytest.raises(ModelError, match="cannot be read"):
        load_model_weights(other, card)


def test_an_unknown_architecture_is_one_sentence():
    from lsgui.models.base import find_spec

    with pytest.raises(ModelError, match="'toy-net' is not known here"):
        find_spec("toy-net")
