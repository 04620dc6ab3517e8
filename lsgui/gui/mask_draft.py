"""A mask while a person looks at it: the proposal, and what was covered or uncovered by hand. Plain values."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from lsgui.export.mask import PixelMask

Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Patch:
    """A rectangle (x, y, width, height) in pixels of the file that a person drew: black, or shown as it is."""

    box: Box
    covers: bool


@dataclass(frozen=True, slots=True, eq=False)
class MaskDraft:
    """The proposal with the patches laid over it, the later ones on top."""

    proposed: "PixelMask"
    patches: tuple[Patch, ...] = ()

    def added(self, patch: Patch) -> "MaskDraft":
        """Return the draft with a further patch."""
        return replace(self, patches=(*self.patches, patch))

    def changed(self, index: int, box: Box) -> "MaskDraft":
        """Return the draft with a patch moved or resized."""
        patches = list(self.patches)
        patches[index] = replace(patches[index], box=box)
        return replace(self, patches=tuple(patches))

    def removed(self, index: int) -> "MaskDraft":
        """Return the draft without a patch."""
        return replace(self, patches=(*self.patches[:index], *self.patches[index + 1 :]))

    def blanked(self) -> npt.NDArray[np.bool_]:
        """Return where the picture is painted black, (height, width) bool."""
        blank = self.proposed.blanked()
        for patch in self.patches:
            x, y, width, height = patch.box
            blank[y : y + height, x : x + width] = patch.covers
        return blank

    def mask(self) -> "PixelMask":
        """Return the mask as it is approved."""
        out = self.proposed
        for patch in self.patches:
            out = out.with_blanked(patch.box) if patch.covers else out.with_shown(patch.box)
        return out

    def at(self, x: float, y: float) -> int | None:
        """Return the topmost patch at a pixel; None for none."""
        for index in range(len(self.patches) - 1, -1, -1):
            left, top, width, height = self.patches[index].box
            if left <= x < left + width and top <= y < top + height:
                return index
        return None

    def held(self, first: tuple[float, float], last: tuple[float, float]) -> Box | None:
        """Return the box between two points, within the picture; None where it is empty."""
        xs = sorted(min(max(round(v), 0), self.proposed.width) for v in (first[0], last[0]))
        ys = sorted(min(max(round(v), 0), self.proposed.height) for v in (first[1], last[1]))
        box = (xs[0], ys[0], xs[1] - xs[0], ys[1] - ys[0])
        return box if box[2] >= 2 and box[3] >= 2 else None

    def shifted(self, box: Box, dx: float, dy: float) -> Box:
        """Return a box moved by some pixels, held within the picture."""
        x = min(max(box[0] + round(dx), 0), self.proposed.width - box[2])
        y = min(max(box[1] + round(dy), 0), self.proposed.height - box[3])
        return x, y, box[2], box[3]
