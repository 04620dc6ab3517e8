"""From stored values to grey: palette, rescale, window, polarity, luma."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_color_lut

from lsgui.core.clip import Frame
from lsgui.core.late_imports import load
from lsgui.readers.colour_meter import ColourMeter, sparse_colours
from lsgui.readers.dicom_parts.header import DicomHeader
from lsgui.readers.dicom_parts.tags import PYDICOM_FAULTS, number, numbers, quiet, text, whole
from lsgui.readers.frame_blocks import FrameBlocks
from lsgui.readers.frame_source import cannot_read, check_size

LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float64)
"""Weights of red, green and blue in luma, ITU-R BT.601, as DICOM defines YBR_FULL (PS3.3 C.7.6.3.1.2)."""

_NEARLY_IDENTITY = 2.0
_BYTE = 255.0

Pixels = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class PixelTags:
    """What the tags say of the stored values. `photometric` is the photometric interpretation."""

    width: int
    height: int
    samples: int
    bits_allocated: int
    bits_stored: int
    shift: int
    signed: bool
    planar: bool
    photometric: str

    @property
    def limited(self) -> bool:
        """True where luma runs from 16 to 235 instead of 0 to 255."""
        return self.photometric.startswith("YBR_PARTIAL")

    @property
    def luma_chroma(self) -> bool:
        """True where three samples are luma and chroma once decoded; decoders turn RCT and ICT into colours."""
        return self.photometric.startswith(("YBR_FULL", "YBR_PARTIAL"))


def read_pixel_tags(path: Path, header: DicomHeader) -> PixelTags:
    """Read and check the description of the pixels.

    Raises
    ------
    ClipReadError
        When frames are impossibly large, or stored in a way that ultrasound is not.
    """
    dataset = header.dataset
    width, height = whole(dataset, "Columns"), whole(dataset, "Rows")
    check_size(path, width, height)
    allocated = whole(dataset, "BitsAllocated", 8)
    samples = whole(dataset, "SamplesPerPixel", 1)
    if allocated not in (8, 16, 32) or samples not in (1, 3, 4):
        raise cannot_read(
            path, f"it has {samples} samples of {allocated} bits a pixel", "export it as 8- or 16-bit grey or RGB"
        )
    stored = whole(dataset, "BitsStored", allocated)
    stored = stored if 1 <= stored <= allocated else allocated
    high_bit = whole(dataset, "HighBit", stored - 1)
    return PixelTags(
        width=width,
        height=height,
        samples=samples,
        bits_allocated=allocated,
        bits_stored=stored,
        shift=high_bit + 1 - stored if stored <= high_bit + 1 <= allocated else 0,
        signed=whole(dataset, "PixelRepresentation") == 1,
        planar=whole(dataset, "PlanarConfiguration") == 1,
        photometric=text(dataset, "PhotometricInterpretation").upper() or ("RGB" if samples > 1 else "MONOCHROME2"),
    )


class Greyscale:
    """Turns stored values into grey, the same way for every frame of a clip.

    A single sample goes through one table: palette, or rescale, window and polarity (PS3.3 C.11.2). Values deeper than
    8 bits without a window are scaled from 0 to the next full range (511, 1023, ...) above the brightest pixel of the
    first frame; negative ones from the next power of two below its darkest.
    """

    def __init__(self, path: Path, dataset: Dataset, tags: PixelTags) -> None:
        self._path = path
        self._dataset = dataset
        self._tags = tags
        self._bits = min(tags.bits_stored, 16)
        self._table: npt.NDArray[np.uint8] | None = None
        self._identity = False
        self._blocks = FrameBlocks()
        self._palette: npt.NDArray[np.uint8] | None = None
        self.colour = ColourMeter()

    def from_codes(self, codes: Pixels, precision: int = 0) -> Frame:
        """Return grey for stored values of one sample, (height, width), any integer type.

        `precision` is what a codestream says of its bits: where the tags promise fewer, the tags are wrong.
        """
        if self._table is None:
            self._bits = min(max(self._bits, precision), 16)
        if codes.dtype.kind == "i":
            codes = codes.view(f"u{codes.dtype.itemsize}")
        if codes.dtype.itemsize == 4:  # the table takes the upper 16 bits
            codes = codes >> max(self._tags.bits_stored - 16, 0)
        if codes.dtype != np.uint8 or self._bits < 8:
            codes = codes & ((1 << self._bits) - 1)
        if self._table is None:
            self._table = self._make_table(codes)
            self._identity = len(self._table) == 256 and bool((self._table == np.arange(256)).all())
        if self._palette is not None:
            few = sparse_colours(codes[..., None])[..., 0]
            self.colour.see(self._palette[np.minimum(few, len(self._palette) - 1)])
        if self._identity and codes.dtype == np.uint8:
            return np.asarray(codes, dtype=np.uint8)
        room = self._blocks.room(*codes.shape)
        # half the time of an index; no code is beyond the table, so nothing is clipped
        return np.take(self._table, codes, out=room, mode="clip")

    def from_samples(self, pixels: Pixels, luma_chroma: bool) -> Frame:
        """Return luma of three samples, (height, width, 3 or 4)."""
        load("cv2")
        import cv2

        extra = self._tags.bits_stored - 8
        if pixels.dtype.itemsize > 1:
            pixels = (pixels >> max(extra, 0)).astype(np.uint8)
        few = np.ascontiguousarray(sparse_colours(pixels))
        self.colour.see(cv2.cvtColor(few[..., [0, 2, 1]], cv2.COLOR_YCrCb2RGB) if luma_chroma else few)
        if not luma_chroma:
            colours = pixels[..., :3]
            if not colours.flags.c_contiguous:  # stored by plane: merging takes a tenth of the time of a copy
                colours = cv2.merge([np.ascontiguousarray(colours[..., k]) for k in range(3)])
            room = self._blocks.room(*colours.shape[:2])
            cv2.cvtColor(colours, cv2.COLOR_RGB2GRAY, room)
            return room
        return self.from_luma(pixels[..., 0])

    def from_luma(self, luma: Pixels) -> Frame:
        """Return grey from luma alone, stretched where it runs from 16 to 235."""
        if self._tags.limited:
            full = (np.arange(256) - 16) * (_BYTE / 219.0)
            return np.asarray(np.clip(np.rint(full), 0, 255).astype(np.uint8)[luma], dtype=np.uint8)
        return np.ascontiguousarray(luma, dtype=np.uint8)

    def _make_table(self, first: Pixels) -> npt.NDArray[np.uint8]:
        if self._tags.photometric == "PALETTE COLOR":
            return self._palette_table()
        values = np.arange(1 << self._bits, dtype=np.float64)
        if self._tags.signed:
            values = np.where(values >= 1 << (self._bits - 1), values - (1 << self._bits), values)
        low, high = self._stored_range(first)
        slope = number(self._dataset, "RescaleSlope") or 1.0
        offset = number(self._dataset, "RescaleIntercept") or 0.0
        window = self._window()
        if window is None:
            grey = (values - low) / max(high - low, 1.0) * _BYTE
        else:
            grey = _windowed(values * slope + offset, *window, text(self._dataset, "VOILUTFunction").upper())
        grey = np.clip(grey, 0.0, _BYTE)
        if self._bits == 8 and not self._tags.signed and np.abs(grey - values).max() <= _NEARLY_IDENTITY:
            grey = values
        if self._tags.photometric == "MONOCHROME1":
            grey = _BYTE - grey
        return np.asarray(np.rint(grey), dtype=np.uint8)

    def _stored_range(self, first: Pixels) -> tuple[float, float]:
        if self._bits <= 8 and not self._tags.signed:
            return 0.0, float((1 << self._bits) - 1)
        darkest, brightest = 0, int(first.max())
        if self._tags.signed:
            values = first.astype(np.int64)
            values[values >= 1 << (self._bits - 1)] -= 1 << self._bits
            darkest, brightest = int(values.min()), int(values.max())
        high = float((1 << min(max(brightest.bit_length(), 8), self._bits)) - 1)
        return (0.0 if darkest >= 0 else -float(1 << darkest.bit_length())), high

    def _window(self) -> tuple[float, float] | None:
        centre, width = number(self._dataset, "WindowCenter"), numbers(self._dataset, "WindowWidth")
        return (centre, width[0]) if centre is not None and width and width[0] >= 1.0 else None

    def _palette_table(self) -> npt.NDArray[np.uint8]:
        codes = np.arange(1 << self._bits, dtype=np.uint16 if self._bits > 8 else np.uint8)
        try:
            with quiet():
                colours = apply_color_lut(codes, self._dataset)
        except PYDICOM_FAULTS as fault:
            raise cannot_read(
                self._path, "its colour palette is missing or damaged", "export it as grey or RGB"
            ) from fault
        if colours.max() > 255:
            colours = colours >> 8
        self._palette = colours[:, :3].astype(np.uint8)
        return np.asarray(np.rint(colours[:, :3].astype(np.float64) @ LUMA), dtype=np.uint8)


def _windowed(values: npt.NDArray[np.float64], centre: float, width: float, kind: str) -> npt.NDArray[np.float64]:
    """Return 0..255 by the window functions of PS3.3 C.11.2.1.2 and C.11.2.1.3."""
    if kind == "SIGMOID":
        return _BYTE / (1.0 + np.exp(np.clip(-4.0 * (values - centre) / width, -60.0, 60.0)))
    if kind == "LINEAR_EXACT":
        return ((values - centre) / width + 0.5) * _BYTE
    if width <= 1.0:
        return np.where(values <= centre - 0.5, 0.0, _BYTE)
    return ((values - (centre - 0.5)) / (width - 1.0) + 0.5) * _BYTE
