"""The words of the verdict and of its evidence."""

from dataclasses import replace

import numpy as np
from evidence_samples import FRAMES, drawn_clip, prediction

from lsgui.core.label import SlidingLabel
from lsgui.core.prediction import Ribbon, SegmentScore, WindowScore
from lsgui.gui.overlays.class_ribbon import stretch_values
from lsgui.inference.verdict_words import evidence_rows, extent_words, motion_word, stretches_words


def test_the_extent_counts_stretches_and_seconds() -> None:
    info = drawn_clip().info
    verdict = prediction()
    assert extent_words(verdict, info) == "ls_p · in every stretch, 1.5 of 2.0 s"
    partly = replace(
        verdict,
        windows=(WindowScore(0, FRAMES, 0.3),),
        segments=(SegmentScore(0, 0.5, 0.1), SegmentScore(0.5, 1, 0.9)),
    )
    assert extent_words(partly, info) == "ls_p · in 1 of 2 stretches, all 2.0 s"
    assert stretches_words(partly) == "1 of 2 stretches"
    absent = replace(partly, label=SlidingLabel.LS_A, segments=(SegmentScore(0, 1, float("nan")),))
    assert stretches_words(absent) == ""


def test_a_model_that_judges_the_picture_as_a_whole_says_nothing_of_stretches() -> None:
    ribbon = Ribbon(np.full((2, 1), 0.1, dtype=np.float32), np.array([0, 25]), np.array([15, FRAMES]))
    whole = prediction(segments=(SegmentScore(0, 1, 0.1),), ribbon=ribbon)
    assert extent_words(whole, drawn_clip().info) == "ls_p · 1.5 of 2.0 s"
    assert stretches_words(whole) == ""
    assert stretch_values(whole, 5) == []


def test_the_evidence_names_model_motion_bands_tracking_training_and_device() -> None:
    rows = {name: value for name, value, _ in evidence_rows(prediction(), "CPU, 2 threads")}
    assert rows == {
        "Network (cmwru-strip 1.2)": "0.10",
        "Motion index": "0.81 · sliding",
        "Breathing band / pulse band": "4.2",
        "Chest wall followed": "0.96",
        "Trained on": "simulated and edited clips",
        "Device · time": "CPU, 2 threads · 0.7 s",
    }
    assert [motion_word(value) for value in (0.1, 0.38, 0.63, 0.9)] == ["still", "unclear", "unclear", "sliding"]
