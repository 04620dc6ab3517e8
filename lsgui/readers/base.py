"""What a reader is, the table of readers, and the way from a path to a clip."""

import importlib
import logging
import os
import pkgutil
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, Protocol

from lsgui import readers
from lsgui.core.clip import Clip
from lsgui.core.errors import CancelledError
from lsgui.core.plain_file import check_plain, first_bytes, in_time
from lsgui.core.registry import Registry
from lsgui.readers.frame_source import FrameSource, cannot_hold, cannot_reach, cannot_read
from lsgui.readers.frame_store import DEFAULT_BUDGET_BYTES, GrowingFrames
from lsgui.readers.timing import believable

HEAD_BYTES = 4096
"""How much of a file's beginning is looked at to know what it is."""

PICTURE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp"})
"""Single pictures: a folder of them is a clip, one of them is not."""

_log = logging.getLogger(__name__)
logging.getLogger("PIL").setLevel(logging.CRITICAL)  # what it thinks of a damaged picture; we say that it is damaged


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What the user knows better than the file.

    Attributes
    ----------
    colour
        How three samples a pixel are meant in a DICOM file: as its tags say, or as red-green-blue, or as luma-chroma.
    fps
        Frames per second in place of what the file says.
    """

    colour: Literal["auto", "rgb", "ybr"] = "auto"
    fps: float | None = None

    def __post_init__(self) -> None:
        if self.fps is not None and believable(self.fps) is None:
            raise ValueError(f"no clip has {self.fps} frames per second")


class ClipReader(Protocol):
    """Reads one format.

    Contract, held by one test suite over all readers:

    - The module of a reader imports in a few milliseconds: decoders are imported when a clip is opened.
    - `recognises` says from the first bytes alone whether the file is of this format; it never raises.
    - `open` returns a `FrameSource`, whose contract says the rest, or raises `ClipReadError` with one sentence; no
      other exception leaves it, whatever the file holds, and nothing is written to standard output or error.
    - Greyscale of a colour picture is its luma (ITU-R BT.601), which keeps grey pixels exactly as they are.

    Attributes
    ----------
    title
        What people call the format.
    suffixes
        File name endings, lower case with the dot, by which a worklist knows such a file without opening it.
    folders
        True where a clip is a folder of files.
    """

    title: str
    suffixes: frozenset[str]
    folders: bool

    def recognises(self, head: bytes) -> bool:
        """Tell from the first `HEAD_BYTES` bytes of a file whether it is of this format."""
        ...

    def open(self, path: Path, options: ReadOptions) -> FrameSource:
        """Open a clip and decode its first frame."""
        ...


READERS: Registry[type[ClipReader]] = Registry("reader")
"""The readers by name. A module of this folder that registers one is all that a new format needs."""


@cache
def clip_readers() -> dict[str, ClipReader]:
    """Return every reader by name."""
    for part in pkgutil.iter_modules(readers.__path__):
        if not part.ispkg:
            importlib.import_module(f"{readers.__name__}.{part.name}")
    return {name: reader() for name, reader in READERS.items()}


def open_source(path: Path, *, options: ReadOptions | None = None) -> FrameSource:
    """Open a clip for decoding; the reader is chosen by what the file holds, whatever its name says.

    Raises
    ------
    ClipReadError
        One sentence that names the file and says what is wrong with it.
    """
    options = options or ReadOptions()
    path = Path(path)
    warnings.filterwarnings("ignore", module="PIL")  # of a damaged picture it is enough to say that it is damaged
    try:
        if in_time(path, path.is_dir):
            return _folder_reader().open(path, options)
        head = first_bytes(path, HEAD_BYTES)
        reader = _reader_for(path, head)
        return reader.open(path, options)
    except OSError as fault:
        raise cannot_reach(path, fault) from fault
    except MemoryError as fault:
        raise cannot_hold(path) from fault


def open_clip(
    path: Path,
    *,
    options: ReadOptions | None = None,
    budget_bytes: int = DEFAULT_BUDGET_BYTES,
    cancelled: Callable[[], bool] | None = None,
) -> Clip:
    """Read a whole clip.

    Parameters
    ----------
    path
        A DICOM file, a movie, a GIF, or a folder of pictures.
    options
        What the user knows better than the file.
    budget_bytes
        Memory that decoded frames may take; further frames lie in a temporary file.
    cancelled
        Asked before every frame.

    Raises
    ------
    ClipReadError
        When the clip cannot be read.
    CancelledError
        When `cancelled` says so.
    """
    with ExitStack() as undo, open_source(path, options=options) as source:
        store = GrowingFrames(source.info.height, source.info.width, budget_bytes, name=Path(path).name)
        undo.callback(store.close)
        try:
            for frame in source:
                if cancelled is not None and cancelled():
                    raise CancelledError
                store.append(frame)
        except MemoryError as fault:
            raise cannot_hold(path) from fault
        clip = Clip(source.final_info(), store)
        undo.pop_all()
    return clip


@cache
def clip_suffixes() -> tuple[str, ...]:
    """Return the file name endings of every format, sorted, for file dialogs."""
    return tuple(sorted({suffix for reader in clip_readers().values() for suffix in reader.suffixes}))


def is_clip(path: Path) -> bool:
    """Tell whether a path looks like a clip, fast enough for scans of large folders.

    A known suffix is believed. A file whose name has no letters after its last dot (exports without suffix, names
    that are DICOM identifiers) is looked into. A folder is a clip when it holds pictures and nothing that is a clip.
    """
    try:
        if not path.is_dir():
            return path.is_file() and _is_clip_file(path.name, str(path))
        with os.scandir(path) as entries:
            files = [entry for entry in entries if entry.is_file()]
    except OSError:
        return False
    return any(_is_picture(entry.name) for entry in files) and not any(
        _is_clip_file(entry.name, entry.path) for entry in files
    )


def find_clips(folder: Path, cancelled: Callable[[], bool] = lambda: False) -> list[Path]:
    """Return the clips of `walk_clips` as a list."""
    return list(walk_clips(folder, cancelled))


def walk_clips(folder: Path, cancelled: Callable[[], bool] = lambda: False) -> Iterator[Path]:
    """Yield the clips in a folder and below it as they are found, in natural order ("clip 2" before "clip 10").

    Hidden files, linked folders and folders that may not be read are passed over. Each folder is listed once, and a
    file with a known suffix is neither opened nor asked for anything.

    Raises
    ------
    CancelledError
        When `cancelled`, which is asked for every file, says so.
    """
    return (Path(name) for name in _walk(str(folder), cancelled))


def natural_key(path: Path) -> tuple[tuple[int, int, str], ...]:
    """Return the sorting key of a file name that counts as people do: frame_2 before frame_10."""
    return natural_name(path.name)


def natural_name(name: str) -> tuple[tuple[int, int, str], ...]:
    """Return `natural_key` of a name."""
    parts = _NUMBERS_AND_TEXT.findall(name)
    key = tuple((0, int(part), "") if "0" <= part[0] <= "9" else (1, 0, part.casefold()) for part in parts)
    return (*key, (1, 0, name))


_NUMBERS_AND_TEXT = re.compile(r"[0-9]+|[^0-9]+")


def _walk(folder: str, cancelled: Callable[[], bool]) -> Iterator[str]:
    listed = _listed(folder)
    if listed is None:
        return
    inside, has_pictures = listed
    found = False
    for entry, is_folder in inside:
        if cancelled():
            raise CancelledError
        if is_folder:
            for clip in _walk(entry.path, cancelled):
                found = True
                yield clip
        elif _is_clip_file(entry.name, entry.path) and _is_file(entry):
            found = True
            yield entry.path
    if not found and has_pictures:
        yield folder


def _listed(folder: str) -> tuple[list[tuple["os.DirEntry[str]", bool]], bool] | None:
    """Return what may be clips of a folder, in natural order, each with whether it is a folder; and if pictures are.

    Pictures themselves are left out: a folder of frames is one clip, and there may be thousands in it.
    """
    inside: list[tuple[os.DirEntry[str], bool]] = []
    has_pictures = False
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                is_folder = entry.is_dir(follow_symlinks=False)
                if not is_folder and _is_picture(entry.name):
                    has_pictures = True
                else:
                    inside.append((entry, is_folder))
    except OSError as fault:
        _log.info("a folder was passed over: %s", fault.strerror)
        return None
    return sorted(inside, key=lambda pair: natural_name(pair[0].name)), has_pictures


def _is_file(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_file()
    except OSError:
        return False


def _is_picture(name: str) -> bool:
    return _suffix(name) in PICTURE_SUFFIXES and not name.startswith(".")


def _suffix(name: str) -> str:
    """Return the ending of a file name as `Path.suffix` does, in lower case, without the cost of a `Path`."""
    dot = name.rfind(".")
    return name[dot:].lower() if 0 < dot < len(name) - 1 else ""


def _is_clip_file(name: str, path: str) -> bool:
    """Tell whether a file is a clip by its name, or where that says nothing by its first bytes."""
    suffix = _suffix(name)
    if suffix in _suffix_set():
        return True
    if name.startswith(".") or name.upper() == "DICOMDIR" or any(map(str.isalpha, suffix)):
        return False
    try:
        if check_plain(Path(path)) == 0:  # a pipe would keep the scan of a whole folder waiting
            return False
        with Path(path).open("rb", buffering=0) as handle:
            head = handle.read(HEAD_BYTES)
    except OSError:
        return False
    return any(reader.recognises(head) for reader in clip_readers().values())


@cache
def _suffix_set() -> frozenset[str]:
    return frozenset(clip_suffixes())


def _folder_reader() -> ClipReader:
    return next(reader for reader in clip_readers().values() if reader.folders)


def _reader_for(path: Path, head: bytes) -> ClipReader:
    if not head:
        raise cannot_read(path, "it is empty", "copy it again from where it came")
    for reader in clip_readers().values():
        if reader.recognises(head):
            return reader
    suffix = path.suffix.lower()
    if suffix in PICTURE_SUFFIXES:
        raise cannot_read(path, "it is a single picture", "open the folder that holds its frames")
    for reader in clip_readers().values():
        if suffix in reader.suffixes:
            raise cannot_read(
                path, f"what it holds is not {reader.title}, whatever its name says", "export it again from its source"
            )
    raise cannot_read(path, "it is not a clip", "open a DICOM file, a movie, a GIF or a folder of frames")
