"""What an evaluation says: the JSON of `lsgui evaluate`, and its figures."""

import csv
import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any, Literal

import numpy as np

from lsgui.core.atomic_file import write_atomic
from lsgui.core.errors import DatasetError
from lsgui.core.label import SlidingLabel
from lsgui.training.evaluation.metrics import BINNING, BOOTSTRAPS, ClipScores, Metrics, clip_metrics, window_metrics
from lsgui.training.evaluation.run import Evaluation
from lsgui.training.evaluation.seen import seen_sentence

REPORT_FILE = "metrics.json"
INTERVALS = f"95 % percentile bootstrap, {BOOTSTRAPS} draws of whole patients"

Kind = Literal["simulated", "edited", "real"]
KINDS: tuple[Kind, ...] = ("real", "edited", "simulated")

FIGURES = ("confusion", "verdicts", "reliability", "histogram", "sources", "roc", "history")

ANSWERS = (SlidingLabel.LS_P, SlidingLabel.CANNOT_ASSESS, SlidingLabel.LS_A)
ANSWER_WORDS = ("ls_p", "no verdict", "ls_a")


def kind_of(source: str) -> Kind:
    """Return what kind of clips a source holds, by its name: a source says so where its clips are not of patients."""
    if re.search(r"\bsimulat", source, re.IGNORECASE):
        return "simulated"
    return "edited" if re.search(r"\bedit", source, re.IGNORECASE) else "real"


def kinds_in(rows: Sequence[ClipScores]) -> list[Kind]:
    """Return the kinds that clips are of, real ones first."""
    held = {kind_of(row.source) for row in rows}
    return [kind for kind in KINDS if kind in held]


def mixed_sentence(rows: Sequence[ClipScores]) -> str:
    """Return the warning for a set of clips of several kinds; empty where there is one kind."""
    kinds = kinds_in(rows)
    if len(kinds) < 2:
        return ""
    counts = Counter(kind_of(row.source) for row in rows)
    held = " and ".join(f"{counts[kind]} {kind}" for kind in kinds)
    return f"This set mixes {held} clips: figures over all of them describe none of these; read each kind by itself."


def report_of(evaluation: Evaluation) -> dict[str, Any]:
    """Return the mapping that `lsgui evaluate --json` prints."""
    rows, card = evaluation.rows, evaluation.card
    at = card.threshold
    mixed = mixed_sentence(rows)
    kinds = kinds_in(rows)
    abstention = _abstention(rows, at)
    decided = [row for row in rows if row.verdict is not SlidingLabel.CANNOT_ASSESS]
    return {
        "model": {"id": card.id, "version": card.version, "sha256": card.sha256},
        "data": str(evaluation.data),
        "clip": clip_metrics(rows, at).to_json(),
        "window": window_metrics(rows, at).to_json(),
        "by_source": {name: m.to_json() for name, m in by_source(rows, at).items()},
        "by_kind": {kind: clip_metrics(_of_kind(rows, kind), at).to_json() for kind in kinds},
        "decided": clip_metrics(decided, at).to_json(),
        "threshold": at,
        "threshold_source": card.threshold_source,
        "abstained": abstention["count"],
        "abstention": abstention,
        "verdicts": verdict_table(rows),
        "calibration": card.calibration.model_dump(),
        "calibration_binning": BINNING,
        "intervals": INTERVALS,
        "mixed": mixed or None,
        "warnings": [text for text in (mixed, seen_sentence(card, rows, evaluation.data), evaluation.note) if text],
        "unread": [{"clip": fault.clip, "error": fault.sentence} for fault in evaluation.unread],
        "missing": list(evaluation.missing),
    }


def by_source(rows: Sequence[ClipScores], threshold: float) -> dict[str, Metrics]:
    """Return the figures per clip of each source, in the order of its first clip."""
    names = dict.fromkeys(row.source for row in rows)
    return {name: clip_metrics([row for row in rows if row.source == name], threshold) for name in names}


def verdict_table(rows: Sequence[ClipScores]) -> list[list[int]]:
    """Return how often each answer was given, (ls_p, ls_a) by (ls_p, cannot assess, ls_a)."""
    return [
        [sum(row.absent == absent and row.verdict is answer for row in rows) for answer in ANSWERS]
        for absent in (False, True)
    ]


def _abstention(rows: Sequence[ClipScores], threshold: float) -> dict[str, Any]:
    """Return how many clips got no verdict, what they would have got at the threshold, and the flags they carry."""
    aside = [row for row in rows if row.verdict is SlidingLabel.CANNOT_ASSESS]
    scored = [row for row in aside if row.p_absent is not None]
    right = sum(((row.p_absent or 0.0) >= threshold) == row.absent for row in scored)
    return {
        "count": len(aside),
        "rate": round(len(aside) / len(rows), 4) if rows else None,
        "right_at_threshold": right,
        "wrong_at_threshold": len(scored) - right,
        "not_scored": len(aside) - len(scored),
        "absent": sum(row.absent for row in aside),
        "flags": dict(Counter(flag for row in aside for flag in row.quality).most_common()),
    }


def write_report(report: dict[str, Any], folder: Path) -> Path:
    """Write the JSON into the folder; return its path."""
    path = folder / REPORT_FILE
    try:
        write_atomic(path, (json.dumps(report, indent=1, ensure_ascii=False) + "\n").encode("utf-8"))
    except OSError as fault:
        raise DatasetError(f"{path} cannot be written ({fault.strerror}): choose another folder.") from fault
    return path


def write_figures(evaluation: Evaluation, folder: Path, pooled: bool = False) -> list[Path]:
    """Draw the figures of an evaluation as PNG into the folder; return their paths.

    Where the set mixes real, edited and simulated clips, each kind gets its own figures, `roc_real.png` and so on, and
    no figure shows them together.

    Parameters
    ----------
    pooled
        Also draw figures over all kinds, each with the warning under it.
    """
    kinds = kinds_in(evaluation.rows)
    mixed = mixed_sentence(evaluation.rows)
    made: list[Path] = []
    if not mixed or pooled:
        made += _figures_of(evaluation, evaluation.rows, folder, "", mixed)
    if mixed:
        for kind in kinds:
            made += _figures_of(evaluation, _of_kind(evaluation.rows, kind), folder, f"_{kind}", "")
    made += _history(evaluation, folder)
    for name, ending in product(FIGURES, ("", *(f"_{kind}" for kind in KINDS))):
        old = folder / f"{name}{ending}.png"
        if old not in made:  # of an earlier evaluation in the same folder: it would be taken for one of this
            old.unlink(missing_ok=True)
    return made


def _figures_of(evaluation: Evaluation, rows: Sequence[ClipScores], folder: Path, ending: str, note: str) -> list[Path]:
    from lsgui.training.evaluation import figures
    from lsgui.training.evaluation.reliability import isotonic_curve, reliability_bins

    card = evaluation.card
    scored = [(row, row.p_absent) for row in rows if row.p_absent is not None]
    if not scored:
        return []
    truth = np.array([row.absent for row, _ in scored])
    p = np.array([value for _, value in scored])
    kind = " and ".join(kinds_in(rows))
    clips, windows = clip_metrics(rows, card.threshold), window_metrics(rows, card.threshold)
    people = "1 patient" if clips.patients == 1 else f"{clips.patients} patients"
    counts = f"{clips.n} {kind} clips of {people}, {clips.absent} ls_a"
    made = {
        "confusion": figures.confusion_figure(
            {f"clips (n = {clips.n})": clips.confusion, f"windows (n = {windows.n})": windows.confusion},
            f"{card.id} at threshold {card.threshold:.2f}\n{counts}",
            note=note,
        ),
        "verdicts": figures.confusion_figure(
            {f"verdicts (n = {len(rows)} clips)": verdict_table(rows)}, f"{card.id}\n{counts}", ANSWER_WORDS, note
        ),
        "reliability": figures.reliability_figure(
            reliability_bins(truth, p), f"{card.id}: reliability\n{counts}", isotonic_curve(truth, p), note
        ),
        "histogram": figures.histogram_figure(truth, p, card.threshold, card.abstain, f"{card.id}\n{counts}", note),
        "sources": _source_figure(rows, card.threshold, f"{card.id} by source\n{counts}", note),
    }
    if 0 < truth.sum() < len(truth):
        made["roc"] = _roc(rows, card.threshold, f"{card.id}\n{counts}", note)
    return [figures.save_figure(figure, folder / f"{name}{ending}.png") for name, figure in made.items()]


def _roc(rows: Sequence[ClipScores], threshold: float, title: str, note: str) -> Any:
    from lsgui.training.evaluation.figures import roc_figure
    from lsgui.training.evaluation.roc import roc_curve_of

    clips = [(row.absent, row.p_absent, row.patient) for row in rows if row.p_absent is not None]
    windows = [(row.absent, window.p_absent, row.patient) for row in rows for window in row.windows]
    curves = [
        roc_curve_of(
            f"{name} (n = {len(items)})",
            [absent for absent, _, _ in items],
            [p for _, p, _ in items],
            [patient for _, _, patient in items],
            threshold,
        )
        for name, items in (("clips", clips), ("windows", windows))
        if items
    ]
    plain = [replace(curve, low=None, high=None) for curve in curves[1:]]  # two bands would hide one another
    return roc_figure([*curves[:1], *plain], title, note)


def _source_figure(rows: Sequence[ClipScores], threshold: float, title: str, note: str) -> Any:
    from lsgui.training.evaluation.figures import bars_with_intervals

    found = by_source(rows, threshold)
    groups = [f"{name}\nn = {m.n}, {m.absent} ls_a" for name, m in found.items()]
    names = {"recall": "sensitivity", "specificity": "specificity", "accuracy": "accuracy", "auc": "AUC"}
    series = {words: [getattr(m, name) for m in found.values()] for name, words in names.items()}
    return bars_with_intervals(groups, series, title, note=note)


def _history(evaluation: Evaluation, folder: Path) -> list[Path]:
    """Draw the course of training where the model's folder has one."""
    from lsgui.training.evaluation.figures import history_figure, save_figure

    path = evaluation.card.folder / "history.csv"
    history = read_history(path) if path.is_file() else {}
    if not history:
        return []
    epochs = len(next(iter(history.values())))
    title = f"{evaluation.card.id}: course of training, n = {epochs} epochs"
    return [save_figure(history_figure(history, title), folder / "history.png")]


def read_history(path: Path) -> dict[str, list[float]]:
    """Return the columns of a history.csv that hold numbers."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    found: dict[str, list[float]] = {}
    for name in rows[0] if rows else ():
        try:
            found[name] = [float(row[name]) if row[name] else float("nan") for row in rows]
        except (TypeError, ValueError):
            continue
    return found


def _of_kind(rows: Sequence[ClipScores], kind: Kind) -> list[ClipScores]:
    return [row for row in rows if kind_of(row.source) == kind]
