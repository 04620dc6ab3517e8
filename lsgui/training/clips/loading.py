"""From samples to batches: which, in which order, and read ahead while the network computes."""

import math
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lsgui.training.distributed import World

Drawn = tuple[npt.NDArray[np.float32], float, Any]


class Samples(Protocol):
    """Windows to train on. What `sample` returns depends on its arguments alone, never on what was asked before."""

    def __len__(self) -> int:
        """Return how many there are."""
        ...

    def sample(self, index: int, epoch_seed: int, augment: bool) -> Drawn:
        """Return the network's input without batch, 1.0 for ls_a or 0.0 for ls_p, and where it comes from."""
        ...


class Batch(NamedTuple):
    """Windows (n, ...) and labels (n,) of this process on its device; `total` samples in all processes."""

    windows: Tensor
    absent: Tensor
    total: int


def epoch_seed(seed: int, epoch: int) -> int:
    """Return the seed of an epoch, 32 bits mixed from both."""
    return int(np.random.SeedSequence((seed, epoch)).generate_state(1)[0])


def epoch_batches(picked: Sequence[int], seed: int, epoch: int, batch: int) -> list[list[int]]:
    """Return the samples of an epoch in random order, in as few batches as hold them, all of nearly one size."""
    order = np.random.default_rng((seed, epoch)).permutation(np.asarray(picked, dtype=np.int64))
    return [part.tolist() for part in np.array_split(order, math.ceil(len(order) / batch))]


def loaded_batches(
    samples: Samples, batches: Sequence[Sequence[int]], world: World, workers: int, seed: int, augment: bool
) -> Iterator[Batch]:
    """Yield the batches; with workers the next one is read while the caller computes."""

    def drawn(index: int) -> Drawn:
        return samples.sample(index, seed, augment)

    mine = [world.share(batch) for batch in batches]
    if not workers:
        for part, batch in zip(mine, batches, strict=True):
            yield _placed([drawn(index) for index in part], len(batch), world)
        return
    pool = ThreadPoolExecutor(workers, thread_name_prefix="samples")
    try:
        ahead: list[Future[Drawn]] = [pool.submit(drawn, index) for index in mine[0]] if mine else []
        for number, batch in enumerate(batches):
            found = [future.result() for future in ahead]
            ahead = [pool.submit(drawn, index) for index in mine[number + 1]] if number + 1 < len(mine) else []
            yield _placed(found, len(batch), world)
    finally:
        pool.shutdown(cancel_futures=True)


def _placed(found: Sequence[Drawn], count: int, world: World) -> Batch:
    absent = torch.tensor([label for _, label, _ in found], dtype=torch.float32)
    windows = torch.from_numpy(np.stack([window for window, _, _ in found])) if found else absent
    return Batch(windows.to(world.device), absent.to(world.device), count)
