"""What `lsgui.gui.play_test` measures of a window: how it opened, how it played, whether it stuttered, what it used."""

import multiprocessing
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

HEAVY = ("torch", "torchvision", "cv2", "scipy", "sklearn", "pydicom", "PIL", "pydantic", "rich", "typer", "sqlite3")
"""Libraries that a window does not need before its first painting."""


@dataclass(frozen=True, slots=True)
class StartReport:
    """How the window opened.

    Attributes
    ----------
    wall_s
        Seconds from the start of the process to the end of the first painting; None where the system does not tell
        when a process started.
    painted_at
        The moment of the first painting, in seconds since 1970: for whoever started the process.
    cpu_s
        Processor time that the process used until then.
    modules
        Python modules loaded until then.
    heavy
        Those of `HEAVY` among them.
    """

    wall_s: float | None
    painted_at: float
    cpu_s: float
    modules: int
    heavy: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StallReport:
    """Whether the window stuttered while something went on.

    Attributes
    ----------
    seconds
        How long it was watched.
    longest_ms
        The longest gap of a 16 ms timer: what a person would see.
    over_50_ms
        How many gaps were longer than 50 ms.
    busiest_ms
        The longest work of the GUI thread itself between two ticks, in processor time.
    """

    seconds: float
    longest_ms: float
    over_50_ms: int
    busiest_ms: float


@dataclass(frozen=True, slots=True)
class PlayReport:
    """How a clip played.

    Attributes
    ----------
    asked_fps, shown_fps
        The frames a second that were due, and those that were painted.
    dropped
        Frames that were due but never painted; the screen's own rate is the most that can be due.
    paint_ms
        Processor time of the GUI thread for a painted frame, all that it does between two frames included.
    stall
        Whether it stuttered.
    """

    asked_fps: float
    shown_fps: float
    dropped: int
    paint_ms: float
    stall: StallReport


@dataclass(frozen=True, slots=True)
class IdleReport:
    """What a window uses while nothing happens in it, in per cent of one core.

    Attributes
    ----------
    seconds
        How long it was left alone.
    window_percent, worker_percent
        Of its own process, and of its worker's; the latter None where there is no worker or the system does not tell.
    """

    seconds: float
    window_percent: float
    worker_percent: float | None


@dataclass(frozen=True, slots=True)
class WindowReport:
    """All that was measured; what the errand did not hold is missing from the mappings.

    Attributes
    ----------
    platform
        Qt's name of the windowing system: "xcb", "wayland", "windows", "cocoa"; "offscreen" without a screen.
    refresh_hz
        Pictures a second of the screen.
    start
        How the window opened.
    plays
        By what went on: "before_analysis", "analysing", "bare", "switching" (overlays in turn), "evidence" (heat map
        and ribbon on), "fast" (the same at four times the speed), "exporting".
    stalls
        By what went on while nothing played: "decoding", "listing".
    idles
        By what is on screen: "start", "clip", "verdict", "worklist".
    """

    platform: str
    refresh_hz: float
    start: StartReport
    plays: Mapping[str, PlayReport]
    stalls: Mapping[str, StallReport]
    idles: Mapping[str, IdleReport]

    def as_dict(self) -> dict[str, object]:
        """Return the report for JSON."""
        return asdict(self)


def process_age_s() -> float | None:
    """Return the seconds since this process was started, to 10 ms; None where the system does not tell."""
    try:
        fields = Path("/proc/self/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        started = int(fields[19]) / os.sysconf("SC_CLK_TCK")
        return time.clock_gettime(time.CLOCK_BOOTTIME) - started
    except (OSError, AttributeError, ValueError, IndexError):
        return None


def start_report() -> StartReport:
    """Return what has been used up to now."""
    heavy = tuple(name for name in HEAVY if name in sys.modules)
    return StartReport(process_age_s(), time.time(), time.process_time(), len(sys.modules), heavy)


def child_pids(name: str) -> list[int]:
    """Return the child processes whose name begins so: "lsgui-worker", "lsgui-reader"."""
    children = [child for child in multiprocessing.active_children() if child.name.startswith(name)]
    return [child.pid for child in children if child.pid is not None]


def worker_cpu_s(pid: int | None) -> float | None:
    """Return the processor time that another process has used; None where it is gone or the system does not tell."""
    if pid is None:
        return None
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, AttributeError, ValueError, IndexError):
        return None
