"""Damage real files at random and open them as the program does: what breaks it?

Run from the project's root: python packaging/fuzz/fuzz.py --seeds FOLDER --cases 20000 --seed 1 --work TMP [--jobs 2]

`--seeds` holds whole files of any kind the program reads, made by packaging/fuzz/seeds.py. Every case is one damaged
copy, drawn from the seed and its number alone, so that `--only N` makes it again. It is opened in a process with a
memory limit; each must be opened, or end in one sentence and exit status 2, in 10 seconds and 2 GiB. What does not is
kept under TMP/found. Prints counts as JSON; the exit status is 0 where nothing was found.
"""

import argparse
import json
import os
import random
import select
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mutations import damaged

LONGEST_S = 10.0
MOST_MB = 2048
ADDRESS_SPACE_MB = {"card": 12_000}
"""torch takes many addresses that are no memory; what is used is held against `MOST_MB` all the same."""
USUAL_ADDRESS_SPACE_MB = 5000
FRESH_AFTER = 400
"""Cases after which a worker is replaced, so that one case's leavings do not spoil the next for ever."""


@dataclass(frozen=True, slots=True)
class Seed:
    """A whole file, what opens it, and of which kind it is."""

    target: str
    kind: str
    path: Path


@dataclass(slots=True)
class Tally:
    """What came of the cases so far; shared by the threads that drive workers."""

    outcomes: Counter[str] = field(default_factory=Counter)
    by_seed: Counter[str] = field(default_factory=Counter)
    slowest_s: float = 0.0
    peak_mb: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, case: str, seconds: float, outcome: str, peak_mb: int) -> None:
        """Count one case."""
        with self.lock:
            self.outcomes[outcome] += 1
            self.by_seed[f"{case} {outcome}"] += 1
            self.slowest_s, self.peak_mb = max(self.slowest_s, seconds), max(self.peak_mb, peak_mb)


class Worker:
    """A process that opens files, started when it is needed and again when it died."""

    def __init__(self, target: str, home: Path) -> None:
        limit = ADDRESS_SPACE_MB.get(target, USUAL_ADDRESS_SPACE_MB)
        quiet = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        self.errors = home / f"worker-{os.getpid()}-{threading.get_ident()}.log"
        with self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-X", "faulthandler", str(Path(__file__).with_name("worker.py")), str(limit)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env={**os.environ, **quiet, "LSGUI_HOME": str(home), "MPLBACKEND": "agg"},
            )
        self.cases = 0

    def ask(self, target: str, path: Path) -> dict[str, Any]:
        """Return what came of a file; a worker that hangs is ended."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.cases += 1
        began = time.monotonic()
        try:
            self.process.stdin.write(json.dumps({"target": target, "path": str(path)}) + "\n")
            self.process.stdin.flush()
            longest = LONGEST_S + (20 if self.cases == 1 else 0)  # the first case loads the libraries
            if not select.select([self.process.stdout], [], [], longest)[0]:
                self.end()
                return {"outcome": "hang", "said": "", "seconds": longest, "peak_mb": 0}
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            status = self.process.wait()
            said = self.errors.read_text("utf-8", "replace")[-1500:]
            return {"outcome": "crash", "said": f"{status}: {said}", "seconds": time.monotonic() - began, "peak_mb": 0}
        answer: dict[str, Any] = json.loads(line)
        if self.cases > 1 and answer["seconds"] > LONGEST_S:
            answer["outcome"] = "slow"
        if answer["peak_mb"] > MOST_MB:
            answer["outcome"] = "memory"
            self.end()
        return answer

    def end(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.wait()

    @property
    def usable(self) -> bool:
        """Whether it takes another case."""
        return self.process.poll() is None and self.cases < FRESH_AFTER


def find_seeds(folder: Path) -> list[Seed]:
    """Return the whole files below FOLDER/<target>/."""
    return [
        Seed(path.relative_to(folder).parts[0], path.suffix.lower().lstrip(".") or "dcm", path)
        for path in sorted(folder.glob("*/**/*"))
        if path.is_file() and not path.name.startswith((".", "beside", "report"))
    ]


def write_case(seed: Seed, number: int, run: int, folder: Path) -> Path:
    """Write the damaged copy of one case and return its path."""
    lots = random.Random(f"{run} {number}")
    data = damaged(seed.path.read_bytes(), seed.kind, lots)
    suffix = seed.path.suffix
    if seed.target == "clip" and lots.random() < 0.05:
        suffix = lots.choice((".dcm", ".mp4", ".avi", ".mpeg", ".gif", ""))
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        if old.is_file():
            old.unlink()
    if seed.target in ("card", "table"):  # the other files of a model, or the clips of a table, lie beside it
        for beside in seed.path.parent.iterdir():
            (folder / beside.name).write_bytes(beside.read_bytes())
        path = folder / seed.path.name
    else:
        path = folder / f"case{suffix}"
    path.write_bytes(data)
    return path


def drive(numbers: list[int], seeds: list[Seed], run: int, work: Path, lane: int, tally: Tally) -> None:
    """Open a list of cases with one worker for each target."""
    workers: dict[str, Worker] = {}
    for number in numbers:
        seed = seeds[number % len(seeds)]
        path = write_case(seed, number, run, work / f"lane{lane}" / seed.target)
        worker = workers.get(seed.target)
        if worker is None or not worker.usable:
            if worker is not None:
                worker.end()
            home = work / f"home{lane}"
            home.mkdir(exist_ok=True)
            worker = workers[seed.target] = Worker(seed.target, home)
        answer = worker.ask(seed.target, path)
        name = f"{seed.target}/{seed.path.parent.name}/{seed.path.name}"
        tally.add(name, answer["seconds"], answer["outcome"], answer["peak_mb"])
        if answer["outcome"] not in ("opened", "sentence"):
            keep(work / "found", number, seed, path, answer)
    for worker in workers.values():
        worker.end()


def keep(found: Path, number: int, seed: Seed, path: Path, answer: dict[str, Any]) -> None:
    """Keep a case that broke something, with what it did."""
    found.mkdir(exist_ok=True)
    target = found / f"{number:06d}-{answer['outcome']}-{seed.target}{path.suffix}"
    if path.exists():
        target.write_bytes(path.read_bytes())
    note = {"number": number, "seed": str(seed.path.name), **answer}
    target.with_name(target.name + ".json").write_text(json.dumps(note, indent=1), encoding="utf-8")
    sys.stderr.write(f"{target.name}: {answer['said'][:300]}\n")


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", type=int, nargs="*", help="numbers of cases to make and open again")
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    seeds = find_seeds(given.seeds)
    numbers = given.only or list(range(given.cases))
    tally = Tally()
    lanes = [
        threading.Thread(target=drive, args=(numbers[lane :: given.jobs], seeds, given.seed, given.work, lane, tally))
        for lane in range(given.jobs)
    ]
    began = time.monotonic()
    for lane in lanes:
        lane.start()
    for lane in lanes:
        lane.join()
    found = sum(count for outcome, count in tally.outcomes.items() if outcome not in ("opened", "sentence"))
    figures = {
        "cases": sum(tally.outcomes.values()),
        "seed": given.seed,
        "files": len(seeds),
        "outcomes": dict(tally.outcomes),
        "found": found,
        "slowest_s": round(tally.slowest_s, 1),
        "peak_mb": tally.peak_mb,
        "minutes": round((time.monotonic() - began) / 60, 1),
        "by_file": dict(sorted(tally.by_seed.items())),
    }
    sys.stdout.write(json.dumps(figures, indent=1) + "\n")
    return 0 if not found else 1


if __name__ == "__main__":
    sys.exit(main())
