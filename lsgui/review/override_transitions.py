"""Overrides: a reader's label that contradicts a verdict on screen. Pure functions, state in, state out."""

from dataclasses import replace
from pathlib import Path

from lsgui.core.label import ReaderLabel, SlidingLabel
from lsgui.review.state import AnalysisPhase, Contradicted, Override, ReviewState

REASONS = ("AI looks at the wrong line", "motion is pulse or probe", "seen on other views")
"""The reasons that can be given with one key; any other is typed."""

_OPPOSITE = {ReaderLabel.LS_P: SlidingLabel.LS_A, ReaderLabel.LS_A: SlidingLabel.LS_P}


def opposite(label: ReaderLabel) -> SlidingLabel | None:
    """Return the verdict that says the opposite of a label; None where none does."""
    return _OPPOSITE.get(label)


def contradicted(state: ReviewState, label: ReaderLabel) -> Contradicted | None:
    """Return the verdict on screen that says the opposite of `label`; None where none does or it is covered."""
    analysis = state.analysis
    prediction = analysis.prediction
    if prediction is None or analysis.phase is not AnalysisPhase.DONE or analysis.stale or state.verdict_hidden:
        return None
    if prediction.label is not opposite(label):
        return None
    return Contradicted(prediction.label, f"{prediction.model.id} {prediction.model.version}")


def override_asked(
    state: ReviewState, path: Path, label: ReaderLabel, reading: str, against: Contradicted | None
) -> ReviewState:
    """A label was saved: ask why where it contradicts the verdict; a former question is over."""
    asked = None if against is None else Override(path, label, against, reading)
    return state if asked == state.override else replace(state, override=asked)


def override_settled(state: ReviewState, reading: str | None = None) -> ReviewState:
    """The reason is saved or not wanted; `reading` names the override that is meant, None the one that is asked."""
    if state.override is None or (reading is not None and state.override.reading != reading):
        return state
    return replace(state, override=None)
