"""RAFT: frozen, fed what it expects, padded and loaded safely."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from lsgui.core.errors import ModelError
from lsgui.models.card import ModelCard, ModelInput, find_cards, load_card, write_card
from lsgui.models.checkpoint import save_weights
from lsgui.models.raft import RaftFlow, build_raft_large, build_raft_small, copy_raft, load_raft
from lsgui.simulation.speckle_pairs import SpecklePairs


@pytest.fixture(scope="module")
def fresh() -> RaftFlow:
    torch.manual_seed(0)
    return RaftFlow(build_raft_small(), iterations=2)


@pytest.fixture(scope="module")
def series() -> SpecklePairs:
    return SpecklePairs(seed=77, size=128, tissues=1)


class _Around(nn.Module):
    """A verdict network that holds RAFT."""

    def __init__(self) -> None:
        super().__init__()
        self.raft = RaftFlow(build_raft_small(), iterations=1)
        self.head = nn.Linear(2, 1)


def test_raft_stays_frozen_inside_a_network_that_is_trained() -> None:
    around = _Around()
    around.train()
    assert around.head.training
    assert not any(part.training for part in around.raft.modules())
    assert not any(weight.requires_grad for weight in around.raft.parameters())

    around.requires_grad_(True)  # even a careless caller gets no gradient through it
    before = {name: weight.clone() for name, weight in around.raft.state_dict().items()}
    flow = around.raft(torch.full((1, 2, 128, 128), 90.0))
    assert not flow.requires_grad
    optimiser = torch.optim.AdamW(around.parameters(), 0.1, weight_decay=0.1)
    around.head(flow.mean(dim=(3, 4))).sum().backward()
    optimiser.step()
    assert all(torch.equal(weight, before[name]) for name, weight in around.raft.state_dict().items())


def test_grey_0_to_255_reaches_the_network_as_minus_1_to_1() -> None:
    flow = RaftFlow(build_raft_small(), iterations=1)
    seen: list[torch.Tensor] = []
    flow.network.feature_encoder.register_forward_pre_hook(lambda _module, pictures: seen.extend(pictures))
    frames = torch.randint(0, 256, (1, 3, 128, 128), dtype=torch.uint8)
    frames[0, :, 0, :3] = torch.tensor([0, 255, 51])
    flow(frames, 2)
    before, after = (part[None] for part in torch.cat(seen))  # the frame between them belongs to no pair
    assert before.shape == after.shape == (1, 3, 128, 128)
    assert torch.allclose(before[0, :, 0, :3], torch.tensor([-1.0, 1.0, -0.6]).expand(3, 3))
    assert torch.allclose(before[0, 1], frames[0, 0] / 127.5 - 1.0)
    assert torch.allclose(after[0, 2], frames[0, 2] / 127.5 - 1.0)


@pytest.mark.parametrize(("height", "width", "padded"), [(32, 32, (128, 128)), (130, 257, (136, 264))])
def test_any_size_is_padded_by_its_border_and_cut_back(height: int, width: int, padded: tuple[int, int]) -> None:
    flow = RaftFlow(build_raft_small(), iterations=1)
    seen: list[torch.Tensor] = []
    for encoder in (flow.network.feature_encoder, flow.network.context_encoder):
        encoder.register_forward_pre_hook(lambda _module, pictures: seen.extend(pictures))
    frames = torch.rand(2, 3, height, width) * 255.0
    assert flow(frames).shape == (2, 2, 2, height, width)
    assert {part.shape[-2:] for part in seen} == {padded}
    corner = frames[0, 0, 0, 0] / 127.5 - 1.0
    assert torch.allclose(seen[0][0, :, 0, 0], corner.expand(3))


def test_enlarged_pictures_give_flow_in_pixels_of_the_picture_as_it_came() -> None:
    network = build_raft_small()
    seen: list[torch.Tensor] = []
    network.context_encoder.register_forward_pre_hook(lambda _module, pictures: seen.extend(pictures))

    def says(hidden: torch.Tensor, _context: torch.Tensor, _likeness: torch.Tensor, moved: torch.Tensor):
        """Say that all of it moves 3 pixels to the right and 1 up; a cell is 8 pixels wide."""
        return hidden, (torch.tensor([3.0, -1.0]) / 8.0)[None, :, None, None].expand_as(moved)

    frames = torch.rand(1, 2, 96, 70) * 255.0
    raft = RaftFlow(network, iterations=1, enlarge=2)
    raft.serve_by(network.feature_encoder, network.context_encoder, says)
    flow = raft(frames)
    assert seen[0].shape == (1, 3, 192, 144)  # twice as large, 140 padded to a multiple of 8
    means = torch.nn.functional.avg_pool2d(seen[0][:, 0, 2:-2, 6:-6], 2)  # 4 pixels on, past the 2 of the padding
    assert torch.corrcoef(torch.stack([means.flatten(), frames[0, 0, 1:-1, 2:-2].flatten()]))[0, 1] > 0.9
    assert flow.shape == (1, 1, 2, 96, 70)
    assert torch.allclose(flow[0, 0, 0], torch.tensor(1.5))
    assert torch.allclose(flow[0, 0, 1], torch.tensor(-0.5))
    with pytest.raises(ModelError, match="enlarge cannot be 0"):
        RaftFlow(network, enlarge=0)


@pytest.mark.parametrize("build", [build_raft_small, build_raft_large])
def test_a_sequence_gives_the_flow_of_torchvisions_own_pairs_and_encodes_each_frame_once(build) -> None:
    torch.manual_seed(1)
    network = build().eval()
    raft = RaftFlow(network, iterations=3)
    encoded: list[int] = []
    network.feature_encoder.register_forward_pre_hook(lambda _module, pictures: encoded.append(len(pictures[0])))
    frames = torch.randint(0, 256, (1, 4, 128, 136), dtype=torch.uint8)
    flow = raft(frames)
    assert sum(encoded) == 4  # torchvision's own pairs encode 6
    pictures = (frames[0].float() / 127.5 - 1.0)[:, None].expand(-1, 3, -1, -1)
    with torch.no_grad():
        expected = network(pictures[:-1], pictures[1:], num_flow_updates=3)[-1]
    assert float((flow[0] - expected).abs().max()) < 1e-3 * max(1.0, float(expected.abs().max()))


def test_pairs_are_step_apart_and_batches_change_nothing(
    fresh: RaftFlow, series: SpecklePairs, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = series.pair(3)
    frames = torch.from_numpy(np.stack([pair.before, pair.before, pair.after]))[None]
    two_apart = fresh(frames, 2)
    assert two_apart.shape == (1, 1, 2, 128, 128)
    assert torch.allclose(two_apart, fresh(frames[:, [0, 2]], 1), rtol=1e-3, atol=1e-2)
    together = fresh(frames)
    monkeypatch.setattr("lsgui.models.raft.PAIRS_AT_ONCE_PX", 1)
    assert torch.allclose(fresh(frames[:, :, None]), together, rtol=1e-3, atol=1e-2)  # (N, T, 1, H, W) is taken as well
    with pytest.raises(ModelError, match="needs more than 3 frames"):
        fresh(frames, 3)


def test_weights_of_torchvision_load_by_their_shapes(tmp_path: Path) -> None:
    small, large = build_raft_small(), build_raft_large()
    torch.save(small.state_dict(), tmp_path / "small.pth")
    torch.save({"state_dict": {f"module.{k}": v for k, v in large.state_dict().items()}}, tmp_path / "large.pth")
    save_file(small.state_dict(), tmp_path / "small.safetensors")
    for name, network in (("small.pth", small), ("large.pth", large), ("small.safetensors", small)):
        loaded = load_raft(tmp_path / name, iterations=2)
        assert (loaded.iterations, loaded.enlarge) == (2, 1)  # no card: pictures as they are
        for key, tensor in network.state_dict().items():
            assert torch.equal(loaded.network.state_dict()[key], tensor)
        assert not any(weight.requires_grad for weight in loaded.parameters())


class _Hostile:
    """Pickled, it would make a file when read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


def test_bad_files_are_refused_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "noise.pth").write_bytes(b"not weights at all")
    (tmp_path / "empty.pth").write_bytes(b"")
    (tmp_path / "noise.safetensors").write_bytes(b"\xff" * 64)
    torch.save({"weight": torch.zeros(3)}, tmp_path / "other.pth")
    torch.save([1, 2, 3], tmp_path / "list.pth")
    torch.save({"weight": _Hostile(tmp_path / "made")}, tmp_path / "hostile.pth")
    names = ("noise.pth", "empty.pth", "noise.safetensors", "other.pth", "list.pth", "hostile.pth", "missing.pth")
    for name in names:
        with pytest.raises(ModelError, match=re.escape(name)) as caught:
            load_raft(tmp_path / name)
        said = str(caught.value)
        assert said.endswith(".")
        assert "\n" not in said
    assert not (tmp_path / "made").exists()


def test_a_model_folder_is_checked_before_it_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lsgui.models.raft.model_dirs", lambda: (tmp_path,))
    with pytest.raises(ModelError, match="raft-small is missing"):
        load_raft()

    network = build_raft_small()
    folder = tmp_path / "raft-small"
    folder.mkdir()
    write_card(_card(save_weights(network, folder / "model.safetensors")), folder)
    loaded = load_raft()
    assert (loaded.iterations, loaded.enlarge) == (3, 2)  # the card's
    by_file = load_raft(folder / "model.safetensors")
    assert (by_file.iterations, by_file.enlarge) == (3, 2)  # the card beside it
    assert load_raft(folder / "model.safetensors", iterations=5).iterations == 5
    for name, tensor in network.state_dict().items():
        assert torch.equal(loaded.network.state_dict()[name], tensor)

    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[:-1])
    with pytest.raises(ModelError, match="hash differs"):
        load_raft()
    write_card(_card(save_weights(nn.Linear(2, 2), folder / "model.safetensors")), folder)
    with pytest.raises(ModelError, match="belongs to another network"):
        load_raft()


def _card(sha256: str) -> ModelCard:
    return ModelCard(
        id="raft-small", title="RAFT", version="1", architecture="raft-small", role="flow",
        input=ModelInput(kind="flow"), hyperparameters={"iterations": 3, "enlarge": 2}, threshold=0.5,
        threshold_source="none", abstain=(0.5, 0.5), parameters=1, sha256=sha256,
    )  # fmt: skip


def test_a_flow_model_is_never_asked_for_a_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "mine-flow"
    folder.mkdir()
    write_card(_card("0" * 64).model_copy(update={"id": "mine-flow"}), folder)
    monkeypatch.setenv("LSGUI_MODELS", str(tmp_path))
    assert "mine-flow" not in find_cards()
    with pytest.raises(ModelError, match="gives no verdict"):
        load_card("mine-flow")


@pytest.mark.parametrize("name", ["raft.pth", "model.safetensors"])
def test_a_copy_is_used_as_its_original_wherever_it_lies(name: str, fresh: RaftFlow, tmp_path: Path) -> None:
    source = tmp_path / "flow" / name
    source.parent.mkdir()
    if name.endswith("pth"):
        torch.save({"state_dict": fresh.network.state_dict()}, source)
    else:
        write_card(_card(save_weights(fresh.network, source)), source.parent)
    copy_raft(source, tmp_path / "run" / "raft.safetensors")
    original, copied = load_raft(source), load_raft(tmp_path / "run" / "raft.safetensors")
    assert (copied.iterations, copied.enlarge) == (original.iterations, original.enlarge)
    assert (original.iterations, original.enlarge) == ((6, 1) if name.endswith("pth") else (3, 2))
    for key, tensor in original.state_dict().items():
        assert torch.equal(tensor, copied.state_dict()[key]), key
