"""Flags through the whole path: files on disk, read, cut, measured and judged as `lsgui predict` does it."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lsgui.cli.info_command import clip_facts
from lsgui.core.clip import Clip
from lsgui.core.label import SlidingLabel
from lsgui.core.pleura import PleuralROI
from lsgui.core.prediction import QualityFlag
from lsgui.core.resources import resources_dir
from lsgui.imaging.motion_index import motion_index
from lsgui.imaging.scan_area import find_scan_area, picture_scale
from lsgui.inference.clip_runner import ClipRunner
from lsgui.inference.line_file import LineFile
from lsgui.inference.local_session import LocalSession
from lsgui.inference.pipeline import strip_of
from lsgui.inference.plan import WorkerPlan
from lsgui.inference.preparation import build_request
from lsgui.inference.request_flags import request_flags
from lsgui.models.card import ModelInput, load_card
from lsgui.readers.base import open_clip
from lsgui.simulation import SimulatedClip, random_spec, simulate_clip
from lsgui.simulation.dicom_writer import write_dicom
from lsgui.simulation.movie_writer import write_avi

DEMO = resources_dir() / "demo"
DEMO_LINES = {row["file"]: row["roi"] for row in json.loads((DEMO / "demo.json").read_text(encoding="utf-8"))}


def flags_of(clip: Clip, roi: PleuralROI, model: str = "motion", **card_changes: object) -> set[QualityFlag]:
    scale = picture_scale(clip.info, find_scan_area(clip))
    request = build_request(clip, roi, request_id=1, model_id=model, device="cpu", scale=scale, quality=(), seconds={})
    first, strip = strip_of(request, lambda: False)
    card = load_card(model).model_copy(update=card_changes)
    return set(request_flags(request, card, first, strip, motion_index(strip)))


@pytest.fixture(scope="module")
def sliding() -> SimulatedClip:
    """A clip of a lung that slides fast under a probe that is held."""
    spec = random_spec(np.random.default_rng(12), SlidingLabel.LS_P, "sliding")
    motion = replace(spec.motion, speed_mm_s=8.0, drift_mm_s=(0.0, 0.0), sway_mm=0.0, pulse_mm=0.0)
    scanner = replace(spec.scanner, repeat_every=0, black_lead_in=0, codec="none", gain_steps=())
    picture = replace(spec.picture, fps=20.0, seconds=5.0)
    return simulate_clip(replace(spec, motion=motion, scanner=scanner, picture=picture), 3)


@pytest.fixture
def session() -> Iterator[LocalSession]:
    running = LocalSession(WorkerPlan())
    running.start()
    yield running
    running.close()


@pytest.mark.parametrize(
    ("file", "raised"),
    [
        ("probe_drift.mp4", {QualityFlag.PROBE_MOTION}),
        ("lung_pulse.mp4", {QualityFlag.PULSE_ONLY}),
        ("sliding.mp4", set()),
        ("absent.dcm", set()),
    ],
)
def test_demo_clips_raise_what_they_show(file: str, raised: set[QualityFlag]) -> None:
    flags = flags_of(open_clip(DEMO / file), PleuralROI.from_json(DEMO_LINES[file]))
    assert flags - {QualityFlag.SCALE_ESTIMATED} == raised


@pytest.mark.parametrize("model", ["cmwru-strip", "motion"])
@pytest.mark.parametrize("pattern", ["doubled", "every 2nd"])
def test_repeated_frames_of_a_sliding_lung_never_read_as_stillness(
    tmp_path: Path, sliding: SimulatedClip, session: LocalSession, model: str, pattern: str
) -> None:
    frames, fps, shown = sliding.frames, sliding.fps, np.arange(len(sliding.frames))
    shown, fps = (np.repeat(shown, 2), 2 * fps) if pattern == "doubled" else (shown - shown % 2, fps)
    path, line = tmp_path / "doubled.avi", tmp_path / "line.json"
    write_avi(path, frames[shown], fps)
    line.write_text(json.dumps(PleuralROI.single(0, sliding.roi.polyline).to_json()), encoding="utf-8")
    with ClipRunner(session, model, "cpu", LineFile(line)).judged(path) as answer:
        said = answer.prediction
    assert QualityFlag.DUPLICATE_FRAMES in said.quality
    assert said.label is not SlidingLabel.LS_A


@pytest.mark.parametrize(("rate", "raised"), [(11.0, True), (12.5, False)])
def test_a_slow_rate_is_told_by_the_timing_of_movies_and_of_dicom(
    tmp_path: Path, sliding: SimulatedClip, rate: float, raised: bool
) -> None:
    movie, dicom = tmp_path / "slow.avi", tmp_path / "slow.dcm"
    write_avi(movie, sliding.frames, rate)
    height, width = sliding.frames.shape[1:]
    write_dicom(dicom, sliding.frames, rate, sliding.mm_per_px, (0, 0, width, height))
    for path in (movie, dicom):
        assert ("low_frame_rate" in clip_facts(path, open_clip(path))["quality"]) is raised, path.name


def test_a_clip_that_fills_no_window_of_a_model_on_pictures_is_too_short() -> None:
    clip = open_clip(DEMO / "sliding.mp4")
    roi = PleuralROI.from_json(DEMO_LINES["sliding.mp4"])
    for frames, raised in ((len(clip), False), (len(clip) + 1, True)):
        window = ModelInput(kind="frame", size=(frames, 64, 64))
        assert (QualityFlag.TOO_SHORT in flags_of(clip, roi, input=window)) is raised


def test_vir_prospective_repeats_frames(shared_clips: Path) -> None:
    path = shared_clips / "Vir_prospective_file1.mp4"
    assert clip_facts(path, open_clip(path))["quality"] == ["duplicate_frames"]
