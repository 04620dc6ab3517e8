"""Damage real files at random and open them as the program does: what breaks it?

Run from the project's root: python packaging/fuzz/fuzz.py --cases 20000 --seed 1 --out DIR [--jobs 1] [--clips FOLDER]

Every case is drawn from the seed and its number alone: a damaged copy of a whole file, a bomb, or a path that is no
file; `--only N` makes one again. It is opened in a process with a memory limit; each must be opened, or end in one
sentence and exit status 2, in 10 seconds and 2 GiB. A run that was stopped goes on where it was when it is started
again, and asks once more what broke something, as it may be mended. In DIR: `seeds`, the whole files; `cases.jsonl`, a
line a case; `found`, what broke something; `report.json`, counts. The exit status is 0 where nothing was found.
"""

import argparse
import contextlib
import json
import os
import select
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from cases import Case, Cases
from seeds import write_seeds
from targets import NEED_TORCH

LONGEST_S = 10.0
MOST_MB = 2048
ADDRESS_SPACE_MB, WITH_TORCH_MB = 5000, 12_000
"""What a process may ask for; torch takes many addresses that are no memory. What is used is held to `MOST_MB`."""
OWN_MB = 6000
"""What the process that makes the cases may ask for."""
FRESH_AFTER = 1000
"""Cases after which a worker is replaced, so that one case's leavings do not spoil the next for ever."""
FINE = ("opened", "sentence", "survived")
"""Survived: a decoder crashed, did not come back or wrote what nobody asked for, in its own process, and the
user has the clip or is told in a sentence."""


class Worker:
    """A process that opens files, started when it is needed and again when it died."""

    def __init__(self, torch: bool, home: Path) -> None:
        quiet = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        self.errors = home / f"worker-{threading.get_ident()}-{torch:d}.log"
        limit = WITH_TORCH_MB if torch else ADDRESS_SPACE_MB
        self._home = home
        with self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-X", "faulthandler", str(Path(__file__).with_name("worker.py")), str(limit)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env={**os.environ, **quiet, "LSGUI_HOME": str(home), "MPLBACKEND": "agg", "TMPDIR": str(home)},
            )
        self.cases = 0

    def ask(self, case: Case) -> dict[str, Any]:
        """Return what came of a case; a worker that hangs is ended."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.cases += 1
        began = time.monotonic()
        try:
            question = {"target": case.target, "path": str(case.path), "act": case.act}
            self.process.stdin.write(json.dumps(question) + "\n")
            self.process.stdin.flush()
            longest = LONGEST_S + (30 if self.cases <= 3 else 5)  # the first cases load the libraries
            if not select.select([self.process.stdout], [], [], longest)[0]:
                self.end()
                return {"outcome": "hang", "said": self._last_words(), "seconds": longest, "peak_mb": 0}
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            status = self.process.wait()
            said = f"{status}: {self._last_words()}"
            return {"outcome": "crash", "said": said, "seconds": time.monotonic() - began, "peak_mb": 0}
        answer: dict[str, Any] = json.loads(line)
        stray = self._last_words()
        if answer["outcome"] in FINE and stray:
            answer |= {"outcome": "stray", "said": stray}
        if self.cases > 3 and answer["seconds"] > LONGEST_S:
            answer["outcome"] = "slow"
        if answer["peak_mb"] > MOST_MB:
            answer["outcome"] = "memory"
        if answer["outcome"] not in FINE:
            self.end()
        return answer

    def _last_words(self) -> str:
        """Return what native code wrote past Python."""
        return self.errors.read_text("utf-8", "replace")[-1500:]

    def end(self) -> None:
        """End the process, and take away what it left."""
        self.process.kill()
        self.process.wait()
        for left in self._home.glob("lsgui-movie-*"):
            shutil.rmtree(left, ignore_errors=True)

    @property
    def usable(self) -> bool:
        """Whether it takes another case."""
        return self.process.poll() is None and self.cases < FRESH_AFTER


class Journal:
    """A line for each case that was opened; what a run that was stopped goes on from."""

    def __init__(self, out: Path, seed: int) -> None:
        self._path = out / "cases.jsonl"
        self._found = out / "found"
        self._lock = threading.Lock()
        known = self._path.read_text("utf-8").splitlines() if self._path.exists() else []
        self.rows: dict[int, dict[str, Any]] = {}
        for line in known:
            row = json.loads(line)
            if row["seed"] == seed and row["outcome"] in FINE:  # what broke something is asked again: it may be mended
                self.rows[row["case"]] = row
        self._seed = seed

    def add(self, number: int, case: Case, answer: dict[str, Any]) -> None:
        """Write down a case, and keep what broke something."""
        row = {"seed": self._seed, "case": number, "of": case.name, "target": case.target, **answer}
        row["seconds"] = round(row["seconds"], 2)
        row["said"] = row["said"][: 400 if answer["outcome"] in FINE else 2000]
        with self._lock:
            self.rows[number] = row
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
        if answer["outcome"] not in FINE:
            self._keep(number, case, answer)
            sys.stderr.write(f"{number} {case.name} {answer['outcome']}: {answer['said'][-400:]}\n")

    def _keep(self, number: int, case: Case, answer: dict[str, Any]) -> None:
        target = self._found / f"{number:06d}-{answer['outcome']}-{case.target}"
        target.mkdir(parents=True, exist_ok=True)
        for file in _files_of(case.path):
            with contextlib.suppress(OSError):  # a pipe, a circle, a name that is too long
                if file.is_file() and file.stat().st_size < 50 << 20:
                    shutil.copyfile(file, target / file.name.encode("ascii", "replace").decode().replace("?", "_"))
        (target / "what.json").write_text(json.dumps({"path": str(case.path), "of": case.name, **answer}), "utf-8")

    def report(self, files: int, minutes: float) -> dict[str, Any]:
        """Return counts over all cases."""
        rows = list(self.rows.values())
        outcomes = Counter(row["outcome"] for row in rows)
        by_kind = Counter(f"{row['of'].split('/')[0]} {row['outcome']}" for row in rows)
        by_file = Counter(f"{row['of']} {row['outcome']}" for row in rows)
        return {
            "cases": len(rows),
            "seed": self._seed,
            "whole_files": files,
            "outcomes": dict(outcomes),
            "found": sum(count for outcome, count in outcomes.items() if outcome not in FINE),
            "slowest_s": max((row["seconds"] for row in rows), default=0.0),
            "peak_mb": max((row["peak_mb"] for row in rows), default=0),
            "minutes_this_time": round(minutes, 1),
            "by_kind": dict(sorted(by_kind.items())),
            "by_file": dict(sorted(by_file.items())),
        }


def _files_of(path: Path) -> list[Path]:
    """Return what lies in a folder, or beside a file; nothing where the system refuses to say."""
    try:
        return list((path if path.is_dir() else path.parent).iterdir())
    except OSError:
        return []


def drive(numbers: list[int], cases: Cases, out: Path, lane: int, journal: Journal) -> None:
    """Open a list of cases, with a worker that loads torch and one that does not."""
    workers: dict[bool, Worker] = {}
    home = out / f"home{lane}"
    for number in numbers:
        try:
            case = cases.make(number, out / f"lane{lane}")
        except Exception as fault:  # noqa: BLE001  # a case that cannot be made must not end the run, and is not counted
            sys.stderr.write(f"{number} could not be made: {type(fault).__name__}: {fault}\n")
            continue
        torch = case.target in NEED_TORCH
        worker = workers.get(torch)
        if worker is None or not worker.usable:
            if worker is not None:
                worker.end()
            home.mkdir(exist_ok=True)
            home.chmod(0o777)  # also for the cases in which files are read as nobody
            shutil.rmtree(home / "data" / "models", ignore_errors=True)
            worker = workers[torch] = Worker(torch, home)
        answer = worker.ask(case)
        if case.target == "clip" and answer["outcome"] in ("crash", "hang", "memory", "slow", "stray"):
            answer = as_the_program(case, answer, home)
        journal.add(number, case, answer)
    for worker in workers.values():
        worker.end()


def as_the_program(case: Case, alone: dict[str, Any], home: Path) -> dict[str, Any]:
    """Open with `lsgui info`, whose decoder has a process of its own, what a decoder in the worker did not survive."""
    worker = Worker(False, home)
    worker.ask(Case("line", home / "nothing.json", "", ""))  # the libraries are loaded before the time is taken
    answer = worker.ask(Case("info", case.path, case.act, case.name))
    worker.end()
    decoder = f"the decoder alone: {alone['outcome']}, {alone['seconds']} s; {alone['said'][-300:]}"
    outcome = "survived" if answer["outcome"] in FINE else answer["outcome"]
    return {**answer, "outcome": outcome, "said": f"{answer['said']} ({decoder})"}


def _limit_own_memory() -> None:
    """Let a case that takes too much to be made be left out, and not take the machine."""
    with contextlib.suppress(ImportError):  # not on Windows
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (OWN_MB << 20, resource.getrlimit(resource.RLIMIT_AS)[1]))


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--clips", type=Path, help="folder of real clips, whose beginnings are damaged too")
    parser.add_argument("--only", type=int, nargs="*", help="numbers of cases to make and open again")
    given = parser.parse_args()
    _limit_own_memory()
    out = given.out.resolve()
    if not (out / "seeds").exists():
        os.environ["LSGUI_HOME"] = str(out / "home-of-seeds")
        write_seeds(out / "seeds.part", given.clips)
        (out / "seeds.part").rename(out / "seeds")
    cases, journal = Cases(out / "seeds", given.seed), Journal(out, given.seed)
    numbers = given.only or [number for number in range(given.cases) if number not in journal.rows]
    lanes = [
        threading.Thread(target=drive, args=(numbers[lane :: given.jobs], cases, out, lane, journal))
        for lane in range(given.jobs)
    ]
    began = time.monotonic()
    for lane in lanes:
        lane.start()
    for lane in lanes:
        lane.join()
    figures = journal.report(len(cases), (time.monotonic() - began) / 60)
    (out / "report.json").write_text(json.dumps(figures, indent=1), encoding="utf-8")
    figures.pop("by_file")
    sys.stdout.write(json.dumps(figures, indent=1) + "\n")
    return 0 if not figures["found"] else 1


if __name__ == "__main__":
    sys.exit(main())
