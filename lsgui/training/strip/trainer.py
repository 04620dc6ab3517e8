"""Train `cmwru-strip` on simulated strips and on real strips against negatives made from them."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional

from lsgui.models.cmwru_strip import CmwruStrip
from lsgui.training.clips.checkpointing import load_state, save_state
from lsgui.training.clips.trainer import precision_for
from lsgui.training.distributed import World
from lsgui.training.faults import check_loss, memory_faults
from lsgui.training.strip.edits import Window
from lsgui.training.strip.folds import refuse_another_run, settings_of
from lsgui.training.strip.recipe import StripRecipe
from lsgui.training.strip.windows import StripSource, WindowBank, WindowDrawer

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
    world: World | None = None,
    identity: Mapping[str, str] | None = None,
) -> CmwruStrip:
    """Train one stage, or on from `checkpoint` where that file is there, and return the network in eval mode.

    The batch of a step depends on the seed and the step alone, so a resumed run sees what an unbroken one would.

    Parameters
    ----------
    stage
        Which stage; training from scratch when None.
    bank
        Keeps drawn windows for the next fold.
    world
        The processes that train together; this one alone on `device` when None.
    identity
        What else than the settings a run that goes on from `checkpoint` must have in common with the one that wrote
        it, by name.

    Raises
    ------
    TrainingError
        When memory runs out, the loss is no longer a number, or the checkpoint is another run's.
    """
    world = world or World(device)
    with memory_faults(recipe.batch, smallest=2 * world.size):
        learner = _Learner(recipe, stage or training(recipe), world, {**settings_of(recipe), **(identity or {})})
        return _trained(learner, sources, checkpoint, report, bank)


def _trained(
    learner: "_Learner",
    sources: Sequence[StripSource],
    checkpoint: Path | None,
    report: Report | None,
    bank: WindowBank | None,
) -> CmwruStrip:
    recipe, stage, network = learner.recipe, learner.stage, learner.network
    first = learner.resume(checkpoint)
    drawer = WindowDrawer(sources, stage.simulated_share, bank, recipe.h264_odds)
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
            loss = learner.step(batch)
            check_loss(loss, step + 1, stage.rate, "step")
            smoothed = loss if np.isnan(smoothed) else 0.95 * smoothed + 0.05 * loss
            if report is not None:
                report(step + 1, stage.steps, smoothed)
            if checkpoint is not None and ((step + 1) % recipe.checkpoint_every == 0 or step + 1 == stage.steps):
                learner.save(checkpoint, step + 1)
    network.to(memory_format=torch.contiguous_format)
    return network.eval()


class _Learner:
    """The network with all that changes it, and that must be kept to go on from a checkpoint."""

    def __init__(self, recipe: StripRecipe, stage: Stage, world: World, identity: Mapping[str, str]) -> None:
        self.recipe, self.stage, self.world, self.identity = recipe, stage, world, identity
        torch.manual_seed(recipe.seed)
        self.network = network = CmwruStrip(recipe.width, recipe.dropout)
        if stage.start is not None:
            network.load_state_dict(stage.start)
        network.to(world.device)
        network.to(memory_format=torch.channels_last_3d)  # twice as fast on a CPU
        self.precision = precision_for(recipe.amp, world.device)
        self.called = world.wrap(network)
        self.optimiser = torch.optim.Adam(network.parameters(), stage.rate, weight_decay=recipe.weight_decay)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(self.optimiser, stage.rate, total_steps=stage.steps)
        half = self.precision is torch.float16
        self.scaler = torch.amp.GradScaler(world.device.partition(":")[0], init_scale=1024.0, enabled=half)

    def step(self, batch: tuple[Window, npt.NDArray[np.float32]]) -> float:
        """Take one step and return its loss, that of the windows of all processes."""
        world, total = self.world, len(batch[1])
        windows, absent = (torch.from_numpy(part[world.rank :: world.size]).to(world.device) for part in batch)
        kind = world.device.partition(":")[0]
        with torch.autocast(kind, self.precision, enabled=self.precision is not torch.float32):
            logits = self.called(windows.to(memory_format=torch.channels_last_3d))
        share = len(absent) * world.size / total  # processes average, and may have one window more or less
        loss = _loss(logits.float(), absent, self.recipe) * share
        self.optimiser.zero_grad(set_to_none=True)
        self.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]  # torch gives Tensor.backward no types
        self.scaler.unscale_(self.optimiser)
        nn.utils.clip_grad_value_(self.network.parameters(), self.recipe.clip_value)
        self.scaler.step(self.optimiser)
        self.scaler.update()
        self.schedule.step()
        return float(world.gather(world.size, loss.detach().reshape(1)).mean())

    def save(self, path: Path, step: int) -> None:
        """Write the checkpoint, in the one process that writes."""
        if self.world.writes:
            state = {
                "identity": dict(self.identity),
                "step": step,
                "network": self.network.state_dict(),
                "optimiser": self.optimiser.state_dict(),
                "schedule": self.schedule.state_dict(),
                "scaler": self.scaler.state_dict(),
            }
            save_state(path, state)

    def resume(self, path: Path | None) -> int:
        """Go on from the checkpoint where there is one; return the number of steps that are done."""
        self.world.wait()  # the first process may just have removed it
        if path is None or not path.exists():
            return 0
        state = load_state(path, self.world.device)
        refuse_another_run(path, state, self.identity)
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.schedule.load_state_dict(state["schedule"])
        self.scaler.load_state_dict(state["scaler"])
        return int(state["step"])


def _loss(logits: torch.Tensor, absent: torch.Tensor, recipe: StripRecipe) -> torch.Tensor:
    target = absent * (1 - 2 * recipe.label_smoothing) + recipe.label_smoothing
    stretch = functional.binary_cross_entropy_with_logits(logits, target)
    whole = functional.binary_cross_entropy_with_logits(logits.mean(dim=1), target.mean(dim=1))
    return stretch + whole
