"""Were clips or patients of an evaluation part of the model's training: what the files beside its card say."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lsgui.annotation.content_hash import content_hash
from lsgui.core.errors import DatasetError, LsguiError
from lsgui.models.card import ModelCard
from lsgui.training.data.dataset_rows import COLUMNS, read_table
from lsgui.training.data.split import HASH_COLUMN
from lsgui.training.evaluation.metrics import ClipScores

TRAINING_SETS = frozenset({"train", "training", "validation", "val"})
"""Clips of the validation set count too: calibration, threshold and the choice of weights come from them."""

_SET_COLUMNS = ("set", "split", "part")
_STRETCH = ("patient", "label", "start", "stop")


@dataclass(slots=True)
class _Seen:
    """What a model was trained on: content, names and patients; and of simulated clips without hash, all there is."""

    hashes: set[str] = field(default_factory=set)
    clips: set[str] = field(default_factory=set)
    patients: set[str] = field(default_factory=set)
    simulated: set[tuple[str, ...]] = field(default_factory=set)

    def add(self, cells: dict[str, str]) -> None:
        """Take in one row of a table."""
        name, digest = Path(cells["clip"]).name, cells.get(HASH_COLUMN, "")
        if digest:
            self.hashes.add(digest)
        if not _is_simulated(cells["source"]):
            self.clips.add(name)
            self.patients.add(cells["patient"])
        elif not digest:
            self.simulated.add((name, *(cells[column] for column in _STRETCH)))

    def knows(self, row: ClipScores, data: Path | None) -> bool:
        """Tell whether an evaluated clip, or its patient, is among them."""
        name = Path(row.clip).name
        if _is_simulated(row.source):
            if (name, row.patient, row.label.value, str(row.start), str(row.stop)) in self.simulated:
                return True
        elif name in self.clips or (row.patient and row.patient in self.patients):
            return True
        return data is not None and bool(self.hashes) and _hash_of(data / row.clip) in self.hashes


def seen_sentence(card: ModelCard, rows: Sequence[ClipScores], data: Path | None = None) -> str:
    """Return a warning where the model was trained on evaluated clips or their patients; empty where it is not known.

    A table beside the card (with the columns of a `dataset.csv`, and where not all rows were trained on a column `set`)
    says what the model has seen; other tables, such as scores, are passed over. Clips are known by their content, real
    ones also by name and patient. Names and patients of simulated clips are the same for every seed: where the table
    has no hash, patient, label and frames must be the same too.

    Parameters
    ----------
    data
        The folder that the clips' names start at; None: their content is not looked at.
    """
    seen = _seen(card.folder)
    known = [row for row in rows if seen.knows(row, data)]
    if not known:
        return ""
    return (
        f"{len(known)} of {len(rows)} clips were seen in training, or are of patients who were: figures on them say "
        "nothing of new patients."
    )


def _seen(folder: Path) -> _Seen:
    seen = _Seen()
    for path in sorted(folder.glob("*.csv")):
        try:
            rows = read_table(path, COLUMNS)
        except DatasetError:  # a table of something else
            continue
        which = next((name for name in _SET_COLUMNS if name in rows[0]), None)
        for row in rows:
            if which is None or row[which].lower() in TRAINING_SETS:
                seen.add(row)
    return seen


def _is_simulated(source: str) -> bool:
    return "simulat" in source.lower()


def _hash_of(clip: Path) -> str:
    try:
        return content_hash(clip)
    except LsguiError:
        return ""
