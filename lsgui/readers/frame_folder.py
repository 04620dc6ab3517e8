"""A folder of PNG, JPEG, TIFF or BMP frames, in natural order."""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lsgui.core.clip import ClipInfo, Frame
from lsgui.core.errors import ClipReadError
from lsgui.core.late_imports import load
from lsgui.readers.ahead import decoded_ahead
from lsgui.readers.base import PICTURE_SUFFIXES, READERS, ReadOptions, natural_key
from lsgui.readers.colour_meter import ColourMeter
from lsgui.readers.frame_source import (
    ASSUMED_FPS,
    FrameSource,
    FrameStream,
    cannot_reach,
    cannot_read,
    check_size,
    most_unfolded,
)
from lsgui.readers.jpeg_scans import goes_on_for_ever

_FORMATS = ("PNG", "JPEG", "TIFF", "BMP")
_UNFOLDS = 50
"""Times their size to which pictures may unfold: dark frames as PNG come to twenty."""
_DEEP_MODES = ("I", "F", "I;16", "I;16L", "I;16B", "I;16N")


@READERS.register("frames")
class FrameFolderReader:
    """Reads a folder whose pictures are the frames of one clip.

    Pictures deeper than 8 bits are scaled alike over the whole folder: from 0 to the next full range (255, 511, 1023,
    ...) above its brightest pixel, so that brightness never flickers; negative and fractional pixels from the folder's
    darkest to its brightest.
    """

    title = "a folder of frames"
    suffixes: frozenset[str] = frozenset()
    folders = True

    def recognises(self, head: bytes) -> bool:
        """Tell that no single file is such a clip."""
        return False

    def open(self, path: Path, options: ReadOptions) -> FrameSource:
        """Open a folder and decode its first frame."""
        pictures = frame_files(path)
        if not pictures:
            raise cannot_read(
                path, "the folder holds no PNG, JPEG, TIFF or BMP frames", "open a folder with frames or a single clip"
            )

        def describe(frames: int, width: int, height: int) -> ClipInfo:
            fps, source = (options.fps, "given") if options.fps else (ASSUMED_FPS, "assumed")
            return ClipInfo(path, "frames", frames, width, height, fps, source, colour_share=colour.share)

        colour = ColourMeter()
        return FrameSource(path, _frames(path, pictures, colour), describe, declared=len(pictures), unfolds=_UNFOLDS)


def frame_files(folder: Path) -> list[Path]:
    """Return the pictures of a folder in natural order: frame_2 before frame_10. Hidden files are none."""
    found = [
        entry
        for entry in folder.iterdir()
        if entry.suffix.lower() in PICTURE_SUFFIXES and not entry.name.startswith(".") and entry.is_file()
    ]
    return sorted(found, key=natural_key)


def _frames(folder: Path, pictures: Sequence[Path], colour: ColourMeter) -> FrameStream:
    lock = threading.Lock()
    in_colour = frozenset(picture for picture in pictures if colour.wants_next())
    scales: list[tuple[float, float]] = []

    def scale() -> tuple[float, float]:
        with lock:  # all pictures are read for it: once
            if not scales:
                scales.append(_common_range(folder, pictures))
            return scales[0]

    def decode(picture: Path) -> Frame:
        pixels = _pixels(folder, picture, colour if picture in in_colour else None)
        return pixels if pixels.dtype == np.uint8 else _to_bytes(pixels, *scale())

    return decoded_ahead(pictures, decode)


def _pixels(folder: Path, picture: Path, colour: ColourMeter | None = None) -> npt.NDArray[Any]:
    """Return one picture as luma, (height, width): uint8, or as deep as the file has it; `colour` looks at it too."""
    load("PIL.Image")
    from PIL import Image, UnidentifiedImageError

    Image.MAX_IMAGE_PIXELS = None  # sizes are checked below, with a sentence in place of Pillow's warning
    try:
        with picture.open("rb") as handle:
            if goes_on_for_ever(handle):
                raise ValueError("more scans than a picture has")
            image = Image.open(handle, formats=_FORMATS)
            if colour is not None and image.mode not in ("L", "1", *_DEEP_MODES):
                check_size(folder, *image.size)
                colour.see(np.asarray(image.convert("RGB")))
                handle.seek(0)
                image = Image.open(handle, formats=_FORMATS)  # its luma is to be what it is without that look
            return _decode(folder, image)
    except UnidentifiedImageError as fault:
        raise _damaged(folder, picture) from fault
    except OSError as fault:
        if fault.errno is not None:
            raise cannot_reach(picture, fault) from fault
        raise _damaged(folder, picture) from fault
    except (ValueError, SyntaxError, EOFError, LookupError, TypeError, OverflowError) as fault:
        raise _damaged(folder, picture) from fault


def _decode(folder: Path, image: Any) -> npt.NDArray[Any]:
    check_size(folder, *image.size)
    if image.mode in _DEEP_MODES:
        return np.array(image)
    image.draft("L", image.size)  # a JPEG gives its luma without making colours first
    return np.array(image if image.mode == "L" else image.convert("L"))


def _damaged(folder: Path, picture: Path) -> ClipReadError:
    return cannot_read(folder, f"{picture.name} is damaged or not the picture its name says", "write it again")


def _common_range(folder: Path, pictures: Sequence[Path]) -> tuple[float, float]:
    low, high = 0.0, 0.0
    whole, left = True, most_unfolded(folder, _UNFOLDS)
    for picture in pictures:
        if left <= 0:
            break  # as many frames as will be shown
        try:
            pixels = _pixels(folder, picture)
        except ClipReadError:
            break  # decoding will stop here too, and say so
        left -= pixels.size
        if pixels.dtype == np.uint8:
            continue
        whole = whole and pixels.dtype.kind in "iu"
        finite = pixels[np.isfinite(pixels)] if pixels.dtype.kind == "f" else pixels
        if finite.size:
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    if whole and low == 0.0:
        high = float(2 ** max(int(high).bit_length(), 8) - 1)
    return low, high


def _to_bytes(pixels: npt.NDArray[Any], low: float, high: float) -> Frame:
    if pixels.dtype == np.uint16:  # by a table of all values: a tenth of the time
        table = _scaled(np.arange(1 << 16, dtype=np.uint16), low, high)
        return np.take(table, pixels)
    return _scaled(pixels, low, high)


def _scaled(pixels: npt.NDArray[Any], low: float, high: float) -> Frame:
    scaled = (np.nan_to_num(pixels.astype(np.float32)) - low) * (255.0 / max(high - low, 1e-12))
    return np.asarray(np.clip(np.rint(scaled), 0, 255), dtype=np.uint8)
