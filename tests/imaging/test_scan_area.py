import csv
import json

import cv2
import numpy as np
import pytest

from lsgui.imaging.scan_area import find_scan_area, picture_scale


def test_image_of_a_screen_capture_is_cut_out_of_text_and_black(shared_clip):
    area = find_scan_area(shared_clip("tuke_lumify_l12.mp4"))
    x, y, width, height = area.box
    assert abs(x - 559) <= 8
    assert abs(x + width - 719) <= 8
    assert abs(y - 107) <= 8
    assert abs(y + height - 646) <= 8
    assert area.geometry == "linear"
    assert area.apex is None
    assert not area.mask[:60].any(), "the header text belongs to the surround"
    assert not area.mask.flags.writeable


def test_every_drawn_pleura_lies_in_the_mask_and_the_probe_is_told(shared_clips, shared_clip):
    pleura = json.loads((shared_clips / "pleura.json").read_text())
    with (shared_clips / "manifest.csv").open() as table:
        probes = {row["file"]: row["probe"] or "linear" for row in csv.DictReader(table)}
    for name, entry in pleura.items():
        area = find_scan_area(shared_clip(name))
        assert area.geometry == probes[name], name
        for x, y in entry["polyline"] or ():
            assert area.mask[round(y), round(x)], (name, x, y)


def test_estimated_scale_is_within_a_quarter_of_the_readers_estimate(shared_clips, shared_clip):
    pleura = json.loads((shared_clips / "pleura.json").read_text())
    for name, entry in pleura.items():
        clip = shared_clip(name)
        scale = picture_scale(clip.info, find_scan_area(clip))
        assert not scale.calibrated
        assert 0.75 < scale.mm_per_px / entry["mm_per_px"] < 1.25, name


def test_file_calibration_wins_and_rows_decide_where_the_spacings_differ(make_clip, live_noise):
    frames = live_noise(6, 60, 80)
    even = make_clip(frames, spacing_mm=(0.2, 0.202))
    assert picture_scale(even.info, find_scan_area(even)).mm_per_px == pytest.approx(0.201)
    odd = make_clip(frames, spacing_mm=(0.2, 0.3))
    scale = picture_scale(odd.info, find_scan_area(odd))
    assert (scale.mm_per_px, scale.calibrated) == (0.2, True)


def test_text_over_the_image_is_masked_and_a_saturated_still_line_is_not(make_clip, live_noise):
    screen = np.zeros((20, 260, 320), np.uint8)
    screen[:, 40:240, 60:280] = live_noise(20, 200, 220)
    line = cv2.GaussianBlur(np.pad(np.full((3, 160), 900.0), ((8, 8), (30, 30))), (0, 0), 2.2)
    screen[:, 120:139, 60:280] = np.maximum(screen[:, 120:139, 60:280], np.clip(line, 0, 255).astype(np.uint8))
    for frame in screen:
        cv2.putText(frame, "MI 0.9", (80, 220), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 255, 1)
        cv2.putText(frame, "HEADER 2000", (10, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 255, 1)
    area = find_scan_area(make_clip(screen))
    x, y, width, height = area.box
    assert np.allclose([x, y, x + width, y + height], [60, 40, 280, 240], atol=4)
    glyphs = (screen.min(axis=0) == 255) & (np.arange(260)[:, None] > 200)
    assert glyphs.sum() > 20
    assert not area.mask[glyphs].any()
    assert area.mask[129, 110:230].all()


def test_fan_keeps_its_corners_out_and_its_beams_meet_in_the_apex(make_clip, live_noise):
    frames = live_noise(12, 240, 320)
    rows, columns = np.mgrid[0:240, 0:320]
    radius = np.hypot(columns - 160, rows + 60)
    fan = (np.abs(np.arctan2(columns - 160, rows + 60)) < 0.6) & (radius > 80) & (radius < 290)
    area = find_scan_area(make_clip(np.where(fan, frames, 0).astype(np.uint8)))
    assert area.geometry == "convex"
    assert np.hypot(area.apex[0] - 160, area.apex[1] + 60) < 12
    overlap = (area.mask & fan).sum() / (area.mask | fan).sum()
    assert overlap > 0.95
    assert not area.mask[8, 160], "above the arc of the probe's face is no image"


def test_still_picture_is_told_by_brightness(make_clip, live_noise):
    screen = np.zeros((1, 200, 300), np.uint8)
    screen[:, 30:180, 50:250] = live_noise(1, 150, 200)
    x, y, width, height = find_scan_area(make_clip(screen)).box
    assert np.allclose([x, y, x + width, y + height], [50, 30, 250, 180], atol=8)


def test_region_of_the_file_bounds_the_image(make_clip, live_noise):
    area = find_scan_area(make_clip(live_noise(10, 200, 300), region=(40, 20, 150, 120)))
    x, y, width, height = area.box
    assert (x, y) == (40, 20)
    assert (width, height) == (150, 120)


def test_black_clip_gives_the_whole_picture(make_clip):
    area = find_scan_area(make_clip(np.zeros((4, 64, 96), np.uint8)))
    assert area.box == (0, 0, 96, 64)
    assert area.mask.all()


@pytest.mark.parametrize("shape", [(5, 1, 1), (3, 8, 8), (4, 20, 400), (10, 400, 20)])
def test_odd_shapes_give_an_area_within_the_picture(make_clip, live_noise, shape):
    clip = make_clip(live_noise(*shape))
    area = find_scan_area(clip)
    x, y, width, height = area.box
    assert area.mask.shape == shape[1:]
    assert 0 <= x < x + width <= shape[2]
    assert 0 <= y < y + height <= shape[1]
    assert picture_scale(clip.info, area).mm_per_px > 0


@pytest.fixture
def screen(live_noise):
    """A screen of 30 frames with a live image at (60, 40) to (220, 200), 160 x 160 px."""
    frames = np.zeros((30, 300, 480), np.uint8)
    frames[:, 40:200, 60:220] = live_noise(30, 160, 160)
    return frames


IMAGE = (60, 40, 160, 160)


def _box_error(clip):
    return float(np.abs(np.array(find_scan_area(clip).box) - np.array(IMAGE)).max())


def test_pointer_clock_and_trace_beside_the_image_do_not_count(make_clip, screen):
    for k, frame in enumerate(screen):
        cv2.circle(frame, (40 + 12 * k, 250 - 5 * k), 6, 255, -1)
        cv2.putText(frame, f"12:{k:02d}.{37 * k % 100:02d}", (330, 40), cv2.FONT_HERSHEY_SIMPLEX, 0.8, 240, 2)
        trace = 270 + (14 * np.sin((np.arange(200) + 9 * k) / 8.0)).astype(np.int32)
        cv2.polylines(frame, [np.stack([np.arange(200) + 240, trace], 1).astype(np.int32)], False, 220, 1)
    assert _box_error(make_clip(screen)) <= 5


def test_screen_recorded_with_noise_is_told_from_the_image(make_clip, screen):
    noise = np.random.default_rng(3).normal(0, 2.0, screen.shape)
    assert _box_error(make_clip(np.clip(screen + noise, 0, 255).astype(np.uint8))) <= 5


def test_frozen_image_beside_a_running_clock_is_the_image(make_clip, screen):
    frozen = np.repeat(screen[:1], 30, axis=0)
    for k, frame in enumerate(frozen):
        cv2.putText(frame, f"12:{k:02d}.{37 * k % 100:02d}", (250, 260), cv2.FONT_HERSHEY_SIMPLEX, 1.2, 240, 3)
    assert _box_error(make_clip(frozen)) <= 8


def test_second_smaller_image_is_left_out(make_clip, screen, live_noise):
    screen[:, 230:280, 300:360] = live_noise(30, 50, 60)
    assert _box_error(make_clip(screen)) <= 5


def test_drawn_frame_over_the_image_is_masked_and_a_still_echo_of_its_length_is_not(make_clip, screen):
    for frame in screen:
        cv2.rectangle(frame, (90, 60), (190, 130), 255, 1)
    echo = cv2.GaussianBlur(np.pad(np.full((3, 90), 900.0), ((8, 8), (8, 8))), (0, 0), 2.2)
    screen[:, 150:169, 80:186] = np.maximum(screen[:, 150:169, 80:186], np.clip(echo, 0, 255).astype(np.uint8))
    mask = find_scan_area(make_clip(screen)).mask
    assert not mask[60, 95:185].any()
    assert not mask[65:125, 90].any()
    assert mask[159, 95:170].all()
    assert mask[100, 120:160].all()
