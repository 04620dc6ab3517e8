"""What machine this is, without its name: for a report on a fault."""

import locale
import os
import platform
import shutil
import sys
from pathlib import Path
from typing import Any

from lsgui.review.paths import labels_file, log_dir

_GB = 1e9


def machine_facts() -> dict[str, Any]:
    """Return system, processor, memory, free space and graphics cards."""
    return {
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processor": _processor(),
        "cores": _cores(),
        "memory_gb": _memory_gb(),
        "free_gb": {name: _free_gb(folder) for name, folder in (("data", labels_file().parent), ("log", log_dir()))},
        "graphics cards": _graphics_cards(),
        "encoding": locale.getpreferredencoding(False),
        "file names": sys.getfilesystemencoding(),
        "desktop": os.environ.get("XDG_SESSION_TYPE", ""),
    }


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass  # there is none but on Linux
    return platform.processor()


def _memory_gb() -> float | None:
    if hasattr(os, "sysconf") and {"SC_PAGE_SIZE", "SC_PHYS_PAGES"} <= set(os.sysconf_names):
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / _GB, 1)
    return None


def _free_gb(folder: Path) -> float | None:
    try:
        return round(shutil.disk_usage(folder).free / _GB, 2)
    except OSError:
        return None


def _graphics_cards() -> list[str]:
    """Return the CUDA devices as their driver lists them, where it lists them in files (Linux)."""
    found = []
    for file in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information")):
        try:
            lines = file.read_text("utf-8", "replace").splitlines()
        except OSError:
            continue
        found += [line.partition(":")[2].strip() for line in lines if line.startswith("Model:")]
    return found
