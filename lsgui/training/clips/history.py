"""What every epoch gave: as rows of a table, and as a figure."""

import csv
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lsgui.core.atomic_file import atomic_file
from lsgui.training.evaluation.figure_style import SERIES, in_style, legend_below, new_figure, save_figure

TABLE, FIGURE = "history.csv", "history.png"
NOTE = "Of single windows at even odds; training figures with dropout and augmentation, validation figures without."


@dataclass(frozen=True, slots=True)
class EpochRow:
    """One epoch; the figures are of single windows at even odds, nan where there is no clip to measure them on.

    Training figures are taken as the epoch went, with dropout and augmentation; validation figures after it, without.
    """

    epoch: int
    learning_rate: float
    train_loss: float
    train_accuracy: float
    train_recall: float
    validation_loss: float
    validation_accuracy: float
    validation_recall: float
    validation_specificity: float
    validation_auc: float
    seconds: float

    @property
    def scalars(self) -> dict[str, float]:
        """Return the figures by names that TensorBoard groups."""
        found = dataclasses.asdict(self)
        found.pop("epoch")
        return {name.replace("_", "/", 1) if "_" in name else name: value for name, value in found.items()}


@dataclass(frozen=True, slots=True)
class WindowFigures:
    """Figures of single windows at even odds; nan where a class is not there."""

    loss: float
    accuracy: float
    recall: float
    specificity: float
    auc: float


def window_figures(losses: npt.ArrayLike, logits: npt.ArrayLike, absent: npt.ArrayLike) -> WindowFigures:
    """Return the figures of windows with these losses, logits and labels, each (N,)."""
    terms, values, label = np.asarray(losses), np.asarray(logits), np.asarray(absent) > 0.5
    if not len(terms):
        return WindowFigures(*[float("nan")] * 5)
    right = (values > 0) == label
    auc = float("nan")
    if 0 < label.sum() < len(label):
        from sklearn.metrics import roc_auc_score

        auc = float(roc_auc_score(label, values))
    return WindowFigures(float(terms.mean()), float(right.mean()), _mean(right[label]), _mean(right[~label]), auc)


def _mean(values: npt.NDArray[np.bool_]) -> float:
    return float(values.mean()) if len(values) else float("nan")


def write_history(history: Sequence[EpochRow], out: Path) -> None:
    """Write `history.csv` into the folder `out`."""
    with atomic_file(out / TABLE, newline="") as file:
        table = csv.DictWriter(file, [field.name for field in dataclasses.fields(EpochRow)])
        table.writeheader()
        for row in history:
            table.writerow({k: f"{v:.6g}" if isinstance(v, float) else v for k, v in dataclasses.asdict(row).items()})


@in_style
def draw_history(history: Sequence[EpochRow], out: Path, title: str) -> None:
    """Draw loss, accuracy and recall over the epochs into `history.png` in the folder `out`."""
    figure, panels = new_figure(title, 3, (3.4, 3.0), NOTE)
    epochs = [row.epoch for row in history]
    for axes, name in zip(panels, ("loss", "accuracy", "recall"), strict=True):
        for part, colour in zip(("train", "validation"), SERIES, strict=False):
            values = [getattr(row, f"{part}_{name}") for row in history]
            if not np.isnan(values).all():
                axes.plot(epochs, values, marker=".", color=colour, label=part)
        axes.set_title(name)
        axes.set_xlabel("epoch")
        if name != "loss":
            axes.set_ylim(-0.03, 1.03)
    legend_below(figure, 2)
    save_figure(figure, out / FIGURE)
