"""RAFT: dense optical flow by recurrent all-pairs field transforms (Teed and Deng, ECCV 2020), from torchvision.

It is frozen wherever it is used: its weights come from simulated speckle (`lsgui train --model raft-small`) or from a
file, and no verdict network changes them.
"""

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor, nn
from torch.nn import functional

from lsgui.core.errors import ModelError
from lsgui.core.resources import model_dirs
from lsgui.models.card import CARD_FILE, read_card

SHIPPED = "raft-small"
ITERATIONS = 6
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


def scaled_pictures(grey: Tensor) -> Tensor:
    """Return grey pictures (N, H, W) of 0..255 as RAFT wants them: (N, 3, H, W) of -1..1."""
    return (grey / 127.5 - 1.0)[:, None].expand(-1, 3, -1, -1).contiguous()


class RaftFlow(nn.Module):
    """Frozen RAFT from grey frames to flow.

    Parameters
    ----------
    network
        torchvision's RAFT, small or large.
    iterations
        How often the flow is refined.
    """

    def __init__(self, network: nn.Module, iterations: int = ITERATIONS) -> None:
        super().__init__()
        if iterations < 1:
            raise ModelError(f"RAFT refines its flow at least once: iterations cannot be {iterations}.")
        self.network = network
        self.iterations = iterations
        self.requires_grad_(False)
        self.train(False)

    def train(self, mode: bool = True) -> "RaftFlow":
        """Stay in evaluation, whatever a network around it does."""
        super().train(False)
        return self

    @torch.no_grad()
    def forward(self, frames: Tensor, step: int = 1) -> Tensor:
        """Return the motion from each frame to the one `step` later.

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
        before = frames[:, :-step].reshape(-1, height, width)
        after = frames[:, step:].reshape(-1, height, width)
        at_once = max(1, PAIRS_AT_ONCE_PX // (max(height, SMALLEST) * max(width, SMALLEST)))
        parts = [
            self._pairs(before[k : k + at_once].float(), after[k : k + at_once].float())
            for k in range(0, len(before), at_once)
        ]
        return torch.cat(parts).reshape(count, moments - step, 2, height, width)

    def _pairs(self, before: Tensor, after: Tensor) -> Tensor:
        """Return the flow (N, 2, H, W) of pairs (N, H, W)."""
        height, width = before.shape[-2:]
        pads = _margins(height, width)
        first, second = (
            functional.pad(scaled_pictures(grey), pads, mode="replicate") if any(pads) else scaled_pictures(grey)
            for grey in (before, after)
        )
        with torch.autocast("cuda", dtype=torch.float16, enabled=before.is_cuda):
            flow: Tensor = self.network(first, second, num_flow_updates=self.iterations)[-1]
        left, _, top, _ = pads
        return flow.float()[:, :, top : top + height, left : left + width]


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
        dictionary (`.pth`), of the small or the large network.
    iterations
        How often the flow is refined; None: what the card says, or `ITERATIONS` for a file.

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
            return RaftFlow(network, iterations or ITERATIONS)
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
    return RaftFlow(network, iterations or int(card.hyperparameters.get("iterations", ITERATIONS)))


def _read_tensors(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a file by name, without running anything that it may contain."""
    try:
        data = path.read_bytes()
    except OSError as fault:
        raise ModelError(f"{path}: the RAFT weights cannot be read ({fault.strerror}): choose another file.") from fault
    if path.suffix == ".safetensors":
        return _parse_safetensors(data, path)
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
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
    except (SafetensorError, ValueError) as fault:
        raise ModelError(f"{path}: the RAFT weights are damaged ({fault}): choose another file.") from fault
    return tensors
