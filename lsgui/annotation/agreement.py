"""How far raters agree beyond chance: raw agreement, Cohen's and Fleiss' kappa, Gwet's AC1, with 95 % intervals.

All coefficients are (p_a - p_e) / (1 - p_e), with p_a the agreement seen and p_e the agreement that chance would give;
they differ in p_e. Missing reads are handled as in K. L. Gwet, "Handbook of Inter-Rater Reliability", 4th edition
(2014), chapter 2: a clip that only one rater read says nothing of the agreement, but counts in how often each label is
used; no read is ever guessed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ratings = npt.NDArray[np.int64]
"""What was said, (clips, raters): the number of a category from 0 up, -1 where a rater did not read the clip."""

Weights = npt.NDArray[np.float64]
"""How often each clip counts, (samples, clips)."""

Values = npt.NDArray[np.float64]
"""A coefficient for each sample, (samples,); NaN where it is not defined. Never leaves this module."""

RESAMPLES = 2000
SEED = 20240
_CHUNK = 250
_CERTAIN = 1.0 - 1e-12
"""Chance agreement from which on a coefficient is not defined: everybody said the same of everything."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A coefficient with its 95 % interval.

    Attributes
    ----------
    value
        None where it is not defined; `why` then says so.
    low, high
        2.5th and 97.5th percentile over the resamples; None where the data carry no interval.
    why
        One clause on what is missing; empty where all is there.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    why: str = ""

    def to_json(self) -> dict[str, float | str | None]:
        """Return the figure as JSON, rounded to six decimals."""
        out: dict[str, float | str | None] = {
            name: None if number is None else round(number, 6)
            for name, number in (("value", self.value), ("low", self.low), ("high", self.high))
        }
        return {**out, "why": self.why} if self.why else out


Coefficient = Callable[[Ratings, int, Weights], Values]
"""Takes the ratings, the number of categories of the scale and the weights of the clips."""


def raw_agreement(ratings: Ratings, categories: int, weights: Weights) -> Values:
    """Return the share of agreeing pairs of reads of a clip, averaged over the clips with at least two reads."""
    counts = _counts(ratings, categories)
    reads = counts.sum(axis=1)
    paired = reads >= 2
    pairs = np.where(paired, reads * (reads - 1), 1.0)
    agreeing = np.where(paired, (counts * (counts - 1)).sum(axis=1) / pairs, 0.0)
    return _ratio(weights @ agreeing, weights @ paired.astype(float))


def cohen_kappa(ratings: Ratings, categories: int, weights: Weights) -> Values:
    """Return Cohen's kappa of two raters over the clips that both read.

    p_e is the sum over labels of the product of both raters' own shares. J. Cohen, "A coefficient of agreement for
    nominal scales", Educational and Psychological Measurement 20 (1960) 37-46; his example gives .492.
    """
    if ratings.shape[1] != 2:
        raise ValueError(f"Cohen's kappa is of two raters, not {ratings.shape[1]}")
    both = np.asarray((ratings >= 0).all(axis=1))
    first, second = (_one_hot(ratings[:, rater], categories) * both[:, None] for rater in (0, 1))
    total = weights @ both.astype(float)
    seen = _ratio(weights @ (first * second).sum(axis=1), total)
    chance = (_ratio(weights @ first, total[:, None]) * _ratio(weights @ second, total[:, None])).sum(axis=1)
    return _beyond_chance(seen, chance)


def fleiss_kappa(ratings: Ratings, categories: int, weights: Weights) -> Values:
    """Return Fleiss' kappa of any number of raters.

    p_e is the sum of the squared shares of the labels over all reads. J. L. Fleiss, "Measuring nominal scale agreement
    among many raters", Psychological Bulletin 76 (1971) 378-382; his example of 30 patients and 6 raters gives .430.
    """
    shares = _shares(ratings, categories, weights)
    return _beyond_chance(raw_agreement(ratings, categories, weights), (shares**2).sum(axis=1))


def gwet_ac1(ratings: Ratings, categories: int, weights: Weights) -> Values:
    """Return Gwet's AC1, which stays meaningful where nearly all clips are of one class.

    p_e is the sum over the q labels of share * (1 - share), over q - 1. K. L. Gwet, "Computing inter-rater reliability
    and its variance in the presence of high agreement", British Journal of Mathematical and Statistical Psychology 61
    (2008) 29-48. Two raters with 118, 5, 2 and 0 subjects in their table: AC1 .941 where Cohen's kappa is -.023.
    """
    shares = _shares(ratings, categories, weights)
    chance = (shares * (1.0 - shares)).sum(axis=1) / (max(categories, 2) - 1)
    return _beyond_chance(raw_agreement(ratings, categories, weights), chance)


def figure(coefficient: Coefficient, ratings: Ratings, clusters: Sequence[str], resamples: int = RESAMPLES) -> Figure:
    """Return a coefficient with its 95 % interval by bootstrap over clusters (percentiles, a fixed seed).

    Parameters
    ----------
    ratings
        Any numbers from 0 up; the scale is the labels that somebody used, at least two.
    clusters
        What each clip belongs to, (clips,): its patient where he is known, else the clip itself. Clips of one patient
        are drawn together, for they are not independent.
    """
    used = np.unique(ratings[ratings >= 0])
    dense = np.where(ratings >= 0, np.searchsorted(used, np.maximum(ratings, 0)), -1)
    categories = max(len(used), 2)
    if not ((ratings >= 0).sum(axis=1) >= 2).any():
        return Figure(None, why="no clip has two reads")
    value = float(coefficient(dense, categories, np.ones((1, len(ratings))))[0])
    if np.isnan(value):
        return Figure(None, why="every read says the same, so agreement beyond chance cannot be told")
    spread = _resampled(coefficient, dense, categories, clusters, resamples)
    if spread is None:
        return Figure(value, why="too few clips or patients for an interval")
    if np.ptp(spread) == 0:  # a width of nothing would claim certainty
        return Figure(value, why="every resample gives the same, which cannot tell the spread")
    low, high = np.percentile(spread, (2.5, 97.5))
    return Figure(value, float(low), float(high))


def confusion(first: npt.NDArray[np.int64], second: npt.NDArray[np.int64], categories: int) -> npt.NDArray[np.int64]:
    """Return how often the first rater said the row's label and the second the column's, (categories, categories)."""
    both = (first >= 0) & (second >= 0)
    table = np.zeros((categories, categories), dtype=np.int64)
    np.add.at(table, (first[both], second[both]), 1)
    return table


def _resampled(
    coefficient: Coefficient, ratings: Ratings, categories: int, clusters: Sequence[str], resamples: int
) -> Values | None:
    """Return the coefficient of each resample; None where fewer than half of them have one."""
    names, of_clip = np.unique(np.asarray(clusters), return_inverse=True)
    if len(names) < 2:
        return None
    random = np.random.default_rng(SEED)
    even = np.full(len(names), 1.0 / len(names))
    parts = [
        coefficient(ratings, categories, random.multinomial(len(names), even, size=size)[:, of_clip].astype(float))
        for size in [_CHUNK] * (resamples // _CHUNK) + [resamples % _CHUNK]
        if size
    ]
    values = np.concatenate(parts)
    defined = values[~np.isnan(values)]
    return defined if 2 * len(defined) > resamples else None


def _one_hot(column: npt.NDArray[np.int64], categories: int) -> npt.NDArray[np.float64]:
    return np.asarray(column[:, None] == np.arange(categories), dtype=float)


def _counts(ratings: Ratings, categories: int) -> npt.NDArray[np.float64]:
    """Return how many raters gave each clip each label, (clips, categories)."""
    return np.asarray((ratings[:, :, None] == np.arange(categories)).sum(axis=1), dtype=float)


def _shares(ratings: Ratings, categories: int, weights: Weights) -> npt.NDArray[np.float64]:
    """Return how often each label is used: its share within each clip, averaged over the clips that somebody read."""
    counts = _counts(ratings, categories)
    reads = counts.sum(axis=1)
    within = counts / np.maximum(reads, 1.0)[:, None]
    return _ratio(weights @ within, (weights @ (reads >= 1).astype(float))[:, None])


def _ratio(above: npt.NDArray[np.float64], below: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    sound = np.broadcast_to(below > 0, above.shape)
    return np.asarray(np.divide(above, below, out=np.full(above.shape, np.nan), where=sound))


def _beyond_chance(seen: Values, chance: Values) -> Values:
    sound = chance < _CERTAIN  # also false for NaN
    return np.asarray(np.divide(seen - chance, 1.0 - chance, out=np.full(seen.shape, np.nan), where=sound))
