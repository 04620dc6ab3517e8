from dataclasses import replace

import numpy as np
import pytest

from lsgui.bench import flow
from lsgui.bench.flow import FlowFigures, measure


@pytest.fixture(scope="module")
def figures() -> FlowFigures:
    return measure(lambda _words, _done: None, True)


def test_the_contract_s_figures_stand_beside_their_references(figures: FlowFigures) -> None:
    said = figures.as_json()["flow"]
    for name in ("dis_ms", "raft_s", "raft_reference_s", "dis_map_s"):
        assert said[name] > 0
    for name in ("dis", "dis_reference", "raft", "raft_reference"):
        assert 0 < said[f"{name}_epe_px"] < 5 * said["still_epe_px"]
    assert said["raft_speedup"] == pytest.approx(said["raft_pair"]["reference_s"] / said["raft_pair"]["shipped_s"])
    assert "clip of 10 frames" in said["raft_s_per"]
    raft = figures.rows()[0]
    assert raft.reference is not None
    assert raft.faster_by == pytest.approx(raft.reference / raft.shipped)


def test_an_error_that_grew_by_more_than_a_twentieth_misses_its_target(figures: FlowFigures) -> None:
    def error_row(raft: float) -> bool | None:
        errors = {**figures.errors, "raft_reference": 1.0, "raft": raft}
        return next(row.met for row in replace(figures, errors=errors).rows() if "RAFT, end-point" in row.name)

    assert error_row(1.04) is True
    assert error_row(1.06) is False


def test_dis_follows_the_known_motion(figures: FlowFigures) -> None:
    assert figures.errors["dis"] < 0.5 * figures.errors["still"]


def test_a_flow_of_the_full_frame_is_read_at_the_strip_and_in_its_samples() -> None:
    scene = flow._Scene.simulated(flow._QUICK)
    height, width = scene.made.frames.shape[1:]
    mm = float(scene.truth_mm[0].mean())
    full = np.zeros((height, width, 2), np.float32)
    full[..., 0] = mm / scene.made.mm_per_px
    true = np.zeros((1, *scene.strip.frames.shape[1:], 2), np.float32)
    true[..., 0] = scene.truth_mm[0] / scene.strip.pitch_mm
    assert scene.error(true) < 1e-5
    assert scene.error(scene.on_strip(full)[None]) < 0.05 * abs(mm) / scene.made.mm_per_px
