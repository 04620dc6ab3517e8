"""The window: how soon it opens, how it plays and whether it stutters, beside the bare toolkit doing the least.

The window is the real one, `lsgui open --timing`, in a process of its own; so is the bare one.
"""

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lsgui.bench.command_line import own_command
from lsgui.bench.parts import NotMeasurableError
from lsgui.bench.rows import Area, BenchRow, Bound, Target, Tell
from lsgui.bench.sample_clips import sample_movie

FPS = 60.0
ROUNDS = 3
START_MOST_S, STALL_MOST_MS, IDLE_MOST_PERCENT = 1.0, 50.0, 1.0
SHOWN_LEAST = 0.99
"""Part of the frames that are due which must be shown: the first and last of some seconds are counted by chance."""
_LONGEST_S = 150.0
_SIZE, _QUICK_SIZE = (600, 640, 480), (45, 160, 120)
_LISTED, _QUICK_LISTED = 10_000, 200
_WATCHED_S, _QUICK_WATCHED_S = 3.0, 0.3
_BARE = "a bare PySide6 window"

Told = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class WindowFigures:
    """What was measured of the window, and of the bare one in the same run.

    Attributes
    ----------
    cold_s, warm_s
        Seconds from starting the process to the end of the first painting: the first start of the run, which compiles
        the program's modules and reads what no start before it has read, and the fastest of the later ones, in turn
        with the bare window's.
    bare_start_s
        The fastest start of the bare window.
    told
        What the window told of playing a clip of 60 frames a second (`lsgui.gui.play_report.WindowReport`).
    listed
        The same of a folder with `files` clips; None in a quick run.
    bare
        How the bare window played pictures of the same size at the same rate, and what it used at rest.
    """

    cold_s: float
    warm_s: float
    bare_start_s: float
    told: Told
    listed: Told | None
    files: int
    bare: Told

    @property
    def stalls_ms(self) -> dict[str, float]:
        """The longest gap of the event loop in milliseconds, by what went on."""
        gaps = {name: stall["longest_ms"] for name, stall in self.told["stalls"].items()}
        gaps |= {name: play["stall"]["longest_ms"] for name, play in self.told["plays"].items()}
        if self.listed is not None:
            gaps["listing"] = self.listed["stalls"]["listing"]["longest_ms"]
        return gaps

    @property
    def idle_percent(self) -> dict[str, float]:
        """What the window uses at rest, in per cent of one core, by what is on screen."""
        rests = dict(self.told["idles"]) | (dict(self.listed["idles"]) if self.listed is not None else {})
        used = {name: rest["window_percent"] for name, rest in rests.items()}
        used |= {f"{name}_worker": rest["worker_percent"] for name, rest in rests.items() if rest["worker_percent"]}
        return used

    def as_json(self) -> dict[str, Any]:
        """Return `cold_start_s`, `play` and more."""
        shown, gaps = self.told["plays"]["evidence"], self.stalls_ms
        return {
            "cold_start_s": self.cold_s,
            "warm_start_s": self.warm_s,
            "bare_start_s": self.bare_start_s,
            "play": {
                "asked_fps": shown["asked_fps"],
                "shown_fps": shown["shown_fps"],
                "dropped": shown["dropped"],
                "max_stall_ms": gaps["evidence"],
                "max_stall_during_inference_ms": gaps["analysing"],
                "fps_with_overlays": {name: play["shown_fps"] for name, play in self.told["plays"].items()},
                "cpu_ms_per_frame": {name: play["paint_ms"] for name, play in self.told["plays"].items()},
                "max_stall_by_activity_ms": gaps,
                "stalls_over_50_ms": self._over_50_ms(),
                "idle_cpu_percent": self.idle_percent,
                "platform": self.told["platform"],
                "refresh_hz": self.told["refresh_hz"],
                "files_listed": self.files,
                "bare_toolkit": dict(self.bare),
            },
        }

    def rows(self) -> list[BenchRow]:
        """Return the rows: starts and playing beside the bare window, gaps, and what is used at rest."""
        evidence, bare = self.told["plays"]["evidence"], self.bare
        shown = BenchRow(
            Area.WINDOW,
            f"Playing {FPS:.0f} frames/s, heat map and ribbon on",
            evidence["shown_fps"],
            "frames/s",
            bare["shown_fps"],
            _BARE,
            target=Target(Bound.AT_LEAST, SHOWN_LEAST * FPS),
            note=f"{evidence['dropped']} dropped; platform {self.told['platform']}",
        )
        cost = BenchRow(
            Area.WINDOW,
            "Processor time for such a frame",
            evidence["paint_ms"],
            "ms",
            bare["paint_ms"],
            _BARE,
            note=f"{self.told['plays']['bare']['paint_ms']:.1f} ms with overlays cleared",
        )
        return [*self._start_rows(), shown, cost, *self._stall_rows(), *self._idle_rows()]

    def _start_rows(self) -> list[BenchRow]:
        target = Target(Bound.AT_MOST, START_MOST_S)
        words = "best of the warm starts, torch not loaded"
        return [
            BenchRow(
                Area.WINDOW, "Start to first painting", self.warm_s, "s", self.bare_start_s, _BARE, None, target, words
            ),
            BenchRow(Area.WINDOW, "The first start of the run", self.cold_s, "s", note="compiles the modules as well"),
        ]

    def _stall_rows(self) -> list[BenchRow]:
        gaps, bare = self.stalls_ms, self.bare["longest_ms"]
        names = {
            "decoding": "opening and decoding a clip",
            "evidence": "playing",
            "analysing": "analysing as it plays",
            "exporting": "exporting as it plays",
            "listing": f"listing {self.files:,} files",
        }
        target = Target(Bound.AT_MOST, STALL_MOST_MS)
        return [
            BenchRow(Area.WINDOW, f"Longest gap, {words}", gaps[name], "ms", bare, f"{_BARE}, playing", target=target)
            for name, words in names.items()
            if name in gaps
        ]

    def _idle_rows(self) -> list[BenchRow]:
        used, target = self.idle_percent, Target(Bound.AT_MOST, IDLE_MOST_PERCENT)
        names = {"verdict": "paused with a verdict", "worklist": "with a worklist"}
        return [
            BenchRow(
                Area.WINDOW,
                f"At rest, {words}",
                used[name],
                "% of a core",
                self.bare["idle_percent"],
                _BARE,
                None,
                target,
            )
            for name, words in names.items()
            if name in used
        ]

    def _over_50_ms(self) -> dict[str, int]:
        stalls = {name: play["stall"] for name, play in self.told["plays"].items()} | dict(self.told["stalls"])
        if self.listed is not None:
            stalls |= self.listed["stalls"]
        return {name: stall["over_50_ms"] for name, stall in stalls.items()}


def measure(tell: Tell, quick: bool) -> WindowFigures:
    """Return how the window does here.

    Raises
    ------
    NotMeasurableError
        Where there is no PySide6, or no window opens: one sentence.
    """
    if importlib.util.find_spec("PySide6") is None:
        raise NotMeasurableError("window: PySide6 is not installed, and the window needs it.")
    if getattr(sys, "frozen", False):
        raise NotMeasurableError("window: this part needs lsgui as a Python package, not as one program.")
    frames, width, height = _QUICK_SIZE if quick else _SIZE
    watched = _QUICK_WATCHED_S if quick else _WATCHED_S
    with tempfile.TemporaryDirectory(prefix="lsgui-bench-window-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        tell("The first start", 0.0)
        cold = _started(_lsgui("--timing=0"), folder)
        starts: tuple[list[float], list[float]] = ([], [])
        for count in range(1 if quick else ROUNDS):
            tell("Warm starts", 0.05 + 0.05 * count)
            starts[0].append(_started(_bare(0.0, width, height), folder))
            starts[1].append(_started(_lsgui("--timing=0"), folder))
        clip = sample_movie(folder, frames, width, height, FPS, simulated=min(frames, 100)).path
        tell("A bare window, playing", 0.25)
        bare = _told(_bare(watched, width, height), folder)
        tell("The window, playing", 0.35)
        told = _told(_lsgui("open", str(clip), f"--timing={watched}"), folder)
        files = _QUICK_LISTED if quick else _LISTED
        tell(f"The window, listing {files:,} files", 0.8)
        listed = _told(_lsgui("open", str(clip_folder(folder / "many", files)), f"--timing={watched}"), folder)
    return WindowFigures(cold, min(starts[1]), min(starts[0]), told["report"], listed["report"], files, bare["report"])


def clip_folder(folder: Path, files: int) -> Path:
    """Make a folder of so many clips: one small clip under many names, on the disk once where the system can."""
    folder.mkdir()
    first = sample_movie(folder, 12, 64, 48, simulated=12).path
    for number in range(files):
        path = folder / f"clip-{number:05d}.avi"
        try:
            path.hardlink_to(first)
        except OSError:
            path.write_bytes(first.read_bytes())
    first.unlink()
    return folder


def _lsgui(*arguments: str) -> list[str]:
    return own_command(*arguments)


def _bare(seconds: float, width: int, height: int) -> list[str]:
    errand = {"seconds": seconds, "fps": FPS, "width": width, "height": height}
    return [sys.executable, "-m", "lsgui.gui.bare_player", json.dumps(errand)]


def _started(command: Sequence[str], folder: Path) -> float:
    told = _told(command, folder)
    report = told["report"]
    return float(report.get("start", report)["painted_at"] - told["began"])


def _told(command: Sequence[str], folder: Path) -> dict[str, Any]:
    """Run a window and return what it wrote as `report`, and when it was started as `began`.

    Raises
    ------
    NotMeasurableError
        Where it does not open, or does not end.
    """
    began = time.time()
    try:
        env = _environment(folder)
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=env, timeout=_LONGEST_S)
        return {"began": began, "report": json.loads(done.stdout)}
    except subprocess.TimeoutExpired as fault:
        raise NotMeasurableError("window: the window did not end in time.") from fault
    except OSError as fault:
        raise NotMeasurableError(f"window: the window could not be started ({fault}).") from fault
    except ValueError as fault:
        why = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        raise NotMeasurableError(f"window: the window did not do its errand ({why[:200]}).") from fault


def _environment(folder: Path) -> dict[str, str]:
    """Return the environment of a window: a home of its own, its modules compiled once as an installation does."""
    env = {**os.environ, "LSGUI_HOME": str(folder / "home"), "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    seen = {"DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"} & env.keys()
    if sys.platform.startswith("linux") and not seen:
        env["QT_QPA_PLATFORM"] = "offscreen"
    return env
