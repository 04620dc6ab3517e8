"""One training run of a network on clips: from the labelled folder to weights, card and figures."""

import hashlib
import logging
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from rich.progress import Progress
from torch import nn

from lsgui.core.errors import DatasetError
from lsgui.inference.protocol import DeviceChoice
from lsgui.models.base import find_spec
from lsgui.models.card import ModelCard, hash_file, read_card
from lsgui.models.preprocess import ClipInput
from lsgui.simulation.edited_clip import ClipEdit
from lsgui.training.clips.checkpointing import RunFiles
from lsgui.training.clips.config import ClipRecipe
from lsgui.training.clips.history import draw_history
from lsgui.training.clips.publish import Judgement, judge, publish, round_weights
from lsgui.training.clips.trainer import Pick, Step, TrainingResult, train_network
from lsgui.training.data.balance import balance_split, balanced_epoch
from lsgui.training.data.clip_samples import ClipSamples, FlowMaker
from lsgui.training.data.data_folder import read_folder
from lsgui.training.data.dataset_rows import DatasetRow, edited_rows
from lsgui.training.data.split import SPLIT_FILE, Split, check_both_labels, save_split, split_by_patient
from lsgui.training.distributed import World, in_turn, joined, training_device
from lsgui.training.evaluation.metrics import ClipScores
from lsgui.training.faults import memory_faults
from lsgui.training.progress import training_bars

PREPARED = "prepared"
"""Folder in the run's own one where prepared clips are kept while it goes on."""

RAFT_FILE = "raft.safetensors"
"""The run's own copy of RAFT's weights where it was told which to take; its card names it."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ClipRunResult:
    """What came of a run.

    Attributes
    ----------
    scores
        The test clips, judged with the weights as they are written.
    split
        The sets, after balancing.
    seconds
        From the first clip read to the card, of this call alone.
    """

    card: ModelCard
    scores: tuple[ClipScores, ...]
    training: TrainingResult
    split: Split
    seconds: float


@dataclass(frozen=True, slots=True)
class ClipRun:
    """What to train on and where the result goes.

    Attributes
    ----------
    data, index
        The labelled folder, and the file of rows to use in place of its own.
    model
        One of `lsgui.training.clips.config.CLIP_MODELS`.
    device
        "auto", "cpu" or "cuda".
    cache
        Where prepared clips and flow are kept for other runs; None: in `out`, and only until the run is done.
    about
        What the data are, for the card.
    """

    data: Path
    index: Path | None
    out: Path
    model: str
    recipe: ClipRecipe
    device: DeviceChoice = "auto"
    resume: bool = False
    cache: Path | None = None
    about: str = ""

    def execute(self) -> ModelCard:
        """Train, judge, write weights, card and figures into `out`, and return the card.

        Raises
        ------
        LsguiError
            When data, settings or device cannot be used, or training cannot go on: one sentence.
        """
        if self.resume and not RunFiles(self.out).checkpoint.exists() and int(os.environ.get("RANK", "0")) == 0:
            _log.warning("%s holds no checkpoint to go on from: training begins with the first epoch.", self.out)
        return self.run().card

    def run(self) -> ClipRunResult:
        """Do what `execute` does, and return all that was measured."""
        began = time.perf_counter()
        self._make_folder()
        with joined(training_device(self.device)) as world, training_bars(world.writes) as bars:
            return _Stages(self, world, bars, began).run()

    def _make_folder(self) -> None:
        try:
            self.out.mkdir(parents=True, exist_ok=True)
        except OSError as fault:
            raise DatasetError(f"{self.out}: the folder cannot be made ({fault.strerror}).") from fault


@dataclass(frozen=True, slots=True)
class _Sets:
    """Samples of the three sets, normalised alike; validation and test are None where the set is empty."""

    train: ClipSamples
    validation: ClipSamples | None
    test: ClipSamples | None


@dataclass(frozen=True, slots=True)
class _Stages:
    """A run in the process that does it."""

    asked: ClipRun
    world: World
    bars: Progress
    began: float

    @property
    def recipe(self) -> ClipRecipe:
        return self.asked.recipe

    def run(self) -> ClipRunResult:
        split = self._split()
        with self._cache_folder() as cache:
            sets = in_turn(self.world, lambda: self._samples(split, cache))
            network, training = self._train(sets, split)
            if self.world.writes:
                judgement = self._judge(network, sets)
                self._publish(network, sets, split, judgement, training)
            else:
                judgement = Judgement()
            self.world.wait()
        card = read_card(self.asked.out)
        return ClipRunResult(card, judgement.scores, training, split, time.perf_counter() - self.began)

    def _split(self) -> Split:
        """Read the data and divide them by patient."""
        found = read_folder(self.asked.data, self.asked.index)
        if found.note and self.world.writes:
            _log.warning("%s", found.note)
        rows = edited_rows(found.rows, cast("tuple[ClipEdit, ...]", self.recipe.edits))
        check_both_labels(rows, "data")
        split = split_by_patient(rows, self.recipe.split, self.recipe.seed)
        if self.recipe.balance == "drop":
            split = balance_split(split, seed=self.recipe.seed)
        check_both_labels(split.train, "training")
        if self.world.writes:
            save_split(split, self.asked.data, self.asked.out / SPLIT_FILE)
        return split

    @contextmanager
    def _cache_folder(self) -> Iterator[Path]:
        """Give the folder of prepared clips; a run's own one goes when the run is done, not when it breaks."""
        folder = self.asked.cache or self.asked.out / PREPARED
        yield folder
        if self.asked.cache is None and self.world.writes:
            shutil.rmtree(folder, ignore_errors=True)

    def _samples(self, split: Split, cache: Path) -> _Sets:
        spec = clip_input(self.asked.model, self.recipe)
        flow, flow_name = self._flow(spec)

        def samples(rows: Sequence[DatasetRow], name: str, every_window: bool) -> ClipSamples:
            task = self.bars.add_task(f"preparing the {name} set", total=len(rows))
            return ClipSamples(
                rows,
                spec,
                cache,
                every_window=every_window,
                flow=flow,
                flow_name=flow_name,
                jobs=max(1, self.recipe.workers),
                odds=self.recipe.augment_odds,
                report=lambda done, count: self.bars.update(task, completed=done, total=count),
            )

        train = samples(split.train, "training", False)
        mean, std = (0.0, 1.0) if spec.kind == "flow" else train.statistics()
        rest = [
            samples(rows, name, True).with_statistics(mean, std) if rows else None
            for name, rows in (("validation", split.validation), ("test", split.test))
        ]
        sets = _Sets(train.with_statistics(mean, std), *rest)
        if flow is not None:
            for part in (sets.train, sets.validation, sets.test):
                self._make_flow(part)
        return sets

    def _make_flow(self, samples: ClipSamples | None) -> None:
        if samples is not None:
            task = self.bars.add_task("computing flow", total=None)
            samples.make_flow(lambda done, count: self.bars.update(task, completed=done, total=count))

    def _flow(self, spec: ClipInput) -> tuple[FlowMaker | None, str]:
        if spec.kind != "flow":
            return None, ""
        made = flow_maker(self.recipe.raft, self.world.device)
        if self.recipe.raft is not None and self.world.writes:
            from lsgui.models.raft import copy_raft

            copy_raft(self.recipe.raft, self.asked.out / RAFT_FILE)  # now: after training the file may be gone
        return made

    def _train(self, sets: _Sets, split: Split) -> tuple[nn.Module, TrainingResult]:
        torch.manual_seed(self.recipe.seed)
        with memory_faults(self.recipe.batch):
            network: nn.Module = find_spec(self.asked.model).build(draft_card(self.asked.model, self.recipe))
        task = self.bars.add_task("training", total=None)

        def report(step: Step) -> None:
            words = f"training, epoch {step.epoch} of {self.recipe.epochs}, loss {step.loss:.4f}"
            self.bars.update(task, completed=step.done, total=step.total, description=words)

        result = train_network(
            network,
            sets.train,
            None if sets.validation is None else _FirstWindows(sets.validation),
            self.recipe,
            out=self.asked.out,
            world=self.world,
            resume=self.asked.resume,
            report=report,
            pick=self._pick(sets.train),
            identity={"model": self.asked.model, "clips": _digest(split)},
        )
        return network, result

    def _pick(self, samples: ClipSamples) -> Pick | None:
        if self.recipe.balance != "epochs":
            return None
        labels = samples.labels
        return lambda epoch: balanced_epoch(labels, epoch, self.recipe.seed)

    def _judge(self, network: nn.Module, sets: _Sets) -> Judgement:
        round_weights(network)
        task = self.bars.add_task("judging validation and test clips", total=None)
        with memory_faults(self.recipe.batch):
            return judge(
                network,
                sets.validation,
                sets.test,
                self.recipe,
                self.world.device,
                self.asked.data,
                lambda done, count: self.bars.update(task, completed=done, total=count),
            )

    def _publish(
        self, network: nn.Module, sets: _Sets, split: Split, judgement: Judgement, training: TrainingResult
    ) -> None:
        run = self.asked
        draw_history(training.history, run.out, f"{run.model}, {len(sets.train.rows)} training clips")
        draft = draft_card(run.model, self.recipe, sets.train.spec)
        if (run.out / RAFT_FILE).is_file():
            draft = draft.model_copy(update={"raft_sha256": hash_file(run.out / RAFT_FILE)})
        publish(network, draft, run.out, run.about, command_of(run), self.recipe, split, judgement, training)


class _FirstWindows:
    """One window of each clip, the middle one: what validation looks at after every epoch."""

    def __init__(self, samples: ClipSamples) -> None:
        by_row: dict[int, list[int]] = {}
        for index, place in enumerate(samples.places):
            by_row.setdefault(place.row, []).append(index)
        self._samples = samples
        self._chosen = [indices[len(indices) // 2] for indices in by_row.values()]

    def __len__(self) -> int:
        return len(self._chosen)

    def sample(self, index: int, epoch_seed: int, augment: bool) -> Any:
        return self._samples.sample(self._chosen[index], epoch_seed, augment)


def clip_input(model: str, recipe: ClipRecipe) -> ClipInput:
    """Return what a model sees by a recipe, before the training set's mean and deviation are known.

    Raises
    ------
    ModelError
        When the settings do not fit together.
    """
    shared: dict[str, Any] = {
        "frames": recipe.frames,
        "rate_hz": recipe.rate_hz,
        "region": recipe.region,
        "stabilise": recipe.stabilise,
        "deviation": recipe.deviation,
    }
    if find_spec(model).input == "flow":
        return ClipInput(kind="flow", size=recipe.size, flow_step=recipe.flow_step, patch=recipe.patch, **shared)
    if recipe.patch is not None:
        return ClipInput(kind="patches", size=recipe.patch, **shared)
    return ClipInput(kind="frame", size=recipe.size, **shared)


def draft_card(model: str, recipe: ClipRecipe, spec: ClipInput | None = None) -> ModelCard:
    """Return a card that a network can be built from, without weights yet."""
    head: dict[str, Any] = {} if model in ("rcm2d", "inception2d") else {"head": recipe.head}
    if recipe.head == "pooled":
        own = {name: getattr(recipe, name) for name in ("width", "depth_bins", "motion_channels")}
        head |= {name: value for name, value in own.items() if value is not None}
    if recipe.raft is not None and find_spec(model).input == "flow":
        head["raft"] = RAFT_FILE
    return ModelCard(
        id=model,
        title=TITLES[model],
        version="1",
        architecture=model,
        input=(spec or clip_input(model, recipe)).to_model_input(),
        hyperparameters={**head, "dropout": recipe.dropout},
        threshold=0.5,
        threshold_source="even odds",
        abstain=(0.5, 0.5),
        parameters=0,
        architecture_only=True,
        seed=recipe.seed,
    )


TITLES = {
    "cmwru": "3D residual network on whole frames",
    "cmwra": "3D convolution on RAFT flow",
    "rcm2d": "CNN and GRU on whole frames",
    "inception2d": "InceptionV3 on single frames",
}


def flow_maker(source: str | None, device: str) -> tuple[FlowMaker, str]:
    """Return frozen RAFT as a function of grey values 0..255 and step, and a name made of the hash of its weights.

    Raises
    ------
    ModelError
        When there are no such weights.
    """
    from lsgui.models.raft import load_raft

    raft = load_raft(source).to(device)
    digest = hashlib.sha256()
    for tensor in raft.state_dict().values():
        digest.update(tensor.cpu().numpy().tobytes())

    def flow(windows: Any, step: int) -> Any:
        return raft(torch.from_numpy(np.ascontiguousarray(windows)).to(device), step).cpu().numpy()

    return flow, f"{digest.hexdigest()[:12]}_{raft.iterations}"


def command_of(run: ClipRun) -> str:
    """Return the command that makes this run again, with DATA and RUN in place of folders."""
    from lsgui.training.clips.config import default_recipe

    index = f" --index {run.index.name}" if run.index else ""
    changes = run.recipe.changes(default_recipe(run.model))
    if run.recipe.raft is not None:
        changes["raft"] = Path(run.recipe.raft).name  # not where it lies on one machine
    settings = [f" --set {name}={text}" for name, text in changes.items()]
    return f"lsgui train --data DATA --model {run.model}{index} --out RUN{''.join(settings)}"


def _digest(split: Split) -> str:
    """Return a hash of which clip stands in which set."""
    parts = [
        f"{name} {row.name} {row.start} {row.stop} {row.label}" for name, rows in split.sets.items() for row in rows
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
