"""The whole bench: every part in turn, laid together into the object of `lsgui bench --json`."""

import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from lsgui.bench.part_process import PartResult, run_part
from lsgui.bench.parts import Part
from lsgui.bench.rows import BenchRow

CONTRACT: dict[str, Any] = {
    "machine": {},
    "cold_start_s": None,
    "first_frame_ms": None,
    "decode_fps": None,
    "play": {
        "asked_fps": None,
        "shown_fps": None,
        "dropped": None,
        "max_stall_ms": None,
        "max_stall_during_inference_ms": None,
    },
    "inference": {},
    "flow": {"dis_ms": None, "raft_s": None, "dis_epe_px": None, "raft_epe_px": None},
    "memory_mb": {"idle": None, "clip_900_frames": None},
}
"""The keys that are always there. A figure that was not measured is null, and `not_measured` says why."""

TellPart = Callable[[int, str, float], None]
"""Takes the place of the part that runs, what it measures, and how far it is, 0 to 1."""


@dataclass(frozen=True, slots=True)
class BenchReport:
    """What all parts found, in their order."""

    results: tuple[PartResult, ...]
    quick: bool
    seconds: float

    @property
    def rows(self) -> list[BenchRow]:
        """The rows of every part."""
        return [row for result in self.results for row in result.rows]

    @property
    def faults(self) -> list[PartResult]:
        """The parts that ended by a fault of the program."""
        return [result for result in self.results if result.fault]

    def as_json(self) -> dict[str, Any]:
        """Return the object of `--json`: the keys of the contract, then rows, reasons and times."""
        whole = copy.deepcopy(CONTRACT)
        for result in self.results:
            lay_into(whole, result.data)
        return {
            **whole,
            "rows": [row.as_json() for row in self.rows],
            "not_measured": {result.name: result.reason for result in self.results if result.reason},
            "seconds": {result.name: round(result.seconds, 2) for result in self.results},
            "quick": self.quick,
        }


def run_bench(parts: Sequence[Part], *, quick: bool, tell: TellPart) -> BenchReport:
    """Measure the parts one after another."""
    begun = time.perf_counter()
    results = []
    for place, part in enumerate(parts):
        tell(place, part.title, 0.0)
        results.append(run_part(part, quick=quick, tell=partial(tell, place)))
    return BenchReport(tuple(results), quick, time.perf_counter() - begun)


def lay_into(whole: dict[str, Any], piece: dict[str, Any]) -> None:
    """Lay the values of `piece` into `whole`, object by object.

    Raises
    ------
    ValueError
        When both hold a value in the same place: two parts would have measured one thing.
    """
    for name, value in piece.items():
        held = whole.get(name)
        if isinstance(held, dict) and isinstance(value, dict):
            lay_into(held, value)
        elif held is None:
            whole[name] = value
        else:
            raise ValueError(f"two parts of the bench measured {name}")
