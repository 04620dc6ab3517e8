"""Figures of training and evaluation, all in one style: units on the axes, the number of clips in every title.

Each function returns a matplotlib `Figure` that no window knows of; `save_figure` writes it.
"""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lsgui.training.evaluation.figure_style import (
    ABSENT,
    INK,
    MUTED,
    PRESENT,
    SERIES,
    UNSURE,
    in_style,
    legend_below,
    new_figure,
    save_figure,
)
from lsgui.training.evaluation.metrics import Value
from lsgui.training.evaluation.reliability import ReliabilityBins

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "ABSENT",
    "INK",
    "MUTED",
    "PRESENT",
    "SERIES",
    "UNSURE",
    "bars_with_intervals",
    "confusion_figure",
    "histogram_figure",
    "history_figure",
    "in_style",
    "legend_below",
    "new_figure",
    "paired_figure",
    "reliability_figure",
    "roc_figure",
    "save_figure",
]

_SETS = {
    "train": "training",
    "training": "training",
    "validation": "validation",
    "val": "validation",
    "valid": "validation",
    "test": "test",
}
_QUANTITIES = ("loss", "accuracy", "recall", "specificity", "precision", "f1", "auc")
_WORDS = {"auc": "area under the ROC curve", "f1": "F1"}


@in_style
def roc_figure(curves: Sequence[Any], title: str, note: str = "") -> "Figure":
    """Return ROC curves with their intervals by patient and the working point of each.

    Parameters
    ----------
    curves
        `lsgui.training.evaluation.roc.RocCurve`, one or more on the same clips.
    """
    figure, (axes,) = new_figure(title, size=(4.6, 5.2), note=note)
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.9, linestyle=(0, (4, 3)))
    for curve, colour in zip(curves, SERIES, strict=False):
        if curve.low is not None:
            axes.fill_between(curve.grid, curve.low, curve.high, color=colour, alpha=0.16, linewidth=0)
        axes.plot(curve.false_rate, curve.true_rate, color=colour, label=f"{curve.name}: AUC {curve.auc.words()}")
        if curve.point is not None:
            mark = {"markersize": 6.5, "markeredgecolor": "white", "zorder": 5, "clip_on": False}
            axes.plot(*curve.point, "o", color=colour, **mark)
    thresholds = " and ".join(dict.fromkeys(f"{curve.threshold:.2f}" for curve in curves))
    axes.plot([], [], "o", color=MUTED, label=f"at threshold {thresholds}")
    _unit_square(axes, "1 − specificity", "sensitivity (share of ls_a found)")
    legend_below(figure, 1)
    return _figure(figure)


@in_style
def confusion_figure(
    tables: Mapping[str, npt.ArrayLike],
    title: str,
    columns: Sequence[str] = ("ls_p", "ls_a"),
    note: str = "",
) -> "Figure":
    """Return confusion matrices side by side: rows are labels (ls_p, ls_a), columns what was answered.

    Cells hold the count and its share of the row; colour is the share.

    Parameters
    ----------
    tables
        Heading to (2, answers) counts.
    columns
        The answers.
    """
    figure, panels = new_figure(title, len(tables), (1.5 + 0.95 * len(columns), 3.1), note)
    for axes, (heading, table) in zip(panels, tables.items(), strict=True):
        counts = np.asarray(table, dtype=int)
        totals = counts.sum(axis=1, keepdims=True)
        share = counts / np.maximum(totals, 1)
        axes.imshow(share, cmap="Blues", vmin=0.0, vmax=1.0, aspect="equal")
        for (row, column), count in np.ndenumerate(counts):
            colour = "white" if share[row, column] > 0.55 else INK
            text = f"{count}\n{share[row, column]:.0%}" if totals[row, 0] else "–"
            axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=10)
        axes.set_xticks(range(len(columns)), columns)
        axes.set_yticks(range(2), [f"ls_p\nn = {totals[0, 0]}", f"ls_a\nn = {totals[1, 0]}"])
        axes.set_xlabel("answer")
        axes.set_ylabel("label")
        axes.set_title(heading)
        axes.grid(visible=False)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
    return _figure(figure)


@in_style
def reliability_figure(
    bins: ReliabilityBins,
    title: str,
    curve: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]] | None = None,
    note: str = "",
) -> "Figure":
    """Return how often clips of each probability are absent, with the count of every bin under it.

    Parameters
    ----------
    curve
        `isotonic_curve`: the same without bins.
    """
    figure, _ = new_figure(title, 0, (4.6, 5.2), note)
    axes, below = figure.subplots(2, 1, height_ratios=(3.2, 1.0), sharex=True)
    centres = (bins.edges[:-1] + bins.edges[1:]) / 2
    held = bins.counts > 0
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.9, linestyle=(0, (4, 3)), label="as it should be")
    if curve is not None and len(curve[0]):
        axes.step(*curve, where="post", color=SERIES[2], linewidth=1.2, label="without bins (isotonic)")
    share = bins.share_absent[held]
    spread = np.clip([share - bins.low[held], bins.high[held] - share], 0.0, None)
    axes.errorbar(
        bins.mean_p[held],
        share,
        spread,
        fmt="o",
        color=PRESENT,
        markersize=5,
        capsize=2.5,
        linewidth=1.2,
        label="bin, 95 %",
    )
    axes.set(ylim=(-0.03, 1.03), ylabel="share labelled ls_a")
    bars = below.bar(centres, bins.counts, width=0.94 * (centres[1] - centres[0]), color=PRESENT, alpha=0.75)
    below.bar_label(bars, [str(count) if count else "" for count in bins.counts], fontsize=7.5, color=INK, padding=1)
    below.set(xlim=(-0.02, 1.02), xlabel="probability of absent sliding", ylabel="count")
    below.margins(y=0.28)
    below.yaxis.get_major_locator().set_params(integer=True)
    legend_below(figure, 3)
    return _figure(figure)


@in_style
def histogram_figure(
    absent: npt.NDArray[np.bool_],
    p_absent: npt.NDArray[np.float64],
    threshold: float,
    abstain: tuple[float, float],
    title: str,
    note: str = "",
) -> "Figure":
    """Return the probabilities of both classes, with the threshold and the band in which no verdict is given."""
    figure, (axes,) = new_figure(title, size=(5.4, 3.8), note=note)
    edges = np.linspace(0.0, 1.0, 21)
    highest = 1
    for chosen, colour, name, way in ((~absent, PRESENT, "ls_p", 1), (absent, ABSENT, "ls_a", -1)):
        counts, _ = np.histogram(p_absent[chosen], edges)
        highest = max(highest, int(counts.max()))
        label = f"labelled {name} (n = {int(chosen.sum())})"
        axes.bar(edges[:-1], way * counts, np.diff(edges), align="edge", color=colour, alpha=0.85, label=label)
    if abstain[1] > abstain[0]:
        axes.axvspan(*abstain, color=UNSURE, alpha=0.18, linewidth=0, label="no verdict")
    axes.axvline(threshold, color=INK, linewidth=1.0, linestyle=(0, (4, 2)), label=f"threshold {threshold:.2f}")
    axes.axhline(0.0, color=INK, linewidth=0.8)
    axes.set(xlim=(0, 1), ylim=(-1.08 * highest, 1.08 * highest))
    axes.set(xlabel="probability of absent sliding", ylabel="clips  (ls_a below, ls_p above)")
    axes.yaxis.get_major_locator().set_params(integer=True)
    axes.yaxis.set_major_formatter(lambda value, _: f"{abs(value):.0f}")
    legend_below(figure, 2)
    return _figure(figure)


@in_style
def bars_with_intervals(
    groups: Sequence[str],
    series: Mapping[str, Sequence[Value]],
    title: str,
    ylabel: str = "value with 95 % interval by patient",
    note: str = "",
) -> "Figure":
    """Return bars side by side in groups, each with its interval; "n/a" where there is no value.

    Parameters
    ----------
    groups
        What stands under each group, with its n.
    series
        Name of a bar to its value in each group.
    """
    width = max(4.8, 1.4 + 0.4 * len(groups) * max(len(series), 3))
    figure, (axes,) = new_figure(title, size=(min(width, 14.0), 4.0), note=note)
    step = 0.82 / len(series)
    for place, (name, values) in enumerate(series.items()):
        at = np.arange(len(groups)) + (place - (len(series) - 1) / 2) * step
        heights = np.array([np.nan if v.value is None else v.value for v in values])
        axes.bar(at, heights, step * 0.92, color=SERIES[place % len(SERIES)], alpha=0.85, label=name)
        for x, value in zip(at, values, strict=True):
            if value.value is None:
                axes.text(x, 0.02, "n/a", ha="center", va="bottom", fontsize=7.5, color=MUTED, rotation=90)
            elif value.low is not None and value.high is not None:
                spread = [[max(value.value - value.low, 0.0)], [max(value.high - value.value, 0.0)]]
                axes.errorbar(x, value.value, spread, fmt="none", ecolor=INK, elinewidth=1.0, capsize=2.5)
    axes.set_xticks(range(len(groups)), groups)
    axes.tick_params(axis="x", length=0)
    axes.grid(visible=False, axis="x")
    axes.set(ylabel=ylabel)
    if axes.get_ylim()[0] >= 0 and axes.get_ylim()[1] <= 1.2:
        axes.set(ylim=(0, 1.02))
    if len(series) > 1:
        legend_below(figure, 4)
    return _figure(figure)


@in_style
def history_figure(
    history: Mapping[str, Sequence[float]], title: str, best_epoch: float | None = None, note: str = ""
) -> "Figure":
    """Return the course of training: a panel for each quantity, training and validation in one panel.

    Parameters
    ----------
    history
        Column to its values, one an epoch; "epoch" gives the axis (else 1, 2, ...), "train_loss" and "validation_loss"
        share the panel "loss". Columns of other names (learning rate, seconds) are left out.
    best_epoch
        The epoch whose weights were kept.
    """
    wanted = _panels(history)
    figure, panels = new_figure(title, max(len(wanted), 1), (3.3, 3.0), note)
    for axes, (quantity, columns) in zip(panels, wanted.items(), strict=False):
        for which, column in columns.items():
            colour = SERIES[("training", "validation", "test").index(which)]
            values = np.asarray(history[column], dtype=np.float64)
            epochs = np.asarray(history.get("epoch", range(1, len(values) + 1)), dtype=np.float64)
            few = "o" if len(values) < 25 else ""
            axes.plot(epochs, values, color=colour, marker=few, markersize=3.0, label=which)
        if best_epoch is not None:
            axes.axvline(best_epoch, color=INK, linewidth=0.9, linestyle=(0, (4, 2)), label="weights kept")
        axes.set(xlabel="epoch", title=_WORDS.get(quantity, quantity))
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.set_ylim(bottom=0.0) if quantity == "loss" else axes.set_ylim(-0.02, 1.02)
    if wanted:
        legend_below(figure, 4)
    return _figure(figure)


def _panels(history: Mapping[str, Sequence[float]]) -> dict[str, dict[str, str]]:
    """Return quantity to {set: column}, in the order in which they are read."""
    found: dict[str, dict[str, str]] = {}
    for column in history:
        first, _, rest = re.sub(r"[/ .]", "_", column).partition("_")
        if first in _SETS and rest in _QUANTITIES:
            found.setdefault(rest, {})[_SETS[first]] = column
        elif column in _QUANTITIES:
            found.setdefault(column, {})["training"] = column
    return {name: found[name] for name in _QUANTITIES if name in found}


@in_style
def paired_figure(
    absent: npt.NDArray[np.bool_],
    scores: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]],
    names: tuple[str, str],
    thresholds: tuple[float, float],
    title: str,
    note: str = "",
) -> "Figure":
    """Return each clip's probability by two models against one another, with both thresholds."""
    figure, (axes,) = new_figure(title, size=(4.6, 4.9), note=note)
    for chosen, colour, name, mark in ((~absent, PRESENT, "ls_p", "o"), (absent, ABSENT, "ls_a", "^")):
        axes.plot(
            scores[0][chosen],
            scores[1][chosen],
            mark,
            color=colour,
            alpha=0.65,
            markersize=5,
            markeredgecolor="white",
            markeredgewidth=0.4,
            label=f"labelled {name} (n = {int(chosen.sum())})",
        )
    axes.axvline(thresholds[0], color=MUTED, linewidth=0.9, linestyle=(0, (4, 2)))
    axes.axhline(thresholds[1], color=MUTED, linewidth=0.9, linestyle=(0, (4, 2)))
    _unit_square(axes, f"p(absent), {names[0]}", f"p(absent), {names[1]}")
    legend_below(figure, 2)
    return _figure(figure)


def _unit_square(axes: "Axes", xlabel: str, ylabel: str) -> None:
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xlabel=xlabel, ylabel=ylabel, aspect="equal")


def _figure(figure: Any) -> "Figure":
    built: Figure = figure
    return built
