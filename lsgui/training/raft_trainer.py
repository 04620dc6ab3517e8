"""Train RAFT on simulated speckle, whose motion is known everywhere."""

import csv
import io
import logging
import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lsgui.core.atomic_file import write_atomic
from lsgui.core.errors import ModelError
from lsgui.models.raft import build_raft_small, scaled_pictures
from lsgui.simulation.speckle_pairs import SpecklePair, SpecklePairs

VALIDATION_SEED = 1000
"""Added to the run's seed for the pairs that choose the best state."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RaftRecipe:
    """How RAFT is trained.

    Sequence loss, AdamW, one cycle and clipping by norm are those of Teed and Deng (RAFT, ECCV 2020). A pair's loss is
    divided by its mean motion (plus `loss_floor_px`), so that sub-pixel pairs count as much as large shifts. The
    first `easy_share` of the steps sees clear shifts of the whole picture only: from random pairs alone the network
    takes far longer to find out that textures must be matched.
    """

    steps: int = 2200
    batch: int = 4
    size: int = 128
    iterations: int = 5
    gamma: float = 0.8
    learning_rate: float = 6e-4
    weight_decay: float = 1e-5
    clip_norm: float = 1.0
    loss_floor_px: float = 0.25
    easy_share: float = 0.15
    seed: int = 1
    checkpoint_every: int = 100
    validate_every: int = 100
    validation_pairs: int = 32
    table_pairs: int = 40

    def with_setting(self, name: str, value: str) -> "RaftRecipe":
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
            number = kind(value)
        except ValueError as fault:
            raise ModelError(f"The training setting {name} needs a number ({kind.__name__}), not '{value}'.") from fault
        if not math.isfinite(number) or number < 0 or (kind is int and name != "seed" and number < 1):
            raise ModelError(f"The training setting {name} must be positive, not {value}.")
        if name == "size" and (number < 128 or number % 8):
            raise ModelError(f"The training setting size must be a multiple of 8 from 128 on, not {value}.")
        changed: dict[str, Any] = {name: number}
        return replace(self, **changed)


@dataclass(frozen=True, slots=True)
class Progress:
    """What a run says after a step: losses are sums over the iterations, errors are end-point errors in pixels."""

    step: int
    steps: int
    loss: float
    error_px: float
    seconds_left: float


Report = Callable[[Progress], None]
Batch = tuple[Tensor, Tensor, Tensor]


def train_raft_network(
    recipe: RaftRecipe, device: str = "cpu", folder: Path | None = None, report: Report | None = None
) -> nn.Module:
    """Train from scratch, or on from `folder/checkpoint.pt` where that file is there; return the best state.

    The pairs of a step depend on the seed and the step alone, so a resumed run sees what an unbroken one would. The
    best state is the one with the least relative error on pairs of another seed.
    """
    run = _Run(recipe, device, folder)
    run.resume()
    pairs = SpecklePairs(recipe.seed, recipe.size)
    smoothed = float("nan")
    began, first = time.perf_counter(), run.step
    with ThreadPoolExecutor(1) as pool:
        ahead = pool.submit(_draw, pairs, recipe, first)
        while run.step < recipe.steps:
            batch = ahead.result()
            if run.step + 1 < recipe.steps:
                ahead = pool.submit(_draw, pairs, recipe, run.step + 1)
            loss = run.advance(batch)
            smoothed = loss if math.isnan(smoothed) else 0.98 * smoothed + 0.02 * loss
            run.judge(smoothed)
            if report is not None:
                left = (time.perf_counter() - began) / (run.step - first) * (recipe.steps - run.step)
                report(Progress(run.step, recipe.steps, smoothed, run.last_error, left))
            if run.step % recipe.checkpoint_every == 0 or run.step == recipe.steps:
                run.save()
    return run.best_network()


def sequence_loss(flows: list[Tensor], truth: Tensor, gamma: float, floor_px: float) -> Tensor:
    """Return the L1 error of every iteration's flow (N, 2, H, W), later ones weighing more, per motion of the pair."""
    weight = 1.0 / (truth.norm(dim=1).mean(dim=(1, 2)) + floor_px)
    total = truth.new_zeros(())
    for back, flow in enumerate(reversed(flows)):
        each = (flow - truth).abs().sum(dim=1).mean(dim=(1, 2))
        total = total + gamma**back * (weight * each).mean()
    return total


def _draw(pairs: SpecklePairs, recipe: RaftRecipe, step: int) -> Batch:
    easy = step < recipe.easy_share * recipe.steps
    return stack_pairs([pairs.pair(step * recipe.batch + k, easy=easy) for k in range(recipe.batch)])


def stack_pairs(pairs: list[SpecklePair]) -> Batch:
    """Return pictures before and after (N, S, S), 0..255, and flow (N, 2, S, S), all float32."""
    before = np.stack([pair.before for pair in pairs]).astype(np.float32)
    after = np.stack([pair.after for pair in pairs]).astype(np.float32)
    return torch.from_numpy(before), torch.from_numpy(after), torch.from_numpy(np.stack([pair.flow for pair in pairs]))


class _Run:
    """Network, optimiser, schedule, and what has been reached."""

    def __init__(self, recipe: RaftRecipe, device: str, folder: Path | None) -> None:
        self.recipe, self.device, self.folder = recipe, device, folder
        torch.manual_seed(recipe.seed)
        self.network = build_raft_small().to(device)
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay
        )
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimiser, recipe.learning_rate, total_steps=recipe.steps, pct_start=0.1, anneal_strategy="cos"
        )
        self.step = 0
        self.best: dict[str, Tensor] = {}
        self.best_score = float("inf")
        self.last_error = float("nan")
        self.history: list[list[float]] = []
        unseen = SpecklePairs(recipe.seed + VALIDATION_SEED, recipe.size)
        self._validation = stack_pairs([unseen.pair(k) for k in range(recipe.validation_pairs)])

    def advance(self, batch: Batch) -> float:
        """Take one step and return its loss."""
        before, after, truth = (part.to(self.device) for part in batch)
        self.network.train()
        flows = self.network(scaled_pictures(before), scaled_pictures(after), num_flow_updates=self.recipe.iterations)
        loss = sequence_loss(flows, truth, self.recipe.gamma, self.recipe.loss_floor_px)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # torch gives Tensor.backward no types
        nn.utils.clip_grad_norm_(self.network.parameters(), self.recipe.clip_norm)
        self.optimiser.step()
        self.schedule.step()
        self.step += 1
        return float(loss.detach())

    def judge(self, loss: float) -> None:
        """Measure the network on the validation pairs when it is time, and remember it when it is the best so far."""
        if self.step % self.recipe.validate_every and self.step != self.recipe.steps:
            return
        errors, motion = [], []
        self.network.eval()
        with torch.inference_mode():
            for at in range(0, len(self._validation[0]), 8):
                before, after, truth = (part[at : at + 8].to(self.device) for part in self._validation)
                flow = self.network(
                    scaled_pictures(before), scaled_pictures(after), num_flow_updates=self.recipe.iterations
                )[-1]
                errors.append((flow - truth).norm(dim=1).mean(dim=(1, 2)).cpu())
                motion.append(truth.norm(dim=1).mean(dim=(1, 2)).cpu())
        error, moved = torch.cat(errors), torch.cat(motion)
        self.last_error = float(error.mean())
        score = float((error / (moved + self.recipe.loss_floor_px)).mean())
        self.history.append([float(self.step), loss, self.last_error, score])
        _log.info("step %d loss %.4f error %.3f px relative %.4f", self.step, loss, self.last_error, score)
        if score < self.best_score:
            self.best_score = score
            self.best = {name: value.detach().cpu().clone() for name, value in self.network.state_dict().items()}
        self._write_history()

    def best_network(self) -> nn.Module:
        """Return the best state on the processor, ready to be asked."""
        network = build_raft_small()
        network.load_state_dict(self.best)
        return network.eval()

    def save(self) -> None:
        """Write the checkpoint, whole or not at all."""
        if self.folder is None:
            return
        content = io.BytesIO()
        torch.save(
            {
                "recipe": asdict(self.recipe),
                "step": self.step,
                "network": self.network.state_dict(),
                "optimiser": self.optimiser.state_dict(),
                "schedule": self.schedule.state_dict(),
                "best": self.best,
                "best_score": self.best_score,
                "last_error": self.last_error,
                "history": self.history,
            },
            content,
        )
        write_atomic(self.folder / "checkpoint.pt", content.getvalue())

    def resume(self) -> None:
        """Go on from the checkpoint where there is one.

        Raises
        ------
        ModelError
            When it cannot be read or belongs to a run with other settings.
        """
        path = self.folder / "checkpoint.pt" if self.folder is not None else None
        if path is None or not path.exists():
            return
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
        except Exception as fault:  # torch.load raises whatever the damage leads to
            raise ModelError(f"{path} cannot be read: train without --resume.") from fault
        if state["recipe"] != asdict(self.recipe):
            raise ModelError(f"{path} belongs to a run with other settings: use the same ones, or another --out.")
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.schedule.load_state_dict(state["schedule"])
        self.step, self.best, self.best_score = state["step"], state["best"], state["best_score"]
        self.last_error, self.history = state["last_error"], state["history"]

    def _write_history(self) -> None:
        if self.folder is None:
            return
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["step", "loss", "validation_error_px", "validation_relative_error"])
        writer.writerows([int(row[0]), *(f"{value:.5f}" for value in row[1:])] for row in self.history)
        write_atomic(self.folder / "history.csv", text.getvalue().encode("utf-8"))
