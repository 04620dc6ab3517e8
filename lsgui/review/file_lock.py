"""A lock on an open file that the system takes back when its program ends, however it ends."""

import sys
from typing import IO

_FAR = 1 << 30
"""Where Windows locks a byte: beyond what is written, for a locked byte cannot be read by others."""


def try_lock(file: IO[bytes]) -> bool:
    """Lock an open file for this program, or return False while another one holds it.

    Raises
    ------
    OSError
        Where the file system knows no locks.
    """
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(_FAR)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True
