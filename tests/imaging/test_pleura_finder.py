import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from lsgui.core.errors import CancelledError
from lsgui.core.label import SlidingLabel
from lsgui.core.pleura import polyline_length, resample_polyline
from lsgui.imaging.line_tracker import track_line
from lsgui.imaging.pleura_finder import ENOUGH, find_pleura
from lsgui.imaging.scan_area import find_scan_area, picture_scale
from lsgui.simulation.clip import simulate_clip
from lsgui.simulation.spec import ClipSpec, Motion, Picture, Pleura, Rib, Wall


def _suggest(clip, **options):
    area = find_scan_area(clip)
    return find_pleura(clip, area, picture_scale(clip.info, area), **options)


def _distance(line, truth):
    """Mean vertical distance in pixels where both lines run, and how much of `truth` that is."""
    left, right = max(line[0, 0], truth[0, 0]), min(line[-1, 0], truth[-1, 0])
    if right <= left:
        return np.nan, 0.0
    at = np.linspace(left, right, 50)
    apart = np.abs(np.interp(at, *line.T) - np.interp(at, *truth.T)).mean()
    return float(apart), (right - left) / (truth[-1, 0] - truth[0, 0])


def _mean_distance(roi, truth, frames):
    both = np.array([_distance(roi.line_at(k), truth.line_at(k)) for k in frames])
    return float(np.nanmean(both[:, 0])) if np.isfinite(both[:, 0]).any() else np.nan, float(both[:, 1].mean())


def test_lumify_line_is_the_experts_line(shared_clips, shared_clip, drawn_roi):
    clip = shared_clip("tuke_lumify_l12.mp4")
    roi = _suggest(clip)
    entry = json.loads((shared_clips / "pleura.json").read_text())["tuke_lumify_l12.mp4"]
    apart, share = _mean_distance(roi, drawn_roi("tuke_lumify_l12.mp4"), range(15, 163, 4))
    assert apart * entry["mm_per_px"] < 1.0
    assert share > 0.6
    assert roi.source == "auto"
    assert roi.confidence > 0.8
    assert all(2 <= len(line) <= 8 for _, line in roi.keyframes)
    shapes = json.loads((shared_clips / "tuke_lumify_l12.cvat.json").read_text())[0]["shapes"]
    polygons = [s for s in shapes if s["label"] == "lungslidingpresent"]
    assert len(polygons) > 10
    for shape in polygons:
        outline = np.float32(shape["points"]).reshape(-1, 2)
        for x, y in resample_polyline(roi.line_at(shape["frame"]), 20):
            if outline[:, 0].min() <= x <= outline[:, 0].max():
                assert cv2.pointPolygonTest(outline, (float(x), float(y)), False) >= 0


def test_real_clips_get_their_line_or_none(shared_clips, shared_clip, drawn_roi):
    pleura = json.loads((shared_clips / "pleura.json").read_text())
    found = 0
    for name, entry in pleura.items():
        if not entry["usable"]:
            continue
        roi = _suggest(shared_clip(name))
        if roi is None:
            continue
        apart, _ = _mean_distance(roi, drawn_roi(name), range(*entry["window"], 5))
        assert apart * entry["mm_per_px"] < 3.0, name
        found += 1
    assert found >= 6


def test_rectangle_around_the_pleura_is_enough(shared_clips, shared_clip, drawn_roi):
    pleura = json.loads((shared_clips / "pleura.json").read_text())
    for name in ("Vir_whitelung_h1n1.mp4", "Reg_pat2Image_134348.mpeg", "Reg_pat2Image_134138.mpeg"):
        truth, reach = drawn_roi(name), 5.0 / pleura[name]["mm_per_px"]
        left, top, right, bottom = truth.bounds()
        box = (left - reach / 2, max(top - reach, 0.0), right - left + reach, bottom - top + 2 * reach)
        roi = _suggest(shared_clip(name), within=tuple(round(v) for v in box))
        assert roi is not None, name
        assert _mean_distance(roi, truth, range(*pleura[name]["window"], 5))[0] * pleura[name]["mm_per_px"] < 3.0, name


def test_muscle_without_pleura_is_refused(shared_clip):
    assert _suggest(shared_clip("Reg_Image_181206_crop.mp4")) is None


def test_chest_wall_alone_is_refused(shared_clip, make_clip):
    for name, bottom, pitch in (
        ("Cov_convex_volpecelli_sonographic_v1.mov", 165, 0.2),
        ("Vir_whitelung_h1n1.mp4", 82, 0.44),
    ):
        wall = shared_clip(name).stack(0, 100)[:, :bottom].copy()
        assert _suggest(make_clip(wall, spacing_mm=(pitch, pitch))) is None, name


SMALL = Picture(width=200, height=210, mm_per_px=0.22, fps=20.0, seconds=2.5)
SIMULATED = {
    "sliding, linear": ClipSpec(picture=SMALL),
    "absent, linear, between ribs": ClipSpec(
        label=SlidingLabel.LS_A,
        scenario="absent",
        picture=SMALL,
        wall=Wall(ribs=(Rib(4.0), Rib(40.0))),
        motion=Motion(speed_mm_s=0.0),
    ),
    "deep, tilted": ClipSpec(
        pleura=Pleura(depth_mm=33.0, tilt_deg=8.0), picture=replace(SMALL, height=260, mm_per_px=0.28)
    ),
    "absent, convex, drifting": ClipSpec(
        label=SlidingLabel.LS_A,
        scenario="probe_drift",
        picture=replace(SMALL, geometry="convex", width=260, mm_per_px=0.32),
        pleura=Pleura(depth_mm=22.0),
        motion=Motion(speed_mm_s=0.0, sway_mm=2.0),
    ),
}


@pytest.mark.parametrize("title", SIMULATED)
def test_simulated_pleura_is_found(title, make_clip):
    made = simulate_clip(SIMULATED[title], seed=5)
    clip = make_clip(made.frames, made.fps, spacing_mm=(made.mm_per_px, made.mm_per_px))
    roi = _suggest(clip)
    assert roi is not None
    apart, share = _mean_distance(roi, made.roi, range(0, len(clip), 5))
    assert apart * made.mm_per_px < 1.0
    assert share > 0.4


def test_noise_has_no_pleura(make_clip, live_noise):
    assert _suggest(make_clip(live_noise(60, 200, 240), spacing_mm=(0.2, 0.2))) is None


def test_search_stops_when_asked(shared_clip):
    with pytest.raises(CancelledError):
        _suggest(shared_clip("tuke_lumify_l12.mp4"), cancelled=lambda: True)


def test_rectangle_outside_the_image_finds_nothing(shared_clip):
    assert _suggest(shared_clip("tuke_lumify_l12.mp4"), within=(0, 0, 60, 40)) is None


def test_key_frames_follow_a_drifting_picture_and_none_are_kept_for_a_still_one(make_clip, live_noise):
    still = live_noise(1, 260, 320)[0]
    path = np.stack([20.0 * np.sin(np.arange(75) / 25.0), 6.0 * np.cos(np.arange(75) / 20.0)], axis=1)
    moved = np.stack(
        [cv2.warpAffine(still, np.float32([[1, 0, x], [0, 1, y]]), (320, 260), borderMode=1) for x, y in path]
    )
    line = np.array([[120.0, 130.0], [200.0, 132.0]])
    drifting = track_line(make_clip(moved).store, line, 30, (0, 75), 25.0, 0.25).keyframes
    assert len(drifting) > 2
    assert 30 in dict(drifting)
    for frame, there in drifting:
        assert np.allclose(there - line, path[frame] - path[30], atol=0.6)
    standing = track_line(make_clip(np.repeat(still[None], 50, 0)).store, line, 20, (0, 50), 25.0, 0.25)
    assert [k for k, _ in standing.keyframes] == [20]
    assert standing.followed == (0, 50)


def test_line_stays_where_the_picture_was_last_recognised(make_clip, live_noise):
    frames = np.concatenate([np.repeat(live_noise(1, 200, 200), 30, 0), live_noise(30, 200, 200)])
    line = np.array([[60.0, 100.0], [140.0, 100.0]])
    track = track_line(make_clip(frames).store, line, 5, (0, 60), 25.0, 0.25)
    assert max(frame for frame, _ in track.keyframes) < 30
    assert track.followed[0] == 0
    assert 20 < track.followed[1] <= 30


def test_line_that_is_lost_or_vanishes_half_way_is_doubtful(make_clip, live_noise):
    made = simulate_clip(SIMULATED["sliding, linear"], seed=5)
    count, height, width = made.frames.shape
    half = count // 2
    left = made.frames.copy()
    left[half:] = live_noise(count - half, height, width)
    hidden = made.frames.copy()
    top = int(made.roi.polyline[:, 1].min() - 1.5 / made.mm_per_px)
    hidden[half:, top:] = hidden[half:, top - 1 : top] // 3 + live_noise(count - half, height - top, width) // 12
    scales = {"fps": made.fps, "spacing_mm": (made.mm_per_px, made.mm_per_px)}
    seen = _suggest(make_clip(made.frames, **scales))
    assert seen is not None
    for frames in (left, hidden):
        assert _suggest(make_clip(frames, **scales)) is None
        doubtful = _suggest(make_clip(frames, **scales), least_confidence=0.0)
        assert doubtful is not None
        assert doubtful.confidence < 0.45 * seen.confidence


@pytest.mark.parametrize("name", ["Vir_prospective_file1.mp4", "Reg_pat1Image_133232.mpeg"])
def test_sweep_that_leaves_its_line_ends_without_a_sure_one(name, shared_clip):
    roi = _suggest(shared_clip(name), least_confidence=0.0)
    assert roi is None or roi.uncertain


@pytest.mark.parametrize("shape", [(1, 200, 240), (2, 64, 64), (5, 1, 1), (4, 20, 400), (10, 400, 20)])
def test_pictures_without_room_for_a_pleura_give_none(make_clip, live_noise, shape):
    assert _suggest(make_clip(live_noise(*shape))) is None
    assert _suggest(make_clip(live_noise(*shape), spacing_mm=(0.001, 0.001))) is None


BONE = ClipSpec(
    label=SlidingLabel.LS_A,
    scenario="absent",
    picture=SMALL,
    wall=Wall(ribs=(Rib(22.0, width_mm=260.0, above_mm=5.0, shadow_db=40.0),)),
    motion=Motion(speed_mm_s=0.0),
)
LAYERS = ClipSpec(
    picture=replace(SMALL, height=320), pleura=Pleura(depth_mm=58.0), wall=Wall(fasciae=20, fascia_db=-6.0)
)


@pytest.mark.parametrize(("spec", "rows"), [(BONE, 210), (LAYERS, 235)], ids=["bone", "layers of muscle"])
def test_lines_that_are_no_pleura_are_refused(spec, rows, make_clip):
    made = simulate_clip(spec, seed=3)
    cut = np.ascontiguousarray(made.frames[:, :rows])
    assert _suggest(make_clip(cut, made.fps, spacing_mm=(made.mm_per_px, made.mm_per_px))) is None


def test_line_runs_on_the_pleura_between_ribs_and_not_over_them(make_clip):
    ribs = tuple(Rib(centre, width_mm=7.0, above_mm=3.0) for centre in (2.0, 20.0, 38.0))
    made = simulate_clip(replace(SIMULATED["sliding, linear"], wall=Wall(ribs=ribs)), seed=6)
    roi = _suggest(make_clip(made.frames, made.fps, spacing_mm=(made.mm_per_px, made.mm_per_px)))
    assert roi is not None
    line = roi.line_at(20)
    truth = made.roi.line_at(20)
    slope, offset = np.polyfit(*truth.T, 1)
    assert np.abs(line[:, 1] - slope * line[:, 0] - offset).max() * made.mm_per_px < 1.5


def test_refusal_below_a_confidence_can_be_asked_for(shared_clip):
    muscle = shared_clip("Reg_Image_181206_crop.mp4")
    unsure = _suggest(muscle, least_confidence=0.0)
    assert unsure is not None
    assert unsure.confidence < ENOUGH
    assert _suggest(muscle, least_confidence=unsure.confidence + 0.01) is None


def test_line_that_is_found_is_long_enough_for_a_strip(shared_clip):
    roi = _suggest(shared_clip("tuke_lumify_l12.mp4"), within=(600, 190, 30, 40))
    assert roi is None or polyline_length(roi.polyline) * 0.235 > 6.0
