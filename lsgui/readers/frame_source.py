"""One pass over the frames of a clip while it is being decoded."""

import errno
import logging
import tempfile
from collections.abc import Callable, Generator
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from lsgui.core.clip import ClipInfo, Frame
from lsgui.core.errors import ClipReadError
from lsgui.core.plain_file import UnfitFileError

MAX_PIXELS, MAX_SIDE = 4096 * 4096, 16_384
"""The largest frame that is decoded, twice that of a 4K screen: a header that claims more is damaged or hostile."""

MAX_FRAMES = 20_000
"""The longest clip, a quarter of an hour at 25 frames a second."""

UNFOLDED_BYTES, MOST_BYTES = 1 << 27, 1 << 33
"""Bytes of grey to which any file may unfold, and the largest clip; what comes to more than the first must have a size
to match (`unfolds` of `FrameSource`)."""

ASSUMED_FPS = 25.0
"""Frames per second where a file says nothing; always marked `fps_source` "assumed"."""

FrameStream = Generator[Frame, None, None]
Describe = Callable[[int, int, int], ClipInfo]

DISK_FULL = frozenset({errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)})
"""What the system answers when there is no room to write."""

_log = logging.getLogger(__name__)


def cannot_read(path: Path, fault: str, remedy: str) -> ClipReadError:
    """Return the one sentence that names the file, says what is wrong with it and what to do."""
    name = "".join(sign if sign.isprintable() else "?" for sign in path.name or str(path))
    return ClipReadError(f"{name} cannot be read: {fault}; {remedy}.")


def cannot_hold(path: Path) -> ClipReadError:
    """Return the sentence for a clip that the memory has no room for."""
    return cannot_read(path, "there is not enough memory for it", "close other programs and open it again")


def cannot_reach(path: Path, fault: OSError) -> ClipReadError:
    """Return the sentence for a file that the system would not give."""
    if isinstance(fault, UnfitFileError):
        return cannot_read(path, str(fault.strerror), "check where it came from, or copy it again")
    if isinstance(fault, FileNotFoundError):
        return cannot_read(path, "it is not there", "check whether it was moved or its drive was taken away")
    if isinstance(fault, PermissionError):
        return cannot_read(path, "you may not read it", "ask its owner for access or copy it to a folder of your own")
    if fault.errno in DISK_FULL:
        return cannot_read(path, f"the disk with {tempfile.gettempdir()} is full", "free some space")
    why = (fault.strerror or type(fault).__name__).lower()
    return cannot_read(path, f"the system says {why!r}", "check its drive and try again")


def check_size(path: Path, width: int, height: int) -> None:
    """Refuse a frame size that no scanner makes, before any memory is taken for it.

    Raises
    ------
    ClipReadError
        When the size is not positive, has more than `MAX_PIXELS` pixels, or a side of more than `MAX_SIDE`.
    """
    if width < 1 or height < 1 or width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise cannot_read(
            path, f"its frames claim to be {width} x {height} pixels", "the file is damaged, export it again"
        )


class FrameSource:
    """The frames of one clip, in order, once.

    Contract, held by one test suite over all readers:

    - Opening decodes the first frame, so a clip that cannot be read fails on opening with `ClipReadError`.
    - Iteration yields every frame exactly once, in the order of the file: the k-th is frame k. Each is a read-only
      (height, width) uint8 array that nobody else holds.
    - `info` is known from the start; its `frames` is an estimate until the last frame is out. `final_info()` has the
      exact count after that (and what has been decoded so far before).
    - A file that ends early or holds a damaged frame gives the frames before the damage, and `final_info().note` says
      so; frames are never skipped or repeated. So does one that unfolds to far more than its size, or never ends.
    - `close` may be called at any time and twice; it lets go of the file, which can then be moved or deleted.
    - A source belongs to one thread.

    Parameters
    ----------
    path
        The clip, for messages.
    frames
        The decoder. `ClipReadError` out of it means that this frame is damaged.
    describe
        Gives what the file says for (frames, width, height).
    declared
        How many frames the file says it has.
    slack
        How many frames may be missing from `declared` before the file counts as damaged; None where `declared` is only
        an estimate.
    unfolds
        Times its size to which a file of this format may unfold, beyond `UNFOLDED_BYTES`.
    """

    def __init__(
        self,
        path: Path,
        frames: FrameStream,
        describe: Describe,
        *,
        declared: int,
        slack: int | None = 0,
        unfolds: int = 100,
    ) -> None:
        self._path = path
        self._unfolds = unfolds
        self._most_bytes: int | None = None
        self._frames = frames
        self._describe = describe
        self._declared = max(declared, 1)
        self._slack = slack
        self._given = 0
        self._decoded = 0
        self._note = ""
        self._exhausted = False
        try:
            first = self._decode()
            if first is None:
                raise cannot_read(path, "it holds no frame that can be decoded", "export it again")
            self._height, self._width = first.shape
            check_size(path, self._width, self._height)
            self._next: Frame | None = first
            self.info = describe(self._declared, self._width, self._height)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Frame:
        frame = self._next if self._given == 0 else self._decode()
        self._next = None
        if frame is None:
            raise StopIteration
        if frame.shape != (self._height, self._width):
            height, width = frame.shape
            raise cannot_read(
                self._path,
                f"its frames differ in size (frame 1 is {self._width} x {self._height}, "
                f"frame {self._given + 1} is {width} x {height})",
                "put frames of one size together",
            )
        self._given += 1
        frame.setflags(write=False)
        return frame

    def final_info(self) -> ClipInfo:
        """Return what is known now: the exact frame count once every frame is out."""
        info = self._describe(max(self._given, 1), self._width, self._height)
        return replace(info, note=self._note)

    def close(self) -> None:
        """Stop decoding and let go of the file."""
        self._exhausted = True
        self._frames.close()

    def _decode(self) -> Frame | None:
        if self._exhausted:
            return None
        try:
            if self._unfolded_too_far():
                return None
            frame = next(self._frames)
        except StopIteration:
            self._finish("")
            return None
        except ClipReadError as fault:
            if self._decoded == 0:
                raise
            self._finish(f"Frame {self._decoded + 1} of {self._declared} is damaged: only those before it are shown.")
            _log.info("decoding stopped: %s", type(fault.__cause__ or fault).__name__)
            return None
        except OSError as fault:
            raise cannot_reach(self._path, fault) from fault
        except MemoryError as fault:
            raise cannot_hold(self._path) from fault
        self._decoded += 1
        return frame

    def _unfolded_too_far(self) -> bool:
        """Tell whether no clip has as many frames as this, and end it here if so."""
        if self._decoded < 1:
            return False
        unfolded = (self._decoded + 1) * self._height * self._width
        if unfolded > UNFOLDED_BYTES and self._most_bytes is None:
            self._most_bytes = most_unfolded(self._path, self._unfolds)
        if self._decoded < MAX_FRAMES and (self._most_bytes is None or unfolded <= self._most_bytes):
            return False
        self._finish(f"Only the first {self._decoded} frames are shown: the file unfolds to more than a clip can be.")
        self._frames.close()
        return True

    def _finish(self, note: str) -> None:
        self._exhausted = True
        missing = self._declared - self._decoded
        if not note and self._slack is not None and missing > self._slack:
            note = f"The file promises {self._declared} frames and holds {self._decoded}: export it again."
        self._note = note


def most_unfolded(path: Path, unfolds: int) -> int:
    """Return the bytes of grey to which a file, or all files of a folder, may unfold."""
    files = path.iterdir() if path.is_dir() else (path,)
    size = sum(file.stat().st_size for file in files if file.is_file())
    return min(max(UNFOLDED_BYTES, unfolds * size), MOST_BYTES)
