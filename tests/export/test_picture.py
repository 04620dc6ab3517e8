"""The picture of a verdict: what is drawn where."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from lsgui.core.clip import Clip, ClipInfo, MemoryFrames
from lsgui.core.label import SlidingLabel
from lsgui.core.motion_map import MotionMap
from lsgui.core.pleura import PleuralROI
from lsgui.core.prediction import ModelRef, Prediction, QualityFlag, SegmentScore, WindowScore
from lsgui.export.annotated_frame import ACCENT, HEIGHT, VERDICT, class_colour
from lsgui.export.picture import overlay_picture, overlay_png

GREY = 40


def _clip(width=320, height=240, frames=20):
    info = ClipInfo(Path("clip.mp4"), "movie", frames, width, height, 20.0, "container")
    return Clip(info, MemoryFrames(np.full((frames, height, width), GREY, np.uint8)))


def _said(label=SlidingLabel.LS_A, p=0.95, **changes):
    said = Prediction(
        clip="clip.mp4",
        label=label,
        p_absent=p,
        p_absent_interval=(0.9, 0.97),
        threshold=0.5,
        threshold_source="logit 0",
        model=ModelRef("motion", "1", "", "Motion index", "nothing"),
        motion_index=0.1,
        motion_interval=(0.0, 0.2),
        roi=PleuralROI.single(0, [[60, 100], [260, 100]]),
        windows=(WindowScore(0, 10, p), WindowScore(10, 20, p)),
        segments=(SegmentScore(0.0, 0.5, 1.0), SegmentScore(0.5, 1.0, 0.0)),
        ribbon=None,
        quality=(QualityFlag.SCALE_ESTIMATED,),
        band_ratio=None,
        wall_correlation=None,
        device="cpu",
    )
    return replace(said, **changes)


def _heat():
    values = np.full((2, 10, 20), np.nan, np.float32)
    values[:, :, 10:] = 5.0
    return MotionMap("speckle_change", values, np.array([0.0, 1.0]), 30.0, "", 0.0, 5.0)


def _near(picture, colour, tolerance=30):
    return np.abs(picture.astype(int) - colour).max(axis=2) < tolerance


def test_line_ribbon_and_heat_map_lie_where_they_should():
    said = _said(roi=PleuralROI.single(0, [[60, 110], [260, 110]]))
    picture = overlay_picture(_clip(), said, {"speckle_change": _heat()})
    assert picture.shape[1] == 960
    zoom = HEIGHT / 240
    left = (960 - round(320 * zoom)) // 2
    shot = picture[:HEIGHT, left:]
    rows, columns = np.nonzero(_near(shot, ACCENT))
    assert abs(rows.mean() - 110.5 * zoom) < 3
    assert abs(columns.min() - 60.5 * zoom) < 4
    assert abs(columns.max() - 260.5 * zoom) < 4
    for colour, side in ((VERDICT[SlidingLabel.LS_A], slice(0, 160)), (VERDICT[SlidingLabel.LS_P], slice(160, 320))):
        above = _near(shot, colour, 6)[: int(110 * zoom)]
        assert above[:, int(side.start * zoom) : int(side.stop * zoom)].sum() > 0.95 * above.sum() > 50
    band = shot[int(113 * zoom) : int(138 * zoom)].astype(int)
    assert (np.abs(band[:, : int(157 * zoom)] - GREY) < 8).all(), "no heat where nothing was measured"
    assert (band[:, int(164 * zoom) : int(257 * zoom), 0] > GREY + 60).all(), "heat where something was"
    assert (np.abs(shot[int(144 * zoom) :, : int(320 * zoom)].astype(int) - GREY) < 8).all(), "nothing below the map"


def test_only_the_scan_area_near_the_pleura_is_shown():
    clip = _clip(1280, 720)
    pixels = clip.stack().copy()
    pixels[:, :30] = 255  # a burned-in header
    clip = Clip(clip.info, MemoryFrames(pixels))
    said = _said(roi=PleuralROI.single(0, [[500, 200], [600, 200]]))
    picture = overlay_picture(clip, said, {}, (480, 100, 150, 500))
    assert not (picture[:600] == 255).all(axis=2).any(), "the header is not in the picture"
    rows, _ = np.nonzero(_near(picture[:640], ACCENT))
    zoom = 640 / (2.2 * 100)
    assert abs(rows.mean() - 100.5 * zoom) < 4


@pytest.mark.parametrize("label", list(SlidingLabel))
def test_the_verdict_colour_is_on_the_card(label):
    picture = overlay_picture(_clip(), _said(label), {})
    assert picture.shape[1] == 960
    assert _near(picture[HEIGHT:], VERDICT[label], 12).sum() > 200


@pytest.mark.parametrize(("width", "height"), [(64, 48), (1280, 720), (200, 900), (1000, 90)])
def test_any_size_of_clip_makes_a_picture_with_a_card(width, height):
    clip = _clip(width, height)
    said = _said(SlidingLabel.CANNOT_ASSESS, None, roi=None, windows=(), segments=(), quality=tuple(QualityFlag))
    said = replace(said, p_absent=None, p_absent_interval=None, hint="A long sentence " * 20)
    picture = overlay_picture(clip, said, {"flow": _heat()})
    assert picture.shape[1] >= 960
    shown = min(HEIGHT, round(height * min(4.0, HEIGHT / height, 1280 / width)))
    assert picture.shape[0] > shown + 200
    assert not _near(picture[:shown], ACCENT).any(), "no line where there is none"


def test_the_png_holds_the_picture():
    clip, said = _clip(), _said()
    back = cv2.imdecode(np.frombuffer(overlay_png(clip, said, {}), np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    np.testing.assert_array_equal(back, overlay_picture(clip, said, {}))


def test_colours_follow_the_threshold():
    said = _said(threshold=0.8)
    assert class_colour(0.8, said) == VERDICT[SlidingLabel.CANNOT_ASSESS]
    assert class_colour(1.0, said) == VERDICT[SlidingLabel.LS_A]
    assert class_colour(0.0, said) == VERDICT[SlidingLabel.LS_P]
    assert class_colour(float("nan"), said) not in VERDICT.values()
