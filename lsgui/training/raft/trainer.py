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
from torch.nn import functional

from lsgui.core.atomic_file import write_atomic
from lsgui.core.errors import ModelError
from lsgui.models.raft import SMALLEST, build_raft_small, scaled_pictures, shrunk_flow
from lsgui.simulation.speckle_pairs import SpecklePair, SpecklePairs

VALIDATION_SEED = 1000
"""Added to the run's seed for the pairs that choose the best state."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RaftRecipe:
    """How RAFT is trained.

    Sequence loss, AdamW and clipping by norm are those of Teed and Deng (RAFT, ECCV 2020). From scratch, motion of a
    fraction of a feature cell teaches that network nothing but to say "nothing moves"; so it learns in three steps.

    1. `matching_steps`: the feature encoder alone, by cross-entropy of the correlation volume against the true place,
       on clear shifts. No flow is refined, so a step is cheap.
    2. `clear_steps`: the whole network, still on clear shifts alone.
    3. The rest: random pairs, small shifts and renewed texture among them, take the place of clear ones little by
       little, up to `most_random`.

    The encoder goes on matching beside the flow, `matching_weight` as strong. A pair's loss is divided by the root of
    its mean motion (plus `loss_floor_px`): sub-pixel pairs count, but not so much that saying "nothing moves" pays.
    The network sees pictures of `size` pixels `enlarge` times as large, in training as in use.
    """

    steps: int = 2400
    matching_steps: int = 300
    clear_steps: int = 250
    batch: int = 4
    size: int = 64
    enlarge: int = 2
    iterations: int = 3
    gamma: float = 0.8
    matching_rate: float = 3e-3
    learning_rate: float = 5e-4
    weight_decay: float = 1e-5
    clip_norm: float = 1.0
    loss_floor_px: float = 0.25
    matching_weight: float = 0.1
    most_random: float = 0.9
    tissues: int = 16
    seed: int = 1
    checkpoint_every: int = 100
    validate_every: int = 100
    validation_pairs: int = 48
    table_pairs: int = 60
    iterations_in_use: int = 3

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
        changed: dict[str, Any] = {name: number}
        return replace(self, **changed)

    def check(self) -> None:
        """Raise ModelError, one sentence, when the settings do not go together."""
        if self.size * self.enlarge < SMALLEST or self.size % 8:
            raise ModelError(
                f"The training setting size must be a multiple of 8 and, {self.enlarge} times enlarged, "
                f"at least {SMALLEST}, not {self.size}."
            )

    def random_share(self, step: int) -> float:
        """Return which share of a step's pairs is random: none at first, `most_random` after as long as three times
        the clear steps.
        """
        begin = self.matching_steps + self.clear_steps
        return self.most_random * min(max((step - begin) / (2.0 * self.clear_steps + 1.0), 0.0), 1.0)

    def rate(self, step: int) -> float:
        """Return the learning rate of a step: one cycle for the encoder alone, one for the whole network."""
        if step < self.matching_steps:
            return self.matching_rate * _one_cycle(step, self.matching_steps)
        return self.learning_rate * _one_cycle(step - self.matching_steps, self.steps - self.matching_steps)


def _one_cycle(step: int, steps: int) -> float:
    """Return the factor of the largest learning rate: up over a tenth of the steps, then down along a cosine."""
    done, top = (step + 0.5) / steps, 0.1
    part = done / top if done < top else (1.0 - done) / (1.0 - top)
    return 0.01 + 0.99 * 0.5 * (1.0 - math.cos(math.pi * part))


@dataclass(frozen=True, slots=True)
class Progress:
    """What a run says after a step: the smoothed loss, and the end-point error on the validation pairs in pixels
    (nan before they are first asked).
    """

    step: int
    steps: int
    loss: float
    error_px: float
    seconds_left: float


_AFTER = ("table_pairs", "iterations_in_use")
"""Settings that matter only once the network is trained."""

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
    pairs = SpecklePairs(recipe.seed, recipe.size, recipe.tissues)
    began, first = time.perf_counter(), run.step
    with ThreadPoolExecutor(1) as pool:
        ahead = pool.submit(_draw, pairs, recipe, first)
        while run.step < recipe.steps:
            batch = ahead.result()
            if run.step + 1 < recipe.steps:
                ahead = pool.submit(_draw, pairs, recipe, run.step + 1)
            run.advance(batch)
            run.judge()
            if report is not None:
                left = (time.perf_counter() - began) / (run.step - first) * (recipe.steps - run.step)
                report(Progress(run.step, recipe.steps, run.loss, run.last_error, left))
            if run.step % recipe.checkpoint_every == 0 or run.step == recipe.steps:
                run.save()
    return run.best_network()


def sequence_loss(flows: list[Tensor], truth: Tensor, gamma: float, floor_px: float) -> Tensor:
    """Return the L1 error of every iteration's flow (N, 2, H, W), later ones weighing more, per motion of the pair."""
    weight = (truth.norm(dim=1).mean(dim=(1, 2)) + floor_px).rsqrt()
    total = truth.new_zeros(())
    for back, flow in enumerate(reversed(flows)):
        each = (flow - truth).abs().sum(dim=1).mean(dim=(1, 2))
        total = total + gamma**back * (weight * each).mean()
    return total


def matching_loss(correlation: Tensor, truth: Tensor) -> Tensor:
    """Return how badly features find their counterparts: cross-entropy of the correlation against the true place.

    Parameters
    ----------
    correlation
        RAFT's finest correlation volume, (N * h * w, 1, h, w).
    truth
        True flow, (N, 2, c h, c w), in pixels, where a cell is c pixels wide (8, or less in enlarged pictures). A
        place between four cells is shared out among them bilinearly.
    """
    count, height, width = len(truth), *correlation.shape[-2:]
    logits = correlation.reshape(count, height * width, height * width).log_softmax(dim=-1)
    cell = truth.shape[-1] // width
    flow = functional.avg_pool2d(truth, cell) / cell
    rows, columns = torch.meshgrid(
        torch.arange(height, device=truth.device), torch.arange(width, device=truth.device), indexing="ij"
    )
    x, y = columns + flow[:, 0], rows + flow[:, 1]
    inside = ((x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)).float().flatten(1)
    left, top = x.floor().clamp(0, width - 2), y.floor().clamp(0, height - 2)
    right, down = (x - left).clamp(0, 1), (y - top).clamp(0, 1)
    cost = torch.zeros_like(inside)
    for dx, dy in ((0, 0), (1, 0), (0, 1), (1, 1)):
        share = (right if dx else 1 - right) * (down if dy else 1 - down)
        place = ((top + dy) * width + left + dx).long().flatten(1)
        cost = cost - share.flatten(1) * logits.gather(2, place[..., None])[..., 0]
    return (cost * inside).sum() / inside.sum().clamp(min=1.0)


def _draw(pairs: SpecklePairs, recipe: RaftRecipe, step: int) -> Batch:
    chances = np.random.default_rng((recipe.seed, 4, step)).random(recipe.batch)
    easy = chances >= recipe.random_share(step)
    return stack_pairs([pairs.pair(step * recipe.batch + k, easy=bool(easy[k])) for k in range(recipe.batch)])


def stack_pairs(pairs: list[SpecklePair]) -> Batch:
    """Return pictures before and after (N, S, S), 0..255, and flow (N, 2, S, S), all float32."""
    before = np.stack([pair.before for pair in pairs]).astype(np.float32)
    after = np.stack([pair.after for pair in pairs]).astype(np.float32)
    return torch.from_numpy(before), torch.from_numpy(after), torch.from_numpy(np.stack([pair.flow for pair in pairs]))


def _fresh_network(seed: int) -> nn.Module:
    """Return RAFT to begin with. Its last feature layer is damped: correlations begin near 1, not at 30, where the
    softmax over them has hardly a gradient.
    """
    torch.manual_seed(seed)
    network = build_raft_small()
    encoder: Any = network.feature_encoder
    with torch.no_grad():
        encoder.conv.weight.mul_(0.3)
    return network


class _Run:
    """Network, optimiser, schedule, and what has been reached."""

    def __init__(self, recipe: RaftRecipe, device: str, folder: Path | None) -> None:
        self.recipe, self.device, self.folder = recipe, device, folder
        self.network = _fresh_network(recipe.seed).to(device)
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay
        )
        self.step = 0
        self.best: dict[str, Tensor] = {}
        self.best_score = float("inf")
        self.loss = self.last_error = float("nan")
        self.history: list[list[float]] = []
        unseen = SpecklePairs(recipe.seed + VALIDATION_SEED, recipe.size, recipe.tissues)
        self._validation = stack_pairs([unseen.pair(k) for k in range(recipe.validation_pairs)])

    def advance(self, batch: Batch) -> None:
        """Take one step."""
        if self.step == self.recipe.matching_steps:
            self.loss = float("nan")  # another loss begins
        for group in self.optimiser.param_groups:
            group["lr"] = self.recipe.rate(self.step)
        before, after, truth = (part.to(self.device) for part in batch)
        self.network.train()
        loss = (self._match if self.step < self.recipe.matching_steps else self._refine)(before, after, truth)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # torch gives Tensor.backward no types
        nn.utils.clip_grad_norm_(self.network.parameters(), self.recipe.clip_norm)
        self.optimiser.step()
        self.step += 1
        now = float(loss.detach())
        self.loss = now if math.isnan(self.loss) else 0.95 * self.loss + 0.05 * now

    def _match(self, before: Tensor, after: Tensor, truth: Tensor) -> Tensor:
        """Return the loss of the feature encoder alone."""
        network: Any = self.network
        enlarge = self.recipe.enlarge
        pictures = torch.cat([scaled_pictures(before, enlarge), scaled_pictures(after, enlarge)])
        network.corr_block.build_pyramid(*network.feature_encoder(pictures).chunk(2))
        return matching_loss(network.corr_block.corr_pyramid[0], truth)

    def _refine(self, before: Tensor, after: Tensor, truth: Tensor) -> Tensor:
        """Return the loss of the whole network."""
        loss = sequence_loss(self._flows(before, after), truth, self.recipe.gamma, self.recipe.loss_floor_px)
        if self.recipe.matching_weight > 0.0:
            block: Any = self.network.corr_block  # of the pass just made, every place with every other
            loss = loss + self.recipe.matching_weight * matching_loss(block.corr_pyramid[0], truth)
        return loss

    def _flows(self, before: Tensor, after: Tensor) -> list[Tensor]:
        """Return every iteration's flow, (N, 2, S, S) in pixels."""
        enlarge = self.recipe.enlarge
        pictures = (scaled_pictures(grey, enlarge) for grey in (before, after))
        flows = self.network(*pictures, num_flow_updates=self.recipe.iterations)
        return [shrunk_flow(flow, enlarge) for flow in flows]

    def judge(self) -> None:
        """Measure the network on the validation pairs when it is time, and remember it when it is the best so far."""
        recipe = self.recipe
        if self.step != recipe.steps and (self.step % recipe.validate_every or self.step <= recipe.matching_steps):
            return
        errors, motion = [], []
        self.network.eval()
        with torch.inference_mode():
            for at in range(0, len(self._validation[0]), 8):
                before, after, truth = (part[at : at + 8].to(self.device) for part in self._validation)
                flow = self._flows(before, after)[-1]
                errors.append((flow - truth).norm(dim=1).mean(dim=(1, 2)).cpu())
                motion.append(truth.norm(dim=1).mean(dim=(1, 2)).cpu())
        error, moved = torch.cat(errors), torch.cat(motion)
        self.last_error = float(error.mean())
        late = self.step > recipe.matching_steps + 3 * recipe.clear_steps
        if late and self.last_error > 0.97 * float(moved.mean()):  # a network may fall to it and never leave it again
            _log.warning("step %d: no better than saying that nothing moves", self.step)
        score = float((error / (moved + recipe.loss_floor_px)).mean())
        self.history.append([float(self.step), self.loss, self.last_error, score])
        _log.info("step %d loss %.4f error %.3f px relative %.4f", self.step, self.loss, self.last_error, score)
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
                "best": self.best,
                "best_score": self.best_score,
                "loss": self.loss,
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
        if any(state["recipe"].get(name) != value for name, value in asdict(self.recipe).items() if name not in _AFTER):
            raise ModelError(f"{path} belongs to a run with other settings: use the same ones, or another --out.")
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.best, self.best_score = state["step"], state["best"], state["best_score"]
        self.loss, self.last_error, self.history = state["loss"], state["last_error"], state["history"]

    def _write_history(self) -> None:
        if self.folder is None:
            return
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["step", "loss", "validation_error_px", "validation_relative_error"])
        writer.writerows([int(row[0]), *(f"{value:.5f}" for value in row[1:])] for row in self.history)
        write_atomic(self.folder / "history.csv", text.getvalue().encode("utf-8"))
