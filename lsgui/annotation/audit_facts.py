"""What the audit log says of a verdict and of an override: never a name, a path or a word that somebody typed."""

import hashlib
import json
from typing import Any, Literal

from lsgui.core.label import ReaderLabel
from lsgui.core.pleura import PleuralROI
from lsgui.core.prediction import Prediction

By = Literal["window", "predict"]


def verdict_facts(content: str, prediction: Prediction, by: By) -> dict[str, Any]:
    """Return what is entered of a verdict, in the words and digits of `lsgui predict --json`.

    Parameters
    ----------
    content
        SHA-256 of the clip's content; empty where it could not be had.
    """
    said = prediction.to_json()
    kept = ("label", "p_absent", "p_absent_interval", "threshold", "model", "motion_index", "quality", "device")
    return {
        "by": by,
        "clip": content or None,
        **{name: said[name] for name in kept},
        "line": None if prediction.roi is None else {"source": prediction.roi.source, "sha256": _hash(prediction.roi)},
    }


def override_facts(
    content: str,
    prediction: Prediction,
    *,
    rater: str,
    sitting: int,
    label: ReaderLabel | None,
    before_verdict: bool = False,
    reason: str = "",
) -> dict[str, Any]:
    """Return what is entered of a reader's label that contradicts a verdict.

    Parameters
    ----------
    label
        What the reader says now; None where the label was withdrawn.
    before_verdict
        Whether the label was given before the verdict was shown.
    reason
        One of the reasons that the program offers; empty where none was given.
    """
    said = prediction.to_json()
    return {
        "by": "window",
        "clip": content or None,
        "rater": rater,
        "sitting": sitting,
        "label": None if label is None else label.value,
        "before_verdict": before_verdict,
        "reason": reason or None,
        "verdict": {name: said[name] for name in ("label", "p_absent", "threshold", "model")},
    }


def _hash(roi: PleuralROI) -> str:
    text = json.dumps(roi.to_json(), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
