"""The end of a run on clips: calibration and threshold from the validation set, figures of the test set, the card."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from lsgui.core.atomic_file import write_atomic
from lsgui.core.label import SlidingLabel
from lsgui.core.prediction import WindowScore
from lsgui.models.card import Calibration, ModelCard, write_card
from lsgui.models.checkpoint import save_weights
from lsgui.training.card_text import describe
from lsgui.training.clips.config import ClipRecipe
from lsgui.training.clips.trainer import TrainingResult
from lsgui.training.clips.window_scoring import WindowLogits, score_samples
from lsgui.training.data.clip_samples import ClipSamples
from lsgui.training.data.dataset_rows import DatasetRow
from lsgui.training.data.split import Split
from lsgui.training.evaluation.calibrate import calibrate, probabilities, threshold_for_sensitivity
from lsgui.training.evaluation.metrics import ClipScores, clip_metrics, window_metrics
from lsgui.training.evaluation.report import KINDS, kind_of
from lsgui.training.evaluation.scores_file import ScoresFile

SHIPPABLE_BYTES = 20_000_000
"""Weights that would pass this in float32 are written as float16."""

FEWEST_TO_FIT = 5
"""Clips of the rarer label under which nothing is fitted to the validation set: it would follow single clips."""

TEST_FOLDER = "test"
"""Folder of the test clips' scores; apart from the card, for a table beside it says what the model was trained on."""

LIMITS = (
    "Research use only: it was not validated on patients.",
    "Clips of patients, edited clips and simulated clips are different things: figures on one say little of another.",
)


@dataclass(frozen=True, slots=True)
class Judgement:
    """Calibration, threshold, and what they give on the test set."""

    calibration: Calibration = field(default_factory=Calibration)
    threshold: float = 0.5
    threshold_source: str = ""
    abstain: tuple[float, float] = (0.5, 0.5)
    scores: tuple[ClipScores, ...] = ()


def halves_weights(network: nn.Module) -> bool:
    """Tell whether the weights are so large that they are written as float16."""
    size: int = sum(tensor.numel() * tensor.element_size() for tensor in network.state_dict().values())
    return size > SHIPPABLE_BYTES


def round_weights(network: nn.Module) -> None:
    """Round the weights, in place, to what will be written, so that what is measured is what is shipped."""
    if not halves_weights(network):
        return
    with torch.no_grad():
        for tensor in network.state_dict().values():
            if tensor.is_floating_point():
                tensor.copy_(tensor.half())


def judge(
    network: nn.Module,
    validation: ClipSamples | None,
    test: ClipSamples | None,
    recipe: ClipRecipe,
    device: str,
    data: Path,
    report: Callable[[int, int], None],
) -> Judgement:
    """Choose calibration and threshold on the validation set and score the test set with them.

    Parameters
    ----------
    data
        Folder that the names of clips start at.
    report
        Called with (clips done, clips).
    """
    network = network.to(device).eval()
    total = sum(len(samples.rows) for samples in (validation, test) if samples is not None)
    done = 0

    def scored(samples: ClipSamples | None) -> list[WindowLogits]:
        nonlocal done
        if samples is None:
            return []
        before = done
        found = score_samples(
            network, samples, device, recipe.batch, recipe.max_windows, lambda k, _: report(before + k, total)
        )
        done += len(found)
        return found

    calibration, threshold, source = fit_odds(scored(validation), recipe.sensitivity)
    abstain = (round(max(threshold - recipe.abstain, 0.0), 4), round(min(threshold + recipe.abstain, 1.0), 4))
    rows = [clip_scores(found, calibration, threshold, abstain, data) for found in scored(test)]
    return Judgement(calibration, threshold, source, abstain, tuple(rows))


def fit_odds(found: Sequence[WindowLogits], sensitivity: float | None) -> tuple[Calibration, float, str]:
    """Return calibration, threshold, and where the threshold comes from, of the scored validation clips."""
    absent = [one.row.absent for one in found]
    if not found:
        return Calibration(source="none: there was no validation set"), 0.5, "even odds: there was no validation set"
    logits = [one.clip_logit for one in found]
    rarer = min(sum(absent), len(absent) - sum(absent))
    if rarer < FEWEST_TO_FIT:
        few = f"{len(absent)} validation clips ({sum(absent)} absent) are too few"
        return Calibration(source=f"none: {few}"), 0.5, f"even odds: {few} to choose by"
    calibration = calibrate(logits, absent)
    if sensitivity is None:
        return calibration, 0.5, "even odds, set before training"
    choice = threshold_for_sensitivity(probabilities(logits, calibration), absent, sensitivity)
    return calibration, min(max(round(choice.threshold, 4), 1e-4), 1 - 1e-4), choice.source


def clip_scores(
    found: WindowLogits, calibration: Calibration, threshold: float, abstain: tuple[float, float], data: Path
) -> ClipScores:
    """Return what is said of one clip by network, calibration and threshold alone, without flags and veto."""
    p = float(probabilities([found.clip_logit], calibration)[0])
    verdict = SlidingLabel.LS_A if p >= threshold else SlidingLabel.LS_P
    if abstain[0] < p < abstain[1]:
        verdict = SlidingLabel.CANNOT_ASSESS
    row = found.row
    inside = row.clip.is_relative_to(data)
    name = (row.clip.relative_to(data) if inside else row.clip).as_posix()
    return ClipScores(
        clip=name if row.edit is None else f"{name} ({row.edit})",
        patient=row.patient,
        source=row.source,
        label=row.label,
        p_absent=p,
        windows=tuple(
            WindowScore(int(start), int(stop), float(p_window))
            for start, stop, p_window in zip(
                found.starts, found.stops, probabilities(found.logits, calibration), strict=True
            )
        ),
        verdict=verdict,
        start=int(found.starts[0]),
        stop=int(found.stops[-1]),
        line="none" if row.roi is None else "file",
    )


def figures_by_kind(scores: Sequence[ClipScores], threshold: float) -> dict[str, Any]:
    """Return the figures of the test set by kind of clip, and within a kind by source."""
    out: dict[str, Any] = {}
    for kind in KINDS:
        chosen = [score for score in scores if kind_of(score.source) == kind]
        if not chosen:
            continue
        entry: dict[str, Any] = {
            "clip": clip_metrics(chosen, threshold).to_json(),
            "window": window_metrics(chosen, threshold).to_json(),
            "set_aside": sum(score.verdict is SlidingLabel.CANNOT_ASSESS for score in chosen),
        }
        sources = sorted({score.source for score in chosen})
        if len(sources) > 1:
            entry["by_source"] = {
                source: clip_metrics([s for s in chosen if s.source == source], threshold).to_json()
                for source in sources
            }
        out[kind] = entry
    return out


def publish(
    network: nn.Module,
    draft: ModelCard,
    out: Path,
    about: str,
    command: str,
    recipe: ClipRecipe,
    split: Split,
    judgement: Judgement,
    training: TrainingResult,
) -> ModelCard:
    """Write weights, card, card text and the test clips' scores into `out`, and return the card."""
    half = halves_weights(network)
    digest = save_weights(copy.deepcopy(network).half() if half else network, out / "model.safetensors")
    metrics = {
        "sets": {name: _size(rows) for name, rows in split.sets.items()},
        "best_epoch": training.best_epoch,
        "epochs": len(training.history),
        "test": figures_by_kind(judgement.scores, judgement.threshold),
    }
    card = ModelCard.model_validate(
        {
            **draft.model_dump(),
            "architecture_only": False,
            "threshold": judgement.threshold,
            "threshold_source": judgement.threshold_source,
            "abstain": judgement.abstain,
            "calibration": judgement.calibration,
            "parameters": sum(weight.numel() for weight in network.parameters()),
            "sha256": digest,
            "trained_on": _trained_on(split, about),
            "metrics": metrics,
            "command": command,
            "limits": (*LIMITS, *_limits(split)),
        }
    )
    write_card(card, out)
    write_atomic(out / "README.md", describe(card, judgement.scores, half).encode("utf-8"))
    (out / TEST_FOLDER).mkdir(exist_ok=True)
    ScoresFile(out / TEST_FOLDER, card.ref).write(judgement.scores)
    return card


def _size(rows: Sequence[DatasetRow]) -> dict[str, int]:
    return {
        "clips": len(rows),
        "absent": sum(row.absent for row in rows),
        "patients": len({row.patient for row in rows}),
    }


def _trained_on(split: Split, about: str) -> str:
    parts = []
    for kind in KINDS:
        rows = [row for row in split.train if kind_of(row.source) == kind]
        if rows:
            size = _size(rows)
            parts.append(f"{size['clips']} {kind} clips ({size['absent']} absent) of {size['patients']} patients")
    return ", ".join(parts) + (f": {about}" if about else "")


def _limits(split: Split) -> list[str]:
    rows = split.train
    if not any(row.absent and kind_of(row.source) == "real" for row in rows):
        return ["No clip of a patient with absent sliding was seen in training."]
    return []
