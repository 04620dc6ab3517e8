"""Trains one network of an experiment by the same run as `lsgui train`, and keeps what it said of the test clips."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lsgui.core.errors import DatasetError
from lsgui.inference.device import Device
from lsgui.training.clips.checkpointing import RunFiles
from lsgui.training.clips.run import ClipRun, ClipRunResult
from lsgui.training.data.dataset_rows import DatasetRow
from lsgui.training.evaluation.calibrate import probabilities
from lsgui.training.experiments.plan import Trial
from lsgui.training.experiments.result import Outcome, SetSize


@dataclass(frozen=True, slots=True)
class ClipTrial:
    """Trains networks on one data set; see `lsgui.training.experiments.run.TrainTrial`.

    Attributes
    ----------
    data, index
        The labelled folder, and rows to use in place of its own.
    cache
        Where prepared clips are kept for all networks.
    device
        Where to compute.
    """

    data: Path
    index: Path | None
    cache: Path
    device: Device

    def __call__(self, trial: Trial, folder: Path, *, resume: bool) -> Outcome:
        """Train into `folder`, or on from the checkpoint there, and judge the test clips."""
        run = ClipRun(
            data=self.data,
            index=self.index,
            out=folder,
            model=trial.experiment.model,
            recipe=trial.recipe,
            device=self.device.kind,
            resume=resume,
            cache=self.cache,
            about=f"the experiment {trial.name}",
        )
        result = run.run()
        if not result.scores:
            raise DatasetError("There is no test set to judge networks on: give the third share of --set split a size.")
        RunFiles(folder).forget()  # a finished run needs no checkpoint, and the paper's take half a gigabyte each
        return _outcome(trial, result, self.device.name)


def _outcome(trial: Trial, result: ClipRunResult, device: str) -> Outcome:
    card = result.card
    return Outcome(
        trial=trial.name,
        model_parameters=card.parameters,
        sets={name: _size(rows) for name, rows in result.split.sets.items()},
        scores=result.scores,
        threshold=card.threshold,
        threshold_source=card.threshold_source,
        even_odds=float(probabilities([0.0], card.calibration)[0]),
        history=result.training.history,
        best_epoch=result.training.best_epoch,
        device=device,
        seconds=result.seconds,
    )


def _size(rows: Sequence[DatasetRow]) -> SetSize:
    return SetSize(len(rows), sum(row.absent for row in rows), len({row.patient for row in rows}))
