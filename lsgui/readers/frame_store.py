"""Frames with random access while they are still being decoded, in memory up to a budget and on disk beyond it."""

import errno
import logging
import os
import tempfile
import threading
import weakref
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from typing import BinaryIO, cast

import numpy as np

from lsgui.core.clip import Frame
from lsgui.core.errors import ClipReadError
from lsgui.readers.frame_blocks import FrameBlocks, lies_in_block
from lsgui.readers.frame_source import DISK_FULL

DEFAULT_BUDGET_BYTES = 512 * 1024 * 1024

_PREAD = getattr(os, "pread", None)  # reads at a place without moving the file's position; Windows has none

_log = logging.getLogger(__name__)


@contextmanager
def temporary_file() -> Generator[BinaryIO]:
    """Open an unbuffered temporary file without a name, which the system removes when it is closed."""
    with tempfile.TemporaryFile(prefix="lsgui-", buffering=0) as file:
        yield cast(BinaryIO, file)


def frames_within(budget_bytes: int, height: int, width: int) -> int:
    """Return how many frames of this size memory of `budget_bytes` holds; one at least."""
    return max(budget_bytes // max(height * width, 1), 1)


class GrowingFrames:
    """A `FrameStore` that grows at its end.

    The first frames stay in memory until `budget_bytes` are used; later ones go to a temporary file without a name,
    which the system removes when the store is closed or forgotten. The file is read by seek and read rather than
    mapped, so that frames once looked at do not stay resident.

    All methods may be called from any thread: one thread appends while others ask for frames.

    Parameters
    ----------
    height, width
        Size of every frame in pixels.
    budget_bytes
        Memory that the frames may take.
    name
        What to call the clip when the disk is full.
    """

    def __init__(
        self, height: int, width: int, budget_bytes: int = DEFAULT_BUDGET_BYTES, *, name: str = "The clip"
    ) -> None:
        self._shape = (height, width)
        self._frame_bytes = height * width
        self._in_memory = frames_within(budget_bytes, height, width)
        self._name = name
        self._lock = threading.Lock()
        self._frames: list[Frame] = []
        self._blocks = FrameBlocks()
        self._spilled = 0
        self._spill: BinaryIO | None = None
        self._reading = threading.Lock()
        self._descriptor: int | None = None
        self._closed = False
        self._undo = ExitStack()
        weakref.finalize(self, self._undo.close)

    def __len__(self) -> int:
        return len(self._frames) + self._spilled

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) of every frame."""
        return self._shape

    @property
    def spilled(self) -> int:
        """How many frames lie on disk."""
        return self._spilled

    def append(self, frame: Frame) -> None:
        """Add a frame at the end: itself where a decoder put it into a block of `FrameBlocks`, else its copy.

        Raises
        ------
        ClipReadError
            When the frame goes to disk and the disk is full.
        ValueError
            When the frame has another size or type than the store, or the store is closed.
        """
        if frame.shape != self._shape or frame.dtype != np.uint8:
            raise ValueError(f"a frame of {frame.shape} {frame.dtype} in a store of {self._shape} uint8")
        with self._lock:
            if self._closed:
                raise ValueError("the store is closed")
            if len(self._frames) < self._in_memory:
                self._frames.append(self._kept(frame))
            else:
                self._write(frame)

    def frame(self, index: int) -> Frame:
        """Return frame `index`, (height, width) uint8, read-only.

        Raises
        ------
        IndexError
            When there is no such frame yet, or the store is closed.
        """
        frames = self._frames
        if 0 <= index < len(frames):  # without the lock: a slow disk must not keep a player from frames in memory
            return frames[index]
        with self._reading:  # nor the frame that is being written just now from those on disk
            if self._descriptor is not None:
                return self._read(self._row(index), self._descriptor)
        with self._lock:
            return self._read(self._row(index), None)

    def close(self) -> None:
        """Let go of memory and disk. May be called twice; afterwards the store is empty."""
        with self._lock, self._reading:
            self._closed = True
            self._descriptor = None
            self._frames = []
            self._blocks = FrameBlocks()
            self._spilled = 0
            self._spill = None
            self._undo.close()

    def _kept(self, frame: Frame) -> Frame:
        """Return a frame that a decoder wrote into a block, else its copy in one."""
        if lies_in_block(frame):
            return frame
        room = self._blocks.room(*self._shape)
        room[...] = frame
        room.setflags(write=False)
        return room

    def _write(self, frame: Frame) -> None:
        if self._spill is None:
            self._spill = self._new_spill()
            self._descriptor = _descriptor_of(self._spill)
        try:
            self._spill.seek(self._spilled * self._frame_bytes)
            left = np.ascontiguousarray(frame).data.cast("B")
            while left:
                left = left[self._spill.write(left) :]
        except OSError as fault:
            raise self._no_room(fault) from fault
        self._spilled += 1

    def _row(self, index: int) -> int:
        if not 0 <= index < len(self._frames) + self._spilled:
            raise IndexError(index)
        return index - len(self._frames)

    def _read(self, row: int, descriptor: int | None) -> Frame:
        if self._spill is None:
            raise IndexError(row)
        data = b""
        while (left := self._frame_bytes - len(data)) > 0:  # an unbuffered file may give less than was asked for
            at = row * self._frame_bytes + len(data)
            if descriptor is not None and _PREAD is not None:
                part = _PREAD(descriptor, left, at)
            else:
                self._spill.seek(at)
                part = self._spill.read(left)
            if not part:
                raise OSError(errno.EIO, "the temporary file is shorter than what was written to it")
            data = data + part if data else part
        return np.frombuffer(data, dtype=np.uint8).reshape(self._shape)

    def _new_spill(self) -> BinaryIO:
        try:
            spill = self._undo.enter_context(temporary_file())
        except OSError as fault:
            raise self._no_room(fault) from fault
        _log.debug("frames beyond the memory budget go to a temporary file")
        return spill

    def _no_room(self, fault: OSError) -> ClipReadError:
        folder = tempfile.gettempdir()
        if fault.errno in DISK_FULL:
            why = f"the disk with the temporary folder {folder} is full; free some space there and open the clip again"
        else:
            why = f"the temporary folder {folder} cannot be written ({fault.strerror or fault}); check it and try again"
        return ClipReadError(f"{self._name} is too long for memory and {why}.")


def _descriptor_of(file: BinaryIO) -> int | None:
    """Return the number by which the system knows a file, None where frames cannot be read by it."""
    try:
        return None if _PREAD is None else file.fileno()
    except OSError:
        return None
