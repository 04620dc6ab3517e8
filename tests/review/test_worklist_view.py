"""Which clips are listed, in which order and under which headings; and that a blind reader learns nothing by it."""

import itertools
import random
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsgui.core.label import ReaderLabel, SlidingLabel
from lsgui.core.prediction import QualityFlag
from lsgui.review import transitions as to
from lsgui.review import worklist_transitions as wl
from lsgui.review.reading_state import Adjudication
from lsgui.review.state import ReviewState, WorklistEntry
from lsgui.review.worklist_choice import NO_FACTS, ClipPlace, EntryFacts, ListChoice, ListFilter, ListOrder
from lsgui.review.worklist_groups import folder_key, study_key
from lsgui.review.worklist_lots import clip_lot
from lsgui.review.worklist_view import Heading, Veil, known_facts, listed, listed_clips, neighbour, next_unlabelled

P, A, U, K = ReaderLabel.LS_P, ReaderLabel.LS_A, ReaderLabel.CANNOT_ASSESS, ReaderLabel.LUNG_POINT
AI_P = EntryFacts(SlidingLabel.LS_P, 0.2)
AI_A = EntryFacts(SlidingLabel.LS_A, 0.6, frozenset({QualityFlag.TOO_SHORT}))
TOLD = (ListFilter.AI_DISAGREES, ListFilter.RATERS_DISAGREE)


def entry(name: str, label: ReaderLabel | None = None, facts: EntryFacts = NO_FACTS, error: str = "", **kinds):
    path = Path("/clips") / name
    place = kinds.pop("place", None)
    group = folder_key(path) if place is None else study_key(place)
    return WorklistEntry(path, path.name, "", label, error, group, clip_lot(path), place, facts)


def worklist(*labels: ReaderLabel | None) -> tuple[WorklistEntry, ...]:
    return tuple(entry(f"clip {k}.avi", label) for k, label in enumerate(labels))


def order(entries, choice=None, *, blind=False, selected=None) -> tuple[int, ...]:
    return listed_clips(entries, choice or ListChoice(), blind=blind, selected=selected).order


# --- filters ----------------------------------------------------------------------------------------------------


def test_every_filter_lists_its_clips_and_counts_them():
    entries = (
        entry("a", P, AI_A),
        entry("b", A, AI_A),
        entry("c", U),
        entry("d", K),
        entry("e"),
        entry("f", error="f cannot be read."),
        entry("g", P, EntryFacts(others=(A,))),
        entry("h", None, EntryFacts(others=(A, P))),
        entry("i", None, EntryFacts(others=(A, A))),
        entry("j", A, EntryFacts(others=(P,), settled=True)),
    )
    expected = {
        ListFilter.ALL: tuple(range(10)),
        ListFilter.UNLABELLED: (4, 7, 8),
        ListFilter.LS_P: (0, 6),
        ListFilter.LS_A: (1, 9),
        ListFilter.CANNOT_ASSESS: (2,),
        ListFilter.LUNG_POINT: (3,),
        ListFilter.FLAGGED: (0, 1),
        ListFilter.AI_DISAGREES: (0,),
        ListFilter.RATERS_DISAGREE: (6, 7),
        ListFilter.UNREADABLE: (5,),
    }
    assert set(expected) == set(ListFilter)
    for wanted, clips in expected.items():
        shown = listed_clips(entries, ListChoice(filter=wanted), blind=False)
        assert shown.order == clips, wanted
        assert shown.rows == clips
        assert {name: shown.counts[name] for name in ListFilter} == {name: len(c) for name, c in expected.items()}


def test_cannot_assess_and_lung_point_contradict_no_verdict():
    entries = (entry("a", U, AI_A), entry("b", K, AI_P), entry("c", A, EntryFacts(SlidingLabel.CANNOT_ASSESS, 1.0)))
    assert order(entries, ListChoice(filter=ListFilter.AI_DISAGREES)) == ()


def test_an_estimated_scale_is_no_fault_of_a_clip():
    common = frozenset({QualityFlag.SCALE_ESTIMATED, QualityFlag.FRAME_RATE_ASSUMED})
    entries = (
        entry("a", P, EntryFacts(SlidingLabel.LS_P, 0.1, common)),
        entry("b", P, EntryFacts(SlidingLabel.LS_P, 0.1, common | {QualityFlag.PROBE_MOTION})),
    )
    assert order(entries, ListChoice(filter=ListFilter.FLAGGED)) == (1,)


def test_the_search_asks_for_every_word_in_any_case():
    entries = tuple(entry(name) for name in ("Left apex 1.avi", "left base 1.avi", "right apex.avi"))
    assert order(entries, ListChoice(search=" APEX left")) == (0,)
    assert order(entries, ListChoice(search="apex")) == (0, 2)
    assert order(entries, ListChoice(search="  ")) == (0, 1, 2)
    assert order(entries, ListChoice(search="none")) == ()


def test_progress_counts_what_is_listed_and_unlabelled_is_a_way_of_working():
    entries = worklist(P, None, A, None, P)
    counted = lambda choice: listed_clips(entries, choice, blind=False)  # noqa: E731
    assert (counted(ListChoice()).read, counted(ListChoice()).total) == (3, 5)
    unlabelled = counted(ListChoice(filter=ListFilter.UNLABELLED))
    assert (unlabelled.order, unlabelled.read, unlabelled.total) == ((1, 3), 3, 5)
    present = counted(ListChoice(filter=ListFilter.LS_P))
    assert (present.read, present.total) == (2, 2)
    searched = counted(ListChoice(search="clip 1"))
    assert (searched.read, searched.total) == (0, 1)


# --- blind reading ----------------------------------------------------------------------------------------------

facts = st.builds(
    EntryFacts,
    verdict=st.sampled_from([None, *SlidingLabel]),
    uncertainty=st.sampled_from([None, 0.0, 0.5, 1.0]),
    flags=st.frozensets(st.sampled_from([QualityFlag.TOO_SHORT, QualityFlag.MODELS_DISAGREE])),
    others=st.lists(st.sampled_from([P, A, U]), max_size=2).map(tuple),
    settled=st.booleans(),
)
choices = st.builds(
    ListChoice,
    filter=st.sampled_from(list(ListFilter)),
    order=st.sampled_from(list(ListOrder)),
    seed=st.integers(1, 5),
    search=st.sampled_from(["", "1"]),
    grouped=st.booleans(),
)


@given(st.lists(st.tuples(st.sampled_from([None, None, P, A]), facts, facts), max_size=12), choices)
def test_nothing_that_is_listed_tells_a_blind_reader_of_clips_not_read_yet(clips, choice):
    """Whatever the AI and others said of unread clips: the list, its order and its counts are the same."""
    one = tuple(entry(f"clip {k}", label, first) for k, (label, first, _) in enumerate(clips))
    other = tuple(
        entry(f"clip {k}", label, first if label is not None else second)
        for k, (label, first, second) in enumerate(clips)
    )
    assert listed_clips(one, choice, blind=True) == listed_clips(other, choice, blind=True)


def test_a_blind_reader_finds_disagreement_where_a_label_is_saved():
    entries = (entry("a", P, replace(AI_A, others=(A,))), entry("b", None, replace(AI_A, others=(A, P))))
    for wanted in TOLD:
        assert order(entries, ListChoice(filter=wanted), blind=True) == (0,)
        assert wanted.tells_of_others
    assert order(entries, ListChoice(filter=ListFilter.RATERS_DISAGREE), blind=False) == (0, 1)
    assert known_facts(entries[1], blind=True) == NO_FACTS
    assert known_facts(entries[1], blind=False) == entries[1].facts


def test_an_adjudicator_knows_what_raters_said_but_not_what_the_ai_said():
    entries = (entry("a", None, replace(AI_A, others=(A, P))), entry("b", None, AI_A))
    shown = listed_clips(entries, ListChoice(filter=ListFilter.RATERS_DISAGREE), blind=Veil.AI)
    assert shown.order == (0,)
    assert shown.counts[ListFilter.FLAGGED] == 0
    assert known_facts(entries[0], blind=Veil.AI) == EntryFacts(others=(A, P))
    assert listed_clips(entries[::-1], ListChoice(order=ListOrder.UNCERTAIN), blind=Veil.AI).order == (0, 1)
    state = ReviewState(worklist=entries, blind=True, adjudication=Adjudication())
    assert listed(wl.filter_chosen(state, ListFilter.RATERS_DISAGREE)).order == (0,)


# --- order ------------------------------------------------------------------------------------------------------


def test_a_random_order_is_its_seeds_and_survives_other_clips():
    entries = tuple(entry(f"clip {k}.avi") for k in range(200))
    first = order(entries, ListChoice(order=ListOrder.RANDOM, seed=7))
    assert sorted(first) == list(range(200))
    assert first == order(entries, ListChoice(order=ListOrder.RANDOM, seed=7))
    assert first[:8] == (134, 4, 94, 137, 195, 15, 74, 181)  # the same on every machine and in every version
    assert first != order(entries, ListChoice(order=ListOrder.RANDOM, seed=8))
    more = (*entries, *(entry(f"new {k}.avi") for k in range(50)))
    after = order(more, ListChoice(order=ListOrder.RANDOM, seed=7))
    assert [index for index in after if index < 200] == list(first)


def test_random_orders_of_different_seeds_have_nothing_in_common():
    entries = tuple(entry(f"clip {k}.avi") for k in range(1000))
    ranks = []
    for seed in (1, 2, 3):
        shuffled = order(entries, ListChoice(order=ListOrder.RANDOM, seed=seed))
        ranks.append({index: rank for rank, index in enumerate(shuffled)})
    ranks.append({index: index for index in range(1000)})
    for one, other in itertools.combinations(ranks, 2):
        shift = sum(abs(one[k] - other[k]) for k in range(1000)) / 1000
        assert shift == pytest.approx(333, abs=40)  # a third of the list, as of two independent orders


def test_a_random_order_is_the_same_wherever_the_folder_lies():
    here = [clip_lot(Path("/here/study 1") / f"{k}.avi") for k in range(5)]
    there = [clip_lot(Path("/mnt/else/study 1") / f"{k}.avi") for k in range(5)]
    assert here == there
    assert clip_lot(Path("/a/PA1/IM1")) != clip_lot(Path("/a/PA2/IM1"))


def test_the_least_sure_come_first_and_those_without_a_verdict_last():
    sure, unsure = EntryFacts(SlidingLabel.LS_A, 0.1), EntryFacts(SlidingLabel.LS_P, 0.9)
    nothing = EntryFacts(SlidingLabel.CANNOT_ASSESS, 1.0)
    entries = (entry("a"), entry("b", None, sure), entry("c", None, unsure), entry("d", None, nothing), entry("e"))
    choice = ListChoice(order=ListOrder.UNCERTAIN)
    assert order(entries, choice) == (3, 2, 1, 0, 4)
    assert order(entries, choice, blind=True) == (0, 1, 2, 3, 4)
    assert choice.order.tells_of_others


def test_disagreement_comes_first_that_of_raters_before_that_with_the_ai():
    entries = (
        entry("a", P, AI_P),
        entry("b", P, AI_A),
        entry("c", P, EntryFacts(others=(A,))),
        entry("d"),
        entry("e", P, replace(AI_A, others=(A,))),
    )
    assert order(entries, ListChoice(order=ListOrder.DISAGREEMENT)) == (4, 2, 1, 0, 3)


# --- groups -----------------------------------------------------------------------------------------------------


def instance(name: str, study: str, series: int, number: int, label=None) -> WorklistEntry:
    return entry(name, label, place=ClipPlace(study, (series, f"series {series}", number)))


def test_instances_are_grouped_by_study_and_ordered_by_series_and_number():
    entries = (
        instance("d/IM1", "s2", 2, 1, P),
        instance("d/IM2", "s1", 1, 9),
        instance("d/IM3", "s2", 1, 5),
        instance("d/IM4", "s1", 1, 2, A),
        instance("d/IM5", "s2", 1, 3),
    )
    shown = listed_clips(entries, ListChoice(), blind=False)
    assert shown.order == (4, 2, 0, 3, 1)
    assert shown.rows == (
        Heading("study s2", "Study 1", 3, 1, False), 4, 2, 0,
        Heading("study s1", "Study 2", 2, 1, False), 3, 1,
    )  # fmt: skip
    assert listed_clips(entries, ListChoice(grouped=False), blind=False).rows == (0, 1, 2, 3, 4)


def test_a_study_keeps_its_number_under_a_filter():
    entries = (instance("IM1", "s1", 1, 1, P), instance("IM2", "s2", 1, 1), instance("IM3", "s3", 1, 1))
    rows = listed_clips(entries, ListChoice(filter=ListFilter.UNLABELLED), blind=False).rows
    assert [row.title for row in rows if isinstance(row, Heading)] == ["Study 2", "Study 3"]


def test_other_files_are_grouped_by_folder_where_there_is_more_than_one():
    flat = (entry("day 1/a"), entry("day 1/b"))
    assert listed_clips(flat, ListChoice(), blind=False).rows == (0, 1)
    folders = (*flat, entry("day 2/left/c"), entry("d"), entry("day 1/e"))
    rows = listed_clips(folders, ListChoice(), blind=False).rows
    assert [row.title if isinstance(row, Heading) else row for row in rows] == [
        "day 1", 0, 1, 4, "day 2 / left", 2, "clips", 3,
    ]  # fmt: skip


def test_a_random_order_has_no_headings():
    entries = (instance("IM1", "s1", 1, 1), instance("IM2", "s2", 1, 1))
    assert set(listed_clips(entries, ListChoice(order=ListOrder.RANDOM), blind=False).rows) == {0, 1}


def test_a_folded_group_hides_its_clips_but_they_are_still_read_in_turn():
    entries = (instance("IM1", "s1", 1, 1), instance("IM2", "s2", 1, 1), instance("IM3", "s2", 1, 2))
    choice = ListChoice(folded=frozenset({"study s2"}))
    shown = listed_clips(entries, choice, blind=False)
    assert shown.rows[2:] == (Heading("study s2", "Study 2", 2, 0, True),)
    assert shown.order == (0, 1, 2)
    assert listed_clips(entries, choice, blind=False, selected=2).rows[3:] == (2,)


# --- the way through --------------------------------------------------------------------------------------------


def test_the_next_unlabelled_clip_follows_the_order_goes_round_and_passes_faults():
    entries = (*worklist(None, P, None, None), entry("bad", error="bad cannot be read."))
    assert next_unlabelled(entries, (3, 4, 1, 0, 2), 3) == 0
    assert next_unlabelled(entries, (3, 4, 1, 0, 2), 2) == 3
    assert next_unlabelled(entries, (3, 4, 1), 3) is None
    assert next_unlabelled(entries, (3, 1), 0) == 3  # the clip on screen is not listed: from the top
    assert next_unlabelled(entries, (), None) is None


def test_neighbours_follow_the_order_and_end_with_it():
    assert [neighbour((2, 0, 1), at, 1) for at in (2, 0, 1)] == [0, 1, None]
    assert [neighbour((2, 0, 1), at, -1) for at in (2, 0, 1)] == [None, 2, 0]
    assert neighbour((2, 0, 1), None, 1) == 2
    assert neighbour((2, 0, 1), 9, -1) == 2
    assert neighbour((), None, 1) is None


def test_a_clip_stays_listed_under_its_new_label_until_the_reader_goes_on():
    state = wl.filter_chosen(ReviewState(worklist=worklist(None, None, None), selected=1), ListFilter.UNLABELLED)
    labelled = to.entry_changed(state, state.worklist[1].path, label=P)
    assert listed(labelled).order == (0, 1, 2)
    assert listed(to.clip_selected(labelled, 2, speed=1.0)).order == (0, 2)


def test_a_clip_that_another_filter_leaves_out_goes_at_once_and_back_when_it_is_turned_to():
    state = ReviewState(worklist=worklist(None, P, None), selected=1)
    filtered = wl.filter_chosen(state, ListFilter.UNLABELLED)
    assert listed(filtered).order == (0, 2)
    assert listed(to.clip_selected(filtered, 1, speed=1.0)).order == (0, 1, 2)
    assert listed(wl.searched(state, "clip 2")).order == (2,)


def test_the_group_of_the_clip_on_screen_can_be_folded():
    entries = (instance("IM1", "s1", 1, 1), instance("IM2", "s2", 1, 1))
    state = ReviewState(worklist=entries, selected=0)
    folded = wl.own_group_folded(state)
    assert listed(folded).rows == (
        Heading("study s1", "Study 1", 1, 0, True),
        Heading("study s2", "Study 2", 1, 0, False),
        1,
    )
    assert listed(wl.own_group_folded(folded)).rows == listed(state).rows


def test_what_was_learnt_of_clips_changes_only_them():
    state = ReviewState(worklist=worklist(None, P))
    assert wl.facts_learnt(state, {}) is state
    assert wl.places_learnt(state, {}) is state
    known = wl.facts_learnt(state, {state.worklist[1].path: AI_A})
    assert known.worklist[0] is state.worklist[0]
    assert known.worklist[1].facts == AI_A
    assert wl.facts_learnt(known, {state.worklist[1].path: AI_A}) is known
    assert wl.facts_forgotten(known).worklist[1].facts == NO_FACTS
    placed = wl.places_learnt(state, {state.worklist[0].path: ClipPlace("s", (1, "x", 1))})
    assert placed.worklist[0].group == "study s"


def test_the_same_question_is_answered_once():
    state = ReviewState(worklist=worklist(None, P, A), selected=0)
    assert listed(state) is listed(replace(state, pace_s=3.0))
    assert listed(state) is not listed(replace(state, worklist=worklist(None, P, A)))


# --- ten thousand -----------------------------------------------------------------------------------------------


def work(run) -> int:
    """Count the calls of Python and C functions: the same on every machine."""
    counted = [0]

    def count(frame, event, arg):
        counted[0] += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        run()
    finally:
        sys.setprofile(None)
    return counted[0]


@pytest.mark.parametrize(
    "choice",
    [
        ListChoice(),
        ListChoice(order=ListOrder.RANDOM),
        ListChoice(order=ListOrder.DISAGREEMENT),
        ListChoice(search="1"),
    ],
)
def test_listing_grows_with_the_number_of_clips_and_no_faster(choice):
    def made(count: int) -> tuple[WorklistEntry, ...]:
        draw = random.Random(count)
        return tuple(
            entry(f"day {k // 25}/clip {k}.avi", draw.choice([None, P, A]), draw.choice([NO_FACTS, AI_A]))
            for k in range(count)
        )

    few, many = made(500), made(4000)
    ratio = work(lambda: order(many, choice)) / work(lambda: order(few, choice))
    assert ratio < 10


def test_a_label_costs_few_steps_in_a_list_of_ten_thousand():
    entries = tuple(entry(f"day {k // 25}/clip {k}.avi") for k in range(10_000))
    state = ReviewState(worklist=entries, selected=5000)
    listed(state)
    labelled = to.entry_changed(state, entries[5000].path, label=P)
    assert work(lambda: to.entry_changed(state, entries[5000].path, label=P)) < 100
    assert work(lambda: listed(labelled)) < 25_000  # two looks at each clip: no hash, no path, no sorting anew
