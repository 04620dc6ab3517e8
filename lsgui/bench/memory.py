"""What the program holds in memory: the real window idle, with a clip of 900 frames, and over many clips; its worker.

Every figure is of main memory used, shared libraries counted in full, in megabytes of a million bytes: the strictest
of those that systems keep. The window is the real one, in a process of its own.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lsgui.bench.command_line import own_command
from lsgui.bench.growth import Growth, growth_of
from lsgui.bench.parts import NotMeasurableError
from lsgui.bench.process_memory import MB, children_of, memory_of
from lsgui.bench.rows import Area, BenchRow, Bound, Target, Tell
from lsgui.bench.sample_clips import sample_movie

FRAMES, WIDTH, HEIGHT = 900, 640, 480
QUICK_FRAMES, QUICK_WIDTH, QUICK_HEIGHT = 60, 160, 120
ROUNDS, QUICK_ROUNDS = 20, 2
SKIPPED = 6
"""Rounds in which caches fill and libraries are loaded: no line goes through them."""
SMALL_FILES = 8
IDLE_MOST_MB = 250.0
OVER_FRAMES_MOST_MB = 300.0
_SILENCE_S = 120.0
_LOOK_S = 0.05
_PREDICTED = 4

Note = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class MemoryFigures:
    """What was held, in megabytes.

    Attributes
    ----------
    bare
        An empty window of the toolkit.
    idle, clip, clip_highest, closed
        The window: after its start; with the clip loaded, judged, its maps shown and played; the highest since it was
        opened; after it was closed.
    frames, frame_count
        What the frames of that clip take by themselves, and how many they are.
    worker_idle, worker_after, worker_highest
        The worker: warm, after the verdict on that clip, and the highest meanwhile; None where there is none.
    readers_idle, readers_after
        What the reading processes hold for themselves, after the start and with that clip played; the frames, which
        they share with the window, are counted as the window's.
    window_growth, worker_growth
        Over `rounds` rounds of opening, judging, looking at and closing a small clip; None for too few of them.
    predict_highest
        `lsgui predict` over a folder: the highest sum over its processes of what each does not share.
    """

    bare: float
    idle: float
    clip: float
    clip_highest: float | None
    closed: float
    frames: float
    frame_count: int
    worker_idle: float | None
    worker_after: float | None
    worker_highest: float | None
    readers_idle: float
    readers_after: float
    rounds: int
    window_growth: Growth | None
    worker_growth: Growth | None
    predict_highest: float

    def as_json(self) -> dict[str, Any]:
        """Return the `memory_mb` object."""
        return {
            "memory_mb": {
                "idle": self.idle,
                "clip_900_frames": self.clip if self.frame_count == FRAMES else None,
                "clip_900_frames_highest": self.clip_highest if self.frame_count == FRAMES else None,
                "clip_frames": self.frame_count,
                "frames_size": self.frames,
                "clip_over_frames": self.clip - self.frames,
                "after_closing": self.closed,
                "bare_window": self.bare,
                "worker_idle": self.worker_idle,
                "worker_after_analysis": self.worker_after,
                "worker_highest": self.worker_highest,
                "readers_idle": self.readers_idle,
                "readers_with_clip": self.readers_after,
                "growth_rounds": self.rounds,
                "growth_window": None if self.window_growth is None else self.window_growth.as_json(),
                "growth_worker": None if self.worker_growth is None else self.worker_growth.as_json(),
                "predict_highest": self.predict_highest,
            }
        }

    def rows(self) -> list[BenchRow]:
        """Return the rows: a bare window is the reference of the idle one, the frames themselves that of the clip."""
        clip = f"{self.frame_count} frames, with verdict and maps"
        rows = [
            BenchRow(
                Area.MEMORY,
                "Window, idle",
                self.idle,
                "MB",
                self.bare,
                "an empty Qt window",
                target=Target(Bound.AT_MOST, IDLE_MOST_MB),
            ),
            BenchRow(
                Area.MEMORY,
                f"Window, {clip}",
                self.clip,
                "MB",
                self.frames,
                "the frames by themselves",
                target=Target(Bound.AT_MOST, self.frames + OVER_FRAMES_MOST_MB),
                note="" if self.clip_highest is None else f"{self.clip_highest:.0f} MB at the highest",
            ),
            BenchRow(Area.MEMORY, "Window, that clip closed", self.closed, "MB", self.idle, "before it was opened"),
            BenchRow(Area.MEMORY, "Worker, warm", self.worker_idle, "MB", note="most of it is torch"),
            BenchRow(
                Area.MEMORY,
                "Worker, after that verdict",
                self.worker_after,
                "MB",
                note="" if self.worker_highest is None else f"{self.worker_highest:.0f} MB at the highest",
            ),
        ]
        note = f"{self.readers_idle:.0f} MB after the start"
        rows.append(BenchRow(Area.MEMORY, "Reading processes, with that clip", self.readers_after, "MB", note=note))
        rows += self._growth_row("Window", self.window_growth)
        rows += self._growth_row("Worker", self.worker_growth)
        note = f"{_PREDICTED} clips, all processes, what they share left out"
        rows.append(BenchRow(Area.MEMORY, "lsgui predict, at the highest", self.predict_highest, "MB", note=note))
        return rows

    def _growth_row(self, name: str, growth: Growth | None) -> list[BenchRow]:
        if growth is None:
            return []
        note = f"a line through rounds {self.rounds - growth.rounds + 1} to {self.rounds}, ± {growth.noise_mb:.1f} MB"
        return [BenchRow(Area.MEMORY, f"{name}, growth a round", growth.mb_per_round, "MB", note=note)]


def measure(tell: Tell, quick: bool) -> MemoryFigures:
    """Return what the program holds here.

    Raises
    ------
    NotMeasurableError
        Where no window opens here, or the system cannot be asked: one sentence.
    """
    tell("Clips for the measurement", 0.0)
    with tempfile.TemporaryDirectory(prefix="lsgui-bench-") as name:
        folder = Path(name)
        size = (QUICK_FRAMES, QUICK_WIDTH, QUICK_HEIGHT) if quick else (FRAMES, WIDTH, HEIGHT)
        clip = sample_movie(folder, *size, simulated=min(size[0], 60)).path
        small = small_clips(folder / "small", SMALL_FILES)
        rounds = QUICK_ROUNDS if quick else ROUNDS
        tell("An empty window", 0.1)
        bare = _bare_window(folder)
        notes = []
        for note in window_notes(folder, clip, rounds, small):
            notes.append(note)
            tell("The window: clip after clip", 0.15 + 0.65 * len(notes) / (rounds + 5))
        tell("lsgui predict", 0.85)
        predicted = _predict_highest(small[:_PREDICTED])
        return figures_of(notes, size, bare, predicted)


def figures_of(notes: Sequence[Note], size: tuple[int, int, int], bare: float, predicted: float) -> MemoryFigures:
    """Return the figures of the notes that the window wrote; `size` is (frames, width, height) of its long clip."""
    by = {note["moment"]: note for note in notes if note["moment"] != "round"}
    rounds = [note for note in notes if note["moment"] == "round"]
    workers = [note["worker"]["resident"] for note in rounds if note["worker"]]
    with_clip = [by[moment] for moment in ("loaded", "analysed", "played")]
    return MemoryFigures(
        bare=bare,
        idle=by["idle"]["window"]["resident"],
        clip=max(note["window"]["resident"] for note in with_clip),
        clip_highest=by["played"]["window"]["highest"],
        closed=by["closed"]["window"]["resident"],
        frames=size[0] * size[1] * size[2] / MB,
        frame_count=size[0],
        worker_idle=_worker(by["idle"], "resident"),
        worker_after=_worker(by["closed"], "resident"),
        worker_highest=_worker(by["closed"], "highest"),
        readers_idle=by["idle"]["readers"],
        readers_after=by["played"]["readers"],
        rounds=len(rounds),
        window_growth=growth_of([note["window"]["resident"] for note in rounds], SKIPPED),
        worker_growth=growth_of(workers, SKIPPED),
        predict_highest=predicted,
    )


def small_clips(folder: Path, count: int) -> list[Path]:
    """Write small clips that play alike, each a file of its own content, as the clips of a worklist are."""
    folder.mkdir()
    first = sample_movie(folder, 45, 160, 120, simulated=30).path
    paths = []
    for number in range(count):
        path = folder / f"small-{number}.avi"
        path.write_bytes(first.read_bytes() + number.to_bytes(4, "big"))
        paths.append(path)
    first.unlink()
    return paths


def window_notes(home: Path, clip: Path | None, rounds: int, small: Sequence[Path]) -> Iterator[Note]:
    """Open the window in a process of its own and yield its notes (`lsgui.gui.memory_test`) as they come.

    Raises
    ------
    NotMeasurableError
        Where the window does not open, or ends before it has noted all.
    """
    errand = {"clip": str(clip or ""), "rounds": rounds, "small": [str(path) for path in small]}
    yield from _told_by("lsgui.gui.memory_test", home, json.dumps(errand))


def _bare_window(home: Path) -> float:
    return max(float(note["resident"]) for note in _told_by("lsgui.gui.bare_window", home))


def _told_by(module: str, home: Path, *arguments: str) -> Iterator[dict[str, Any]]:
    """Yield the JSON objects that a module of the window writes, a line each."""
    if getattr(sys, "frozen", False):
        raise NotMeasurableError("memory: this part needs lsgui as a Python package, not as one program.")
    env = {**os.environ, "LSGUI_HOME": str(home / "home"), **_screen()}
    with (home / "window.log").open("w+", encoding="utf-8", errors="replace") as log:
        command = [sys.executable, "-m", module, *arguments]
        with _ended(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=env)) as child:
            last = [time.monotonic()]
            with _watched(child, last):
                for line in child.stdout or ():
                    last[0] = time.monotonic()
                    yield json.loads(line)
            status = child.wait()
        if status:
            log.seek(0)
            why = (log.read().strip().splitlines() or [f"exit status {status}"])[-1]
            raise NotMeasurableError(f"memory: the window did not do its errand ({why[:200]}).")


def _screen() -> dict[str, str]:
    """Return what lets a window open where there is no screen."""
    seen = {"DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"} & os.environ.keys()
    return {"QT_QPA_PLATFORM": "offscreen"} if sys.platform.startswith("linux") and not seen else {}


@contextmanager
def _ended(child: "subprocess.Popen[str]") -> Iterator["subprocess.Popen[str]"]:
    """Make sure that a child process, and its pipe, are gone after this block."""
    with child:
        try:
            yield child
        finally:
            if child.poll() is None:
                child.kill()


@contextmanager
def _watched(child: "subprocess.Popen[str]", last: list[float]) -> Iterator[None]:
    """End a child that has said nothing for long, while its output is waited for in this block."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(1.0):
            if time.monotonic() - last[0] > _SILENCE_S:
                child.kill()

    watcher = threading.Thread(target=watch, name="bench-watch", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def _predict_highest(paths: Sequence[Path]) -> float:
    """Return the highest sum of memory of `lsgui predict` and its workers, looked at 20 times a second."""
    command = own_command("predict", *map(str, paths), "--json", "-")
    highest = 0.0
    quiet = subprocess.DEVNULL
    with _ended(subprocess.Popen(command, stdout=quiet, stderr=quiet, text=True)) as child:
        while child.poll() is None:
            held = 0.0
            for pid in (child.pid, *children_of(child.pid)):
                try:
                    held += memory_of(pid).own
                except NotMeasurableError:
                    continue  # it ended just now
            highest = max(highest, held)
            time.sleep(_LOOK_S)
    return highest


def _worker(note: Note, name: str) -> float | None:
    worker = note["worker"]
    return None if worker is None else worker[name]
