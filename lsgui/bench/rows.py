"""What a part of the bench hands back: rows for people, and an object for `--json`."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Protocol

from lsgui.bench.timing import SideBySide

Tell = Callable[[str, float], None]
"""Takes what is being measured, in words, and how far the part is, 0 to 1."""


class Area(StrEnum):
    """The groups of the table, in its order."""

    MACHINE = "This machine"
    NETWORKS = "Networks"
    CLIP = "Whole clips"
    FLOW = "Flow"
    READING = "Reading"
    WINDOW = "Window"
    MEMORY = "Memory"
    MANY = "Many clips"


class Bound(StrEnum):
    """What a target asks of a figure."""

    TIMES = "times as fast"
    AT_MOST = "at most"
    AT_LEAST = "at least"


@dataclass(frozen=True, slots=True)
class Target:
    """What was promised: so many times as fast as the reference, or at most or at least so much in the row's unit."""

    bound: Bound
    value: float


@dataclass(frozen=True, slots=True)
class BenchRow:
    """One figure beside its reference.

    Attributes
    ----------
    area, name
        Where it stands in the table, and what was measured, in a few words.
    shipped
        What the program does, in `unit`; None where it cannot be measured here, and then `note` says why.
    unit
        "s", "ms", "MB", "frames/s", "clips/s", "x", "px", ...
    reference, against
        The obvious alternative in the same unit, and what it is, such as "eager PyTorch"; None and empty where the
        figure has only a limit.
    faster_by
        How many times as fast as the reference.
    target
        What was promised, if anything.
    note
        A few words of what was measured on, or why it was not.
    """

    area: Area
    name: str
    shipped: float | None
    unit: str = "s"
    reference: float | None = None
    against: str = ""
    faster_by: float | None = None
    target: Target | None = None
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the target was met; None where there is none or nothing was measured."""
        if self.target is None:
            return None
        if self.target.bound is Bound.TIMES:
            return None if self.faster_by is None else self.faster_by >= self.target.value
        if self.shipped is None:
            return None
        if self.target.bound is Bound.AT_MOST:
            return self.shipped <= self.target.value
        return self.shipped >= self.target.value

    def as_json(self) -> dict[str, Any]:
        """Return the row for `--json`."""
        return {**asdict(self), "met": self.met}


def row_of(
    area: Area,
    name: str,
    times: SideBySide,
    *,
    against: str,
    unit: str = "s",
    target: float | None = None,
    note: str = "",
) -> BenchRow:
    """Return the row of two ways timed in turn.

    Parameters
    ----------
    unit
        "s" or "ms".
    target
        How many times as fast as the reference it was promised to be.
    """
    scale = {"s": 1.0, "ms": 1000.0}[unit]
    return BenchRow(
        area,
        name,
        times.shipped.best_s * scale,
        unit,
        times.reference.best_s * scale,
        against,
        times.faster_by,
        None if target is None else Target(Bound.TIMES, target),
        note,
    )


class Measured(Protocol):
    """What `measure(tell, quick)` of a part returns: a frozen dataclass of measured values and their references."""

    def as_json(self) -> dict[str, Any]:
        """Return the part's keys of the contract, and more; they are laid into the object of the whole run.

        For example `{"flow": {"dis_ms": 1.3, ...}}`: two parts may fill one object, but never one value.
        """
        ...

    def rows(self) -> list[BenchRow]:
        """Return the part's rows of the table."""
        ...
