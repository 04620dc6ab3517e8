import csv
import json

import numpy as np
import pytest

from lsgui.core.pleura import PleuralROI
from lsgui.core.prediction import QualityFlag
from lsgui.imaging.quality import clip_flags, frame_changes, line_flags, repeated_share
from lsgui.imaging.usable_range import usable_range

REPEATING = {
    "Cov_convex_volpecelli_sonographic_v1.mov",
    "Cov_recommendations_lightbeam_mov6.mov",
    "Vir_prospective_file1.mp4",
    "Vir_whitelung_h1n1.mp4",  # 25 of 123 are nearly the same by the table, 40 when the codec's traces are allowed for
}


def test_live_clip_has_no_flags(make_clip, live_noise):
    assert clip_flags(make_clip(live_noise(100, 80, 90))) == ()


def test_short_clip(make_clip, live_noise):
    assert clip_flags(make_clip(live_noise(60, 80, 90))) == (QualityFlag.TOO_SHORT,)


def test_slow_clip(make_clip, live_noise):
    assert clip_flags(make_clip(live_noise(60, 80, 90), fps=11.0)) == (QualityFlag.LOW_FRAME_RATE,)


def test_assumed_frame_rate(make_clip, live_noise):
    flags = clip_flags(make_clip(live_noise(100, 80, 90), fps_source="assumed"))
    assert flags == (QualityFlag.FRAME_RATE_ASSUMED,)


def test_single_frame_is_too_short_and_frozen(make_clip, live_noise):
    flags = clip_flags(make_clip(live_noise(1, 80, 90)))
    assert set(flags) == {QualityFlag.TOO_SHORT, QualityFlag.FROZEN}


def test_frozen_clip_with_the_traces_of_a_codec(make_clip, live_noise):
    rng = np.random.default_rng(0)
    still = live_noise(1, 80, 90).astype(np.int16)
    frames = np.clip(still + rng.integers(-1, 2, (100, 80, 90)), 0, 255).astype(np.uint8)
    assert QualityFlag.FROZEN in clip_flags(make_clip(frames))
    identical = np.repeat(still.astype(np.uint8), 100, 0)
    assert {QualityFlag.FROZEN, QualityFlag.DUPLICATE_FRAMES} <= set(clip_flags(make_clip(identical)))


@pytest.mark.parametrize(("repeats", "raised"), [(0.1, False), (0.35, True), (0.8, True)])
def test_repeated_frames(make_clip, live_noise, repeats, raised):
    rng = np.random.default_rng(1)
    live = live_noise(120, 80, 90).astype(np.int16)
    shown = np.maximum.accumulate(np.where(rng.random(120) < repeats, 0, np.arange(120)))
    frames = np.clip(live[shown] + rng.integers(-1, 2, live.shape), 0, 255).astype(np.uint8)
    assert (QualityFlag.DUPLICATE_FRAMES in clip_flags(make_clip(frames))) is raised


def test_real_clips_repeat_where_the_table_says_so(shared_clips, shared_clip):
    with (shared_clips / "manifest.csv").open() as table:
        for row in csv.DictReader(table):
            clip = shared_clip(row["file"])
            flags = set(clip_flags(clip))
            assert flags == ({QualityFlag.DUPLICATE_FRAMES} if row["file"] in REPEATING else set()), row["file"]
            share = repeated_share(frame_changes(clip, *usable_range(clip)), clip.info.fps)
            assert share >= int(row["near_duplicate_frames"]) / int(row["frames"]) - 0.01, row["file"]


def test_black_lead_in_is_neither_repeated_nor_frozen(make_clip, live_noise):
    frames = np.zeros((160, 80, 90), np.uint8)
    frames[:, 2:6, 4:40] = 200  # the text of the screen stands from the first frame on
    frames[50:140] = np.maximum(frames[50:140], live_noise(90, 80, 90))
    clip = make_clip(frames)
    assert usable_range(clip) == (50, 140)
    assert clip_flags(clip) == ()


def test_usable_range_of_real_and_of_black_clips(shared_clip, make_clip):
    start, stop = usable_range(shared_clip("tuke_lumify_l12.mp4"))
    assert 1 <= start <= 15
    assert stop == 164
    assert usable_range(make_clip(np.zeros((9, 40, 40), np.uint8))) == (0, 9)


def test_long_clip_is_sampled(make_clip, live_noise):
    live = live_noise(200, 40, 50)
    frames = np.concatenate([live] * 10)
    assert sum(len(run) + 1 for run in frame_changes(make_clip(frames), 0, 2000)) <= 1200
    assert clip_flags(make_clip(frames)) == ()


def test_gain_along_the_line(make_clip, live_noise):
    roi = PleuralROI.single(0, [[20.0, 40.0], [70.0, 40.0]])
    frames = live_noise(20, 80, 90)
    frames[:, 38:42] = 180
    assert line_flags(make_clip(frames).store, roi, range(20), 0.25) == ()
    bright = np.minimum(frames.astype(int) * 4, 255).astype(np.uint8)
    dark = (frames // 16).astype(np.uint8)
    for wrong in (bright, dark):
        flags = line_flags(make_clip(wrong).store, roi, range(20), 0.25)
        assert flags == (QualityFlag.OVER_OR_UNDER_GAIN,)


def test_gain_of_real_clips_is_fair(shared_clips, shared_clip, drawn_roi):
    for name, entry in json.loads((shared_clips / "pleura.json").read_text()).items():
        if entry["usable"]:
            frames = range(*entry["window"])
            assert line_flags(shared_clip(name).store, drawn_roi(name), frames, entry["mm_per_px"]) == (), name


def test_a_clock_or_a_cursor_does_not_bring_a_still_picture_to_life(make_clip, live_noise):
    still = np.pad(live_noise(1, 80, 90), ((0, 0), (0, 20), (0, 0)))
    frames = np.repeat(still, 100, 0)
    frames[::2, 84:96, 40:50] = 230
    assert QualityFlag.FROZEN in clip_flags(make_clip(frames))
    living = np.pad(live_noise(100, 80, 90), ((0, 0), (0, 20), (0, 0)))
    assert QualityFlag.FROZEN not in clip_flags(make_clip(living))


def test_a_step_of_gain_or_a_cut_makes_no_repeated_frames(make_clip, live_noise):
    frames = live_noise(90, 80, 90)
    for k in range(1, 90):  # slow change, as between breaths
        frames[k] = np.rint(0.85 * frames[k - 1].astype(float) + 0.15 * frames[k]).astype(np.uint8)
    for moment in (20, 45, 70):
        frames[moment:] = 255 - frames[moment:]
    assert clip_flags(make_clip(frames)) == ()


def test_half_the_band_white_or_black_is_gain(make_clip, live_noise):
    roi = PleuralROI.single(0, [[20.0, 40.0], [70.0, 40.0]])
    frames = live_noise(20, 80, 90)
    frames[:, 38:42] = 180
    white, black = frames.copy(), frames.copy()
    white[:, 42:50] = 255
    black[:, 42:70] = 2
    for wrong in (white, black):
        assert line_flags(make_clip(wrong).store, roi, range(20), 0.25) == (QualityFlag.OVER_OR_UNDER_GAIN,)
