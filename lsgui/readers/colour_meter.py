"""How much of a picture is coloured and changes: colour flow, or a camera. Frames keep grey only: it is told here."""

import threading
from typing import Any

import numpy as np
import numpy.typing as npt

LOOKED_AT = 4000
"""Pixels of a frame that are looked at, on an even grid."""
EVERY = 3
"""One frame in so many is looked at: flow shows in more than one."""
COLOURED = 44
"""Grey values by which two of red, green and blue must differ beyond what the picture's own tint explains."""
CHANGING = 24
"""Grey values that the brightness of a coloured pixel must range over: icons and colour bars stand still."""
SHOWN = 0.02
"""Part of the frames in which a pixel must be coloured at least: codecs tint single frames."""

Colours = npt.NDArray[Any]


class ColourMeter:
    """Looks at frames in colour as they are decoded; what it says does not depend on their order."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked = 0
        self._seen = 0
        self._coloured: npt.NDArray[np.int32] | None = None
        self._low: npt.NDArray[np.int16] = np.empty(0, np.int16)
        self._high: npt.NDArray[np.int16] = np.empty(0, np.int16)

    def wants_next(self) -> bool:
        """Return whether the next frame is one to be looked at; to be asked once for each frame, in one thread."""
        self._asked += 1
        return self._asked % EVERY == 1

    def see(self, picture: Colours) -> None:
        """Look at a frame, (height, width, 3) of 8 bits; red and blue may be exchanged. Other shapes say nothing."""
        if picture.ndim != 3 or picture.shape[2] < 3 or picture.dtype != np.uint8:
            return
        few = sparse_colours(picture).astype(np.int16)
        off = np.abs(few[..., ::2] - few[..., 1:2] - _tint(few))
        coloured, bright = off.max(axis=2) > COLOURED, few.max(axis=2)
        with self._lock:
            if self._coloured is None or self._coloured.shape != coloured.shape:
                self._coloured, self._low, self._high = np.zeros(coloured.shape, np.int32), bright.copy(), bright.copy()
            self._coloured += coloured
            np.minimum(self._low, bright, out=self._low)
            np.maximum(self._high, bright, out=self._high)
            self._seen += 1

    @property
    def share(self) -> float:
        """Share of the picture, 0 to 1, that shows changing colour at some time."""
        if self._coloured is None:
            return 0.0
        often = self._coloured >= max(1.0, SHOWN * self._seen)
        return round(float((often & (self._high - self._low > CHANGING)).mean()), 5)


def sparse_colours(picture: Colours) -> Colours:
    """Return an even grid of a picture's pixels, about `LOOKED_AT` of them, (h, w, 3)."""
    step = max(1, int(np.sqrt(picture.shape[0] * picture.shape[1] / LOOKED_AT)))
    return picture[step // 2 :: step, step // 2 :: step, :3]


def _tint(few: npt.NDArray[np.int16]) -> npt.NDArray[np.int16]:
    """Return what the picture's own tint adds to the first and last colour of each pixel: many scanners print sepia."""
    lit = few[few.max(axis=2) > 60]
    if len(lit) < 30:
        return np.zeros((*few.shape[:2], 2), np.int16)
    share = np.median((lit[:, ::2] - lit[:, 1:2]) / np.maximum(lit[:, 1:2], 1), axis=0)
    share = np.where(np.abs(share) < 0.03, 0.0, share)
    return np.asarray(np.rint(few[..., 1:2] * share), dtype=np.int16)
