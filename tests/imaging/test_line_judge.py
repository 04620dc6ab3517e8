import numpy as np
import pytest

from lsgui.imaging.line_judge import WEIGHED, LineJudge, line_judge


def test_trees_answer_by_root_and_child_and_their_sum_is_the_odds():
    judge = LineJudge(
        feature=np.array([[0, 1, 1]]),
        threshold=np.array([[0.5, 1.0, 2.0]]),
        leaf=np.array([[-3.0, -1.0, 1.0, 3.0]]),
        slope=2.0,
        offset=1.0,
    )
    for features, total in (([0.0, 0.5], -3.0), ([0.0, 1.5], -1.0), ([1.0, 1.5], 1.0), ([1.0, 2.5], 3.0)):
        assert judge.confidence(np.array(features)) == pytest.approx(1 / (1 + np.exp(-(2.0 * total + 1.0))))


def test_shipped_trees_know_every_feature_and_lean_to_what_a_reader_looks_for():
    judge = line_judge()
    assert judge.leaf.shape == (len(judge.feature), 4)
    assert judge.feature.max() < len(WEIGHED)
    sure = dict.fromkeys(WEIGHED, 0.0) | {
        "strength": 1.5, "brightest": 0.95, "fading": 0.4, "changes below": 0.15, "length": 0.6,
        "echoes below": 0.4, "echoes above": 0.9, "over haze": 0.5, "lines below": 0.15, "uneven": 0.1,
        "has an A-line": 1.0, "share of the clip": 1.0, "layers below": 0.03,
    }  # fmt: skip
    muscle = sure | {"lines below": 0.9, "layers below": 0.3, "fading": -0.2, "not fading": 0.3, "has an A-line": 0.0}
    bone = sure | {"echoes below": 0.02, "over haze": 2.0, "haze": -1.5, "has an A-line": 0.0}
    odds = [judge.confidence(np.array([line[name] for name in WEIGHED])) for line in (sure, muscle, bone)]
    assert odds[0] > 0.5
    assert max(odds[1:]) < 0.3
