"""Measure the quality flags as detectors: on clips made with each fault, and on clips made without it.

Run from the project's root, with the train extra installed:
python packaging/measure_flags.py --seed S --work FOLDER [--real CLIPS] [--recorded N] [--count N] [--flag NAME ...]

Writes packaging/quality_flags.json and prints tables. Clips are made anew for the seed, written into FOLDER and deleted
when they are judged; every answer is kept there in answers.json. CLIPS is the folder of recorded clips with
pleura.json, of which N are drawn. Flags of a file are read as `lsgui info` reads them, those of line and strip by the
program's own functions without the network, those of the verdict by a whole analysis. A simulated clip and a recorded
one, edited or not, never count in one figure.
"""

import argparse
import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from flag_cases import FLAGS, Case, Plan
from flag_verdict_cases import VERDICT_FLAGS

from lsgui.cli.info_command import clip_facts
from lsgui.core.atomic_file import write_atomic
from lsgui.core.errors import LsguiError
from lsgui.core.pleura import PleuralROI
from lsgui.core.prediction import QualityFlag
from lsgui.imaging.motion_index import motion_index
from lsgui.imaging.pleura_finder import find_pleura
from lsgui.imaging.quality import clip_flags
from lsgui.imaging.scan_area import find_scan_area, picture_scale
from lsgui.inference.clip_runner import ClipRunner
from lsgui.inference.line_file import LineFile
from lsgui.inference.local_session import LocalSession
from lsgui.inference.pipeline import strip_of
from lsgui.inference.plan import WorkerPlan
from lsgui.inference.preparation import build_request
from lsgui.inference.request_flags import request_flags
from lsgui.inference.verdict import MotionOpinion
from lsgui.models.card import load_card
from lsgui.readers.base import open_clip

OUT = Path(__file__).with_name("quality_flags.json")
ALL_FLAGS = {**FLAGS, **VERDICT_FLAGS}
OFF_MM = 2.5
"""A line is off when half of it lies farther than this from where the pleura truly is."""

SOURCES = ("simulated", "recorded")
Row = dict[str, Any]


def judged(case: Case, session: LocalSession, model: str, work: Path) -> Row | None:
    """Return what the program says of a case; None where the fault cannot be told (no line was found to be off)."""
    row: Row = {"flag": case.flag, "source": case.source, "kind": case.kind, "faulty": case.faulty}
    row["clip"] = case.path.name
    if not case.needs_line:
        clip = open_clip(case.path)
        row["quality"] = clip_facts(case.path, clip)["quality"]
        _close(clip.store)
        return row
    if not case.needs_verdict:
        return row | _without_network(case)
    lines = None
    if case.roi is not None:
        file = work / "line.json"
        file.write_text(json.dumps(case.roi.to_json()), encoding="utf-8")
        lines = LineFile(file)
    try:
        with ClipRunner(session, model, "cpu", lines).judged(case.path) as answer:
            said, roi = answer.prediction.to_json(), answer.prediction.roi
    except LsguiError as fault:
        return {**row, "quality": [], "error": str(fault)}
    row |= {key: said[key] for key in ("quality", "label", "p_absent", "threshold", "motion_index")}
    return _with_fault(row, case, roi)


def _with_fault(row: Row, case: Case, roi: PleuralROI | None) -> Row | None:
    """Return the row with the fault that only the answer shows: a network that is wrong, a line that is off."""
    if case.flag == "models_disagree":
        if row["p_absent"] is None:
            return None
        row["faulty"] = (row["p_absent"] >= row["threshold"]) is not case.absent
    elif case.flag == "uncertain_line":
        if roi is None or case.true_roi is None or row["p_absent"] is None:
            return None
        row["faulty"] = _off_mm(roi, case) > OFF_MM
    return row


def _off_mm(roi: PleuralROI, case: Case) -> float:
    """Return how far the middle of a found line's points lies above or below the true line, in mm."""
    assert case.true_roi is not None
    first = max(roi.keyframes[0][0], 0)
    found, true = roi.line_at(first), case.true_roi.line_at(first)
    order = np.argsort(true[:, 0])
    depth = np.interp(found[:, 0], true[order, 0], true[order, 1])
    return float(np.median(np.abs(found[:, 1] - depth))) * case.mm_per_px


def _without_network(case: Case) -> Row:
    """Return the flags alone, by the program's own functions in their order, without network and maps."""
    clip = open_clip(case.path)
    area = find_scan_area(clip)
    scale = picture_scale(clip.info, area)
    quality = clip_flags(clip)
    roi = case.roi or find_pleura(clip, area, scale)
    try:
        if roi is None:
            return {"quality": [*quality, QualityFlag.NO_PLEURA]}
        card = load_card("motion")
        request = build_request(
            clip, roi, request_id=1, model_id=card.id, device="cpu", scale=scale, quality=quality, seconds={}
        )
        first, strip = strip_of(request, lambda: False)
        evidence = motion_index(strip)
        flags = request_flags(request, card, first, strip, evidence)
        return {"quality": [flag.value for flag in flags], "motion_index": evidence.index}
    except LsguiError as fault:
        return {"quality": [], "error": str(fault)}
    finally:
        _close(clip.store)


def _close(store: object) -> None:
    close = getattr(store, "close", None)
    if close is not None:
        close()


def rows_of(plan: Plan, names: list[str], model: str) -> Iterator[Row]:
    """Make and judge every case, deleting each clip when it is done."""
    session = LocalSession(WorkerPlan())
    session.start()
    try:
        for name in names:
            for case in ALL_FLAGS[name](plan):
                row = judged(case, session, model, plan.out)
                shutil.rmtree(case.path) if case.path.is_dir() else case.path.unlink()
                if row is not None:
                    yield {**row, "seed": plan.seed}
    finally:
        session.close()


def report_of(rows: list[Row]) -> dict[str, Any]:
    """Return the figures by source: [raised, clips] with and without the fault, in all and by kind of clip."""
    report: dict[str, Any] = {"seeds": sorted({row["seed"] for row in rows})}
    for source in SOURCES:
        own = [row for row in rows if row["source"] == source]
        report[source] = {flag: _figures([row for row in own if row["flag"] == flag]) for flag in ALL_FLAGS}
        report[source]["rule of models_disagree"] = _opposites(own)
    report["errors"] = sum("error" in row for row in rows)
    return report


def _figures(rows: list[Row]) -> dict[str, Any]:
    kinds = dict.fromkeys((row["faulty"], row["kind"]) for row in rows)
    return {
        "seeds": sorted({row["seed"] for row in rows}),
        "with fault": _count(rows, faulty=True),
        "without": _count(rows, faulty=False),
        "by kind": {
            f"{'with' if faulty else 'without'}: {kind}": _count(
                [row for row in rows if row["kind"] == kind], faulty=faulty
            )
            for faulty, kind in kinds
        },
    }


def _count(rows: list[Row], *, faulty: bool) -> list[int]:
    """Return [clips that raised their flag, clips]."""
    own = [row for row in rows if row["faulty"] is faulty]
    return [sum(row["flag"] in row["quality"] for row in own), len(own)]


def _opposites(rows: list[Row]) -> dict[str, int]:
    """Return on how many answers network and motion index say opposites, and on how many the flag is not as it must."""
    opposite = wrong = 0
    answers = [row for row in rows if None not in (row.get("p_absent"), row.get("motion_index"))]
    for row in answers:
        motion = MotionOpinion(row["motion_index"]).label.value
        network = "ls_a" if row["p_absent"] >= row["threshold"] else "ls_p"
        apart = motion not in ("cannot_assess", network)
        raised = "models_disagree" in row["quality"]
        opposite += apart
        wrong += (raised and not apart) or (raised and row["label"] != "cannot_assess")
    return {"answers": len(answers), "opposite": opposite, "raised wrongly or with a verdict": wrong}


def tables(report: dict[str, Any]) -> str:
    """Return one table a source: clips that raised the flag / clips."""
    lines = [f"Quality flags, seeds {report['seeds']}: clips that raised the flag / clips"]
    for source in SOURCES:
        lines += ["", f"{source:22} with the fault   without it"]
        for flag in ALL_FLAGS:
            of = report[source][flag]
            shares = [f"{raised} / {clips}" if clips else "-" for raised, clips in (of["with fault"], of["without"])]
            lines.append(f"{flag:22} {shares[0]:>14}   {shares[1]:>10}")
            lines += [f"    {kind}: {raised} / {clips}" for kind, (raised, clips) in of["by kind"].items()]
    return "\n".join(lines)


def main() -> None:
    """Measure, write and print."""
    asked = _arguments()
    plan = Plan(asked.work / "made", asked.seed, asked.count, asked.clips, asked.recorded)
    plan.out.mkdir(parents=True, exist_ok=True)
    rows: list[Row] = [row for file in asked.add for row in json.loads(file.read_text(encoding="utf-8"))]
    begun = time.monotonic()
    for row in rows_of(plan, asked.flag or list(ALL_FLAGS), asked.model):
        rows.append(row)
        if len(rows) % 20 == 0:
            print(f"{len(rows)} clips, {row['flag']}, {time.monotonic() - begun:.0f} s", flush=True)
            (asked.work / "answers.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    shutil.rmtree(plan.out)
    (asked.work / "answers.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    report = report_of(rows)
    write_atomic(asked.out, (json.dumps(report, indent=1) + "\n").encode("utf-8"))
    print(tables(report))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--work", type=Path, required=True, help="a folder for the clips while they are judged")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--real", dest="clips", type=Path, help="folder of recorded clips with pleura.json")
    parser.add_argument("--recorded", type=int, help="as many of them a flag, drawn by the seed; all when left out")
    parser.add_argument("--count", type=int, default=16, help="simulated clips of each kind")
    parser.add_argument("--flag", action="append", choices=list(ALL_FLAGS), help="only this flag; may be repeated")
    parser.add_argument("--add", type=Path, action="append", default=[], help="answers.json of a run to count in")
    parser.add_argument("--model", default="cmwru-strip")
    return parser.parse_args()


if __name__ == "__main__":
    main()
