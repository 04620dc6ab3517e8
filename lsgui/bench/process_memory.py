"""What a process holds in memory, and how many threads and open files it has."""

import contextlib
import errno
import importlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lsgui.bench.parts import NotMeasurableError

MB = 1_000_000
"""Bytes of a megabyte, as in the settings' words and on the boxes of memory; 250 MB are 238 MiB."""
_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class ProcessMemory:
    """Memory of one process at one moment, in megabytes of a million bytes.

    Attributes
    ----------
    resident
        All of it that lies in main memory, shared libraries counted in full: the strictest figure.
    own
        The part that no other process shares: what would be free if the process ended.
    highest
        The highest `resident` since the process started; None where the system does not keep it.
    threads, files
        Threads, and open files, pipes and sockets (handles on Windows).
    """

    resident: float
    own: float
    highest: float | None
    threads: int
    files: int


def memory_of(pid: int | None = None) -> ProcessMemory:
    """Return what a process of this user holds; None: this one.

    Linux tells by itself; psutil is asked elsewhere.

    Raises
    ------
    NotMeasurableError
        Where the process has ended, or the system cannot be asked: one sentence.
    """
    pid = os.getpid() if pid is None else pid
    try:
        return _from_proc(pid) if sys.platform == "linux" else _from_psutil(pid)
    except OSError as fault:
        raise NotMeasurableError(
            f"memory: process {pid} cannot be looked at ({fault.strerror or type(fault).__name__})."
        ) from fault


def reset_highest() -> bool:
    """Let `highest` of this process begin anew; False where the system cannot."""
    with contextlib.suppress(OSError):
        (_PROC / "self" / "clear_refs").write_text("5", encoding="ascii")  # proc(5): resets VmHWM
        return sys.platform == "linux"
    return False


def children_of(pid: int) -> list[int]:
    """Return the processes that a process started, and those that they started; empty where it has ended.

    Raises
    ------
    NotMeasurableError
        Where the system cannot be asked.
    """
    if sys.platform != "linux":
        psutil = _psutil()
        with contextlib.suppress(psutil.Error):
            return [child.pid for child in psutil.Process(pid).children(recursive=True)]
        return []
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in (_PROC / str(pid) / "task").iterdir():
            for child in map(int, (task / "children").read_text(encoding="ascii").split()):
                found += [child, *children_of(child)]
    return found


def _from_proc(pid: int) -> ProcessMemory:
    """See proc(5): smaps_rollup is exact, where the counts of statm lag behind by up to 64 pages a thread."""
    folder = _PROC / str(pid)
    held = _fields((folder / "smaps_rollup").read_text(encoding="ascii", errors="replace"))
    status = _fields((folder / "status").read_text(encoding="utf-8", errors="replace"))
    if "Rss" not in held or "VmHWM" not in status:
        raise ProcessLookupError(errno.ESRCH, "it has ended")
    own = held["Private_Clean"] + held["Private_Dirty"]
    files = sum(1 for _ in (folder / "fd").iterdir())
    return ProcessMemory(
        held["Rss"] * 1024 / MB, own * 1024 / MB, status["VmHWM"] * 1024 / MB, int(status["Threads"]), files
    )


def _fields(text: str) -> dict[str, int]:
    found = {}
    for line in text.splitlines():
        name, _, rest = line.partition(":")
        number = rest.split(maxsplit=1)[:1]
        if number and number[0].isdigit():
            found[name] = int(number[0])
    return found


def _from_psutil(pid: int) -> ProcessMemory:
    psutil = _psutil()
    try:
        process = psutil.Process(pid)
        plain = process.memory_info()
        try:
            own = process.memory_full_info().uss
        except psutil.AccessDenied:  # macOS: another process, even one's own
            own = plain.rss
        highest = getattr(plain, "peak_wset", None)
        files = process.num_handles() if sys.platform == "win32" else process.num_fds()
        return ProcessMemory(
            plain.rss / MB, own / MB, None if highest is None else highest / MB, process.num_threads(), files
        )
    except psutil.Error as fault:
        raise ProcessLookupError(errno.ESRCH, str(fault)) from fault


def _psutil() -> Any:
    try:
        return importlib.import_module("psutil")
    except ImportError as fault:
        raise NotMeasurableError("memory: psutil is not installed, and this part needs it on this system.") from fault
