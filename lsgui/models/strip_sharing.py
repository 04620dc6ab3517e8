"""`cmwru-strip` over many overlapping windows at once, with what their convolutions have in common computed once.

Windows of 8 blocks begin 2 blocks apart, so four of them see each block. A plain convolution over the clip would give
other answers, for each window is padded with zeros in time. Two things make the answers those of window by window:

- Only a window's first and last maps feel its padding, and one more at either end with each convolution. Those are
  computed for each window; the maps between are the clip's, computed once.
- A convolution over three moments is the sum of three over one moment each. Where a window needs a sum of a map that
  it shares and one that it has for itself, the shared map's part is computed once and added.

From the second block on no map is shared any more. For eight windows 57 % of the multiplications of window by window
remain, which bounds what sharing can gain.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import conv1d, conv2d

from lsgui.imaging.strip_channels import CHANNELS
from lsgui.models.cmwru_strip import CmwruStrip

WINDOW_BLOCKS = 8
"""Length of a window in blocks of time: the form of the sums below is that of this length."""

STEP_BLOCKS = 2
"""Blocks between the beginnings of two windows."""


def blocks_of(windows: int) -> int:
    """Return how many blocks of time `windows` windows in a row span."""
    return STEP_BLOCKS * (windows - 1) + WINDOW_BLOCKS


class SharedCmwruStrip(nn.Module):
    """A trained `CmwruStrip`, normalisations folded into its kernels, for windows that follow one another.

    Parameters
    ----------
    network
        In evaluation mode; its weights are copied.
    """

    def __init__(self, network: CmwruStrip) -> None:
        super().__init__()
        stem, stem_bias = _folded(network, "stem.0", "stem.1")
        self._keep("stem", _side_by_side(stem, (0, 1, 2)), stem_bias)
        self._keep("stem_first", _side_by_side(stem, (1, 2)), stem_bias)
        self._keep("stem_last", _side_by_side(stem, (0, 1)), stem_bias)
        self._keep_first_block(network.stages[0])
        self._keep_second_block(network.stages[1])
        hidden, hidden_bias = _folded(network, "head.0", "head.1")
        self._keep("hidden", hidden, hidden_bias)
        self._keep("logit", network.get_parameter("head.4.weight"), network.get_parameter("head.4.bias"))

    def _keep(self, name: str, weight: Tensor, bias: Tensor | None = None) -> None:
        self.register_buffer(name, weight.detach().clone().contiguous())
        self.register_buffer(f"{name}_bias", None if bias is None else bias.detach().clone())

    def _keep_first_block(self, block: nn.Module) -> None:
        inner, inner_bias, outer, outer_bias, short, short_bias = _parts(block)
        self._keep("inner_before", inner[:, :, 0])
        self._keep("inner_at", inner[:, :, 1], inner_bias)
        self._keep("inner_after", inner[:, :, 2])
        self._keep("outer_before", outer[:, :, 0])
        self._keep("outer_at", outer[:, :, 1], outer_bias + short_bias)
        self._keep("outer_after", outer[:, :, 2])
        self._keep("short", short[:, :, 0])

    def _keep_second_block(self, block: nn.Module) -> None:
        inner, inner_bias, outer, outer_bias, short, short_bias = _parts(block)
        self._keep("late_inner_first", _side_by_side(inner, (1, 2)), inner_bias)
        self._keep("late_inner", _side_by_side(inner, (0, 1, 2)), inner_bias)
        both = torch.cat([_side_by_side(outer, (1, 2)), _side_by_side(outer, (0, 1))])
        self._keep("late_outer", both, torch.cat([outer_bias + short_bias] * 2))
        self._keep("late_short", short[:, :, 0])

    def _convolved(self, maps: Tensor, name: str, stride: int = 1, padding: int = 1) -> Tensor:
        return conv2d(maps, getattr(self, name), getattr(self, f"{name}_bias"), stride, padding)

    def forward(self, blocks: Tensor) -> Tensor:
        """Map K windows in a row, (2 K + 6, CHANNELS, 32, S / 2), to logits (K, ceil(S / 8)); positive means absent.

        Time comes before the channels here. Below, p counts pairs of blocks (an even one and the odd one after it);
        window k spans the pairs k to k + 3.
        """
        pairs = blocks.reshape(blocks.shape[0] // 2, 2 * CHANNELS, blocks.shape[2], blocks.shape[3])
        maps = self._first_block(pairs, pairs.shape[0] - 3)
        first, second = self._second_block(maps)
        over_time = ((first + second) * 0.5).flatten(1, 2)
        hidden = torch.relu(conv1d(over_time, self.get_buffer("hidden"), self.get_buffer("hidden_bias")))
        return conv1d(hidden, self.get_buffer("logit"), self.get_buffer("logit_bias")).squeeze(1)

    def _first_block(self, pairs: Tensor, count: int) -> list[Tensor]:
        """Return the four maps of each window after stem and first block, each (K, C, 16, S / 4)."""
        beside = torch.cat([pairs[: count + 2], pairs[1:, :CHANNELS]], dim=1)
        odd = torch.relu(self._convolved(beside, "stem"))  # pairs 0 to K + 1
        beside = torch.cat([pairs[: count + 2, CHANNELS:], pairs[1:]], dim=1)
        even = torch.relu(self._convolved(beside, "stem"))  # pairs 1 to K + 2
        opening = torch.relu(self._convolved(pairs[:count], "stem_first"))
        closing = torch.relu(self._convolved(pairs[3:], "stem_last"))

        before = self._convolved(odd, "inner_before", 2)
        at = self._convolved(even, "inner_at", 2)
        after = self._convolved(odd, "inner_after", 2)
        start = torch.relu(self._convolved(opening, "inner_at", 2) + after[:count])
        shared = torch.relu(before[: count + 1] + at[: count + 1] + after[1:])  # pairs 1 to K + 1
        end = torch.relu(before[2:] + at[2:] + self._convolved(closing, "inner_after", 2))

        before, at, after = (self._convolved(shared, f"outer_{name}") for name in ("before", "at", "after"))
        short = self._convolved(even, "short", 2, 0)
        return [
            torch.relu(self._convolved(start, "outer_at") + after[:count] + self._convolved(opening, "short", 2, 0)),
            torch.relu(self._convolved(start, "outer_before") + at[:count] + after[1:] + short[:count]),
            torch.relu(before[:count] + at[1:] + self._convolved(end, "outer_after") + short[1 : count + 1]),
            torch.relu(before[1:] + self._convolved(end, "outer_at") + short[2:]),
        ]

    def _second_block(self, maps: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Return the two maps of each window after the second block, each (K, C, 8, S / 8)."""
        one = torch.relu(self._convolved(torch.cat(maps[:2], dim=1), "late_inner_first", 2))
        two = torch.relu(self._convolved(torch.cat(maps[1:], dim=1), "late_inner", 2))
        both = self._convolved(torch.cat([one, two], dim=1), "late_outer")
        width = both.shape[1] // 2
        first = torch.relu(both[:, :width] + self._convolved(maps[0], "late_short", 2, 0))
        return first, torch.relu(both[:, width:] + self._convolved(maps[2], "late_short", 2, 0))


def _parts(block: nn.Module) -> tuple[Tensor, ...]:
    """Return kernel and bias of a block's first and second convolution and of its shortcut."""
    layers = [("body.0", "body.1"), ("body.4", "body.5"), ("shortcut.0", "shortcut.1")]
    return tuple(part for convolution, norm in layers for part in _folded(block, convolution, norm))


def _folded(network: nn.Module, convolution: str, norm: str) -> tuple[Tensor, Tensor]:
    """Return kernel and bias of a convolution with the normalisation behind it."""
    layer, behind = network.get_submodule(convolution), network.get_submodule(norm)
    deviation = torch.sqrt(behind.get_buffer("running_var") + float(getattr(behind, "eps", 0.0)))
    scale = behind.get_parameter("weight") / deviation
    kernel = layer.get_parameter("weight")
    moved = -behind.get_buffer("running_mean")
    if getattr(layer, "bias", None) is not None:
        moved = moved + layer.get_parameter("bias")
    shape = (-1, *(1,) * (kernel.ndim - 1))
    return kernel * scale.reshape(shape), behind.get_parameter("bias") + moved * scale


def _side_by_side(weight: Tensor, moments: tuple[int, ...]) -> Tensor:
    """Return a kernel over moments (out, in, t, h, w) as one over their maps side by side, (out, t in, h, w)."""
    return torch.cat([weight[:, :, moment] for moment in moments], dim=1)
