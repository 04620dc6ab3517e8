from pathlib import Path

import pytest

from lsgui.core.errors import DatasetError
from lsgui.core.label import SlidingLabel
from lsgui.training.data.balance import balance_split, balanced_epoch, drop_to_balance
from lsgui.training.data.dataset_rows import DatasetRow
from lsgui.training.data.split import Split


def rows_of(present: int, absent: int, clips_a_patient: int = 1, first: int = 0) -> tuple[DatasetRow, ...]:
    labels = [SlidingLabel.LS_P] * present + [SlidingLabel.LS_A] * absent
    return tuple(
        DatasetRow(Path(f"{first + k}.avi"), label, f"p{(first + k) // clips_a_patient}", "s", 0, None, None)
        for k, label in enumerate(labels)
    )


def counts(rows: tuple[DatasetRow, ...]) -> tuple[int, int]:
    absent = sum(row.absent for row in rows)
    return len(rows) - absent, absent


@pytest.mark.parametrize(("ratio", "expected"), [(None, (6, 6)), (2.0, (12, 6)), (0.5, (3, 6)), (9.0, (30, 6))])
def test_sliding_rows_are_dropped_to_the_ratio(ratio: float | None, expected: tuple[int, int]) -> None:
    rows = rows_of(30, 6)
    kept = drop_to_balance(rows, ratio)
    assert counts(kept) == expected
    assert list(kept) == [row for row in rows if row in kept]
    assert kept == drop_to_balance(rows, ratio)


def test_another_seed_drops_other_rows() -> None:
    assert drop_to_balance(rows_of(30, 6), 1.0, seed=0) != drop_to_balance(rows_of(30, 6), 1.0, seed=1)


def test_dropping_keeps_as_many_patients_as_it_can() -> None:
    kept = drop_to_balance(rows_of(40, 10, clips_a_patient=4), 1.0)
    assert len({row.patient for row in kept if not row.absent}) == 10


def test_without_absent_rows_nothing_is_dropped() -> None:
    assert drop_to_balance(rows_of(5, 0)) == rows_of(5, 0)


@pytest.mark.parametrize("ratio", [0.0, -1.0, float("nan")])
def test_a_ratio_that_is_none_gets_a_sentence(ratio: float) -> None:
    with pytest.raises(DatasetError, match="must be above 0"):
        drop_to_balance(rows_of(2, 2), ratio)


def test_all_sets_get_the_smallest_ratio_of_one() -> None:
    split = Split(rows_of(83, 19), rows_of(28, 7, first=200), rows_of(28, 6, first=300))
    balanced = balance_split(split)
    assert [counts(part) for part in balanced.sets.values()] == [(76, 19), (28, 7), (24, 6)]
    assert balanced.sets["test"] == balance_split(split, 4.0).test


def test_an_epoch_uses_every_absent_clip_and_as_many_new_sliding_ones() -> None:
    rows = rows_of(23, 5)
    seen: list[int] = []
    for epoch in range(4):
        picked = balanced_epoch(rows, epoch, seed=7)
        assert len(picked) == len(set(picked)) == 10
        assert sorted(k for k in picked if rows[k].absent) == list(range(23, 28))
        seen += [k for k in picked if not rows[k].absent]
    assert len(set(seen)) == 20  # none came back before all had been used


def test_when_all_have_been_used_they_are_drawn_anew_in_another_order() -> None:
    rows = rows_of(7, 3)
    drawn = [[k for k in balanced_epoch(rows, epoch, seed=1) if not rows[k].absent] for epoch in range(7)]
    assert all(len(set(epoch)) == 3 for epoch in drawn)  # never twice in one epoch, not even at the seam
    flat = [k for epoch in drawn for k in epoch]
    assert sorted(flat) == sorted(list(range(7)) * 3)  # 21 draws from 7: each three times
    assert [set(epoch) for epoch in drawn[:3]] != [set(epoch) for epoch in drawn[3:6]]


def test_an_epoch_depends_on_its_number_and_seed_alone() -> None:
    rows = rows_of(12, 4)
    assert balanced_epoch(rows, 5, seed=2) == balanced_epoch(rows, 5, seed=2)
    assert balanced_epoch(rows, 5, seed=2) != balanced_epoch(rows, 5, seed=3)
    assert balanced_epoch(rows, 5, seed=2) != balanced_epoch(rows, 6, seed=2)


def test_where_absent_rows_are_the_commoner_ones_they_take_turns() -> None:
    rows = rows_of(2, 8)
    picked = balanced_epoch(rows, 0)
    assert counts(tuple(rows[k] for k in picked)) == (2, 2)
    assert sorted(balanced_epoch(rows_of(4, 0), 3)) == [0, 1, 2, 3]
