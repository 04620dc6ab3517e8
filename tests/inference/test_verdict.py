"""The rule of the verdict, as tables."""

import numpy as np
import pytest

from lsgui.core.label import SlidingLabel
from lsgui.core.prediction import QualityFlag as Flag
from lsgui.inference.verdict import (
    MotionOpinion,
    VerdictRule,
    decide,
    lung_point_hint,
    probability,
    window_probability,
)

A, P, NONE = SlidingLabel.LS_A, SlidingLabel.LS_P, SlidingLabel.CANNOT_ASSESS
RULE = VerdictRule(threshold=0.5, abstain=(0.4, 0.6))
NAN = float("nan")


def _grid(logit, windows=4, segments=6):
    return np.full((windows, segments), float(logit))


def _decide(logits, rule=RULE, quality=(), motion=None, **more):
    spans = [(10 * k, 10 * k + 32) for k in range(len(logits))]
    return decide(np.asarray(logits, float), spans, rule, quality, motion, **more)


@pytest.mark.parametrize(
    ("logit", "label"),
    [(6.0, A), (1.0, A), (0.41, A), (0.40, NONE), (0.0, NONE), (-0.40, NONE), (-0.41, P), (-1.0, P), (-6.0, P)],
)
def test_the_network_decides_outside_its_band(logit, label):
    verdict = _decide(_grid(logit))
    assert verdict.label is label
    assert verdict.p_absent == pytest.approx(1 / (1 + np.exp(-logit)))
    assert verdict.quality == ()
    assert bool(verdict.hint) == (label is NONE), "without a flag the hint says why"


def test_without_a_band_the_threshold_decides_alone():
    rule = VerdictRule(threshold=0.7)
    assert _decide(_grid(np.log(0.69 / 0.31)), rule).label is P
    assert _decide(_grid(np.log(0.71 / 0.29)), rule).label is A


def test_calibration_moves_and_flattens_the_probability():
    rule = VerdictRule(temperature=2.0, bias=1.0)
    np.testing.assert_allclose(probability(np.array([1.0, -1.0, NAN]), rule), [1 / (1 + np.exp(-1)), 0.5, NAN])
    assert window_probability(np.array([0.0, 2.0, NAN]), rule) == pytest.approx(1 / (1 + np.exp(-1)))
    assert probability(np.array([1e9, -1e9]), RULE).tolist() == [pytest.approx(1.0), pytest.approx(0.0)]


@pytest.mark.parametrize(("index", "label"), [(0.1, A), (0.4, NONE), (0.6, NONE), (None, NONE)])
def test_under_a_moving_probe_absent_needs_both_judges(index, label):
    motion = None if index is None else MotionOpinion(index)
    assert _decide(_grid(4.0), quality=[Flag.PROBE_MOTION], motion=motion).label is label
    too_short = [Flag.PROBE_MOTION, Flag.TOO_SHORT]
    assert _decide(_grid(4.0), quality=too_short, motion=motion).label is NONE
    assert _decide(_grid(-4.0), quality=[Flag.PROBE_MOTION], motion=motion).label is NONE


@pytest.mark.parametrize(
    ("flag", "when_absent", "when_present"),
    [
        (Flag.TOO_SHORT, NONE, P),
        (Flag.DUPLICATE_FRAMES, NONE, P),
        (Flag.PULSE_ONLY, A, NONE),
        (Flag.TRACKING_LOST, NONE, NONE),
        (Flag.PROBE_MOTION, NONE, NONE),
        (Flag.MODELS_DISAGREE, NONE, NONE),
        (Flag.MIXED_CLASSES, NONE, NONE),
        (Flag.UNCERTAIN_LINE, NONE, NONE),
        (Flag.FROZEN, NONE, NONE),
        (Flag.NO_PLEURA, NONE, NONE),
        (Flag.NOT_LUNG, NONE, NONE),
        (Flag.LOW_FRAME_RATE, A, P),
        (Flag.OVER_OR_UNDER_GAIN, A, P),
        (Flag.FRAME_RATE_ASSUMED, A, P),
        (Flag.SCALE_ESTIMATED, A, P),
    ],
)
def test_flags_that_block(flag, when_absent, when_present):
    for logit, label in ((4.0, when_absent), (-4.0, when_present)):
        verdict = _decide(_grid(logit), quality=[flag])
        assert verdict.label is label
        assert verdict.quality == (flag,)
        assert (verdict.p_absent is None) == (flag in (Flag.FROZEN, Flag.NO_PLEURA, Flag.NOT_LUNG))


def test_the_table_above_knows_every_flag():
    table = test_flags_that_block.pytestmark[0].args[1]
    assert {row[0] for row in table} == set(Flag)


@pytest.mark.parametrize(
    ("logit", "index", "label", "disagree"),
    [
        (4.0, 0.1, A, False),
        (4.0, 0.5, A, False),
        (4.0, 0.9, NONE, True),
        (-4.0, 0.9, P, False),
        (-4.0, 0.5, P, False),
        (-4.0, 0.1, NONE, True),
        (0.0, 0.9, NONE, False),
        (0.0, 0.1, NONE, False),
    ],
)
def test_the_motion_index_has_a_veto(logit, index, label, disagree):
    verdict = _decide(_grid(logit), quality=[Flag.SCALE_ESTIMATED], motion=MotionOpinion(index))
    assert verdict.label is label
    assert (Flag.MODELS_DISAGREE in verdict.quality) == disagree
    assert verdict.quality[0] is Flag.SCALE_ESTIMATED


def test_heavily_repeated_frames_block_sliding_as_well():
    flags = [Flag.DUPLICATE_FRAMES]
    assert _decide(_grid(-4.0), quality=flags, true_fps=9.0).label is P
    assert _decide(_grid(-4.0), quality=flags, true_fps=6.5).label is NONE


@pytest.mark.parametrize("logits", [np.zeros((0, 6)), np.full((3, 6), NAN)])
def test_nothing_scored_is_cannot_assess_without_a_number(logits):
    verdict = _decide(logits, quality=[Flag.TOO_SHORT])
    assert (verdict.label, verdict.p_absent, verdict.p_absent_interval) == (NONE, None, None)
    assert (verdict.windows, verdict.segments, verdict.quality) == ((), (), (Flag.TOO_SHORT,))


def test_the_interval_spans_windows_and_segments_and_holds_the_probability():
    rng = np.random.default_rng(0)
    for _ in range(50):
        logits = rng.normal(0, 3, (rng.integers(1, 6), rng.integers(1, 9)))
        logits[rng.random(logits.shape) < 0.3] = NAN
        if not np.isfinite(logits).any():
            continue
        verdict = _decide(logits)
        low, high = verdict.p_absent_interval
        assert 0.0 <= low <= verdict.p_absent <= high <= 1.0


def test_one_spoilt_window_does_not_turn_the_clip():
    logits = _grid(3.0, windows=5)
    logits[2] = -40.0
    assert _decide(logits).label is A


def test_windows_and_segments_carry_their_places_and_leave_out_what_was_not_scored():
    logits = np.array([[2.0, -2.0], [NAN, NAN], [2.0, NAN]])
    verdict = _decide(logits)
    assert [(w.start, w.stop) for w in verdict.windows] == [(0, 32), (20, 52)]
    assert verdict.windows[0].p_absent == pytest.approx(0.5)
    assert [(s.left, s.right) for s in verdict.segments] == [(0.0, 0.5), (0.5, 1.0)]
    assert verdict.segments[0].p_absent > 0.85
    assert verdict.segments[1].p_absent < 0.15
    _decide(logits[:, :1])


@pytest.mark.parametrize(
    ("along", "percent"),
    [
        ([0.1] * 4 + [0.9] * 4, 50),
        ([0.9] * 6 + [0.1] * 2, 75),
        ([0.1] * 3 + [0.5, 0.5] + [0.9] * 3, 50),
        ([0.1] * 7 + [0.9], None),
        ([0.3] * 4 + [0.9] * 4, None),
        ([0.1] * 8, None),
        ([0.1] * 3 + [0.5] * 3 + [0.9] * 2, None),
        ([0.1] * 3 + [NAN] + [0.9] * 4, 44),
        ([0.1], None),
        ([0.1, 0.9], None),
    ],
)
def test_a_lung_point_along_the_line(along, percent):
    hint = lung_point_hint(np.array([along, along, along]))
    expected = (
        "" if percent is None else f"Both classes along the line: possible lung point at {percent} % of its length."
    )
    assert hint == expected


def test_a_lung_point_in_time_names_the_moment():
    p = np.array([[0.05] * 4, [0.1] * 4, [0.95] * 4, [0.9] * 4])
    assert lung_point_hint(p) == ""
    hint = lung_point_hint(p, np.array([1.0, 2.0, 3.0, 4.0]))
    assert hint == "Both classes one after the other: sliding begins or ends at about 2.5 s."


def test_a_lung_point_is_a_hint_and_never_a_verdict():
    logits = np.concatenate([_grid(4.0, 4, 4), _grid(-4.0, 4, 4)], axis=1)
    verdict = _decide(logits)
    assert verdict.label is NONE
    assert "possible lung point at 50 %" in verdict.hint
    for word in ("pneumothorax", "Pneumothorax"):
        assert word not in verdict.hint


@pytest.mark.parametrize(("main", "label"), [(-4.0, SlidingLabel.LS_P), (4.0, SlidingLabel.LS_A)])
def test_a_clip_that_holds_both_classes_gets_no_verdict_for_the_whole(main: float, label: SlidingLabel) -> None:
    logits = np.full((6, 6), main)
    spans = [(k * 10, k * 10 + 30) for k in range(6)]
    assert decide(logits, spans, VerdictRule()).label is label
    logits[:2, :3] = -main  # a sixth of the clip stands against the rest
    assert decide(logits, spans, VerdictRule()).label is label
    logits[:4, :3] = -main  # a third
    verdict = decide(logits, spans, VerdictRule())
    assert verdict.label is SlidingLabel.CANNOT_ASSESS
    assert verdict.quality == (Flag.MIXED_CLASSES,)
    assert verdict.p_absent is not None


def test_an_uncertain_automatic_line_is_not_enough_to_call_a_lung_still() -> None:
    assert _decide(_grid(4.0), line_confidence=0.64).label is NONE
    assert _decide(_grid(4.0), line_confidence=0.64).quality == (Flag.UNCERTAIN_LINE,)
    assert _decide(_grid(4.0), line_confidence=0.8).label is SlidingLabel.LS_A
    assert _decide(_grid(4.0)).label is SlidingLabel.LS_A
    assert _decide(_grid(-4.0), line_confidence=0.64).label is P
