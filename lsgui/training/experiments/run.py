"""Runs the networks of experiments one after the other; what is finished stays, what fails is reported at the end.

OUT/runs/<experiment>/<variant>/    weights, checkpoint, history and result.json of one network
OUT/runs/cache/                     clips as pictures, shared by all networks
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from lsgui.core.errors import DatasetError, LsguiError
from lsgui.training.experiments.plan import Trial
from lsgui.training.experiments.result import Outcome, fingerprint_of, read_outcome, write_outcome

RUNS, CACHE = "runs", "cache"


class TrainTrial(Protocol):
    """Trains one network and judges it on the test set."""

    def __call__(self, trial: Trial, folder: Path, *, resume: bool) -> Outcome:
        """Train into `folder`, or on from what is there.

        Raises
        ------
        LsguiError
            When it cannot be trained; one sentence.
        """
        ...


@dataclass(frozen=True, slots=True)
class Standing:
    """How far all is, after or before a network.

    Attributes
    ----------
    done, total
        Networks.
    trial
        The next one, None at the end.
    left_s
        Seconds that are left by what the others took; None where nothing is known yet.
    """

    done: int
    total: int
    trial: Trial | None
    left_s: float | None


@dataclass(slots=True)
class RunSummary:
    """What came of it, by the trial's name.

    Attributes
    ----------
    outcomes
        Of finished networks.
    faults
        Why others are not, in one sentence each.
    trained
        Names of those that were trained now and not taken from an earlier run.
    broken
        The last fault that was the program's, not the user's: to be raised once the report is written.
    """

    outcomes: dict[str, Outcome] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    trained: list[str] = field(default_factory=list)
    broken: Exception | None = None


def run_trials(
    trials: Sequence[Trial],
    out: Path,
    data: Mapping[str, Any],
    train: TrainTrial,
    *,
    chosen: Sequence[Trial] | None = None,
    resume: bool = False,
    report: Callable[[Standing], None] = lambda _standing: None,
) -> RunSummary:
    """Train every network that is not finished yet; one that fails does not stop the others.

    Parameters
    ----------
    out
        Results go into `out/runs`.
    data
        What a finished run must have in common with this one besides its settings.
    chosen
        Those of the trials to train now, all by default; of the others only what is finished is taken.
    resume
        Take finished networks as they are and go on with a broken one. Else `out/runs` must not hold any.

    Raises
    ------
    DatasetError
        When `out` holds runs and `resume` is not asked for, or cannot be written.
    """
    chosen = trials if chosen is None else chosen
    folder = _runs_folder(out, chosen, resume)
    summary = RunSummary()
    for trial in trials:
        kept = _finished(trial, folder, data)
        if kept is not None:
            summary.outcomes[trial.name] = kept
    left = [trial for trial in chosen if trial.name not in summary.outcomes]
    pace = _Pace(summary.outcomes, trials)
    for number, trial in enumerate(left):
        report(Standing(len(chosen) - len(left) + number, len(chosen), trial, pace.left(left[number:])))
        began = time.perf_counter()
        _run_one(trial, folder, data, train, summary)
        pace.note(trial, time.perf_counter() - began)
    report(Standing(len(chosen), len(chosen), None, 0.0))
    return summary


def _runs_folder(out: Path, trials: Sequence[Trial], resume: bool) -> Path:
    folder = out / RUNS
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise DatasetError(f"{out}: the folder cannot be made ({fault.strerror}): name another one.") from fault
    there = [trial.name for trial in trials if (folder / trial.name).exists()]
    if there and not resume:
        raise DatasetError(f"{folder} already holds {there[0]}: go on with --resume, or name another --out.")
    return folder


def _finished(trial: Trial, folder: Path, data: Mapping[str, Any]) -> Outcome | None:
    """Return the outcome of an earlier run with the same settings and data."""
    outcome = read_outcome(folder / trial.name)
    if outcome is None:
        return None
    if outcome.fingerprint != trial_fingerprint(trial, data):
        raise DatasetError(
            f"{folder / trial.name} was trained with other settings or data: take the same, or name another --out."
        )
    return outcome


def trial_fingerprint(trial: Trial, data: Mapping[str, Any]) -> str:
    """Return the hash of all that decides a network's result; how many threads read its clips does not."""
    settings = trial.recipe.model_dump(exclude={"workers"})
    return fingerprint_of({"model": trial.experiment.model, **settings}, data)


def _run_one(trial: Trial, folder: Path, data: Mapping[str, Any], train: TrainTrial, summary: RunSummary) -> None:
    place = folder / trial.name
    try:
        place.mkdir(parents=True, exist_ok=True)
        outcome = replace(train(trial, place, resume=True), fingerprint=trial_fingerprint(trial, data))
        write_outcome(outcome, place)
        summary.outcomes[trial.name] = outcome
        summary.trained.append(trial.name)
    except LsguiError as fault:
        summary.faults[trial.name] = str(fault)
    except OSError as fault:  # a full disk, a folder that may not be written
        summary.faults[trial.name] = f"{fault.filename or place}: {fault.strerror or fault}."
    except Exception as fault:  # a night's other networks must not be lost to one that breaks
        logging.getLogger(__name__).exception("%s: a fault of the program", trial.name)
        summary.faults[trial.name] = f"a fault of the program ({type(fault).__name__}: {fault})"
        summary.broken = fault


class _Pace:
    """Guesses how long the rest takes from what the finished networks took, by model where one is known."""

    def __init__(self, finished: Mapping[str, Outcome], trials: Sequence[Trial]) -> None:
        self._took: dict[str, list[tuple[float, float]]] = {}
        for trial in trials:
            if trial.name in finished:
                self.note(trial, finished[trial.name].seconds)

    def note(self, trial: Trial, seconds: float) -> None:
        self._took.setdefault(trial.experiment.model, []).append((trial.cost, seconds))

    def left(self, trials: Sequence[Trial]) -> float | None:
        if not self._took:
            return None
        every = [pair for pairs in self._took.values() for pair in pairs]
        return sum(trial.cost * _rate(self._took.get(trial.experiment.model, every)) for trial in trials)


def _rate(pairs: Sequence[tuple[float, float]]) -> float:
    """Return seconds for a unit of cost."""
    return sum(seconds for _, seconds in pairs) / sum(cost for cost, _ in pairs)
