"""The verdict as JSON, and the fixed words around it."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsgui.core.label import CANNOT_ASSESS_ADVICE, RESEARCH_LINE, TRAINING_LINE, ReaderLabel, SlidingLabel
from lsgui.core.pleura import PleuralROI
from lsgui.core.prediction import ModelRef, Prediction, QualityFlag, Ribbon, SegmentScore, WindowScore

BASE = Prediction(
    clip="a.mp4",
    label=SlidingLabel.LS_A,
    p_absent=0.93456,
    p_absent_interval=(0.88, 0.96),
    threshold=0.5,
    threshold_source="logit 0",
    model=ModelRef("cmwru-strip", "1", "ab" * 32, "Residual network", "simulated"),
    motion_index=0.12,
    motion_interval=(0.1, 0.2),
    roi=PleuralROI.single(3, [[1, 2], [30, 4]], "auto", 0.9),
    windows=(WindowScore(0, 45, 0.95),),
    segments=(SegmentScore(0.0, 0.125, 0.9),),
    ribbon=None,
    quality=(QualityFlag.TOO_SHORT,),
    band_ratio=2.0,
    wall_correlation=0.97,
    device="cpu",
    seconds={"read": 0.1, "inference": 0.41239},
)
"""Every number is made up: only its way into JSON is looked at."""

KEYS = {
    "clip", "label", "p_absent", "p_absent_interval", "threshold", "model", "motion_index", "roi", "windows",
    "segments", "quality", "device", "seconds",
}  # fmt: skip


def test_json_is_the_contract() -> None:
    out = BASE.to_json()
    assert set(out) >= KEYS
    assert out["label"] == "ls_a"
    assert out["p_absent"] == 0.9346
    assert out["model"] == {"id": "cmwru-strip", "version": "1", "sha256": "ab" * 32}
    assert out["roi"] == {"frame": 3, "polyline": [[1.0, 2.0], [30.0, 4.0]], "source": "auto"}
    assert out["windows"] == [{"start": 0, "stop": 45, "p_absent": 0.95}]
    assert out["segments"] == [{"from": 0.0, "to": 0.125, "p_absent": 0.9}]
    assert out["quality"] == ["too_short"]
    assert out["seconds"] == {"read": 0.1, "inference": 0.4124}


numbers = st.floats() | st.floats(width=32).map(np.float32)


@given(p=st.none() | numbers, spread=st.none() | st.tuples(numbers, numbers), window=numbers)
def test_json_is_strict_whatever_was_measured(p: Any, spread: Any, window: Any) -> None:
    prediction = replace(BASE, p_absent=p, p_absent_interval=spread, windows=(WindowScore(0, 45, window),), roi=None)
    out = json.loads(json.dumps(prediction.to_json(), allow_nan=False))
    finite = p is not None and np.isfinite(p)
    assert (out["p_absent"] is not None) == finite
    assert out["roi"] is None


def test_nothing_scored_is_null() -> None:
    blank = replace(BASE, label=SlidingLabel.CANNOT_ASSESS, p_absent=None, p_absent_interval=None, motion_index=None)
    out = blank.to_json()
    assert (out["label"], out["p_absent"], out["p_absent_interval"], out["motion_index"]) == (
        "cannot_assess", None, None, None,
    )  # fmt: skip


def test_ribbon_cannot_be_changed() -> None:
    ribbon = Ribbon(np.zeros((1, 2), np.float32), np.array([0]), np.array([45]))
    for array in (ribbon.p_absent, ribbon.starts, ribbon.stops):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


@pytest.mark.parametrize("flag", QualityFlag)
def test_every_flag_has_a_sentence_for_the_reader(flag: QualityFlag) -> None:
    assert flag.sentence.endswith(".")
    assert flag.sentence[0].isupper()
    assert flag.value not in flag.sentence


def test_wording_is_fixed() -> None:
    assert [label.wording for label in SlidingLabel] == [
        "Lung sliding present",
        "Lung sliding absent",
        "Cannot assess",
    ]
    assert {label.value for label in ReaderLabel} == {"ls_p", "ls_a", "cannot_assess", "lung_point"}
    assert all(label.wording for label in ReaderLabel)
    assert RESEARCH_LINE == "Research use only. Not a medical device."
    assert TRAINING_LINE == "Trained on simulated and edited clips: not validated on patients"
    words = " ".join([CANNOT_ASSESS_ADVICE, *(flag.sentence for flag in QualityFlag), *SlidingLabel]).lower()
    assert "pneumothorax" not in words
