"""`lsgui simulate` from its command line."""

from pathlib import Path

import pytest

from lsgui.cli.main import run


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
