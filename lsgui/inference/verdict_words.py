"""The words of the verdict: what a prediction says, in the fixed wording, as plain text."""

import math
from dataclasses import dataclass

import numpy as np

from lsgui.core.clip import ClipInfo
from lsgui.core.label import CANNOT_ASSESS_ADVICE, RESEARCH_LINE, TRAINING_LINE, SlidingLabel
from lsgui.core.prediction import Prediction, QualityFlag, Ribbon
from lsgui.inference.verdict import BLOCKS_ABSENT, BLOCKS_ANY_VERDICT, BLOCKS_PRESENT, MotionOpinion

MINUS = "−"
_PATIENTS = "patients' absent clips"
"""A card whose weights have seen these says so in `trained_on`; without the words the training line is shown."""


def number_words(probability: float) -> str:
    """Return a probability with two figures; never as certain: "<0.01", ">0.99"."""
    if probability < 0.005:
        return "<0.01"
    return ">0.99" if probability > 0.995 else f"{probability:.2f}"


def probability_words(prediction: Prediction) -> str:
    """Return "p(absent) 0.09 [0.04–0.14]", or why there is no number."""
    if prediction.p_absent is None:
        return "not scored"
    words = f"p(absent) {number_words(prediction.p_absent)}"
    if prediction.p_absent_interval is not None:
        low, high = prediction.p_absent_interval
        words += f" [{low:.2f}–{high:.2f}]"
    return words


def agreeing(values: list[float], prediction: Prediction) -> tuple[int, int]:
    """Return how many scored values lie on the verdict's side of the threshold, and how many were scored."""
    scored = [p for p in values if math.isfinite(p)]
    if prediction.label is SlidingLabel.LS_A:
        return sum(p >= prediction.threshold for p in scored), len(scored)
    return sum(p < prediction.threshold for p in scored), len(scored)


def stretches_words(prediction: Prediction) -> str:
    """Return "7 of 7 stretches": how many say what the verdict says; empty where none was scored by itself."""
    if prediction.label is SlidingLabel.CANNOT_ASSESS or not prediction.tells_stretches:
        return ""
    agree, scored = agreeing([s.p_absent for s in prediction.segments], prediction)
    return f"{agree} of {scored} stretch{'es' if scored != 1 else ''}" if scored else ""


def extent_words(prediction: Prediction, info: ClipInfo | None) -> str:
    """Return class and extent, "ls_p · in every stretch, all 10 s"."""
    parts = []
    agree, scored = agreeing([s.p_absent for s in prediction.segments], prediction)
    if prediction.label is not SlidingLabel.CANNOT_ASSESS and scored and prediction.tells_stretches:
        parts.append("in every stretch" if agree == scored else f"in {agree} of {scored} stretches")
    seconds = scored_seconds(prediction, info)
    if seconds:
        parts.append(seconds)
    if prediction.label is SlidingLabel.CANNOT_ASSESS:
        return f"{seconds} scored" if seconds else "Nothing could be scored."
    return " · ".join([prediction.label.value, *([", ".join(parts)] if parts else [])])


def scored_seconds(prediction: Prediction, info: ClipInfo | None) -> str:
    """Return "all 10 s" or "8.1 of 10 s": how much of the clip the windows cover."""
    if info is None or not prediction.windows or info.frames <= 0:
        return ""
    seen = np.zeros(info.frames, dtype=bool)
    for window in prediction.windows:
        if math.isfinite(window.p_absent):
            seen[max(window.start, 0) : window.stop] = True
    total = info.duration_s
    covered = total * float(seen.mean())
    if not seen.any():
        return ""
    return f"all {_seconds(total)} s" if covered > 0.95 * total else f"{_seconds(covered)} of {_seconds(total)} s"


def _seconds(value: float) -> str:
    return f"{value:.0f}" if value >= 9.95 else f"{value:.1f}"


def why_sentences(prediction: Prediction) -> tuple[str, ...]:
    """Return what the reader must know beside the verdict: the advice of "cannot assess", the hint, then the flags."""
    out = [CANNOT_ASSESS_ADVICE] if prediction.label is SlidingLabel.CANNOT_ASSESS else []
    if prediction.hint:
        out.append(prediction.hint)
    return (*out, *(flag.sentence for flag in flags_in_order(prediction)))


def flags_in_order(prediction: Prediction) -> tuple[QualityFlag, ...]:
    """Return the flags, those first that stand against any verdict, then those against one of the two."""
    either = BLOCKS_ABSENT | BLOCKS_PRESENT
    weight = {flag: 0 if flag in BLOCKS_ANY_VERDICT else 1 if flag in either else 2 for flag in QualityFlag}
    return tuple(sorted(prediction.quality, key=weight.__getitem__))


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one of the two judges says: its name, its answer in a word, its number, and the answer as a label."""

    judge: str
    word: str
    number: str
    label: SlidingLabel


def opinions(prediction: Prediction) -> tuple[Opinion, ...]:
    """Return what network and motion index say where they say opposite things; empty where they do not."""
    p, index = prediction.p_absent, prediction.motion_index
    if QualityFlag.MODELS_DISAGREE not in prediction.quality or p is None or index is None:
        return ()
    network = SlidingLabel.LS_A if p >= prediction.threshold else SlidingLabel.LS_P
    motion = MotionOpinion(index).label
    return (
        Opinion("Network", "absent" if network is SlidingLabel.LS_A else "present", f"p {number_words(p)}", network),
        Opinion("Motion index", motion_word(index), f"{index:.2f}", motion),
    )


def motion_word(index: float) -> str:
    """Return what a motion index says in a word, where the rule of the verdict takes it for an opinion at all."""
    label = MotionOpinion(index).label
    if label is SlidingLabel.LS_P:
        return "sliding"
    return "still" if label is SlidingLabel.LS_A else "unclear"


def evidence_rows(prediction: Prediction, device_name: str) -> tuple[tuple[str, str, str], ...]:
    """Return the evidence as (name, value, explanation) rows, in the order in which it is read."""
    model = prediction.model
    named = f"{model.id} {model.version}".strip()
    rows = [
        (
            f"{'Network' if model.sha256 else 'Model'} ({named})",
            "not scored" if prediction.p_absent is None else number_words(prediction.p_absent),
            "Probability of absent sliding that the model gives.",
        ),
        (
            "Motion index",
            (
                "not measured"
                if prediction.motion_index is None
                else f"{prediction.motion_index:.2f} · {motion_word(prediction.motion_index)}"
            ),
            "Measured without a network: 0 the lung moves with the chest wall, 1 it moves by itself.",
        ),
        (
            "Breathing band / pulse band",
            "not measured" if prediction.band_ratio is None else f"{prediction.band_ratio:.1f}",
            "Power of lung motion at 0.1–0.7 Hz over that at 0.8–2.5 Hz: low values are the heart, not the breath.",
        ),
        (
            "Chest wall followed",
            "not measured" if prediction.wall_correlation is None else f"{prediction.wall_correlation:.2f}",
            "Correlation of the chest wall with its reference: 1 is perfect following.",
        ),
    ]
    if model.trained_on:
        rows.append(("Trained on", model.trained_on, "Where the model's weights come from."))
    total = sum(prediction.seconds.values())
    rows.append(
        (
            "Device · time",
            f"{device_name or prediction.device.upper()} · {total:.1f} s",
            "; ".join(f"{name} {value:.2f} s" for name, value in prediction.seconds.items()),
        )
    )
    return tuple(rows)


def segment_probability(ribbon: Ribbon, frame: int) -> np.ndarray:
    """Return p(absent) for every stretch of pleura at a frame, (segments,); NaN where nothing was scored.

    Windows overlap: the mean of those that hold the frame counts.
    """
    here = (ribbon.starts <= frame) & (frame < ribbon.stops)
    values = np.asarray(ribbon.p_absent[here], dtype=np.float64)
    known = np.isfinite(values)
    count = known.sum(axis=0)
    total = np.where(known, values, 0.0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def footer_lines(prediction: Prediction) -> tuple[str, ...]:
    """Return what stands under every verdict: research use, and what the weights have not seen."""
    trained = prediction.model.trained_on
    if prediction.model.sha256 and _PATIENTS not in trained.lower():
        return RESEARCH_LINE, f"{TRAINING_LINE}."
    return (RESEARCH_LINE,)
