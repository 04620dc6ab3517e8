"""`lsgui simulate` from its command line."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

from lsgui.cli.main import run
from lsgui.core.label import SlidingLabel
from lsgui.readers.base import open_clip
from lsgui.simulation import dataset
from lsgui.simulation.dataset import Kinds, PlannedClip, plan_clip
from lsgui.simulation.spec import Scanner


@pytest.fixture
def short_clips(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second at a low rate holds all that is asked for here."""

    def short(seed: int, index: int, kinds: Kinds = ()) -> PlannedClip:
        plan = plan_clip(seed, index, kinds)
        picture = replace(plan.spec.picture, fps=12.5, seconds=1.2)
        return replace(plan, spec=replace(plan.spec, picture=picture, scanner=Scanner()))

    monkeypatch.setattr(dataset, "plan_clip", short)


def rows(out: Path) -> list[dict[str, str]]:
    with (out / "dataset.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_it_prints_where_the_table_is_and_nothing_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "set"
    assert run(["simulate", str(out), "--clips", "1", "--seed", "6", "--format", "dicom"]) == 0
    printed, errors = capsys.readouterr()
    assert printed.replace("\n", "") == str(out / "dataset.csv")
    assert errors == ""
    assert (out / "sim_0000.dcm").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--clips", "0"], "--clips"),
        (["--clips", "many"], "--clips"),
        (["--seed", "-1"], "--seed"),
        (["--format", "mov"], "'png', 'avi', 'dicom'"),
        (["--jobs", "0"], "--jobs"),
        (["--scenario", "rain"], "There is no scenario 'rain': choose from sliding, shallow"),
        (["--scenario", "ls_a/sliding"], "There is no scenario 'ls_a/sliding'"),
        (["--edit", "hard"], "name it with --from"),
        (["--from", "gone.mp4"], "--from needs --edit"),
        (["--from", "gone.mp4", "--edit", "melted"], "there is no edit 'melted'"),
        (["--from", "gone.mp4", "--edit", "hard"], "gone.mp4 is not there"),
        (["--from", "gone.mp4", "--edit", "hard", "--clips", "3"], "leave them out with --from"),
        (["--from", "gone.mp4", "--edit", "hard", "--scenario", "absent"], "leave them out with --from"),
    ],
)
def test_wrong_use_is_one_line_and_status_2(
    arguments: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["simulate", str(tmp_path / "set"), *arguments]) == 2
    printed, errors = capsys.readouterr()
    assert printed == ""
    assert sentence in errors
    assert errors.count("\n") == 1
    assert not (tmp_path / "set").exists()


def test_a_folder_with_files_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    assert run(["simulate", str(tmp_path), "--clips", "1"]) == 2
    assert "is not empty: name a new folder." in capsys.readouterr().err
    assert [item.name for item in tmp_path.iterdir()] == ["mine.txt"]


def test_clips_show_what_is_asked_for_and_nothing_else(short_clips: None, tmp_path: Path) -> None:
    out = tmp_path / "set"
    wanted = ["--scenario", "shallow", "--scenario", "ls_a/probe_drift"]
    assert run(["simulate", str(out), "--clips", "4", *wanted]) == 0
    for row in rows(out):
        truth = json.loads((out / "truth" / f"{Path(row['clip']).stem}.json").read_text("utf-8"))
        assert (row["label"], truth["scenario"]) in {("ls_p", "shallow"), ("ls_a", "probe_drift")}
    assert [row["label"] for row in rows(out)].count("ls_a") == 2


def test_a_scenario_of_one_label_gives_that_label_only() -> None:
    kinds = dataset.parse_kinds(["lung_pulse"])
    plans = [plan_clip(2, index, kinds) for index in range(6)]
    assert {(plan.spec.label, plan.spec.scenario) for plan in plans} == {(SlidingLabel.LS_A, "lung_pulse")}
    every = dataset.parse_kinds(["b_lines"])
    assert [plan_clip(2, index, every).spec.label for index in range(6)].count(SlidingLabel.LS_A) == 3


def test_sliding_clips_of_a_data_set_are_edited(
    short_clips: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    simulated, out = tmp_path / "set", tmp_path / "edited"
    assert run(["simulate", str(simulated), "--clips", "1", "--scenario", "sliding"]) == 0
    capsys.readouterr()
    arguments = ["--from", str(simulated), "--edit", "frozen_drift", "--edit", "line_kept", "--format", "dicom"]
    assert run(["simulate", str(out), *arguments]) == 0
    printed, errors = capsys.readouterr()
    assert printed.replace("\n", "") == str(out / "dataset.csv")
    assert errors == ""
    assert [row["clip"] for row in rows(out)] == ["sim_0000_edited_frozen_drift.dcm", "sim_0000_edited_line_kept.dcm"]
    assert {(row["label"], row["source"], row["patient"]) for row in rows(out)} == {("ls_a", "edited", "SIM0000")}
    assert open_clip(out / rows(out)[0]["clip"]).info.spacing_mm is not None


def test_a_real_clip_is_edited_with_its_line(shared_clips: Path, tmp_path: Path) -> None:
    out = tmp_path / "edited"
    name = "Vir_whitelung_h1n1.mp4"
    given = ["--from", str(shared_clips / name), "--roi", str(shared_clips / "pleura.json")]
    assert run(["simulate", str(out), *given, "--edit", "hard"]) == 0
    (row,) = rows(out)
    assert (row["clip"], row["label"], row["source"]) == ("Vir_whitelung_h1n1_edited_hard.avi", "ls_a", "edited")
    made, recorded = open_clip(out / row["clip"]), open_clip(shared_clips / name)
    assert (len(made), made.info.width, made.info.height) == (len(recorded), 270, 270)


def test_a_line_that_fits_no_clip_is_one_sentence(
    shared_clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = tmp_path / "line.json"
    line.write_text('{"frame": 0, "polyline": [[900, 900], [990, 900]]}')
    given = ["--from", str(shared_clips / "Vir_whitelung_h1n1.mp4"), "--roi", str(line), "--edit", "hard"]
    assert run(["simulate", str(tmp_path / "edited"), *given]) == 2
    printed, errors = capsys.readouterr()
    assert printed == ""
    assert "was it drawn on another clip?" in errors
    assert errors.count("\n") == 1
