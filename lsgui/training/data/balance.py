"""Class balance: drop sliding clips until all sets have one ratio, or draw balanced epochs."""

import math
from collections import defaultdict, deque
from collections.abc import Sequence

import numpy as np

from lsgui.core.errors import DatasetError
from lsgui.training.data.dataset_rows import DatasetRow
from lsgui.training.data.split import Split


def drop_to_balance(rows: Sequence[DatasetRow], ratio: float | None = None, seed: int = 0) -> tuple[DatasetRow, ...]:
    """Drop ls_p rows until there are at most `ratio` of them for each ls_a row; the rest keeps its order.

    Rows are dropped from the patients that have most, so that as many patients as can be stay.

    Parameters
    ----------
    ratio
        ls_p rows for each ls_a row; None: as many of both. Rows without any ls_a stay as they are.

    Raises
    ------
    DatasetError
        When the ratio is not above 0.
    """
    if ratio is not None and not (math.isfinite(ratio) and ratio > 0):
        raise DatasetError(f"The ratio of ls_p to ls_a is {ratio}, but it must be above 0.")
    absent = sum(row.absent for row in rows)
    keep = round(absent * (1.0 if ratio is None else ratio))
    present = [index for index, row in enumerate(rows) if not row.absent]
    if not absent or len(present) <= keep:
        return tuple(rows)
    kept = set(_one_by_one(rows, present, np.random.default_rng(seed))[:keep])
    return tuple(row for index, row in enumerate(rows) if row.absent or index in kept)


def _one_by_one(rows: Sequence[DatasetRow], chosen: Sequence[int], rng: np.random.Generator) -> list[int]:
    """Return the chosen rows in random order, one of each patient, then the second of each, and so on."""
    turn: dict[str, int] = defaultdict(int)
    keyed = []
    for place, index in enumerate(rng.permutation(np.asarray(chosen, dtype=np.int64)).tolist()):
        keyed.append((turn[rows[index].patient], place, index))
        turn[rows[index].patient] += 1
    return [index for _, _, index in sorted(keyed)]


def balance_split(split: Split, ratio: float | None = None, seed: int = 0) -> Split:
    """Drop ls_p rows so that every set has the same ratio of ls_p to ls_a.

    Parameters
    ----------
    ratio
        The ratio; None: the smallest that a set has, so that no more than needed is dropped.
    """
    if ratio is None:
        ratios = [found for rows in split.sets.values() if (found := _ratio(rows)) is not None]
        if not ratios:
            return split
        ratio = min(ratios)
    return Split(*(drop_to_balance(rows, ratio, seed) for rows in split.sets.values()))


def _ratio(rows: Sequence[DatasetRow]) -> float | None:
    absent = sum(row.absent for row in rows)
    present = len(rows) - absent
    return present / absent if absent and present else None


def balanced_epoch(rows: Sequence[DatasetRow], epoch: int, seed: int = 0) -> tuple[int, ...]:
    """Return which rows an epoch uses: all of the rarer label, and as many of the other that were not used lately.

    Every epoch draws new rows of the commoner label (ls_p in the paper) and none comes back before all have been used;
    then they are drawn anew in another order. It depends on rows, epoch and seed alone. Rows of one label are all used.
    """
    absent = [index for index, row in enumerate(rows) if row.absent]
    present = [index for index, row in enumerate(rows) if not row.absent]
    rare, common = sorted((absent, present), key=len)
    if not rare:
        return tuple(common)
    waiting: deque[int] = deque()
    drawn: list[int] = []
    for cycle_of in range(epoch + 1):
        drawn = []
        while len(drawn) < len(rare):
            if not waiting:
                order = np.random.default_rng((seed, cycle_of)).permutation(np.asarray(common, dtype=np.int64)).tolist()
                waiting.extend(sorted(order, key=drawn.__contains__))  # those of this epoch come last
            drawn.append(waiting.popleft())
    both = np.array([*rare, *drawn], dtype=np.int64)
    return tuple(np.random.default_rng((seed, epoch, 1)).permutation(both).tolist())
