"""From logits to probabilities that hold, and the threshold for a stated sensitivity. On the validation set alone."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lsgui.core.errors import DatasetError
from lsgui.models.card import Calibration

HIGHEST, LOWEST = 1.0 - 1e-9, 1e-9
"""A threshold stays between these: a card's lies within 0 and 1."""

STEEPEST = 100.0
"""Largest slope that is believed: temperature 0.01."""

Floats = npt.NDArray[np.float64]


def calibrate(
    logits: Sequence[float] | Floats, absent: Sequence[bool] | npt.NDArray[np.bool_], *, of: str = "validation clips"
) -> Calibration:
    """Return temperature and bias that fit the probability of absent sliding to the labels (Platt scaling).

    p = 1 / (1 + exp(-(logit + bias) / temperature)), fitted by logistic regression to Platt's smoothed targets
    (N+ + 1) / (N+ + 2) and 1 / (N- + 2), which keeps a separable set from odds without bound (Platt, 1999).

    Parameters
    ----------
    logits, absent
        (n,) logit of each clip as the verdict takes it (mean over the line, median over the windows), and its label.
    of
        What the clips are, for the card's sentence.

    Returns
    -------
    Calibration
        Without effect where the set has one class only or ranks the classes the wrong way round; `source` says so.
    """
    x, y = np.asarray(logits, dtype=np.float64), np.asarray(absent, dtype=bool)
    positive, negative = int(y.sum()), int((~y).sum())
    what = f"{len(y)} {of} ({positive} absent)"
    if not positive or not negative:
        return Calibration(source=f"none: {what} hold one class only")
    slope, offset = _logistic_line(x, y)
    if slope <= 1.0 / STEEPEST:
        return Calibration(source=f"none: on {what} higher logits do not mean absent more often")
    source = f"temperature and bias fitted to {what}"
    # a slope that is not believed is made gentler about the same even odds
    return Calibration(temperature=round(1.0 / min(slope, STEEPEST), 6), bias=round(offset / slope, 6), source=source)


def _logistic_line(x: Floats, y: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Return slope and offset of the log odds over the logit, for smoothed targets."""
    from sklearn.linear_model import LogisticRegression

    high = (y.sum() + 1.0) / (y.sum() + 2.0)
    low = 1.0 / ((~y).sum() + 2.0)
    target = np.where(y, high, low)
    scale = max(float(np.abs(x).max()), 1e-9)  # the solver wants numbers about 1
    both = np.concatenate([x, x])[:, None] / scale
    classes = np.repeat([1, 0], len(x))
    weights = np.concatenate([target, 1.0 - target])
    fitted = LogisticRegression(C=1e8, tol=1e-8, max_iter=1000).fit(both, classes, sample_weight=weights)
    return float(fitted.coef_[0, 0]) / scale, float(fitted.intercept_[0])


def probabilities(logits: Sequence[float] | Floats, calibration: Calibration) -> Floats:
    """Return the calibrated probabilities of (n,) logits."""
    scaled = (np.asarray(logits, dtype=np.float64) + calibration.bias) / calibration.temperature
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(scaled, -60.0, 60.0))))


@dataclass(frozen=True, slots=True)
class ThresholdChoice:
    """A threshold and what it gives on the set it was chosen on.

    Attributes
    ----------
    sensitivity, specificity
        Reached there; specificity is None where the set holds no ls_p.
    source
        The sentence for a card's `threshold_source`.
    """

    threshold: float
    sensitivity: float
    specificity: float | None
    source: str


def threshold_for_sensitivity(
    p_absent: Sequence[float] | Floats,
    absent: Sequence[bool] | npt.NDArray[np.bool_],
    sensitivity: float = 0.95,
    *,
    of: str = "validation clips",
) -> ThresholdChoice:
    """Return the highest threshold that calls at least `sensitivity` of the absent clips absent.

    It lies half-way between the last absent clip that must be called and the next clip below, so that rounding does
    not turn a clip.

    Raises
    ------
    DatasetError
        When there is no absent clip to choose by.
    """
    if not 0.0 < sensitivity <= 1.0:
        raise DatasetError(f"A sensitivity of {sensitivity} cannot be asked for: choose one above 0 and up to 1.")
    p, y = np.asarray(p_absent, dtype=np.float64), np.asarray(absent, dtype=bool)
    if not y.any():
        raise DatasetError(f"None of {len(y)} {of} is labelled ls_a: no threshold can be chosen for a sensitivity.")
    ranked = np.sort(p[y])[::-1]
    needed = int(np.ceil(sensitivity * len(ranked) - 1e-9))
    last = float(ranked[needed - 1])
    below = p[p < last]
    threshold = (last + float(below.max())) / 2.0 if len(below) else last
    threshold = float(np.clip(threshold, LOWEST, HIGHEST))
    reached = float((p[y] >= threshold).mean())
    spared = float((p[~y] < threshold).mean()) if (~y).any() else None
    source = (
        f"chosen on {len(y)} {of} ({int(y.sum())} absent) for a sensitivity of {sensitivity:.2f}: there it reached "
        f"{reached:.2f}" + ("" if spared is None else f" at a specificity of {spared:.2f}")
    )
    return ThresholdChoice(threshold, reached, spared, source)
