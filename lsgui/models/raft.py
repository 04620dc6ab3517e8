"""RAFT: dense optical flow by recurrent all-pairs field transforms (Teed and Deng, ECCV 2020), from torchvision.

It is frozen wherever it is used: its weights come from simulated speckle (`lsgui train --model raft-small`) or from a
file, and no verdict network changes them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load
from torch import Tensor, nn
from torch.nn import functional

from lsgui.core.errors import ModelError
from lsgui.core.plain_file import read_plain
from lsgui.core.resources import model_dirs
from lsgui.models.card import CARD_FILE, WEIGHTS_BYTES, read_card
from lsgui.models.checkpoint import save_tensors
from lsgui.models.published_checkpoint import load_safely

SHIPPED = "raft-small"
ITERATIONS = 6
_USUAL = {"iterations": ITERATIONS, "enlarge": 1}
"""What decides the flow beside the weights: names in a card's hyperparameters and in a copied file's own words."""
_MOST = {"iterations": 100, "enlarge": 8}
SMALLEST = 128
"""RAFT compares features at an eighth of the size on four levels: smaller pictures have none on the last."""
PAIRS_AT_ONCE_PX = 8 * 256 * 256
"""Pixels of the pairs that are computed together: bounds memory to about 1 GB."""


def build_raft_small() -> nn.Module:
    """Return torchvision's small RAFT with fresh weights."""
    from torchvision.models.optical_flow import raft_small

    network: nn.Module = raft_small(weights=None)
    return network


def build_raft_large() -> nn.Module:
    """Return torchvision's large RAFT with fresh weights."""
    from torchvision.models.optical_flow import raft_large

    network: nn.Module = raft_large(weights=None)
    return network


def scaled_pictures(grey: Tensor, enlarge: int = 1) -> Tensor:
    """Return grey pictures (N, H, W) of 0..255 as RAFT wants them: (N, 3, H, W) of -1..1, `enlarge` times as large."""
    pictures = (grey / 127.5 - 1.0)[:, None]
    if enlarge > 1:
        pictures = functional.interpolate(pictures, scale_factor=enlarge, mode="bilinear", align_corners=False)
    return pictures.expand(-1, 3, -1, -1).contiguous()


def shrunk_flow(flow: Tensor, enlarge: int) -> Tensor:
    """Return the flow (N, 2, H, W) of pictures enlarged by `scaled_pictures` in pixels of the pictures as they were."""
    return functional.avg_pool2d(flow, enlarge) / enlarge if enlarge > 1 else flow


Compute = Callable[[Tensor], Tensor]
Update = Callable[[Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]


@dataclass(frozen=True, slots=True)
class RaftParts:
    """What computes the parts of RAFT that are convolutions.

    Attributes
    ----------
    features, context
        From pictures (N, 3, H, W) to maps (N, C, H / 8, W / 8).
    update
        From state, context, correlations and flow to the new state and the change of the flow.
    """

    features: Compute
    context: Compute
    update: Update


class RaftFlow(nn.Module):
    """Frozen RAFT from grey frames to flow.

    Parameters
    ----------
    network
        torchvision's RAFT, small or large.
    iterations
        How often the flow is refined.
    enlarge
        How many times as large the network sees the pictures. It compares features of 8 x 8 pixels: motion of a
        pixel or two, usual between frames of ultrasound, is a larger part of such a cell in a larger picture.
    """

    def __init__(self, network: nn.Module, iterations: int = ITERATIONS, enlarge: int = 1) -> None:
        super().__init__()
        if iterations < 1:
            raise ModelError(f"RAFT refines its flow at least once: iterations cannot be {iterations}.")
        if enlarge < 1:
            raise ModelError(f"RAFT sees pictures as they are or larger: enlarge cannot be {enlarge}.")
        self.network = network
        self.iterations = iterations
        self.enlarge = enlarge
        raft: Any = network
        self._parts = RaftParts(raft.feature_encoder, raft.context_encoder, raft.update_block)
        self.requires_grad_(False)
        self.train(False)

    def train(self, mode: bool = True) -> "RaftFlow":
        """Stay in evaluation, whatever a network around it does."""
        super().train(False)
        return self

    def serve_by(self, features: Compute, context: Compute, update: Update) -> None:
        """Have the network's parts computed by other engines that give the same; see `RaftParts`."""
        self._parts = RaftParts(features, context, update)

    @torch.no_grad()
    def forward(self, frames: Tensor, step: int = 1) -> Tensor:
        """Return the motion from each frame to the one `step` later; each frame is encoded once for both its pairs.

        Parameters
        ----------
        frames
            (N, T, H, W) or (N, T, 1, H, W), grey values 0..255 as they come from the clip: never z-scored.
        step
            Distance of the two frames of a pair.

        Returns
        -------
        Tensor
            (N, T - step, 2, H, W) float32: (x, y) in pixels.

        Raises
        ------
        ModelError
            When there are too few frames for one pair.
        """
        if frames.ndim == 5:
            frames = frames.squeeze(2)
        count, moments, height, width = frames.shape
        if step < 1 or moments <= step:
            raise ModelError(f"Flow over {step} frames needs more than {step} frames at least 1 apart, not {moments}.")
        seen = max(height * self.enlarge, SMALLEST) * max(width * self.enlarge, SMALLEST)
        at_once = max(1, PAIRS_AT_ONCE_PX // seen)
        used = [k for k in range(moments) if k < moments - step or k >= step]
        grey = frames[:, used].reshape(-1, height, width)
        place = torch.arange(len(grey)).reshape(count, len(used))
        firsts, seconds = place[:, : moments - step].reshape(-1), place[:, step - moments :].reshape(-1)
        with torch.autocast("cuda", dtype=torch.float16, enabled=frames.is_cuda):
            features = torch.cat([self._parts.features(self._seen(part)) for part in torch.split(grey, at_once)])
            parts = [
                self._refined(features[one], features[other], self._seen(grey[one]))
                for one, other in zip(torch.split(firsts, at_once), torch.split(seconds, at_once), strict=True)
            ]
        left, _, top, _ = _margins(height * self.enlarge, width * self.enlarge)
        flow = torch.cat(parts)[:, :, top : top + height * self.enlarge, left : left + width * self.enlarge]
        return shrunk_flow(flow, self.enlarge).reshape(count, moments - step, 2, height, width)

    def _seen(self, grey: Tensor) -> Tensor:
        """Return pictures (N, H, W) as the network sees them, with margins."""
        pictures = scaled_pictures(grey.float(), self.enlarge)
        pads = _margins(*pictures.shape[-2:])
        return functional.pad(pictures, pads, mode="replicate") if any(pads) else pictures

    def _refined(self, before: Tensor, after: Tensor, pictures: Tensor) -> Tensor:
        """Return the flow (N, 2, H, W), float32, from the features of both frames and the pictures of the first.

        As torchvision's own `forward`, but for the flow of the last refinement alone being enlarged.
        """
        raft: Any = self.network
        block = raft.corr_block
        block.build_pyramid(before, after)
        seen = self._parts.context(pictures)
        inner = raft.update_block.hidden_state_size
        hidden, context = torch.tanh(seen[:, :inner]), torch.relu(seen[:, inner:])
        rows, columns = (torch.arange(length, device=seen.device).float() for length in seen.shape[-2:])
        down, along = torch.meshgrid(rows, columns, indexing="ij")
        origin = torch.stack([along, down])[None].repeat(len(seen), 1, 1, 1)
        moved = torch.zeros_like(origin)
        for _ in range(self.iterations):
            hidden, delta = self._parts.update(hidden, context, block.index_pyramid(origin + moved), moved)
            moved = moved + delta
        block.corr_pyramid = []  # as large as all else together: not kept until the next pair
        return self._enlarged(moved, hidden).float()

    def _enlarged(self, flow: Tensor, hidden: Tensor) -> Tensor:
        """Return a flow of cells (N, 2, H / 8, W / 8) as one of pixels."""
        from torchvision.models.optical_flow.raft import upsample_flow

        raft: Any = self.network
        predict = raft.mask_predictor
        enlarged: Tensor = upsample_flow(flow=flow, up_mask=None if predict is None else predict(hidden))
        return enlarged


def _margins(height: int, width: int) -> tuple[int, int, int, int]:
    """Return what to add left, right, above and below for sides of a multiple of 8, at least 128."""
    across, down = (max(SMALLEST, -(-side // 8) * 8) - side for side in (width, height))
    return across // 2, across - across // 2, down // 2, down - down // 2


def load_raft(source: str | Path | None = None, iterations: int | None = None) -> RaftFlow:
    """Return frozen RAFT with weights.

    Parameters
    ----------
    source
        None: the weights that this project trained and ships. Else a file: safetensors, or torchvision's state
        dictionary (`.pth`), of the small or the large network. The file itself (as `copy_raft` writes it) or a card
        beside it (as training writes it) says how the network is used; without either it sees pictures as they are.
    iterations
        How often the flow is refined; None: what the card says, or `ITERATIONS` without one.

    Raises
    ------
    ModelError
        When there are no such weights or they belong to another network: one sentence.
    """
    if source is None:
        return _load_shipped(iterations)
    path = Path(source)
    tensors = _read_tensors(path)
    for build in (build_raft_small, build_raft_large):
        with torch.device("meta"):
            wanted = {name: tensor.shape for name, tensor in build().state_dict().items()}
        if wanted == {name: tensor.shape for name, tensor in tensors.items()}:
            network = build()
            network.load_state_dict(tensors)
            return _in_use(network, _use_of(path), iterations)
    raise ModelError(f"{path} holds no weights of torchvision's raft_small or raft_large: choose another file.")


def _load_shipped(iterations: int | None) -> RaftFlow:
    folder = next((f for root in model_dirs() if (f := root / SHIPPED).joinpath(CARD_FILE).is_file()), None)
    if folder is None:
        raise ModelError(f"The flow model {SHIPPED} is missing: install lsgui again or name a file of RAFT weights.")
    card = read_card(folder)
    network = build_raft_small()
    tensors = _parse_safetensors(card.read_weights(), folder)
    try:
        network.load_state_dict(tensors)
    except RuntimeError as fault:
        raise ModelError(f"{card.weights_path} belongs to another network: install lsgui again.") from fault
    return _in_use(network, card.hyperparameters, iterations)


def copy_raft(source: str | Path, target: Path) -> None:
    """Write the weights of a file that `load_raft` takes to `target`, as safetensors that say how they are used.

    The copy gives the flow that the file gives, wherever it lies.

    Raises
    ------
    ModelError
        When the file cannot be read or the copy cannot be written.
    """
    path = Path(source)
    tensors = {name: tensor.contiguous().clone() for name, tensor in _read_tensors(path).items()}
    said = _use_of(path)
    use = {name: str(said.get(name, usual)) for name, usual in _USUAL.items()}
    try:
        save_tensors(tensors, target, use)
    except OSError as fault:
        raise ModelError(f"{target} cannot be written ({fault.strerror}): choose another folder.") from fault


def _use_of(weights: Path) -> Mapping[str, Any]:
    """Return how a file of weights is used, from the file or from the card beside it; empty where neither says so."""
    if weights.suffix == ".safetensors":
        with safe_open(weights, "pt") as file:
            said = file.metadata() or {}
        if all(str(said.get(name, "")).isdecimal() for name in _USUAL):
            return {name: int(said[name]) for name in _USUAL}
    if not weights.with_name(CARD_FILE).is_file():
        return {}
    card = read_card(weights.parent)
    return card.hyperparameters if card.role == "flow" and card.weights_path == weights else {}


def _in_use(network: nn.Module, said: Mapping[str, Any], iterations: int | None) -> RaftFlow:
    said = {**_USUAL, **said}
    for name, most in _MOST.items():
        if not isinstance(said[name], int) or not 1 <= said[name] <= most:
            raise ModelError(f"The RAFT weights say {name} {said[name]!r}: it must be a whole number from 1 to {most}.")
    return RaftFlow(network, iterations or said["iterations"], said["enlarge"])


def _read_tensors(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a file by name, without running anything that it may contain."""
    try:
        data = read_plain(path, WEIGHTS_BYTES)
    except OSError as fault:
        raise ModelError(f"{path}: the RAFT weights cannot be read ({fault.strerror}): choose another file.") from fault
    if path.suffix == ".safetensors":
        return _parse_safetensors(data, path)
    try:
        content = load_safely(path)
    except Exception as fault:  # torch raises whatever the damage leads to
        raise ModelError(f"{path} is not a file of weights that can be read safely: choose another file.") from fault
    return _tensors_of(content, path)


def _tensors_of(content: Any, path: Path) -> dict[str, Tensor]:
    for key in ("state_dict", "model_state_dict", "model"):
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    if not isinstance(content, dict) or not all(isinstance(value, Tensor) for value in content.values()):
        raise ModelError(f"{path} is not a dictionary of weights: choose another file.")
    return {str(name).removeprefix("module."): value for name, value in content.items()}


def _parse_safetensors(data: bytes, path: Path) -> dict[str, Tensor]:
    try:
        tensors: dict[str, Tensor] = load(data)
    except (SafetensorError, ValueError, KeyError, TypeError, RuntimeError) as fault:
        raise ModelError(f"{path}: the RAFT weights are damaged ({fault}): choose another file.") from fault
    return tensors
