"""What child processes of the program share: how they are started, and that they step back behind the window."""

import contextlib
import faulthandler
import os
import signal
import sys
import threading
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lsgui.core.late_imports import nothing_loading

BELOW_NORMAL_PRIORITY_CLASS = 0x4000
NICENESS = 10
_spawning = threading.Lock()


@contextlib.contextmanager
def no_main_module() -> Iterator[None]:
    """Start a child process within this block, so that it does not import the parent's main module again."""
    # A spawned process imports its parent's main module again, which runs a script a second time and fails where the
    # program was started from a pipe, a notebook or a file that is gone. The worker needs nothing of it.
    with nothing_loading(), _spawning:
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


@contextlib.contextmanager
def deaf_to_interrupts() -> Iterator[None]:
    """Start a child process within this block, so that Ctrl+C is its owner's alone from its first moment on."""
    if threading.current_thread() is not threading.main_thread():  # only the main thread may change signals
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # a child inherits what is ignored
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def write_output_to(log: Path) -> None:
    """Send all that this process and its native libraries write to standard output and error to a file instead."""
    # By descriptor, so that native libraries are silent as well; a windowed program may have no streams at all.
    target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for descriptor in (1, 2):
        os.dup2(target, descriptor)
    sys.stdout = sys.stderr = log.open("a", buffering=1, encoding="utf-8", errors="replace")
    faulthandler.enable(sys.stderr)
