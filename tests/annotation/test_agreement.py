"""Agreement coefficients give the figures of the published examples, and say so where there is nothing to measure."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from lsgui.annotation.agreement import cohen_kappa, confusion, figure, fleiss_kappa, gwet_ac1, raw_agreement

FLEISS_1971 = """00060 03003 01401 00006 03030 20400 00402 20310 20040 00006 10050 11040 03300 10050 02031
00501 30012 51000 02040 10203 00006 01050 02013 20040 10041 05010 40002 02040 10500 00006"""
"""Fleiss (1971), table 1: how many of six psychiatrists gave each of 30 patients each of five diagnoses."""

COHEN_1960 = [[88, 14, 18], [10, 40, 10], [2, 6, 12]]
"""Cohen (1960), table 1 as counts of 200 subjects."""

GWET_2008 = [[118, 5], [2, 0]]

GWET_2014 = (
    """1 1 . 1, 2 2 3 2, 3 3 3 3, 3 3 3 3, 2 2 2 2, 1 2 3 4, 4 4 4 4, 1 1 2 1, 2 2 2 2, . 5 5 5, . . 1 1, . 3 . ."""
)
"""Gwet (2014), the example of four raters, twelve units and missing reads (after Krippendorff)."""


def _from_table(table: list[list[int]]) -> np.ndarray:
    rows = [(a, b) for a, line in enumerate(table) for b, count in enumerate(line) for _ in range(count)]
    return np.array(rows)


def _from_counts(text: str) -> np.ndarray:
    return np.array([[k for k, count in enumerate(map(int, row)) for _ in range(count)] for row in text.split()])


def _with_gaps(text: str) -> np.ndarray:
    return np.array([[-1 if cell == "." else int(cell) - 1 for cell in row.split()] for row in text.split(",")])


def _of_clips(ratings: np.ndarray) -> list[str]:
    return [f"clip {k}" for k in range(len(ratings))]


def _value(coefficient, ratings: np.ndarray) -> float:
    value = figure(coefficient, ratings, _of_clips(ratings), resamples=250).value
    assert value is not None
    return value


def test_fleiss_own_example() -> None:
    ratings = _from_counts(FLEISS_1971)
    assert ratings.shape == (30, 6)
    assert np.bincount(ratings.ravel()).tolist() == [26, 26, 30, 55, 43]
    assert _value(raw_agreement, ratings) == pytest.approx(0.556, abs=5e-4)
    assert _value(fleiss_kappa, ratings) == pytest.approx(0.430, abs=5e-4)


def test_cohens_own_example() -> None:
    ratings = _from_table(COHEN_1960)
    assert _value(raw_agreement, ratings) == pytest.approx(0.70)
    assert _value(cohen_kappa, ratings) == pytest.approx(0.492, abs=5e-4)
    assert confusion(ratings[:, 0], ratings[:, 1], 3).tolist() == COHEN_1960


def test_gwets_paradox() -> None:
    ratings = _from_table(GWET_2008)
    assert _value(gwet_ac1, ratings) == pytest.approx(0.941, abs=5e-4)
    assert _value(cohen_kappa, ratings) == pytest.approx(-0.023, abs=5e-4)


def test_missing_reads_as_gwet_counts_them() -> None:
    ratings = _with_gaps(GWET_2014)
    assert _value(raw_agreement, ratings) == pytest.approx(0.81818, abs=5e-6)
    assert _value(fleiss_kappa, ratings) == pytest.approx(0.76117, abs=5e-6)
    assert _value(gwet_ac1, ratings) == pytest.approx(0.77544, abs=5e-6)


reads = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40)


@given(reads)
def test_cohen_agrees_with_another_library(rows: list[tuple[int, int]]) -> None:
    ratings = np.array(rows)
    ours = figure(cohen_kappa, ratings, _of_clips(ratings), resamples=10).value
    if len(np.unique(ratings)) == 1:
        assert ours is None
    else:
        assert ours == pytest.approx(float(cohen_kappa_score(ratings[:, 0], ratings[:, 1])), abs=1e-9)


@given(reads)
def test_figures_are_numbers_or_say_why(rows: list[tuple[int, int]]) -> None:
    ratings = np.array(rows)
    for coefficient in (raw_agreement, cohen_kappa, fleiss_kappa, gwet_ac1):
        got = figure(coefficient, ratings, _of_clips(ratings), resamples=50)
        assert (got.value is None or got.low is None) == bool(got.why)
        if got.value is not None:
            assert -1.0 <= got.value <= 1.0 + 1e-12
        if got.low is not None and got.high is not None:
            assert got.low <= got.high


def test_one_label_only_is_said() -> None:
    same = np.zeros((20, 2), dtype=int)
    assert figure(cohen_kappa, same, _of_clips(same)).why.startswith("every read says the same")
    assert figure(fleiss_kappa, same, _of_clips(same)).value is None
    assert figure(gwet_ac1, same, _of_clips(same)).value == 1.0
    assert figure(raw_agreement, same, _of_clips(same)).value == 1.0


def test_perfect_agreement_claims_no_certainty() -> None:
    same = np.array([[0, 0], [1, 1], [0, 0], [1, 1]])
    got = figure(cohen_kappa, same, _of_clips(same))
    assert (got.value, got.low, got.high) == (1.0, None, None)
    assert "cannot tell the spread" in got.why


def test_one_clip_has_no_interval_and_no_pair_no_figure() -> None:
    one = figure(raw_agreement, np.array([[0, 1]]), ["a"])
    assert (one.value, one.low, one.high) == (0.0, None, None)
    assert "interval" in one.why
    assert figure(gwet_ac1, np.array([[0, -1], [-1, 1]]), ["a", "b"]).why == "no clip has two reads"
    assert figure(raw_agreement, np.zeros((0, 2), dtype=int), []).value is None


def test_clips_of_one_patient_are_drawn_together() -> None:
    random = np.random.default_rng(3)
    truth = np.repeat(random.integers(0, 2, 30), 10)
    agreeing = np.repeat(random.random(30) < 0.7, 10)
    ratings = np.stack([truth, np.where(agreeing, truth, 1 - truth)], axis=1)
    by_clip = figure(raw_agreement, ratings, _of_clips(ratings))
    by_patient = figure(raw_agreement, ratings, [f"patient {k // 10}" for k in range(300)])
    assert by_clip.value == by_patient.value
    assert by_patient.high - by_patient.low > 2 * (by_clip.high - by_clip.low)


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    """Two raters who agree in 80 % of clips: about 95 of 100 intervals hold .8."""
    random = np.random.default_rng(11)
    held = 0
    for _ in range(100):
        first = random.integers(0, 2, 120)
        second = np.where(random.random(120) < 0.8, first, 1 - first)
        got = figure(raw_agreement, np.stack([first, second], axis=1), [str(k) for k in range(120)], resamples=500)
        held += got.low <= 0.8 <= got.high
    assert 89 <= held <= 100
