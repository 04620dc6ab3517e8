"""Compressed frames out of the fragments of DICOM pixel data."""

import struct
from collections.abc import Iterator
from typing import BinaryIO

from lsgui.readers.dicom_parts.header import DicomHeader

_ITEM, _END = 0xFFFEE000, 0xFFFEE0DD
_STARTS = (
    b"\xff\xd8\xff",  # JPEG, JPEG-LS
    b"\xff\x4f\xff\x51",  # JPEG 2000, HTJ2K
    b"\x00\x00\x00\x0cjP  ",  # the same inside a JP2 file
)


def fragments(header: DicomHeader) -> Iterator[bytes]:
    """Yield every complete fragment after the offset table; a fragment that the file cuts off is left out."""
    handle, end = header.handle, header.pixels_at + header.available
    handle.seek(header.pixels_at)
    table = _next_item(handle, end)
    if table is None:
        return
    place = handle.tell() + table
    while True:
        handle.seek(place)
        length = _next_item(handle, end)
        if length is None:
            return
        place = handle.tell() + length
        yield handle.read(length)


def compressed_frames(header: DicomHeader) -> Iterator[bytes]:
    """Yield the codestream of every frame.

    A frame starts where a codestream starts: that holds with and without an offset table, and with tables that are
    wrong. The marker cannot occur inside a codestream. Run-length frames have no marker and are one fragment each by
    definition.
    """
    parts: list[bytes] = []
    for fragment in fragments(header):
        if not parts or fragment.startswith(_STARTS) or not parts[0].startswith(_STARTS):
            if parts:
                yield b"".join(parts)
            parts = [fragment]
        else:
            parts.append(fragment)
    if parts:
        yield b"".join(parts)


def _next_item(handle: BinaryIO, end: int) -> int | None:
    """Return the length of the item that starts here, None at the end or where the file is damaged or cut off."""
    head = handle.read(8)
    if len(head) < 8:
        return None
    group, element, length = struct.unpack("<HHI", head)
    if (group << 16 | element) != _ITEM or handle.tell() + length > end:
        return None
    return int(length)
