"""From an experiment and the user's settings to the recipes that are trained."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lsgui.core.errors import ModelError
from lsgui.training.clips.config import ClipRecipe, default_recipe, read_clip_recipe, read_settings
from lsgui.training.experiments.catalogue import Experiment, Variant

SIZE_SETTINGS = ("size", "frames", "epochs", "batch", "head", "patch", "rate_hz", "region")
"""Settings that say how big a run is: a report in which one of them is not the paper's says so first."""

_SCALED = "frames"
"""The one setting that can be shrunk where it is also what an experiment varies: its steps keep their proportions."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One network to train.

    Attributes
    ----------
    experiment, variant
        Where it stands in the paper.
    recipe
        All settings.
    paper_recipe
        The settings of the paper's own run, before the user's were laid over them.
    """

    experiment: Experiment
    variant: Variant
    recipe: ClipRecipe
    paper_recipe: ClipRecipe

    @property
    def name(self) -> str:
        """Experiment and variant, as a path inside the folder of runs."""
        return f"{self.experiment.name}/{self.variant.name}"

    @property
    def names(self) -> tuple[str, str, str]:
        """What `--only` may call it."""
        return self.name, self.experiment.name, self.variant.name

    @property
    def label(self) -> str:
        """What is varied and how far, as figures and tables say it: the value that was trained, not the paper's."""
        varied = self.experiment.varied
        return f"{getattr(self.recipe, varied):g}" if varied else self.variant.name

    @property
    def cost(self) -> float:
        """How much work it is, in units that compare runs of one model."""
        return float(self.recipe.epochs * self.recipe.frames * self.recipe.size**2)

    def changed(self) -> dict[str, tuple[Any, Any]]:
        """Return the settings that are not the paper's: name to (here, paper)."""
        mine, papers = self.recipe.model_dump(), self.paper_recipe.model_dump()
        if mine["raft"] is not None:  # the file's name, not where it lies on one machine
            mine["raft"] = Path(mine["raft"]).name
        return {name: (mine[name], papers[name]) for name in mine if mine[name] != papers[name]}


def plan_trials(experiments: Sequence[Experiment], settings: Sequence[str]) -> tuple[Trial, ...]:
    """Return the networks to train, in order, with the settings of `--set key=value` laid over each.

    Raises
    ------
    ModelError
        When a setting is unknown, does not fit, or is the one that an experiment varies.
    """
    given = read_settings(None, settings)
    return tuple(_trial(experiment, variant, given) for experiment in experiments for variant in experiment.variants)


def choose_trials(trials: Sequence[Trial], only: Sequence[str]) -> tuple[Trial, ...]:
    """Return the trials that `--only` names by variant, experiment or both ("dropout/0.5"); all where it names none.

    Raises
    ------
    ModelError
        When a name fits none.
    """
    for wanted in only:
        if not any(wanted in trial.names for trial in trials):
            known = dict.fromkeys(trial.variant.name for trial in trials)
            raise ModelError(f"There is no variant {wanted!r} here: choose from {', '.join(known)}.")
    return tuple(trial for trial in trials if not only or set(only) & set(trial.names))


def _trial(experiment: Experiment, variant: Variant, given: Mapping[str, Any]) -> Trial:
    published = experiment.settings(variant)
    asked = dict(given)
    varied = experiment.varied
    if varied in asked:
        if varied != _SCALED:
            raise ModelError(
                f"The experiment {experiment.name} varies {varied}: leave --set {varied}={asked[varied]} out."
            )
        asked[varied] = _scaled(experiment, variant, asked[varied])
    return Trial(
        experiment,
        variant,
        _recipe(experiment.model, {**published, **asked}),
        _recipe(experiment.model, published),
    )


def _scaled(experiment: Experiment, variant: Variant, value: Any) -> int:
    """Return the frames of a variant where `value` takes the place of the reference's."""
    try:
        wanted = int(value)
    except ValueError as fault:
        raise ModelError(f"The training setting frames needs a whole number, not {value!r}.") from fault
    reference = next((int(v.changes[_SCALED]) for v in experiment.variants if v.name == experiment.reference), None)
    return round(wanted * int(variant.changes[_SCALED]) / (reference or int(experiment.reference)))


def _recipe(model: str, settings: Mapping[str, Any]) -> ClipRecipe:
    known = default_recipe(model).model_dump()
    texts = [f"{name}={value}" for name, value in settings.items()]
    return read_clip_recipe(model, None, texts) if texts else ClipRecipe.model_validate(known)
