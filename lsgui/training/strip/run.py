"""One training run of `cmwru-strip`, from the folder to the card."""

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.progress import Progress

from lsgui.core.atomic_file import write_atomic
from lsgui.core.errors import DatasetError, DeviceError, ModelError
from lsgui.inference.verdict import VerdictRule
from lsgui.models.card import Calibration, ModelCard, read_card
from lsgui.models.cmwru_strip import CmwruStrip
from lsgui.training.clips.config import read_settings
from lsgui.training.data.sources import DatasetRow, dataset_sources, is_recorded, read_dataset
from lsgui.training.distributed import World, in_turn, joined
from lsgui.training.progress import training_bars
from lsgui.training.strip.cache import simulated_strips
from lsgui.training.strip.codec import check_encoder
from lsgui.training.strip.folds import FINAL, SIMULATED_ALONE, FoldFiles, identity_of
from lsgui.training.strip.leave_one_out import Judgement, leave_one_out
from lsgui.training.strip.log import StripLog, strip_log
from lsgui.training.strip.measure import ABSTAIN, calibrated, measured
from lsgui.training.strip.publish import command_of, publish
from lsgui.training.strip.recipe import StripRecipe
from lsgui.training.strip.trainer import Stage, Weights, pretraining, train_strip_network, training
from lsgui.training.strip.windows import StripSource, WindowBank

_log = logging.getLogger(__name__)


def read_recipe(model: str, config: Path | None, settings: Sequence[str]) -> StripRecipe:
    """Return the recipe with the settings of a TOML file and of the command line, the latter stronger.

    Raises
    ------
    ModelError
        When the model cannot be trained here or a setting is wrong.
    """
    if model != "cmwru-strip":
        raise ModelError(f"Model {model!r} cannot be trained by this version: choose cmwru-strip.")
    recipe = StripRecipe()
    for name, value in read_settings(config, settings).items():
        recipe = recipe.with_setting(name, str(value))
    return recipe


@dataclass(frozen=True, slots=True)
class _Tools:
    """What every stage of a run has: processes, bars and log to tell of itself, files to leave its work in."""

    world: World
    bars: Progress
    log: StripLog | None
    files: FoldFiles


@dataclass(frozen=True, slots=True)
class StripRun:
    """What to train on and where the result goes."""

    data: Path
    index: Path | None
    out: Path
    recipe: StripRecipe
    device: str
    resume: bool

    def execute(self, measure: bool) -> ModelCard:
        """Train, write weights, card and figures into `out`, and return the card.

        Parameters
        ----------
        measure
            Train once for every patient without that patient first, and put the figures on the card.
        """
        self._check()
        rows = read_dataset(self.data, self.index)
        self._check_rows(rows, measure)
        with joined(self.device) as world:
            real = dataset_sources(rows)
            used = [source.row for source in real if source.row is not None]
            self._check_rows(used, measure)
            files = FoldFiles(self.out, identity_of(self.recipe, real))
            if self.resume:
                files.check()
            elif world.writes:
                files.begin_anew()
            with training_bars(world.writes) as bars, strip_log(self.out, self.resume, world.writes) as log:
                tools = _Tools(world, bars, log, files)
                simulated = in_turn(world, lambda: self._simulated(bars))
                train = self._trainer(tools, self._pretrained(simulated, tools))
                judged = leave_one_out(real, simulated, train, _note) if measure else []
                network = train([*real, *simulated], FINAL)
                if world.writes:
                    self._measure_and_publish(network, used, judged, measure)
                world.wait()
        return read_card(self.out)

    def _check_rows(self, rows: Sequence[DatasetRow], measure: bool) -> None:
        """Refuse rows that the network cannot be trained on, or not be measured on, before anything is trained."""
        if all(row.absent for row in rows):
            raise DatasetError(
                f"{self.index or self.data}: there is no sliding clip (ls_p), and of those cmwru-strip makes its "
                "absent ones: add some."
            )
        sliding = {row.patient for row in rows if is_recorded(row) and not row.absent}
        if measure and len(sliding) < 2:
            raise DatasetError(
                f"{self.index or self.data}: to leave one patient out, sliding clips (ls_p) of two patients are needed "
                f"at least, and there are those of {len(sliding)}: add some, or train without --leave-one-out."
            )

    def _measure_and_publish(
        self, network: CmwruStrip, rows: Sequence[DatasetRow], judged: Sequence[Judgement], measure: bool
    ) -> None:
        calibration = Calibration(source="none: the network's own odds")
        if self.recipe.uses_simulation:
            calibration = calibrated(network, self.recipe.seed, self.out)
        metrics: dict[str, Any] = {}
        if measure:
            rule = VerdictRule(0.5, ABSTAIN, calibration.temperature, calibration.bias)
            self._write("leave_one_out.json", [one.to_json(rule) for one in judged])
            metrics = measured(network, judged, calibration, self.recipe.seed, self.out)
        command = command_of(self.index, self.recipe, measure)
        publish(network, rows, self.recipe, calibration, metrics, command, self.out)

    def _check(self) -> None:
        import torch

        if self.device == "cuda" and not torch.cuda.is_available():
            raise DeviceError("There is no CUDA device here: train with --device cpu.")
        if self.recipe.h264_odds > 0:
            check_encoder()
        try:
            self.out.mkdir(parents=True, exist_ok=True)
        except OSError as fault:
            raise DatasetError(f"{self.out}: the folder cannot be made ({fault.strerror}).") from fault

    def _simulated(self, bars: Progress) -> list[StripSource]:
        count = self.recipe.simulated_clips if self.recipe.uses_simulation else 0
        if not count:
            return []
        task = bars.add_task("simulating clips", total=count)
        return simulated_strips(count, self.recipe.seed, self.out, lambda done, _: bars.update(task, completed=done))

    def _pretrained(self, simulated: Sequence[StripSource], tools: _Tools) -> Weights | None:
        """Return weights that have seen simulated strips alone: with no patient in them, one set does for all folds."""
        if not simulated or not self.recipe.pretrain_steps:
            return None
        return self._train(simulated, SIMULATED_ALONE, pretraining(self.recipe), tools).state_dict()

    def _trainer(self, tools: _Tools, start: Weights | None) -> Callable[[Sequence[StripSource], str], CmwruStrip]:
        bank = WindowBank()
        return lambda sources, fold: self._train(sources, fold, training(self.recipe, start), tools, bank)

    def _train(
        self, sources: Sequence[StripSource], fold: str, stage: Stage, tools: _Tools, bank: WindowBank | None = None
    ) -> CmwruStrip:
        bars, world = tools.bars, tools.world
        task = bars.add_task(f"training ({fold})", total=stage.steps)

        def report(step: int, _steps: int, loss: float) -> None:
            bars.update(task, completed=step, description=f"training ({fold}) loss {loss:.3f}")
            if tools.log is not None:
                tools.log.note(fold, step, stage.steps, loss)
            if step % 50 == 0:
                _log.info("fold %s step %d loss %.4f", fold, step, loss)

        files = tools.files
        network = train_strip_network(
            sources,
            self.recipe,
            world.device,
            files.checkpoint(fold),
            report,
            stage,
            bank,
            world,
            files.identity,
        )
        return network.cpu()

    def _write(self, name: str, content: Any) -> None:
        write_atomic(self.out / name, (json.dumps(content, indent=1) + "\n").encode("utf-8"))


def _note(patient: str, judged: Sequence[Judgement]) -> None:
    _log.info("left out %s: %d clips judged", patient, len(judged))
