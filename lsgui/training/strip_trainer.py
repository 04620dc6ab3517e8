"""Train `cmwru-strip` on simulated strips and on real strips against negatives made from them."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from lsgui.core.errors import ModelError
from lsgui.models.cmwru_strip import CmwruStrip
from lsgui.training.strip_windows import StripSource, WindowDrawer


@dataclass(frozen=True, slots=True)
class StripRecipe:
    """How the network is trained.

    Adam, the one-cycle schedule, weight decay and clipping by value are the paper's; binary cross-entropy on every
    stretch of pleura takes the place of its focal loss, because windows are drawn in balance.
    """

    steps: int = 500
    batch: int = 24
    learning_rate: float = 2e-3
    weight_decay: float = 1e-3
    clip_value: float = 0.4
    label_smoothing: float = 0.04
    simulated_share: float = 0.35
    simulated_clips: int = 100
    width: int = 16
    dropout: float = 0.2
    seed: int = 1
    checkpoint_every: int = 100

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


def train_strip_network(
    sources: Sequence[StripSource],
    recipe: StripRecipe,
    device: str = "cpu",
    checkpoint: Path | None = None,
    report: Report | None = None,
) -> CmwruStrip:
    """Train from scratch, or on from `checkpoint` where that file is there, and return the network in eval mode.

    The batch of a step depends on the seed and the step alone, so a resumed run sees what an unbroken one would.
    """
    torch.manual_seed(recipe.seed)
    network = CmwruStrip(recipe.width, recipe.dropout).to(device)
    optimiser = torch.optim.Adam(network.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, recipe.learning_rate, total_steps=recipe.steps)
    first = _resume(checkpoint, network, optimiser, schedule)
    drawer = WindowDrawer(sources, recipe.simulated_share)
    smoothed = float("nan")
    network.train()
    with ThreadPoolExecutor(1) as pool:
        ahead = pool.submit(drawer.batch, recipe.batch, (recipe.seed, first))
        for step in range(first, recipe.steps):
            windows, absent = ahead.result()
            if step + 1 < recipe.steps:
                ahead = pool.submit(drawer.batch, recipe.batch, (recipe.seed, step + 1))
            torch.manual_seed((recipe.seed << 20) + step)  # dropout too must not depend on where a run was broken
            loss = _loss(network, torch.from_numpy(windows).to(device), torch.from_numpy(absent).to(device), recipe)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]  # torch gives Tensor.backward no types
            nn.utils.clip_grad_value_(network.parameters(), recipe.clip_value)
            optimiser.step()
            schedule.step()
            smoothed = loss.item() if np.isnan(smoothed) else 0.95 * smoothed + 0.05 * loss.item()
            if report is not None:
                report(step + 1, recipe.steps, smoothed)
            if checkpoint is not None and (step + 1) % recipe.checkpoint_every == 0:
                _save(checkpoint, step + 1, network, optimiser, schedule)
    return network.eval()


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
