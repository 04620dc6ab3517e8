"""Where a network looked: what each place of its inner maps added to the logit, by integrated gradients.

Integrated gradients (Sundararajan and others, ICML 2017) on an inner layer: the gradient of the logit is averaged on
the straight way from a neutral layer to the layer as it is, and multiplied by their difference. What all places add is
then the logit less the logit of the neutral layer, and a place that the logit does not depend on adds nothing.

The neutral layer is the one that the network saw on average in training, as its batch normalisation kept it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from lsgui.core.errors import CancelledError, ModelError
from lsgui.models.cmwra import Cmwra
from lsgui.models.cmwru import Cmwru
from lsgui.models.cmwru_strip import CmwruStrip
from lsgui.models.rcm2d import Rcm2d

STEPS = 8
"""Points of the way at which the gradient is taken. With 8 the parts add up to the logit's change within 1 %."""


@dataclass(frozen=True, slots=True)
class SplitNetwork:
    """A network cut in two at the layer that is looked at: late enough to mean something, fine enough to show a place.

    Attributes
    ----------
    before
        From the network's input (N, ...) to the layer, (N, C, t, h, w), or (N t, C, h, w) of a network that sees frame
        by frame.
    after
        From the layer, and N, to the logits.
    neutral
        (C,): the layer's average in training.
    """

    before: Callable[[Tensor], Tensor]
    after: Callable[[Tensor, int], Tensor]
    neutral: Tensor


def split_network(network: nn.Module, name: str) -> SplitNetwork:
    """Return a network, in evaluation mode, cut in two.

    Raises
    ------
    ModelError
        When it is of a kind whose inner maps show no places; `name` is what the sentence calls it.
    """
    for kind, split in _SPLITS.items():
        if isinstance(network, kind):
            return split(network)
    raise ModelError(f"The model {name} cannot show where it looked: choose cmwru-strip, cmwru, cmwra or rcm2d.")


def contributions(
    network: SplitNetwork,
    seen: Tensor,
    cancelled: Callable[[], bool] = lambda: False,
    steps: int = STEPS,
) -> npt.NDArray[np.float32]:
    """Return what each place added to the sum of a network's logits: positive speaks for absent.

    Parameters
    ----------
    seen
        (N, ...): its input.

    Returns
    -------
    (N, t, h, w) float32, in log-odds, summed over the layer's channels.

    Raises
    ------
    CancelledError
        When `cancelled` says so; asked before every step.
    """
    with torch.no_grad():
        layer = network.before(seen)
        difference = layer - network.neutral.reshape(1, -1, *(1,) * (layer.ndim - 2))
    total = torch.zeros_like(layer)
    for step in range(steps):
        if cancelled():
            raise CancelledError
        with torch.enable_grad(), torch.backends.cudnn.flags(enabled=False):  # cuDNN has none for a GRU that serves
            part = (layer - (1.0 - (step + 0.5) / steps) * difference).requires_grad_(True)
            logits = network.after(part, len(seen))
            total += torch.autograd.grad(logits.sum(), part, materialize_grads=True)[0]
    added = (total / steps * difference).sum(dim=1)
    return added.reshape(len(seen), -1, *added.shape[-2:]).float().cpu().numpy()


def _split_strip(network: CmwruStrip) -> SplitNetwork:
    block, rest = network.stages[0], network.stages[1:]

    def after(maps: Tensor, _count: int) -> Tensor:
        logits: Tensor = network.head(rest(maps).mean(dim=2).flatten(1, 2)).squeeze(1)
        return logits

    return SplitNetwork(lambda seen: block(network.stem(seen)), after, _mean_of_block(block))


def _split_cmwru(network: Cmwru) -> SplitNetwork:
    first, rest = network.stages[:3], network.stages[3:]

    def before(seen: Tensor) -> Tensor:
        volume = seen.transpose(1, 2)
        maps: Tensor = first(network.stem(volume if network.motion is None else network.motion(volume)))
        return maps

    return SplitNetwork(before, lambda maps, _count: network.head(rest(maps)), _mean_of_block(network.stages[2]))


def _split_cmwra(network: Cmwra) -> SplitNetwork:
    first, rest = network.convolutions[:7], network.convolutions[7:]

    def before(seen: Tensor) -> Tensor:
        volume = seen.transpose(1, 2)
        maps: Tensor = first(volume if network.spread is None else network.spread(volume))
        return maps

    return SplitNetwork(before, lambda maps, _count: network.head(rest(maps)), _mean_of(network.convolutions[6]))


def _split_rcm2d(network: Rcm2d) -> SplitNetwork:
    first, rest = network.frame[:9], network.frame[9:]

    def after(maps: Tensor, count: int) -> Tensor:
        features = rest(maps).reshape(count, len(maps) // count, -1)
        logits: Tensor = network.head(network.recurrent(features)[0][:, -1])
        return logits

    return SplitNetwork(lambda seen: first(seen.flatten(0, 1)), after, _mean_of(_part(network.frame[8], "norm")))


_SPLITS: dict[type[nn.Module], Callable[..., SplitNetwork]] = {
    CmwruStrip: _split_strip,
    Cmwru: _split_cmwru,
    Cmwra: _split_cmwra,
    Rcm2d: _split_rcm2d,
}


def _mean_of_block(block: nn.Module) -> Tensor:
    """Return the average output of a residual block with a shortcut of its own: both sides end in a normalisation."""
    body, shortcut = _part(block, "body"), _part(block, "shortcut")
    return torch.relu(_mean_of(_part(body, "5")) + _mean_of(_part(shortcut, "1")))


def _mean_of(norm: nn.Module) -> Tensor:
    """Return the average output of a batch normalisation: what it was trained on has mean 0 before its shift."""
    return norm.get_parameter("bias").detach()


def _part(module: nn.Module, name: str) -> nn.Module:
    return module.get_submodule(name)
