"""RAFT ready to answer: its convolutions by the fastest engine of this machine that says what torch says."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lsgui.inference.serving import ServedNetwork
from lsgui.models.raft import SMALLEST, Compute, RaftFlow, Update, load_raft

MAP_ITERATIONS = 2
"""Refinements in maps: on three simulated clips whose lung moves up to 0.7 mm between two frames the mean end-point
error is 0.171 mm after 2, 0.173 after 3 and 0.170 after 6 of them."""
_SMALLEST_DIFFERENCE = 0.05
"""Passed on as a temperature: maps of an engine that differ by over 0.001 from torch's are not taken."""


class _Update(nn.Module):
    """RAFT's update as a network of one input and one output: its four inputs lie behind one another as channels."""

    def __init__(self, block: nn.Module, state: int, context: int) -> None:
        super().__init__()
        self.block = block
        self.state, self.context = state, context

    def forward(self, seen: Tensor) -> Tensor:
        behind = self.state + self.context
        state, context = seen[:, : self.state], seen[:, self.state : behind]
        state, delta = self.block(state, context, seen[:, behind:-2], seen[:, -2:])
        return torch.cat([state, delta], 1)


@lru_cache(maxsize=2)
def raft_for_maps(source: Path | None, device: str, _changed: int = 0) -> RaftFlow:
    """Return frozen RAFT for maps: the shipped one, or a file's; it is kept as long as the file's time of change stays.

    On a GPU torch computes it in half precision; on the processor its parts are served (`serve_on_processor`).
    """
    raft = load_raft(source)
    raft.iterations = min(raft.iterations, MAP_ITERATIONS)
    return raft.to(device)


def serve_on_processor(raft: RaftFlow, shape: tuple[int, int, int]) -> None:
    """Have RAFT's parts computed by the fastest engine, made for this many pairs of this size: (N, H, W)."""
    raft.serve_by(*_parts(raft, shape, torch.get_num_threads()))


@lru_cache(maxsize=2)
def _parts(raft: RaftFlow, shape: tuple[int, int, int], _threads: int) -> tuple[Compute, Compute, Update]:
    count, height, width = shape
    height, width = (max(SMALLEST, -(-side * raft.enlarge // 8) * 8) for side in (height, width))
    network: Any = raft.network
    state = network.update_block.hidden_state_size
    context = network.context_encoder.output_dim - state
    channels = state + context + network.corr_block.out_channels + 2
    cells = (height // 8, width // 8)
    features, behind, update = (
        ServedNetwork(part.eval(), shape_of, "cpu", _SMALLEST_DIFFERENCE)
        for part, shape_of in (
            (network.feature_encoder, (2 * count, 3, height, width)),
            (network.context_encoder, (count, 3, height, width)),
            (_Update(network.update_block, state, context), (count, channels, *cells)),
        )
    )

    def updated(hidden: Tensor, seen: Tensor, likeness: Tensor, moved: Tensor) -> tuple[Tensor, Tensor]:
        answer = update(torch.cat([hidden, seen, likeness, moved], 1))
        return answer[:, :state], answer[:, state:]

    return features, behind, updated
