"""The figures of an experiment, in the house's style: how training went, what was called what, beside the paper."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lsgui.core.atomic_file import write_atomic
from lsgui.training.evaluation.figures import INK, MUTED, SERIES, confusion_figure, in_style, new_figure
from lsgui.training.evaluation.metrics import Value
from lsgui.training.experiments.tables import VariantRow

HISTORY, CONFUSION, COMPARISON = "history.png", "confusion.png", "comparison.png"
_COURSES = ("loss", "accuracy", "recall")
_DPI = 130
"""A report is kept with the program's source: its figures are small files."""


def draw_figures(rows: Sequence[VariantRow], folder: Path, about: str) -> list[Path]:
    """Write the figures of one experiment into a folder and return them, none where no variant was trained.

    Parameters
    ----------
    about
        Data set, counts and seed, for the line under each figure.
    """
    done = [row for row in rows if row.outcome is not None and row.windows is not None]
    if not done:
        return []
    return [_history(done, folder, about), _confusion(done, folder, about), _comparison(done, folder, about)]


def _title(rows: Sequence[VariantRow], what: str) -> str:
    return f"{rows[0].trial.experiment.title}, {what}"


@in_style
def _history(rows: Sequence[VariantRow], folder: Path, about: str) -> Path:
    note = f"Solid: training, with dropout and augmentation. Dashed: validation. Dot: the epoch that was kept. {about}"
    figure, panels = new_figure(_title(rows, "training"), len(_COURSES), (3.3, 3.1), note)
    for axes, name in zip(panels, _COURSES, strict=True):
        for row, colour in zip(rows, SERIES, strict=False):
            assert row.outcome is not None
            epochs = [epoch.epoch for epoch in row.outcome.history]
            for part, line in (("train", "-"), ("validation", (0, (3, 2)))):
                values = np.array([getattr(epoch, f"{part}_{name}") for epoch in row.outcome.history])
                if np.isnan(values).all():
                    continue
                mark = "." if len(epochs) <= 1 else ""
                label = row.trial.label if part == "train" else None
                axes.plot(epochs, values, color=colour, linestyle=line, marker=mark, linewidth=1.5, label=label)
                best = row.outcome.best_epoch - epochs[0]
                axes.plot(epochs[best], values[best], "o", color=colour, markersize=4.5, markeredgecolor="white")
        last = max(row.outcome.history[-1].epoch for row in rows if row.outcome is not None)
        axes.set(xlabel="epoch", title=name, xlim=(1 - 0.04 * last, 1.04 * last) if last > 1 else (0.5, 1.5))
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.set_ylim(bottom=0.0) if name == "loss" else axes.set_ylim(-0.02, 1.02)
    if len(rows) > 1:
        figure.legend(*panels[0].get_legend_handles_labels(), title=_varied(rows), loc="outside right center")
    return _save(figure, folder / HISTORY)


def _confusion(rows: Sequence[VariantRow], folder: Path, about: str) -> Path:
    tables = {_heading(row): row.windows.confusion for row in rows if row.windows is not None}
    note = f"Windows of the test clips, called ls_a where the network's logit is above 0. {about}"
    figure = confusion_figure(tables, _title(rows, "what was called what"), note=note)
    return _save(figure, folder / CONFUSION)


@in_style
def _comparison(rows: Sequence[VariantRow], folder: Path, about: str) -> Path:
    note = f"Windows of the test clips at even odds; lines are 95 % intervals by patient, the paper gives none. {about}"
    names = ("recall", "specificity", "auc")
    words = {"recall": "recall (ls_a found)", "specificity": "specificity (ls_p found)", "auc": "area under ROC curve"}
    beside = "beside the paper" if any(row.trial.variant.paper for row in rows) else "what was measured"
    figure, panels = new_figure(_title(rows, beside), len(names), (3.1, 3.3), note)
    at = np.arange(len(rows))
    for axes, name in zip(panels, names, strict=True):
        for x, row in zip(at, rows, strict=True):
            value = row.value(name)
            _mark(axes, float(x), value, "measured here" if x == 0 else "")
            paper = row.trial.variant.paper.get(name)
            if paper is not None:
                label = "the paper, on its own clips" if x == 0 else None
                axes.plot(
                    x + 0.16, paper, "D", color=SERIES[1], fillstyle="none", markersize=6, label=label, clip_on=False
                )
        axes.set_xticks(at, [row.trial.label for row in rows])
        axes.set(xlabel=_varied(rows), title=words[name], ylim=(-0.03, 1.03), xlim=(-0.6, len(rows) - 0.4))
        axes.grid(visible=False, axis="x")
    handles, labels = panels[0].get_legend_handles_labels()
    if len(labels) > 1:  # without the paper's numbers there is nothing to tell apart
        figure.legend(handles, labels, loc="outside upper right", ncols=2)
    return _save(figure, folder / COMPARISON)


def _mark(axes: Any, x: float, value: Value | None, label: str) -> None:
    """Draw one measured value with its interval, or say that there is none."""
    if value is None or value.value is None:
        axes.text(x, 0.02, "n/a", ha="center", va="bottom", fontsize=7.5, color=MUTED)
        return
    spread = None
    if value.low is not None and value.high is not None:
        spread = [[max(value.value - value.low, 0.0)], [max(value.high - value.value, 0.0)]]
    axes.errorbar(
        x,
        value.value,
        spread,
        fmt="o",
        color=SERIES[0],
        ecolor=INK,
        elinewidth=1.0,
        capsize=3,
        label=label or None,
        clip_on=False,
    )


def _save(figure: Any, path: Path) -> Path:
    """Write a figure as PNG, whole or not at all; return its path."""
    from PIL import Image

    drawn, data = io.BytesIO(), io.BytesIO()
    in_style(figure.savefig)(drawn, format="png", dpi=_DPI)
    with Image.open(drawn) as picture:
        picture.convert("RGB").save(data, format="png", optimize=True)
    write_atomic(path, data.getvalue())
    return path


def _varied(rows: Sequence[VariantRow]) -> str:
    return rows[0].trial.experiment.varied.replace("_", " ") or "network"


def _heading(row: VariantRow) -> str:
    varied = row.trial.experiment.varied.replace("_", " ")
    return f"{varied} {row.trial.label}".strip()
