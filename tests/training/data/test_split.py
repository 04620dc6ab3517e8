from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsgui.core.errors import DatasetError
from lsgui.core.label import SlidingLabel
from lsgui.training.data.dataset_rows import DatasetRow, edited_rows
from lsgui.training.data.split import (
    FINAL_SHARES,
    SHARES,
    Split,
    check_no_leak,
    read_split,
    save_split,
    split_by_patient,
    summarise,
)


def row(number: int, patient: str, absent: bool = False, source: str = "a") -> DatasetRow:
    label = SlidingLabel.LS_A if absent else SlidingLabel.LS_P
    return DatasetRow(Path(f"clip_{number}.avi"), label, patient, source, 0, None, None)


def dataset(patients: int = 40, seed: int = 0) -> list[DatasetRow]:
    """Patients with one to six clips each, a fifth of them absent."""
    rng = np.random.default_rng(seed)
    rows: list[DatasetRow] = []
    for patient in range(patients):
        absent = patient % 5 == 0
        rows += [row(len(rows) + k, f"p{patient}", absent, "ab"[patient % 2]) for k in range(int(rng.integers(1, 7)))]
    return rows


def patients_of(split: Split) -> list[set[str]]:
    return [{r.patient for r in rows} for rows in split.sets.values()]


@given(st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=3, max_size=60), st.integers(0, 3))
def test_fault_3_no_patient_stands_in_two_sets(drawn: list[tuple[int, bool]], seed: int) -> None:
    rows = [row(k, f"p{patient}", absent) for k, (patient, absent) in enumerate(drawn)]
    if len({r.patient for r in rows}) < 3:
        with pytest.raises(DatasetError, match="needs one for each"):
            split_by_patient(rows, SHARES, seed)
        return
    split = split_by_patient(rows, SHARES, seed)
    sets = patients_of(split)
    assert all(sets)
    assert sum(map(len, sets)) == len(set.union(*sets))
    assert sorted(r.clip for rs in split.sets.values() for r in rs) == sorted(r.clip for r in rows)


@pytest.mark.parametrize("shares", [SHARES, FINAL_SHARES, (0.5, 0.3, 0.2)])
@pytest.mark.parametrize("seed", [0, 1])
def test_every_set_has_its_share_of_both_labels(shares: tuple[float, ...], seed: int) -> None:
    rows = dataset()
    split = split_by_patient(rows, shares, seed)
    for part, share in zip(split.sets.values(), shares, strict=True):
        for absent in (False, True):
            total = sum(r.absent is absent for r in rows)
            assert sum(r.absent is absent for r in part) == pytest.approx(share * total, abs=1.5)


def test_small_sets_get_the_best_split_there_is() -> None:
    rows = dataset(8, seed=4) + [row(100 + k, "q", absent=True) for k in range(3)]
    patients = sorted({r.patient for r in rows})
    totals = [sum(r.absent is absent for r in rows) for absent in (False, True)]

    def off(place: dict[str, int]) -> float:
        return sum(
            (SHARES[s] - sum(r.absent is absent for r in rows if place[r.patient] == s) / totals[absent]) ** 2
            for s in range(3)
            for absent in (False, True)
        )

    best = min(off(dict(zip(patients, places, strict=True))) for places in product(range(3), repeat=len(patients)))
    chosen = {patient: s for s, found in enumerate(patients_of(split_by_patient(rows))) for patient in found}
    assert off(chosen) == pytest.approx(best)


def test_two_shares_are_training_and_test() -> None:
    assert split_by_patient(dataset(), (0.75, 0.25)) == split_by_patient(dataset(), FINAL_SHARES)
    assert not split_by_patient(dataset(), (0.75, 0.25)).validation


def test_the_seed_alone_decides() -> None:
    rows = dataset(20)
    assert split_by_patient(rows, seed=3) == split_by_patient(rows, seed=3)
    assert len({frozenset(patients_of(split_by_patient(rows, seed=s))[2]) for s in range(4)}) > 1
    backwards = split_by_patient(rows[::-1], seed=3)
    assert patients_of(backwards) == patients_of(split_by_patient(rows, seed=3))


def test_edits_stay_with_their_original_and_count_as_one_clip() -> None:
    sliding = [replace(r, label=SlidingLabel.LS_P) for r in dataset(12)]
    rows = edited_rows(sliding, ("hard", "mirror", "sham"))
    split = split_by_patient(rows)
    assert patients_of(split) == patients_of(split_by_patient(sliding))


def test_a_leak_is_refused_and_names_the_patient() -> None:
    rows = dataset(6)
    with pytest.raises(DatasetError, match="Patient 'p0' stands in the train and in the test set"):
        check_no_leak(Split(tuple(rows), (), tuple(rows[:1])))


def test_a_clip_under_two_names_of_patients_is_a_leak() -> None:
    one, other = row(0, "p"), row(0, "q")
    with pytest.raises(DatasetError, match=r"clip_0\.avi of patient 'q' stands in the train and in the validation"):
        check_no_leak(Split((one,), (other,), ()))


@pytest.mark.parametrize("shares", [(0.5, 0.5, 0.5), (1.2, -0.2), (0.0, 0.5, 0.5), (1.0,), (np.nan, 0.5, 0.5)])
def test_shares_that_are_none_get_a_sentence(shares: tuple[float, ...]) -> None:
    with pytest.raises(DatasetError, match="share"):
        split_by_patient(dataset(), shares)


def test_the_summary_shows_label_and_source_together() -> None:
    rows = [row(k, f"p{k}", absent=k < 10, source="old" if k < 10 else "new") for k in range(40)]
    table = summarise(split_by_patient(rows))
    assert [(s.source, s.rows, s.absent, s.patients) for s in table if s.set == "train"] == [
        ("all", 24, 6, 24),
        ("new", 18, 0, 18),
        ("old", 6, 6, 6),
    ]


def test_a_split_is_kept_beside_the_run_and_read_back(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    rows = [replace(r, clip=data / r.clip.name, stop=50, roi=data / "roi.json") for r in dataset(9)]
    for r in rows:
        r.clip.touch()
    split = split_by_patient(rows)
    with_edits = Split(edited_rows(split.train, ("hard",)), split.validation, split.test)
    save_split(with_edits, data, tmp_path / "run" / "split.csv")
    assert read_split(data, tmp_path / "run" / "split.csv") == split


@pytest.mark.parametrize(
    ("line", "words"),
    [("a.avi,ls_p,p,s,0,,,holdout", "no set 'holdout'"), ("a.avi,ls_p,q,s,0,,,test", "one clip can have one patient")],
)
def test_a_split_file_changed_by_hand_is_checked(line: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "a.avi").touch()
    path = tmp_path / "split.csv"
    path.write_text(f"clip,label,patient,source,start,stop,roi,set\na.avi,ls_p,p,s,0,,,train\n{line}\n")
    with pytest.raises(DatasetError, match=words):
        read_split(tmp_path, path)
