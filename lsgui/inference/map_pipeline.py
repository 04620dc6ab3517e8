"""One map of a clip whose verdict is known: flow by a chosen method, or where the network looked."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from lsgui.core.errors import ModelError
from lsgui.core.strip import PleuralStrip
from lsgui.imaging.finer_strip import FinerStrip, worth_finer
from lsgui.imaging.flow_map import DIS, FlowSolver, relative_flow_map
from lsgui.inference.focus import SplitNetwork, split_network
from lsgui.inference.focus_map import focus_map, picture_focus, strip_focus
from lsgui.inference.picture_scoring import PictureScorer
from lsgui.inference.pipeline import (
    Emit,
    IsCancelled,
    Run,
    bright_part,
    picture_stack,
    raft_of,
    strip_of,
)
from lsgui.inference.protocol import FlowChoice, InferenceRequest, MotionReady
from lsgui.inference.raft_serving import raft_for_maps, serve_on_processor
from lsgui.inference.served_models import network_of
from lsgui.inference.square_places import SquarePlaces
from lsgui.models.card import load_card
from lsgui.models.raft import RaftFlow

Floats = npt.NDArray[np.float32]

AT_ONCE = {"cpu": 1, "cuda": 32}
"""Pairs that RAFT computes together: a processor gains nothing by more, and a cancel is heard after each."""

FINER = 2
"""RAFT sees so many samples in place of one of the strip, each way, where the file has finer pixels: as it was trained
it follows speckle of 3 and more of its pixels, and the strip's own samples are too coarse for that."""


def draw_map(request: InferenceRequest, emit: Emit, cancelled: IsCancelled, device: str) -> None:
    """Make the map that a request wants and emit it; a clip too short for it gets none.

    Raises
    ------
    CancelledError
        When `cancelled` says so; asked between stages, frames, and batches of pairs or windows.
    LsguiError
        When the line, the model or the weights cannot be used: one sentence.
    """
    run = Run(request, load_card(request.model_id), device, emit, cancelled)
    run.stage(0.02, "Following the chest wall")
    first, strip = strip_of(request, cancelled)
    if request.wanted == "focus":
        _draw_focus(run, first, strip)
    else:
        _draw_flow(run, first, strip)


def _draw_focus(run: Run, first: int, strip: PleuralStrip) -> None:
    request, card = run.request, run.card
    words = "Asking the network where it looked"
    run.stage(0.1, words)
    if not card.needs_weights:
        raise ModelError(f"The model {card.id} is no network, so there is nothing that it looked at: choose another.")
    network = network_of(request.model_id, card.sha256, run.device)
    split = split_network(network, card.id)

    def tell(done: float) -> None:
        run.stage(0.1 + 0.9 * done, words)

    if card.input.kind == "strip":
        found = strip_focus(split, strip, run.device, run.cancelled, tell)
        seen, times = (None, None) if found is None else (found[0], found[1] + request.times_s[first])
    else:
        seen, times = _picture_focus(run, network, split, strip, tell)
    if seen is not None and times is not None:
        note = f"{card.id} {card.version}, integrated gradients"
        run.emit(MotionReady(request.id, focus_map(seen, times, strip, request.mm_per_px, note)))


def _picture_focus(
    run: Run, network: torch.nn.Module, split: SplitNetwork, strip: PleuralStrip, tell: Callable[[float], None]
) -> tuple[Floats, npt.NDArray[np.float64]] | tuple[None, None]:
    spec, stack = picture_stack(run)
    raft = raft_of(run.card.raft_path, run.device) if spec.kind == "flow" else None
    scorer = PictureScorer(network, spec, run.device, raft)
    place = SquarePlaces(run.request, spec, stack, strip.frames.shape[2])
    found = picture_focus(split, scorer, stack, place, run.cancelled, tell)
    return (None, None) if found is None else (found[0], run.request.times_s[found[1]])


def _draw_flow(run: Run, first: int, strip: PleuralStrip) -> None:
    choice = run.request.flow
    words = f"Computing the flow map by {choice.method.upper()}"
    run.stage(0.1, words)
    solver = flow_solver(choice, run.device)
    if choice.method == "raft" and worth_finer(strip.pitch_mm, run.request.mm_per_px):
        _, frames, roi = bright_part(run.request)
        finer = FinerStrip(frames, run.request.origin, roi, run.request.mm_per_px, strip, FINER)
        solver = replace(solver, look=finer)
    flow = relative_flow_map(
        strip,
        run.request.mm_per_px,
        run.cancelled,
        solver=solver,
        step=choice.step,
        tell=lambda done: run.stage(0.1 + 0.9 * done, words),
    )
    run.show(flow, first)


def flow_solver(choice: FlowChoice, device: str) -> FlowSolver:
    """Return what finds the motion.

    Raises
    ------
    ModelError
        When the file of RAFT weights cannot be used: one sentence.
    """
    if choice.method == "dis":
        return DIS
    if not choice.raft_weights:
        raft, name = raft_for_maps(None, device), "RAFT"
    else:
        path = Path(choice.raft_weights)
        changed = path.stat().st_mtime_ns if path.is_file() else 0
        raft, name = raft_for_maps(path, device, changed), f"RAFT ({path.name})"
    return FlowSolver(name, raft_pairs(raft, device), AT_ONCE[device])


def raft_pairs(
    raft: RaftFlow, device: str
) -> Callable[[npt.NDArray[np.uint8], npt.NDArray[np.uint8]], npt.NDArray[np.float32]]:
    """Return what asks RAFT for the motion of pairs of frames (N, D, S), as (N, D, S, 2) in samples."""

    def pairs(before: npt.NDArray[np.uint8], after: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        frames = torch.from_numpy(np.stack([before, after], axis=1)).to(device)
        if device == "cpu":
            serve_on_processor(raft, (AT_ONCE["cpu"], before.shape[1], before.shape[2]))
        flow = raft(frames)[:, 0].permute(0, 2, 3, 1)
        return np.asarray(flow.float().cpu().numpy(), dtype=np.float32)

    return pairs
