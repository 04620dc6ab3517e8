"""What child processes of the program share: how they are started, and that they step back behind the window."""

import contextlib
import os
import signal
import sys
import threading
import types
from collections.abc import Iterator
from typing import Any

BELOW_NORMAL_PRIORITY_CLASS = 0x4000
NICENESS = 10
_spawning = threading.Lock()


@contextlib.contextmanager
def no_main_module() -> Iterator[None]:
    """Start a child process within this block, so that it does not import the parent's main module again."""
    # A spawned process imports its parent's main module again, which runs a script a second time and fails where the
    # program was started from a pipe, a notebook or a file that is gone. The worker needs nothing of it.
    with _spawning:
        main: Any = sys.modules.get("__main__")
        sys.modules["__main__"] = types.ModuleType("__main__")
        try:
            yield
        finally:
            sys.modules["__main__"] = main


def step_back() -> None:
    """Let a child process leave Ctrl+C to its owner, and the processor to the window."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the owner, who then ends this process
    if sys.platform == "win32":
        import ctypes

        kernel = ctypes.windll.kernel32
        kernel.SetPriorityClass(kernel.GetCurrentProcess(), BELOW_NORMAL_PRIORITY_CLASS)
    else:
        os.nice(NICENESS)
