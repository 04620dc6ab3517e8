"""How often a JPEG goes over its picture: one that does so without end would be decoded without end."""

from typing import IO

_START, _SCAN = b"\xff\xd8", b"\xff\xda"
_MOST = 100
"""Scans of a picture. A progressive one has about ten; each goes over all of it, however short it is."""


def too_many_scans(data: bytes) -> bool:
    """Tell whether a JPEG has more scans than any picture; other data are none."""
    return data.startswith(_START) and data.count(_SCAN) > _MOST


def goes_on_for_ever(handle: IO[bytes]) -> bool:
    """Tell the same of a file, which is left at its start."""
    is_jpeg = handle.read(len(_START)) == _START
    handle.seek(0)
    if not is_jpeg:
        return False
    found = too_many_scans(handle.read())
    handle.seek(0)
    return found
