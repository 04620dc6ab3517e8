"""Measure the quality flags as detectors: on clips made with each fault, and on clips made without it.

Run from the project's root, with the train extra installed:
python packaging/measure_flags.py --seed S --out FOLDER [--clips FOLDER] [--count N] [--flag NAME ...] [--quick]

Clips are made anew for the seed and written to disk; each is judged as `lsgui info` and `lsgui predict` do it. Writes
flags.json (every clip) and flags.md (the table) into FOLDER; the clips themselves are deleted. Simulated clips and
edits of recorded ones are never counted together.
"""

import argparse
import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flag_cases import FLAGS, Case, Plan

from lsgui.cli.info_command import clip_facts
from lsgui.core.errors import LsguiError
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

Row = dict[str, Any]


def judged(case: Case, session: LocalSession | None, model: str, out: Path) -> Row:
    """Return what the program says of a case."""
    row: Row = {"flag": case.flag, "source": case.source, "kind": case.kind, "faulty": case.faulty}
    row["clip"] = case.path.name
    if not case.needs_line:
        clip = open_clip(case.path)
        row["quality"] = clip_facts(case.path, clip)["quality"]
        _close(clip.store)
        return row
    lines = None
    if case.roi is not None:
        file = out / "line.json"
        file.write_text(json.dumps(case.roi.to_json()), encoding="utf-8")
        lines = LineFile(file)
    if session is None:
        return row | _quick(case)
    try:
        with ClipRunner(session, model, "cpu", lines).judged(case.path) as answer:
            said = answer.prediction.to_json()
    except LsguiError as fault:
        return {**row, "quality": [], "error": str(fault)}
    row |= {key: said[key] for key in ("quality", "label", "p_absent", "threshold", "motion_index")}
    return row


def _quick(case: Case) -> Row:
    """Return the flags alone, by the same functions in the same order, without network and maps."""
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


def rows_of(plan: Plan, names: list[str], model: str | None) -> Iterator[Row]:
    """Make and judge every case, deleting each clip when it is done."""
    session = None if model is None else LocalSession(WorkerPlan())
    if session is not None:
        session.start()
    try:
        for name in names:
            for case in FLAGS[name](plan):
                yield judged(case, session, model or "motion", plan.out)
                shutil.rmtree(case.path) if case.path.is_dir() else case.path.unlink()
    finally:
        if session is not None:
            session.close()


def table(rows: list[Row], seed: int) -> str:
    """Return the table: how often each flag was raised where it should be, and where it should not."""
    lines = [
        f"# Quality flags as detectors, seed {seed}",
        "",
        "Clips that raised the flag / clips. Simulated clips and edits of recorded clips are counted apart.",
        "",
        "| flag | clips | made with the fault | made without it |",
        "|---|---|---|---|",
    ]
    for flag in dict.fromkeys(row["flag"] for row in rows):
        for source in ("simulated", "recorded"):
            own = [row for row in rows if row["flag"] == flag and row["source"] == source]
            if own:
                lines.append(f"| `{flag}` | {source} | {_share(own, True)} | {_share(own, False)} |")
    lines += ["", "## By strength", "", "| flag | clips | made | raised |", "|---|---|---|---|"]
    for key in dict.fromkeys((row["flag"], row["source"], row["faulty"], row["kind"]) for row in rows):
        own = [row for row in rows if (row["flag"], row["source"], row["faulty"], row["kind"]) == key]
        raised = sum(row["flag"] in row["quality"] for row in own)
        made = f"{'with' if key[2] else 'without'}: {key[3]}"
        lines.append(f"| `{key[0]}` | {key[1]} | {made} | {raised} / {len(own)} |")
    return "\n".join([*lines, "", _disagreement(rows), ""])


def _share(rows: list[Row], faulty: bool) -> str:
    own = [row for row in rows if row["faulty"] is faulty]
    raised = sum(row["flag"] in row["quality"] for row in own)
    return f"{raised} / {len(own)} ({100 * raised / len(own):.0f} %)" if own else "-"


def _disagreement(rows: list[Row]) -> str:
    """Return the sentence on `models_disagree`: is it raised wherever the two numbers of an answer say opposites?"""
    opposite = agreed = wrong = 0
    for row in rows:
        if row.get("p_absent") is None or row.get("motion_index") is None:
            continue
        raised = "models_disagree" in row["quality"]
        motion = MotionOpinion(row["motion_index"]).label.value
        network = "ls_a" if row["p_absent"] >= row["threshold"] else "ls_p"
        clear = motion != "cannot_assess" and motion != network
        opposite, agreed = opposite + raised, agreed + (not raised)
        wrong += raised and (not clear or row["label"] != "cannot_assess")
    return (
        f"`models_disagree`: raised on {opposite} of {opposite + agreed} answers; on {wrong} of them the two numbers "
        "were not opposite or a verdict was given."
    )


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--clips", type=Path, help="the folder of shared clips with pleura.json")
    parser.add_argument("--count", type=int, default=16, help="simulated clips of each kind")
    parser.add_argument("--flag", action="append", choices=list(FLAGS), help="only this flag; may be repeated")
    parser.add_argument("--model", default="cmwru-strip")
    parser.add_argument("--quick", action="store_true", help="flags only: no network, no maps, no verdict")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    plan = Plan(asked.out / "made", asked.seed, asked.count, asked.clips)
    plan.out.mkdir(parents=True, exist_ok=True)
    rows: list[Row] = []
    begun = time.monotonic()
    for row in rows_of(plan, asked.flag or list(FLAGS), None if asked.quick else asked.model):
        rows.append(row)
        if len(rows) % 20 == 0:
            (asked.out / "flags.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
            print(f"{len(rows)} clips, {row['flag']}, {time.monotonic() - begun:.0f} s", flush=True)
    shutil.rmtree(plan.out)
    (asked.out / "flags.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    (asked.out / "flags.md").write_text(table(rows, asked.seed), encoding="utf-8")
    print(table(rows, asked.seed))


if __name__ == "__main__":
    main()
