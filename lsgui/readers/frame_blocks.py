"""Room for frames that are decoded one after the other, taken from the system in large blocks."""

import threading

import numpy as np
import numpy.typing as npt

from lsgui.core.clip import Frame

BLOCK_BYTES = 33 << 20
"""Frames lie in blocks of this size for two reasons, both measured on 300 frames of 800 x 600. Rooms of their own cost
a fifth of the decoding, in 35,000 faults of 4 KiB pages. And glibc gives what is larger than 32 MiB back to the system
once it is let go of (mallopt(3), M_MMAP_THRESHOLD), while frames by themselves stayed with the process. Of a block
only what is used becomes resident.
"""


MOST_ROOMS = 1024
"""Frames of a block, however small they are: a block of single pixels would be millions of arrays."""


def rooms_in_block(height: int, width: int) -> int:
    """Return how many frames of a size lie in one block."""
    return min(max(BLOCK_BYTES // max(height * width, 1), 1), MOST_ROOMS)


class FrameBlocks:
    """Gives arrays of one frame each. May be called from several threads at once.

    A block lives as long as any frame of it. It is marked read-only once it is cut up, so that a frame of it is as safe
    as one of its own when it, too, is marked.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rooms: list[npt.NDArray[np.uint8]] = []

    def room(self, height: int, width: int) -> Frame:
        """Return an array that nobody else holds, (height, width) uint8, filled with anything."""
        with self._lock:
            if not self._rooms or self._rooms[-1].shape != (height, width):
                block = np.empty((rooms_in_block(height, width), height, width), dtype=np.uint8)
                self._rooms = list(block)[::-1]
                block.setflags(write=False)  # its rooms stay writeable until their frames are given out
            return self._rooms.pop()


def lies_in_block(frame: Frame) -> bool:
    """Tell whether a frame is a finished one of a block: nobody can write to it, here or through the block."""
    block = frame.base
    return (
        isinstance(block, np.ndarray)
        and not block.flags.writeable
        and not frame.flags.writeable
        and frame.flags.c_contiguous
    )
