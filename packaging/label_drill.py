"""Label clips by keyboard alone while the program is killed at random, and compare with what it had acknowledged.

Run from the project's root: python packaging/label_drill.py --work FOLDER [--clips 50] [--kills 20] [--seed 1]

Makes tiny AVI clips and a script of readings, starts the real window offscreen in a process of its own
(label_drill_session.py), kills that with the system's hardest signal at random moments, and starts it again: it resumes
where the worklist says. After every kill and at the end the store is compared with the log of the session:
a statement that was shown as saved must be there, and none may be there that was not said. Prints counts as JSON;
the exit status is 0 where nothing was lost and nothing invented.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from lsgui.annotation.content_hash import content_hash
from lsgui.annotation.store import AnnotationStore
from lsgui.core.reading import Statement, StatementKind

HERE = Path(__file__).resolve().parent
KINDS = {
    StatementKind.LABEL: "label",
    StatementKind.TAGS: "signs",
    StatementKind.CONFIDENCE: "confidence",
    StatementKind.COMMENT: "comment",
    StatementKind.INTERVAL: "intervals",
}
COMMENTS = ("", "", "shallow breaths", "rib in the way; second half is clearer", "probe slips, ask AK (2nd look)")
LONGEST_S = 600.0


@dataclass(frozen=True, slots=True)
class Figures:
    """What a drill found."""

    clips: int
    kills: int
    sessions: int
    said: int
    """Statements of which the keys were pressed."""
    acknowledged: int
    stored: int
    """Rows of the store's history."""
    lost: int
    invented: int
    wrong_at_the_end: int
    seconds: float

    @property
    def clean(self) -> bool:
        """Nothing was lost, nothing invented, and at the end every clip has what the script says."""
        return not (self.lost or self.invented or self.wrong_at_the_end)


def write_clips(folder: Path, count: int) -> list[Path]:
    """Write clips of 12 frames, each different from the others."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number in range(count):
        path = folder / f"clip {number:03d}.avi"
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 12.0, (96, 72))
        noise = np.random.default_rng(number)
        for _ in range(12):
            writer.write(np.repeat(noise.integers(0, 255, (72, 96, 1), dtype=np.uint8), 3, axis=2))
        writer.release()
        paths.append(path)
    return paths


def write_script(clips: list[Path], seed: int) -> dict[str, dict[str, Any]]:
    """Draw what is to be said of every clip; of some the label is a slip at first, which is taken back."""
    lots = random.Random(seed)
    labels = ("ls_p", "ls_a", "cannot_assess", "lung_point")
    script = {}
    for clip in clips:
        label = lots.choice(labels)
        start = lots.randrange(0, 5)
        script[clip.name] = {
            "label": label,
            "slip": lots.choice([other for other in labels if other != label]) if lots.random() < 0.2 else None,
            "tags": sorted(lots.sample(("a_lines", "b_lines", "lung_pulse"), lots.randrange(0, 3))),
            "confidence": lots.choice((None, 1, 2, 3)),
            "comment": lots.choice(COMMENTS),
            "interval": [start, lots.randrange(start + 1, 12)] if lots.random() < 0.4 else None,
        }
    return script


def drill(work: Path, clips: int = 50, kills: int = 20, seed: int = 1, mean_s: float = 0.5) -> Figures:
    """Run the drill in an empty folder and return its figures."""
    began = time.monotonic()
    lots = random.Random(seed)
    paths = write_clips(work / "clips", clips)
    script = write_script(paths, seed)
    (work / "script.json").write_text(json.dumps(script, indent=1), encoding="utf-8")
    store, log = work / "drill.sqlite", work / "log.jsonl"
    log.touch()
    done = sessions = 0
    lost: set[str] = set()
    invented: set[str] = set()
    while not finished(log):
        if time.monotonic() - began > LONGEST_S:
            raise SystemExit("the drill does not come to an end")
        life_s = lots.expovariate(1 / mean_s) if done < kills else None
        killed = one_session(work, store, life_s, at_start=done % 8 == 7)
        done, sessions = done + killed, sessions + 1
        said, rows = read_log(log), read_store(store)
        lost |= lost_of(said, rows)
        invented |= invented_of(said, rows)
    said, rows = read_log(log), read_store(store)
    return Figures(
        clips=clips,
        kills=done,
        sessions=sessions,
        said=sum(row["what"] == "press" for row in said),
        acknowledged=sum(row["what"] == "ack" for row in said),
        stored=len(rows),
        lost=len(lost),
        invented=len(invented),
        wrong_at_the_end=len(wrong_at_the_end(script, paths, store, said)),
        seconds=round(time.monotonic() - began, 1),
    )


def one_session(work: Path, store: Path, life_s: float | None, *, at_start: bool = False) -> bool:
    """Start the window, and kill it so many seconds after it is up, or after it was started.

    Returns whether it was killed, not done before.
    """
    log = work / "log.jsonl"
    started = log.read_text(encoding="utf-8").count('"started"')
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "LSGUI_HOME": str(work / "home")}
    command = [sys.executable, str(HERE / "label_drill_session.py")]
    given = [str(work / "clips"), str(store), str(work / "script.json"), str(log)]
    process = subprocess.Popen([*command, *given], env=environment)
    try:
        if life_s is None:
            if process.wait(LONGEST_S) != 0:
                raise SystemExit("a session of the drill failed")
            return False
        while not at_start and process.poll() is None and log.read_text(encoding="utf-8").count('"started"') == started:
            time.sleep(0.01)
        try:
            status = process.wait(life_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return True
        if status != 0:
            raise SystemExit("a session of the drill failed")
        return False
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def finished(log: Path) -> bool:
    """Return whether a session came to the end."""
    return any(row["what"] == "finished" for row in read_log(log))


def read_log(log: Path) -> list[dict[str, Any]]:
    """Return the log's rows; one that a kill cut off was not written."""
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines() if line.endswith("}")]


def read_store(store: Path) -> tuple[Statement, ...]:
    """Return the whole history."""
    if not store.exists():
        return ()
    with AnnotationStore(store) as opened:
        return opened.history()


def value_of(row: Statement) -> Any:
    """Return what a row says as the log does."""
    if row.value is None:
        return None
    if row.kind is StatementKind.LABEL:
        return row.value["label"]
    if row.kind is StatementKind.INTERVAL:
        return [row.value["start"], row.value["stop"]]
    return row.value


def lost_of(said: list[dict[str, Any]], rows: tuple[Statement, ...]) -> set[str]:
    """Return what was acknowledged and does not stand: neither it, nor what was said of the same after it."""
    stored: dict[tuple[str, str], list[Any]] = {}
    for row in rows:
        if row.kind in KINDS:
            stored.setdefault((row.file_name, KINDS[row.kind]), []).append(value_of(row))
    pressed: dict[tuple[str, str], list[Any]] = {}
    lost = set()
    for row in said:
        if row["what"] not in ("press", "ack"):
            continue
        about = (row["clip"], row["part"])
        if row["what"] == "press":
            pressed.setdefault(about, []).append(row["value"])
        elif row["value"] not in stored.get(about, []):
            lost.add(json.dumps(row))
    for about, values in pressed.items():
        acknowledged = [r["value"] for r in said if r["what"] == "ack" and (r["clip"], r["part"]) == about]
        standing = stored.get(about, [None])[-1]
        if acknowledged and standing not in (acknowledged[-1], values[-1]):
            lost.add(f"{about}: {standing} stands, {acknowledged[-1]} was acknowledged")
    return lost


def invented_of(said: list[dict[str, Any]], rows: tuple[Statement, ...]) -> set[str]:
    """Return rows that nobody said; of a comment a beginning is no invention, it is saved while it is typed."""
    pressed = {(r["clip"], r["part"], json.dumps(r["value"])) for r in said if r["what"] == "press"}
    comments = [(r["clip"], r["value"] or "") for r in said if r["what"] == "press" and r["part"] == "comment"]
    invented = set()
    for row in rows:
        part, value = KINDS.get(row.kind, row.kind.value), value_of(row)
        begun = part == "comment" and any(c == row.file_name and t.startswith(value or "") for c, t in comments)
        if (row.file_name, part, json.dumps(value)) not in pressed and not begun:
            invented.add(f"{row.file_name} {part} {value}")
    return invented


def wrong_at_the_end(
    script: dict[str, dict[str, Any]], paths: list[Path], store: Path, said: list[dict[str, Any]]
) -> list[str]:
    """Return the clips whose reading is not that of the script.

    A kill between a slip and its taking back leaves the slip as the clip's label, as a reader would find it: there the
    label is held against the last key that was pressed.
    """
    pressed = {row["clip"]: row["value"] for row in said if row["what"] == "press" and row["part"] == "label"}
    wrong = []
    with AnnotationStore(store) as opened:
        for path in paths:
            wanted = script[path.name]
            records = opened.records(content_hash(path))
            reads = [
                (
                    r.label.value if r.label else None,
                    sorted(r.tags),
                    r.confidence,
                    r.comment,
                    [[m.start, m.stop] for m in r.intervals],
                )
                for r in records
            ]
            intervals = [] if wanted["interval"] is None else [wanted["interval"]]
            expected = (
                pressed.get(path.name, wanted["label"]),
                wanted["tags"],
                wanted["confidence"],
                wanted["comment"],
                intervals,
            )
            if reads != [expected]:
                wrong.append(f"{path.name}: {reads} instead of {expected}")
    return wrong


def main() -> int:
    """Run the drill from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="an empty folder")
    parser.add_argument("--clips", type=int, default=50)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mean", type=float, default=0.5, help="mean seconds between the start and the kill")
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    figures = drill(given.work, given.clips, given.kills, given.seed, given.mean)
    sys.stdout.write(json.dumps(asdict(figures), indent=1) + "\n")
    return 0 if figures.clean else 1


if __name__ == "__main__":
    sys.exit(main())
