"""Times two ways of doing the same thing in turn, so that whatever else the machine does falls on both alike."""

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Action = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Timed:
    """Seconds that one thing took: the fastest and the middle of `runs` runs."""

    best_s: float
    median_s: float
    runs: int

    def as_json(self) -> dict[str, Any]:
        """Return the figures."""
        return {"best_s": self.best_s, "median_s": self.median_s, "runs": self.runs}


@dataclass(frozen=True, slots=True)
class SideBySide:
    """Two ways timed in turn. Ratios are of the fastest runs: what else ran on the machine only ever adds time."""

    reference: Timed
    shipped: Timed

    @property
    def faster_by(self) -> float:
        """How many times as fast the shipped way is as its reference."""
        return self.reference.best_s / self.shipped.best_s

    def as_json(self) -> dict[str, Any]:
        """Return the three figures of the contract, and what stands behind them."""
        return {
            "reference_s": self.reference.best_s,
            "shipped_s": self.shipped.best_s,
            "speedup": self.faster_by,
            "reference_median_s": self.reference.median_s,
            "shipped_median_s": self.shipped.median_s,
            "rounds": self.shipped.runs,
        }


def side_by_side(
    reference: Action,
    shipped: Action,
    rounds: int,
    *,
    warm: int = 1,
    most_s: float | None = None,
    rest_s: float = 0.0,
) -> SideBySide:
    """Time both in turn: reference, shipped, reference, shipped, ...

    Parameters
    ----------
    reference, shipped
        What is run. Each holds what it needs: making ready is not timed.
    rounds
        How often each is timed.
    warm
        Runs of each before that, not timed.
    most_s
        No round begins once the timed ones took this long; one is always made. None: no such limit.
    rest_s
        Pause between the two, after which each is run once more before it is timed. Two libraries with threads of their
        own need it: for a fifth of a second after its work the threads of one wait in a spin and hold the cores that
        the other would use, which no program does that computes by one of them.
    """
    for _ in range(warm):
        reference()
        shipped()
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(max(1, rounds)):
        for action, seconds in zip((reference, shipped), times, strict=True):
            if rest_s:
                time.sleep(rest_s)
                action()
            seconds.append(seconds_of(action))
        if most_s is not None and sum(map(sum, times)) >= most_s:
            break
    return SideBySide(_timed(times[0]), _timed(times[1]))


def timed(action: Action, rounds: int, *, warm: int = 1) -> Timed:
    """Time one thing that has no reference."""
    for _ in range(warm):
        action()
    return _timed([seconds_of(action) for _ in range(max(1, rounds))])


def seconds_of(action: Action) -> float:
    """Return the seconds that one run takes; the garbage collector stands still meanwhile."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        begun = time.perf_counter()
        action()
        return time.perf_counter() - begun
    finally:
        if was_on:
            gc.enable()


def _timed(seconds: list[float]) -> Timed:
    return Timed(min(seconds), statistics.median(seconds), len(seconds))
