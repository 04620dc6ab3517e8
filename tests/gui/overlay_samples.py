"""What the tests of the overlays share: where the drawn clip lies in the view, and states with some overlays alone."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from evidence_samples import HEIGHT, WIDTH, all_off, drawn_clip, switched

from lsgui.core.clip import MemoryFrames
from lsgui.review.state import OverlaySwitch, ReviewState

Paint = Callable[[ReviewState], np.ndarray]
SCALE = 3.0
"""Points of the view per pixel of the drawn clip."""


def only(state: ReviewState, *names: str) -> ReviewState:
    return switched(all_off(state), **{name: OverlaySwitch(opacity=1.0) for name in names})


def dark(state: ReviewState) -> ReviewState:
    """The same on a black picture, so that every colour comes from an overlay."""
    clip = drawn_clip()
    assert clip.info is not None
    black = MemoryFrames(np.zeros((clip.info.frames, HEIGHT, WIDTH), dtype=np.uint8))
    return replace(state, clip=replace(clip, store=black))


def band(found: np.ndarray, depth_px: float = 30.0) -> np.ndarray:
    """The part of a picture between the pleural line and some depth below it."""
    return found[round((65 + 0.5) * SCALE) : round((60 + depth_px) * SCALE), round(42 * SCALE) : round(158 * SCALE)]
