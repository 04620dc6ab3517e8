"""Uncompressed frames: cut out of the pixel data one by one."""

import logging
from pathlib import Path

import numpy as np

from lsgui.readers.dicom_parts.greyscale import Greyscale, Pixels, PixelTags
from lsgui.readers.dicom_parts.header import DicomHeader
from lsgui.readers.frame_source import FrameStream, cannot_read

_log = logging.getLogger(__name__)


class NativePixels:
    """Frames of uncompressed pixel data.

    Parameters
    ----------
    path, header, tags
        The file and what it says of its pixels.
    declared
        Frames that the tags promise. Where the pixel data holds a whole number of further frames, they count too.
    """

    def __init__(self, path: Path, header: DicomHeader, tags: PixelTags, declared: int) -> None:
        self._path = path
        self._header = header
        self._tags = tags
        pixels = tags.width * tags.height
        sample_bytes = tags.bits_allocated // 8
        stored = min(header.pixel_bytes, header.available)
        self._halved = (
            tags.samples == 3
            and tags.photometric in ("YBR_FULL_422", "YBR_PARTIAL_422")
            and header.pixel_bytes < declared * pixels * 3 * sample_bytes
        )
        self._frame_bytes = pixels * sample_bytes * (2 if self._halved else tags.samples)
        whole, rest = divmod(header.pixel_bytes, self._frame_bytes)
        if header.compressed_syntax and (whole < declared or rest > 1):
            raise cannot_read(
                path,
                "its pixels are neither in compressed fragments nor as long as plain pixels are",
                "export it again",
            )
        promised = whole if whole > declared and rest <= 1 else declared
        self.declared = promised
        self.present = min(stored // self._frame_bytes, promised)
        if self.present == 0:
            raise cannot_read(path, "its pixel data is cut off", "export it again from the scanner or archive")

    def frames(self, grey: Greyscale, colour: str) -> FrameStream:
        """Yield every whole frame as grey."""
        for index in range(self.present):
            plain = self._read(index)
            if self._halved:
                yield grey.from_luma(plain.reshape(-1, 4)[:, :2].reshape(self._tags.height, self._tags.width))
                continue
            pixels = self._shaped(plain)
            if pixels.ndim == 2:
                yield grey.from_codes(pixels)
            else:
                luma_chroma = self._tags.luma_chroma if colour == "auto" else colour == "ybr"
                yield grey.from_samples(pixels, luma_chroma)

    def _read(self, index: int) -> Pixels:
        start, length = index * self._frame_bytes, self._frame_bytes
        swapped = self._header.swapped_bytes and self._tags.bits_allocated == 8
        early = start % 2 if swapped else 0
        late = (start + length) % 2 if swapped else 0
        self._header.handle.seek(self._header.pixels_at + start - early)
        data = self._header.handle.read(early + length + late)
        if len(data) < early + length:
            raise cannot_read(self._path, "its pixel data is cut off", "export it again")
        if swapped:
            data = np.frombuffer(data + b"\0" * (len(data) % 2), dtype=np.uint16).byteswap().tobytes()
            data = data[early : early + length]
        order = "<" if self._header.little_endian else ">"
        plain = np.frombuffer(data, dtype=f"{order}u{self._tags.bits_allocated // 8}")
        return plain >> self._tags.shift if self._tags.shift else plain

    def _shaped(self, plain: Pixels) -> Pixels:
        tags = self._tags
        if tags.samples == 1:
            return plain.reshape(tags.height, tags.width)
        if tags.planar:
            return np.moveaxis(plain.reshape(tags.samples, tags.height, tags.width), 0, -1)
        return plain.reshape(tags.height, tags.width, tags.samples)
