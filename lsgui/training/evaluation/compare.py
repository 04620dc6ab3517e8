"""Two models on the same clips: do they rank better or worse, answer right more often, and where do they differ."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lsgui.core.atomic_file import atomic_file
from lsgui.core.errors import DatasetError
from lsgui.core.file_names import as_cell
from lsgui.core.label import SlidingLabel
from lsgui.training.evaluation.metrics import (
    ClipScores,
    Metrics,
    Value,
    area_under_curve,
    clip_metrics,
    drawn_areas,
    interval_of,
    patient_draws,
)
from lsgui.training.evaluation.report import kind_of, kinds_in, mixed_sentence
from lsgui.training.evaluation.run import Evaluation

TABLE = "disagreements.csv"
TABLE_COLUMNS = (
    "clip",
    "start",
    "patient",
    "source",
    "label",
    "p_first",
    "verdict_first",
    "p_second",
    "verdict_second",
    "right_at_threshold",
)

Pair = tuple[ClipScores, ClipScores]


@dataclass(frozen=True, slots=True)
class McNemar:
    """Exact McNemar test on clips that one model gets right at its threshold and the other does not.

    Attributes
    ----------
    p
        Two-sided; it takes clips as independent, so with several clips a patient it is too small.
    """

    both_right: int
    first_only_right: int
    second_only_right: int
    both_wrong: int
    p: float


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Two models on the clips that both have scored.

    Attributes
    ----------
    pairs
        What both said of each clip.
    metrics
        Of the first and of the second on these clips, each at its own threshold.
    auc_difference
        First minus second; the interval draws patients, the same for both.
    at_threshold
        Right and wrong at the thresholds.
    verdicts
        The same on clips that both gave a verdict on.
    """

    first: Evaluation
    second: Evaluation
    pairs: tuple[Pair, ...]
    metrics: tuple[Metrics, Metrics]
    auc_difference: Value
    at_threshold: McNemar
    verdicts: McNemar

    @property
    def names(self) -> tuple[str, str]:
        """Name of each model; with its version or folder where both have the same."""
        one, two = self.first.card, self.second.card
        if one.id != two.id:
            return one.id, two.id
        if one.version != two.version:
            return f"{one.id} {one.version}", f"{two.id} {two.version}"
        return f"{one.id} ({one.folder.name})", f"{two.id} ({two.folder.name}, second)"

    @property
    def disagreements(self) -> tuple[Pair, ...]:
        """Clips on which the answers differ."""
        return tuple(pair for pair in self.pairs if pair[0].verdict is not pair[1].verdict)

    def to_json(self) -> dict[str, Any]:
        """Return the mapping that `lsgui evaluate --against` adds to the report."""
        return {
            "first": self.names[0],
            "second": self.names[1],
            "n": len(self.pairs),
            "auc": [metrics.auc.to_json() for metrics in self.metrics],
            "auc_difference": self.auc_difference.to_json(),
            "mcnemar": _test_json(self.at_threshold),
            "mcnemar_of_verdicts": _test_json(self.verdicts),
            "disagreements": len(self.disagreements),
            "clip": [metrics.to_json() for metrics in self.metrics],
            "mixed": mixed_sentence([one for one, _ in self.pairs]) or None,
            "unread_by_second": [{"clip": fault.clip, "error": fault.sentence} for fault in self.second.unread],
        }


def compare(first: Evaluation, second: Evaluation) -> Comparison:
    """Compare two models pair-wise on the clips that both have scored.

    Raises
    ------
    DatasetError
        When there is no such clip.
    """
    others = {(row.clip, row.start): row for row in second.rows if row.p_absent is not None}
    pairs = tuple(
        (row, others[row.clip, row.start])
        for row in first.rows
        if row.p_absent is not None and (row.clip, row.start) in others
    )
    if not pairs:
        raise DatasetError(f"No clip was scored by both {first.card.id} and {second.card.id}: nothing to compare.")
    ones, twos = [one for one, _ in pairs], [two for _, two in pairs]
    at = (first.card.threshold, second.card.threshold)
    right = [[_called(row, limit) == row.absent for row in rows] for rows, limit in zip((ones, twos), at, strict=True)]
    unsure = SlidingLabel.CANNOT_ASSESS
    answered = [pair for pair in pairs if unsure not in (pair[0].verdict, pair[1].verdict)]
    return Comparison(
        first,
        second,
        pairs,
        (clip_metrics(ones, at[0]), clip_metrics(twos, at[1])),
        _auc_difference(pairs),
        mcnemar(right[0], right[1]),
        mcnemar([one.verdict is one.label for one, _ in answered], [two.verdict is two.label for _, two in answered]),
    )


def mcnemar(first_right: Sequence[bool], second_right: Sequence[bool]) -> McNemar:
    """Return the exact test for (n,) answers of two models on the same clips, right or wrong."""
    from scipy.stats import binomtest

    one, two = np.asarray(first_right, dtype=bool), np.asarray(second_right, dtype=bool)
    only_one, only_two = int((one & ~two).sum()), int((two & ~one).sum())
    p = float(binomtest(only_one, only_one + only_two, 0.5).pvalue) if only_one + only_two else 1.0
    return McNemar(int((one & two).sum()), only_one, only_two, int((~one & ~two).sum()), p)


def _auc_difference(pairs: Sequence[Pair]) -> Value:
    truth = np.array([one.absent for one, _ in pairs])
    if truth.all() or not truth.any():
        return Value(None, None, None, reason="both classes are needed for an area under the curve")
    p = [np.array([pair[k].p_absent or 0.0 for pair in pairs]) for k in (0, 1)]
    names, whose = np.unique([one.patient for one, _ in pairs], return_inverse=True)
    value = area_under_curve(truth, p[0]) - area_under_curve(truth, p[1])
    if min(len(set(whose[truth])), len(set(whose[~truth]))) < 2:
        return Value(value, None, None, reason="one patient carries a class: no interval by patient")
    draws = patient_draws(len(names))  # the same patients for both models
    interval = interval_of(drawn_areas(truth, p[0], draws, whose) - drawn_areas(truth, p[1], draws, whose))
    if interval is None:
        return Value(value, None, None, reason="no draw of patients holds both classes: no interval")
    return Value(value, min(interval[0], value), max(interval[1], value))


def _called(row: ClipScores, threshold: float) -> bool:
    return row.p_absent is not None and row.p_absent >= threshold


def _test_json(test: McNemar) -> dict[str, Any]:
    return {
        "both_right": test.both_right,
        "first_only_right": test.first_only_right,
        "second_only_right": test.second_only_right,
        "both_wrong": test.both_wrong,
        "p": round(test.p, 6),
    }


def write_comparison(found: Comparison, folder: Path, pooled: bool = False) -> list[Path]:
    """Write the list of disagreements (CSV) and the figures into the folder; return their paths.

    Real, edited and simulated clips get figures of their own, see `evaluation_report.write_figures`.
    """
    made = [_write_table(found, folder / TABLE)]
    rows = [one for one, _ in found.pairs]
    mixed = mixed_sentence(rows)
    if not mixed or pooled:
        made += _figures_of(found, found.pairs, folder, "", mixed)
    for kind in kinds_in(rows) if mixed else ():
        chosen = [pair for pair in found.pairs if kind_of(pair[0].source) == kind]
        made += _figures_of(found, chosen, folder, f"_{kind}", "")
    return made


def _write_table(found: Comparison, path: Path) -> Path:
    at = (found.first.card.threshold, found.second.card.threshold)
    names = {(True, True): "both", (True, False): "first", (False, True): "second", (False, False): "neither"}
    with atomic_file(path, newline="") as file:
        table = csv.writer(file)
        table.writerow(TABLE_COLUMNS)
        for one, two in found.disagreements:
            who = names[_called(one, at[0]) == one.absent, _called(two, at[1]) == two.absent]
            said = (one.p_absent, one.verdict.value, two.p_absent, two.verdict.value)
            clip, patient, source = map(as_cell, (one.clip, one.patient, one.source))
            table.writerow((clip, one.start, patient, source, one.label.value, *said, who))
    return path


def _figures_of(found: Comparison, pairs: Sequence[Pair], folder: Path, ending: str, note: str) -> list[Path]:
    from lsgui.training.evaluation.figures import bars_with_intervals, paired_figure, roc_figure, save_figure
    from lsgui.training.evaluation.roc import roc_curve_of

    at = (found.first.card.threshold, found.second.card.threshold)
    both = [[pair[k] for pair in pairs] for k in (0, 1)]
    truth = np.array([row.absent for row in both[0]])
    p = (np.array([row.p_absent for row in both[0]]), np.array([row.p_absent for row in both[1]]))
    patients = [row.patient for row in both[0]]
    kind = " and ".join(kinds_in(both[0]))
    title = f"{found.names[0]} against {found.names[1]}\n{len(pairs)} {kind} clips of {len(set(patients))} patients"
    figures = {"compare_scores": paired_figure(truth, p, found.names, at, title, note)}
    if truth.any() and not truth.all():
        curves = [roc_curve_of(found.names[k], truth, p[k], patients, at[k]) for k in (0, 1)]
        figures["compare_roc"] = roc_figure(curves, title, note)
    metrics = [clip_metrics(rows, limit) for rows, limit in zip(both, at, strict=True)]
    names = {"auc": "AUC", "recall": "sensitivity", "specificity": "specificity", "accuracy": "accuracy", "f1": "F1"}
    series = {found.names[k]: [getattr(metrics[k], name) for name in names] for k in (0, 1)}
    figures["compare_bars"] = bars_with_intervals(list(names.values()), series, title, note=note)
    return [save_figure(figure, folder / f"{name}{ending}.png") for name, figure in figures.items()]
