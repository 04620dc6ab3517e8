"""One compressed frame to grey: JPEG, JPEG lossless, JPEG-LS, JPEG 2000, HTJ2K, run length."""

import struct
import threading
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from lsgui.core.clip import Frame
from lsgui.core.errors import ClipReadError
from lsgui.readers.dicom_parts.codestream import (
    J2K_MAGIC,
    Codec,
    Codestream,
    decoder_takes_luma_chroma,
    jpeg_says_luma_chroma,
    read_codestream,
    with_colour,
)
from lsgui.readers.dicom_parts.deep_jpeg import DeepJpegDecoder
from lsgui.readers.dicom_parts.greyscale import Greyscale, Pixels, PixelTags
from lsgui.readers.dicom_parts.luma_jpeg import LumaJpeg, pillow_jpeg
from lsgui.readers.frame_source import cannot_read, check_size
from lsgui.readers.jpeg_scans import too_many_scans
from lsgui.readers.movie import quiet_cv2

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
_COLOUR_EVERY, _TOLD_BY = 6, 256
"""One frame in so many, told by its last bytes and not by its turn among threads, is looked at for colour flow."""
_END_OF_IMAGE = b"\xff\xd9"
_COMPONENTS = (0, 1, 3, 4)  # a damaged header that claims thousands would take all memory; 0: the codec does not say


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
        self._lock = threading.Lock()
        self._deep_jpeg: DeepJpegDecoder | None = None
        self._luma_jpeg = LumaJpeg()
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
        if stream is None or stream.components not in _COMPONENTS or too_many_scans(data):
            raise self._damaged()
        if stream.codec is not Codec.RLE:
            check_size(self._path, stream.width, stream.height)
        try:
            return self._by_codec[stream.codec](data, stream)
        except ClipReadError:
            raise
        except _FAULTS as fault:
            raise self._damaged() from fault

    def close(self) -> None:
        """Let go of what decoding needed."""
        if self._deep_jpeg is not None:
            self._deep_jpeg.close()

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
            return self._deep(data, stream)
        if stream.components == 1:
            return self._grey.from_codes(self._luma_jpeg.decode(data, stream.width, stream.height))
        meant = self._luma_chroma(jpeg_says_luma_chroma(stream))
        if meant != decoder_takes_luma_chroma(stream):
            data = with_colour(data, meant)
        luma = self._luma_jpeg.decode(data, stream.width, stream.height)
        if zlib.crc32(data[-_TOLD_BY:]) % _COLOUR_EVERY == 0:  # luma alone is decoded: some frames are in colour too
            self._grey.colour.see(pillow_jpeg(data, "RGB"))
        return self._grey.from_luma(luma) if meant else luma

    def _jpeg_lossless(self, data: bytes, stream: Codestream) -> Frame:
        if stream.bits != 8:
            return self._deep(data, stream)
        if stream.components == 1:
            return self._grey.from_codes(pillow_jpeg(data))
        # lossless JPEG has no conversion of colours: said to be red-green-blue, its samples come as they are
        return self._finished(pillow_jpeg(with_colour(data, luma_chroma=False), "RGB"), None)

    def _deep(self, data: bytes, stream: Codestream) -> Frame:
        if stream.components != 1 or self._tags.bits_allocated == 8 or not 8 < stream.bits <= 16:
            raise ValueError("a depth that the tags do not allow, or colour of more than 8 bits")
        lossless = stream.codec is Codec.JPEG_LOSSLESS
        with self._lock:
            self._deep_jpeg = self._deep_jpeg or DeepJpegDecoder()
        pixels = self._deep_jpeg.decode(data, stream.width, stream.height, stream.bits, lossless)
        return self._grey.from_codes(pixels, stream.bits)

    def _jpeg_ls(self, data: bytes, stream: Codestream) -> Frame:
        from jpeg_ls import jlsread  # type: ignore[import-untyped]  # it has no stubs

        if not data.rstrip(b"\0").endswith(_END_OF_IMAGE):
            data += _END_OF_IMAGE  # where it is cut off, CharLS looks for more bits for seconds
        return self._finished(jlsread(data), None, stream.bits)

    def _jpeg_2000(self, data: bytes, stream: Codestream) -> Frame:
        from openjpeg import decode

        pixels = _jpeg_2000_bytes(data, stream)
        pixels = decode(data) if pixels is None else pixels
        return self._finished(pixels, False if stream.colour_transform else None, stream.bits)

    def _run_length(self, data: bytes, stream: Codestream) -> Frame:
        from rle.utils import decode_pixel_data

        tags = self._tags
        plain = decode_pixel_data(
            data, version=2, rows=tags.height, columns=tags.width, bits_allocated=tags.bits_allocated
        )
        planes = np.frombuffer(plain, dtype=f"<u{tags.bits_allocated // 8}").reshape(-1, tags.height, tags.width)
        return self._finished(planes[0] if len(planes) < 3 else np.moveaxis(planes, 0, -1), None)


def _jpeg_2000_bytes(data: bytes, stream: Codestream) -> Pixels | None:
    """Return a bare stream of 8-bit samples as OpenCV decodes it, None where that is another task or it will not.

    It is OpenJPEG either way, but OpenCV lets go of the interpreter meanwhile: threads decode side by side.
    """
    if stream.bits != 8 or stream.signed or stream.components not in (1, 3) or not data.startswith(J2K_MAGIC):
        return None
    cv2 = quiet_cv2()
    try:
        pixels = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None
    shape = (stream.height, stream.width) if stream.components == 1 else (stream.height, stream.width, 3)
    if pixels is None or pixels.shape != shape or pixels.dtype != np.uint8:
        return None
    return np.asarray(pixels if pixels.ndim == 2 else pixels[..., ::-1])
