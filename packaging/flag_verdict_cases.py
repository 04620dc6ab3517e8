"""The cases of measure_flags.py whose flag is part of the verdict: network and rule must speak."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import cv2
import flag_clips as make
import numpy as np
from flag_cases import LS_A, LS_P, Case, Plan, edited
from flag_clips import Base

from lsgui.core.label import SlidingLabel
from lsgui.simulation.spec import Scenario

_VERDICT: dict[str, Any] = {"needs_line": True, "needs_verdict": True}


def mixed_classes(plan: Plan) -> Iterator[Case]:
    """Lung points and lungs that stop sliding; lungs that slide, or stand still, everywhere."""
    for index in range(plan.count):
        rng = plan.rng(index, 61)
        point = {"lung_point": float(rng.uniform(0.4, 0.6)), "lung_point_travel": 0.1}
        kinds: dict[str, tuple[SlidingLabel, Scenario, dict[str, object], bool]] = {
            "lung point": (LS_P, "lung_point", point, True),
            "sliding": (LS_P, "sliding", {}, False),
            "absent": (LS_A, "absent", {}, False),
        }
        for kind, (label, scenario, motion, faulty) in kinds.items():
            spec = make.spec_of(plan.seed, 3000 + index, label, scenario, 5.0, **{**make.still_probe(), **motion})
            base = make.made(spec, plan.seed + index, f"sim{index:03d}")
            yield plan.case(base, "mixed_classes", "simulated", kind, faulty, **_VERDICT)
    for index, base in plan.recorded(lines=True):
        held = edited(base, "hard", index)
        half = np.where(np.arange(len(base.frames))[:, None, None] < len(base.frames) // 2, base.frames, held.frames)
        yield plan.case(replace(base, frames=half), "mixed_classes", "recorded", "stops", True, **_VERDICT)
        yield plan.case(base, "mixed_classes", "recorded", "sliding", False, **_VERDICT)
        yield plan.case(held, "mixed_classes", "recorded", "held", False, **_VERDICT)


def models_disagree(plan: Plan) -> Iterator[Case]:
    """Clips of both classes whose motion is hard to read; a fault is an answer of the network that is wrong."""
    kinds: tuple[tuple[SlidingLabel, Scenario], ...] = (
        (LS_P, "shallow"),
        (LS_A, "lung_pulse"),
        (LS_P, "probe_drift"),
        (LS_A, "probe_drift"),
    )
    for index in range(plan.count):
        for number, (label, scenario) in enumerate(kinds):
            spec = make.spec_of(plan.seed, 4000 + 10 * index + number, label, scenario, 4.5)
            base = make.made(spec, plan.seed + 10 * index + number, f"sim{index:03d}")
            kind = f"{scenario}, {label.value}"
            yield plan.case(base, "models_disagree", "simulated", kind, False, absent=label is LS_A, **_VERDICT)
    for index, base in plan.recorded(lines=True):
        yield plan.case(base, "models_disagree", "recorded", "as recorded", False, absent=False, **_VERDICT)
        for kind in ("hard_pulse", "mirror"):
            wrong = edited(base, kind, plan.seed + index)
            yield plan.case(wrong, "models_disagree", "recorded", kind, False, absent=True, **_VERDICT)


def uncertain_line(plan: Plan) -> Iterator[Case]:
    """Still lungs whose line the program looks for, in good and in poor pictures; a fault is a line that is off."""
    for index in range(plan.count):
        spec = make.spec_of(plan.seed, 5000 + index, LS_A, "absent", 4.0, **make.still_probe())
        yield from _without_line(plan, make.made(spec, plan.seed + index, f"sim{index:03d}"), "simulated", index)
    for index, base in plan.recorded(lines=True):
        if base.motion == "still":
            yield from _without_line(plan, edited(base, "hard", index), "recorded", 500 + index)


def _without_line(plan: Plan, base: Base, source: str, index: int) -> Iterator[Case]:
    """Yield a clip whose line is to be found: as it is, and with the pleura in shadow."""
    assert base.roi is not None
    shadowed = replace(base, frames=_shadowed(base, plan.rng(index, 81)))
    for kind, shown in (("fair", base), ("pleura in shadow", shadowed)):
        blind = replace(shown, roi=None)
        more = {"true_roi": base.roi, "mm_per_px": base.mm_per_px, **_VERDICT}
        yield plan.case(blind, "uncertain_line", source, kind, False, **more)


def _shadowed(base: Base, rng: np.random.Generator) -> np.ndarray:
    """Return the frames with the line and 1.5 mm around it at 5 to 30 % of their grey value."""
    assert base.roi is not None
    out = base.frames.copy()
    kept = rng.uniform(0.05, 0.3)
    for index, frame in enumerate(out):
        line = np.round(base.roi.line_at(index)).astype(np.int32)
        mask = np.zeros(frame.shape, np.float32)
        cv2.polylines(mask, [line], False, 1.0, max(round(3.0 / base.mm_per_px), 1))
        mask = cv2.GaussianBlur(mask, (0, 0), 0.5 / base.mm_per_px)
        frame[:] = (frame * (1.0 - (1.0 - kept) * mask)).astype(np.uint8)
    return out


VERDICT_FLAGS: dict[str, Callable[[Plan], Iterator[Case]]] = {
    function.__name__: function for function in (mixed_classes, models_disagree, uncertain_line)
}
"""Whether a case of the last two has its fault is only known from the answer."""
