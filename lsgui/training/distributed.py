"""Several processes, GPUs or machines that train one network together, started by `torchrun`.

``torchrun --nproc-per-node 2 -m lsgui train ...`` sets the environment that `joined` reads. Without it there is one
process and nothing here does anything.
"""

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.nn.functional import all_reduce
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.parallel import DistributedDataParallel

from lsgui.inference.device import core_count, resolve_device
from lsgui.inference.protocol import DeviceChoice

Item = TypeVar("Item")

_log = logging.getLogger(__name__)

PATIENCE = timedelta(hours=12)
"""How long processes wait for the first one, which prepares the clips and in the end judges them."""


@dataclass(frozen=True, slots=True)
class World:
    """The processes that train together.

    Attributes
    ----------
    device
        Where this process computes: "cpu", "cuda" or "cuda:<n>".
    rank, size
        Number of this process, and of all. Only the first one writes files.
    """

    device: str = "cpu"
    rank: int = 0
    size: int = 1

    @property
    def writes(self) -> bool:
        """True in the one process that writes files."""
        return self.rank == 0

    def share(self, items: Sequence[Item]) -> Sequence[Item]:
        """Return this process's part of a batch."""
        return items[self.rank :: self.size]

    def gather(self, count: int, mine: Tensor) -> Tensor:
        """Return the values of all `count` items in order; `mine` are those of this process's `share`."""
        if self.size == 1:
            return mine
        values = torch.zeros(count, dtype=mine.dtype, device=self.device)
        values[self.rank :: self.size] = mine.to(self.device)
        dist.all_reduce(values)
        return values.to(mine.device)

    def wait(self) -> None:
        """Go on when all processes are here."""
        if self.size > 1:
            dist.barrier()

    def wrap(self, network: nn.Module) -> nn.Module:
        """Return what is to be called in training: gradients are averaged, batch statistics those of all processes."""
        if self.size == 1:
            return network
        if self.device == "cpu":
            share_batch_statistics(network)
            return DistributedDataParallel(network, broadcast_buffers=False)
        shared = nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]  # torch has no types
        return DistributedDataParallel(shared, device_ids=[torch.device(self.device)], broadcast_buffers=False)


@contextmanager
def joined(device: str) -> Iterator[World]:
    """Join the processes that `torchrun` started, over gloo on the CPU and NCCL on GPUs; leave them at the end.

    Parameters
    ----------
    device
        "cpu" or "cuda".
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield World(device)
        return
    rank = int(os.environ["RANK"])
    if device == "cuda":
        device = f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.startswith("cuda") else "gloo", timeout=PATIENCE)
    try:
        yield World(device, rank, size)
    finally:
        dist.destroy_process_group()


def in_turn(world: World, prepare: Callable[[], Item]) -> Item:
    """Return what every process prepares, the first one alone to begin with: the others find its files on disk."""
    if world.writes:
        prepared = prepare()
        world.wait()
        return prepared
    world.wait()
    return prepare()


def local_threads() -> int:
    """Return the processor threads of this process: what OMP_NUM_THREADS says, else its part of the cores."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdecimal() and int(asked):
        return int(asked)
    return max(1, core_count() // int(os.environ.get("LOCAL_WORLD_SIZE", "1")))


def training_device(choice: DeviceChoice) -> Literal["cpu", "cuda"]:
    """Return the device to train on, its threads set; where "auto" falls back to the CPU the log says why.

    Raises
    ------
    DeviceError
        When CUDA is asked for and there is none that works.
    """
    chosen = resolve_device(choice, local_threads())
    if chosen.note:
        _log.warning("%s", chosen.note)
    return chosen.kind


def share_batch_statistics(network: nn.Module) -> None:
    """Let every batch normalisation of `network` see the whole batch; torch itself does this on GPUs only."""
    for name, child in list(network.named_children()):
        if isinstance(child, _BatchNorm):
            setattr(network, name, _SharedBatchNorm(child))
        else:
            share_batch_statistics(child)


class _SharedBatchNorm(nn.Module):
    """Batch normalisation with mean and variance over the samples of all processes.

    It keeps the names, and is, of the layer whose place it takes, so that weights fit either.
    """

    weight: Tensor
    bias: Tensor
    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor

    def __init__(self, plain: _BatchNorm) -> None:
        super().__init__()
        self.eps, self.momentum = plain.eps, 0.1 if plain.momentum is None else plain.momentum
        self._parameters.update(plain._parameters)
        self._buffers.update(plain._buffers)

    def forward(self, features: Tensor) -> Tensor:
        """Normalise (N, C, ...) by channel."""
        if not self.training:
            return nn.functional.batch_norm(
                features, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
            )
        axes = [0, *range(2, features.dim())]
        shape = [1, -1, *[1] * (features.dim() - 2)]
        count = features.new_full((1,), features.numel() / features.shape[1])
        sums = all_reduce(torch.cat([features.sum(axes), count]))  # type: ignore[no-untyped-call]  # torch has no types
        total = sums[-1].detach()
        mean = sums[:-1] / total
        centred = features - mean.reshape(shape)
        squares = all_reduce(centred.square().sum(axes))  # type: ignore[no-untyped-call]  # torch gives it no types
        variance = squares / total
        with torch.no_grad():
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * total / (total - 1), self.momentum)
            self.num_batches_tracked += 1
        scale = self.weight * torch.rsqrt(variance + self.eps)
        normalised: Tensor = centred * scale.reshape(shape) + self.bias.reshape(shape)
        return normalised
