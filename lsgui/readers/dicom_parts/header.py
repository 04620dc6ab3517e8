"""The header of a DICOM file, and where its pixels lie."""

import io
import os
import struct
import sys
import zlib
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import BinaryIO, cast

from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset, read_partial

from lsgui.readers.dicom_parts.tags import PYDICOM_FAULTS, quiet
from lsgui.readers.frame_source import cannot_read
from lsgui.readers.frame_store import temporary_file

UNDEFINED_LENGTH = 0xFFFFFFFF

_DEFLATED = "1.2.840.10008.1.2.1.99"
_BIG_ENDIAN = "1.2.840.10008.1.2.2"
_COMPRESSED = ("1.2.840.10008.1.2.4.", "1.2.840.10008.1.2.5")
_DIRECTORY = "1.2.840.10008.1.3.10"
_SKIP_BEYOND = 1 << 20  # values larger than this are vendors' raw data: passed over, not read
_PIXEL_DATA, _FLOAT_PIXELS, _DOUBLE_PIXELS = 0x7FE00010, 0x7FE00008, 0x7FE00009
_LONG_VRS = (b"OB", b"OW", b"OF", b"OD", b"OL", b"OV", b"UN")
_INFLATE_CHUNK = 1 << 20
_INFLATED, _INFLATES = 256 << 20, 100
"""Bytes to which any file may inflate, and times its size to which a larger one may: pictures come to ten."""
_MOST_TAGS, _MOST_READS = 20_000, 60_000
_META_BYTES = 1024
_META_LENGTH = 0x00000002  # (0002,0000) as its four bytes read


@dataclass(frozen=True, slots=True, eq=False)
class DicomHeader:
    """A DICOM file opened up to its pixels.

    Attributes
    ----------
    dataset
        The tags before the pixel data.
    handle
        Where the pixels are read from: the file itself, or what a deflated file holds.
    transfer_syntax
        Its UID; empty where the file does not say.
    pixels_at, pixel_bytes
        Where the value of the pixel data starts in `handle` and how long it is; `UNDEFINED_LENGTH` for fragments.
    available
        Bytes that `handle` holds from `pixels_at` on.
    little_endian
        Byte order of uncompressed pixels.
    swapped_bytes
        True where 8-bit pixels were written as big-endian 16-bit words, so that neighbours are swapped.
    """

    dataset: Dataset
    handle: BinaryIO
    transfer_syntax: str
    pixels_at: int
    pixel_bytes: int
    available: int
    little_endian: bool
    swapped_bytes: bool

    @property
    def compressed_syntax(self) -> bool:
        """True where the transfer syntax says that the pixels are compressed."""
        return self.transfer_syntax.startswith(_COMPRESSED)

    @property
    def encapsulated(self) -> bool:
        """True where the pixels are compressed and come in fragments."""
        return self.pixel_bytes == UNDEFINED_LENGTH


def read_header(path: Path, undo: ExitStack) -> DicomHeader:
    """Read the tags up to the pixels.

    Parameters
    ----------
    path
        A file that looks like DICOM; preamble and file meta information may be missing.
    undo
        Takes over the open file.

    Raises
    ------
    ClipReadError
        When the header is damaged or there are no pixels.
    """
    handle: BinaryIO = undo.enter_context(stepwise(path))
    try:
        with quiet():
            if syntax := deflated_syntax(handle):
                handle = inflated(handle, undo)
                dataset = read_dataset(handle, False, True, stop_when=stop_at_pixels(), defer_size=_SKIP_BEYOND)
                little = True
            else:
                # the file was told by its first bytes before; a missing preamble is common in old exports
                read = read_partial(handle, stop_when=stop_at_pixels(), force=True, defer_size=_SKIP_BEYOND)
                syntax = str(read.file_meta.get("TransferSyntaxUID") or "").strip(" \0")
                little = syntax != _BIG_ENDIAN if syntax else read.original_encoding[1] is not False
                if read.file_meta.get("MediaStorageSOPClassUID") == _DIRECTORY:
                    raise cannot_read(path, "it is the table of contents of a disc", "open the folder it lies in")
                dataset = read
    except (*PYDICOM_FAULTS, zlib.error, RecursionError, MemoryError, OSError) as fault:
        if isinstance(fault, OSError) and fault.errno is not None:  # pydicom has some of its own, without a number
            raise
        raise cannot_read(path, "its DICOM header is damaged", "export it again from the scanner or archive") from fault
    if isinstance(handle, _Stepwise):
        handle.left = sys.maxsize  # the pixels may be as many as they are
    return _locate(path, handle, dataset, syntax, little)


class _Stepwise(io.BufferedReader):
    """A file that is never read whole: of a deflated one pydicom would take all into memory, and inflate it there.

    Nor is its header read without end: items of a sequence are no tags, and each takes a tenth of a millisecond.
    """

    left = _MOST_READS

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0:
            raise ValueError("what is said to be deflated does not begin as such a file does")
        self.left -= 1
        if self.left < 0:
            raise ValueError("the header never ends")
        return super().read(size)


def stepwise(path: Path) -> BinaryIO:
    """Open a file for pydicom."""
    return cast("BinaryIO", _Stepwise(cast("io.RawIOBase", path.open("rb", buffering=0))))


def stop_at_pixels() -> Callable[[int, str | None, int], bool]:
    """Return what says of tag after tag whether reading ends here; more tags than any scanner writes are a fault."""
    tags = count(1)

    def stop(tag: int, vr: str | None, length: int) -> bool:
        if next(tags) > _MOST_TAGS:
            raise ValueError("the header never ends")
        return tag in (_PIXEL_DATA, _FLOAT_PIXELS, _DOUBLE_PIXELS)

    return stop


def _locate(path: Path, handle: BinaryIO, dataset: Dataset, syntax: str, little: bool) -> DicomHeader:
    order = "<" if little else ">"
    head = handle.read(12)
    group, element = struct.unpack(f"{order}HH", head[:4]) if len(head) == 12 else (0, 0)
    if (group << 16 | element) != _PIXEL_DATA:
        raise cannot_read(path, "it holds no pictures", "open the ultrasound clip of the exam instead")
    vr = head[4:6]
    if vr in _LONG_VRS:  # no even length of an implicit element looks like these letters
        length = struct.unpack(f"{order}I", head[8:12])[0]
    else:
        length = struct.unpack(f"{order}I", head[4:8])[0]
        handle.seek(-4, 1)
        vr = b"OW"
    at = handle.tell()
    available = handle.seek(0, 2) - at
    return DicomHeader(
        dataset=dataset,
        handle=handle,
        transfer_syntax=syntax,
        pixels_at=at,
        pixel_bytes=length,
        available=available,
        little_endian=little,
        swapped_bytes=not little and vr == b"OW",
    )


def deflated_syntax(handle: BinaryIO) -> str:
    """Return the transfer syntax if it is the deflated one, else nothing; the file is left at its start."""
    head = handle.read(_META_BYTES)
    handle.seek(0)
    return _DEFLATED if head[128:132] == b"DICM" and _DEFLATED.encode() in head else ""


def inflated(handle: BinaryIO, undo: ExitStack) -> BinaryIO:
    """Return what a deflated file holds after its file meta information, as a temporary file."""
    handle.seek(132)
    tag, _, length = struct.unpack("<I4sI", handle.read(12))
    if tag != _META_LENGTH:
        raise ValueError("the file meta information does not say where it ends")
    handle.seek(length, 1)
    plain: BinaryIO = undo.enter_context(temporary_file())
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    left = max(_INFLATED, _INFLATES * os.fstat(handle.fileno()).st_size)
    while chunk := inflate.unconsumed_tail or handle.read(_INFLATE_CHUNK):
        left -= plain.write(inflate.decompress(chunk, _INFLATE_CHUNK))
        if left < 0:
            raise ValueError("the file inflates without end")
    plain.write(inflate.flush())
    plain.seek(0)
    return cast("BinaryIO", undo.enter_context(_Stepwise(cast("io.RawIOBase", plain))))
