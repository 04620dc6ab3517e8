"""The parts of the bench by name, each a file of this folder with `measure(tell, quick)`; nothing is loaded here."""

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lsgui.bench.rows import Area, Measured, Tell
from lsgui.core.errors import LsguiError

Measure = Callable[[Tell, bool], Measured]


class NotMeasurableError(LsguiError):
    """A part cannot be measured on this machine or in this installation; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the bench.

    Attributes
    ----------
    name
        Its file, and what `--only` takes.
    area, title
        Where it stands, and what it measures in a few words.
    about_s, quick_s
        Seconds that it takes on two cores, in full and with `--quick`.
    by
        "module:function" that measures it; empty for `measure` in its file.
    """

    name: str
    area: Area
    title: str
    about_s: float
    quick_s: float = 8.0
    by: str = ""


PARTS = (
    Part("machine", Area.MACHINE, "the machine's own limits", 5),
    Part("networks", Area.NETWORKS, "one run of each network", 60),
    Part("whole_clip", Area.CLIP, "all windows of a clip", 45),
    Part("verdict", Area.CLIP, "from line to verdict", 20),
    Part("flow", Area.FLOW, "flow fields and heat map", 30),
    Part("reading", Area.READING, "reading and scrubbing", 70, 9),
    Part("window", Area.WINDOW, "the window, playing", 75, 55),
    Part("memory", Area.MEMORY, "memory", 60, 25),
    Part("many_clips", Area.MANY, "a folder of clips", 35, 15),
)


def chosen_parts(names: Sequence[str]) -> tuple[Part, ...]:
    """Return the named parts in the order of the table, all of them for no name.

    Raises
    ------
    LsguiError
        When there is no part of that name.
    """
    known = [part.name for part in PARTS]
    for name in names:
        if name not in known:
            raise LsguiError(f"There is no part {name!r} of the bench: choose among {', '.join(known)}.")
    return tuple(part for part in PARTS if not names or part.name in names)


def load_measure(part: Part) -> Measure:
    """Return the function that measures a part.

    Raises
    ------
    NotMeasurableError
        When this installation has no such part, or a library that it needs is missing.
    """
    module, _, function = (part.by or f"lsgui.bench.{part.name}:measure").partition(":")
    try:
        measure: Measure = getattr(importlib.import_module(module), function)
    except ModuleNotFoundError as fault:
        if fault.name == module:
            raise NotMeasurableError(f"{part.name}: this installation has no such part.") from fault
        raise NotMeasurableError(f"{part.name}: {fault.name} is not installed, and this part needs it.") from fault
    return measure
