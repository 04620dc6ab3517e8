"""The figures of an experiment: each variant by itself, and against the reference on the same test clips."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from lsgui.training.evaluation.metrics import (
    Bools,
    ClipScores,
    Floats,
    Metrics,
    Value,
    clip_metrics,
    interval_of,
    metrics_of,
    patient_draws,
    weighted_areas,
    window_metrics,
)
from lsgui.training.experiments.plan import Trial
from lsgui.training.experiments.result import Outcome

COMPARED = ("recall", "specificity", "auc")
"""What variants are compared by: the paper's two figures, and one that no threshold moves."""


@dataclass(frozen=True, slots=True)
class VariantRow:
    """One variant in the tables.

    Attributes
    ----------
    trial, outcome
        What was asked for, and what came of it; None where training failed or was not done.
    fault
        Why there is no outcome, in one sentence.
    windows
        As the paper counts: each window of the test clips, called absent where the network's logit is above 0.
    clips
        Each test clip once, at the threshold that was chosen on the validation set.
    differences
        This variant minus the reference, for windows at even odds, by the names of `COMPARED`; empty for the
        reference itself.
    """

    trial: Trial
    outcome: Outcome | None = None
    fault: str = ""
    windows: Metrics | None = None
    clips: Metrics | None = None
    differences: Mapping[str, Value] = field(default_factory=dict)

    @property
    def is_reference(self) -> bool:
        """Whether the others are compared with this one."""
        return self.trial.variant.name == self.trial.experiment.reference

    def value(self, name: str) -> Value | None:
        """Return a figure of the paper's kind, None where there is no outcome."""
        return None if self.windows is None else getattr(self.windows, name)


def variant_rows(
    trials: Sequence[Trial], outcomes: Mapping[str, Outcome], faults: Mapping[str, str]
) -> tuple[VariantRow, ...]:
    """Return the rows of one experiment in the paper's order.

    Parameters
    ----------
    outcomes, faults
        By the trial's name.
    """
    reference = next((outcomes.get(t.name) for t in trials if t.variant.name == t.experiment.reference), None)
    return tuple(_row(trial, outcomes.get(trial.name), faults.get(trial.name, ""), reference) for trial in trials)


def _row(trial: Trial, outcome: Outcome | None, fault: str, reference: Outcome | None) -> VariantRow:
    if outcome is None:
        return VariantRow(trial, fault=fault or "not trained yet")
    compared = reference is not None and reference.trial != outcome.trial
    return VariantRow(
        trial,
        outcome,
        windows=window_metrics(outcome.scores, outcome.even_odds),
        clips=clip_metrics(outcome.scores, outcome.threshold),
        differences=paired_differences(outcome, reference) if compared and reference is not None else {},
    )


def paired_differences(one: Outcome, other: Outcome) -> dict[str, Value]:
    """Return the figures of `one` minus those of `other` on the windows that both judged, by the names of `COMPARED`.

    Every bootstrap draw takes the same patients for both, so that what makes a patient hard cancels: two variants may
    differ surely where their own intervals overlap.
    """
    pairs = _pairs(one, other)
    if not len(pairs.patients):
        return {name: Value(None, None, None, reason="no window was judged by both") for name in COMPARED}
    names, whose = np.unique(pairs.patients, return_inverse=True)
    draws = patient_draws(len(names))[:, whose]
    once = np.ones((1, len(whose)), dtype=np.int64)
    own = metrics_of(pairs.absent, pairs.p[0], pairs.patients.tolist(), pairs.odds[0])
    return {
        name: _difference(
            float(pairs.figure(name, 0, once)[0] - pairs.figure(name, 1, once)[0]),
            pairs.figure(name, 0, draws) - pairs.figure(name, 1, draws),
            getattr(own, name),
        )
        for name in COMPARED
    }


@dataclass(frozen=True, slots=True, eq=False)
class _Pairs:
    """What two networks said of the same windows.

    Attributes
    ----------
    patients, absent
        (n,) whose window, and whether its clip is labelled ls_a.
    p, odds
        Of either network: (n,) probabilities, and the probability at which its logit is 0.
    """

    patients: npt.NDArray[np.str_]
    absent: Bools
    p: tuple[Floats, Floats]
    odds: tuple[float, float]

    def figure(self, name: str, which: int, weights: npt.NDArray[np.int64]) -> Floats:
        """Return one network's figure for each row of weights (draws, n)."""
        if name == "auc":
            return weighted_areas(self.absent, self.p[which], weights)
        called = self.p[which] >= self.odds[which]
        members, right = (self.absent, called) if name == "recall" else (~self.absent, ~called)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(weights @ (members & right).astype(float) / (weights @ members.astype(float)))


def _pairs(one: Outcome, other: Outcome) -> _Pairs:
    theirs = {(score.clip, score.start): score for score in other.scores}
    rows: list[tuple[str, bool, float, float]] = []
    for mine in one.scores:
        their = theirs.get((mine.clip, mine.start))
        if their is None or not mine.windows or not their.windows:
            continue
        rows += [(mine.patient, mine.absent, a, b) for a, b in _window_pairs(mine, their)]
    return _Pairs(
        np.array([row[0] for row in rows], dtype=str),
        np.array([row[1] for row in rows], dtype=bool),
        (np.array([row[2] for row in rows], dtype=float), np.array([row[3] for row in rows], dtype=float)),
        (one.even_odds, other.even_odds),
    )


def _window_pairs(mine: ClipScores, their: ClipScores) -> list[tuple[float, float]]:
    """Return both probabilities of each window; of the clip's median window where the two cut other windows."""
    places = [[(w.start, w.stop) for w in score.windows] for score in (mine, their)]
    odds = [[w.p_absent for w in score.windows] for score in (mine, their)]
    if places[0] == places[1]:
        return list(zip(*odds, strict=True))
    return [(float(np.median(odds[0])), float(np.median(odds[1])))]


def _difference(value: float, draws: Floats, carried: Value) -> Value:
    """Return a difference; without a value or interval where the figure itself has none, for the same reason."""
    if carried.value is None:
        return Value(None, None, None, reason=carried.reason)
    interval = interval_of(draws) if carried.low is not None else None
    if interval is None:
        return Value(value, None, None, reason=carried.reason or "no draw of patients holds both classes: no interval")
    return Value(value, min(interval[0], value), max(interval[1], value))
