"""From a request to a prediction: strip, motion index, network, maps, verdict. Runs where torch may be loaded."""

import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from lsgui.core.errors import CancelledError, ModelError
from lsgui.core.motion_map import MotionMap
from lsgui.core.pleura import PleuralROI
from lsgui.core.prediction import Prediction, QualityFlag, Ribbon, WindowScore
from lsgui.core.strip import PleuralStrip
from lsgui.imaging.decorrelation import speckle_change_map
from lsgui.imaging.flow_map import relative_flow_map
from lsgui.imaging.motion_index import EVEN, SLOPE, MotionEvidence, in_mm, motion_index
from lsgui.imaging.patch_change import patch_change
from lsgui.imaging.strip_channels import WINDOW_SAMPLES
from lsgui.imaging.strip_cutter import cut_strip
from lsgui.inference.picture_scoring import PictureScorer, window_spans
from lsgui.inference.preparation import prediction_not_judged
from lsgui.inference.protocol import InferenceEvent, InferenceRequest, MotionReady, Progress, WindowScored
from lsgui.inference.request_flags import request_flags, true_fps
from lsgui.inference.served_models import picture_server, strip_scorer
from lsgui.inference.strip_scoring import strip_windows
from lsgui.inference.verdict import MotionOpinion, VerdictRule, decide, probability, window_probability
from lsgui.models.card import ModelCard, find_cards, load_card
from lsgui.models.preprocess import ClipInput, ClipStack, bright_range, prepare_stack

Emit = Callable[[InferenceEvent], None]
IsCancelled = Callable[[], bool]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """One request with what every stage of it needs."""

    request: InferenceRequest
    card: ModelCard
    device: str
    emit: Emit
    cancelled: IsCancelled

    @property
    def rule(self) -> VerdictRule:
        """The rule from scores to a verdict that the model's card asks for."""
        card = self.card
        return VerdictRule(card.threshold, card.abstain, card.calibration.temperature, card.calibration.bias)

    def stage(self, fraction: float, words: str) -> None:
        """Say what comes next, or stop where the user has asked for it."""
        if self.cancelled():
            raise CancelledError
        self.emit(Progress(self.request.id, fraction, words))

    def show(self, motion_map: MotionMap | None, first: int) -> None:
        """Emit a map of the strip, whose time began at frame `first`, in the time of the clip."""
        if motion_map is not None:
            moments = motion_map.times_s + self.request.times_s[first]
            self.emit(MotionReady(self.request.id, replace(motion_map, times_s=moments)))


@dataclass(frozen=True, slots=True, eq=False)
class _Scored:
    """Logits (windows, segments) with the frame range of each window in frames of the request."""

    logits: npt.NDArray[np.float64]
    spans: tuple[tuple[int, int], ...]


def warm_up(device: str) -> str:
    """Make ready every network that reads strips, so that the first clip does not wait; return what computes.

    The answer is for people, such as "OpenVINO 2026.4"; empty where no such network is here. A model that cannot be
    used is left to the request that asks for it: the others are none the worse for it.
    """
    engines = []
    for card in find_cards().values():
        if card.input.kind == "strip" and card.needs_weights:
            try:
                engines.append(strip_scorer(card.id, card, device).prepare())
            except ModelError as fault:
                logger.warning("%s", fault)
    return engines[0] if engines else ""


def analyse(request: InferenceRequest, emit: Emit, cancelled: IsCancelled, device: str) -> Prediction:
    """Judge one clip.

    Progress, window scores and maps are emitted on the way; the prediction is returned.

    Raises
    ------
    CancelledError
        When `cancelled` says so; asked between stages, frames and windows.
    LsguiError
        When the line or the model cannot be used: one sentence.
    """
    began = time.perf_counter()
    card = load_card(request.model_id)
    run = Run(request, card, device, emit, cancelled)
    run.stage(0.02, "Following the chest wall")
    if QualityFlag.NOT_LUNG in request.quality:  # whoever drew the line: no score, no ribbon and no map of a heart
        seconds = {"read": 0.0, "roi": 0.0, **dict(request.seconds), "inference": time.perf_counter() - began}
        return prediction_not_judged(request.clip, card, request.quality, seconds, device, request.roi)
    first, strip = strip_of(request, cancelled)
    run.stage(0.35, "Following the lung")
    # Flow is found outside Python's lock: what else is asked of the strip is answered meanwhile.
    with ThreadPoolExecutor(1, thread_name_prefix="lsgui-flow") as lane:
        following = lane.submit(_flow, run, strip)
        change = patch_change(strip)
        scored = _network_scores(run, strip, first) if card.needs_weights else None
        run.stage(0.7, "Drawing the speckle map")
        run.show(speckle_change_map(strip, request.mm_per_px), first)
        run.stage(0.8, "Comparing lung with chest wall")
        flow = following.result()
    evidence = motion_index(strip, None if flow is None else in_mm(flow, request.mm_per_px), change)
    if scored is None:
        scored = _motion_scores(run, strip, evidence, first)
    run.stage(0.9, "Drawing the flow map")
    if flow is not None and request.flow.step:
        flow = relative_flow_map(strip, request.mm_per_px, cancelled, step=request.flow.step)
    run.show(flow, first)
    run.stage(0.98, "Reading the verdict")
    return _prediction(run, first, strip, evidence, scored, began)


def strip_of(request: InferenceRequest, cancelled: IsCancelled) -> tuple[int, PleuralStrip]:
    """Cut the strip over the frames that are not black; return the first of them and the strip."""
    first, frames, roi = bright_part(request)
    strip = cut_strip(
        frames,
        request.origin,
        request.times_s[first : first + len(frames)] - request.times_s[first],
        roi,
        request.mm_per_px,
        request.calibrated,
        cancelled,
    )
    return first, strip


def bright_part(request: InferenceRequest) -> tuple[int, npt.NDArray[np.uint8], PleuralROI]:
    """Return the first frame that is not black, the frames from there to the last such one, and the line over them."""
    first, stop = bright_range(request.frames)
    roi = request.roi
    if first:
        roi = type(roi)(tuple((k - first, roi.line_at(k)) for k in _keys(request, first)), roi.source, roi.confidence)
    return first, request.frames[first:stop], roi


def _keys(request: InferenceRequest, first: int) -> list[int]:
    """Return the key frames from `first` on, with the line as it stands at `first`."""
    return sorted({first, *(k for k, _ in request.roi.keyframes if k > first)})


def _flow(run: Run, strip: PleuralStrip) -> MotionMap | None:
    """Return the flow that the motion index looks at; None where the clip is too short."""
    return relative_flow_map(strip, run.request.mm_per_px, run.cancelled) if len(strip.frames) > 2 else None


def _strip_spans(strip: PleuralStrip, first: int) -> tuple[tuple[int, int], ...]:
    moments, starts = strip_windows(strip)
    return tuple(_span(moments, int(start), first) for start in starts)


def _motion_scores(run: Run, strip: PleuralStrip, evidence: MotionEvidence, first: int) -> _Scored:
    """Return the motion index of every window and segment as logits: the answer of a model without weights."""
    scored = _Scored(-(evidence.scores - EVEN) / SLOPE, _strip_spans(strip, first))
    _announce(run, scored.spans, scored.logits, 0)
    return scored


def _network_scores(run: Run, strip: PleuralStrip, first: int) -> _Scored:
    run.stage(0.5, "Asking the network")
    if run.card.input.kind != "strip":
        return _score_pictures(run)
    spans = _strip_spans(strip, first)
    rows: list[npt.NDArray[np.float64]] = []
    for out in strip_scorer(run.request.model_id, run.card, run.device).score(strip):
        if run.cancelled():
            raise CancelledError
        _announce(run, spans, out, sum(map(len, rows)))
        rows.append(out)
    return _Scored(np.concatenate(rows), spans)


def _score_pictures(run: Run) -> _Scored:
    """Ask a network that sees pictures or their flow: one logit a window, or one for each square below the line."""
    request = run.request
    spec, stack = picture_stack(run)
    raft = raft_of(run.card.raft_path, run.device) if spec.kind == "flow" else None
    network = picture_server(request.model_id, run.card, run.device)
    spans = window_spans(spec, stack)
    rows: list[npt.NDArray[np.float64]] = []
    for out in PictureScorer(network, spec, run.device, raft).score(stack, run.cancelled):
        _announce(run, spans, out, len(rows))
        rows.append(out)
        run.stage(0.5 + 0.19 * len(rows) / len(spans), "Asking the network")
    return _Scored(np.concatenate(rows), spans)


def picture_stack(run: Run) -> tuple[ClipInput, ClipStack]:
    """Return what a network on pictures wants, and the clip cut that way."""
    spec, request = ClipInput.from_card(run.card), run.request
    stack = prepare_stack(
        spec,
        request.frames,
        request.origin,
        request.times_s,
        request.roi,
        request.mm_per_px,
        request.scan_box,
        run.cancelled,
    )
    return spec, stack


def _announce(run: Run, spans: tuple[tuple[int, int], ...], logits: npt.NDArray[np.float64], first: int) -> None:
    """Let the ribbon grow by the windows whose logits (windows, segments) have just come."""
    for span, row in zip(spans[first : first + len(logits)], logits, strict=True):
        p = window_probability(row, run.rule)
        if np.isfinite(p):
            run.emit(WindowScored(run.request.id, WindowScore(*span, p)))


def _span(moments: npt.NDArray[np.int64], start: int, first: int) -> tuple[int, int]:
    last = min(start + WINDOW_SAMPLES, len(moments)) - 1
    return int(moments[start]) + first, int(moments[last]) + 1 + first


@lru_cache(maxsize=2)
def raft_of(source: Path | None, device: str, _changed: int = 0) -> torch.nn.Module:
    """Return frozen RAFT: the shipped one, or a file's; it is kept as long as the file's time of change stays."""
    from lsgui.models.raft import load_raft  # here: torchvision takes a second to load and strips do without it

    return load_raft(source).to(device)


def _prediction(
    run: Run, first: int, strip: PleuralStrip, evidence: MotionEvidence, scored: _Scored, began: float
) -> Prediction:
    request, card, rule = run.request, run.card, run.rule
    opinion = None if evidence.index is None else MotionOpinion(evidence.index)
    middles = np.array([(request.times_s[a] + request.times_s[b - 1]) / 2 for a, b in scored.spans])
    verdict = decide(
        scored.logits,
        scored.spans,
        rule,
        request_flags(request, card, first, strip, evidence),
        opinion,
        times_s=middles,
        true_fps=true_fps(request, strip.fps),
        line_confidence=request.roi.confidence if request.roi.source == "auto" else None,
    )
    ribbon = None
    if verdict.p_absent is not None:
        starts, stops = (np.array([span[k] for span in scored.spans], dtype=np.int64) for k in (0, 1))
        ribbon = Ribbon(probability(scored.logits, rule).astype(np.float32), starts, stops)
    return Prediction(
        clip=request.clip,
        label=verdict.label,
        p_absent=verdict.p_absent,
        p_absent_interval=verdict.p_absent_interval,
        threshold=card.threshold,
        threshold_source=card.threshold_source,
        model=card.ref,
        motion_index=evidence.index,
        motion_interval=evidence.interval,
        roi=request.roi,
        windows=verdict.windows,
        segments=verdict.segments,
        ribbon=ribbon,
        quality=verdict.quality,
        band_ratio=evidence.band_ratio,
        wall_correlation=float(np.median(strip.wall_correlation)),
        device=run.device,
        seconds={"read": 0.0, "roi": 0.0, **dict(request.seconds), "inference": time.perf_counter() - began},
        hint=verdict.hint,
    )
