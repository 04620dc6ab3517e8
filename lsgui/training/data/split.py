"""Divide a data set into training, validation and test by patient, and refuse a division that leaks.

Two clips of one patient look alike in everything but what is asked. A network that has seen one of them knows the
other, so figures on it say nothing of a new patient.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lsgui.annotation.content_hash import content_hash
from lsgui.core.errors import ClipReadError, DatasetError
from lsgui.training.data.dataset_rows import COLUMNS, DatasetRow, cells_of, read_table, row_of, write_table

SETS = ("train", "validation", "test")
SHARES = (0.6, 0.2, 0.2)
FINAL_SHARES = (0.75, 0.0, 0.25)
"""The paper's final run, which has no validation set."""

SPLIT_FILE = "split.csv"
HASH_COLUMN = "sha256"
"""Column of a split with the hash of each clip's content: names repeat from one data set to the next."""

_TRIES = 24
_TRIES_OF_MANY = 4
_MANY = 200
_SWEEPS = 20


@dataclass(frozen=True, slots=True)
class Split:
    """A data set in three sets; one with a share of 0 is empty."""

    train: tuple[DatasetRow, ...]
    validation: tuple[DatasetRow, ...]
    test: tuple[DatasetRow, ...]

    @property
    def sets(self) -> dict[str, tuple[DatasetRow, ...]]:
        """The sets by name."""
        return {"train": self.train, "validation": self.validation, "test": self.test}


@dataclass(frozen=True, slots=True)
class SetSummary:
    """How many rows, absent rows and patients of one source a set holds; source "all" is their sum."""

    set: str
    source: str
    rows: int
    absent: int
    patients: int


def split_by_patient(
    rows: Sequence[DatasetRow], shares: Sequence[float] = SHARES, seed: int = 0, clip_count: bool = True
) -> Split:
    """Divide rows so that no patient stands in two sets and each set has its share of ls_a and of ls_p rows.

    Whole patients are dealt out, the largest first, each to the set that then lacks least; then patients are moved and
    exchanged as long as that brings the shares nearer. The best of a few dozen such tries, in an order drawn from
    `seed`, is taken. The same rows and seed give the same split.

    Parameters
    ----------
    shares
        Of training, validation and test, adding up to 1; two numbers mean training and test.
    seed
        Which of the equally good splits.
    clip_count
        Count a clip once however many rows (intervals, edits) it has of a label; else every row.

    Raises
    ------
    DatasetError
        When there are fewer patients than sets, or the shares do not add up.
    """
    parts = _checked_shares(shares)
    groups: dict[str, list[DatasetRow]] = defaultdict(list)
    for row in rows:
        groups[row.patient].append(row)
    wanted = int((parts > 0).sum())
    if len(groups) < wanted:
        raise DatasetError(
            f"The data set has clips of {len(groups)} patients, and a split into {wanted} sets needs one for each: "
            "add patients, or correct the column patient."
        )
    names = sorted(groups)
    counts = np.array([_counts(groups[name], clip_count) for name in names], dtype=np.float64)
    chosen = _assigned(counts, parts, np.random.default_rng(seed))
    place = dict(zip(names, chosen, strict=True))
    split = Split(*(tuple(row for row in rows if place[row.patient] == index) for index in range(len(SETS))))
    check_no_leak(split)
    return split


def _checked_shares(shares: Sequence[float]) -> npt.NDArray[np.float64]:
    parts = np.array([shares[0], 0.0, shares[1]] if len(shares) == 2 else shares, dtype=np.float64)
    if len(parts) != len(SETS) or not np.isfinite(parts).all() or parts.min() < 0 or abs(parts.sum() - 1.0) > 1e-6:
        raise DatasetError(f"The shares {tuple(shares)} are no split: give those of training, validation and test.")
    if parts[0] <= 0:
        raise DatasetError("The training set needs a share of its own.")
    return parts


def _counts(rows: Sequence[DatasetRow], clip_count: bool) -> tuple[int, int]:
    """Return how much ls_p and ls_a a patient brings."""
    present, absent = ([row.clip for row in rows if row.absent is is_absent] for is_absent in (False, True))
    return (len(set(present)), len(set(absent))) if clip_count else (len(present), len(absent))


def _assigned(
    counts: npt.NDArray[np.float64], shares: npt.NDArray[np.float64], rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Return the set of every patient, (patients,): the best of several tries."""
    total = counts.sum(axis=0)
    weighed = counts / np.maximum(total, 1.0)  # a label's rows all together weigh 1, however rare it is
    goal = shares[:, None] * (total > 0)
    used = np.flatnonzero(shares > 0)
    best: npt.NDArray[np.int64] | None = None
    least = np.inf
    for _ in range(_TRIES if len(counts) < _MANY else _TRIES_OF_MANY):
        place = _dealt(weighed, goal, used, rng)
        _improve(place, weighed, goal, used)
        _fill_empty(place, weighed, goal, used)
        off = _off(place, weighed, goal)
        if off < least - 1e-12:
            best, least = place, off
    assert best is not None  # there is at least one try
    return best


def _dealt(
    weighed: npt.NDArray[np.float64],
    goal: npt.NDArray[np.float64],
    used: npt.NDArray[np.int64],
    rng: np.random.Generator,
) -> npt.NDArray[np.int64]:
    order = rng.permutation(len(weighed))
    order = order[np.argsort(-weighed[order].sum(axis=1), kind="stable")]
    place = np.full(len(weighed), -1, dtype=np.int64)
    filled = np.zeros_like(goal)
    for patient in order:
        after = [((filled[s] + weighed[patient] - goal[s]) ** 2 - (filled[s] - goal[s]) ** 2).sum() for s in used]
        place[patient] = used[int(np.argmin(after))]
        filled[place[patient]] += weighed[patient]
    return place


def _improve(
    place: npt.NDArray[np.int64],
    weighed: npt.NDArray[np.float64],
    goal: npt.NDArray[np.float64],
    used: npt.NDArray[np.int64],
) -> None:
    """Move single patients and exchange pairs, in place, until nothing brings the shares nearer."""
    for _ in range(_SWEEPS):
        now = _off(place, weighed, goal)
        _best_moves(place, weighed, goal, used)
        _best_exchanges(place, weighed, goal)
        if _off(place, weighed, goal) >= now - 1e-12:
            return


def _best_moves(
    place: npt.NDArray[np.int64],
    weighed: npt.NDArray[np.float64],
    goal: npt.NDArray[np.float64],
    used: npt.NDArray[np.int64],
) -> None:
    for patient in range(len(place)):
        lack = _lack(place, weighed, goal)
        own = place[patient]
        gain = ((lack[own] + weighed[patient]) ** 2 - lack[own] ** 2).sum()
        change = [gain + ((lack[s] - weighed[patient]) ** 2 - lack[s] ** 2).sum() if s != own else 0.0 for s in used]
        if min(change) < -1e-12:
            place[patient] = used[int(np.argmin(change))]


def _best_exchanges(
    place: npt.NDArray[np.int64], weighed: npt.NDArray[np.float64], goal: npt.NDArray[np.float64]
) -> None:
    for patient in range(len(place)):
        lack = _lack(place, weighed, goal)
        own = place[patient]
        more = weighed[patient] - weighed  # what the own set loses and the other gains
        change = ((lack[own] + more) ** 2 - lack[own] ** 2).sum(axis=1)
        change += ((lack[place] - more) ** 2 - lack[place] ** 2).sum(axis=1)
        change[place == own] = 0.0
        other = int(np.argmin(change))
        if change[other] < -1e-12:
            place[patient], place[other] = place[other], own


def _fill_empty(
    place: npt.NDArray[np.int64],
    weighed: npt.NDArray[np.float64],
    goal: npt.NDArray[np.float64],
    used: npt.NDArray[np.int64],
) -> None:
    """Give every set that stayed empty the patient whom the others miss least, in place."""
    for empty in used[~np.isin(used, place)]:
        costs = np.full(len(place), np.inf)
        for patient in np.flatnonzero(np.bincount(place, minlength=len(goal))[place] > 1):
            moved = place.copy()
            moved[patient] = empty
            costs[patient] = _off(moved, weighed, goal)
        place[int(np.argmin(costs))] = empty


def _lack(
    place: npt.NDArray[np.int64], weighed: npt.NDArray[np.float64], goal: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    filled = np.zeros_like(goal)
    np.add.at(filled, place, weighed)
    return np.asarray(goal - filled)


def _off(place: npt.NDArray[np.int64], weighed: npt.NDArray[np.float64], goal: npt.NDArray[np.float64]) -> float:
    return float((_lack(place, weighed, goal) ** 2).sum())


def check_no_leak(split: Split) -> None:
    """Raise DatasetError when a patient, or a clip under two patients' names, stands in more than one set."""
    patients: dict[str, str] = {}
    clips: dict[Path, str] = {}
    for name, rows in split.sets.items():
        for row in rows:
            if patients.setdefault(row.patient, name) != name:
                raise DatasetError(
                    f"Patient {row.patient!r} stands in the {patients[row.patient]} and in the {name} set: "
                    "the figures would be too good; put all clips of a patient into one set."
                )
            clip = row.clip.resolve()
            if clips.setdefault(clip, name) != name:
                raise DatasetError(
                    f"{row.clip.name} of patient {row.patient!r} stands in the {clips[clip]} and in the {name} set: "
                    "one clip can have one patient only."
                )


def check_both_labels(rows: Sequence[DatasetRow], name: str) -> None:
    """Refuse a set whose clips are all of one label: a network would learn to say that one whatever it sees.

    Raises
    ------
    DatasetError
        Saying which label is missing.
    """
    absent = sum(row.absent for row in rows)
    if absent == 0:
        raise DatasetError(
            f"The {name} set holds no ls_a clip, and a network learns from both labels: add clips without sliding, "
            "or make them of sliding clips with --set edits=hard,mirror."
        )
    if absent == len(rows):
        raise DatasetError(f"The {name} set holds no ls_p clip, and a network learns from both labels: add such clips.")


def summarise(split: Split) -> tuple[SetSummary, ...]:
    """Return what each set holds, in all and by source: label and scanner must not be confounded unseen."""
    out = []
    for name, rows in split.sets.items():
        sources = ["all", *sorted({row.source for row in rows})] if rows else []
        for source in sources:
            chosen = [row for row in rows if source in ("all", row.source)]
            absent = sum(row.absent for row in chosen)
            out.append(SetSummary(name, source, len(chosen), absent, len({row.patient for row in chosen})))
    return tuple(out)


def save_split(split: Split, folder: Path, path: Path) -> None:
    """Write a split as a `dataset.csv` with the further columns `set` and `sha256`, its paths starting at `folder`.

    The hash is that of the clip's content, empty where it cannot be read. Rows that are edits are left out: they are
    made anew from their originals.

    Raises
    ------
    DatasetError
        When it cannot be written.
    """
    hashes: dict[Path, str] = {}  # a clip may have many rows
    rows = [
        {**cells_of(folder, row), "set": name, HASH_COLUMN: _hash_of(row.clip, hashes)}
        for name, chosen in split.sets.items()
        for row in chosen
        if row.edit is None
    ]
    write_table(path, (*COLUMNS, "set", HASH_COLUMN), rows)


def _hash_of(clip: Path, known: dict[Path, str]) -> str:
    if clip not in known:
        try:
            known[clip] = content_hash(clip)
        except ClipReadError:  # the run itself tells of clips that it cannot read
            known[clip] = ""
    return known[clip]


def read_split(folder: Path, path: Path) -> Split:
    """Read a split that `save_split` wrote.

    Raises
    ------
    DatasetError
        When the file is wrong or the split leaks.
    """
    sets: dict[str, list[DatasetRow]] = {name: [] for name in SETS}
    for number, cells in enumerate(read_table(path, (*COLUMNS, "set")), start=2):
        if cells["set"] not in sets:
            raise DatasetError(f"{path}, line {number}: there is no set {cells['set']!r}: it is one of {SETS}.")
        sets[cells["set"]].append(row_of(folder, path, number, cells))
    split = Split(*(tuple(rows) for rows in sets.values()))
    check_no_leak(split)
    return split
