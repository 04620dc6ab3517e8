"""Trained weights are taken in whole, under a name of their own, and asked as soon as they are there."""

import shutil

import pytest

from lsgui.cli.main import run
from lsgui.core.errors import ModelError
from lsgui.core.resources import model_dirs, own_models_dir
from lsgui.models.adoption import adopt_model
from lsgui.models.card import find_cards, hash_file, load_card, read_card, write_card

STRIP = model_dirs()[-1] / "cmwru-strip"


@pytest.fixture
def trained(tmp_path):
    """A folder as `lsgui train` leaves it: the shipped network with one weight changed, by its hash another model."""
    folder = shutil.copytree(STRIP, tmp_path / "run")
    weights = folder / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    card = read_card(folder)
    write_card(card.model_copy(update={"sha256": hash_file(weights)}), folder)
    return folder


def test_a_trained_model_stands_beside_the_shipped_one(trained):
    card = adopt_model(trained)
    assert card.id.startswith("cmwru-strip-")
    assert card.folder == own_models_dir() / card.id
    assert not card.shipped
    assert load_card(card.id).read_weights() == (trained / "model.safetensors").read_bytes()
    assert load_card("cmwru-strip").shipped
    assert adopt_model(trained) == card  # once more changes nothing
    assert [path.name for path in own_models_dir().iterdir()] == [card.id]


def test_a_name_may_be_chosen_but_not_anothers(trained):
    assert adopt_model(trained, "ours").id == "ours"
    assert "ours" in find_cards()
    with pytest.raises(ModelError, match="another model called 'motion'"):
        adopt_model(trained, "motion")
    with pytest.raises(ModelError, match="cannot be a model's name"):
        adopt_model(trained, "../evil")


def test_what_is_no_trained_model_is_refused_and_leaves_nothing(trained, tmp_path):
    with pytest.raises(ModelError, match="no trained weights"):
        adopt_model(model_dirs()[-1] / "motion")
    (trained / "model.safetensors").write_bytes(b"other bytes")
    with pytest.raises(ModelError, match="the hash differs"):
        adopt_model(trained)
    with pytest.raises(ModelError, match="cannot be read"):
        adopt_model(tmp_path)
    assert not own_models_dir().exists()


def test_raft_weights_come_along_from_beside_the_card_and_from_nowhere_else(trained, tmp_path):
    (trained / "raft.safetensors").write_bytes(b"flow")
    card = read_card(trained)
    named = {**card.hyperparameters, "raft": "raft.safetensors"}
    write_card(card.model_copy(update={"hyperparameters": named}), trained)
    adopted = adopt_model(trained, "ours")
    assert adopted.raft_path is not None
    assert adopted.raft_path.read_bytes() == b"flow"
    assert adopted.raft_path.parent == own_models_dir() / "ours"
    adopted.raft_path.write_bytes(b"flaw")
    with pytest.raises(ModelError, match=r"raft\.safetensors is not the file that its card describes"):
        _ = load_card("ours").raft_path

    (tmp_path / "secret").write_bytes(b"flow")
    for elsewhere in ("../secret", str(tmp_path / "secret"), "..", "a/b"):
        named["raft"] = elsewhere
        write_card(card.model_copy(update={"hyperparameters": named}), trained)
        with pytest.raises(ModelError, match="outside of its folder"):
            adopt_model(trained, "theirs")
    (trained / "link").symlink_to(tmp_path / "secret")
    named["raft"] = "link"
    write_card(card.model_copy(update={"hyperparameters": named}), trained)
    with pytest.raises(ModelError, match="outside of its folder"):
        adopt_model(trained, "theirs")


def test_the_command_adds_a_model(trained, capsys):
    assert run(["models", "--add", str(trained), "--as", "ours"]) == 0
    assert capsys.readouterr().out.startswith("ours: ")
    assert run(["models", "--add", str(trained), "--out", "x"]) == 2
    assert run(["models", "--add", str(trained / "nothing")]) == 2
    assert capsys.readouterr().err.count("\n") == 2
