"""Open damaged files by the real command line, as a user does: a process for each case, judged by what comes out of it.

Run from the project's root: python packaging/fuzz/command_line.py --out DIR [--cases 300] [--seed 2]

The cases are those of fuzz.py, with the whole files in DIR/seeds (made where they are not there): `lsgui info`,
`predict`, `labels import`, `labels list`, `models --add`, `models --import`, `predict --roi`, `audit verify`. Each must
end by itself within 10 seconds beside what a sound clip takes on this machine, in 2 GiB, with exit status 0, or with 2
and one line on standard error that is a sentence. Prints counts as JSON; the exit status is 0 where nothing was found.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from cases import Case, Cases
from seeds import write_seeds
from worker import judged

ROOT = Path(__file__).resolve().parents[2]
LONGEST_S, PATIENCE_S = 10.0, 60.0
MOST_MB = 2048
_CLIP = ROOT / "resources" / "demo" / "sliding.mp4"
_INFO_SHARE = 3
"""Of so many clips one is judged by `predict`, which loads torch; the others by `info`."""


def command(case: Case, number: int, home: Path) -> list[str] | None:
    """Return the command by which a user opens a case; None where none of them does."""
    path = str(case.path)
    clip = ["predict", path] if number % _INFO_SHARE == 0 else ["info", path]
    commands = {
        "clip": clip,
        "info": clip,
        "identity": clip,
        "labels": ["labels", "import", path, "--store", str(home / "labels.sqlite"), "--rater", "FUZZ"],
        "store": ["labels", "list", "--store", path],
        "line": ["predict", str(_CLIP), "--roi", path],
        "add": ["models", "--add", str(case.path.parent)],
        "card": ["models", "--add", str(case.path.parent)],
        "checkpoint": ["models", "--import", path, "--as", "rcm2d", "--out", str(home / "imported")],
        "table": ["evaluate", "--data", str(case.path.parent), "--out", str(home / "evaluation")],
        "audit": ["audit", "verify", "--file", path],
    }
    return commands.get(case.target)


def run_command(arguments: list[str], home: Path) -> dict[str, Any]:
    """Run the program and return exit status, what it said, seconds, and its largest memory."""
    quiet = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    timer = ["/usr/bin/time", "-f", "%M KB"] if Path("/usr/bin/time").exists() else []
    began = time.monotonic()
    try:
        done = subprocess.run(
            [*timer, sys.executable, "-m", "lsgui", *arguments],
            capture_output=True,
            timeout=PATIENCE_S,
            check=False,
            cwd=ROOT,
            env={**os.environ, **quiet, "LSGUI_HOME": str(home), "TMPDIR": str(home)},
        )
    except subprocess.TimeoutExpired as late:
        return {"status": None, "lines": [str(late.stderr)[-500:]], "seconds": PATIENCE_S, "mb": 0}
    lines = [line for line in done.stderr.decode("utf-8", "replace").splitlines() if line.strip()]
    used = lines.pop() if timer and lines and lines[-1].endswith(" KB") else "0 KB"
    lines = [line for line in lines if not line.startswith("Command exited with non-zero status")]
    seconds = time.monotonic() - began
    return {"status": done.returncode, "lines": lines, "seconds": seconds, "mb": int(used.split()[0]) // 1024}


def outcome_of(answer: dict[str, Any], startup_s: float) -> str:
    """Return what came of a case: "opened", "sentence", or what is wrong with it."""
    if answer["status"] is None:
        return "hang"
    if answer["seconds"] > LONGEST_S + startup_s:
        return "slow"
    if answer["mb"] > MOST_MB:
        return "memory"
    fine = all(line.startswith("lsgui: ") for line in answer["lines"])
    if answer["status"] == 0:
        return "opened" if fine else "stray"
    if answer["status"] != 2 or not fine or not answer["lines"]:
        return "fault"
    said = [judged(line.removeprefix("lsgui: "))[0] for line in answer["lines"]]
    return "sentence" if all(one == "sentence" for one in said) else "fault"


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cases", type=int, default=300)
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--only", type=int, nargs="*")
    given = parser.parse_args()
    out = given.out.resolve()
    home = out / "home"
    home.mkdir(parents=True, exist_ok=True)
    if not (out / "seeds").exists():
        os.environ["LSGUI_HOME"] = str(out / "home-of-seeds")
        write_seeds(out / "seeds")
    startup_s = run_command(["info", str(_CLIP)], home)["seconds"]  # what a sound clip takes on this machine, now
    cases, outcomes, found = Cases(out / "seeds", given.seed), Counter[str](), []
    slowest, largest, number = 0.0, 0, -1
    numbers = iter(given.only or range(10 * given.cases))
    while sum(outcomes.values()) < given.cases and (number := next(numbers, -1)) >= 0:
        case = cases.make(number, out / "work")
        arguments = None if case.act else command(case, number, home)
        if arguments is None:
            continue
        answer = run_command(arguments, home)
        outcome = outcome_of(answer, startup_s)
        outcomes[outcome] += 1
        slowest, largest = max(slowest, answer["seconds"]), max(largest, answer["mb"])
        if outcome not in ("opened", "sentence"):
            found.append(number)
            sys.stderr.write(f"{number} {case.name} {outcome}: {arguments[:2]} {answer}\n")
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir()
    figures = {"cases": sum(outcomes.values()), "seed": given.seed, "outcomes": dict(outcomes), "found": found}
    figures |= {"slowest_s": round(slowest, 1), "peak_mb": largest, "a_sound_clip_s": round(startup_s, 1)}
    sys.stdout.write(json.dumps(figures, indent=1) + "\n")
    return 0 if not found else 1


if __name__ == "__main__":
    sys.exit(main())
