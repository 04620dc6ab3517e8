"""The experiments of the paper as a table: what is varied, what is held, and which numbers the paper has.

The paper is "Deep Learning Approaches for Detecting Absence of Lung Sliding in Ultrasound Videos" (Technical University
of Košice, 2024). Its figures are per window of frames and at a threshold of 0.5.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from lsgui.core.errors import ModelError

METRICS: Final = ("accuracy", "precision", "recall", "f1", "specificity")
"""The paper's metrics, in the order of its tables; recall counts most."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One network of an experiment.

    Attributes
    ----------
    name
        Its folder: letters, digits, point and hyphen.
    changes
        Settings of the recipe that make this variant, by name.
    paper
        What the paper measured, by metric; empty where it has figures only.
    """

    name: str
    changes: Mapping[str, Any]
    paper: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Experiment:
    """Networks that differ in one setting, trained on the same split with the same seed.

    Attributes
    ----------
    name, title
        On the command line, and over the report.
    model
        Which network.
    varied
        The setting that differs; empty for an experiment of one network.
    reference
        The variant that the others are compared with: the one the paper went on with.
    base
        Settings that all variants share where they differ from the recipe.
    place
        Where the paper has its numbers or curves.
    notes
        What a reader must know of the paper's numbers.
    """

    name: str
    title: str
    model: str
    varied: str
    reference: str
    variants: tuple[Variant, ...]
    base: Mapping[str, Any] = field(default_factory=dict)
    place: str = ""
    notes: tuple[str, ...] = ()

    def settings(self, variant: Variant) -> dict[str, Any]:
        """Return all settings of a variant that differ from the recipe."""
        return {**self.base, **variant.changes}


def _pair(recall: float, specificity: float) -> dict[str, float]:
    return {"recall": recall, "specificity": specificity}


COUNTS: Final = (
    "Derived, not quoted: the smallest test set in which every figure of tables II and III comes out when rounded has "
    "25 absent and 107 present windows. A recall of 0.76 is then 19 of 25."
)

EXPERIMENTS: Final[dict[str, Experiment]] = {
    experiment.name: experiment
    for experiment in (
        Experiment(
            name="whole-set",
            title="CMWRA on the whole set",
            model="cmwra",
            varied="",
            reference="cmwra",
            variants=(
                Variant(
                    "cmwra",
                    {},
                    {"accuracy": 0.3387, "precision": 0.1864, "recall": 0.7756, "f1": 0.3006, "specificity": 0.2407},
                ),
            ),
            base={"balance": "none"},
            place="Table I",
            notes=(
                "Read as: no sliding clip is dropped for balance.",
                "Recall and specificity of Table I add up to 1.016: hardly more than chance, which gives 1.",
            ),
        ),
        Experiment(
            name="dropout",
            title="CMWRU: dropout",
            model="cmwru",
            varied="dropout",
            reference="0.6",
            variants=(
                Variant("0.4", {"dropout": 0.4}, _pair(0.32, 0.944)),
                Variant("0.5", {"dropout": 0.5}, _pair(0.40, 0.794)),
                Variant("0.6", {"dropout": 0.6}, _pair(0.76, 0.710)),
                Variant("0.7", {"dropout": 0.7}, _pair(1.00, 0.037)),
            ),
            base={"epochs": 10},
            place="Table II, 10 epochs",
            notes=(COUNTS, "With dropout 0.7 the paper's network calls nearly every window absent."),
        ),
        Experiment(
            name="gradient-clipping",
            title="CMWRU: gradient clipping by value",
            model="cmwru",
            varied="clip_value",
            reference="0.4",
            variants=(
                Variant("0.1", {"clip_value": 0.1}, _pair(0.76, 0.710)),
                Variant("0.4", {"clip_value": 0.4}, _pair(1.00, 0.701)),
                Variant("0.5", {"clip_value": 0.5}, _pair(0.68, 0.720)),
                Variant("0.8", {"clip_value": 0.8}, _pair(0.64, 0.738)),
            ),
            place="Table III",
            notes=(COUNTS,),
        ),
        Experiment(
            name="frames",
            title="CMWRU: frames of a window",
            model="cmwru",
            varied="frames",
            reference="45",
            variants=tuple(Variant(str(count), {"frames": count}) for count in (34, 45, 60)),
            place="figures only",
        ),
        Experiment(
            name="flow-step",
            title="CMWRA: frames between the two pictures of a flow field",
            model="cmwra",
            varied="flow_step",
            reference="1",
            variants=tuple(Variant(str(step), {"flow_step": step}) for step in (1, 2, 3)),
            place="figures only",
        ),
        Experiment(
            name="gamma",
            title="CMWRU: gamma of the focal loss",
            model="cmwru",
            varied="focal_gamma",
            reference="2",
            variants=tuple(Variant(str(gamma), {"focal_gamma": gamma}) for gamma in (2, 3)),
            place="figures only",
            notes=("The loss itself shrinks with gamma: compare accuracy and recall, not the loss.",),
        ),
        Experiment(
            name="final",
            title="CMWRU: the final run",
            model="cmwru",
            varied="",
            reference="final",
            variants=(
                Variant(
                    "final",
                    {"frames": 45},
                    {"accuracy": 0.670, "precision": 0.356, "recall": 0.800, "f1": 0.492, "specificity": 0.6375},
                ),
            ),
            base={"split": "0.75,0,0.25"},
            place="Table V",
            notes=(
                "The paper's text says that Table V has a specificity of 80 %: an error. Its table has 0.6375; 80 % is "
                "the recall.",
                "The paper's loss of 0.0045 is divided by the size of a batch twice and has no counterpart here.",
                "Derived, not quoted: 100 windows fit Table V, 16 of 20 absent and 51 of 80 present called right.",
            ),
        ),
    )
}


def find_experiments(name: str) -> tuple[Experiment, ...]:
    """Return one experiment, or all of them for "all".

    Raises
    ------
    ModelError
        When there is no such experiment.
    """
    if name != "all" and name not in EXPERIMENTS:
        raise ModelError(f"There is no experiment called {name!r}: choose one of {', '.join(EXPERIMENTS)}, all.")
    return tuple(EXPERIMENTS.values()) if name == "all" else (EXPERIMENTS[name],)
