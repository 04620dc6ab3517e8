"""Structure-aware damage: real files cut, lengthened and falsified at the places that their format gives meaning to."""

import copy
import json
import random
import struct
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

Mutation = Callable[[bytes, random.Random], bytes]

EXTREMES_16 = (0, 1, 2, 7, 0x7F, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFE, 0xFFFF)
EXTREMES_32 = (0, 1, 7, 8, 15, 16, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFF0, 0xFFFFFFFE, 0xFFFFFFFF)
_LONG_VR = (b"OB", b"OW", b"OF", b"OD", b"OL", b"OV", b"SQ", b"UN", b"UT", b"UC", b"UR")
_CONTAINERS = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"dinf", b"edts", b"udta", b"mvex", b"moof", b"traf")
_DIMENSIONS = {  # little-endian tags whose values decide how much memory is asked for
    b"\x28\x00\x10\x00": "rows",
    b"\x28\x00\x11\x00": "columns",
    b"\x28\x00\x08\x00": "frames",
    b"\x28\x00\x02\x00": "samples",
    b"\x28\x00\x00\x01": "bits allocated",
    b"\x28\x00\x01\x01": "bits stored",
    b"\x28\x00\x04\x00": "photometric interpretation",
    b"\x28\x00\x06\x00": "planar configuration",
    b"\x18\x00\x63\x10": "frame time",
    b"\x02\x00\x10\x00": "transfer syntax",
}
SYNTAXES = [
    f"1.2.840.10008.1.2{tail}"
    for tail in ("", ".1", ".1.99", ".2", ".5", *(f".4.{n}" for n in (50, 51, 57, 70, 80, 81, 90, 91, 100, 102, 107)))
]


# --- of any file -----------------------------------------------------------------------------------------------------


def cut(data: bytes, lots: random.Random) -> bytes:
    """End the file anywhere."""
    return data[: lots.randrange(len(data) + 1)]


def flip(data: bytes, lots: random.Random) -> bytes:
    """Change up to 30 bytes."""
    out = bytearray(data)
    for _ in range(lots.choice((1, 1, 2, 5, 30))):
        if out:
            out[lots.randrange(len(out))] = lots.randrange(256)
    return bytes(out)


def extreme(data: bytes, lots: random.Random) -> bytes:
    """Write an extreme number over two or four bytes, in either order."""
    out = bytearray(data)
    form, values = lots.choice((("<H", EXTREMES_16), (">H", EXTREMES_16), ("<I", EXTREMES_32), (">I", EXTREMES_32)))
    reach = min(len(out), lots.choice((64, 512, 4096, len(out) or 1)))
    if reach > 4:
        at = lots.randrange(reach - 4)
        out[at : at + struct.calcsize(form)] = struct.pack(form, lots.choice(values))
    return bytes(out)


def splice(data: bytes, lots: random.Random) -> bytes:
    """Take a piece out, put it elsewhere, double it, or make it zero."""
    if len(data) < 4:
        return data
    start = lots.randrange(len(data))
    stop = min(len(data), start + lots.choice((1, 8, 100, 1000, 20_000)))
    piece = data[start:stop]
    at = lots.randrange(len(data))
    return lots.choice(
        (
            data[:start] + data[stop:],
            data[:at] + piece + data[at:],
            data[:stop] + piece * lots.choice((1, 3, 50)) + data[stop:],
            data[:start] + bytes(len(piece)) + data[stop:],
        )
    )


def behind(data: bytes, lots: random.Random) -> bytes:
    """Put something behind or before the end of the file."""
    junk = lots.choice((b"\x00" * 4096, b"\xff" * 4096, lots.randbytes(512), b"<html>", b"PK\x03\x04" + bytes(64)))
    return data + junk if lots.random() < 0.7 else junk + data


ANY: tuple[Mutation, ...] = (cut, flip, extreme, splice, behind)


# --- DICOM -----------------------------------------------------------------------------------------------------------


def dicom_elements(data: bytes) -> list[tuple[int, int, int]]:
    """Return (offset of the tag, offset of the length field, bytes of it) of each element of explicit little endian."""
    found, at = [], 132
    while at + 8 <= len(data):
        vr = data[at + 4 : at + 6]
        if data[at : at + 2] == b"\xfe\xff":  # an item, or the end of a sequence
            found.append((at, at + 4, 4))
            length = struct.unpack_from("<I", data, at + 4)[0]
            at += 8 + (length if length < len(data) and data[at + 2] == 0 else 0)
        elif vr in _LONG_VR:
            if at + 12 > len(data):
                break
            length = struct.unpack_from("<I", data, at + 8)[0]
            found.append((at, at + 8, 4))
            at += 12 + (0 if length == 0xFFFFFFFF or vr == b"SQ" else length)
        elif vr.isalpha() and vr.isupper():
            found.append((at, at + 6, 2))
            at += 8 + struct.unpack_from("<H", data, at + 6)[0]
        else:
            break
    return found


def dicom(data: bytes, lots: random.Random) -> bytes:
    """Cut at a tag, or falsify a length, a tag, a value representation, or what decides the size of the picture."""
    elements = dicom_elements(data)
    if not elements:
        return flip(data, lots)
    out = bytearray(data)
    kind = lots.choice(("cut", "length", "length", "tag", "vr", "value", "value", "value", "drop", "double"))
    tag, length_at, size = lots.choice(elements)
    following = next((other for other, _, _ in elements if other > tag), len(data))
    if kind == "cut":
        return data[: tag + lots.choice((0, 1, 4, 6, 8))]
    if kind == "length":
        struct.pack_into(
            "<H" if size == 2 else "<I", out, length_at, lots.choice((EXTREMES_16, EXTREMES_32)[size == 4])
        )
    elif kind == "tag":
        out[tag : tag + 4] = lots.choice((lots.randbytes(4), b"\xfe\xff\x0d\xe0", b"\xfe\xff\x00\xe0", *_DIMENSIONS))
    elif kind == "vr":
        out[tag + 4 : tag + 6] = lots.choice((b"SQ", b"UN", b"OB", b"US", b"DS", b"IS", b"??", b"\x00\x00"))
    elif kind == "drop":
        return data[:tag] + data[following:]
    elif kind == "double":
        return data[:following] + data[tag:following] + data[following:]
    else:
        return _falsified(data, elements, lots)
    return bytes(out)


def _falsified(data: bytes, elements: list[tuple[int, int, int]], lots: random.Random) -> bytes:
    """Return a file in which one of the values that decide the picture's size or form is another."""
    known = [(tag, at) for tag, at, size in elements if size == 2 and data[tag : tag + 4] in _DIMENSIONS]
    if not known:
        return extreme(data, lots)
    tag, length_at = lots.choice(known)
    name = _DIMENSIONS[data[tag : tag + 4]]
    before = struct.unpack_from("<H", data, length_at)[0]
    value: bytes
    if name == "frames":
        value = lots.choice((b"0 ", b"1 ", b"-1", b"99999999", b"2147483648", b"1e9 ", b"abc ", b"3\\4 ", b"", b"  "))
    elif name == "frame time":
        value = lots.choice((b"0 ", b"-40 ", b"1e-9", b"1e99", b"nan ", b"inf ", b"", b"40\\40 ", b"x "))
    elif name == "photometric interpretation":
        value = lots.choice(
            (b"RGB ", b"MONOCHROME1 ", b"YBR_FULL", b"YBR_PARTIAL_420 ", b"PALETTE COLOR ", b"", b"?? ")
        )
    elif name == "transfer syntax":
        text = lots.choice(SYNTAXES).encode()
        value = text + b"\x00" * (len(text) % 2)
    else:
        value = struct.pack("<H", lots.choice(EXTREMES_16))
    return data[:length_at] + struct.pack("<H", len(value)) + value + data[length_at + 2 + before :]


# --- boxes, chunks, markers ------------------------------------------------------------------------------------------


def boxes(data: bytes, start: int = 0, stop: int | None = None) -> Iterator[tuple[int, int]]:
    """Yield (offset, size) of each box of an MP4 or MOV, those inside others too."""
    at, end = start, len(data) if stop is None else stop
    while at + 8 <= end:
        size = struct.unpack_from(">I", data, at)[0]
        if size < 8 or at + size > end:
            return
        yield at, size
        if data[at + 4 : at + 8] in _CONTAINERS:
            yield from boxes(data, at + 8, at + size)
        at += size


def chunks(data: bytes, at: int = 12, stop: int | None = None) -> Iterator[tuple[int, int]]:
    """Yield (offset, size) of each chunk of a RIFF file (AVI), those inside lists too."""
    end = len(data) if stop is None else stop
    while at + 8 <= end:
        size = struct.unpack_from("<I", data, at + 4)[0]
        if at + 8 + size > end:
            return
        yield at, size + 8
        if data[at : at + 4] == b"LIST":
            yield from chunks(data, at + 12, at + 8 + size)
        at += 8 + size + size % 2


def png_chunks(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield (offset of the length, size) of each chunk of a PNG."""
    at = 8
    while at + 12 <= len(data):
        size = struct.unpack_from(">I", data, at)[0]
        if at + 12 + size > len(data):
            return
        yield at, size + 12
        at += 12 + size


def markers(data: bytes, mark: bytes) -> list[tuple[int, int]]:
    """Return (offset, distance to the next) of each mark: start codes of MPEG, markers of JPEG, blocks of GIF."""
    places, at = [], data.find(mark)
    while at >= 0 and len(places) < 20_000:
        places.append(at)
        at = data.find(mark, at + 1)
    return [(here, after - here) for here, after in pairwise([*places, len(data)])]


def _parts(data: bytes, kind: str) -> list[tuple[int, int]]:
    if kind in ("mp4", "mov", "m4v"):
        return list(boxes(data))
    if kind == "avi":
        return list(chunks(data))
    if kind == "png":
        return list(png_chunks(data))
    mark = {"mpeg": b"\x00\x00\x01", "mpg": b"\x00\x00\x01", "gif": b"\x2c", "jpg": b"\xff"}.get(kind, b"\x00\x00\x01")
    return markers(data, mark)


def structured(kind: str) -> Mutation:
    """Return the damage to a format of boxes, chunks or markers: cut at one, falsify its size or name, drop, double."""

    def damage(data: bytes, lots: random.Random) -> bytes:
        parts = _parts(data, kind)
        if not parts:
            return flip(data, lots)
        at, size = lots.choice(parts)
        inside = min(len(data), at + min(size, lots.choice((4, 8, 16, 40, 400))))
        what = lots.choice(("cut", "size", "size", "name", "inside", "inside", "drop", "double", "swap"))
        out = bytearray(data)
        if what == "cut":
            return data[: at + lots.choice((0, 4, 8, size // 2))]
        if what == "drop":
            return data[:at] + data[at + size :]
        if what == "double":
            return data[: at + size] + data[at : at + size] * lots.choice((1, 20)) + data[at + size :]
        if what == "swap":
            other, other_size = lots.choice(parts)
            first, second = sorted(((at, size), (other, other_size)))
            if first[0] + first[1] > second[0]:
                return flip(data, lots)
            a, b = data[first[0] : sum(first)], data[second[0] : sum(second)]
            return data[: first[0]] + b + data[sum(first) : second[0]] + a + data[sum(second) :]
        if what in ("size", "name") and at + 8 <= len(out):
            place = at + (4 if (what == "name") != (kind == "avi") else 0)
            out[place : place + 4] = (
                lots.choice((b"free", b"mdat", b"moov", b"LIST", b"JUNK", b"IEND", lots.randbytes(4)))
                if what == "name"
                else struct.pack("<I" if kind == "avi" else ">I", lots.choice(EXTREMES_32))
            )
            return bytes(out)
        for _ in range(lots.choice((1, 4))):
            if inside > at:
                out[lots.randrange(at, inside)] = lots.choice((0, 1, 0x7F, 0x80, 0xFF, lots.randrange(256)))
        return bytes(out)

    return damage


# --- text ------------------------------------------------------------------------------------------------------------

_ODD_VALUES: tuple[Any, ...] = (
    *(
        None,
        True,
        "",
        "x" * 5000,
        "\x00",
        "../../../etc/passwd",
        "=1+1",
        "ls_a",
        -1,
        0,
        1e308,
        -1e308,
        10**30,
        0.1,
        [],
        {},
    ),
    *(
        [[]],
        {"a": {}},
        float("nan"),
        float("inf"),
        [1, "a", None],
        "NaN",
        "\ud800".encode("utf-16", "surrogatepass").hex(),
    ),
)


def json_values(data: bytes, lots: random.Random) -> bytes:
    """Put a value of another kind at any place of a JSON document, drop or rename a key, double an entry."""
    try:
        document = json.loads(data)
    except ValueError:
        return flip(data, lots)
    for _ in range(lots.choice((1, 1, 3))):
        document = _another(document, lots)
    text = json.dumps(document)
    if lots.random() < 0.03:
        depth = lots.choice((200, 100_000))
        text = "[" * depth + text + "]" * depth
    return text.encode()


def _another(document: Any, lots: random.Random) -> Any:
    document = copy.deepcopy(document)
    holder, key, here = None, None, document
    while isinstance(here, dict | list) and here and lots.random() < 0.85:
        holder = here
        key = lots.choice(list(here)) if isinstance(here, dict) else lots.randrange(len(here))
        here = holder[key]
    value = lots.choice(_ODD_VALUES)
    if holder is None:
        return value if lots.random() < 0.3 else document
    if isinstance(holder, dict):
        what = lots.choice(("value", "value", "drop", "rename"))
        if what != "value":
            kept = holder.pop(key)
            if what == "rename":
                holder[lots.choice(("", "é" * 300, "../x", "label", "0"))] = kept
            return document
        holder[key] = value
    else:
        what = lots.choice(("value", "drop", "double", "many"))
        if what == "value":
            holder[key] = value
        elif what == "drop":
            holder.pop(key)
        else:
            holder.extend(copy.deepcopy([here]) * (1 if what == "double" else 50))
    return document


def table_cells(data: bytes, lots: random.Random) -> bytes:
    """Change cells, columns, quotes, delimiters or the encoding of a table."""
    lines = data.decode("utf-8", "replace").splitlines()
    for _ in range(lots.choice((1, 2, 6))):
        if not lines:
            break
        row = lots.randrange(len(lines))
        cells = lines[row].split(",")
        cells[lots.randrange(len(cells))] = str(lots.choice(_ODD_VALUES))
        what = lots.choice(("cells", "cells", "drop", "double", "quote", "wide"))
        if what == "drop":
            lines.pop(row)
        elif what == "double":
            lines += [lines[row]] * 3
        elif what == "quote":
            lines[row] = '"' + lines[row]
        else:
            lines[row] = ",".join(cells * (1 if what == "cells" else 400))
    return "\n".join(lines).encode(lots.choice(("utf-8", "utf-8", "utf-8-sig", "utf-16", "latin-1")), "replace")


def safetensors(data: bytes, lots: random.Random) -> bytes:
    """Falsify the length of the header, or what it says of a tensor."""
    size = struct.unpack_from("<Q", data)[0] if len(data) > 8 else 0
    if not 0 < size < len(data) or lots.random() < 0.3:
        return struct.pack("<Q", lots.choice((0, 1, size - 1, size + 1, 2**31, 2**62, 2**64 - 1))) + data[8:]
    header = json_values(data[8 : 8 + size], lots)
    length = len(header) if lots.random() < 0.8 else lots.randrange(2 * len(header) + 1)
    return struct.pack("<Q", length) + header + data[8 + size :]
