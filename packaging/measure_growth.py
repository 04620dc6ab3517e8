"""Open, judge, look at and close 200 different clips in the real window, and say whether memory grows.

    python3 packaging/measure_growth.py --rounds 200 --json growth.json

Takes five to ten minutes. Each clip is a file of its own, so that whatever is kept by name or by content is kept 200
times; between the rounds the window shows no clip. The bound is on a straight line through rounds 41 to 200: what a
day of work would add. `lsgui bench` has a short form of 20 rounds.
"""

import argparse
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lsgui.bench.growth import Growth, growth_of
from lsgui.bench.memory import small_clips, window_notes

BOUND_MB = 0.05
"""Megabytes a round that are no growth: 10 MB over 200 rounds."""
SKIPPED = 40
"""Rounds in which caches fill: the last 24 clips' verdicts, and what libraries load when they are first used."""
SHOWN = (1, 20, 60, 100, 150, 200)
COUNTED = ("threads", "files")


def main() -> int:
    """Measure, print what was held, and return 0 where nothing grew."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--json", type=Path, help="write the figures of every round")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        spill = folder / "tmp"
        spill.mkdir()
        os.environ["TMPDIR"] = str(spill)  # for the window: what it leaves there is counted
        clips = small_clips(folder / "small", asked.rounds)
        notes = []
        for note in window_notes(folder, None, asked.rounds, clips):
            notes.append(note)
            if note["moment"] == "idle" or note["round"] in (*SHOWN, asked.rounds):
                print(_line(note), flush=True)
        left = [path.name for path in spill.iterdir()]
    rounds = [note for note in notes if note["moment"] == "round"]
    grown = {who: _growth(rounds, who) for who in ("window", "worker")}
    faults = _faults(rounds, grown, left)
    for who, growth in grown.items():
        if growth is not None:
            print(f"{who}: {growth.mb_per_round:+.4f} MB a round, noise {growth.noise_mb:.2f} MB")
    print("\n".join(faults) or f"No growth: at most {BOUND_MB} MB a round, no thread, file or widget more.")
    if asked.json is not None:
        said = {who: None if growth is None else growth.as_json() for who, growth in grown.items()}
        asked.json.write_text(
            json.dumps({"growth": said, "faults": faults, "notes": notes}, indent=1), encoding="utf-8"
        )
    return 1 if faults else 0


def _line(note: Mapping[str, Any]) -> str:
    window, worker = note["window"], note["worker"] or {}
    held = f"window {window['resident']:7.1f} MB ({window['own']:.1f} its own)"
    if worker:
        held += f", worker {worker['resident']:7.1f} MB ({worker['own']:.1f})"
    counts = (
        f"{window['threads']} threads, {window['files']} files, {note['widgets']} widgets, {note['objects']} objects"
    )
    return f"{note['moment']:>6} {note['round']:3d}: {held}; {counts}"


def _growth(rounds: Sequence[Mapping[str, Any]], who: str) -> Growth | None:
    return growth_of([note[who]["resident"] for note in rounds if note[who]], min(SKIPPED, len(rounds) // 2))


def _faults(rounds: Sequence[Mapping[str, Any]], grown: Mapping[str, Growth | None], left: Sequence[str]) -> list[str]:
    """Return a sentence for everything that grew."""
    found = []
    for who, growth in grown.items():
        if growth is not None and growth.mb_per_round > BOUND_MB:
            found.append(f"The {who} grows by {growth.mb_per_round:.3f} MB a round.")
    before, after = rounds[len(rounds) // 4], rounds[-1]
    for who in ("window", "worker"):
        for what in COUNTED:
            if before[who] and after[who] and after[who][what] > before[who][what]:
                found.append(f"The {who} has {after[who][what]} {what} after {before[who][what]}.")
    if after["widgets"] > before["widgets"]:
        found.append(f"There are {after['widgets']} widgets after {before['widgets']}.")
    if left:
        found.append(f"Left in the temporary folder: {', '.join(sorted(left)[:5])}.")
    return found


if __name__ == "__main__":
    raise SystemExit(main())
