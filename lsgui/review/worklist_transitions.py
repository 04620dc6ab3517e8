"""What commands on the worklist do to the state: filter, order, search, groups, and what was learnt of clips."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from lsgui.review.state import ReviewState, WorklistEntry
from lsgui.review.worklist_choice import NO_FACTS, ClipPlace, EntryFacts, ListChoice, ListFilter, ListOrder
from lsgui.review.worklist_groups import study_key
from lsgui.review.worklist_view import selected_is_listed


def listing_set(state: ReviewState, choice: ListChoice) -> ReviewState:
    """Take over a choice. The clip on screen stays listed from now on only where the choice lists it."""
    if replace(choice, stays=state.listing.stays) == state.listing:
        return state
    chosen = replace(state, listing=choice)
    return replace(state, listing=replace(choice, stays=selected_is_listed(chosen)))


def filter_chosen(state: ReviewState, wanted: ListFilter) -> ReviewState:
    """List other clips."""
    return listing_set(state, replace(state.listing, filter=wanted))


def order_chosen(state: ReviewState, order: ListOrder) -> ReviewState:
    """List the clips in another order."""
    return listing_set(state, replace(state.listing, order=order))


def shuffled(state: ReviewState, seed: int) -> ReviewState:
    """List the clips in another random order."""
    return listing_set(state, replace(state.listing, order=ListOrder.RANDOM, seed=seed))


def searched(state: ReviewState, words: str) -> ReviewState:
    """List the clips that have these words in their names."""
    return listing_set(state, replace(state.listing, search=words))


def all_shown(state: ReviewState) -> ReviewState:
    """List every clip again; the order stays."""
    return listing_set(state, replace(state.listing, filter=ListFilter.ALL, search=""))


def grouping_switched(state: ReviewState) -> ReviewState:
    """Give studies and folders headings, or take them away."""
    return listing_set(state, replace(state.listing, grouped=not state.listing.grouped, folded=frozenset()))


def group_folded(state: ReviewState, key: str) -> ReviewState:
    """Fold a group or unfold it."""
    return listing_set(state, replace(state.listing, folded=state.listing.folded ^ {key}))


def own_group_folded(state: ReviewState) -> ReviewState:
    """Fold the group of the clip on screen, or unfold it."""
    return state if state.selected is None else group_folded(state, state.worklist[state.selected].group)


def facts_learnt(state: ReviewState, facts: Mapping[Path, EntryFacts]) -> ReviewState:
    """Take over what the store knows of clips beside the reader's own labels."""
    return _with(
        state,
        tuple(
            entry if facts.get(entry.path, entry.facts) == entry.facts else replace(entry, facts=facts[entry.path])
            for entry in state.worklist
        ),
    )


def facts_forgotten(state: ReviewState) -> ReviewState:
    """Another person reads now, or from another store: what was known of others and the AI is not theirs to know."""
    return _with(
        state,
        tuple(entry if entry.facts is NO_FACTS else replace(entry, facts=NO_FACTS) for entry in state.worklist),
    )


def places_learnt(state: ReviewState, places: Mapping[Path, ClipPlace]) -> ReviewState:
    """Take over to which study and series instances belong."""
    return _with(
        state,
        tuple(
            entry
            if (place := places.get(entry.path)) is None or place == entry.place
            else replace(entry, place=place, group=study_key(place))
            for entry in state.worklist
        ),
    )


def _with(state: ReviewState, worklist: tuple[WorklistEntry, ...]) -> ReviewState:
    if all(after is before for after, before in zip(worklist, state.worklist, strict=True)):
        return state
    return replace(state, worklist=worklist)
