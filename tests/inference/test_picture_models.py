"""Networks on pictures and flow, served end to end: small real networks with random weights, cards and files."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from lsgui.cli.main import run as main
from lsgui.core.clip import Clip, ClipInfo, MemoryFrames
from lsgui.core.errors import CancelledError, ModelError
from lsgui.core.label import SlidingLabel
from lsgui.core.pleura import PleuralROI
from lsgui.core.prediction import QualityFlag
from lsgui.imaging.scan_area import Scale, find_scan_area
from lsgui.inference import picture_scoring
from lsgui.inference.engine import Engine
from lsgui.inference.picture_scoring import PictureScorer, picture_windows, window_spans
from lsgui.inference.pipeline import analyse
from lsgui.inference.plan import WorkerPlan
from lsgui.inference.preparation import build_request
from lsgui.inference.protocol import Finished, Notice, Progress, WindowScored
from lsgui.models.base import find_spec
from lsgui.models.card import ModelCard, load_card, write_card
from lsgui.models.checkpoint import save_weights
from lsgui.models.preprocess import ClipInput, flow_patch_corners, normalise, prepare_stack, take_window
from lsgui.simulation.clip import simulate_clip
from lsgui.simulation.draw import random_spec

SPECS = {
    "cmwru": ClipInput("frame", 12, 32, 12.8, "pleura", stabilise=True, mean=60.0, std=40.0),
    "rcm2d": ClipInput("frame", 10, 32, None, "scan", mean=40.0, std=50.0),
    "cmwru-patches": ClipInput("patches", 12, 32, 12.8, mean=60.0, std=40.0),
    "cmwru-scan": ClipInput("frame", 12, 32, 12.8, "scan", stabilise=True, deviation=True, std=12.0),
    "inception2d": ClipInput("frame", 2, 75, 1.5, "pleura", mean=60.0, std=40.0),
}
POOLED = {"head": "pooled", "width": 2, "depth_bins": 4}


def put_model(root: Path, name: str, spec: ClipInput, hyperparameters: dict[str, object]) -> ModelCard:
    """Write a card and a network with weights drawn at random; normalisations have seen something like data."""
    torch.manual_seed(len(name))
    card = ModelCard(
        id=name,
        title=f"Test {name}",
        version="1",
        architecture=name.split("-")[0],
        input=spec.to_model_input(),
        hyperparameters=hyperparameters,
        threshold=0.5,
        threshold_source="test",
        abstain=(0.5, 0.5),
        parameters=0,
        folder=root / name,
    )
    network = find_spec(card.architecture).build(card)
    card.folder.mkdir(parents=True)
    digest = save_weights(network, card.weights_path, half=name == "rcm2d")
    count = sum(weight.numel() for weight in network.parameters())
    card = card.model_copy(update={"sha256": digest, "parameters": count})
    write_card(card, card.folder)
    return card


@pytest.fixture(scope="module")
def scene() -> tuple[Clip, PleuralROI, Scale]:
    simulated = simulate_clip(random_spec(np.random.default_rng(11), SlidingLabel.LS_P, "sliding"), 5)
    frames = simulated.frames[:44]
    count, height, width = frames.shape
    info = ClipInfo(Path("sim.avi"), "movie", count, width, height, simulated.fps, "container")
    keys = [k for k, _ in simulated.roi.keyframes if k < 44]
    roi = PleuralROI(tuple((k, simulated.roi.line_at(k)) for k in keys))
    return Clip(info, MemoryFrames(frames)), roi, Scale(simulated.mm_per_px, calibrated=True)


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LSGUI_MODELS", str(tmp_path))
    return tmp_path


def ask(scene: tuple[Clip, PleuralROI, Scale], model: str):
    clip, roi, scale = scene
    return build_request(clip, roi, request_id=1, model_id=model, device="cpu", scale=scale, quality=(), seconds={})


def run(request, cancelled=lambda: False):
    events: list[object] = []
    return events, analyse(request, events.append, cancelled, "cpu")


def whole_stack(scene, spec):
    clip, roi, scale = scene
    box = find_scan_area(clip).box if spec.region == "scan" and spec.kind != "patches" else None
    return prepare_stack(spec, clip.stack(), (0, 0), clip.info.times_s, roi, scale.mm_per_px, box)


def loaded(card: ModelCard) -> torch.nn.Module:
    from lsgui.models.checkpoint import load_model_weights

    network = find_spec(card.architecture).build(card)
    load_model_weights(network, card)
    return network.eval()


@pytest.mark.parametrize("model", SPECS)
def test_the_answer_is_that_of_the_network_on_the_windows_of_the_whole_clip(models, scene, model):
    spec = SPECS[model]
    card = put_model(models, model, spec, POOLED if model.startswith("cmwru") else {})
    events, prediction = run(ask(scene, model))

    stack = whole_stack(scene, spec)
    starts = range(0, len(stack.moments) - spec.frames + 1, max(spec.frames // 2, 1))
    network = loaded(card)
    with torch.inference_mode():
        expected = [
            torch.sigmoid(network(torch.from_numpy(normalise(take_window(stack, k, spec), spec))).double())[
                :, 0
            ].numpy()
            for k in starts
        ]
    found = prediction.ribbon.p_absent
    assert found.shape[1] == (len(stack.frames) if spec.kind == "patches" else 1)
    np.testing.assert_allclose(found[: len(expected)], np.stack(expected), atol=1e-5)
    assert np.std(found) > 0 or model == "inception2d", "windows differ, and so do their answers"

    assert tuple(e.window for e in events if isinstance(e, WindowScored)) == prediction.windows
    assert len(prediction.windows) == len(found)
    assert prediction.windows[0].start == stack.moments[0]
    assert prediction.windows[-1].stop == stack.moments[-1] + 1
    fractions = [e.fraction for e in events if isinstance(e, Progress)]
    assert fractions == sorted(fractions)
    assert len(prediction.segments) == found.shape[1]
    low, high = prediction.p_absent_interval
    assert low <= prediction.p_absent <= high
    assert prediction.model.id == model
    assert prediction.motion_index is not None, "the strip is measured beside the network"
    assert prediction.wall_correlation > 0.5


@pytest.mark.parametrize(("step", "patch"), [(1, None), (2, 16)])
def test_flow_is_made_by_raft_before_the_network(models, scene, step, patch):
    from lsgui.models.raft import build_raft_small, load_raft

    spec = ClipInput("flow", 7, 64, 6.4, "pleura", stabilise=True, flow_step=step, patch=patch)
    card = put_model(models, "cmwra", spec, {**POOLED, "raft": "raft.pth"})
    torch.manual_seed(1)
    raft_file = card.folder / "raft.pth"
    torch.save(build_raft_small().state_dict(), raft_file)
    _, prediction = run(ask(scene, "cmwra"))

    stack = whole_stack(scene, spec)
    raft, network = load_raft(raft_file), loaded(card)
    expected = []
    with torch.inference_mode():
        for start in picture_windows(spec, stack)[:3]:
            flow = raft(torch.from_numpy(take_window(stack, start, spec)), step)
            if patch:
                corners = flow_patch_corners(stack, spec)
                flow = torch.cat([flow[..., y : y + patch, x : x + patch] for x, y in corners])
            expected.append(torch.sigmoid(network(flow).double())[:, 0].numpy())
    found = prediction.ribbon.p_absent
    assert found.shape[1] == (len(flow_patch_corners(stack, spec)) if patch else 1)
    np.testing.assert_allclose(found[: len(expected)], np.stack(expected), atol=2e-4)
    assert len(expected) >= 2


def test_fields_that_windows_share_are_made_once(scene):
    class Counted(torch.nn.Module):
        pairs = 0

        def forward(self, frames, step):
            Counted.pairs += len(frames)
            return torch.stack([frames[:, 1:] - frames[:, :-1]] * 2, dim=2)

    spec = ClipInput("flow", 8, 32, None, "pleura")
    stack = whole_stack(scene, spec)
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.LazyLinear(1))
    scorer = PictureScorer(network, spec, "cpu", Counted())
    rows = list(scorer.score(stack))
    assert len(rows) == len(window_spans(spec, stack)) >= 10
    assert Counted.pairs == len(stack.moments) - 1


def test_a_clip_shorter_than_a_window_is_played_to_and_fro(models, scene):
    clip, roi, scale = scene
    spec = replace(SPECS["cmwru"], frames=40)
    card = put_model(models, "cmwru", spec, POOLED)
    short = Clip(replace(clip.info, frames=20), MemoryFrames(clip.stack(0, 20)))
    roi = PleuralROI.single(0, roi.line_at(0))
    _, prediction = run(ask((short, roi, scale), "cmwru"))
    assert [(w.start, w.stop) for w in prediction.windows] == [(0, 19)]  # 10 samples: frames 0 to 18
    stack = whole_stack((short, roi, scale), spec)
    with torch.inference_mode():
        logit = loaded(card)(torch.from_numpy(normalise(take_window(stack, 0, spec), spec)))
    assert prediction.p_absent == pytest.approx(torch.sigmoid(logit).item(), abs=1e-5)


def test_a_single_picture_gets_no_number(models, scene):
    roi = scene[1]
    put_model(models, "cmwru", SPECS["cmwru"], POOLED)
    request = ask(scene, "cmwru")
    request = replace(request, frames=request.frames[:1], times_s=request.times_s[:1])
    _, prediction = run(replace(request, roi=PleuralROI.single(0, roi.line_at(0))))
    assert prediction.label is SlidingLabel.CANNOT_ASSESS
    assert (prediction.p_absent, prediction.windows, prediction.ribbon) == (None, (), None)


def test_black_lead_in_frames_are_left_out(models, scene):
    clip, roi, scale = scene
    put_model(models, "cmwru", SPECS["cmwru"], POOLED)
    frames = np.concatenate([np.zeros_like(clip.stack(0, 9)), clip.stack()])
    late = Clip(replace(clip.info, frames=len(frames)), MemoryFrames(frames))
    moved = PleuralROI(tuple((k + 9, line) for k, line in roi.keyframes))
    _, plain = run(ask(scene, "cmwru"))
    _, prediction = run(ask((late, moved, scale), "cmwru"))
    assert [(w.start - 9, w.stop - 9) for w in prediction.windows] == [(w.start, w.stop) for w in plain.windows]
    assert prediction.p_absent == pytest.approx(plain.p_absent, abs=1e-4)


def test_only_the_needed_box_travels_to_the_worker(models, scene):
    clip, _, _ = scene
    put_model(models, "cmwru", SPECS["cmwru"], POOLED)
    put_model(models, "rcm2d", SPECS["rcm2d"], {})
    pleura, scan = ask(scene, "cmwru"), ask(scene, "rcm2d")
    assert pleura.scan_box is None
    assert scan.scan_box == find_scan_area(clip).box
    assert pleura.frames[0].size < clip.info.width * clip.info.height
    x, y, w, h = scan.scan_box
    assert scan.origin[0] <= x
    assert scan.origin[1] <= y
    assert scan.origin[0] + scan.frames.shape[2] >= x + w
    assert scan.origin[1] + scan.frames.shape[1] >= y + h


def test_a_run_s_folder_is_a_model(models, scene, monkeypatch):
    put_model(models / "runs", "cmwru", SPECS["cmwru"], POOLED)
    folder = str(models / "runs" / "cmwru")
    _, prediction = run(ask(scene, folder))
    assert prediction.model.sha256 == load_card(folder).sha256
    assert prediction.p_absent is not None


def test_a_cancel_is_acted_on_between_flow_fields(models, scene, monkeypatch):
    spec = ClipInput("flow", 30, 32, None, "pleura")
    stack = whole_stack(scene, spec)
    asked = []

    class Slow(torch.nn.Module):
        def forward(self, frames, step):
            asked.append(len(frames))
            return torch.zeros(len(frames), 1, 2, 32, 32)

    scorer = PictureScorer(torch.nn.Identity(), spec, "cpu", Slow())
    with pytest.raises(CancelledError):
        list(scorer.score(stack, lambda: len(asked) >= 2))
    assert asked == [picture_scoring.PAIRS_AT_ONCE] * 2


def test_the_verdict_rule_and_flags_hold_for_every_model(models, scene):
    put_model(models, "cmwru", SPECS["cmwru"], POOLED)
    request = replace(ask(scene, "cmwru"), quality=(QualityFlag.SCALE_ESTIMATED, QualityFlag.TRACKING_LOST))
    _, prediction = run(request)
    assert prediction.label is SlidingLabel.CANNOT_ASSESS
    assert set(request.quality) <= set(prediction.quality)


def test_weights_of_another_network_are_one_sentence(models, scene):
    card = put_model(models, "cmwru-other", SPECS["cmwru"], POOLED)
    write_card(card.model_copy(update={"hyperparameters": {**POOLED, "width": 3}}), card.folder)
    with pytest.raises(ModelError, match="belong to another network"):
        run(ask(scene, "cmwru-other"))


def test_a_gpu_without_memory_falls_back_to_the_processor(models, scene, monkeypatch):
    put_model(models, "cmwru", SPECS["cmwru"], POOLED)
    true_score = PictureScorer.score

    def score(self, stack, cancelled):
        if self.device == "cuda":
            raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return true_score(self, stack, cancelled)

    monkeypatch.setattr(PictureScorer, "score", score)
    monkeypatch.setattr(torch.nn.Module, "to", lambda self, *_args, **_kwargs: self)
    engine = Engine(WorkerPlan(resolve="acted_analysis:fake_devices", threads=1))
    events: list[object] = []
    engine.run(replace(ask(scene, "cmwru"), device="cuda"), events.append, lambda: False)
    assert isinstance(events[-1], Finished)
    assert events[-1].prediction.device == "cpu"
    said = [event.sentence for event in events if isinstance(event, Notice)]
    assert said == ["The GPU ran out of memory: analysed on the CPU instead."]


@pytest.mark.parametrize("model", ["cmwru", "rcm2d"])
def test_the_gpu_says_what_the_processor_says(models, scene, model, cuda):
    put_model(models, model, SPECS[model], POOLED if model == "cmwru" else {})
    request = ask(scene, model)
    on_gpu = analyse(request, lambda _event: None, lambda: False, cuda)
    _, on_cpu = run(request)
    np.testing.assert_allclose(on_gpu.ribbon.p_absent, on_cpu.ribbon.p_absent, atol=5e-3)


@pytest.mark.parametrize("model", ["cmwru-patches", "rcm2d"])
def test_predict_takes_a_folder_as_model(models, scene, model, capsys):
    clip, roi, _ = scene
    put_model(models / "runs", model, SPECS[model], POOLED if model != "rcm2d" else {})
    folder = models / "clips" / "lung"
    folder.mkdir(parents=True)
    for index, frame in enumerate(clip.stack(0, 30)):
        assert cv2.imwrite(str(folder / f"frame_{index}.png"), frame)
    line = models / "line.json"
    line.write_text(json.dumps(PleuralROI.single(0, roi.line_at(0)).to_json()), encoding="utf-8")
    arguments = [str(folder), "--model", str(models / "runs" / model), "--roi", str(line), "--device", "cpu"]
    assert main(["predict", *arguments, "--json", "-", "--overlay", str(models / "overlay")]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["model"]["id"] == model
    assert said["label"] in ("ls_p", "ls_a", "cannot_assess")
    assert 0 <= said["p_absent"] <= 1
    assert said["windows"]
    assert all(0 <= window["start"] < window["stop"] <= 30 for window in said["windows"])
    assert (said["segments"][0]["from"], said["segments"][-1]["to"]) == (0, 1)
    assert (models / "overlay" / "lung.png").is_file()
