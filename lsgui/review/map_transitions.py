"""What a map that is made on demand does to the state: the verdict and the other maps stay as they are."""

from dataclasses import replace
from types import MappingProxyType
from typing import Literal

from lsgui.inference.protocol import (
    Cancelled,
    Failed,
    Finished,
    MapDone,
    MotionReady,
    Notice,
    Progress,
    WindowScored,
)
from lsgui.review.state import AnalysisPhase, MapWork, ReviewState

RequestEvent = Progress | WindowScored | Notice | MotionReady | Finished | MapDone | Failed | Cancelled


def map_started(state: ReviewState, wanted: Literal["flow", "focus"], request_id: int, words: str) -> ReviewState:
    """A request for one map is on its way to the worker; it takes the place of any other."""
    if state.analysis.phase is not AnalysisPhase.DONE:
        return state
    return replace(state, analysis=replace(state.analysis, map_work=MapWork(wanted, request_id, words, state.flow)))


def map_stopped(state: ReviewState) -> ReviewState:
    """The reader has asked to stop: what comes later of this request is dropped."""
    work = state.analysis.map_work
    if work is None:
        return state
    notice = f"Stopped: the {work.words} was not computed."
    return replace(state, analysis=replace(state.analysis, map_work=None), notice=notice)


def map_event(state: ReviewState, event: RequestEvent) -> ReviewState:
    """Return the state after an event of the request that makes a map; events of any other request are dropped."""
    work = state.analysis.map_work
    if work is None or event.id != work.request_id:
        return state
    analysis = state.analysis
    if isinstance(event, Progress):
        later = replace(work, fraction=min(max(event.fraction, work.fraction), 1.0))
        return replace(state, analysis=replace(analysis, map_work=later))
    if isinstance(event, MotionReady):
        maps = MappingProxyType({**analysis.maps, event.motion_map.quantity: event.motion_map})
        flow = work.flow if event.motion_map.quantity == "flow" else analysis.flow
        return replace(state, analysis=replace(analysis, maps=maps, flow=flow, map_work=replace(work, drawn=True)))
    if isinstance(event, Notice):
        return replace(state, notice=event.sentence)
    if isinstance(event, WindowScored):
        return state
    ended = replace(state, analysis=replace(analysis, map_work=None))
    if isinstance(event, Failed):
        return replace(ended, notice=event.sentence)
    if isinstance(event, MapDone) and not work.drawn:
        return replace(ended, notice=f"The clip is too short for the {work.words}.")
    return ended
