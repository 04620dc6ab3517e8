"""The ROC curve of one model on one set of clips, with its band by patient."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lsgui.training.evaluation.metrics import INTERVAL, Bools, Floats, Metrics, Value, metrics_of, patient_draws

GRID_POINTS = 101
DRAWS = 500


@dataclass(frozen=True, slots=True, eq=False)
class RocCurve:
    """A curve and what is written beside it.

    Attributes
    ----------
    false_rate, true_rate
        (k,) 1 - specificity and sensitivity over all thresholds.
    grid, low, high
        (101,) 1 - specificity and the 95 % band of the sensitivity there by patient; low and high are None where fewer
        than two patients carry a class.
    point
        (1 - specificity, sensitivity) at the threshold; None where one class is missing.
    """

    name: str
    false_rate: Floats
    true_rate: Floats
    grid: Floats
    low: Floats | None
    high: Floats | None
    auc: Value
    threshold: float
    point: tuple[float, float] | None


def roc_curve_of(
    name: str,
    absent: Sequence[bool] | Bools,
    p_absent: Sequence[float] | Floats,
    patients: Sequence[str],
    threshold: float,
) -> RocCurve:
    """Return the curve of (n,) labels, probabilities and patients. Both classes must be there."""
    truth, p = np.asarray(absent, dtype=bool), np.asarray(p_absent, dtype=np.float64)
    found = metrics_of(truth, p, patients, threshold)
    names, whose = np.unique(np.asarray(patients, dtype=str), return_inverse=True)
    false_rate, true_rate = _points(truth, p, np.ones(len(p)))
    grid = np.linspace(0.0, 1.0, GRID_POINTS)
    low = high = None
    if found.auc.low is not None:
        rows = []
        for draw in patient_draws(len(names), DRAWS):
            weights = draw[whose].astype(np.float64)
            if weights[truth].sum() and weights[~truth].sum():
                rows.append(_at(grid, *_points(truth, p, weights)))
        low, high = np.percentile(rows, INTERVAL, axis=0)
    return RocCurve(name, false_rate, true_rate, grid, low, high, found.auc, threshold, _working_point(found))


def _points(truth: Bools, p: Floats, weights: Floats) -> tuple[Floats, Floats]:
    order = np.argsort(-p, kind="stable")
    last = np.flatnonzero(np.r_[np.diff(p[order]) < 0, True])
    true = np.cumsum(weights[order] * truth[order])[last]
    false = np.cumsum(weights[order] * ~truth[order])[last]
    return np.r_[0.0, false / false[-1]], np.r_[0.0, true / true[-1]]


def _at(grid: Floats, false_rate: Floats, true_rate: Floats) -> Floats:
    """Return the sensitivity at each point of the grid; where the curve rises straight up, its upper end."""
    nudged = false_rate + np.arange(len(false_rate)) * 1e-12
    return np.interp(grid + len(false_rate) * 1e-12, nudged, true_rate)


def _working_point(found: Metrics) -> tuple[float, float] | None:
    if found.recall.value is None or found.specificity.value is None:
        return None
    return 1.0 - found.specificity.value, found.recall.value
