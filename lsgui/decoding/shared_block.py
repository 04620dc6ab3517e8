"""Memory that one process fills with frames and another looks at: nothing is copied between them."""

import mmap
import os
import socket
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lsgui.core.clip import Frame
from lsgui.readers.frame_blocks import rooms_in_block

Handle = int | str
"""By what another process finds a block: the number of an open file that is sent over a socket, or on Windows, where
files cannot be sent, a name."""


@dataclass(frozen=True, slots=True)
class BlockShape:
    """How many frames of which size lie in a block."""

    frames: int
    height: int
    width: int

    @property
    def nbytes(self) -> int:
        """Bytes of the block."""
        return self.frames * self.height * self.width


class SharedRooms:
    """Gives arrays of one frame each, in blocks that another process can see. Belongs to one thread.

    Parameters
    ----------
    made
        Told of every block when it is made, before any frame of it is given out. A handle that is a number is closed
        afterwards.
    """

    def __init__(self, made: Callable[[Handle, BlockShape], None]) -> None:
        self._made = made
        self._rooms: list[Frame] = []

    def room(self, height: int, width: int) -> Frame:
        """Return an array that nobody else writes to, (height, width) uint8, filled with anything.

        Raises
        ------
        OSError
            When there is no memory for another block.
        """
        if not self._rooms:
            shape = BlockShape(rooms_in_block(height, width), height, width)
            memory, handle = _new_memory(shape.nbytes)
            try:
                self._made(handle, shape)
            finally:
                if isinstance(handle, int):
                    os.close(handle)  # the mapping keeps the memory
            whole = np.frombuffer(memory, np.uint8)
            self._rooms = list(whole.reshape(shape.frames, height, width))[::-1]
            whole.setflags(write=False)  # its rooms stay writeable until their frames are given out
        return self._rooms.pop()


def see_block(handle: Handle, shape: BlockShape) -> npt.NDArray[np.uint8]:
    """Return the frames of another process's block, (frames, height, width) uint8, read-only; its memory is let go of
    with the array. A handle that is a number is closed.

    Raises
    ------
    OSError
        When the block is not there any more.
    """
    if isinstance(handle, int):
        try:
            memory = mmap.mmap(handle, shape.nbytes, access=mmap.ACCESS_READ)
        finally:
            os.close(handle)
    else:
        memory = _named_memory(handle, shape.nbytes, mmap.ACCESS_READ)
    return np.frombuffer(memory, np.uint8).reshape(shape.frames, shape.height, shape.width)


def handle_channel() -> tuple[socket.socket | None, socket.socket | None]:
    """Return the two ends over which numbers of open files are sent; None where blocks have names."""
    if sys.platform == "win32":
        return None, None
    return socket.socketpair()


def send_handle(handle: Handle, channel: socket.socket | None) -> str | None:
    """Send a handle to the other end; return the name where it is one, which goes with the message about the block."""
    if isinstance(handle, str):
        return handle
    if channel is None:
        raise ValueError("numbers of open files need a channel")
    socket.send_fds(channel, [b"b"], [handle])
    return None


def receive_handle(name: str | None, channel: socket.socket | None) -> Handle:
    """Return the handle that was sent with the message just received.

    Raises
    ------
    OSError
        When the other end is gone.
    """
    if name is not None:
        return name
    if channel is None:
        raise OSError("no block was sent")
    _, handles, _, _ = socket.recv_fds(channel, 1, 1)
    if not handles:
        raise OSError("the process that made the block is gone")
    return handles[0]


def _new_memory(size: int) -> tuple[mmap.mmap, Handle]:
    if sys.platform == "win32":
        import secrets

        name = f"lsgui-{secrets.token_hex(16)}"
        return _named_memory(name, size, mmap.ACCESS_WRITE), name
    descriptor = _memory_file()
    try:
        os.ftruncate(descriptor, size)
        return mmap.mmap(descriptor, size), descriptor
    except OSError:
        os.close(descriptor)
        raise


def _named_memory(name: str, size: int, access: int) -> mmap.mmap:
    if sys.platform == "win32":
        return mmap.mmap(-1, size, tagname=name, access=access)
    raise OSError("blocks have no names on this system")


def _memory_file() -> int:
    """Open a file that lies in memory; where the system has none, one in the temporary folder without a name."""
    # Not /dev/shm, as `multiprocessing.shared_memory` has it: containers give it 64 MB, and what is written beyond
    # that ends the process.
    create = getattr(os, "memfd_create", None)
    if create is not None:
        return int(create("lsgui-frames"))
    with tempfile.TemporaryFile(prefix="lsgui-") as file:
        return os.dup(file.fileno())
