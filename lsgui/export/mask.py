"""What of the picture is blanked before any pixel leaves: everything outside the scan, and text found inside it.

The program proposes, a person looks and approves, once a series; without an approved mask no pixel leaves.
"""

import hashlib
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lsgui.core.clip import Clip, Frame, FrameStore
from lsgui.core.errors import ClipReadError, LsguiError
from lsgui.core.late_imports import load

if TYPE_CHECKING:
    pass

Box = tuple[int, int, int, int]
"""(x, y, width, height) in pixels of the file."""

Bools = npt.NDArray[np.bool_]
Pixels = npt.NDArray[np.uint8]

EDGE_PX = 2
"""How far the scan's own edge is blanked too: letters that touch it leave a fringe."""
BAND_PX = 4
"""Height of the steps in which slanting edges are covered."""


@dataclass(frozen=True, slots=True)
class PixelMask:
    """The parts of a picture that are painted black.

    Attributes
    ----------
    rectangles
        (x, y, width, height) in pixels of the file; they may overlap and are clipped to the picture.
    width, height
        Size of the picture that the mask belongs to.
    """

    rectangles: tuple[Box, ...]
    width: int
    height: int

    @classmethod
    def from_blank(cls, blank: Bools) -> "PixelMask":
        """Return a mask of few rectangles that covers at least every True pixel of `blank`, (H, W) bool."""
        height, width = blank.shape
        return cls(_rectangles(blank), width, height)

    def blanked(self) -> Bools:
        """Return where the picture is painted black, (height, width) bool."""
        blank = np.zeros((self.height, self.width), dtype=bool)
        for x, y, width, height in self.rectangles:
            blank[max(y, 0) : max(y + height, 0), max(x, 0) : max(x + width, 0)] = True
        return blank

    def apply(self, frame: Pixels) -> Pixels:
        """Return a copy with the blanked parts black.

        Parameters
        ----------
        frame
            (height, width) grey or (height, width, channels) colour, uint8.

        Raises
        ------
        LsguiError
            When the picture is of another size: then the mask says nothing about it.
        """
        if frame.shape[:2] != (self.height, self.width):
            raise LsguiError(
                f"The approved mask is for pictures of {self.width} x {self.height} px, not {frame.shape[1]} x "
                f"{frame.shape[0]} px: look at this clip and approve a mask of its own."
            )
        out = np.array(frame)
        for x, y, width, height in self.rectangles:
            out[max(y, 0) : max(y + height, 0), max(x, 0) : max(x + width, 0)] = 0
        return out

    def left_over(self, frame: Pixels, tolerance: int = 0) -> int:
        """Return how many pixels under the mask are brighter than `tolerance`: 0 in a picture that may leave."""
        lit = frame if frame.ndim == 2 else frame.max(axis=2)
        return int(np.count_nonzero((lit > tolerance) & self.blanked()))

    def with_blanked(self, box: Box) -> "PixelMask":
        """Return this mask with a further rectangle painted black."""
        return replace(self, rectangles=(*self.rectangles, box))

    def with_shown(self, box: Box) -> "PixelMask":
        """Return this mask with a rectangle shown as it is."""
        blank = self.blanked()
        x, y, width, height = box
        blank[max(y, 0) : max(y + height, 0), max(x, 0) : max(x + width, 0)] = False
        return PixelMask(_rectangles(blank, band=1), self.width, self.height)

    def to_json(self) -> dict[str, Any]:
        """Return the mask as plain JSON: width, height, rectangles."""
        return {"width": self.width, "height": self.height, "rectangles": [list(box) for box in self.rectangles]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "PixelMask":
        """Read what `to_json` wrote.

        Raises
        ------
        LsguiError
            When it is not of that form.
        """
        try:
            boxes = [tuple(int(v) for v in box) for box in data["rectangles"]]
            width, height = int(data["width"]), int(data["height"])
            rectangles = tuple((x, y, w, h) for x, y, w, h in boxes)
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as fault:
            raise LsguiError("The mask is not of the form {width, height, rectangles}: approve it again.") from fault
        if width < 1 or height < 1 or any(w < 1 or h < 1 for _, _, w, h in rectangles):
            raise LsguiError("The mask has an empty rectangle or picture: approve it again.")
        return cls(rectangles, width, height)


def propose_mask(clip: Clip) -> PixelMask:
    """Return what should be blanked: everything outside the ultrasound scan area, and text found inside it.

    The proposal takes rather too much than too little; about 48 frames are looked at. It is a proposal only: a person
    looks at the clip and approves or corrects it (`with_blanked`, `with_shown`).
    """
    load("lsgui.imaging.burned_in_text", "lsgui.imaging.scan_area")
    import cv2

    from lsgui.imaging.burned_in_text import find_text
    from lsgui.imaging.scan_area import find_scan_area

    area = find_scan_area(clip)
    shown = cv2.erode(
        area.mask.astype(np.uint8),
        np.ones((2 * EDGE_PX + 1, 2 * EDGE_PX + 1), np.uint8),
        borderType=cv2.BORDER_CONSTANT,
        borderValue=1,
    )
    blank = shown == 0
    for x, y, width, height in find_text(clip):
        blank[y : y + height, x : x + width] = True
    return PixelMask.from_blank(blank)


class _MaskedFrames:
    """A `FrameStore` that paints the masked parts of another one black as its frames are asked for."""

    def __init__(self, store: FrameStore, mask: PixelMask) -> None:
        self._store = store
        self._shown = np.where(mask.blanked(), 0, 255).astype(np.uint8)

    def __len__(self) -> int:
        return len(self._store)

    def frame(self, index: int) -> Frame:
        """Return frame `index`, masked."""
        out = np.asarray(self._store.frame(index) & self._shown, dtype=np.uint8)
        out.setflags(write=False)
        return out


def masked_clip(clip: Clip, mask: PixelMask) -> Clip:
    """Return the same clip with the masked parts black: what pictures and movies that leave are made from.

    Raises
    ------
    LsguiError
        When the mask was approved for pictures of another size.
    """
    mask.apply(clip.frame(0))
    return Clip(clip.info, _MaskedFrames(clip.store, mask))


def series_key(clip_path: Path, content_hash: str) -> str:
    """Return the series for which one approval holds.

    For DICOM, all instances of one series with pictures of one size: their layout is the scanner's. The key is a hash,
    from which the series UID cannot be had back. Every other clip is its own series: files of one folder and size may
    come from different scanners, so each is looked at.

    Parameters
    ----------
    clip_path
        The file.
    content_hash
        `annotation.content_hash.content_hash` of the clip.
    """
    from lsgui.readers.base import HEAD_BYTES, clip_readers

    try:
        if clip_path.is_dir():
            return content_hash
        with clip_path.open("rb") as handle:
            head = handle.read(HEAD_BYTES)
        if not clip_readers()["dicom"].recognises(head):
            return content_hash
        return _dicom_series(clip_path) or content_hash
    except (OSError, ClipReadError):
        return content_hash


def _dicom_series(path: Path) -> str:
    load("lsgui.readers.dicom_parts.header")
    from lsgui.readers.dicom_parts.header import read_header
    from lsgui.readers.dicom_parts.tags import text, whole

    with ExitStack() as undo:
        dataset = read_header(path, undo).dataset
        uid = text(dataset, "SeriesInstanceUID")
        if not uid:
            return ""
        size = f"{whole(dataset, 'Columns')}x{whole(dataset, 'Rows')}"
        return hashlib.sha256(f"lsgui series\0{uid}\0{size}".encode()).hexdigest()


def _rectangles(blank: Bools, band: int = BAND_PX) -> tuple[Box, ...]:
    """Cover `blank` by rectangles: column runs of bands, and equal neighbouring bands as one."""
    height = blank.shape[0]
    out: list[Box] = []
    open_runs: list[tuple[int, int]] = []
    begun = 0
    for top in range(0, height, band):
        runs = _runs(np.asarray(blank[top : top + band].any(axis=0)))
        if runs != open_runs:
            out += [(x, begun, width, top - begun) for x, width in open_runs]
            open_runs, begun = runs, top
    out += [(x, begun, width, height - begun) for x, width in open_runs]
    return tuple(out)


def _runs(line: Bools) -> list[tuple[int, int]]:
    """Return (start, length) of the stretches of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], line, [False]]).astype(np.int8)))
    return [(int(a), int(b - a)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
