"""Damage to DICOM files in the forms that have other elements than explicit little endian."""

import random
import struct
import zlib

from mutations import EXTREMES_16, EXTREMES_32, dicom, flip

DEFLATED = b"1.2.840.10008.1.2.1.99"
_LENGTH_TAG = b"\x02\x00\x00\x00"
_SIZES = {0x00280010, 0x00280011, 0x00280002, 0x00280100, 0x00280101, 0x00280102, 0x00280103, 0x00280006}


def meta_end(data: bytes) -> int:
    """Return where the file meta information ends; 0 where it does not say."""
    if data[132:136] != _LENGTH_TAG:
        return 0
    return min(144 + struct.unpack_from("<I", data, 140)[0], len(data))


def deflated(data: bytes, lots: random.Random) -> bytes:
    """Damage what a deflated file holds, and deflate it again; or the deflated bytes themselves."""
    end = meta_end(data)
    if DEFLATED not in data[:1024] or not end or lots.random() < 0.2:
        return flip(data, lots)
    try:
        inside = zlib.decompressobj(-zlib.MAX_WBITS).decompress(data[end:], 1 << 26)
    except zlib.error:
        return flip(data, lots)
    damaged = dicom(data[:132] + inside, lots)[132:]
    pack = zlib.compressobj(lots.choice((0, 6)), zlib.DEFLATED, -zlib.MAX_WBITS)
    return data[:end] + pack.compress(damaged) + pack.flush()


def implicit(data: bytes, lots: random.Random) -> bytes:
    """Damage elements without value representation: cut at one, falsify a length, a tag or a size of the picture."""
    return _damaged(data, lots, "<", _implicit_elements(data, meta_end(data)))


def big_endian(data: bytes, lots: random.Random) -> bytes:
    """Do the same to elements of explicit big endian."""
    return _damaged(data, lots, ">", _big_elements(data, meta_end(data)))


Element = tuple[int, int, int, int]
"""(place, place of the length, place of the value, tag)."""


def _implicit_elements(data: bytes, at: int) -> list[Element]:
    found = []
    while at + 8 <= len(data):
        group, element, length = struct.unpack_from("<HHI", data, at)
        found.append((at, at + 4, at + 8, group << 16 | element))
        if length > len(data):
            break
        at += 8 + length
    return found


def _big_elements(data: bytes, at: int) -> list[Element]:
    found = []
    while at + 12 <= len(data):
        group, element = struct.unpack_from(">HH", data, at)
        long = data[at + 4 : at + 6] in (b"OB", b"OW", b"SQ", b"UN", b"UT", b"OF")
        length = struct.unpack_from(">I" if long else ">H", data, at + (8 if long else 6))[0]
        found.append((at, at + (8 if long else 6), at + (12 if long else 8), group << 16 | element))
        if length > len(data):
            break
        at += (12 if long else 8) + length
    return found


def _damaged(data: bytes, lots: random.Random, order: str, elements: list[Element]) -> bytes:
    if not elements:
        return flip(data, lots)
    sizes = [element for element in elements if element[3] in _SIZES]
    what = lots.choice(("cut", "length", "length", "tag", "value", "value", "value"))
    at, length_at, value_at, _ = lots.choice(sizes if what == "value" and sizes else elements)
    out = bytearray(data)
    if what == "cut":
        return data[: lots.choice((at, length_at, value_at))]
    if what == "tag":
        struct.pack_into(f"{order}HH", out, at, lots.choice((0x28, 0xFFFE, 0x7FE0, 0x18)), lots.choice(EXTREMES_16))
    elif what == "value":
        struct.pack_into(f"{order}H", out, min(value_at, len(out) - 2), lots.choice(EXTREMES_16))
    else:
        form = "H" if value_at - length_at == 2 else "I"
        struct.pack_into(order + form, out, length_at, lots.choice(EXTREMES_16 if form == "H" else EXTREMES_32))
    return bytes(out)
