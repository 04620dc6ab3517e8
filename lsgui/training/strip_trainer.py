"""Train `cmwru-strip` on simulated strips and on real strips against negatives made from them."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional

from lsgui.core.errors import ModelError
from lsgui.models.cmwru_strip import CmwruStrip
from lsgui.training.strip_edits import Window
from lsgui.training.strip_windows import StripSource, WindowBank, WindowDrawer


@dataclass(frozen=True, slots=True)
class StripRecipe:
    """How the network is trained.

    Adam, the one-cycle schedule, weight decay and clipping by value are the paper's; binary cross-entropy on every
    stretch of pleura takes the place of its focal loss, because windows are drawn in balance.

    The network first learns from simulated strips alone (`pretrain_steps`), once for all folds, for no patient is in
    them; then from real strips and simulated ones together (`steps`, at most `fine_tune_rate`).
    """

    pretrain_steps: int = 1500
    steps: int = 500
    batch: int = 24
    learning_rate: float = 2e-3
    fine_tune_rate: float = 1e-3
    weight_decay: float = 1e-3
    clip_value: float = 0.4
    label_smoothing: float = 0.04
    simulated_share: float = 0.2
    simulated_clips: int = 240
    width: int = 16
    dropout: float = 0.2
    seed: int = 1
    checkpoint_every: int = 100

    @property
    def uses_simulation(self) -> bool:
        """Whether simulated strips are needed at all."""
        return self.simulated_share > 0 or self.pretrain_steps > 0

    def with_setting(self, name: str, value: str) -> "StripRecipe":
        """Return the recipe with one field set from text, as `--set name=value` gives it.

        Raises
        ------
        ModelError
            When there is no such field or the value does not fit it.
        """
        if name not in asdict(self):
            raise ModelError(f"There is no training setting '{name}'; there are: {', '.join(asdict(self))}.")
        kind = type(getattr(self, name))
        try:
            changed: dict[str, Any] = {name: kind(value)}
        except ValueError as fault:
            raise ModelError(f"The training setting {name} needs a number ({kind.__name__}), not '{value}'.") from fault
        return replace(self, **changed)


Report = Callable[[int, int, float], None]
"""(step, steps, smoothed loss)."""


Weights = Mapping[str, torch.Tensor]


@dataclass(frozen=True, slots=True)
class Stage:
    """One of the two stages of training.

    Attributes
    ----------
    steps, rate, simulated_share
        Steps, highest learning rate, and the part of windows that are simulated.
    start
        Weights to start from; None for fresh ones.
    first_batch
        Number of the first batch, so that no two stages draw the same windows.
    """

    steps: int
    rate: float
    simulated_share: float
    start: Weights | None = None
    first_batch: int = 0


def pretraining(recipe: StripRecipe) -> Stage:
    """Return the stage on simulated strips alone."""
    return Stage(recipe.pretrain_steps, recipe.learning_rate, 1.0)


def training(recipe: StripRecipe, start: Weights | None = None) -> Stage:
    """Return the stage on real and simulated strips, from scratch where `start` is None."""
    rate = recipe.learning_rate if start is None else recipe.fine_tune_rate
    return Stage(recipe.steps, rate, recipe.simulated_share, start, recipe.pretrain_steps if start is not None else 0)


def train_strip_network(
    sources: Sequence[StripSource],
    recipe: StripRecipe,
    device: str = "cpu",
    checkpoint: Path | None = None,
    report: Report | None = None,
    stage: Stage | None = None,
    bank: WindowBank | None = None,
) -> CmwruStrip:
    """Train one stage, or on from `checkpoint` where that file is there, and return the network in eval mode.

    The batch of a step depends on the seed and the step alone, so a resumed run sees what an unbroken one would.

    Parameters
    ----------
    stage
        Which stage; training from scratch when None.
    bank
        Keeps drawn windows for the next fold.
    """
    stage = stage or training(recipe)
    torch.manual_seed(recipe.seed)
    network = CmwruStrip(recipe.width, recipe.dropout)
    if stage.start is not None:
        network.load_state_dict(stage.start)
    network.to(device)
    network.to(memory_format=torch.channels_last_3d)  # twice as fast on a CPU
    optimiser = torch.optim.Adam(network.parameters(), stage.rate, weight_decay=recipe.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, stage.rate, total_steps=stage.steps)
    first = _resume(checkpoint, network, optimiser, schedule)
    drawer = WindowDrawer(sources, stage.simulated_share, bank)
    smoothed = float("nan")
    network.train()
    with ThreadPoolExecutor(1) as pool:

        def draw(step: int) -> Future[tuple[Window, npt.NDArray[np.float32]]]:
            return pool.submit(drawer.batch, recipe.batch, (recipe.seed, stage.first_batch + step))

        ahead = draw(first)
        for step in range(first, stage.steps):
            batch = ahead.result()
            if step + 1 < stage.steps:
                ahead = draw(step + 1)
            torch.manual_seed((recipe.seed << 20) + step)  # dropout too must not depend on where a run was broken
            loss = _step(network, optimiser, batch, recipe, device)
            schedule.step()
            smoothed = loss if np.isnan(smoothed) else 0.95 * smoothed + 0.05 * loss
            if report is not None:
                report(step + 1, stage.steps, smoothed)
            if checkpoint is not None and ((step + 1) % recipe.checkpoint_every == 0 or step + 1 == stage.steps):
                _save(checkpoint, step + 1, network, optimiser, schedule)
    network.to(memory_format=torch.contiguous_format)
    return network.eval()


def _step(
    network: CmwruStrip,
    optimiser: torch.optim.Optimizer,
    batch: tuple[Window, npt.NDArray[np.float32]],
    recipe: StripRecipe,
    device: str,
) -> float:
    """Take one step and return its loss."""
    windows, absent = (torch.from_numpy(part).to(device) for part in batch)
    loss = _loss(network, windows.to(memory_format=torch.channels_last_3d), absent, recipe)
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]  # torch gives Tensor.backward no types
    nn.utils.clip_grad_value_(network.parameters(), recipe.clip_value)
    optimiser.step()
    return loss.item()


def _loss(network: CmwruStrip, windows: torch.Tensor, absent: torch.Tensor, recipe: StripRecipe) -> torch.Tensor:
    logits = network(windows)
    target = absent * (1 - 2 * recipe.label_smoothing) + recipe.label_smoothing
    stretch = functional.binary_cross_entropy_with_logits(logits, target)
    whole = functional.binary_cross_entropy_with_logits(logits.mean(dim=1), target.mean(dim=1))
    return stretch + whole


def _save(path: Path, step: int, network: nn.Module, optimiser: Any, schedule: Any) -> None:
    state = {
        "step": step,
        "network": network.state_dict(),
        "optimiser": optimiser.state_dict(),
        "schedule": schedule.state_dict(),
    }
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    partial.replace(path)


def _resume(path: Path | None, network: nn.Module, optimiser: Any, schedule: Any) -> int:
    if path is None or not path.exists():
        return 0
    state = torch.load(path, weights_only=True)
    network.load_state_dict(state["network"])
    optimiser.load_state_dict(state["optimiser"])
    schedule.load_state_dict(state["schedule"])
    return int(state["step"])
