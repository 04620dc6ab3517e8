"""Two models on the same clips: paired by clip, intervals by patient, exact test, the list of what differs."""

import csv

import numpy as np
import pytest
from scipy.stats import binom
from scored_clips import scored

from lsgui.core.errors import DatasetError
from lsgui.models.card import load_card
from lsgui.training.evaluation.compare import compare, mcnemar, write_comparison
from lsgui.training.evaluation.metrics import area_under_curve
from lsgui.training.evaluation.run import Evaluation


def _evaluation(rows, model_id="motion", threshold=0.5):
    card = load_card("motion").model_copy(update={"id": model_id, "threshold": threshold})
    return Evaluation(card, card.folder, tuple(rows), ())


def _clips(seed, noise, patients=20, source="clinic"):
    rng = np.random.default_rng(seed)
    rows = []
    for k in range(3 * patients):
        absent = k % 2 == 0
        p = float(np.clip(0.3 + 0.4 * absent + rng.normal(0, noise), 0, 1))
        rows.append(scored(f"c{k}", f"P{k // 3}", absent, p, source=source))
    return rows


def test_a_better_model_is_found_better():
    good, bad = _clips(1, 0.1), _clips(2, 0.6)
    found = compare(_evaluation(good, "good"), _evaluation(bad, "bad"))
    truth = np.array([row.absent for row in good])
    areas = [area_under_curve(truth, np.array([row.p_absent for row in rows])) for rows in (good, bad)]
    assert found.auc_difference.value == pytest.approx(areas[0] - areas[1])
    assert 0 < found.auc_difference.low < found.auc_difference.value < found.auc_difference.high
    assert found.at_threshold.first_only_right > found.at_threshold.second_only_right
    assert found.at_threshold.p < 0.05
    assert found.names == ("good", "bad")


def test_pairing_makes_the_interval_narrow_for_two_that_say_nearly_the_same():
    one = _clips(1, 0.3)
    rng = np.random.default_rng(0)
    two = [
        scored(row.clip, row.patient, row.absent, float(np.clip(row.p_absent + rng.normal(0, 0.01), 0, 1)))
        for row in one
    ]
    found = compare(_evaluation(one, "a"), _evaluation(two, "b"))
    single = found.metrics[0].auc
    assert found.auc_difference.high - found.auc_difference.low < 0.3 * (single.high - single.low)
    assert found.auc_difference.low <= 0 <= found.auc_difference.high


def test_a_model_against_itself_differs_in_nothing():
    rows = _clips(1, 0.3)
    found = compare(_evaluation(rows), _evaluation(rows))
    assert (found.auc_difference.value, found.auc_difference.low, found.auc_difference.high) == (0.0, 0.0, 0.0)
    assert found.at_threshold.p == 1.0
    assert found.disagreements == ()
    assert found.names[0] != found.names[1]


def test_only_clips_that_both_scored_are_compared():
    one = [scored("a", "1", True, 0.9), scored("b", "2", False, 0.2), scored("c", "3", False, None)]
    two = [scored("b", "2", False, 0.7), scored("c", "3", False, 0.1), scored("d", "4", True, 0.9)]
    found = compare(_evaluation(one, "a"), _evaluation(two, "b"))
    assert [pair[0].clip for pair in found.pairs] == ["b"]
    assert found.auc_difference.value is None
    assert found.auc_difference.reason
    with pytest.raises(DatasetError, match="nothing to compare"):
        compare(_evaluation(one[:1]), _evaluation(two[:1]))


def test_mcnemar_is_exact():
    first = [True] * 20 + [True] * 8 + [False] * 2 + [False] * 5
    second = [True] * 20 + [False] * 8 + [True] * 2 + [False] * 5
    found = mcnemar(first, second)
    assert (found.both_right, found.first_only_right, found.second_only_right, found.both_wrong) == (20, 8, 2, 5)
    assert found.p == pytest.approx(2 * binom.cdf(2, 10, 0.5))


def test_verdicts_are_tested_where_both_gave_one():
    one = [scored("a", "1", True, 0.9), scored("b", "2", True, 0.9), scored("c", "3", False, 0.1)]
    two = [
        scored("a", "1", True, 0.1),
        scored("b", "2", True, 0.1, verdict="cannot_assess"),
        scored("c", "3", False, 0),
    ]
    found = compare(_evaluation(one, "a"), _evaluation(two, "b"))
    assert (found.at_threshold.first_only_right, found.verdicts.first_only_right) == (2, 1)


def test_each_model_is_held_to_its_own_threshold():
    rows = [scored("a", "1", True, 0.4), scored("b", "2", False, 0.1)]
    found = compare(_evaluation(rows, "low", 0.3), _evaluation(rows, "high", 0.5))
    assert found.at_threshold.first_only_right == 1
    assert [metrics.recall.value for metrics in found.metrics] == [1.0, 0.0]


def test_disagreements_and_figures(tmp_path):
    rows = _clips(1, 0.2) + [
        scored(f"s{row.clip}", f"S{row.patient}", row.absent, row.p_absent, source="simulated")
        for row in _clips(3, 0.2, patients=5)
    ]
    other = [scored(r.clip, r.patient, r.absent, float(1 - r.p_absent), source=r.source) for r in rows]
    found = compare(_evaluation(rows, "one"), _evaluation(other, "two"))
    made = {path.name for path in write_comparison(found, tmp_path)}
    assert made == {"disagreements.csv"} | {
        f"compare_{name}_{kind}.png" for name in ("roc", "scores", "bars") for kind in ("real", "simulated")
    }
    with (tmp_path / "disagreements.csv").open(newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    assert len(table) == len(found.disagreements) == found.to_json()["disagreements"]
    for line in table:
        assert line["verdict_first"] != line["verdict_second"]
        right = "first" if line["verdict_first"] == line["label"] else "second"
        assert line["right_at_threshold"] == right
