"""`lsgui experiment` for real: small simulated clips, small networks, a report, going on, and bad input."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lsgui.cli.main import run
from lsgui.core.label import SlidingLabel
from lsgui.simulation.clip import simulate_clip
from lsgui.simulation.clip_files import write_clip
from lsgui.simulation.draw import random_spec
from lsgui.training.experiments.result import RESULT_FILE

COLUMNS = ("clip", "label", "patient", "source", "start", "stop", "roi")
TINY = ("size=32", "frames=8", "epochs=1", "batch=4", "max_windows=2")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve simulated clips of 18 frames, two a patient, one of each label."""
    out = tmp_path_factory.mktemp("data") / "tiny"
    out.mkdir()
    rows = []
    for index in range(12):
        label = (SlidingLabel.LS_A, SlidingLabel.LS_P)[index % 2]
        spec = random_spec(np.random.default_rng(index), label)
        picture = replace(spec.picture, seconds=0.6, fps=30.0, width=160, height=160, mm_per_px=0.4, geometry="linear")
        clip = simulate_clip(replace(spec, picture=picture), index)
        path = write_clip(out / f"clip_{index}", clip, f"P{index // 2}", "avi")
        roi = out / f"clip_{index}.json"
        roi.write_text(json.dumps(clip.roi.to_json()))
        rows.append((path.name, label.value, f"P{index // 2}", "simulated", 0, "", roi.name))
    _write(out / "dataset.csv", rows)
    return out


def _write(path: Path, rows: list[tuple[object, ...]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        table.writerows(rows)
    return path


def _experiment(name: str, data: Path, out: Path, *arguments: str, settings: tuple[str, ...] = TINY) -> int:
    sets = [part for text in settings for part in ("--set", text)]
    return run(["experiment", name, "--data", str(data), "--out", str(out), "--device", "cpu", *sets, *arguments])


@pytest.fixture(scope="module")
def done(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an experiment that was trained for real."""
    out = tmp_path_factory.mktemp("experiment") / "out"
    assert _experiment("gamma", folder, out) == 0
    return out


def test_an_experiment_is_trained_and_reported(done: Path) -> None:
    text = (done / "report" / "gamma" / "README.md").read_text(encoding="utf-8")
    assert text.splitlines()[2].startswith("> **Not the paper's size:**")
    assert "`tiny`: 12 clips (6 ls_a, 6 ls_p) of 6 patients, source simulated" in text
    rows = list(csv.DictReader((done / "report" / "gamma" / "table.csv").read_text().splitlines()))
    windows = [row for row in rows if row["unit"] == "window" and row["metric"] == "auc"]
    assert [row["variant"] for row in windows] == ["2", "3"]
    assert all(0 <= float(row["value"]) <= 1 for row in windows)
    for name in ("2", "3"):
        result = json.loads((done / "runs" / "gamma" / name / RESULT_FILE).read_text())
        assert result["sets"]["test"]["clips"] == len(result["scores"])
        assert len(result["history"]) == 1


def test_every_variant_has_the_same_split_and_its_own_weights(done: Path) -> None:
    one, other = (done / "runs" / "gamma" / name for name in ("2", "3"))
    assert (one / "split.csv").read_bytes() == (other / "split.csv").read_bytes()
    assert (one / "model.safetensors").read_bytes() != (other / "model.safetensors").read_bytes()


def test_the_report_folder_holds_no_weights_and_no_path_of_this_machine(done: Path) -> None:
    files = [path for path in (done / "report").rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".md", ".csv", ".png"}
    for path in files:
        if path.suffix != ".png":
            assert str(done.parent) not in path.read_text(encoding="utf-8")


def test_finished_networks_are_kept(done: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results = sorted((done / "runs").rglob(RESULT_FILE))
    before = [path.stat().st_mtime_ns for path in results]
    assert _experiment("gamma", folder, done, "--resume") == 0
    out, err = capsys.readouterr()
    assert out == f"{done / 'report' / 'gamma' / 'README.md'}\n"
    assert err == ""
    assert [path.stat().st_mtime_ns for path in results] == before
    assert _experiment("gamma", folder, done) == 2
    assert "go on with --resume" in capsys.readouterr().err


def test_missing_clips_are_told(done: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    index = tmp_path / "index.csv"
    index.write_text((folder / "dataset.csv").read_text() + "gone.avi,ls_a,P9,simulated,0,,\n")
    assert _experiment("gamma", folder, done, "--resume", "--index", str(index)) == 0
    err = capsys.readouterr().err
    assert err == "lsgui: 1 of the 13 clips of index.csv are not in the folder and are left out: gone.avi\n"


def test_a_network_that_cannot_be_trained_is_reported_and_the_others_go_on(
    done: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "runs" / "gamma" / "2" / "model.json").mkdir(parents=True)  # where the card should go
    (tmp_path / "runs" / "gamma" / "2" / "model.json" / "x").touch()
    status = _experiment("gamma", folder, tmp_path, "--resume")
    out, err = capsys.readouterr()
    assert status == 2
    assert "gamma/2 failed" in err
    assert "model.json" in err
    assert err.count("\n") == 1
    text = (tmp_path / "report" / "gamma" / "README.md").read_text(encoding="utf-8")
    assert "## Not trained" in text
    assert "| 3 |" in text
    assert out.endswith("README.md\n")


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([("clip_0.avi", "ls_a", "A", "simulated", 0, "", "")] * 2, "labelled ls_a"),
        (
            [
                ("clip_0.avi", "ls_a", "A", "simulated", 0, "", ""),
                ("clip_1.avi", "ls_p", "B", "clinic", 0, "", ""),
            ],
            "mixes real and simulated clips",
        ),
        (
            [
                ("clip_0.avi", "ls_a", "A", "simulated", 0, "", ""),
                ("clip_1.avi", "ls_p", "B", "simulated", 0, "", ""),
            ],
            "2 patients",
        ),
        ([("nothing.avi", "ls_a", "A", "simulated", 0, "", "")], "there is no clip"),
    ],
)
def test_a_data_set_that_will_not_do_is_one_line(
    folder: Path, tmp_path: Path, rows: list[tuple[object, ...]], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    index = _write(tmp_path / "index.csv", rows)
    assert _experiment("dropout", folder, tmp_path / "out", "--index", str(index)) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("nonsense", (), "There is no experiment called 'nonsense'"),
        ("dropout", ("--only", "0.9"), "There is no variant '0.9'"),
        ("dropout", ("--set", "dropout=0.9"), "varies dropout"),
        ("dropout", ("--set", "edits=frozen"), "leave --set edits out"),
        ("dropout", ("--set", "split=0.8,0.2,0"), "needs a test set"),
        ("dropout", ("--device", "abacus"), "no device 'abacus'"),
    ],
)
def test_wrong_use_is_one_line(
    folder: Path, tmp_path: Path, name: str, arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _experiment(name, folder, tmp_path / "out", *arguments) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1
