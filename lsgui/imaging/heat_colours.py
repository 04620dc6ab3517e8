"""Colours of heat maps: ramps whose lightness rises evenly, as tables of 256 colours with alpha."""

from functools import cache

import numpy as np
import numpy.typing as npt

_INFERNO = (
    "#000004", "#0b0724", "#210c4a", "#3d0965", "#57106e", "#71196e", "#8a226a", "#a32c61",
    "#bc3754", "#d24644", "#e45a31", "#f1731d", "#f98e09", "#fcac11", "#f9cb35", "#f2ea69", "#fcffa4",
)  # fmt: skip
"""Seventeen equal steps of matplotlib's inferno (public domain): lightness rises evenly, safe for colour-blind eyes."""

_FROST = ("#05070f", "#141d49", "#22398a", "#3a62c4", "#6a92e6", "#a3c3f7", "#dbe9fd", "#ffffff")
"""Blue to white with evenly rising lightness; unlike the verdict colours and unlike inferno."""

_MAGMA = (
    "#000004", "#0a0822", "#1d1147", "#36106b", "#51127c", "#6a1c81", "#832681", "#9c2e7f",
    "#b73779", "#d0416f", "#e75263", "#f56b5c", "#fc8961", "#fea772", "#fec488", "#fde2a3", "#fcfdbf",
)  # fmt: skip
_VIRIDIS = (
    "#440154", "#48186a", "#472d7b", "#424086", "#3b528b", "#33638d", "#2c728e", "#26828e",
    "#21918c", "#1fa088", "#28ae80", "#3fbc73", "#5ec962", "#84d44b", "#addc30", "#d8e219", "#fde725",
)  # fmt: skip
_CIVIDIS = (
    "#00224e", "#002e6a", "#1a386f", "#32436d", "#434e6c", "#535a6d", "#61656f", "#6f7073",
    "#7d7c78", "#8c8878", "#9b9476", "#aba072", "#bcae6c", "#cdbb63", "#dec958", "#f0d846", "#fee838",
)  # fmt: skip
"""Seventeen equal steps each of matplotlib's magma, viridis and cividis (public domain), as inferno above."""

RAMPS: dict[str, tuple[str, ...]] = {
    "inferno": _INFERNO,
    "magma": _MAGMA,
    "viridis": _VIRIDIS,
    "cividis": _CIVIDIS,
    "frost": _FROST,
}


SIGNED: dict[str, tuple[str, ...]] = {
    "verdicts": (*("#35b79a",) * 8, *("#f0923c",) * 8),
}
"""Ramps from one answer over nothing to the other: their middle is clear."""


def ramp_stops(ramp: str) -> tuple[str, ...]:
    """Return the colours of a ramp at equal steps."""
    return SIGNED[ramp] if ramp in SIGNED else RAMPS[ramp]


@cache
def heat_table(ramp: str) -> npt.NDArray[np.uint8]:
    """Return 256 colours of a heat map with alpha, (256, 4) uint8 as premultiplied blue, green, red, alpha.

    The lowest tenth fades out, so that the picture stays bare where nothing moves; of a signed ramp, the middle.
    """
    stops = np.array([tuple(bytes.fromhex(c[1:]))[::-1] for c in ramp_stops(ramp)], dtype=np.float64)
    at = np.linspace(0.0, 1.0, 256)
    bgr = np.stack([np.interp(at, np.linspace(0.0, 1.0, len(stops)), stops[:, k]) for k in range(3)], axis=1)
    alpha = np.clip(at / 0.1, 0.0, 1.0) * (0.45 + 0.55 * at)
    if ramp in SIGNED:
        alpha = np.clip((np.abs(2.0 * at - 1.0) - 0.1) / 0.9, 0.0, 1.0) ** 0.8
    table = np.round(np.concatenate([bgr * alpha[:, None], 255.0 * alpha[:, None]], axis=1)).astype(np.uint8)
    table.setflags(write=False)
    return table
