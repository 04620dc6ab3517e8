"""The request: the right box of pixels, nothing changed in it, and one sentence where it cannot be made."""

from pathlib import Path

import numpy as np
import pytest

from lsgui.core.clip import Clip, ClipInfo, MemoryFrames
from lsgui.core.errors import LsguiError, ModelError, RoiError
from lsgui.core.label import SlidingLabel
from lsgui.core.pleura import PleuralROI
from lsgui.core.prediction import QualityFlag
from lsgui.imaging.scan_area import Scale
from lsgui.imaging.strip_cutter import cut_strip
from lsgui.inference import preparation
from lsgui.inference.preparation import band_box, build_request, prediction_without_line
from lsgui.models.card import load_card

MM_PER_PX = 0.2


def _clip(frames=40, height=400, width=600):
    rng = np.random.default_rng(1)
    pixels = rng.integers(20, 230, (frames, height, width), dtype=np.uint8)
    info = ClipInfo(Path("/somewhere/study/clip.mp4"), "movie", frames, width, height, 25.0, "container")
    return Clip(info, MemoryFrames(pixels))


def _request(clip, roi, **changes):
    wanted = {
        "request_id": 3,
        "model_id": "motion",
        "device": "cpu",
        "scale": Scale(MM_PER_PX, True),
        "quality": (QualityFlag.TOO_SHORT,),
        "seconds": {"read": 0.5, "roi": 0.25},
    }
    return build_request(clip, roi, **{**wanted, **changes})


LINE = PleuralROI.single(0, [[200, 150], [300, 145], [400, 150]])


def test_the_request_carries_what_it_was_given():
    asked = _request(_clip(), LINE)
    assert (asked.id, asked.clip, asked.model_id, asked.device) == (3, "clip.mp4", "motion", "cpu")
    assert asked.frame_size == (600, 400)
    assert asked.roi is LINE
    assert dict(asked.seconds) == {"read": 0.5, "roi": 0.25}
    assert asked.quality == (QualityFlag.TOO_SHORT,)
    np.testing.assert_array_equal(asked.times_s, np.arange(40) / 25.0)
    assert not asked.frames.flags.writeable


def test_the_box_holds_the_band_and_the_pixels_are_the_file_s_own():
    clip = _clip()
    asked = _request(clip, LINE)
    (x, y), (_, height, width) = asked.origin, asked.frames.shape
    px = 1.0 / MM_PER_PX
    assert x <= 200 - 6 * px
    assert x + width >= 400 + 6 * px
    assert y <= 145 - 13 * px
    assert y + height >= 150 + 20 * px
    assert height * width < 0.6 * 400 * 600, "the box is not the whole frame"
    np.testing.assert_array_equal(asked.frames, clip.stack(box=(x, y, width, height)))


@pytest.mark.parametrize(
    "roi",
    [
        LINE,
        PleuralROI.single(0, [[400, 150], [300, 145], [200, 150]]),
        PleuralROI.single(0, [[150, 250], [250, 170], [380, 150], [480, 220]]),
        PleuralROI(((0, [[200, 150], [400, 150]]), (30, [[230, 190], [300, 185], [430, 200]]))),
        PleuralROI.single(0, [[1, 20], [120, 15]]),
    ],
    ids=["flat", "right to left", "bent", "key frames", "corner"],
)
def test_the_strip_of_the_box_is_the_strip_of_the_whole_frame(roi):
    clip = _clip()
    asked = _request(clip, roi)
    from_box = cut_strip(asked.frames, asked.origin, asked.times_s, roi, MM_PER_PX, True)
    from_all = cut_strip(clip.stack(), (0, 0), asked.times_s, roi, MM_PER_PX, True)
    np.testing.assert_array_equal(from_box.valid, from_all.valid)
    np.testing.assert_array_equal(from_box.frames[:, from_all.valid], from_all.frames[:, from_all.valid])


def test_the_box_stays_in_the_frame():
    clip = _clip()
    assert band_box(clip, PleuralROI.single(0, [[0, 0], [599, 399]]), MM_PER_PX) == (0, 0, 600, 400)
    x, y, width, height = band_box(clip, PleuralROI.single(0, [[560, 390], [600, 400]]), MM_PER_PX)
    assert (x + width, y + height) == (600, 400)


def test_an_estimated_scale_is_flagged_once():
    asked = _request(_clip(), LINE, scale=Scale(MM_PER_PX, False))
    assert asked.quality == (QualityFlag.TOO_SHORT, QualityFlag.SCALE_ESTIMATED)
    again = _request(_clip(), LINE, scale=Scale(MM_PER_PX, False), quality=asked.quality)
    assert again.quality == asked.quality


def test_a_line_of_another_clip_is_refused():
    with pytest.raises(RoiError, match=r"clip\.mp4: the pleural line runs from \(200, 150\) to \(900, 150\)"):
        _request(_clip(), PleuralROI.single(0, [[200, 150], [900, 150]]))


def test_an_unknown_model_is_refused():
    with pytest.raises(ModelError, match="no model called 'nothing'"):
        _request(_clip(), LINE, model_id="nothing")


def test_a_request_that_would_not_fit_into_memory_is_refused_before_it_is_made(monkeypatch):
    monkeypatch.setattr(preparation, "MAX_BYTES", 1_000_000)
    with pytest.raises(LsguiError, match=r"clip\.mp4: \d+\.\d GB of pixels"):
        _request(_clip(), LINE)


def test_no_line_is_an_answer():
    answer = prediction_without_line(
        "clip.mp4", load_card("motion"), (QualityFlag.NO_PLEURA, QualityFlag.TOO_SHORT), {"read": 1.0}, "cpu"
    )
    said = answer.to_json()
    assert answer.label is SlidingLabel.CANNOT_ASSESS
    assert (said["p_absent"], said["p_absent_interval"], said["roi"], said["windows"]) == (None, None, None, [])
    assert said["quality"] == ["too_short", "no_pleura"]
    assert said["model"]["id"] == "motion"
