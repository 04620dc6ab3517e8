"""Figures: drawn off screen, whole files, n in the title, nothing that spills over the edge."""

import subprocess
import sys

import cv2
import numpy as np
import pytest

from lsgui.training.evaluation import figures
from lsgui.training.evaluation.metrics import Value
from lsgui.training.evaluation.reliability import isotonic_curve, reliability_bins
from lsgui.training.evaluation.roc import roc_curve_of

TITLE = "cmwru-strip\n40 simulated clips of 14 patients, 20 ls_a"


def _data():
    rng = np.random.default_rng(0)
    absent = np.arange(40) % 2 == 0
    return absent, np.clip(0.3 + 0.4 * absent + rng.normal(0, 0.2, 40), 0, 1), [f"P{k // 3}" for k in range(40)]


@pytest.fixture(scope="module")
def drawn():
    absent, p, patients = _data()
    epochs = list(range(1, 17))
    course = {"epoch": epochs, "train_loss": np.exp(-np.array(epochs) / 5), "validation_loss": [0.5] * 16}
    course |= {"validation_auc": [0.7] * 16, "learning_rate": [1e-3] * 16, "seconds": [3.0] * 16}
    values = [Value(0.8, 0.7, 0.9), Value(None, None, None, "why"), Value(0.5, None, None, "one patient")]
    return {
        "roc": figures.roc_figure([roc_curve_of("clips (n = 40)", absent, p, patients, 0.5)], TITLE),
        "confusion": figures.confusion_figure({"clips": [[18, 2], [4, 16]], "windows": [[0, 0], [30, 70]]}, TITLE),
        "verdicts": figures.confusion_figure(
            {"verdicts": [[9, 1, 0], [1, 2, 7]]}, TITLE, ("p", "none", "a"), "A note."
        ),
        "reliability": figures.reliability_figure(reliability_bins(absent, p), TITLE, isotonic_curve(absent, p)),
        "histogram": figures.histogram_figure(absent, p, 0.5, (0.4, 0.6), TITLE),
        "bars": figures.bars_with_intervals(["A\nn = 3", "B\nn = 4", "C\nn = 9"], {"x": values, "y": values}, TITLE),
        "history": figures.history_figure(course, TITLE, best_epoch=9),
        "paired": figures.paired_figure(absent, (p, p[::-1]), ("one", "two"), (0.5, 0.4), TITLE, "A note. " * 30),
    }


def test_every_figure_is_a_picture_that_ends_before_its_edge(drawn, tmp_path):
    for name, figure in drawn.items():
        path = figures.save_figure(figure, tmp_path / "new" / f"{name}.png")
        picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        assert picture.shape[0] > 400, name
        assert picture.min() < 60, name
        edge = np.concatenate(
            [picture[:3].ravel(), picture[-3:].ravel(), picture[:, :3].ravel(), picture[:, -3:].ravel()]
        )
        assert edge.min() > 250, f"{name}: something spills over the edge"
    assert not list((tmp_path / "new").glob(".*")), "no temporary file is left"


def test_titles_hold_the_number_of_clips(drawn):
    for name, figure in drawn.items():
        assert "40 simulated clips" in figure.get_suptitle().replace("\n", " "), name


def test_history_has_a_panel_for_each_quantity_and_leaves_the_rest(drawn):
    figure = drawn["history"]
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["loss", "area under the ROC curve"]
    assert figures.history_figure({"epoch": [], "seconds": []}, "n = 0 epochs").axes


def test_bars_say_where_there_is_no_value(drawn):
    (axes,) = drawn["bars"].axes
    assert [text.get_text() for text in axes.texts] == ["n/a", "n/a"]


def test_the_style_of_others_is_left_alone():
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    figures.bars_with_intervals(["A"], {"x": [Value(0.8, 0.7, 0.9)]}, TITLE)
    assert dict(mpl.rcParams) == before


def test_heavy_libraries_wait_until_they_are_needed():
    """Nor is pyplot loaded at all: it keeps every figure alive and looks for a screen."""
    code = """
import sys, lsgui.cli.evaluate_command, lsgui.training.evaluation.figures as figures
assert not {"matplotlib", "torch", "sklearn", "scipy"} & set(sys.modules), "loaded at import"
figures.confusion_figure({"clips": [[1, 2], [3, 4]]}, "n = 10")
assert not {"matplotlib.pyplot", "torch"} & set(sys.modules), "loaded for a figure"
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
