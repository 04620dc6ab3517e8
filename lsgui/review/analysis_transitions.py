"""What the worker's events do to the state: pure functions. An event of another request changes nothing."""

from dataclasses import replace
from types import MappingProxyType

from lsgui.inference.protocol import (
    Cancelled,
    Failed,
    Finished,
    FlowChoice,
    InferenceEvent,
    MapDone,
    MotionReady,
    Notice,
    Progress,
    WindowScored,
    WorkerReady,
    WorkerRestarting,
    WorkerStopped,
)
from lsgui.review.map_transitions import map_event
from lsgui.review.state import Analysis, AnalysisPhase, ReviewState, RoiPhase, Worker, WorkerPhase
from lsgui.review.transitions import resting_phase

_STOPPED = "Analysis stopped. Enter starts it again."


def analysis_started(state: ReviewState, request_id: int) -> ReviewState:
    """A request is on its way to the worker."""
    phase = resting_phase(state.roi) if state.roi_phase is not RoiPhase.SUGGESTED else RoiPhase.SET
    analysis = Analysis(
        AnalysisPhase.RUNNING,
        request_id=request_id,
        stage="Cutting out the pleura",
        roi=state.roi,
        flow=FlowChoice("dis", state.flow.step),
    )
    return replace(state, analysis=analysis, roi_phase=phase, tool="none")


def analysis_stopped(state: ReviewState) -> ReviewState:
    """The reader has asked to stop: what comes later of this request is dropped."""
    if state.analysis.phase is not AnalysisPhase.RUNNING:
        return state
    return replace(
        state,
        analysis=Analysis(
            AnalysisPhase.CANCELLED,
            request_id=state.analysis.request_id,
            message=_STOPPED,
        ),
    )


def worker_event(state: ReviewState, event: InferenceEvent) -> ReviewState:
    """Return the state after an event of the worker itself."""
    if isinstance(event, WorkerReady):
        worker = Worker(WorkerPhase.READY, event.device, event.device_name, event.torch_version, event.note)
        return replace(state, worker=worker, notice=event.note or state.notice)
    if isinstance(event, WorkerRestarting):
        worker = replace(state.worker, phase=WorkerPhase.RESTARTING, note=event.reason)
        return replace(state, worker=worker)
    if isinstance(event, WorkerStopped):
        worker = replace(state.worker, phase=WorkerPhase.STOPPED, note=event.reason)
        return replace(state, worker=worker, notice=event.reason)
    return state


def request_event(state: ReviewState, event: InferenceEvent) -> ReviewState:
    """Return the state after an event of the request that runs; events of any other request are dropped."""
    running = state.analysis
    if isinstance(event, WorkerReady | WorkerRestarting | WorkerStopped):
        return state
    if running.map_work is not None and event.id == running.map_work.request_id:
        return map_event(state, event)
    if event.id != running.request_id or running.phase is not AnalysisPhase.RUNNING:
        return state
    if isinstance(event, Notice):
        return replace(state, notice=event.sentence)
    return replace(state, analysis=_after(running, event))


def _after(
    running: Analysis, event: Progress | WindowScored | MotionReady | Finished | MapDone | Failed | Cancelled
) -> Analysis:
    if isinstance(event, Progress):
        return replace(running, fraction=min(max(event.fraction, running.fraction), 1.0), stage=event.stage)
    if isinstance(event, WindowScored):
        return replace(running, windows=(*running.windows, event.window))
    if isinstance(event, MotionReady):
        maps = MappingProxyType({**running.maps, event.motion_map.quantity: event.motion_map})
        return replace(running, maps=maps)
    if isinstance(event, Finished):
        return replace(running, phase=AnalysisPhase.DONE, fraction=1.0, stage="", prediction=event.prediction)
    if isinstance(event, Failed):
        return replace(running, phase=AnalysisPhase.FAILED, stage="", message=event.sentence)
    return replace(running, phase=AnalysisPhase.CANCELLED, stage="", message=_STOPPED)
