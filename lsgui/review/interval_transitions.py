"""What the interval key does to the state: pure functions, state in, state out."""

from dataclasses import replace

from lsgui.core.interval import IntervalMark
from lsgui.review.state import ReviewState


def half_open(state: ReviewState) -> IntervalMark | None:
    """Return the interval of which only the start is marked, or None."""
    return next((mark for mark in state.intervals if mark.stop is None), None)


def interval_put(state: ReviewState, mark: IntervalMark) -> ReviewState:
    """Add an interval, or put it in the place of the one with its id."""
    if any(other.id == mark.id for other in state.intervals):
        return replace(state, intervals=tuple(mark if other.id == mark.id else other for other in state.intervals))
    return replace(state, intervals=(*state.intervals, mark))


def interval_gone(state: ReviewState, mark_id: str) -> ReviewState:
    """Take an interval away."""
    return replace(state, intervals=tuple(mark for mark in state.intervals if mark.id != mark_id))


def intervals_found(state: ReviewState, found: tuple[IntervalMark, ...], withdrawn: set[str]) -> ReviewState:
    """Show intervals of an earlier sitting before those of this one, which may be newer than what was found."""
    here = {mark.id for mark in state.intervals} | withdrawn
    earlier = tuple(mark for mark in found if mark.id not in here)
    return replace(state, intervals=(*earlier, *state.intervals)) if earlier else state


def interval_unsaved(state: ReviewState, mark: IntervalMark, former: IntervalMark | None) -> ReviewState:
    """Show again what stood before a change that could not be saved."""
    return interval_gone(state, mark.id) if former is None else interval_put(state, former)


def without_intervals(state: ReviewState) -> ReviewState:
    """Show no interval: another reader sits down."""
    return replace(state, intervals=()) if state.intervals else state
