"""A damaged copy of a whole file, by the kind of the file and a generator of lots."""

import random
import re
import struct

from dicom_forms import DEFLATED, big_endian, deflated, implicit
from formats import BY_KIND
from mutations import ANY, Mutation, dicom, flip, json_values, safetensors, structured, table_cells

_SYNTAX = re.compile(rb"1\.2\.840\.10008\.1\.2(?:\.\d+)*")
_OTHER_FORMS = {b"1.2.840.10008.1.2": implicit, b"1.2.840.10008.1.2.2": big_endian, DEFLATED: deflated}
_TEXT: dict[str, Mutation] = {"json": json_values, "csv": table_cells, "safetensors": safetensors}
_LARGEST = 4 << 20
"""Bytes from which a copy is not damaged further: what doubles things would fill the memory of whoever makes it."""
_SAME = {"tiff": "tif", "jpeg": "jpg", "m4v": "mp4", "pt": "pth"}


def mutations_for(kind: str, data: bytes) -> tuple[Mutation, ...]:
    """Return the damage that fits a file, that of any file among it."""
    kind = _SAME.get(kind, kind)
    if kind in _TEXT:
        return (*[_TEXT[kind]] * 4, *ANY)
    further = BY_KIND.get(kind, ())
    if kind == "dcm":
        said = _SYNTAX.search(data, data.find(b"\x02\x00\x10\x00"), 1024)
        form = _OTHER_FORMS.get(said[0]) if said is not None else None
        return (*[dicom if form is None else form] * 6, *further, *ANY)
    return (*[structured(kind)] * 4, *further, *ANY)


def damaged(data: bytes, kind: str, lots: random.Random) -> bytes:
    """Return a damaged copy of a file: one to three kinds of damage, drawn by `lots`."""
    for _ in range(lots.choice((1, 1, 1, 2, 3))):
        change = lots.choice(mutations_for(kind, data))
        try:
            data = change(data, lots)
        except (struct.error, LookupError, ValueError, EOFError, RecursionError):  # such parts were damaged before
            data = flip(data, lots)
        if len(data) > _LARGEST:
            break
    return data
