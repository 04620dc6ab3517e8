"""Maps by themselves, made by the real worker's code: flow by RAFT in the units of DIS, focus of every network."""

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import torch

from lsgui.core.clip import Clip, ClipInfo, MemoryFrames
from lsgui.core.errors import CancelledError, ModelError
from lsgui.core.label import SlidingLabel
from lsgui.core.motion_map import MotionMap
from lsgui.imaging.scan_area import Scale
from lsgui.inference.map_pipeline import draw_map
from lsgui.inference.preparation import build_request
from lsgui.inference.protocol import FlowChoice, InferenceEvent, InferenceRequest, MotionReady, Progress
from lsgui.models.raft import build_raft_small, load_raft
from lsgui.simulation.clip import SimulatedClip, simulate_clip
from lsgui.simulation.draw import random_spec

FRAMES = 40


@lru_cache
def simulated() -> SimulatedClip:
    return simulate_clip(random_spec(np.random.default_rng(4), SlidingLabel.LS_P, "sliding"), 5)


def request(
    wanted: str, model: str = "cmwru-strip", flow: FlowChoice | None = None, frames: int = FRAMES
) -> InferenceRequest:
    made = simulated()
    pixels = made.frames[:frames]
    count, height, width = pixels.shape
    info = ClipInfo(Path("sim.avi"), "movie", count, width, height, made.fps, "container")
    return build_request(
        Clip(info, MemoryFrames(pixels)),
        made.roi,
        request_id=3,
        model_id=model,
        device="cpu",
        scale=Scale(made.mm_per_px, calibrated=True),
        quality=(),
        seconds={},
        wanted=wanted,
        flow=flow or FlowChoice(),
    )


def drawn(asked: InferenceRequest) -> tuple[MotionMap | None, list[InferenceEvent]]:
    events: list[InferenceEvent] = []
    assert draw_map(asked, events.append, lambda: False, "cpu") is None
    maps = [event.motion_map for event in events if isinstance(event, MotionReady)]
    assert all(event.id == 3 for event in events)
    assert len(maps) <= 1
    return (maps[0] if maps else None), events


def test_flow_by_raft_has_the_units_places_and_moments_of_dis() -> None:
    raft, events = drawn(request("flow", flow=FlowChoice("raft", 2), frames=16))
    dis, _ = drawn(request("flow", flow=FlowChoice("dis", 2), frames=16))
    assert (raft.note.split(",")[0], dis.note.split(",")[0]) == ("RAFT", "DIS")
    assert raft.note.split(", ")[1].startswith("step 2 frames (")
    assert (
        (raft.unit, raft.depth_px, raft.quantity) == (dis.unit, dis.depth_px, "flow") == ("mm/s", raft.depth_px, "flow")
    )
    np.testing.assert_array_equal(raft.times_s, dis.times_s)
    assert raft.values.shape == dis.values.shape
    assert raft.vectors.shape == dis.vectors.shape
    np.testing.assert_array_equal(np.isnan(raft.values), np.isnan(dis.values))
    fractions = [event.fraction for event in events if isinstance(event, Progress)]
    assert fractions == sorted(fractions)
    assert len(fractions) >= 4


def test_flow_needs_no_more_of_the_clip_than_the_strip_and_says_pixels_without_a_scale() -> None:
    of_pictures, of_strip = request("flow", "cmwru"), request("flow")
    assert of_pictures.frames.shape == of_strip.frames.shape
    known, _ = drawn(of_strip)
    unknown, _ = drawn(replace(of_strip, calibrated=False))
    assert unknown.unit == "px/s"
    np.testing.assert_allclose(unknown.values * of_strip.mm_per_px, known.values, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(unknown.vectors * of_strip.mm_per_px, known.vectors, rtol=1e-4, atol=1e-5)


def test_raft_runs_with_weights_from_a_file_and_a_bad_file_is_one_sentence(tmp_path: Path) -> None:
    own, bad = tmp_path / "own.pth", tmp_path / "bad.pth"
    torch.save(build_raft_small().state_dict(), own)
    bad.write_bytes(b"nothing")
    found, _ = drawn(request("flow", flow=FlowChoice("raft", 0, str(own)), frames=8))
    assert found.note.startswith("RAFT (own.pth), step")
    with pytest.raises(ModelError, match="choose another file") as fault:
        drawn(request("flow", flow=FlowChoice("raft", 0, str(bad)), frames=8))
    assert str(fault.value).count("\n") == 0


def test_a_file_of_weights_that_was_replaced_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "w.pth"
    notes = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        torch.save(build_raft_small().state_dict(), path)
        found, _ = drawn(request("flow", flow=FlowChoice("raft", 1, str(path)), frames=6))
        notes.append(found.vectors)
    assert (notes[0] != notes[1]).any()


@pytest.mark.parametrize("model", ["cmwru-strip", "cmwru", "rcm2d", "cmwra"])
def test_every_shipped_network_shows_where_it_looked(model: str) -> None:
    asked = request("focus", model)
    found, events = drawn(asked)
    assert found.quantity == "focus"
    assert found.note == f"{model} {found.note.split()[1].rstrip(',')}, integrated gradients"
    assert np.nanmax(np.abs(found.values)) == pytest.approx(1.0, abs=1e-5)
    assert np.isfinite(found.values).any(axis=(1, 2)).all()
    assert (np.diff(found.times_s) > 0).all()
    assert 0.0 <= found.times_s[0] < found.times_s[-1] <= asked.times_s[-1]
    assert found.above_px > 0
    fractions = [event.fraction for event in events if isinstance(event, Progress)]
    assert fractions == sorted(fractions)


def test_black_lead_in_frames_shift_the_moments_of_a_map() -> None:
    asked = request("focus")
    black = np.zeros_like(asked.frames[:10])
    step = asked.times_s[1] - asked.times_s[0]
    times = np.arange(len(asked.frames) + 10) * step
    late = replace(asked, frames=np.concatenate([black, asked.frames]), times_s=times)
    plain, _ = drawn(asked)
    found, _ = drawn(late)
    assert found.times_s[0] == pytest.approx(plain.times_s[0] + 10 * step, abs=step)


def test_what_cannot_be_drawn_is_said_or_left_out_and_a_cancel_is_heard() -> None:
    with pytest.raises(ModelError, match="motion is no network"):
        drawn(request("focus", "motion"))
    assert drawn(request("flow", flow=FlowChoice("dis", 3), frames=3))[0] is None
    with pytest.raises(CancelledError):
        draw_map(request("flow", flow=FlowChoice("raft")), lambda _event: None, lambda: True, "cpu")


def test_cuda_draws_what_the_processor_draws(cuda: str) -> None:
    for asked in (request("flow", flow=FlowChoice("raft", 2), frames=12), request("focus"), request("focus", "rcm2d")):
        events: list[InferenceEvent] = []
        draw_map(asked, events.append, lambda: False, cuda)
        there = next(event.motion_map for event in events if isinstance(event, MotionReady))
        here, _ = drawn(asked)
        assert np.nanmean(np.abs(there.values - here.values)) < 0.1 * np.nanmean(np.abs(here.values)) + 0.02


def test_the_shipped_raft_is_kept_between_requests() -> None:
    from lsgui.inference.pipeline import raft_of

    assert raft_of(None, "cpu") is raft_of(None, "cpu")
    assert isinstance(load_raft(), torch.nn.Module)
