"""`lsgui models`: what can be run here."""

import json
import shutil
import subprocess
import sys

import pytest

from lsgui.cli.main import run
from lsgui.core.resources import model_dirs

KEYS = ["id", "title", "version", "shipped", "parameters", "published_parameters", "input", "sha256"]
KEYS += ["trained_on", "metrics"]


def test_the_list_holds_the_contract_for_every_shipped_card(capsys):
    assert run(["models", "--json"]) == 0
    out, err = capsys.readouterr()
    listing = json.loads(out)
    assert err == ""
    assert {entry["id"] for entry in listing} == {path.parent.name for path in model_dirs()[-1].glob("*/model.json")}
    for entry in listing:
        assert list(entry) == KEYS
        assert isinstance(entry["parameters"], int)
        assert entry["published_parameters"] is None or entry["published_parameters"] > 0
        assert entry["shipped"] == (len(entry["sha256"]) == 64 or entry["parameters"] == 0)
        assert entry["input"]["kind"] in ("strip", "frame", "patches", "flow", "none")


def test_the_table_names_every_model_and_the_research_line(capsys):
    assert run(["models"]) == 0
    out = capsys.readouterr().out
    assert "motion" in out
    assert "Motion index" in out
    assert "Research use only. Not a medical device." in out


def test_a_damaged_card_is_one_sentence_beside_the_others(capsys, tmp_path, monkeypatch):
    shutil.copytree(model_dirs()[-1] / "motion", tmp_path / "mine")
    (tmp_path / "mine" / "model.json").write_text("{", encoding="utf-8")
    monkeypatch.setenv("LSGUI_MODELS", str(tmp_path))
    assert run(["models", "--json"]) == 2
    out, err = capsys.readouterr()
    assert "motion" in {entry["id"] for entry in json.loads(out)}
    assert err.startswith("lsgui: ")
    assert err.count("\n") == 1
    assert "model.json is not a JSON file" in err


@pytest.mark.parametrize("name", ["predict", "models"])
def test_help_has_an_example(capsys, name):
    assert run([name, "--help"]) == 0
    assert f"lsgui {name}" in capsys.readouterr().out.split("Example:")[1]


@pytest.mark.parametrize("given", [("--std", "nan"), ("--std", "inf"), ("--std", "0"), ("--mean", "nan")])
def test_grey_values_that_are_no_numbers_are_refused(given, capsys, tmp_path):
    (tmp_path / "mine.pth").write_bytes(b"x")
    wanted = ["models", "--import", str(tmp_path / "mine.pth"), "--as", "cmwru", "--out", str(tmp_path / "out")]
    assert run([*wanted, *given]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"lsgui: {given[0]} must be ")
    assert err.count("\n") == 1


def test_the_list_is_printed_without_torch():
    code = (
        "import sys; from lsgui.cli.main import run; run(['models', '--json']); "
        "sys.exit(bool({'torch', 'cv2', 'PySide6'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)
