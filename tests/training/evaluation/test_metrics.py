"""The figures of an evaluation: right numbers, intervals by patient, and nothing said where nothing can be."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scored_clips import scored
from sklearn import metrics as reference

from lsgui.training.evaluation.metrics import (
    NAMES,
    area_under_curve,
    clip_metrics,
    metrics_of,
    weighted_areas,
    window_metrics,
)
from lsgui.training.evaluation.reliability import isotonic_curve, reliability_bins
from lsgui.training.evaluation.roc import roc_curve_of


def _random_set(seed, n=60, patients=15):
    rng = np.random.default_rng(seed)
    absent = rng.random(n) < 0.4
    p = np.clip(np.round(0.5 * absent + rng.normal(0.3, 0.25, n), 1), 0, 1)  # rounded: ties
    return absent, p, [f"P{k}" for k in rng.integers(patients, size=n)]


@pytest.mark.parametrize("seed", range(4))
def test_values_are_those_of_scikit_learn(seed):
    absent, p, patients = _random_set(seed)
    found = metrics_of(absent, p, patients, 0.5)
    called = p >= 0.5
    assert found.auc.value == pytest.approx(reference.roc_auc_score(absent, p))
    assert found.accuracy.value == pytest.approx(reference.accuracy_score(absent, called))
    assert found.precision.value == pytest.approx(reference.precision_score(absent, called))
    assert found.recall.value == pytest.approx(reference.recall_score(absent, called))
    assert found.specificity.value == pytest.approx(reference.recall_score(~absent, ~called))
    assert found.f1.value == pytest.approx(reference.f1_score(absent, called))
    assert [list(row) for row in found.confusion] == reference.confusion_matrix(absent, called).tolist()
    assert found.calibration_error.value == pytest.approx(reliability_bins(absent, p).error)
    assert (found.n, found.absent, found.patients) == (60, absent.sum(), len(set(patients)))
    for name in NAMES:
        value = getattr(found, name)
        assert 0.0 <= value.low <= value.value <= value.high <= 1.0
        assert value.low < value.high


def test_weighted_areas_are_those_of_scikit_learn():
    absent, p, _ = _random_set(7)
    weights = np.random.default_rng(1).integers(0, 4, (100, len(p)))
    found = weighted_areas(absent, p, weights)
    expected = [reference.roc_auc_score(absent, p, sample_weight=row) for row in weights]
    np.testing.assert_allclose(found, expected)


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1), st.sampled_from("abcd")), min_size=1, max_size=25))
def test_whatever_the_set_no_figure_is_wrong_without_saying_so(items):
    found = metrics_of([i[0] for i in items], [i[1] for i in items], [i[2] for i in items], 0.5)
    for name in NAMES:
        value = getattr(found, name)
        if value.value is None:
            assert value.low is value.high is None
            assert value.reason
        elif value.low is None:
            assert value.high is None
            assert value.reason
        else:
            assert 0.0 <= value.low <= value.value <= value.high <= 1.0
            assert value.low < value.high or value.note


def test_the_interval_draws_patients_not_clips():
    """Four patients of fifty clips that are all alike: clips would make it narrow, patients know that it is wide."""
    absent, p, patients = [], [], []
    for patient, right in (("a", True), ("b", True), ("c", False), ("d", True)):
        for k in range(50):
            absent.append(k % 2 == 0)
            p.append(0.9 if (k % 2 == 0) == right else 0.1)
            patients.append(patient)
    found = metrics_of(absent, p, patients, 0.5)
    assert found.recall.value == 0.75
    assert found.recall.low <= 0.25
    assert found.recall.high == 1.0
    by_clip = metrics_of(absent, p, [str(k) for k in range(len(p))], 0.5)
    assert by_clip.recall.high - by_clip.recall.low < 0.2, "what a bootstrap by clip would have claimed"


def test_the_same_set_gives_the_same_interval_in_any_order():
    absent, p, patients = _random_set(3)
    order = np.random.default_rng(0).permutation(len(p))
    shuffled = metrics_of(absent[order], p[order], [patients[k] for k in order], 0.5)
    expected = metrics_of(absent, p, patients, 0.5)
    for name in NAMES:
        one, two = getattr(shuffled, name), getattr(expected, name)
        assert (one.value, one.low, one.high) == pytest.approx((two.value, two.low, two.high))


def test_one_class_gives_no_area_and_says_why():
    found = metrics_of([False] * 6, [0.1, 0.2, 0.3, 0.1, 0.7, 0.2], list("aabbcc"), 0.5)
    for name in ("auc", "recall", "precision", "f1"):
        value = getattr(found, name)
        assert (value.value, value.low, value.high) == (None, None, None)
        assert "ls_a" in value.reason
        assert value.to_json()["reason"] == value.reason
    assert found.specificity.value == pytest.approx(5 / 6)
    assert found.specificity.low < found.specificity.high
    only_absent = metrics_of([True] * 4, [0.9] * 4, list("abcd"), 0.5)
    assert only_absent.specificity.value is None
    assert only_absent.precision.value is None, "with nothing to be wrong about, 1 would be no praise"


def test_one_patient_gives_values_without_intervals():
    found = metrics_of([True, False, True], [0.8, 0.2, 0.4], ["a"] * 3, 0.5)
    for name in NAMES:
        value = getattr(found, name)
        assert value.low is value.high is None
        assert "patient" in value.reason
    assert found.recall.value == 0.5


def test_a_class_that_one_patient_carries_has_no_interval():
    found = metrics_of([True, True, False, False, False], [0.9, 0.3, 0.1, 0.2, 0.6], list("aabcd"), 0.5)
    assert (found.recall.value, found.recall.low) == (0.5, None)
    assert found.auc.low is None
    assert found.specificity.low < found.specificity.high


def test_no_clip_at_all():
    found = metrics_of([], [], [], 0.5)
    assert found.n == 0
    assert found.accuracy.value is None
    assert found.accuracy.reason
    assert found.confusion == ((0, 0), (0, 0))


def test_no_error_does_not_mean_no_doubt():
    """methods.md: 17 clips of 9 sources without an error allow a true error rate of about 28 %."""
    patients = [f"s{k % 9}" for k in range(17)]
    found = metrics_of([False] * 17, [0.1] * 17, patients, 0.5)
    assert (found.specificity.low, found.specificity.value, found.specificity.high) == (1.0, 1.0, 1.0)
    assert "28%" in found.specificity.note
    assert "9 patients" in found.specificity.note


def test_clips_without_a_verdict_count_and_unscored_ones_do_not():
    rows = [
        scored("a", "1", True, 0.9),
        scored("b", "2", True, 0.2, verdict="cannot_assess"),
        scored("c", "3", False, 0.1),
        scored("d", "4", True, None),
    ]
    clips, windows = clip_metrics(rows, 0.5), window_metrics(rows, 0.5)
    assert (clips.n, clips.recall.value) == (3, 0.5)
    assert (windows.n, windows.confusion) == (6, ((2, 0), (2, 2)))


def test_reliability_bins_hold_every_clip():
    absent = np.array([False, False, True, True, True, False])
    p = np.array([0.05, 0.08, 0.55, 1.0, 0.95, 0.92])
    bins = reliability_bins(absent, p)
    assert bins.counts.tolist() == [2, 0, 0, 0, 0, 1, 0, 0, 0, 3]
    assert bins.share_absent[9] == pytest.approx(2 / 3)
    assert bins.mean_p[9] == pytest.approx((1.0 + 0.95 + 0.92) / 3)
    assert np.isnan(bins.share_absent[3])
    assert bins.low[9] < 2 / 3 < bins.high[9]
    gaps = 2 * 0.065 + 1 * 0.45 + 3 * abs(2.87 / 3 - 2 / 3)
    assert bins.error == pytest.approx(gaps / 6)


def test_isotonic_curve_rises():
    absent, p, _ = _random_set(2)
    where, share = isotonic_curve(absent, p)
    assert np.all(np.diff(where) >= 0)
    assert np.all(np.diff(share) >= 0)
    assert share.mean() == pytest.approx(absent.mean())


def test_roc_curve_passes_its_working_point_inside_its_band():
    absent, p, patients = _random_set(5)
    curve = roc_curve_of("m", absent, p, patients, 0.5)
    assert np.trapezoid(curve.true_rate, curve.false_rate) == pytest.approx(area_under_curve(absent, p))
    x, y = curve.point
    assert y == pytest.approx(metrics_of(absent, p, patients, 0.5).recall.value)
    at = round(x * 100)
    assert curve.low[at] - 1e-9 <= y <= curve.high[at] + 1e-9
    assert np.all(curve.low <= curve.high)
    assert roc_curve_of("m", [True, False], [0.9, 0.1], ["a", "a"], 0.5).low is None
