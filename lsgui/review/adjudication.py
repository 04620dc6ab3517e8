"""Adjudication: clips on which raters disagree, with their readings side by side, and one label that settles them.

The adjudicator sees the raters' readings, for that is what is settled; the AI stays hidden in blind reading until the
adjudication is saved. Pure functions, state in, state out.
"""

from collections.abc import Iterable
from dataclasses import replace

from lsgui.core.reading import ReadingRecord
from lsgui.review.reading_state import Adjudication, Reading, SaveMark
from lsgui.review.state import ReviewState, WorklistEntry
from lsgui.review.worklist_choice import ListChoice, ListFilter


def adjudication_begun(state: ReviewState) -> ReviewState:
    """List the clips on which raters disagree; their readings are looked up as each is turned to."""
    listing = replace(state.listing, filter=ListFilter.RATERS_DISAGREE, search="")
    left, total = disputes(state.worklist)
    return replace(state, adjudication=Adjudication(left=left, total=total), listing=listing)


def adjudication_ended(state: ReviewState, listing: ListChoice) -> ReviewState:
    """Read on as before; other raters' readings are gone from the screen."""
    return replace(state, adjudication=None, listing=listing)


def reads_found(
    state: ReviewState, reads: tuple[ReadingRecord, ...], settled: ReadingRecord | None, mark: SaveMark | None
) -> ReviewState:
    """Show what every rater said of the selected clip, and the adjudicator's own answer where there is one."""
    if state.adjudication is None:
        return state
    said = mark or SaveMark()
    answer = Reading(None if settled is None else settled.label, said.at, said.fault)
    return replace(state, adjudication=replace(state.adjudication, reads=reads, answer=answer))


def counted(state: ReviewState) -> ReviewState:
    """Count anew how many clips wait."""
    if state.adjudication is None:
        return state
    left, total = disputes(state.worklist)
    if (left, total) == (state.adjudication.left, state.adjudication.total):
        return state
    return replace(state, adjudication=replace(state.adjudication, left=left, total=total))


def disputes(worklist: Iterable[WorklistEntry]) -> tuple[int, int]:
    """Return on how many clips raters disagree and nobody has settled it, and on how many they disagree."""
    left = total = 0
    for entry in worklist:
        if disputed(entry):
            total += 1
            left += not entry.facts.settled
    return left, total


def disputed(entry: WorklistEntry) -> bool:
    """Return whether raters, the one at the screen among them, said different things of a clip."""
    said = set(entry.facts.others)
    if entry.label is not None:
        said.add(entry.label)
    return len(said) > 1
