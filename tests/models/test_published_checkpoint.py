"""Checkpoints of the published code: other names, other orders, prefixes, and files that mean harm."""

import json
import os
import pickle
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from lsgui.cli.main import run
from lsgui.core.errors import ModelError
from lsgui.models.base import find_spec
from lsgui.models.card import load_card, read_card
from lsgui.models.checkpoint import load_model_weights
from lsgui.models.checkpoint_import import ImportOptions, import_checkpoint
from lsgui.models.published_checkpoint import read_published


class TheirBlock(nn.Module):
    """A residual block that lists its shortcut first and calls its layers otherwise."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv3d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm3d(outputs))
        else:
            self.downsample = nn.Sequential()
        self.conv1 = nn.Conv3d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm3d(outputs)
        self.conv2 = nn.Conv3d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm3d(outputs)

    def forward(self, x):
        out = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(self.bn2(self.conv2(out)) + self.downsample(x))


class TheirCmwru(nn.Module):
    """CMWRU as somebody else would write it."""

    def __init__(self, frames: int, size: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv3d(1, 8, (3, 5, 5), padding=(1, 2, 2), bias=False)
        self.bn1 = nn.BatchNorm3d(8)
        self.pool = nn.MaxPool3d((1, 2, 2))
        self.layer1 = nn.Sequential(TheirBlock(8, 16, 1), TheirBlock(16, 16, 1))
        self.layer2 = nn.Sequential(TheirBlock(16, 32, 2), TheirBlock(32, 32, 1))
        self.layer3 = nn.Sequential(TheirBlock(32, 64, 2), TheirBlock(64, 64, 1))
        half = lambda n: (n + 1) // 2  # noqa: E731
        self.fc1 = nn.Linear(64 * half(half(frames)) * half(half(size // 2)) ** 2, 64)
        self.bn_fc1 = nn.BatchNorm1d(64)
        self.fc2 = nn.Linear(64, 32)
        self.bn_fc2 = nn.BatchNorm1d(32)
        self.fc3 = nn.Linear(32, 1)

    def forward(self, x):
        x = self.pool(torch.relu(self.bn1(self.conv1(x.transpose(1, 2)))))
        x = self.layer3(self.layer2(self.layer1(x))).flatten(1)
        x = torch.relu(self.bn_fc1(self.fc1(x)))
        return self.fc3(torch.relu(self.bn_fc2(self.fc2(x))))


class TheirRcm(nn.Module):
    """RCM2d as somebody else would write it, its layers listed by kind and not by place."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.stem = nn.ModuleList([nn.Conv2d(1, 2, 7, padding=3), nn.BatchNorm2d(2)])
        self.rest = nn.ModuleList()
        for channels in (2, 4, 8):
            self.rest.append(nn.Conv2d(channels, channels, 3, padding=1))
            self.rest.append(nn.Conv2d(channels, channels, 3, padding=1))
            self.rest.append(nn.BatchNorm2d(channels))
            self.rest.append(nn.Conv2d(channels, 2 * channels, 3, padding=1))
            self.rest.append(nn.BatchNorm2d(2 * channels))
        self.rnn = nn.GRU(512, 1024, batch_first=True)
        self.project = nn.Sequential(nn.Linear(16 * (size // 16) ** 2, 512), nn.ReLU(), nn.BatchNorm1d(512))
        self.out = nn.Linear(1024, 1)

    def forward(self, x):
        count, time = x.shape[:2]
        x = self.stem[1](torch.relu(self.stem[0](x.flatten(0, 1))))
        for stage, pool in enumerate((4, 2, 2)):
            first, second, norm, wider, norm2 = self.rest[5 * stage : 5 * stage + 5]
            x = nn.functional.max_pool2d(norm(second(torch.relu(first(x))) + x), pool)
            x = norm2(torch.relu(wider(x)))
        x = self.project(x.flatten(1)).reshape(count, time, -1)
        return self.out(self.rnn(x)[0][:, -1])


class TheirCmwra(nn.Module):
    """CMWRA with RAFT inside, as the published network carries it."""

    def __init__(self, frames: int, size: int) -> None:
        super().__init__()
        from lsgui.models.raft import build_raft_small

        self.raft_model = build_raft_small()
        self.conv1, self.bn1 = nn.Conv3d(2, 16, (2, 3, 3), padding=1), nn.BatchNorm3d(16)
        self.conv2, self.bn2 = nn.Conv3d(16, 32, (2, 3, 3), padding=1), nn.BatchNorm3d(32)
        self.fc1, self.fbn1 = nn.Linear(32 * ((frames // 2 + 1) // 2) * (size // 4) ** 2, 256), nn.BatchNorm1d(256)
        self.fc2, self.fbn2 = nn.Linear(256, 128), nn.BatchNorm1d(128)
        self.fc3 = nn.Linear(128, 1)

    def forward(self, flow):
        x = nn.functional.max_pool3d(self.bn1(torch.relu(self.conv1(flow.transpose(1, 2)))), 2)
        x = nn.functional.max_pool3d(self.bn2(torch.relu(self.conv2(x))), 2).flatten(1)
        x = torch.relu(self.fbn1(self.fc1(x)))
        return self.fc3(torch.relu(self.fbn2(self.fc2(x))))


def seasoned(network: nn.Module) -> nn.Module:
    """Give every tensor values of its own, running statistics included, so that a mix-up shows."""
    torch.manual_seed(0)
    for name, tensor in network.state_dict().items():
        if name.endswith("running_var"):
            tensor.uniform_(0.5, 2.0)
        elif name.endswith(("running_mean", "bias")) or ("bn" in name or "norm" in name):
            tensor.uniform_(-0.3, 0.3) if tensor.is_floating_point() else tensor.fill_(7)
    return network.eval()


def saved(path: Path, network: nn.Module, prefix: str = "", **settings: object) -> Path:
    state = OrderedDict((prefix + name, tensor) for name, tensor in network.state_dict().items())
    torch.save({"hyperparameters": settings, "model_state_dict": state, "epoch": 15, "loss": np.float64(0.2)}, path)
    return path


def served(folder: Path) -> nn.Module:
    card = load_card(folder)
    network = find_spec(card.architecture).build(card)
    load_model_weights(network, card)
    return network.eval()


@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod.module."])
def test_a_cmwru_checkpoint_gives_the_answers_of_its_network(tmp_path, prefix):
    theirs = seasoned(TheirCmwru(9, 32))
    path = saved(tmp_path / "best.pth", theirs, prefix, num_frames=9, image_size=32, batch_size=20, mean=50.5, std=41.0)
    card = import_checkpoint(path, "cmwru", tmp_path / "mine")
    clip = torch.randn(3, 9, 1, 32, 32)
    with torch.inference_mode():
        torch.testing.assert_close(served(tmp_path / "mine")(clip), theirs(clip))
    assert card.input.size == (9, 32, 32)
    assert (card.input.model_extra["mean"], card.input.model_extra["std"]) == (50.5, 41.0)
    again = read_card(tmp_path / "mine")
    assert again.parameters == sum(p.numel() for p in theirs.parameters())
    assert (again.id, again.architecture, again.threshold) == ("mine", "cmwru", 0.5)
    assert sorted(p.name for p in (tmp_path / "mine").iterdir()) == ["README.md", "model.json", "model.safetensors"]


def test_an_rcm2d_checkpoint_gives_the_answers_of_its_network(tmp_path):
    theirs = seasoned(TheirRcm(32))
    path = saved(tmp_path / "rcm.pth", theirs, frames=30, dropout=0.5)
    card = import_checkpoint(path, "rcm2d", tmp_path / "rcm", ImportOptions(mean=10.0, std=20.0))
    assert card.hyperparameters == {"head": "published", "dropout": 0.5}
    assert (card.input.model_extra["mean"], card.input.model_extra["std"]) == (10.0, 20.0)
    clip = torch.randn(2, 5, 1, 32, 32)
    with torch.inference_mode():
        torch.testing.assert_close(served(tmp_path / "rcm")(clip), theirs(clip))


def test_a_cmwra_checkpoint_parts_raft_from_the_network(tmp_path):
    from lsgui.models.raft import load_raft

    theirs = seasoned(TheirCmwra(10, 64))
    path = saved(tmp_path / "cmwra.pth", theirs, "module.", n_frames=10, flow_step=1)
    card = import_checkpoint(path, "cmwra", tmp_path / "flow")
    assert (card.input.kind, card.input.size) == ("flow", (10, 64, 64))
    assert card.hyperparameters["raft"] == "raft.safetensors"
    flow = torch.randn(2, 9, 2, 64, 64)
    with torch.inference_mode():
        torch.testing.assert_close(served(tmp_path / "flow")(flow), theirs(flow))
    raft = load_raft(tmp_path / "flow" / "raft.safetensors")
    for name, tensor in theirs.raft_model.state_dict().items():
        assert torch.equal(raft.network.state_dict()[name], tensor)


def test_the_paper_s_final_size_is_recognised_without_any_settings(tmp_path):
    with torch.device("meta"):
        published = TheirCmwru(45, 256)
    tensors = {name: torch.zeros((), dtype=t.dtype).expand(t.shape) for name, t in published.state_dict().items()}
    torch.save(tensors, tmp_path / "bare.pth")
    card = import_checkpoint(tmp_path / "bare.pth", "cmwru", tmp_path / "final")
    assert card.input.size == (45, 256, 256)
    assert card.parameters == 50_846_473
    assert any("does not say mean and deviation" in limit for limit in card.limits)


class Evil:
    """Runs a command when it is unpickled without care."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


@pytest.mark.parametrize("container", ["zip", "old", "plain pickle"])
def test_a_malicious_file_is_refused_and_nothing_runs(tmp_path, container, capsys):
    trap = tmp_path / "trapped"
    evil = {"hyperparameters": {}, "model_state_dict": seasoned(TheirCmwru(9, 32)).state_dict()}
    evil["epoch"] = Evil(f'echo gotcha > "{trap}"')
    path = tmp_path / "evil.pth"
    if container == "plain pickle":
        path.write_bytes(pickle.dumps(evil["epoch"]))
    else:
        torch.save(evil, path, _use_new_zipfile_serialization=container == "zip")
    assert run(["models", "--import", str(path), "--as", "cmwru", "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("lsgui: ")
    assert said.err.count("\n") == 1
    assert "may be harmful" in said.err
    assert not trap.exists()
    assert not (tmp_path / "out").exists()
    with path.open("rb") as file:  # the file does bite where it is opened without care
        if container == "plain pickle":
            pickle.load(file)
            assert trap.exists()


@pytest.mark.parametrize(
    "content", [b"", b"not a checkpoint", b"PK\x03\x04" + bytes(60), os.urandom(500), b"\x80\x02."]
)
def test_a_damaged_file_is_one_sentence(tmp_path, content):
    path = tmp_path / "broken.pth"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"broken\.pth is damaged or holds more") as caught:
        read_published(path)
    assert "\n" not in str(caught.value)


def test_other_faults_are_one_sentence_each(tmp_path):
    with pytest.raises(ModelError, match="cannot be read"):
        read_published(tmp_path / "nowhere.pth")
    torch.save({"epoch": 3}, tmp_path / "empty.pth")
    with pytest.raises(ModelError, match="holds no weights"):
        read_published(tmp_path / "empty.pth")
    broken = TheirCmwru(9, 32)
    broken.fc3.bias.data.fill_(float("nan"))
    with pytest.raises(ModelError, match="not finite"):
        read_published(saved(tmp_path / "nan.pth", broken))
    good = saved(tmp_path / "good.pth", TheirCmwru(9, 32), frames=9, size=32)
    with pytest.raises(ModelError, match=r"good\.pth belongs to another network: its layer"):
        import_checkpoint(good, "rcm2d", tmp_path / "wrong")
    state = TheirCmwru(9, 32).state_dict()
    extra = saved(tmp_path / "extra.pth", nn.ModuleDict({"a": TheirCmwru(9, 32), "b": nn.Linear(3, 3)}))
    with pytest.raises(ModelError, match=r"its layer b bias 3, weight 3x3 has no place in it"):
        import_checkpoint(extra, "cmwru", tmp_path / "wrong", ImportOptions(9, 32))
    torch.save({k: v for k, v in state.items() if not k.startswith("fc3")}, tmp_path / "less.pth")
    with pytest.raises(ModelError, match="it lacks a layer like head"):
        import_checkpoint(tmp_path / "less.pth", "cmwru", tmp_path / "wrong", ImportOptions(9, 32))
    with pytest.raises(ModelError, match="imported as one of"):
        import_checkpoint(good, "inception2d", tmp_path / "wrong")
    assert not (tmp_path / "wrong").exists()
    import_checkpoint(good, "cmwru", tmp_path / "right")
    with pytest.raises(ModelError, match="holds a model already"):
        import_checkpoint(good, "cmwru", tmp_path / "right")


def test_the_command_imports_and_says_how_to_run_it(tmp_path, capsys):
    path = saved(tmp_path / "best.pth", seasoned(TheirCmwru(9, 32)), frames=9, size=32)
    out = tmp_path / "my_cmwru"
    assert (
        run(["models", "--import", str(path), "--as", "cmwru", "--out", str(out), "--mean", "40", "--std", "30"]) == 0
    )
    said = capsys.readouterr().out
    assert f"lsgui predict CLIP --model {out}" in said
    assert load_card(str(out)).input.model_extra["mean"] == 40.0
    assert run(["models", "--import", str(path), "--as", "cmwru", "--out", str(tmp_path / "b"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["parameters"] > 500_000


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--as", "cmwru"], "belong to --import"),
        (["--import", "x.pth"], "needs --as"),
        (["--import", "x.pth", "--as", "cmwru"], "needs --as"),
        (["--import", "x.pth", "--as", "cmwru", "--out", "y", "--std", "0"], "--std must be above 0"),
        (["--import", "nowhere.pth", "--as", "cmwru", "--out", "y"], "cannot be read"),
    ],
)
def test_half_a_command_is_one_sentence(capsys, arguments, words):
    assert run(["models", *arguments]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
