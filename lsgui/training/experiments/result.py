"""What one network of an experiment gave on the test set, kept as a file so that it need not be trained again."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from lsgui.core.atomic_file import write_atomic
from lsgui.core.errors import DatasetError
from lsgui.core.label import SlidingLabel
from lsgui.core.prediction import WindowScore
from lsgui.training.clips.history import EpochRow
from lsgui.training.evaluation.metrics import ClipScores

RESULT_FILE = "result.json"


@dataclass(frozen=True, slots=True)
class SetSize:
    """How many clips, how many of them ls_a, of how many patients."""

    clips: int
    absent: int
    patients: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """One trained network, judged on clips of patients that it has not seen.

    Attributes
    ----------
    trial
        Experiment and variant.
    model_parameters
        Weights of the network as built.
    sets
        Sizes of training, validation and test set, after balancing.
    scores
        The test clips.
    threshold, threshold_source
        For the verdict per clip, and how it was chosen.
    even_odds
        The calibrated probability at which the network's own logit is 0: the paper's threshold of 0.5.
    history, best_epoch
        Every epoch, and the one that was kept.
    device, seconds
        Where it ran and for how long, reading of clips included.
    fingerprint
        Hash of all that decides the result: settings and data.
    """

    trial: str
    model_parameters: int
    sets: Mapping[str, SetSize]
    scores: tuple[ClipScores, ...]
    threshold: float
    threshold_source: str
    even_odds: float
    history: tuple[EpochRow, ...]
    best_epoch: int
    device: str
    seconds: float
    fingerprint: str = ""


def fingerprint_of(settings: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    """Return the hash of all that decides a result."""
    text = json.dumps([settings, data], sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def write_outcome(outcome: Outcome, folder: Path) -> None:
    """Write `result.json` into the folder of a run."""
    content = asdict(outcome)
    content["scores"] = [_score_to_json(score) for score in outcome.scores]
    content["history"] = [_without_nan(asdict(row)) for row in outcome.history]
    write_atomic(folder / RESULT_FILE, (json.dumps(content, indent=1) + "\n").encode("utf-8"))


def read_outcome(folder: Path) -> Outcome | None:
    """Return the outcome of a finished run, None where there is none.

    Raises
    ------
    DatasetError
        When the file is damaged.
    """
    path = folder / RESULT_FILE
    if not path.exists():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return Outcome(
            **{
                **content,
                "sets": {name: SetSize(**size) for name, size in content["sets"].items()},
                "scores": tuple(_score_from_json(score) for score in content["scores"]),
                "history": tuple(EpochRow(**_with_nan(row)) for row in content["history"]),
            }
        )
    except (OSError, ValueError, TypeError, KeyError) as fault:
        raise DatasetError(f"{path} is damaged: delete it, and --resume trains this network again.") from fault


def _score_to_json(score: ClipScores) -> dict[str, Any]:
    content = {f.name: getattr(score, f.name) for f in fields(ClipScores)}
    windows = [[w.start, w.stop, w.p_absent] for w in score.windows]
    return content | {"label": score.label.value, "verdict": score.verdict.value, "windows": windows}


def _score_from_json(content: dict[str, Any]) -> ClipScores:
    return ClipScores(
        **{
            **content,
            "label": SlidingLabel(content["label"]),
            "verdict": SlidingLabel(content["verdict"]),
            "windows": tuple(WindowScore(*window) for window in content["windows"]),
            "quality": tuple(content["quality"]),
        }
    )


def _without_nan(row: dict[str, Any]) -> dict[str, Any]:
    return {k: None if isinstance(v, float) and math.isnan(v) else v for k, v in row.items()}


def _with_nan(row: dict[str, Any]) -> dict[str, Any]:
    return {k: math.nan if v is None else v for k, v in row.items()}
