"""The loss of every fold of a run on strips as it goes: a table, and TensorBoard where it is installed."""

import csv
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from lsgui.core.atomic_file import atomic_file
from lsgui.training.clips.history import TABLE
from lsgui.training.tensorboard_log import ScalarLog, scalar_log

EVERY = 10
"""Steps between two rows."""

_COLUMNS = ("fold", "step", "loss")


class StripLog:
    """Takes the smoothed loss of folds."""

    def __init__(self, out: Path, scalars: ScalarLog, kept: list[tuple[str, int, str]]) -> None:
        self._out, self._scalars, self._rows = out, scalars, kept

    def note(self, fold: str, step: int, steps: int, loss: float) -> None:
        """Note the loss after a step; the steps that a broken run did before and are done again are replaced."""
        if step % EVERY and step != steps:
            return
        self._rows = [row for row in self._rows if row[0] != fold or row[1] < step]
        self._rows.append((fold, step, f"{loss:.6g}"))
        self._scalars.write({f"loss/{fold}": loss}, step)
        if step == steps or step % (10 * EVERY) == 0:
            self.write()

    def write(self) -> None:
        """Write `history.csv`."""
        with atomic_file(self._out / TABLE, newline="") as file:
            table = csv.writer(file)
            table.writerow(_COLUMNS)
            table.writerows(self._rows)


@contextmanager
def strip_log(out: Path, resume: bool, wanted: bool = True) -> Iterator[StripLog | None]:
    """Open the log of a run in `out`; None where it is not wanted, as in all but the first of several processes."""
    if not wanted:
        yield None
        return
    with ExitStack() as stack:
        yield StripLog(out, stack.enter_context(scalar_log(out)), _kept(out / TABLE) if resume else [])


def _kept(path: Path) -> list[tuple[str, int, str]]:
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return [(row["fold"], int(row["step"]), row["loss"]) for row in csv.DictReader(file)]
