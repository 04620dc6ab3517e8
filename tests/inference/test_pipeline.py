"""The real pipeline on simulated and real clips, with the weights that ship."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lsgui.core.clip import Clip, ClipInfo, MemoryFrames
from lsgui.core.errors import CancelledError, ModelError
from lsgui.core.label import SlidingLabel
from lsgui.core.pleura import PleuralROI, read_roi_file
from lsgui.core.prediction import QualityFlag
from lsgui.imaging.scan_area import Scale
from lsgui.inference.pipeline import analyse
from lsgui.inference.preparation import build_request
from lsgui.inference.protocol import InferenceEvent, InferenceRequest, MotionReady, Progress, WindowScored
from lsgui.inference.verdict import MotionOpinion
from lsgui.readers.base import open_clip
from lsgui.simulation.clip import simulate_clip
from lsgui.simulation.draw import random_spec

Ask = Callable[[str, SlidingLabel], InferenceRequest]


def request_for(clip: Clip, roi: PleuralROI, model: str, scale: Scale) -> InferenceRequest:
    return build_request(clip, roi, request_id=1, model_id=model, device="cpu", scale=scale, quality=(), seconds={})


@pytest.fixture(scope="module")
def ask() -> Ask:
    made: dict[SlidingLabel, tuple[Clip, PleuralROI, Scale]] = {}

    def make(model: str, label: SlidingLabel) -> InferenceRequest:
        if label not in made:
            scenario = "sliding" if label is SlidingLabel.LS_P else "absent"
            simulated = simulate_clip(random_spec(np.random.default_rng(4), label, scenario), 5)
            count, height, width = simulated.frames.shape
            info = ClipInfo(Path("sim.avi"), "movie", count, width, height, simulated.fps, "container")
            clip = Clip(info, MemoryFrames(simulated.frames))
            made[label] = clip, simulated.roi, Scale(simulated.mm_per_px, calibrated=True)
        clip, roi, scale = made[label]
        return request_for(clip, roi, model, scale)

    return make


def run(request: InferenceRequest) -> tuple[list[InferenceEvent], object]:
    events: list[InferenceEvent] = []
    return events, analyse(request, events.append, lambda: False, "cpu")


@pytest.mark.parametrize("model", ["cmwru-strip", "motion"])
def test_events_and_prediction_agree(ask: Ask, model: str) -> None:
    request = ask(model, SlidingLabel.LS_P)
    events, prediction = run(request)
    windows = [event.window for event in events if isinstance(event, WindowScored)]
    assert windows
    assert tuple(windows) == prediction.windows
    fractions = [event.fraction for event in events if isinstance(event, Progress)]
    assert fractions == sorted(fractions)
    assert {event.motion_map.quantity for event in events if isinstance(event, MotionReady)} == {
        "speckle_change",
        "flow",
    }
    assert windows[0].start == 0
    assert windows[-1].stop <= len(request.frames)
    low, high = prediction.p_absent_interval
    assert low <= prediction.p_absent <= high
    assert prediction.ribbon.p_absent.shape == (len(windows), len(prediction.segments))
    assert prediction.model.id == model
    assert prediction.seconds["inference"] > 0


def test_black_lead_in_frames_are_left_out_and_windows_keep_their_place(ask: Ask) -> None:
    request = ask("motion", SlidingLabel.LS_P)
    black = np.zeros_like(request.frames[:12])
    times = np.arange(len(request.frames) + 12) * (request.times_s[1] - request.times_s[0])
    roi = PleuralROI(tuple((k + 12, line) for k, line in request.roi.keyframes))
    late = replace(request, frames=np.concatenate([black, request.frames]), times_s=times, roi=roi)
    _, plain = run(request)
    _, prediction = run(late)
    assert prediction.windows[0].start == 12
    assert prediction.motion_index == pytest.approx(plain.motion_index, abs=0.1)


def test_a_cancel_is_acted_on(ask: Ask) -> None:
    with pytest.raises(CancelledError):
        analyse(ask("cmwru-strip", SlidingLabel.LS_P), lambda _event: None, lambda: True, "cpu")


def test_a_model_of_another_input_is_refused(ask: Ask) -> None:
    with pytest.raises(ModelError, match="no model called"):
        analyse(replace(ask("motion", SlidingLabel.LS_P), model_id="none"), lambda _event: None, lambda: False, "cpu")


def test_the_motion_model_tells_simulated_sliding_from_absent(ask: Ask) -> None:
    assert run(ask("motion", SlidingLabel.LS_P))[1].p_absent < 0.3
    assert run(ask("motion", SlidingLabel.LS_A))[1].p_absent > 0.5


def test_a_clear_sliding_clip_of_a_patient_is_called_present(shared_clips: Path) -> None:
    clip = open_clip(shared_clips / "tuke_lumify_l12.mp4")
    roi = read_roi_file(shared_clips / "pleura.json", "tuke_lumify_l12.mp4")
    _, prediction = run(request_for(clip, roi, "cmwru-strip", Scale(0.235, calibrated=False)))
    assert prediction.label is SlidingLabel.LS_P
    assert prediction.motion_index is not None
    assert MotionOpinion(prediction.motion_index).label is SlidingLabel.LS_P
    assert QualityFlag.SCALE_ESTIMATED in prediction.quality
    assert prediction.windows[0].start == 2  # the clip begins with two black frames
