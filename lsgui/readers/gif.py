"""GIF animations, with the moment of every frame."""

import struct
from collections.abc import Iterator
from itertools import accumulate, islice
from pathlib import Path
from typing import IO

from lsgui.core.clip import ClipInfo
from lsgui.core.late_imports import load
from lsgui.readers.base import READERS, ReadOptions
from lsgui.readers.colour_meter import ColourMeter
from lsgui.readers.frame_source import MAX_FRAMES, FrameSource, FrameStream, cannot_read, check_size
from lsgui.readers.timing import spacing

_TRAILER, _EXTENSION, _IMAGE, _GRAPHIC_CONTROL = 0x3B, 0x21, 0x2C, 0xF9
_FULL = 0xFF
_PIECE = 1 << 14
_UNSET_CS = 1
_BROWSER_CS = 10  # browsers show a frame whose delay is 0 or 1 hundredths for 10: recorders rely on it


@READERS.register("gif")
class GifReader:
    """Reads GIF files by Pillow, which composes frames that only hold what changed."""

    title = "a GIF"
    suffixes = frozenset({".gif"})
    folders = False

    def recognises(self, head: bytes) -> bool:
        """Tell whether the file begins like a GIF."""
        return head.startswith((b"GIF87a", b"GIF89a"))

    def open(self, path: Path, options: ReadOptions) -> FrameSource:
        """Open a GIF and decode its first frame."""
        with path.open("rb") as handle:
            header = handle.read(10)
            check_size(path, int.from_bytes(header[6:8], "little"), int.from_bytes(header[8:10], "little"))
            handle.seek(0)
            delays = list(islice(_delays_cs(path, handle), MAX_FRAMES))
        colour = ColourMeter()

        def describe(frames: int, width: int, height: int) -> ClipInfo:
            shown = delays[:frames]
            lasts = [_BROWSER_CS if delay <= _UNSET_CS else delay for delay in shown] or [_BROWSER_CS]
            timed = spacing([t / 100.0 for t in accumulate(lasts[:-1], initial=0)]) if len(set(lasts)) > 1 else None
            fps = 100.0 * len(lasts) / sum(lasts)
            source = "file" if any(delay > _UNSET_CS for delay in shown) else "assumed"
            if options.fps:
                fps, source, timed = options.fps, "given", None
            moments, share = timed[1] if timed else None, colour.share
            return ClipInfo(path, "gif", frames, width, height, fps, source, frame_times_s=moments, colour_share=share)

        return FrameSource(path, _frames(path, colour), describe, declared=len(delays))


def _frames(path: Path, colour: ColourMeter) -> FrameStream:
    load("PIL.Image")
    import numpy as np
    from PIL import Image, UnidentifiedImageError

    try:
        with path.open("rb") as handle, Image.open(handle, formats=["GIF"]) as picture:
            index = 0
            while True:
                try:
                    picture.seek(index)
                except EOFError:
                    return
                if colour.wants_next():
                    colour.see(np.asarray(picture.convert("RGB")))
                yield np.array(picture.convert("L"))
                index += 1
    except (
        Image.DecompressionBombError,
        UnidentifiedImageError,
        ValueError,
        SyntaxError,
        LookupError,
        OSError,
    ) as fault:
        if isinstance(fault, OSError) and fault.errno is not None:
            raise
        raise cannot_read(path, "a frame of the GIF is damaged", "export it again") from fault


def _delays_cs(path: Path, handle: IO[bytes]) -> Iterator[int]:
    """Yield the delay of every frame in hundredths of a second, from the file's blocks alone; check their sizes too."""
    screen = handle.read(13)
    _skip_colours(handle, screen[10] if len(screen) > 10 else 0)
    delay = 0
    while kind := handle.read(1):
        if kind[0] == _IMAGE:
            place = handle.read(9)
            if len(place) < 9:
                return
            left, top, width, height = struct.unpack("<4H", place[:8])
            check_size(path, max(left + width, 1), max(top + height, 1))
            _skip_colours(handle, place[8])
            handle.read(1)
            _skip_blocks(handle)
            yield delay
            delay = 0
        elif kind[0] == _EXTENSION:
            label = handle.read(1)
            control = _block(handle)
            if label and label[0] == _GRAPHIC_CONTROL:
                delay = int.from_bytes(control[1:3], "little")
            if control:
                _skip_blocks(handle)
        elif kind[0] == _TRAILER:
            return


def _skip_colours(handle: IO[bytes], flags: int) -> None:
    if flags & 0x80:
        handle.read(3 * 2 ** ((flags & 7) + 1))


def _skip_blocks(handle: IO[bytes]) -> None:
    """Go to what comes after a chain of blocks; full ones, which pictures consist of, are passed many at a time."""
    while piece := handle.read(_PIECE):
        at = 0
        while at < len(piece):
            size = piece[at]
            if size == _FULL:
                chain = piece[at :: _FULL + 1]
                at += (_FULL + 1) * (len(chain) - len(chain.lstrip(b"\xff")))
                continue
            at += 1 + size
            if size == 0:
                break
        handle.seek(at - len(piece), 1)
        if size == 0:
            return


def _block(handle: IO[bytes]) -> bytes:
    size = handle.read(1)
    return handle.read(size[0]) if size else b""
