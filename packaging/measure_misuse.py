"""Measure misuse: how often a clip that should not be judged gets a verdict, and how often a lung is refused.

Run from the project's root, with the train extra installed:
python packaging/measure_misuse.py --seed S --work FOLDER [--real CLIPS] [--others CLIPS] [--lungs FOLDER] [--count N]

Writes resources/misuse.json and prints tables. misuse_cases.py says what is made for the seed; CLIPS are the shared
clips, all lungs, and recorded clips of something else; FOLDER holds lungs that `lsgui simulate` wrote. Seeds must not
be those of train_lung_look.py. Shared clips and photographs taught the trees: what trees that had not seen them said
stands in resources/lung_look.json. Every clip is judged twice, as `lsgui predict` does: along the line that the program
finds itself, and along a drawn one, for which the place most like a pleura is taken, or a line across the picture.
Answers are kept in the work folder: a run that was stopped goes on.

Simulated, drawn, edited and recorded clips never count in one figure.
"""

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from misuse_cases import Case, Plan, cases
from pleura_scenes import as_clip

from lsgui.core.atomic_file import write_atomic
from lsgui.core.clip import Clip, MemoryFrames
from lsgui.core.errors import LsguiError
from lsgui.core.label import SlidingLabel
from lsgui.core.pleura import PleuralROI
from lsgui.core.resources import resources_dir
from lsgui.imaging.lung_judge import lung_probability
from lsgui.imaging.lung_look import can_be_seen
from lsgui.imaging.pleura_finder import find_pleura
from lsgui.imaging.scan_area import find_scan_area, picture_scale
from lsgui.inference.clip_runner import ClipRunner
from lsgui.inference.local_session import LocalSession
from lsgui.inference.plan import WorkerPlan
from lsgui.readers.base import find_clips, open_clip
from lsgui.simulation.clip import simulate_clip
from lsgui.simulation.dataset import plan_clip

OUT = resources_dir() / "misuse.json"
ACROSS, DOWN = (0.2, 0.8), 0.35
"""A line drawn where nothing is like a pleura: between these parts of the width, at this part of the depth."""
NORMAL_95 = 1.959964
Row = dict[str, Any]


def judged(case: Case, runner: ClipRunner) -> Row:
    """Return what the program says of a clip, along its own line and along a drawn one."""
    clip = case.make()
    row: Row = {"source": case.source, "kind": case.kind, "origin": case.origin}
    try:
        area = find_scan_area(clip)
        row["lung"] = round(lung_probability(clip, area), 4) if can_be_seen(clip, area) else None
        row["colour"] = clip.info.colour_share
        own = _said(clip, None, runner)
        drawn = own if "not_lung" in own["quality"] else _said(clip, _drawn(clip), runner)
        return {**row, "own": own, "drawn": drawn}
    finally:
        close = getattr(clip.store, "close", None)
        if close is not None:
            close()


def _said(clip: Clip, roi: PleuralROI | None, runner: ClipRunner) -> Row:
    try:
        said = runner.judge(clip, roi).prediction
    except LsguiError as fault:
        return {"label": SlidingLabel.CANNOT_ASSESS.value, "quality": [], "error": str(fault)}
    return {"label": said.label.value, "quality": [flag.value for flag in said.quality]}


def _drawn(clip: Clip) -> PleuralROI:
    """Return the line that a hand would draw: where the picture is most like a pleura, else across it."""
    area = find_scan_area(clip)
    roi = find_pleura(clip, area, picture_scale(clip.info, area), least_confidence=0.0)
    if roi is not None:
        return replace(roi, source="file", confidence=None)
    x, y, width, height = area.box
    return PleuralROI.single(0, [[x + part * width, y + DOWN * height] for part in np.linspace(*ACROSS, 4)])


def lungs(asked: argparse.Namespace) -> Iterator[Case]:
    """Yield lungs the right way up: recorded, mirrored left to right, simulated."""
    if asked.real is not None:
        for path in find_clips(asked.real):
            yield Case("lung", "recorded", path.name, partial(open_clip, path))
            yield Case("lung, mirrored", "edited", path.name, partial(_mirrored, path))
    for path in find_clips(asked.lungs) if asked.lungs is not None else ():
        yield Case("lung", "simulated", path.name, partial(open_clip, path))
    for index in range(asked.fresh):
        yield Case("lung, fresh seed", "simulated", str(index), partial(_simulated, asked.seed, index))


def _mirrored(path: Path) -> Clip:
    clip = open_clip(path)
    frames = np.ascontiguousarray(clip.stack()[:, :, ::-1])
    return Clip(replace(clip.info, region=None), MemoryFrames(frames))


def _simulated(seed: int, index: int) -> Clip:
    plan = plan_clip(seed, index)
    made = simulate_clip(plan.spec, plan.seed)
    return as_clip(made.frames, made, calibrated=index % 2 == 0)


def wilson(hits: int, of: int) -> list[float]:
    """Return the 95 % interval of a share (Wilson 1927)."""
    if of == 0:
        return [0.0, 1.0]
    share, z2 = hits / of, NORMAL_95**2
    middle = (share + z2 / (2 * of)) / (1 + z2 / of)
    half = NORMAL_95 / (1 + z2 / of) * float(np.sqrt(share * (1 - share) / of + z2 / (4 * of * of)))
    return [round(max(middle - half, 0.0), 3), round(min(middle + half, 1.0), 3)]


def figures(rows: list[Row]) -> Row:
    """Return the counts of one kind of clip of one source: how many, refused as no lung, given a verdict."""
    count = len(rows)
    verdicts = {way: sum(row[way]["label"] != "cannot_assess" for row in rows) for way in ("own", "drawn")}
    refused = sum("not_lung" in row["own"]["quality"] for row in rows)
    return {
        "clips": count,
        "refused as no lung": refused,
        "refused, 95 %": wilson(refused, count),
        "verdict along the own line": verdicts["own"],
        "own, 95 %": wilson(verdicts["own"], count),
        "verdict along a drawn line": verdicts["drawn"],
        "drawn, 95 %": wilson(verdicts["drawn"], count),
    }


def report_of(rows: list[Row]) -> Row:
    """Return all figures by what is misuse and what is not, by source and kind; sources are never added up."""
    out: Row = {"misuse": {}, "lungs": {}}
    for row in rows:
        part = "lungs" if row["kind"].startswith("lung") else "misuse"
        out[part].setdefault(row["source"], {}).setdefault(row["kind"], []).append(row)
    for part in ("misuse", "lungs"):
        for source, kinds in out[part].items():
            whole = [row for of in kinds.values() for row in of]
            out[part][source] = {kind: figures(of) for kind, of in kinds.items()}
            if part == "misuse":
                out[part][source]["all"] = figures(whole)
    out["refused lungs"] = [
        f"{row['source']} {row['origin']}" for row in rows if row["kind"].startswith("lung") and _refused(row)
    ]
    return out


def _refused(row: Row) -> bool:
    return "not_lung" in row["own"]["quality"]


def tables(report: Row) -> str:
    """Return one table a part and source."""
    lines = []
    for part in ("misuse", "lungs"):
        for source, kinds in report[part].items():
            lines += ["", f"{part}, {source:20} {'clips':>6} {'refused':>16} {'own line':>16} {'drawn line':>16}"]
            for kind, of in kinds.items():
                cells = [
                    f"{of[name]} ({low:.2f}-{high:.2f})"
                    for name, (low, high) in (
                        ("refused as no lung", of["refused, 95 %"]),
                        ("verdict along the own line", of["own, 95 %"]),
                        ("verdict along a drawn line", of["drawn, 95 %"]),
                    )
                ]
                lines.append(f"{kind:28} {of['clips']:>6} " + " ".join(f"{cell:>16}" for cell in cells))
    return "\n".join(lines)


def main() -> None:
    """Measure, write and print."""
    asked = _arguments()
    asked.work.mkdir(parents=True, exist_ok=True)
    kept = asked.work / "answers.json"
    rows: list[Row] = json.loads(kept.read_text(encoding="utf-8")) if kept.is_file() else []
    session = LocalSession(WorkerPlan())
    session.start()
    begun = time.monotonic()
    try:
        runner = ClipRunner(session, asked.model, "cpu")
        done = {(row["source"], row["kind"], row["origin"]) for row in rows}
        every = [*lungs(asked), *cases(Plan(asked.seed, asked.count, asked.real, asked.others))]
        every = [case for case in every if (case.source, case.kind, case.origin) not in done]
        for case in every:
            rows.append(judged(case, runner))
            if len(rows) % 20 == 0:
                kept.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
                print(f"{len(rows)} clips, {len(every)} asked for, {time.monotonic() - begun:.0f} s", flush=True)
        kept.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    finally:
        session.close()
    report = {"seed": asked.seed, "model": asked.model, **report_of(rows)}
    write_atomic(asked.out, (json.dumps(report, indent=1) + "\n").encode("utf-8"))
    print(tables(report))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--work", type=Path, required=True, help="a folder for the answers")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--real", type=Path, help="folder of the shared clips, all lungs, with pleura.json")
    parser.add_argument("--others", type=Path, help="folder of recorded clips of no lung")
    parser.add_argument("--lungs", type=Path, help="folder of lungs that lsgui simulate wrote")
    parser.add_argument("--fresh", type=int, default=40, help="simulated lungs of the seed")
    parser.add_argument("--count", type=int, default=20, help="made clips of each kind")
    parser.add_argument("--model", default="cmwru-strip")
    return parser.parse_args()


if __name__ == "__main__":
    main()
