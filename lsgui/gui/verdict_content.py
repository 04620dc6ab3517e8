"""What the verdict card says in every state of the window, as plain values. No widget."""

from dataclasses import dataclass
from typing import Literal

from lsgui.core.label import CANNOT_ASSESS_ADVICE, SlidingLabel
from lsgui.core.prediction import Prediction, QualityFlag
from lsgui.inference.verdict_words import Opinion, extent_words, opinions, why_sentences
from lsgui.review.state import AnalysisPhase, LoadPhase, ReviewState, RoiPhase, WorkerPhase

Tone = Literal["none", "present", "absent", "unsure", "accent", "warning"]
Ask = Literal["none", "analyse", "draw", "cancel"]

HIDDEN = "Hidden until you save your reading"


@dataclass(frozen=True, slots=True, eq=False)
class VerdictContent:
    """The card and the button under it.

    Attributes
    ----------
    icon
        Name of an icon of `resources/icons`; empty for none.
    tone
        Token of the left edge, the icon and the words.
    words, line
        The large words and the line under them.
    opinions
        What each of the two judges says where they say opposite things.
    notes
        Sentences: what to know, or what to do.
    prediction
        The verdict whose number and evidence are shown; None for none.
    ask, button
        What the button asks for, and what it says; "none" disables it.
    chip
        A short remark over the card, such as that the verdict is for the former line.
    """

    icon: str = ""
    tone: Tone = "none"
    words: str = ""
    line: str = ""
    opinions: tuple[Opinion, ...] = ()
    notes: tuple[str, ...] = ()
    prediction: Prediction | None = None
    ask: Ask = "none"
    button: str = "Analyse"
    chip: str = ""


_TONES: dict[SlidingLabel, tuple[str, Tone]] = {
    SlidingLabel.LS_P: ("present", "present"),
    SlidingLabel.LS_A: ("absent", "absent"),
    SlidingLabel.CANNOT_ASSESS: ("unsure", "unsure"),
}


def verdict_content(state: ReviewState) -> VerdictContent:
    """Return what the card says in a state."""
    clip, analysis = state.clip, state.analysis
    if clip is None or clip.phase is LoadPhase.EMPTY:
        return VerdictContent("clip", words="No clip open", line="Open one, or drop it on the window.")
    if clip.phase is LoadPhase.FAILED:
        return VerdictContent("warning", "warning", "Not readable", "See the sentence on the picture.")
    if analysis.phase is AnalysisPhase.RUNNING:
        return VerdictContent("", "accent", "Analysing", f"{analysis.stage or 'Starting'} …", ask="cancel")
    if analysis.prediction is not None and analysis.phase is AnalysisPhase.DONE:
        return _hidden() if state.verdict_hidden else _verdict(state, analysis.prediction)
    if analysis.phase is AnalysisPhase.FAILED:
        note = analysis.message or "The analysis ended without a verdict."
        return VerdictContent(
            "warning", "warning", "Analysis failed", "", notes=(note,), ask="analyse", button="Try again"
        )
    if state.roi is None:
        return _without_line(state)
    if clip.phase is not LoadPhase.COMPLETE:
        return VerdictContent("", words="Not analysed yet", line="The clip is still being decoded.")
    if analysis.phase is AnalysisPhase.CANCELLED:
        return VerdictContent("", words="Analysis stopped", line="Nothing was scored.", ask="analyse")
    if state.roi_phase is RoiPhase.SUGGESTED and state.roi.uncertain:
        sure = f"Its confidence is {100 * (state.roi.confidence or 0.0):.0f} %: drag it, draw it (R), or press Enter."
        return VerdictContent("draw-line", "warning", "The dotted line may not be the pleura", sure, ask="analyse")
    line = "Check the dashed line, then press Enter." if state.roi_phase is RoiPhase.SUGGESTED else "Press Enter."
    return VerdictContent("", words="Not analysed yet", line=line, ask="analyse")


def _hidden() -> VerdictContent:
    return VerdictContent("hidden", "none", HIDDEN, "First your own answer: P, A, U or K.")


def _without_line(state: ReviewState) -> VerdictContent:
    if state.roi_phase is RoiPhase.SEARCHING:
        return VerdictContent("suggest", "accent", "Looking for the pleural line", "It takes a moment. Or draw it: R.")
    if state.roi_phase is RoiPhase.DRAWING:
        return VerdictContent("draw-line", "accent", "Draw the pleural line", "Enter ends, Esc cancels.")
    if state.no_lung_is_said:
        notes = (CANNOT_ASSESS_ADVICE, QualityFlag.NOT_LUNG.sentence)
        words, line = SlidingLabel.CANNOT_ASSESS.wording, "Nothing is scored, with or without a line."
        return VerdictContent("unsure", "unsure", words, line, notes=notes)
    if state.roi_phase is RoiPhase.NOT_FOUND:
        line = "Draw it along the pleura, and the clip can be analysed."
        return VerdictContent("draw-line", "warning", "No pleural line found", line, ask="draw", button="Draw the line")
    line = "The analysis needs to know where the pleura is."
    return VerdictContent("draw-line", "none", "No pleural line yet", line, ask="draw", button="Draw the line")


def _verdict(state: ReviewState, prediction: Prediction) -> VerdictContent:
    icon, tone = _TONES[prediction.label]
    info = None if state.clip is None else state.clip.info
    return VerdictContent(
        icon=icon,
        tone="none" if state.analysis.stale else tone,
        words=prediction.label.wording,
        line=extent_words(prediction, info),
        opinions=opinions(prediction),
        notes=why_sentences(prediction),
        prediction=prediction,
        ask="draw" if state.roi is None else "analyse",
        button="Draw the line" if state.roi is None else "Analyse again",
        chip="The line changed: analyse again" if state.analysis.stale else "",
    )


def worker_sentence(state: ReviewState) -> str:
    """Return what is to be said of a worker that is not ready; empty when it is."""
    worker = state.worker
    if worker.phase is WorkerPhase.STARTING:
        return "The analysis engine is starting; Enter may be pressed already."
    if worker.phase is WorkerPhase.RESTARTING:
        return " ".join(part for part in (worker.note, "The analysis engine is restarting.") if part)
    if worker.phase is WorkerPhase.STOPPED:
        return worker.note or "The analysis engine has stopped: restart lsgui."
    return worker.note
