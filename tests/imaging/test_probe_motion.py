"""The probe's own motion: slid along, tilted, held; and a clip that is cut together from two."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from speckle_samples import FPS, LINE_Y, MM_PER_PX, Sample, speckle_clip, texture

from lsgui.core.pleura import PleuralROI
from lsgui.core.prediction import QualityFlag
from lsgui.core.strip import PleuralStrip
from lsgui.imaging.motion_index import motion_index
from lsgui.imaging.probe_motion import line_path_mm, probe_motion
from lsgui.imaging.strip_cutter import cut_strip
from lsgui.imaging.strip_flags import strip_flags


def cut(sample: Sample, roi: PleuralROI | None = None) -> PleuralStrip:
    return cut_strip(sample.frames, (0, 0), sample.times_s, roi or sample.roi, MM_PER_PX, True)


def flags(sample: Sample, roi: PleuralROI | None = None) -> tuple[QualityFlag, ...]:
    roi = roi or sample.roi
    strip = cut(sample, roi)
    return strip_flags(strip, motion_index(strip), line_path_mm(roi, 0, len(strip.frames), MM_PER_PX))


def test_a_probe_that_slides_is_told_along_a_line_that_stands_and_one_that_follows_it() -> None:
    slid = speckle_clip(7, drift_px_s=-9.0, seconds=4.0)
    count = len(slid.frames)
    ends = (0, count - 1)
    follows = PleuralROI(tuple((k, slid.roi.polyline + slid.wall[k]) for k in ends))
    for roi in (slid.roi, follows):
        path = line_path_mm(roi, 0, count, MM_PER_PX)
        found = probe_motion(cut(slid, roi), path)
        assert found.speed_mm_s == pytest.approx(9.0 * MM_PER_PX, rel=0.15)
        assert found.reach_mm == pytest.approx(9.0 * MM_PER_PX * 2.5, rel=0.2)
        assert QualityFlag.PROBE_MOTION in flags(slid, roi)


def test_a_held_probe_over_a_lung_that_slides_or_stands_is_not() -> None:
    for sample in (speckle_clip(7), speckle_clip(7, renew=0.4), speckle_clip(8, drift_px_s=2.0)):
        assert flags(sample) == ()


def test_a_lung_that_slides_more_than_the_probe_is_not_flagged() -> None:
    assert QualityFlag.PROBE_MOTION not in flags(speckle_clip(7, drift_px_s=-9.0, renew=0.5))


def test_a_probe_that_tilts_shows_another_wall() -> None:
    held = speckle_clip(9, seconds=5.0, noise=0.0)
    rng = np.random.default_rng(2)
    slices = [texture(rng)[40:190, 40:200] for _ in range(6)]
    frames = held.frames.copy()
    for k in range(len(frames)):
        at = 4.0 * k / len(frames)
        part = 0.5 * np.pi * (at - int(at))
        mixed = 90.0 + np.cos(part) * (slices[int(at)] - 90.0) + np.sin(part) * (slices[int(at) + 1] - 90.0)
        frames[k] = np.clip(mixed, 0, 255).astype(np.uint8)
        frames[k, LINE_Y - 1 : LINE_Y + 2] = 200
    tilted = replace(held, frames=frames)
    assert probe_motion(cut(tilted)).loss > 0.6
    assert probe_motion(cut(held)).loss < 0.1
    assert QualityFlag.PROBE_MOTION in flags(tilted)


def swung(slices_wide: float) -> Sample:
    """Return a clip whose layers stay while its speckle passes into another slice and back."""
    rng = np.random.default_rng(4)
    held = speckle_clip(9, seconds=5.0, noise=0.0)
    layers = cv2.GaussianBlur(rng.standard_normal((150, 1)), (1, 0), 0, sigmaY=2.0)
    layers = 40.0 * layers / layers.std()
    slices = [texture(rng)[40:190, 40:200] - 90.0 for _ in range(5)]
    frames = held.frames.copy()
    for k in range(len(frames)):
        at = slices_wide * (0.5 - 0.5 * np.cos(2 * np.pi * 0.4 * k / FPS))
        part = 0.5 * np.pi * (at - int(at))
        mixed = 100.0 + layers + np.cos(part) * slices[int(at)] + np.sin(part) * slices[int(at) + 1]
        frames[k] = np.clip(mixed + rng.normal(0, 3, mixed.shape), 0, 255).astype(np.uint8)
        frames[k, LINE_Y - 1 : LINE_Y + 2] = 240
    return replace(held, frames=frames)


def test_a_probe_that_tilts_to_and_fro_renews_the_speckle_within_standing_layers() -> None:
    tilted, held = swung(3.9), swung(0.0)
    found = probe_motion(cut(tilted))
    assert found.loss < 0.6, "the layers stay"
    assert found.steady < 0.6
    assert probe_motion(cut(held)).steady > 0.9
    assert QualityFlag.PROBE_MOTION in flags(tilted)
    assert QualityFlag.PROBE_MOTION not in flags(held)


def test_noise_is_no_tilt() -> None:
    assert probe_motion(cut(speckle_clip(7, noise=25.0))).steady > 0.8


def test_a_cut_to_another_clip_loses_the_wall() -> None:
    one, other = speckle_clip(7), speckle_clip(17)
    half = len(one.frames) // 2
    joined = replace(one, frames=np.concatenate([one.frames[:half], other.frames[half:]]))
    assert QualityFlag.TRACKING_LOST in flags(joined)
    assert QualityFlag.TRACKING_LOST not in flags(one)


def test_a_moment_is_too_short_to_tell() -> None:
    found = probe_motion(cut(speckle_clip(7, seconds=3 / FPS)))
    assert (found.speed_mm_s, found.moves) == (0.0, False)
