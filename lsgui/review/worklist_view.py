"""From a worklist and the reader's choice to the rows that are shown: filter, order and groups. Pure functions.

In blind reading nothing that the AI or other raters said may be seen of a clip before its reader has saved a label,
not even by the clip's being listed or its place in the list. `known_facts` holds that in one place: all else here
asks it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from functools import cache, lru_cache
from types import MappingProxyType

from lsgui.core.label import ReaderLabel, SlidingLabel
from lsgui.core.prediction import QualityFlag
from lsgui.review.state import ReviewState, WorklistEntry
from lsgui.review.worklist_choice import NO_FACTS, EntryFacts, ListChoice, ListFilter, ListOrder
from lsgui.review.worklist_groups import Group, grouped
from lsgui.review.worklist_lots import LOTS, lot_of

_OPPOSITE = {ReaderLabel.LS_P: SlidingLabel.LS_A, ReaderLabel.LS_A: SlidingLabel.LS_P}
_STIR = 0x9E3779B97F4A7C15
"""An odd number, so that no two lots fall together under any seed."""
_NO_FAULT = frozenset({QualityFlag.SCALE_ESTIMATED, QualityFlag.FRAME_RATE_ASSUMED})
"""Flags that most files without DICOM tags have: they say nothing of how the clip was recorded."""
_OWN_LABELS = {
    ListFilter.LS_P: ReaderLabel.LS_P,
    ListFilter.LS_A: ReaderLabel.LS_A,
    ListFilter.CANNOT_ASSESS: ReaderLabel.CANNOT_ASSESS,
    ListFilter.LUNG_POINT: ReaderLabel.LUNG_POINT,
}


@dataclass(frozen=True, slots=True)
class Heading:
    """The heading of a study or folder: how many of its clips are listed and read."""

    key: str
    title: str
    clips: int
    read: int
    folded: bool


Row = int | Heading
"""A row of the list: a clip by its place in the worklist, or a heading."""


@dataclass(frozen=True, slots=True)
class Listed:
    """What is shown of a worklist.

    Attributes
    ----------
    rows
        The list, row by row.
    order
        The clips that are listed, as places in the worklist, in reading order; those in folded groups too.
    read, total
        How far the reader is among the clips of this choice. Looking at unlabelled clips is a way of working, not a
        set of its own: it counts all that the search leaves.
    counts
        How many clips each filter would list under this search.
    """

    rows: tuple[Row, ...] = ()
    order: tuple[int, ...] = ()
    read: int = 0
    total: int = 0
    counts: Mapping[ListFilter, int] = field(default_factory=lambda: MappingProxyType({}))


class Veil(IntEnum):
    """What is kept from whoever sits at the screen: nothing, everything before the own label, or the AI alone."""

    NONE = 0
    ALL = 1
    AI = 2


Blind = bool | Veil
"""True is `Veil.ALL`."""


def veil_of(state: ReviewState) -> Veil:
    """Return what is kept from the reader: an adjudicator settles the raters' readings, and sees them."""
    if not state.blind:
        return Veil.NONE
    return Veil.ALL if state.adjudication is None else Veil.AI


def known_facts(entry: WorklistEntry, *, blind: Blind) -> EntryFacts:
    """Return what this reader may know of a clip now."""
    if blind == Veil.AI:
        facts = entry.facts
        return facts if facts is NO_FACTS else replace(facts, verdict=None, uncertainty=None, flags=frozenset())
    return NO_FACTS if blind and entry.label is None else entry.facts


def ai_disagrees(entry: WorklistEntry, *, blind: Blind) -> bool:
    """Tell whether the AI says the opposite of the reader's own label."""
    opposite = None if entry.label is None else _OPPOSITE.get(entry.label)
    return opposite is not None and known_facts(entry, blind=blind).verdict is opposite


def raters_disagree(entry: WorklistEntry, *, blind: Blind) -> bool:
    """Tell whether raters, the reader among them, said different things and nobody has settled it."""
    facts = known_facts(entry, blind=blind)
    if facts.settled or not facts.others:
        return False
    said = set(facts.others)
    if entry.label is not None:
        said.add(entry.label)
    return len(said) > 1


def is_listed(entry: WorklistEntry, wanted: ListFilter, *, blind: Blind) -> bool:
    """Tell whether a filter lists a clip."""
    return _tests(blind)[wanted](entry)


def listed(state: ReviewState) -> Listed:
    """Return what is shown of the state's worklist. The last answers are kept: the same question costs nothing."""
    kept = state.selected if state.listing.stays and not selected_is_listed(state) else None
    return _listed(_Same(state.worklist), state.listing, veil_of(state), kept)


def selected_is_listed(state: ReviewState) -> bool:
    """Tell whether the clip on screen is listed by its own right."""
    if state.selected is None or state.selected >= len(state.worklist):
        return False
    entry, choice = state.worklist[state.selected], state.listing
    if entry.group in choice.folded or not _has_words(entry, choice.search):
        return False
    return is_listed(entry, choice.filter, blind=veil_of(state))


def listed_clips(
    worklist: Sequence[WorklistEntry], choice: ListChoice, *, blind: Blind, selected: int | None = None
) -> Listed:
    """Return what is shown of a worklist.

    Parameters
    ----------
    worklist
        Every clip, in the order in which it was found.
    choice
        What the reader chose.
    blind
        True while the reader must not know what the AI and other raters said.
    selected
        The clip on screen: it stays listed until the reader goes on, also when its new label takes it out of the
        filter.
    """
    found: Sequence[int] = range(len(worklist))
    if choice.search.strip():
        found = [index for index in found if _has_words(worklist[index], choice.search)]
    inside = found
    if choice.filter is not ListFilter.ALL:
        test = _tests(blind)[choice.filter]
        inside = [index for index in found if test(worklist[index])]
    scope = found if choice.filter is ListFilter.UNLABELLED else inside
    read = sum(worklist[index].label is not None for index in scope)
    shown = inside
    if selected is not None and selected not in inside:  # once a call: only the clip on screen is looked for
        shown = sorted([*inside, selected])
    counts = _counts([worklist[index] for index in found], blind=blind)
    if choice.order is not ListOrder.NATURAL:
        order = tuple(_sorted(worklist, shown, choice, blind=blind))
        return Listed(order, order, read, len(scope), counts)
    groups = grouped(worklist, shown) if choice.grouped else [Group("", "", tuple(shown))]
    order = tuple(index for group in groups for index in group.clips)
    return Listed(_rows_of(worklist, groups, choice.folded, selected), order, read, len(scope), counts)


def next_unlabelled(worklist: Sequence[WorklistEntry], order: Sequence[int], selected: int | None) -> int | None:
    """Return the next readable clip without a label after the selected one, going round once; None: all are read."""
    count = len(order)
    start = order.index(selected) if selected is not None and selected in order else -1
    for step in range(1, count + 1):
        index = order[(start + step) % count]
        if index != selected and worklist[index].label is None and not worklist[index].error:
            return index
    return None


def neighbour(order: Sequence[int], selected: int | None, step: int) -> int | None:
    """Return the clip `step` places further down the list; None where the list ends before."""
    if not order:
        return None
    if selected is None or selected not in order:
        return order[0]
    place = order.index(selected) + step
    return order[place] if 0 <= place < len(order) else None


# --- parts ------------------------------------------------------------------------------------------------------


class _Same:
    """A worklist that is told from others by identity: comparing ten thousand entries takes longer than listing."""

    __slots__ = ("worklist",)

    def __init__(self, worklist: tuple[WorklistEntry, ...]) -> None:
        self.worklist = worklist

    def __hash__(self) -> int:
        return id(self.worklist)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.worklist is self.worklist


@lru_cache(maxsize=4)
def _listed(worklist: _Same, choice: ListChoice, blind: Blind, selected: int | None) -> Listed:
    return listed_clips(worklist.worklist, choice, blind=blind, selected=selected)


def _has_words(entry: WorklistEntry, search: str) -> bool:
    title = entry.title.casefold()
    return all(word in title for word in search.casefold().split())


@cache
def _tests(blind: Blind) -> Mapping[ListFilter, Callable[[WorklistEntry], bool]]:
    own = {wanted: _label_test(label) for wanted, label in _OWN_LABELS.items()}
    return MappingProxyType(
        {
            **own,
            ListFilter.ALL: lambda entry: True,
            ListFilter.UNLABELLED: lambda entry: entry.label is None and not entry.error,
            ListFilter.FLAGGED: lambda entry: bool(known_facts(entry, blind=blind).flags - _NO_FAULT),
            ListFilter.AI_DISAGREES: lambda entry: ai_disagrees(entry, blind=blind),
            ListFilter.RATERS_DISAGREE: lambda entry: raters_disagree(entry, blind=blind),
            ListFilter.UNREADABLE: lambda entry: bool(entry.error),
        }
    )


def _label_test(label: ReaderLabel) -> Callable[[WorklistEntry], bool]:
    return lambda entry: entry.label is label


def _counts(found: Sequence[WorklistEntry], *, blind: Blind) -> Mapping[ListFilter, int]:
    """Count for every filter; most entries have neither facts nor a fault, and are not looked at twice."""
    labels = [entry.label for entry in found]
    with_facts = [entry for entry in found if entry.facts is not NO_FACTS]
    faulty = [entry for entry in found if entry.error]
    counts = {wanted: labels.count(label) for wanted, label in _OWN_LABELS.items()}
    counts[ListFilter.ALL] = len(found)
    counts[ListFilter.UNREADABLE] = len(faulty)
    counts[ListFilter.UNLABELLED] = labels.count(None) - sum(entry.label is None for entry in faulty)
    for wanted in (ListFilter.FLAGGED, ListFilter.AI_DISAGREES, ListFilter.RATERS_DISAGREE):
        counts[wanted] = sum(map(_tests(blind)[wanted], with_facts))
    return MappingProxyType(counts)


def _rows_of(
    worklist: Sequence[WorklistEntry], groups: Sequence[Group], folded: frozenset[str], selected: int | None
) -> tuple[Row, ...]:
    if len(groups) < 2:
        return tuple(index for group in groups for index in group.clips)
    rows: list[Row] = []
    for group in groups:
        is_folded = group.key in folded
        read = sum([worklist[index].label is not None for index in group.clips])
        rows.append(Heading(group.key, group.title, len(group.clips), read, is_folded))
        if not is_folded:
            rows.extend(group.clips)
        elif selected is not None and selected in group.clips:
            rows.append(selected)
    return tuple(rows)


def _sorted(
    worklist: Sequence[WorklistEntry], shown: Sequence[int], choice: ListChoice, *, blind: Blind
) -> Sequence[int]:
    if choice.order is ListOrder.RANDOM:
        mask = lot_of(str(choice.seed))
        return sorted(shown, key=lambda index: (worklist[index].lot ^ mask) * _STIR & LOTS)
    if choice.order is ListOrder.UNCERTAIN:
        return sorted(shown, key=lambda index: -_unsure(known_facts(worklist[index], blind=blind)))

    def agreement(index: int) -> tuple[bool, bool, float]:
        entry = worklist[index]
        unsure = _unsure(known_facts(entry, blind=blind))
        return (not raters_disagree(entry, blind=blind), not ai_disagrees(entry, blind=blind), -unsure)

    return sorted(shown, key=agreement)


def _unsure(facts: EntryFacts) -> float:
    """Return the AI's uncertainty, -1 where it said nothing that may be known: those clips come last, by name."""
    return -1.0 if facts.uncertainty is None else facts.uncertainty
