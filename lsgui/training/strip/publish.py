"""The card of a trained `cmwru-strip`: what it was trained on, by which command, and what not to expect of it."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lsgui.core.resources import model_dirs
from lsgui.models.card import Calibration, ModelCard, ModelInput, write_card
from lsgui.models.checkpoint import save_weights
from lsgui.models.cmwru_strip import CmwruStrip
from lsgui.training.data.dataset_rows import EDITED, SIMULATED, DatasetRow
from lsgui.training.data.sources import is_recorded
from lsgui.training.strip.measure import ABSTAIN
from lsgui.training.strip.recipe import StripRecipe

VERSION = "2"
SHIPPED_INDEX = "cmwru-strip/sliding_clips.csv"
"""The rows of the shipped model, in the folder of trained models."""

_NO_ABSENT_CLIP = (
    "No clip of a patient with absent sliding was seen in training or test: none with an open licence exists.",
    "Absent clips are edits of sliding clips and simulations; figures on them say nothing certain of patients.",
)
_SOME_ABSENT_CLIPS = (
    "Beside patients' clips of absent sliding there were edits and simulations, which say nothing certain of patients.",
)
_LIMITS = ("Probe motion, heavy compression and clips under 3 s make it unsure.",)


def publish(
    network: CmwruStrip,
    rows: Sequence[DatasetRow],
    recipe: StripRecipe,
    calibration: Calibration,
    metrics: dict[str, Any],
    command: str,
    out: Path,
) -> ModelCard:
    """Write weights and card into `out`; `rows` are those that were trained on."""
    card = ModelCard(
        id="cmwru-strip",
        title="3D residual network on the pleural strip",
        version=VERSION,
        architecture="cmwru-strip",
        input=ModelInput(kind="strip", size=(32, 64, 32), window_s=2.5),
        hyperparameters={"width": recipe.width, "dropout": recipe.dropout},
        threshold=0.5,
        threshold_source="even odds, set before training and not moved afterwards",
        abstain=ABSTAIN,
        calibration=calibration,
        parameters=sum(weight.numel() for weight in network.parameters()),
        sha256=save_weights(network, out / "model.safetensors"),
        trained_on=trained_on(rows, recipe),
        metrics=metrics,
        command=command,
        seed=recipe.seed,
        limits=limits(rows),
    )
    write_card(card, out)
    return card


def trained_on(rows: Sequence[DatasetRow], recipe: StripRecipe) -> str:
    """Return in words what a network has seen: patients' clips of either kind, edits and simulations apart."""
    seen = _drawn_from(rows, recipe)
    recorded = [row for row in seen if is_recorded(row)]
    sliding, absent = ([row for row in recorded if row.absent is side] for side in (False, True))
    parts = []
    if sliding:
        parts += [_of_patients(sliding, "sliding clip"), "edits of them"]
    if absent:
        parts.append(_of_patients(absent, "absent clip"))
    for source in (EDITED, SIMULATED):
        count = sum(row.source == source for row in seen)
        if count:
            parts.append(f"{_count(count, f'{source} clip')} of the data set")
    if recipe.uses_simulation and recipe.simulated_clips:
        parts.append(_count(recipe.simulated_clips, "simulated clip"))
    return ", ".join(parts)


def _drawn_from(rows: Sequence[DatasetRow], recipe: StripRecipe) -> list[DatasetRow]:
    """Return the rows that windows are drawn from: all but where the share of simulated windows is 0 or 1."""
    simulated = [row for row in rows if row.source == SIMULATED]
    others = [row for row in rows if row.source != SIMULATED]
    if recipe.simulated_share == 1 and (simulated or recipe.simulated_clips):
        return simulated
    return others if recipe.simulated_share == 0 and others else list(rows)


def _of_patients(rows: Sequence[DatasetRow], what: str) -> str:
    return f"{_count(len(rows), what)} of {_count(len({row.patient for row in rows}), 'patient')}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' if number != 1 else ''}"


def limits(rows: Sequence[DatasetRow]) -> tuple[str, ...]:
    """Return what not to expect of a network that was trained on these rows."""
    some = any(row.absent and is_recorded(row) for row in rows)
    return (*(_SOME_ABSENT_CLIPS if some else _NO_ABSENT_CLIP), *_LIMITS)


def command_of(index: Path | None, recipe: StripRecipe, measured: bool) -> str:
    """Return the command that makes a run again, with CLIPS and RUN in place of folders."""
    parts = ["lsgui train --data CLIPS --model cmwru-strip"]
    if index is not None:
        parts.append(f"--index {_index_words(index)}")
    parts.append("--out RUN")
    parts += [f"--set {name}={value}" for name, value in recipe.changed.items()]
    if measured:
        parts.append("--leave-one-out")
    return " ".join(parts)


def _index_words(index: Path) -> str:
    """Return the path as it was given; that of the shipped model's rows as it is from the project's folder."""
    if any(index.resolve() == (folder / SHIPPED_INDEX).resolve() for folder in model_dirs()):
        return f"trained_models/{SHIPPED_INDEX}"
    return shlex.quote(index.as_posix())
