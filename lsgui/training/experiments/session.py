"""One call of `lsgui experiment`: from the folder to the report, and what is said on the way."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lsgui.core.errors import DatasetError, ModelError
from lsgui.inference.protocol import DeviceChoice
from lsgui.training.data.data_folder import read_folder
from lsgui.training.data.dataset_rows import DatasetRow
from lsgui.training.data.split import split_by_patient
from lsgui.training.evaluation.report import kind_of
from lsgui.training.experiments.catalogue import find_experiments
from lsgui.training.experiments.plan import Trial, choose_trials, plan_trials
from lsgui.training.experiments.report import DataFacts, write_report
from lsgui.training.experiments.run import CACHE, RUNS, Standing, run_trials

REPORTS = "report"

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class ExperimentSession:
    """What to train, on what, and where it goes.

    Attributes
    ----------
    trials, chosen
        All networks of the experiments, and those to train now; the report tells of all.
    data, index
        The labelled folder, and rows to use in place of its own.
    rows, facts
        Its clips, and what is said of them.
    command
        What was typed, without the folders of one machine.
    note
        One sentence on clips that are missing; empty where all are there.
    """

    trials: tuple[Trial, ...]
    chosen: tuple[Trial, ...]
    data: Path
    index: Path | None
    rows: tuple[DatasetRow, ...]
    facts: DataFacts
    out: Path
    device: DeviceChoice
    command: str
    note: str = ""

    @classmethod
    def plan(
        cls,
        name: str,
        data: Path,
        index: Path | None,
        out: Path,
        settings: Sequence[str],
        only: Sequence[str],
        device: DeviceChoice,
    ) -> "ExperimentSession":
        """Check all that can be checked before hours are spent.

        Raises
        ------
        LsguiError
            One sentence when a name, a setting or the data set cannot be used.
        """
        trials = plan_trials(find_experiments(name), settings)
        chosen = choose_trials(trials, only)
        if any(trial.recipe.edits for trial in trials):
            raise ModelError("Experiments take labelled clips as they are: leave --set edits out.")
        folder = read_folder(data, index)
        _check_kinds(folder.rows)
        for seed, shares in dict.fromkeys((trial.recipe.seed, trial.recipe.split) for trial in trials):
            split_by_patient(folder.rows, shares, seed)
        if any(trial.recipe.split[2] <= 0 for trial in trials):
            raise ModelError("An experiment needs a test set: give the third share of --set split a size.")
        command = _command(name, data, index, settings, only)
        facts = _facts(data, folder.rows, len(folder.missing))
        return cls(trials, chosen, data, index, folder.rows, facts, out, device, command, folder.note)

    def execute(self, resume: bool, say: Say, done: Say) -> int:
        """Train, write the report, and return the exit status: 0, or 2 where a network could not be trained.

        Parameters
        ----------
        say, done
            Take what is worth knowing on the way, and the path of what was asked for.

        Raises
        ------
        Exception
            A fault of the program in one of the networks, once the others and the report are done.
        """
        from lsgui.inference.device import resolve_device
        from lsgui.training.experiments.trial import ClipTrial

        def tell(standing: Standing) -> None:
            if sys.stderr.isatty() and standing.trial is not None:
                say(_where(standing))

        device = resolve_device(self.device)
        for note in filter(None, (self.note, device.note)):
            say(note)
        train = ClipTrial(self.data, self.index, self.out / RUNS / CACHE, device)
        summary = run_trials(
            self.trials, self.out, self._identity(), train, chosen=self.chosen, resume=resume, report=tell
        )
        written = write_report(
            self.out / REPORTS, self.trials, summary.outcomes, summary.faults, self.facts, self.command
        )
        for name, sentence in summary.faults.items():
            say(f"{name} failed: {sentence}")
        done(str(written[0]))
        if summary.broken is not None:
            raise summary.broken
        return 2 if summary.faults else 0

    def _identity(self) -> dict[str, Any]:
        """Return what decides the data: every labelled stretch, and the size of its file."""
        return {
            "rows": [
                [
                    row.clip.name,
                    row.label.value,
                    row.patient,
                    row.source,
                    row.start,
                    row.stop,
                    row.clip.stat().st_size if row.clip.is_file() else None,
                ]
                for row in self.rows
            ]
        }


def _command(name: str, data: Path, index: Path | None, settings: Sequence[str], only: Sequence[str]) -> str:
    """Return what was typed, files by their names alone."""
    parts = [f"lsgui experiment {name} --data {data.resolve().name} --out OUT"]
    parts += [f"--index {index.name}"] if index else []
    for text in settings:
        setting, _, value = text.strip().partition("=")
        parts.append(f"--set {setting}={Path(value).name if setting == 'raft' else value}")
    return " ".join([*parts, *(f"--only {text}" for text in only)])


def _check_kinds(rows: Sequence[DatasetRow]) -> None:
    kinds = sorted({kind_of(row.source) for row in rows})
    if len(kinds) > 1:
        raise DatasetError(
            f"The data set mixes {' and '.join(kinds)} clips, which must not share a figure: name the rows of one "
            "kind with --index."
        )
    labels = {row.absent for row in rows}
    if len(labels) < 2:
        held = "ls_a" if labels == {True} else "ls_p"
        raise DatasetError(f"All clips of the data set are labelled {held}: an experiment needs both labels.")


def _facts(data: Path, rows: Sequence[DatasetRow], missing: int) -> DataFacts:
    return DataFacts(
        name=data.resolve().name,
        clips=len(rows),
        absent=sum(row.absent for row in rows),
        patients=len({row.patient for row in rows}),
        sources=tuple(sorted({row.source or "unnamed" for row in rows})),
        missing=missing,
    )


def _where(standing: Standing) -> str:
    assert standing.trial is not None
    left = "" if standing.left_s is None else f", about {_duration(standing.left_s)} left"
    return f"{standing.trial.name}, network {standing.done + 1} of {standing.total}{left}"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"
