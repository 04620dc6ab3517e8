"""Were clips or patients of an evaluation part of the model's training: what the files beside its card say."""

import csv
from collections.abc import Sequence
from pathlib import Path

from lsgui.models.card import ModelCard
from lsgui.training.evaluation.metrics import ClipScores

TRAINING_SETS = frozenset({"train", "training", "validation", "val"})
"""Clips of the validation set count too: calibration, threshold and the choice of weights come from them."""

_SET_COLUMNS = ("set", "split", "part")


def seen_sentence(card: ModelCard, rows: Sequence[ClipScores]) -> str:
    """Return a warning where the model was trained on evaluated clips or their patients; empty where it is not known.

    A table beside the card (CSV with `clip` and `patient`, and where not all rows were trained on a column `set`) says
    what the model has seen. Simulated patients carry a number only, so they count with the same clip's name alone.
    """
    clips, patients = _seen(card.folder)
    known = [
        row
        for row in rows
        if Path(row.clip).name in clips or (row.patient in patients and "simulat" not in row.source.lower())
    ]
    if not known:
        return ""
    return (
        f"{len(known)} of {len(rows)} clips were seen in training, or are of patients who were: figures on them say "
        "nothing of new patients."
    )


def _seen(folder: Path) -> tuple[set[str], set[str]]:
    clips: set[str] = set()
    patients: set[str] = set()
    for path in sorted(folder.glob("*.csv")):
        try:
            with path.open(newline="", encoding="utf-8") as file:
                rows = list(csv.DictReader(file))
        except (OSError, UnicodeDecodeError, csv.Error):
            continue
        if not rows or not {"clip", "patient"} <= rows[0].keys():
            continue
        which = next((name for name in _SET_COLUMNS if name in rows[0]), None)
        for row in rows:
            if which is None or (row[which] or "").strip().lower() in TRAINING_SETS:
                clips.add(Path(row["clip"] or "").name)
                patients.add(row["patient"] or "")
    return clips, patients - {""}
