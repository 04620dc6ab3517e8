"""How many worker processes a machine can feed: by cores, by memory, and by the GPU that they would share."""

import contextlib
import os
import platform
import sys
from pathlib import Path

from lsgui.inference.device import core_count
from lsgui.inference.protocol import DeviceChoice

WORKER_BYTES = 1_500_000_000
"""What a worker may hold. Measured with 900 frames of 640 x 480 and the default model: 1.44 GB at its highest."""

MOST_ON_A_GPU = 4
"""Each worker on a GPU has its own copy of network and runtime there."""


def job_count(clips: int, device: DeviceChoice) -> int:
    """Return how many workers to start for so many clips: one a core, fewer where memory is short, at least one."""
    most = [core_count(), clips]
    free = available_memory()
    if free is not None:
        most.append(free // WORKER_BYTES)
    if device != "cpu" and has_gpu():
        most.append(MOST_ON_A_GPU)
    return max(1, min(most))


def threads_each(jobs: int) -> int:
    """Return the processor threads that each of so many workers may use, so that together they fill the cores."""
    return max(1, core_count() // max(1, jobs))


def available_memory() -> int | None:
    """Return the bytes of memory that can be had without swapping; None where the system does not tell."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        system = platform.system()
        if system == "Linux":
            return _linux_memory(Path("/"))
        if system == "Windows":
            return _windows_memory()
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2  # what is free is not told in one call
    return None


def has_gpu() -> bool:
    """Return whether an NVIDIA driver is here; asking torch would load it into the process that only hands out work."""
    if platform.system() == "Windows":
        return (Path(os.environ.get("SYSTEMROOT", "C:\\Windows")) / "System32" / "nvcuda.dll").exists()
    return Path("/dev/nvidiactl").exists()


def _linux_memory(root: Path) -> int | None:
    found = None
    for line in (root / "proc/meminfo").read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith("MemAvailable:"):
            found = int(line.split()[1]) * 1024
    with contextlib.suppress(OSError, ValueError):  # no limit of a container: "max", or no such files
        group = root / "sys/fs/cgroup"
        limit = int((group / "memory.max").read_text(encoding="ascii"))
        left = max(0, limit - int((group / "memory.current").read_text(encoding="ascii")))
        found = left if found is None else min(found, left)
    return found


def _windows_memory() -> int | None:
    import ctypes

    class Status(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ulong), ("load", ctypes.c_ulong)] + [
            (name, ctypes.c_ulonglong)
            for name in ("total", "free", "page_total", "page_free", "virtual_total", "virtual_free", "extended_free")
        ]

    status = Status(length=ctypes.sizeof(Status))
    if sys.platform == "win32" and ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
        return int(status.free)
    return None
