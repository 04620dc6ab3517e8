"""The text that lies beside a trained model: what it is, how it was made, what was measured, what not to expect."""

from collections.abc import Mapping, Sequence
from typing import Any

from lsgui.models.card import ModelCard
from lsgui.training.evaluation.metrics import ClipScores

_ROWS = ("auc", "recall", "specificity", "accuracy", "precision", "f1", "calibration_error")


def describe(card: ModelCard, scores: Sequence[ClipScores], half: bool) -> str:
    """Return the README of a model on clips.

    Parameters
    ----------
    scores
        Of the test clips.
    half
        True where the weights are written as float16.
    """
    stored = "float16" if half else "float32"
    parts = [
        f"# {card.id} {card.version}: {card.title}",
        f"**In** {_input(card)}. **Out** one logit of absent sliding a window. {card.parameters:,} parameters, stored "
        f"as {stored}, {card.sha256[:12]}.",
        "**Research use only: not validated on patients.**",
        "## How it was made",
        f"```\n{card.command}\n```",
        f"Seed {card.seed}. Trained on {card.trained_on}. Which clip stood in which set is in `split.csv`; no patient "
        f"is in two sets. Epoch {card.metrics['best_epoch']} of {card.metrics['epochs']} was kept"
        f"{_why_kept(card)}. History: `history.csv`, `history.png`.",
        f"Calibration: {card.calibration.source}. Threshold {card.threshold:.3f}: {card.threshold_source}. Between "
        f"{card.abstain[0]:.2f} and {card.abstain[1]:.2f} no verdict is given.",
        "## What was measured",
        *_measured(card.metrics["test"], len(scores)),
        "## Limits",
        "\n".join(f"- {limit}" for limit in card.limits),
    ]
    return "\n\n".join(parts) + "\n"


def _input(card: ModelCard) -> str:
    frames, size = (card.input.size or (0, 0))[:2]
    extra: Mapping[str, Any] = card.input.model_extra or {}
    what = {
        "frame": f"{frames} grey frames of {size}x{size}",
        "patches": f"{frames} grey frames of squares of {size}x{size} below the pleural line",
        "flow": f"RAFT flow of {frames} frames of {size}x{size}, {extra.get('flow_step', 1)} apart",
    }.get(card.input.kind, card.input.kind)
    parts = [what]
    if extra.get("patch") and card.input.kind == "flow":
        parts.append(f"cut to squares of {extra['patch']}x{extra['patch']} below the pleural line")
    if extra.get("rate_hz"):
        parts.append(f"{extra['rate_hz']:g} a second")
    if extra.get("region") == "pleura":
        parts.append("the box around the pleural line")
    if extra.get("stabilise"):
        parts.append("held still on the chest wall")
    if extra.get("deviation"):
        parts.append("minus their mean over time")
    return ", ".join(parts)


def _why_kept(card: ModelCard) -> str:
    return (
        ", the one of the lowest validation loss" if card.metrics["sets"]["validation"]["clips"] else ", the last one"
    )


def _measured(test: Mapping[str, Any], clips: int) -> list[str]:
    if not clips:
        return ["Nothing: there was no test set."]
    out = [
        f"On {clips} test clips of patients that were not trained on, network and threshold alone, without quality "
        "flags and veto. Intervals: 95 % bootstrap by patient. Scores of each clip: `test/scores.csv`."
    ]
    for kind, entry in test.items():
        out.append(_table(kind, entry))
    return out


def _table(kind: str, entry: Mapping[str, Any]) -> str:
    clip, window = entry["clip"], entry["window"]
    lines = [
        f"| {kind} clips | per clip ({clip['n']}, {clip['absent']} absent, {clip['patients']} patients) | "
        f"per window ({window['n']}, {window['absent']} absent) |",
        "|---|---|---|",
        *(f"| {name.replace('_', ' ')} | {_value(clip[name])} | {_value(window[name])} |" for name in _ROWS),
    ]
    (tn, fp), (fn, tp) = clip["confusion"]
    lines.append(f"| true / false present, false / true absent | {tn} / {fn}, {fp} / {tp} | |")
    lines.append(f"| set aside near the threshold | {entry['set_aside']} | |")
    return "\n".join(lines)


def _value(value: Mapping[str, Any]) -> str:
    if value["value"] is None:
        return "–"
    if value["low"] is None:
        return f"{value['value']:.3f}"
    return f"{value['value']:.3f} [{value['low']:.3f}–{value['high']:.3f}]"
