import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from lsgui.core.label import SlidingLabel
from lsgui.core.prediction import QualityFlag
from lsgui.inference.verdict import VerdictRule
from lsgui.training.strip.leave_one_out import Judgement
from lsgui.training.strip.measure import fitted_temperature, for_card
from lsgui.training.strip.report import area_by_clip, area_by_patient, markdown, report_of, write_report

RULE = VerdictRule(0.5, (0.42, 0.58))


def judged(
    kind: str, logit: float, index: float | None, patient: str = "a", flags: tuple[QualityFlag, ...] = ()
) -> Judgement:
    logits = np.full((3, 4), logit)
    absent = kind not in ("original", "sham", "shallow")
    return Judgement(f"{patient}.mp4", patient, kind, "", absent, logits, np.arange(3.0), index, flags, 25.0)


def test_the_rule_needs_both_judges_and_no_flag_against_it() -> None:
    assert judged("original", -2.0, 0.9).label("verdict", RULE) is SlidingLabel.LS_P
    vetoed = judged("original", 2.0, 0.9)
    assert vetoed.label("network", RULE) is SlidingLabel.LS_A
    assert vetoed.label("motion", RULE) is SlidingLabel.LS_P
    assert vetoed.label("verdict", RULE) is SlidingLabel.CANNOT_ASSESS
    lost = judged("hard", 3.0, 0.1, flags=(QualityFlag.TRACKING_LOST,))
    assert lost.label("network", RULE) is SlidingLabel.LS_A
    assert lost.label("verdict", RULE) is SlidingLabel.CANNOT_ASSESS
    assert judged("hard", 3.0, None).label("motion", RULE) is SlidingLabel.CANNOT_ASSESS


def test_areas_are_those_of_the_ranks() -> None:
    rng = np.random.default_rng(0)
    present = [judged("original", v, 0.5, p) for p in "abc" for v in rng.normal(-0.5, 1, 3)]
    absent = [judged("hard", v, 0.5, p) for p in "abc" for v in rng.normal(0.5, 1, 2)]
    logits = [j.logit for j in (*present, *absent)]
    expected = roc_auc_score([0] * 9 + [1] * 6, logits)
    for area in (area_by_patient, area_by_clip):
        found = area(present, absent, lambda j: j.logit)
        assert found["value"] == pytest.approx(expected, abs=1e-4)
        assert found["low"] < expected < found["high"]


def test_absent_clips_of_patients_without_a_sliding_one_count_too() -> None:
    present = [judged("original", v, 0.5, p) for p, v in (("a", -2), ("b", 1))]
    absent = [judged("absent", v, 0.5, p) for p, v in (("b", 2), ("c", 0))]
    area = area_by_patient(present, absent, lambda j: j.logit)
    assert area["value"] == 0.75
    assert 0.0 <= area["low"] <= area["high"] <= 1.0


def test_a_report_counts_every_set_for_itself_and_is_written(tmp_path: Path) -> None:
    real = [
        judged(k, v, i, p) for p in "ab" for k, v, i in (("original", -2, 0.9), ("hard", 2, 0.1), ("mirror", 0, 0.1))
    ]
    simulated = [judged("shallow", -1.0, 0.7), judged("probe_drift", 1.0, 0.3), judged("absent", 2.0, 0.1)]
    report = report_of(real, simulated, RULE, "Three clips.")
    sets = {entry["kind"]: entry for entry in report["leave_one_patient_out"]}
    assert sets["original"]["verdict"]["present"] == 2
    assert sets["hard"]["verdict"]["absent"] == 2
    assert sets["mirror"]["verdict"]["aside"] == 2
    assert sets["hard"]["verdict"]["right"][0] == 1.0
    assert sets["hard"]["verdict"]["right"][1] < 0.5  # two clips prove little
    assert report["simulated"]["auc"]["value"] == 1.0
    assert report["simulated"]["auc_shallow_against_drifting"]["value"] == 1.0
    write_report(tmp_path, report, "A model")
    assert (tmp_path / "report.png").stat().st_size > 5000
    assert json.loads((tmp_path / "report.json").read_text()) == json.loads(json.dumps(report))
    text = (tmp_path / "report.md").read_text()
    assert text == markdown(report, "A model")
    assert "| edited: hard" not in text
    assert "| edited: held, wall's residual | 2 |" in text
    card = for_card(report)["leave_one_patient_out"]
    assert card["hard"]["called_absent"] == 2
    assert card["mirror"]["set_aside"] == 2


def test_the_temperature_is_the_one_that_makes_the_labels_likely() -> None:
    rng = np.random.default_rng(1)
    true = rng.normal(0, 3, 4000)
    absent = rng.random(4000) < 1 / (1 + np.exp(-true))
    assert fitted_temperature(2.5 * true, absent) == pytest.approx(2.5, rel=0.1)
    assert fitted_temperature(0.5 * true, absent) == pytest.approx(0.5, rel=0.1)
