"""One compressed frame to grey: JPEG, JPEG lossless, JPEG-LS, JPEG 2000, HTJ2K, run length."""

import io
import os
import struct
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from lsgui.core.clip import Frame
from lsgui.core.errors import ClipReadError
from lsgui.readers.dicom_parts.codestream import (
    Codec,
    Codestream,
    decoder_takes_luma_chroma,
    jpeg_says_luma_chroma,
    read_codestream,
    with_colour,
)
from lsgui.readers.dicom_parts.greyscale import Greyscale, Pixels, PixelTags
from lsgui.readers.frame_source import cannot_read, check_size

_FAULTS = (
    OSError,
    ValueError,
    RuntimeError,
    SyntaxError,
    LookupError,
    TypeError,
    EOFError,
    OverflowError,
    struct.error,
)
_NATIVE = threading.Lock()
_EXTENDED_UID, _LOSSLESS_UID = "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.57"


class FrameDecoder:
    """Decodes frames one by one; may be called from several threads at once.

    The codec is told by the codestream, as transfer syntax tags are sometimes wrong.

    Parameters
    ----------
    path
        The file, for messages.
    tags, grey
        How stored values are meant.
    colour
        "rgb" or "ybr" where the user overrides how three samples are meant, else "auto".
    """

    def __init__(self, path: Path, tags: PixelTags, grey: Greyscale, colour: str) -> None:
        self._path = path
        self._tags = tags
        self._grey = grey
        self._colour = colour
        self._by_codec: dict[Codec, Callable[[bytes, Codestream], Frame]] = {
            Codec.JPEG: self._jpeg,
            Codec.JPEG_LOSSLESS: self._jpeg_lossless,
            Codec.JPEG_LS: self._jpeg_ls,
            Codec.JPEG_2000: self._jpeg_2000,
            Codec.RLE: self._run_length,
        }

    def decode(self, data: bytes) -> Frame:
        """Return one frame, (height, width) uint8.

        Raises
        ------
        ClipReadError
            When the codestream is damaged.
        """
        stream = read_codestream(data)
        if stream is None:
            raise self._damaged()
        if stream.codec is not Codec.RLE:
            check_size(self._path, stream.width, stream.height)
        try:
            return self._by_codec[stream.codec](data, stream)
        except ClipReadError:
            raise
        except _FAULTS as fault:
            raise self._damaged() from fault

    def _damaged(self) -> ClipReadError:
        return cannot_read(self._path, "a compressed frame is damaged", "export it again from the scanner or archive")

    def _luma_chroma(self, by_stream: bool | None) -> bool:
        """How three samples are meant: the user's word, then the codestream's, then the tag's."""
        if self._colour != "auto":
            return self._colour == "ybr"
        return self._tags.luma_chroma if by_stream is None else by_stream

    def _finished(self, pixels: Pixels, by_stream: bool | None, precision: int = 0) -> Frame:
        if pixels.ndim == 2:
            return self._grey.from_codes(pixels, precision)
        return self._grey.from_samples(pixels, self._luma_chroma(by_stream))

    def _jpeg(self, data: bytes, stream: Codestream) -> Frame:
        if stream.bits != 8:
            return self._by_gdcm(data, stream)
        if stream.components == 1:
            return self._grey.from_codes(_pillow_luma(data))
        meant = self._luma_chroma(jpeg_says_luma_chroma(stream))
        if meant != decoder_takes_luma_chroma(stream):
            data = with_colour(data, meant)
        luma = _pillow_luma(data)
        return self._grey.from_luma(luma) if meant else luma

    def _jpeg_lossless(self, data: bytes, stream: Codestream) -> Frame:
        if stream.components == 1 and stream.bits == 8:
            try:
                return self._grey.from_codes(_pillow_luma(data))
            except _FAULTS:  # a Pillow built without lossless JPEG; the slower decoder has the last word
                pass
        return self._by_gdcm(data, stream)

    def _jpeg_ls(self, data: bytes, stream: Codestream) -> Frame:
        from jpeg_ls import jlsread  # type: ignore[import-untyped]  # it has no stubs

        return self._finished(jlsread(data), None, stream.bits)

    def _jpeg_2000(self, data: bytes, stream: Codestream) -> Frame:
        from openjpeg import decode

        return self._finished(decode(data), False if stream.colour_transform else None, stream.bits)

    def _run_length(self, data: bytes, stream: Codestream) -> Frame:
        from rle.utils import decode_pixel_data

        tags = self._tags
        plain = decode_pixel_data(
            data, version=2, rows=tags.height, columns=tags.width, bits_allocated=tags.bits_allocated
        )
        planes = np.frombuffer(plain, dtype=f"<u{tags.bits_allocated // 8}").reshape(-1, tags.height, tags.width)
        return self._finished(planes[0] if len(planes) < 3 else np.moveaxis(planes, 0, -1), None)

    def _by_gdcm(self, data: bytes, stream: Codestream) -> Frame:
        return self._finished(_gdcm_pixels(data, stream), None, stream.bits)


def _gdcm_pixels(data: bytes, stream: Codestream) -> Pixels:
    """Decode what only GDCM can: JPEG of more than 8 bits and lossless colour."""
    import gdcm

    lossless = stream.codec is Codec.JPEG_LOSSLESS
    allocated = 8 if stream.bits <= 8 else 16
    with _silent_stderr():
        fragment, fragments = gdcm.Fragment(), gdcm.SequenceOfFragments.New()
        fragment.SetByteStringValue(data)
        fragments.AddFragment(fragment)
        element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
        element.SetValue(fragments.__ref__())
        image = gdcm.Image()
        image.SetNumberOfDimensions(2)
        image.SetDimensions((stream.width, stream.height, 1))
        image.SetDataElement(element)
        kind = gdcm.PhotometricInterpretation.GetPIType("MONOCHROME2" if stream.components == 1 else "RGB")
        image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(kind))
        if stream.components > 1:
            image.SetPlanarConfiguration(0)
        syntax = gdcm.TransferSyntax.GetTSType(_LOSSLESS_UID if lossless else _EXTENDED_UID)
        image.SetTransferSyntax(gdcm.TransferSyntax(syntax))
        image.SetPixelFormat(gdcm.PixelFormat(stream.components, allocated, stream.bits, stream.bits - 1, 0))
        text = image.GetBuffer()
    if text is None:
        raise ValueError("GDCM gave nothing")
    plain = np.frombuffer(text.encode("utf-8", "surrogateescape"), dtype=f"<u{allocated // 8}")
    shape: tuple[int, ...] = (stream.height, stream.width)
    return plain.reshape(shape if stream.components == 1 else (*shape, -1))


def _pillow_luma(data: bytes) -> Any:
    """Return a JPEG's luma. Pillow is as fast as OpenCV here, refuses cut-off data, and complains to nobody."""
    from PIL import Image

    with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
        image.draft("L", image.size)
        return np.array(image if image.mode == "L" else image.convert("L"))


@contextmanager
def _silent_stderr() -> Generator[None]:
    """Keep GDCM's codecs, one thread at a time, from writing to standard error: they do so past Python."""
    with _NATIVE:
        try:
            kept = os.dup(2)
        except OSError:  # a windowed program has no standard error
            yield
            return
        try:
            with Path(os.devnull).open("wb") as nothing:
                os.dup2(nothing.fileno(), 2)
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
