"""Cards, weights and checkpoints that somebody made to do harm, or that damage made odd: one short sentence each."""

import json
import shutil
import struct
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save

from lsgui.core.errors import LONGEST_SENTENCE, ModelError
from lsgui.core.resources import model_dirs
from lsgui.models import published_checkpoint
from lsgui.models.card import read_card
from lsgui.models.checkpoint import build_network, load_weights
from lsgui.models.checkpoint_import import import_checkpoint
from lsgui.models.published_checkpoint import read_published
from lsgui.models.raft import load_raft

STRIP = model_dirs()[-1] / "cmwru-strip"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped model."""
    return Path(shutil.copytree(STRIP, tmp_path / "model"))


def changed(folder: Path, **parts: Any) -> Path:
    """Change parts of a card; a dot in a name is written as two underscores."""
    card = json.loads((folder / "model.json").read_text("utf-8"))
    for name, value in parts.items():
        holder = card
        *path, last = name.split("__")
        for part in path:
            holder = holder[part]
        holder[last] = value
    (folder / "model.json").write_text(json.dumps(card), encoding="utf-8")
    return folder


def sentence(fault: ModelError) -> str:
    text = str(fault)
    assert len(text) <= LONGEST_SENTENCE
    assert text.isprintable()
    assert text.endswith(".")
    return text


@pytest.mark.parametrize(
    "parts",
    [
        {"k" * 100_000: 1},
        {"two\nlines\x1b[31m": 1},
        {"calibration__bias": float("nan")},
        {"calibration__temperature": float("inf")},
        {"calibration__temperature": 1e-300},
        {"input__size": [10**9, 10**9, 10**9]},
        {"input__size": [4096, 4096, 4096]},
        {"input__size": [0, 1, 1]},
        {"input__window_s": 1e300},
        {"title": "x" * 5000},
        {"id": "a" * 5000},
        {"id": "../../evil"},
        {"limits": ["x"] * 100_000},
        {"metrics": "none"},
        {"abstain": [float("nan"), 1.0]},
        {"threshold": float("nan")},
    ],
    ids=lambda parts: next(iter(parts))[:24],
)
def test_a_card_out_of_bounds_is_refused_in_a_sentence(folder: Path, parts: dict[str, Any]) -> None:
    with pytest.raises(ModelError) as caught:
        read_card(changed(folder, **parts))
    assert "not a valid model card" in sentence(caught.value)


@pytest.mark.parametrize("text", ["[" * 200_000, "\x00", '{"id": "\\ud800"}', "[]", "null"])
def test_a_card_that_is_no_object_is_refused(folder: Path, text: str) -> None:
    (folder / "model.json").write_text(text, encoding="utf-8")
    with pytest.raises(ModelError) as caught:
        read_card(folder)
    sentence(caught.value)


@pytest.mark.parametrize(
    "parts",
    [
        {"hyperparameters__width": "wide"},
        {"hyperparameters__width": 10**9},
        {"hyperparameters__width": -1},
        {"hyperparameters__width": 200},
        {"hyperparameters__dropout": []},
        {"architecture": "cmwru"},
        {"architecture": "rcm2d"},
    ],
    ids=str,
)
def test_a_network_larger_than_its_weights_is_never_built(folder: Path, parts: dict[str, Any]) -> None:
    began = time.monotonic()
    with pytest.raises(ModelError) as caught:
        build_network(read_card(changed(folder, **parts)))
    sentence(caught.value)
    assert time.monotonic() - began < 5.0


def test_the_shipped_network_is_built(folder: Path) -> None:
    card = read_card(folder)
    assert sum(weight.numel() for weight in build_network(card).parameters()) == card.parameters


def test_weights_that_are_no_numbers_are_refused(folder: Path) -> None:
    card = read_card(folder)
    network = build_network(card)
    tensors = dict(network.state_dict())
    first = next(name for name, tensor in tensors.items() if tensor.is_floating_point())
    tensors[first] = torch.full_like(tensors[first], float("nan"))
    with pytest.raises(ModelError, match="not all finite"):
        load_weights(network, save({name: tensor.contiguous() for name, tensor in tensors.items()}), "a model")


@pytest.mark.parametrize(
    "header",
    [
        b"{" * 100_000,
        b'{"a":{"dtype":"F8_E8M0","shape":[8],"data_offsets":[0,8]}}',
        b'{"a":{"dtype":"F32","shape":[1099511627776,1099511627776],"data_offsets":[0,8]}}',
        b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}',
    ],
)
def test_weights_with_a_lying_header_are_damaged(folder: Path, header: bytes, tmp_path: Path) -> None:
    data = struct.pack("<Q", len(header)) + header + bytes(8)
    with pytest.raises(ModelError) as caught:
        load_weights(build_network(read_card(folder)), data, "a model")
    sentence(caught.value)
    (tmp_path / "raft.safetensors").write_bytes(data)
    with pytest.raises(ModelError) as caught:
        load_raft(tmp_path / "raft.safetensors")
    sentence(caught.value)


def test_a_checkpoint_that_repeats_its_numbers_without_end_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "wide.pth"
    torch.save({"model_state_dict": {"a.weight": torch.zeros(1).expand(1 << 40)}}, path)
    began = time.monotonic()
    with pytest.raises(ModelError) as caught:
        read_published(path)
    sentence(caught.value)
    assert time.monotonic() - began < 5.0


def test_a_checkpoint_that_unpacks_to_more_than_its_size_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import zipfile

    monkeypatch.setattr(published_checkpoint, "_UNPACKED_BYTES", 1 << 20)
    path = tmp_path / "bomb.pth"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("archive/data.pkl", bytes(8 << 20))
    with pytest.raises(ModelError, match="not opened"):
        read_published(path)


def test_a_checkpoint_of_any_name_is_taken(tmp_path: Path) -> None:
    """The name goes into the card, which is text of bounded length."""
    from lsgui.models.checkpoint_import import sayable_name

    assert sayable_name("a\udcff\nb.pth").isprintable()
    assert len(sayable_name("x" * 250 + ".pth")) <= 80
    path = tmp_path / f"{'x' * 240}.pth"
    torch.save({"model_state_dict": {"a.weight": torch.zeros(3)}}, path)
    with pytest.raises(ModelError) as caught:
        import_checkpoint(path, "rcm2d", tmp_path / "out")
    sentence(caught.value)


def test_how_raft_is_used_is_held_within_bounds(tmp_path: Path) -> None:
    from lsgui.models.checkpoint import save_tensors

    tensors = load_file(model_dirs()[-1] / "raft-small" / "model.safetensors")
    for use in ({"iterations": "1000000000", "enlarge": "1"}, {"iterations": "3", "enlarge": "0"}):
        save_tensors(tensors, tmp_path / "raft.safetensors", use)
        with pytest.raises(ModelError, match="must be a whole number from 1"):
            load_raft(tmp_path / "raft.safetensors")
    save_tensors(tensors, tmp_path / "raft.safetensors", {"iterations": "3", "enlarge": "2"})
    assert load_raft(tmp_path / "raft.safetensors").iterations == 3
