"""How well probabilities of absent sliding fit the labels: the figures of `lsgui evaluate`, with intervals by patient.

Absent sliding (ls_a) is the positive class. Every figure carries a 95 % percentile bootstrap interval that draws whole
patients: clips of one patient, and windows of one clip, resemble each other and are no independent evidence.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lsgui.core.label import SlidingLabel
from lsgui.core.prediction import WindowScore

BOOTSTRAPS = 2000
INTERVAL = (2.5, 97.5)
SEED = 20240501
CALIBRATION_BINS = 10
BINNING = "expected calibration error over 10 bins of equal width between 0 and 1, each weighted by its count"

RATES = ("accuracy", "precision", "recall", "specificity")
NAMES = ("auc", "accuracy", "precision", "recall", "specificity", "f1", "calibration_error")
"""The figures in the order of the report."""

_CHUNK = 64
_NO_PATIENT = "no clip was scored"

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ClipScores:
    """What was said of one labelled clip.

    Attributes
    ----------
    clip
        Its path inside the data set's folder.
    patient, source
        Who and where it comes from.
    label
        The label of the data set: ls_a or ls_p.
    p_absent
        Calibrated probability of absent sliding; None where nothing could be scored.
    windows
        Probability for each window, in frames of the file.
    verdict
        The program's answer by its one rule.
    start, stop
        Frames start..stop-1 were judged.
    quality
        Flags that the answer carries.
    motion_index
        0 (lung moves with the chest wall) to 1; None where it could not be measured.
    line
        Where the pleural line comes from: "file", "auto", "none".
    """

    clip: str
    patient: str
    source: str
    label: SlidingLabel
    p_absent: float | None
    windows: tuple[WindowScore, ...] = ()
    verdict: SlidingLabel = SlidingLabel.CANNOT_ASSESS
    start: int = 0
    stop: int = 0
    quality: tuple[str, ...] = ()
    motion_index: float | None = None
    line: str = "none"

    @property
    def absent(self) -> bool:
        """Whether the label is ls_a."""
        return self.label is SlidingLabel.LS_A


@dataclass(frozen=True, slots=True)
class Value:
    """A figure with its 95 % interval; None where it would say nothing, and then `reason` says why.

    Attributes
    ----------
    note
        A sentence that keeps the interval from being read for more than it is; else empty.
    """

    value: float | None
    low: float | None
    high: float | None
    reason: str = ""
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the mapping of the report: value, low, high, and reason or note where there is one."""
        out: dict[str, Any] = {name: _rounded(getattr(self, name)) for name in ("value", "low", "high")}
        return out | {name: text for name in ("reason", "note") if (text := getattr(self, name))}

    def words(self, digits: int = 2) -> str:
        """Return "0.91 [0.84-0.97]" for tables, "-" where there is no value."""
        if self.value is None:
            return "-"
        if self.low is None or self.high is None:
            return f"{self.value:.{digits}f}"
        return f"{self.value:.{digits}f} [{self.low:.{digits}f}-{self.high:.{digits}f}]"


@dataclass(frozen=True, slots=True)
class Metrics:
    """All figures of one set of clips or windows.

    Attributes
    ----------
    n, absent, patients
        Scored items, those of them labelled ls_a, and patients.
    confusion
        ((true negative, false positive), (false negative, true positive)); positive is ls_a.
    """

    n: int
    absent: int
    patients: int
    auc: Value
    accuracy: Value
    precision: Value
    recall: Value
    specificity: Value
    f1: Value
    calibration_error: Value
    confusion: tuple[tuple[int, int], tuple[int, int]]

    def to_json(self) -> dict[str, Any]:
        """Return the mapping M of the report."""
        out: dict[str, Any] = {"n": self.n, "absent": self.absent, "patients": self.patients}
        out |= {name: getattr(self, name).to_json() for name in NAMES}
        return out | {"confusion": [list(row) for row in self.confusion]}


def clip_metrics(rows: Sequence[ClipScores], threshold: float) -> Metrics:
    """Return the figures per clip: every clip that has a probability counts once, at the threshold.

    Clips without a verdict (in the abstain band, or flagged) count too: leaving them out would flatter.
    """
    scored = [(row, row.p_absent) for row in rows if row.p_absent is not None]
    return metrics_of([r.absent for r, _ in scored], [p for _, p in scored], [r.patient for r, _ in scored], threshold)


def window_metrics(rows: Sequence[ClipScores], threshold: float) -> Metrics:
    """Return the figures per window, each with its clip's label."""
    scored = [(row, window.p_absent) for row in rows for window in row.windows]
    return metrics_of([r.absent for r, _ in scored], [p for _, p in scored], [r.patient for r, _ in scored], threshold)


def metrics_of(
    absent: Sequence[bool] | Bools, p_absent: Sequence[float] | Floats, patients: Sequence[str], threshold: float
) -> Metrics:
    """Return the figures of (n,) labels, probabilities and patients; called absent from `threshold` on.

    A figure that the set cannot give (an area without both classes, a recall without absent clips) is None with a
    reason, and so is an interval where fewer than two patients carry the figure.
    """
    truth, p = np.asarray(absent, dtype=bool), np.asarray(p_absent, dtype=np.float64)
    names, whose = np.unique(np.asarray(patients, dtype=str), return_inverse=True)
    called = p >= threshold
    cells = _cells(truth, called)
    if not len(p):
        nothing = Value(None, None, None, reason=_NO_PATIENT)
        return Metrics(0, 0, 0, **dict.fromkeys(NAMES, nothing), confusion=((0, 0), (0, 0)))
    by_patient = _sums_by_patient(np.column_stack([cells, *_calibration_columns(truth, p)]), whose, len(names))
    draws = patient_draws(len(names))
    sums, drawn = by_patient.sum(axis=0, keepdims=True), draws @ by_patient
    values = {
        name: _value(name, float(rule(sums)[0]), rule(drawn), _carriers(name, by_patient)) for name, rule in _RULES
    }
    areas = drawn_areas(truth, p, draws, whose)
    values["auc"] = _value("auc", area_under_curve(truth, p), areas, _carriers("auc", by_patient))
    return Metrics(
        n=len(p),
        absent=int(truth.sum()),
        patients=len(names),
        **{name: values[name] for name in NAMES},
        confusion=_confusion(cells),
    )


def patient_draws(patients: int, count: int = BOOTSTRAPS) -> npt.NDArray[np.int64]:
    """Return how often each patient is drawn, (count, patients): as many patients as there are, with replacement."""
    rng = np.random.default_rng(SEED)
    return rng.multinomial(patients, np.full(patients, 1.0 / patients), size=count)


def area_under_curve(absent: Bools, p_absent: Floats) -> float:
    """Return the area under the ROC curve, ties counted half; NaN where one class is missing."""
    return float(weighted_areas(absent, p_absent, np.ones((1, len(p_absent)), dtype=np.int64))[0])


def weighted_areas(absent: Bools, p_absent: Floats, weights: npt.NDArray[np.int64]) -> Floats:
    """Return the area for each row of weights (draws, n); NaN where a draw holds one class only.

    The area is the chance that an absent item ranks above a present one (Mann-Whitney), ties counted half.
    """
    if not len(p_absent):
        return np.full(len(weights), np.nan)
    order = np.argsort(p_absent, kind="stable")
    first = np.flatnonzero(np.r_[True, np.diff(p_absent[order]) > 0])
    out = np.empty(len(weights))
    for begin in range(0, len(weights), _CHUNK):
        drawn = weights[begin : begin + _CHUNK][:, order].astype(np.float64)
        positive = np.add.reduceat(drawn * absent[order], first, axis=1)
        negative = np.add.reduceat(drawn * ~absent[order], first, axis=1)
        below = np.cumsum(negative, axis=1) - 0.5 * negative
        pairs = positive.sum(axis=1) * negative.sum(axis=1)
        out[begin : begin + _CHUNK] = _ratio((positive * below).sum(axis=1), pairs)
    return out


def drawn_areas(absent: Bools, p_absent: Floats, draws: npt.NDArray[np.int64], whose: npt.NDArray[np.int64]) -> Floats:
    """Return the area for each draw of patients (draws, patients); `whose` (n,) names the patient of each item."""
    parts = (draws[k : k + _CHUNK] for k in range(0, len(draws), _CHUNK))  # all weights at once would fill the memory
    return np.concatenate([weighted_areas(absent, p_absent, part[:, whose]) for part in parts])


def interval_of(draws: Floats) -> tuple[float, float] | None:
    """Return the 95 % percentile interval of the draws that have a value, None where none has."""
    known = draws[np.isfinite(draws)]
    if not len(known):
        return None
    low, high = np.percentile(known, INTERVAL)
    return float(low), float(high)


def _cells(truth: Bools, called: Bools) -> npt.NDArray[np.int64]:
    """Return (n, 4): true negative, false positive, false negative, true positive."""
    return np.column_stack([~truth & ~called, ~truth & called, truth & ~called, truth & called]).astype(np.int64)


def _confusion(cells: npt.NDArray[np.int64]) -> tuple[tuple[int, int], tuple[int, int]]:
    tn, fp, fn, tp = (int(count) for count in cells.sum(axis=0))
    return (tn, fp), (fn, tp)


def _calibration_columns(truth: Bools, p: Floats) -> list[Floats]:
    """Return for each bin of probability the column (n,) of p - truth: its sum is the bin's weighted gap."""
    bins = np.minimum((p * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    return [np.where(bins == k, p - truth, 0.0) for k in range(CALIBRATION_BINS)]


def _sums_by_patient(columns: Floats, whose: npt.NDArray[np.int64], patients: int) -> Floats:
    out = np.zeros((patients, columns.shape[1]))
    np.add.at(out, whose, columns)
    return out


def _ratio(above: Floats, below: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(below > 0, above / below, np.nan))


def _split(sums: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    return sums[:, 0], sums[:, 1], sums[:, 2], sums[:, 3]


def _accuracy(sums: Floats) -> Floats:
    tn, fp, fn, tp = _split(sums)
    return _ratio(tn + tp, tn + fp + fn + tp)


def _precision(sums: Floats) -> Floats:
    _, fp, _, tp = _split(sums)
    return _ratio(tp, tp + fp)


def _recall(sums: Floats) -> Floats:
    _, _, fn, tp = _split(sums)
    return _ratio(tp, tp + fn)


def _specificity(sums: Floats) -> Floats:
    tn, fp, _, _ = _split(sums)
    return _ratio(tn, tn + fp)


def _f1(sums: Floats) -> Floats:
    _, fp, fn, tp = _split(sums)
    return _ratio(2 * tp, 2 * tp + fp + fn)


def _calibration_error(sums: Floats) -> Floats:
    return _ratio(np.abs(sums[:, 4:]).sum(axis=1), sums[:, :4].sum(axis=1))


_RULES: tuple[tuple[str, Callable[[Floats], Floats]], ...] = (
    ("accuracy", _accuracy),
    ("precision", _precision),
    ("recall", _recall),
    ("specificity", _specificity),
    ("f1", _f1),
    ("calibration_error", _calibration_error),
)


@dataclass(frozen=True, slots=True)
class _Carriers:
    """How many patients a figure rests on, and the classes or calls without which it says nothing."""

    patients: int
    missing: str


def _carriers(name: str, by_patient: Floats) -> _Carriers:
    tn, fp, fn, tp = (column > 0 for column in _split(by_patient))
    present, absent, called = tn | fp, fn | tp, fp | tp
    need = {
        "recall": [(absent, "labelled ls_a")],
        "specificity": [(present, "labelled ls_p")],
        "precision": [(absent, "labelled ls_a"), (present, "labelled ls_p"), (called, "called absent")],
        "f1": [(absent, "labelled ls_a"), (present, "labelled ls_p")],
        "auc": [(absent, "labelled ls_a"), (present, "labelled ls_p")],
    }.get(name, [(present | absent, "scored")])
    missing = next((what for has, what in need if not has.any()), "")
    if name == "precision":  # its interval rests on those that were called absent
        need = need[2:]
    return _Carriers(min(int(has.sum()) for has, _ in need), missing)


def _value(name: str, value: float, draws: Floats, carriers: _Carriers) -> Value:
    if carriers.missing:
        return Value(None, None, None, reason=f"nothing in this set is {carriers.missing}")
    if carriers.patients < 2:
        return Value(value, None, None, reason="one patient carries this figure: no interval by patient")
    interval = interval_of(draws)
    if interval is None:
        return Value(value, None, None, reason="no draw of patients holds both classes: no interval")
    low, high = interval
    return Value(value, min(low, value), max(high, value), note=_note(name, value, interval, carriers.patients))


def _note(name: str, value: float, interval: tuple[float, float], patients: int) -> str:
    """Return what an interval of no width hides: no error among k patients still allows a rate of 1 - 0.05^(1/k)."""
    if interval[0] != interval[1]:
        return ""
    if name in RATES and value in (0.0, 1.0):
        bound = 1.0 - 0.05 ** (1.0 / patients)
        what = "error" if value == 1.0 else "success"
        return f"no {what} among {patients} patients: its true rate may still be {bound:.0%} (exact, one-sided 95 %)"
    return "the bootstrap does not vary on so few clips: the interval is too narrow"


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
