"""Outcomes without training: what the report and the order of runs need, in no time."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from lsgui.core.errors import DatasetError
from lsgui.core.label import SlidingLabel
from lsgui.core.prediction import WindowScore
from lsgui.training.clips.history import EpochRow
from lsgui.training.evaluation.metrics import ClipScores
from lsgui.training.experiments.plan import Trial
from lsgui.training.experiments.result import Outcome, SetSize

DATA = {"rows": [["a", "ls_a"], ["b", "ls_p"]]}
CLIPS, WINDOWS, CLIPS_PER_PATIENT = 24, 3, 2


def acted_outcome(trial: Trial, skill: float = 1.0, seed: int = 7) -> Outcome:
    """Return an outcome whose network tells the classes apart by `skill` standard deviations."""
    rng = np.random.default_rng(seed)
    frames = trial.recipe.frames
    scores = []
    for clip in range(CLIPS):
        absent = clip % 2 == 0
        logits = rng.normal(skill if absent else -skill, 1.0, WINDOWS)
        odds = 1 / (1 + np.exp(-logits))
        windows = tuple(WindowScore(k * frames, (k + 1) * frames, float(p)) for k, p in enumerate(odds))
        label = SlidingLabel.LS_A if absent else SlidingLabel.LS_P
        patient = f"P{clip // CLIPS_PER_PATIENT}"
        scores.append(ClipScores(f"clip_{clip}.avi", patient, "simulated", label, float(np.median(odds)), windows))
    size = SetSize(CLIPS, CLIPS // 2, CLIPS // CLIPS_PER_PATIENT)
    row = EpochRow(1, 1e-3, 0.1, 0.6, 0.7, 0.12, 0.6, 0.5, 0.7, 0.65, 1.0)
    return Outcome(
        trial=trial.name,
        model_parameters=1234,
        sets={"train": replace(size, clips=72), "validation": size, "test": size},
        scores=tuple(scores),
        threshold=0.4,
        threshold_source="chosen on 24 validation clips for a sensitivity of 0.90",
        even_odds=0.5,
        history=(row, replace(row, epoch=2, validation_loss=0.1, validation_auc=float("nan"))),
        best_epoch=2,
        device="cpu",
        seconds=30.0,
    )


class ActedTraining:
    """Stands for the training of a network, counts its calls, and fails where it is told to.

    Parameters
    ----------
    faults
        By the trial's name: what to raise.
    """

    def __init__(self, faults: dict[str, Exception] | None = None, skills: Sequence[float] = (1.0,)) -> None:
        self.faults = faults or {}
        self.skills = skills
        self.trained: list[str] = []

    def __call__(self, trial: Trial, folder: Path, *, resume: bool) -> Outcome:
        self.trained.append(trial.name)
        assert resume
        assert folder.is_dir()
        if trial.name in self.faults:
            raise self.faults[trial.name]
        return acted_outcome(trial, self.skills[len(self.trained) % len(self.skills)])


OUT_OF_MEMORY = DatasetError("This machine ran out of memory with batches of 20: try --set batch=10.")
