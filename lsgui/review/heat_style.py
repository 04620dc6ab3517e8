"""How heat maps are drawn: colours, how long they are averaged over, and where their colour scale begins and ends."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Literal

import numpy as np

from lsgui.core.motion_map import MotionMap

HeatColours = Literal["own", "inferno", "magma", "viridis", "cividis"]
HeatWindow = Literal["moment", "half", "second", "clip"]
HeatScale = Literal["own", "clip", "fixed"]

COLOUR_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "own": "Each map its own",
        "viridis": "Viridis: violet, green, yellow",
        "cividis": "Cividis: blue, grey, yellow",
        "magma": "Magma: black, violet, white",
        "inferno": "Inferno: black, red, yellow",
    }
)
"""Every choice has evenly rising lightness and can be read by colour-blind eyes."""

WINDOW_WORDS: Mapping[str, str] = MappingProxyType(
    {"moment": "This moment", "half": "Mean of 0.5 s", "second": "Mean of 1 s", "clip": "Mean of the whole clip"}
)
WINDOW_S: Mapping[str, float] = MappingProxyType({"moment": 0.0, "half": 0.5, "second": 1.0, "clip": math.inf})

SCALE_WORDS: Mapping[str, str] = MappingProxyType(
    {"own": "As suits each map", "clip": "Fitted to the clip", "fixed": "The same on every clip"}
)

FIXED: Mapping[tuple[str, str], tuple[float, float]] = MappingProxyType(
    {
        ("speckle_change", ""): (0.0, 0.5),
        ("flow", "mm/s"): (0.0, 5.0),
        ("flow", "px/s"): (0.0, 25.0),
    }
)
"""Ends of the scale that is the same on every clip, by quantity and unit."""

LEAST_TOP: Mapping[tuple[str, str], float] = MappingProxyType(
    {("speckle_change", ""): 0.2, ("flow", "mm/s"): 2.0, ("flow", "px/s"): 10.0}
)
"""Least upper end of a fitted scale: below it a still clip would show its noise in full colours."""

_NICE = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)

HeldScales = Mapping[tuple[str, str], tuple[float, float]]
"""Ends of colour scales that the reader holds, by quantity and unit."""


@dataclass(frozen=True, slots=True)
class HeatStyle:
    """What the reader chose: a key of `COLOUR_WORDS`, one of `WINDOW_WORDS` and one of `SCALE_WORDS`."""

    colours: HeatColours = "own"
    window: HeatWindow = "moment"
    scale: HeatScale = "own"

    @property
    def window_s(self) -> float:
        """Seconds that a map is averaged over; 0 for the moment, infinite for the whole clip."""
        return WINDOW_S[self.window]


@dataclass(frozen=True, slots=True)
class HeatRange:
    """Ends of a colour scale, and what the legend says of them; empty for a map's own."""

    low: float
    high: float
    words: str = ""


def heat_range(motion: MotionMap, style: HeatStyle, held: HeldScales) -> HeatRange:
    """Return the ends of the colour scale of a map: held, fitted to the clip, the same on every clip, or its own.

    A map with two signs keeps its own: its middle is nothing.
    """
    if motion.low < 0.0:
        return HeatRange(motion.low, motion.high)
    key = (motion.quantity, motion.unit)
    if key in held:
        return HeatRange(*held[key], "scale held")
    if style.scale == "fixed" and key in FIXED:
        return HeatRange(*FIXED[key], "scale as on every clip")
    if style.scale == "clip":
        return HeatRange(0.0, max(_fitted_top(motion), LEAST_TOP.get(key, 0.0)), "scale fitted to the clip")
    return HeatRange(motion.low, motion.high)


@lru_cache(maxsize=3)  # the maps of one clip: asked for on every frame, and a percentile of one takes milliseconds
def _fitted_top(motion: MotionMap) -> float:
    known = motion.values[np.isfinite(motion.values)]
    top = float(np.percentile(known, 98)) if known.size else 0.0
    if top <= 0.0:
        return motion.high
    power = 10.0 ** math.floor(math.log10(top))
    return next(digit * power for digit in _NICE if digit * power >= top * (1.0 - 1e-9))


def ticks(low: float, high: float) -> tuple[float, ...]:
    """Return three to six round values from the lower end of a scale to the upper, both ends included if round."""
    span = high - low
    if span <= 0.0:
        return (low,)
    power = 10.0 ** math.floor(math.log10(span / 4))
    step = next(digit * power for digit in (1.0, 2.0, 2.5, 5.0, 10.0) if span / (digit * power) <= 5.0 + 1e-9)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return tuple(round(k * step, 12) for k in range(first, last + 1))
