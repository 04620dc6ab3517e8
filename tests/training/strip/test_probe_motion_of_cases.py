"""A hand that slides the probe over a lung that stands still is told in test clips too, though the line follows it."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from lsgui.core.label import SlidingLabel
from lsgui.core.pleura import PleuralROI
from lsgui.core.prediction import QualityFlag
from lsgui.training.data.dataset_rows import DatasetRow
from lsgui.training.data.labelled_clip import LabelledClip
from lsgui.training.strip import cases as strip_cases
from lsgui.training.strip.cases import cases_of_row
from lsgui.training.strip.leave_one_out import simulated_cases
from lsgui.training.strip.windows import StripSource

MM_PER_PX = 0.3
FPS = 20.0


@pytest.fixture(scope="module")
def slid() -> LabelledClip:
    """Return 3.5 s of a picture that moves right at 2.7 mm/s, with the line on it."""
    rng = np.random.default_rng(7)
    grain = cv2.GaussianBlur(rng.standard_normal((150, 240)).astype(np.float32), (0, 0), 1.6)
    picture = np.clip(90.0 + 40.0 * grain / grain.std(), 0, 255).astype(np.float32)
    picture[59:62] = 220.0
    count = 70
    shifts = 9.0 * np.arange(count) / FPS
    frames = np.empty((count, 150, 160), np.uint8)
    for k, shift in enumerate(shifts):
        matrix = np.array([[1.0, 0.0, 40.0 - shift], [0.0, 1.0, 0.0]])
        frames[k] = cv2.warpAffine(picture, matrix, (160, 150), flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP)
    line = np.array([[40.0, 60.0], [100.0, 60.0]])
    roi = PleuralROI(((0, line), (count - 1, line + np.array([shifts[-1], 0.0]))), "file")
    return LabelledClip(frames, roi, np.arange(count) / FPS, MM_PER_PX, True)


def test_in_clips_of_patients(slid: LabelledClip, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strip_cases, "read_row", lambda row: slid)
    monkeypatch.setattr(strip_cases, "CORRUPTIONS", ())
    row = DatasetRow(Path("a.mp4"), SlidingLabel.LS_A, "a", "real", 0, None, None)
    (case,) = cases_of_row(row)
    assert QualityFlag.PROBE_MOTION in case.flags


def test_in_simulated_strips_whose_line_path_is_known(slid: LabelledClip) -> None:
    strip = slid.strip()
    absent = np.ones((len(strip.frames), strip.frames.shape[2]), np.float32)
    source = StripSource(strip, "s", "s", "simulated", absent, edited=False, line_path_mm=slid.line_path_mm())
    standing = StripSource(strip, "s", "s", "simulated", absent, edited=False)
    told, untold = simulated_cases([source, standing])
    assert QualityFlag.PROBE_MOTION in told.flags
    assert QualityFlag.PROBE_MOTION not in untold.flags
