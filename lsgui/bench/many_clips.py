"""A folder of clips by `lsgui predict`: clips a second on one core, by one process, and by a process for each core."""

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lsgui.bench.command_line import own_command
from lsgui.bench.rows import Area, BenchRow, Tell
from lsgui.bench.sample_clips import sample_movie
from lsgui.core.errors import LsguiError
from lsgui.inference.device import core_count
from lsgui.inference.job_count import job_count

MODEL = "cmwru-strip"


@dataclass(frozen=True, slots=True)
class Pace:
    """How one run of the command went.

    Attributes
    ----------
    clips_per_s
        Once every process had judged its first clip, as in a long run.
    whole_s
        Seconds of the whole command, its start included.
    """

    clips_per_s: float
    whole_s: float


@dataclass(frozen=True, slots=True)
class ManyClips:
    """The same folder three ways, the fastest of `rounds` runs each, in turn.

    Attributes
    ----------
    clips, frames
        So many clips of so many frames of 640 x 480.
    jobs
        Processes that the program takes by itself.
    one_core
        By one process that may use one core; None where the system cannot hold a process to a core.
    one_process
        By one process with all cores.
    shipped
        By as many processes as the program takes by itself.
    """

    clips: int
    frames: int
    rounds: int
    jobs: int
    one_core: Pace | None
    one_process: Pace
    shipped: Pace

    @property
    def faster_by(self) -> float:
        """Clips a second beside those of one process with all cores."""
        return self.shipped.clips_per_s / self.one_process.clips_per_s

    @property
    def scaling(self) -> float | None:
        """Clips a second beside those of one core; the number of cores would be perfect."""
        return None if self.one_core is None else self.shipped.clips_per_s / self.one_core.clips_per_s

    def as_json(self) -> dict[str, Any]:
        """Return the `many_clips` object."""
        return {
            "many_clips": {
                "clips": self.clips,
                "frames": self.frames,
                "model": MODEL,
                "jobs": self.jobs,
                "clips_per_s": {
                    "one_core": None if self.one_core is None else self.one_core.clips_per_s,
                    "one_process": self.one_process.clips_per_s,
                    "shipped": self.shipped.clips_per_s,
                },
                "speedup": self.faster_by,
                "scaling": self.scaling,
                "whole_s": {"one_process": self.one_process.whole_s, "shipped": self.shipped.whole_s},
                "rounds": self.rounds,
            }
        }

    def rows(self) -> list[BenchRow]:
        """Return the folder beside one process, and beside one core."""
        what = f"{self.clips} clips of {self.frames} frames, {MODEL}"
        rows = [
            BenchRow(
                Area.MANY,
                f"lsgui predict FOLDER, {self.jobs} processes",
                self.shipped.clips_per_s,
                "clips/s",
                self.one_process.clips_per_s,
                "one process, all cores",
                self.faster_by,
                note=what,
            )
        ]
        if self.one_core is not None:
            rows.append(
                BenchRow(
                    Area.MANY,
                    f"The same, {self.jobs} cores",
                    self.shipped.clips_per_s,
                    "clips/s",
                    self.one_core.clips_per_s,
                    "one core",
                    self.scaling,
                )
            )
        return rows


def measure(tell: Tell, quick: bool) -> ManyClips:
    """Judge a folder of simulated clips in turn by one core, one process and all processes."""
    clips, frames, rounds = (3, 40, 1) if quick else (8, 120, 1)
    with tempfile.TemporaryDirectory(prefix="lsgui-many-") as name:
        folder = Path(name)
        tell("Simulating clips", 0.0)
        line = _make_clips(folder, clips, frames)
        jobs = job_count(clips, "cpu")
        with_one_core = hasattr(os, "sched_setaffinity") and core_count() > 1 and not quick
        ways = list(dict.fromkeys([(1, True)] * with_one_core + [(1, False), (jobs, False)]))
        paces: dict[tuple[int, bool], list[Pace]] = {}
        for turn in range(rounds):
            for place, (count, bound) in enumerate(ways):
                words = "one core" if bound else f"{count} process{'es' * (count != 1)}"
                tell(f"{clips} clips by {words}", (turn + (place + 0.5) / len(ways)) / rounds)
                paces.setdefault((count, bound), []).append(_pace(folder / "clips", line, count, bound))
    best = {way: max(seen, key=lambda pace: pace.clips_per_s) for way, seen in paces.items()}
    return ManyClips(clips, frames, rounds, jobs, best.get((1, True)), best[1, False], best[jobs, False])


def _make_clips(folder: Path, clips: int, frames: int) -> Path:
    made = sample_movie(folder, frames, simulated=min(frames, 50))
    (folder / "clips").mkdir()
    for k in range(clips):
        shutil.copyfile(made.path, folder / "clips" / f"clip_{k}.avi")
    line = folder / "line.json"
    line.write_text(json.dumps(made.roi.to_json()), encoding="utf-8")
    return line


def _pace(clips: Path, line: Path, jobs: int, bound: bool) -> Pace:
    """Run the command and note when each answer comes; the clips before every process has had one are not counted."""
    asked = ["--roi", str(line), "--model", MODEL, "--device", "cpu", "--jobs", str(jobs), "--as-done", "--json", "-"]
    command = own_command("predict", str(clips), *asked)
    moments: list[float] = []
    begun = time.perf_counter()
    with _one_core(bound), subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for answer in process.stdout or ():
            moments.append(time.perf_counter())
            if "error" in json.loads(answer):
                process.kill()
                raise LsguiError(f"lsgui predict could not judge a simulated clip: {json.loads(answer)['error']}")
    if process.returncode or len(moments) <= jobs:
        raise LsguiError(f"lsgui predict ended with status {process.returncode} after {len(moments)} answers.")
    return Pace((len(moments) - jobs) / (moments[-1] - moments[jobs - 1]), time.perf_counter() - begun)


@contextlib.contextmanager
def _one_core(bound: bool) -> Iterator[None]:
    """Hold processes that are started meanwhile to one core: they inherit it."""
    if not bound or not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
