"""Calibration and threshold on the validation set: they find what is there, and say so where there is nothing."""

import numpy as np
import pytest

from lsgui.core.errors import DatasetError
from lsgui.inference.verdict import VerdictRule, probability
from lsgui.training.evaluation.calibrate import calibrate, probabilities, threshold_for_sensitivity
from lsgui.training.evaluation.reliability import reliability_bins


def _overconfident(seed=0, n=4000, temperature=2.5, bias=-1.0):
    """Logits whose true odds are (logit + bias) / temperature."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0.0, 4.0, n)
    absent = rng.random(n) < 1 / (1 + np.exp(-(logits + bias) / temperature))
    return logits, absent


def test_temperature_and_bias_are_found():
    logits, absent = _overconfident()
    found = calibrate(logits, absent)
    assert found.temperature == pytest.approx(2.5, rel=0.12)
    assert found.bias == pytest.approx(-1.0, abs=0.35)
    assert "4000 validation clips" in found.source
    fresh_logits, fresh_absent = _overconfident(seed=1)
    before = reliability_bins(fresh_absent, 1 / (1 + np.exp(-fresh_logits))).error
    after = reliability_bins(fresh_absent, probabilities(fresh_logits, found)).error
    assert after < 0.03 < 0.08 < before


def test_probabilities_are_those_of_the_verdict():
    logits = np.linspace(-8, 8, 9)
    found = calibrate(*_overconfident(n=200))
    rule = VerdictRule(temperature=found.temperature, bias=found.bias)
    np.testing.assert_allclose(probabilities(logits, found), probability(logits, rule))


def test_classes_that_are_apart_do_not_become_certain():
    found = calibrate([-3.0, -2.0, -4.0, 2.0, 3.0, 4.0], [False] * 3 + [True] * 3)
    p = probabilities([-2.0, 2.0], found)
    assert 0.01 < p[0] < 0.3
    assert 0.7 < p[1] < 0.99


@pytest.mark.parametrize(
    ("logits", "absent", "why"),
    [
        pytest.param([0.1, 0.2], [True, True], "one class", id="one class"),
        pytest.param([], [], "one class", id="nothing"),
        pytest.param([3.0, 2.0, -2.0, -3.0], [False, False, True, True], "do not mean", id="wrong way round"),
        pytest.param([1.0, 1.0, 1.0, 1.0], [False, True, True, False], "do not mean", id="no information"),
    ],
)
def test_nothing_is_fitted_where_there_is_nothing_to_fit(logits, absent, why):
    found = calibrate(logits, absent)
    assert (found.temperature, found.bias) == (1.0, 0.0)
    assert why in found.source


@pytest.mark.parametrize("sensitivity", [0.5, 0.8, 0.9, 0.95, 1.0])
def test_stated_sensitivity_is_reached_with_the_highest_threshold(sensitivity):
    rng = np.random.default_rng(4)
    absent = rng.random(203) < 0.3
    p = np.clip(0.35 + 0.3 * absent + rng.normal(0, 0.2, 203), 0.01, 0.99)
    choice = threshold_for_sensitivity(p, absent, sensitivity)
    reached = (p[absent] >= choice.threshold).mean()
    assert reached == choice.sensitivity >= sensitivity
    missed_one_more = np.sort(p[absent & (p >= choice.threshold)])[0] + 1e-9
    assert (p[absent] >= missed_one_more).mean() < sensitivity, "a higher threshold would miss too many"
    assert choice.specificity == (p[~absent] < choice.threshold).mean()
    assert f"sensitivity of {sensitivity:.2f}" in choice.source
    assert f"reached {reached:.2f}" in choice.source
    assert "203 validation clips" in choice.source
    assert np.abs(p - choice.threshold).min() > 0 or sensitivity == 1.0


def test_threshold_of_few_clips_stays_a_probability():
    assert 0 < threshold_for_sensitivity([1.0], [True]).threshold < 1
    choice = threshold_for_sensitivity([1e-7, 0.5], [True, False])
    assert choice.sensitivity == 1.0
    assert choice.specificity == 0.0
    assert threshold_for_sensitivity([0.4, 0.6], [True, True]).specificity is None


def test_no_absent_clip_is_a_sentence():
    with pytest.raises(DatasetError, match="None of 2 validation clips is labelled ls_a"):
        threshold_for_sensitivity([0.1, 0.2], [False, False])
    with pytest.raises(DatasetError, match=r"sensitivity of 1\.2"):
        threshold_for_sensitivity([0.1], [True], 1.2)


def test_a_slope_that_is_not_believed_keeps_its_even_odds() -> None:
    logits = 0.2 + 0.001 * np.arange(-20, 20)
    fitted = calibrate(logits, logits > 0.2)
    assert fitted.temperature == pytest.approx(0.01)
    p = probabilities(logits, fitted)
    assert (p[logits < 0.198] < 0.5).all()
    assert (p[logits > 0.202] > 0.5).all()
