"""Scores of made-up clips for tests: what a model could have said."""

from lsgui.core.label import SlidingLabel
from lsgui.core.prediction import WindowScore
from lsgui.training.evaluation.metrics import ClipScores


def scored(clip, patient, absent, p, *, source="clinic", verdict=None, windows=None, start=0, quality=()):
    """One clip with two windows around its probability; the verdict is what the threshold 0.5 says."""
    label = SlidingLabel.LS_A if absent else SlidingLabel.LS_P
    if verdict is None:
        said = SlidingLabel.CANNOT_ASSESS if p is None else SlidingLabel.LS_A if p >= 0.5 else SlidingLabel.LS_P
    else:
        said = SlidingLabel(verdict)
    if windows is None:
        windows = () if p is None else (max(p - 0.02, 0.0), min(p + 0.02, 1.0))
    spans = tuple(WindowScore(start + 10 * k, start + 10 * k + 30, float(w)) for k, w in enumerate(windows))
    return ClipScores(
        clip=clip,
        patient=patient,
        source=source,
        label=label,
        p_absent=p,
        windows=spans,
        verdict=said,
        start=start,
        stop=start + 60,
        quality=quality,
        motion_index=None if p is None else 1.0 - p,
        line="file",
    )
