"""RAFT for maps: served parts say what torch says, and it sees the file's own fine pixels on the band alone."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from test_map_pipeline import request

from lsgui.bench.sample_clips import moving_texture, sample_spec
from lsgui.imaging.finer_strip import FinerStrip, worth_finer
from lsgui.imaging.flow_map import DIS
from lsgui.imaging.strip_cutter import MARGIN_COLUMNS, PITCH_MM, StripSampler, cut_strip
from lsgui.inference.map_pipeline import draw_map, flow_solver
from lsgui.inference.protocol import FlowChoice
from lsgui.inference.raft_serving import MAP_ITERATIONS, raft_for_maps, serve_on_processor
from lsgui.models.raft import RaftFlow, build_raft_large, load_raft
from lsgui.simulation.clip import simulate_clip


def speckle(height: int, width: int) -> torch.Tensor:
    grey = np.random.default_rng(3).normal(size=(height, width + 8)).astype(np.float32)
    grey = cv2.GaussianBlur(grey, (0, 0), 2.0)
    grey = 120.0 + 40.0 * grey / grey.std()
    return torch.from_numpy(np.clip(np.stack([grey[:, :-8], grey[:, 3:-5]]), 0, 255).astype(np.uint8))[None]


@pytest.mark.parametrize("size", [(64, 75), (130, 90)])
def test_served_parts_give_the_flow_that_torch_gives(size: tuple[int, int]) -> None:
    frames = speckle(*size)
    served, plain = load_raft(None, 2), load_raft(None, 2)
    serve_on_processor(served, (1, *size))
    expected = plain(frames)
    assert float(expected.abs().mean()) > 0.1
    assert torch.allclose(served(frames), expected, atol=1e-3)
    serve_on_processor(served, (1, 40, 40))  # another strip, and back
    serve_on_processor(served, (1, *size))
    assert torch.allclose(served(frames), expected, atol=1e-3)


def test_the_large_network_is_served_as_well() -> None:
    torch.manual_seed(0)
    raft = RaftFlow(build_raft_large(), iterations=1)
    frames = speckle(128, 128)
    expected = raft(frames)
    serve_on_processor(raft, (1, 128, 128))
    assert torch.allclose(raft(frames), expected, atol=1e-2 * float(expected.abs().max()))


def test_maps_are_refined_as_often_as_pays_and_the_network_is_kept() -> None:
    assert raft_for_maps(None, "cpu") is raft_for_maps(None, "cpu")
    assert raft_for_maps(None, "cpu").iterations == MAP_ITERATIONS <= load_raft().iterations


def test_a_finer_strip_holds_the_strip_and_lies_where_it_lies() -> None:
    made = simulate_clip(moving_texture(sample_spec(6, 320, 240, 20.0)), 4)
    strip = cut_strip(made.frames, (0, 0), np.arange(6) / 20.0, made.roi, made.mm_per_px, True)
    finer = FinerStrip(made.frames, (0, 0), made.roi, made.mm_per_px, strip, 2)
    found = finer(np.array([1, 4]))
    assert found.shape == (2, 2 * strip.frames.shape[1], 2 * strip.frames.shape[2])
    small = np.stack([cv2.resize(one, strip.frames.shape[:0:-1], interpolation=cv2.INTER_AREA) for one in found])
    likeness = np.corrcoef(small.ravel(), strip.frames[[1, 4]].ravel())[0, 1]
    aside = np.corrcoef(small[..., 1:].ravel(), strip.frames[[1, 4]][..., :-1].ravel())[0, 1]
    assert likeness > 0.97 > aside
    same = FinerStrip(made.frames, (0, 0), made.roi, made.mm_per_px, strip, 1)
    assert (same(np.array([3]))[0] == strip.frames[3]).all()


def test_finer_samples_are_low_passed_less() -> None:
    frames = np.random.default_rng(1).integers(0, 255, (1, 200, 320), dtype=np.uint8)
    roi = simulate_clip(sample_spec(2, 320, 200, 20.0), 4).roi
    coarse, fine = (StripSampler(frames, (0, 0), roi, 0.1, times).sample(0) for times in (1, 2))
    inner = slice(MARGIN_COLUMNS, -MARGIN_COLUMNS)
    assert fine[:, inner].std() > 1.5 * coarse[:, inner].std()


def test_only_files_with_finer_pixels_than_the_strip_are_sampled_finer() -> None:
    assert worth_finer(PITCH_MM, 0.235)
    assert not worth_finer(PITCH_MM, 0.34)


def test_raft_on_fine_pixels_errs_less_than_on_the_strip_and_no_more_with_fewer_refinements() -> None:
    made = simulate_clip(moving_texture(sample_spec(12, 400, 300, 20.0)), 7)
    strip = cut_strip(made.frames, (0, 0), np.arange(12) / 20.0, made.roi, made.mm_per_px, True)
    firsts, lag = np.array([2, 5, 8]), 2
    moved = np.stack([made.flow_mm[k + 1 : k + 1 + lag].sum(axis=0).mean() for k in firsts]) / PITCH_MM
    finer = FinerStrip(made.frames, (0, 0), made.roi, made.mm_per_px, strip, 2)

    def error(solver) -> float:
        below = solver.motion(strip, firsts, lag)[:, strip.pleura_row + 3 : strip.pleura_row + 30]
        return float(np.hypot(below[..., 0] - moved[:, None, None], below[..., 1]).mean())

    raft = flow_solver(FlowChoice("raft"), "cpu")
    on_strip, on_fine = error(raft), error(replace(raft, look=finer))
    assert on_fine < 0.7 * on_strip
    assert error(DIS) < on_fine  # what the card says of the shipped weights


def test_a_map_by_raft_looks_at_the_file_again(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []
    real = FinerStrip.__call__

    def counted(self: FinerStrip, indices: np.ndarray) -> np.ndarray:
        looked.extend(indices.tolist())
        return real(self, indices)

    monkeypatch.setattr(FinerStrip, "__call__", counted)
    asked = request("flow", flow=FlowChoice("raft", 2), frames=8)
    draw_map(asked, lambda _event: None, lambda: False, "cpu")
    assert bool(looked) == worth_finer(PITCH_MM, asked.mm_per_px)
    looked.clear()
    draw_map(replace(asked, mm_per_px=asked.mm_per_px / 2), lambda _event: None, lambda: False, "cpu")
    assert looked
