"""What the first bytes of a compressed frame say: codec, size, depth and how colour was meant."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

_SOS, _APP0, _APP14, _COD = 0xDA, 0xE0, 0xEE, 0x52
_FRAME_HEADERS = {0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF, 0xF7}
_LOSSLESS, _JPEG_LS = {0xC3, 0xC7, 0xCB, 0xCF}, 0xF7
_JP2_BOX = b"\x00\x00\x00\x0cjP  "
J2K_MAGIC = b"\xff\x4f\xff\x51"


class Codec(StrEnum):
    """How a frame is compressed."""

    JPEG = "JPEG"
    JPEG_LOSSLESS = "JPEG lossless"
    JPEG_LS = "JPEG-LS"
    JPEG_2000 = "JPEG 2000"
    RLE = "RLE"


@dataclass(frozen=True, slots=True)
class Codestream:
    """The header of a compressed frame.

    Attributes
    ----------
    codec
        How it is compressed.
    width, height, bits, components
        Size, bits a sample and samples a pixel; zero where the codec does not say (RLE).
    subsampled
        True where colour has fewer samples than luma, which only luma-chroma has.
    jfif
        True where a JFIF marker says luma-chroma.
    adobe_transform
        0: red-green-blue, 1: luma-chroma; None without an Adobe marker.
    component_ids
        Names of the components.
    colour_transform
        True where a JPEG 2000 decoder turns luma-chroma into red-green-blue by itself.
    signed
        True where the samples of a JPEG 2000 have a sign.
    """

    codec: Codec
    width: int = 0
    height: int = 0
    bits: int = 0
    components: int = 0
    subsampled: bool = False
    jfif: bool = False
    adobe_transform: int | None = None
    component_ids: tuple[int, ...] = ()
    colour_transform: bool = False
    signed: bool = False


def read_codestream(data: bytes) -> Codestream | None:
    """Return the header of a compressed frame, None where it is damaged; what has no known start counts as RLE."""
    if data[:2] == b"\xff\xd8":
        return _jpeg(data)
    start = data.find(J2K_MAGIC, 0, 4096) if data.startswith(_JP2_BOX) else 0
    if start >= 0 and data.startswith(J2K_MAGIC, start):
        return _jpeg_2000(data[start : start + 4096])
    return Codestream(Codec.RLE)


def jpeg_says_luma_chroma(stream: Codestream) -> bool | None:
    """Return how a three-component JPEG codes colour by its own account, None where it says nothing."""
    if stream.subsampled:
        return True
    if stream.adobe_transform is not None:
        return stream.adobe_transform != 0
    if stream.jfif:
        return True
    return False if stream.component_ids == tuple(b"RGB") else None


def decoder_takes_luma_chroma(stream: Codestream) -> bool:
    """Return how libjpeg takes a three-component JPEG when nobody tells it."""
    if stream.jfif:
        return True
    if stream.adobe_transform is not None:
        return stream.adobe_transform != 0
    return stream.component_ids != tuple(b"RGB")


def with_colour(data: bytes, luma_chroma: bool) -> bytes:
    """Return a JPEG with an Adobe marker that says how its three components are meant, and no other word on it."""
    kept = [data[:2], b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00" + bytes([1 if luma_chroma else 0])]
    end = 2
    for marker, start, stop in _segments(data):
        end = stop
        if marker not in (_APP0, _APP14):
            kept.append(data[start:stop])
    return b"".join([*kept, data[end:]])


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield (marker, start, stop) of every segment up to and including the first scan's header."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
            continue
        stop = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        yield marker, at, stop
        if marker == _SOS:
            return
        at = stop


def _jpeg(data: bytes) -> Codestream | None:
    jfif, adobe = False, None
    for marker, start, stop in _segments(data):
        body = data[start + 4 : stop]
        if marker == _APP0:
            jfif = jfif or body.startswith(b"JFIF")
        elif marker == _APP14 and body.startswith(b"Adobe") and len(body) >= 12:
            adobe = body[11]
        elif marker in _FRAME_HEADERS:
            return _frame_header(marker, body, data[stop:], jfif, adobe)
    return None


def _frame_header(marker: int, body: bytes, rest: bytes, jfif: bool, adobe: int | None) -> Codestream | None:
    if len(body) < 6 or len(body) < 6 + 3 * body[5]:
        return None
    bits, height, width, components = struct.unpack(">BHHB", body[:6])
    ids = tuple(body[6 + 3 * k] for k in range(components))
    sampling = {body[7 + 3 * k] for k in range(components)}
    codec = Codec.JPEG_LS if marker == _JPEG_LS else Codec.JPEG_LOSSLESS if marker in _LOSSLESS else Codec.JPEG
    if adobe is None:
        adobe = _late_adobe(rest)
    return Codestream(codec, width, height, bits, components, len(sampling) > 1, jfif, adobe, ids)


def _late_adobe(rest: bytes) -> int | None:
    """Return the Adobe transform where its marker comes after the frame header, as some writers put it."""
    for marker, start, stop in _segments(b"\xff\xd8" + rest):
        body = (b"\xff\xd8" + rest)[start + 4 : stop]
        if marker == _APP14 and body.startswith(b"Adobe") and len(body) >= 12:
            return body[11]
    return None


def _jpeg_2000(data: bytes) -> Codestream | None:
    if len(data) < 43:
        return None
    right, lower, left, upper = struct.unpack(">4I", data[8:24])
    components = struct.unpack(">H", data[40:42])[0]
    transform = False
    for marker, start, _ in _segments(data):
        if marker == _COD and len(data) > start + 8:
            transform = data[start + 8] == 1
            break
    return Codestream(
        Codec.JPEG_2000,
        right - left,
        lower - upper,
        (data[42] & 0x7F) + 1,
        components,
        colour_transform=transform,
        signed=bool(data[42] & 0x80),
    )
