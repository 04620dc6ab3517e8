"""The report shows what was measured beside the paper, says what is not the paper's, and does not over-read noise."""

import csv
from pathlib import Path

import numpy as np
import pytest
from acted_training import CLIPS, WINDOWS, acted_outcome
from PIL import Image

from lsgui.training.evaluation.metrics import NAMES
from lsgui.training.experiments.catalogue import find_experiments
from lsgui.training.experiments.plan import Trial, plan_trials
from lsgui.training.experiments.report import COLUMNS, DataFacts, report_text, write_report
from lsgui.training.experiments.result import Outcome
from lsgui.training.experiments.tables import paired_differences, variant_rows

FACTS = DataFacts("simulated", 120, 60, 40, ("simulated",))
SMALL = ["size=64", "frames=16", "epochs=2"]


def _outcomes(trials: tuple[Trial, ...], skills: dict[str, float] | None = None) -> dict[str, Outcome]:
    return {t.name: acted_outcome(t, (skills or {}).get(t.variant.name, 1.0)) for t in trials}


def _table(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((folder / "table.csv").read_text(encoding="utf-8").splitlines()))


def _text(name: str, settings: list[str], without: str = "") -> str:
    trials = plan_trials(find_experiments(name), settings)
    outcomes = {k: v for k, v in _outcomes(trials).items() if k != without}
    faults = {without: "This machine ran out of memory."} if without else {}
    return report_text(variant_rows(trials, outcomes, faults), FACTS, "lsgui experiment " + name)


@pytest.fixture(scope="module")
def shrunk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report on dropout at a small size, of which one variant could not be trained."""
    folder = tmp_path_factory.mktemp("report")
    trials = plan_trials(find_experiments("dropout"), SMALL)
    outcomes = _outcomes(trials)
    outcomes.pop("dropout/0.7")
    faults = {"dropout/0.7": "This machine ran out of memory."}
    written = write_report(folder, trials, outcomes, faults, FACTS, "lsgui experiment dropout")
    assert written == (folder / "dropout" / "README.md",)
    return folder / "dropout"


def test_the_papers_numbers_stand_beside_the_measured_ones() -> None:
    text = _text("dropout", [])
    rows = {line.split("|")[1].strip(): line for line in text.splitlines() if line.startswith("| 0.")}
    trials = plan_trials(find_experiments("dropout"), [])
    first = variant_rows(trials, _outcomes(trials), {})[0]
    assert first.windows is not None
    header = next(line for line in text.splitlines() if line.startswith("| dropout | windows"))
    cells = [cell.strip() for cell in header.split("|")]
    line = next(line for line in text.splitlines() if line.startswith("| 0.4 | 72 (36)"))
    row = dict(zip(cells, (cell.strip() for cell in line.split("|")), strict=True))
    assert row["recall, paper"] == "0.32"
    assert row["specificity, paper"] == "0.944"
    assert row["recall, here"] == first.windows.recall.words().replace("-", "–")
    assert "–" in row["recall, here"]  # with its interval
    assert len(rows) == 4
    assert "Table II" in text
    assert "Not the paper's size" not in text


def test_a_shrunk_run_says_so_first(shrunk: Path) -> None:
    text = (shrunk / "README.md").read_text(encoding="utf-8")
    changed = "epochs 2 (paper 10); frames 16 (paper 40); size 64 (paper 256)"
    assert text.splitlines()[2].startswith(f"> **Not the paper's size:** {changed}")
    assert "Not the paper's data" in text.splitlines()[3]
    assert "120 clips (60 ls_a, 60 ls_p) of 40 patients" in text


def test_frames_say_what_they_stand_for() -> None:
    text = _text("frames", SMALL)
    assert "| 12 (paper 34) |" in text
    assert "frames 12 (paper 34), 16 (paper 45), 21 (paper 60)" in text


def test_a_failed_variant_is_listed_and_the_others_are_shown(shrunk: Path) -> None:
    text = (shrunk / "README.md").read_text(encoding="utf-8")
    assert "## Not trained" in text
    assert "- 0.7: This machine ran out of memory." in text
    assert "| 0.6 |" in text
    failed = [row for row in _table(shrunk) if row["variant"] == "0.7"]
    assert {(row["metric"], row["paper"], row["value"]) for row in failed} == {
        ("recall", "1", ""),
        ("specificity", "0.037", ""),
    }


def test_without_the_reference_nothing_is_compared() -> None:
    assert "## Against" in _text("dropout", SMALL)
    assert "## Against" not in _text("dropout", SMALL, without="dropout/0.6")


def test_the_table_holds_every_figure_with_its_interval(shrunk: Path) -> None:
    table = _table(shrunk)
    assert tuple(table[0]) == COLUMNS
    mine = [row for row in table if row["variant"] == "0.4"]
    assert [row["metric"] for row in mine[: len(NAMES)]] == list(NAMES)
    assert {row["unit"] for row in mine} == {"window", "clip"}
    assert {row["seed"] for row in table} == {"1"}
    recall = next(row for row in mine if row["metric"] == "recall" and row["unit"] == "window")
    assert (recall["paper"], recall["n"], recall["absent"]) == ("0.32", str(CLIPS * WINDOWS), str(CLIPS * WINDOWS // 2))
    assert float(recall["low"]) <= float(recall["value"]) <= float(recall["high"])


def test_figures_are_small_pictures_that_are_not_empty(shrunk: Path) -> None:
    for name in ("comparison", "history", "confusion"):
        path = shrunk / f"{name}.png"
        assert path.stat().st_size < 60_000
        with Image.open(path) as picture:
            assert min(picture.size) > 300
            assert np.asarray(picture.convert("L")).std() > 5


def test_several_get_an_index_whose_links_and_pictures_are_there(tmp_path: Path) -> None:
    trials = tuple(t for t in plan_trials(find_experiments("all"), SMALL) if t.experiment.name in ("gamma", "final"))
    index, *reports = write_report(tmp_path, trials, _outcomes(trials), {}, FACTS, "lsgui experiment all")
    assert index == tmp_path / "README.md"
    assert index.read_text(encoding="utf-8").splitlines()[2].startswith("> **Not the paper's size:**")
    assert _links(index) == ["gamma/README.md", "final/README.md"]
    assert [len(_links(report)) for report in reports] == [3, 3]
    assert all((page.parent / link).is_file() for page in (index, *reports) for link in _links(page))
    assert "80 %" in (tmp_path / "final" / "README.md").read_text(encoding="utf-8")


def _links(page: Path) -> list[str]:
    return [part.partition(")")[0] for part in page.read_text(encoding="utf-8").split("](")[1:]]


def test_a_variant_does_not_differ_from_itself() -> None:
    trial = plan_trials(find_experiments("dropout"), [])[0]
    for value in paired_differences(acted_outcome(trial), acted_outcome(trial)).values():
        assert (value.value, value.low, value.high) == (0.0, 0.0, 0.0)


def test_a_real_difference_is_told_and_pairing_narrows_it() -> None:
    weak, strong = (plan_trials(find_experiments("dropout"), [])[k] for k in (0, 1))
    one, other = acted_outcome(strong, 3.0), acted_outcome(weak, 0.2)
    found = paired_differences(one, other)
    assert found["auc"].low is not None
    assert found["auc"].low > 0
    assert found["recall"].value == pytest.approx(-(paired_differences(other, one)["recall"].value or 0))
    rows = variant_rows((weak, strong), {weak.name: other, strong.name: one}, {})
    width = found["auc"].high - found["auc"].low  # type: ignore[operator]
    own = [row.windows.auc for row in rows if row.windows is not None]
    assert width < sum(value.high - value.low for value in own)  # type: ignore[operator]


def test_other_windows_are_compared_clip_by_clip() -> None:
    short, long = (plan_trials(find_experiments("frames"), [])[k] for k in (0, 2))
    found = paired_differences(acted_outcome(short, 2.0), acted_outcome(long, 2.0))
    assert found["recall"].value == 0.0  # the same answers, cut elsewhere


def test_a_network_that_answers_at_random_is_not_told_apart() -> None:
    trials = plan_trials(find_experiments("gamma"), [])
    found = paired_differences(acted_outcome(trials[0], 0.0, seed=1), acted_outcome(trials[1], 0.0, seed=2))
    for value in found.values():
        assert value.low is not None
        assert value.high is not None
        assert value.low <= 0 <= value.high
