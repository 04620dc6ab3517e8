"""Cutting the straightened M-mode out of the clip, away from the GUI thread and piece by piece."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from lsgui.core.clip import FrameStore
from lsgui.core.errors import CancelledError
from lsgui.core.late_imports import load
from lsgui.core.pleura import PleuralROI
from lsgui.gui.job_thread import Cancelled, Tell

_PIECE = 96
"""Frames between two looks at whether the job is still wanted."""


@dataclass(frozen=True, slots=True, eq=False)
class MModeRequest:
    """What is to be cut: `frames` columns at `column` (0-1) of the line, from above it to below it, in pixels.

    `ready` holds the columns that are there already, (depth, time) uint8, of the same request for fewer frames.
    """

    store: FrameStore
    roi: PleuralROI
    column: float
    frames: int
    above_px: int
    below_px: int
    ready: npt.NDArray[np.uint8] | None = field(default=None)

    def continues(self, other: "MModeRequest | None") -> bool:
        """Return whether this asks for the same columns as `other`, only more of them."""
        return (
            other is not None
            and self.store is other.store
            and self.roi is other.roi
            and self.column == other.column
            and (self.above_px, self.below_px) == (other.above_px, other.below_px)
        )


@dataclass(frozen=True, slots=True, eq=False)
class MModePiece:
    """The columns cut so far, (depth, time) uint8; or the sentence why there are none."""

    request: MModeRequest
    image: npt.NDArray[np.uint8] | None
    error: str = ""


@dataclass(frozen=True, slots=True)
class MModeJob:
    """A `Job` for a `JobThread`."""

    request: MModeRequest

    def run(self, tell: Tell, cancelled: Cancelled) -> None:
        """Cut piece by piece, telling what is there after each."""
        load("lsgui.imaging.mmode")
        from lsgui.imaging.mmode import straightened_mmode  # imports OpenCV: not before the window is there

        asked = self.request
        pieces = [] if asked.ready is None else [asked.ready]
        start = 0 if asked.ready is None else asked.ready.shape[1]
        while start < asked.frames:
            if cancelled():
                raise CancelledError
            stop = min(start + _PIECE, asked.frames)
            try:
                pieces.append(
                    straightened_mmode(
                        asked.store, range(start, stop), asked.roi, asked.column, asked.above_px, asked.below_px
                    )
                )
            except IndexError:
                if cancelled():  # the clip was left while it was decoded, and its frames with it
                    raise CancelledError from None
                raise
            start = stop
            tell(MModePiece(asked, np.concatenate(pieces, axis=1)))

    def failure(self, sentence: str) -> object:
        """Return the event for a fault."""
        return MModePiece(self.request, None, sentence)
