"""What the monkey plays with, and what is known of its process: clips of every kind, threads, children and memory."""

import os
from pathlib import Path

import cv2
import numpy as np

from lsgui.annotation.store import AnnotationStore
from lsgui.core.resources import resources_dir

TINY = ((1, (64, 48)), (12, (96, 72)), (200, (320, 240)), (40, (33, 500)))
"""Frames and size of the tiny clips."""


def write_clips(folder: Path, more: Path | None) -> list[Path]:
    """Write tiny clips and damaged ones beside copies of the demo clips and of what `more` holds.

    A copy has another name than its original, so that a verdict that stands beside the wrong clip shows.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for number, (frames, size) in enumerate(TINY):
        noise = np.random.default_rng(number)
        writer = cv2.VideoWriter(str(folder / f"tiny {number}.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 25.0, size)
        for _ in range(frames):
            writer.write(np.repeat(noise.integers(0, 255, (*size[::-1], 1), dtype=np.uint8), 3, axis=2))
        writer.release()
    demo = resources_dir() / "demo"
    for path in (*demo.glob("*.mp4"), *demo.glob("*.dcm")):
        (folder / f"ward {path.name}").write_bytes(path.read_bytes())
    (folder / "damaged.mp4").write_bytes((folder / "ward sliding.mp4").read_bytes()[:3000])
    (folder / "empty.avi").write_bytes(b"")
    if more is not None:
        for path in sorted(more.iterdir()):
            if path.suffix.lower() in (".mp4", ".mpeg", ".mov", ".avi", ".dcm"):
                (folder / path.name).write_bytes(path.read_bytes())
    return sorted(folder.iterdir())


def write_other_readers(store: Path, hashes: dict[Path, str]) -> None:
    """Let two readers disagree on the clips, so that there is something to adjudicate."""
    with AnnotationStore(store) as opened:
        for path, digest in hashes.items():
            opened.save_reading(digest, path.name, "AK", "ls_p")
            opened.save_reading(digest, path.name, "MB", "ls_a")


def children_of(pid: int) -> list[int]:
    """Return the processes that a process started, where the system tells; Python's own tracker is none of them."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(child) for child in task.read_text("ascii").split() if not _is_helper(child)]
        except OSError:
            continue
    return found


def _is_helper(pid: str) -> bool:
    try:
        return b"resource_tracker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return True


def memory_mb(pid: int | str = "self") -> int:
    """Return the resident memory of a process, 0 where the system does not tell."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") >> 20
    except (OSError, AttributeError, ValueError):
        return 0


def threads_of() -> int:
    """Return how many threads of any kind this process has, 0 where the system does not tell."""
    try:
        return len(list(Path("/proc/self/task").iterdir()))
    except OSError:
        return 0


def open_files() -> int:
    """Return how many files, pipes and sockets are open, 0 where the system does not tell."""
    try:
        return len(list(Path("/proc/self/fd").iterdir()))
    except OSError:
        return 0
