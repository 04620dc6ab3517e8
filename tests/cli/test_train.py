import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lsgui.cli.main import run

TESTS = Path(__file__).resolve().parents[1]
DEMO = TESTS.parent / "resources" / "demo"
SMALL = ["epochs=1", "batch=4", "frames=8", "size=32", "head=pooled", "split=.5,.25,.25", "workers=0"]


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    sys.path.insert(0, str(TESTS / "training"))
    from tiny_clips import write_tiny_clips

    return write_tiny_clips(tmp_path_factory.mktemp("data") / "clips")


def sets(*settings: str) -> list[str]:
    return [part for text in settings for part in ("--set", text)]


def test_what_was_trained_can_be_asked(clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "recipe.toml"
    config.write_text('epochs = 7\nseed = 5\nbalance = "none"\n')
    out = tmp_path / "out"
    train = ["train", "--data", str(clips), "--model", "cmwru", "--out", str(out), "--device", "cpu"]
    assert run([*train, "--config", str(config), *sets(*SMALL)]) == 0
    printed, errors = capsys.readouterr()
    assert (printed, errors) == ("", ""), "no bar where there is no terminal"
    assert json.loads((out / "model.json").read_text())["seed"] == 5
    assert run(["predict", str(DEMO / "sliding.mp4"), "--model", str(out), "--device", "cpu", "--json", "-"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["model"]["sha256"] == json.loads((out / "model.json").read_text())["sha256"]
    assert 0.0 <= said["p_absent"] <= 1.0
    assert said["windows"][0]["stop"] - said["windows"][0]["start"] == 8


def test_two_processes_are_started_by_torchrun(clips: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    started = subprocess.run(
        [
            *[sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "lsgui"],
            *["train", "--data", str(clips), "--model", "cmwru", "--out", str(out), "--device", "cpu", *sets(*SMALL)],
        ],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        cwd=TESTS.parent,
        capture_output=True,
        text=True,
        timeout=230,
    )
    assert started.returncode == 0, started.stderr[-2000:]
    card = json.loads((out / "model.json").read_text())
    assert card["metrics"]["test"]["real"]["clip"]["n"] == 2
    assert len((out / "history.csv").read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--model", "cmwru", "--set", "epochz=3"], "There is no training setting 'epochz'; there are: epochs, batch"),
        (["--model", "cmwru", "--set", "epochs=soon"], "The training setting epochs cannot be 'soon'"),
        (["--model", "cmwru-strip", "--set", "stepz=3"], "There is no training setting 'stepz'; there are: "),
        (["--model", "cmwru-strip", "--set", "width=0"], "The training setting width cannot be '0': input should be "),
        (["--model", "cmwru", "--set", "edits=melted"], "There is no edit 'melted'"),
        (["--model", "cmwru", "--edits", "melted"], "There is no edit 'melted'"),
        (["--model", "nonsense"], "There is no model called 'nonsense' that can be trained: choose one of cmwru"),
        (["--model", "cmwru", "--config", "none.toml"], "none.toml: the settings cannot be read"),
        (["--model", "cmwru", "--leave-one-out"], "cmwru does not take --leave-one-out"),
        (["--model", "raft-small"], "raft-small does not take --data"),
        (["--model", "cmwru", "--set", "split=1,0,0", "--set", "batch=2", "--index", "none.csv"], "none.csv"),
        (["--model", "cmwru", "--device", "abacus"], "abacus"),
    ],
)
def test_wrong_use_is_one_line_and_status_2(
    arguments: list[str], said: str, clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["train", "--data", str(clips), "--out", str(tmp_path / "out"), *arguments]) == 2
    printed, errors = capsys.readouterr()
    assert printed == ""
    assert re.fullmatch(r"lsgui: [^\n]+\n", errors)
    assert said in errors


def test_a_run_on_strips_is_not_resumed_on_other_clips(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sys.path.insert(0, str(TESTS / "training"))
    from still_clips import write_clips

    small = sets("steps=1", "batch=2", "width=1", "simulated_share=0", "h264_odds=0")
    train = ["train", "--model", "cmwru-strip", "--out", str(tmp_path / "out"), "--device", "cpu", *small]
    first, second = (write_clips(tmp_path / name, ["a,ls_p,one,real,0,"]) for name in ("first", "another"))
    assert run([*train, "--data", str(first)]) == 0
    made = (tmp_path / "out" / "model.json").read_text()
    assert capsys.readouterr() == ("", "")
    assert run([*train, "--data", str(second), "--resume"]) == 2
    assert re.fullmatch(r"lsgui: \S+ is of a run on other clips: [^\n]+ without --resume\.\n", capsys.readouterr().err)
    assert run([*train, "--data", str(first), "--leave-one-out"]) == 2
    assert "sliding clips (ls_p) of two patients are needed" in capsys.readouterr().err
    assert (tmp_path / "out" / "model.json").read_text() == made


def test_a_model_on_clips_needs_clips(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "--model", "cmwru", "--out", str(tmp_path)]) == 2
    assert "--data" in capsys.readouterr().err
    assert run(["train", "--model", "cmwru", "--out", str(tmp_path), "--data", str(tmp_path)]) == 2
    assert "dataset.csv or sliding_metafile.json" in capsys.readouterr().err


def test_too_few_patients_is_one_line(clips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    index = tmp_path / "index.csv"
    index.write_text("\n".join((clips / "dataset.csv").read_text().splitlines()[:3]) + "\n")
    train = ["train", "--data", str(clips), "--index", str(index), "--model", "cmwru", "--out", str(tmp_path / "out")]
    assert run([*train, *sets(*SMALL)]) == 2
    assert "patients" in capsys.readouterr().err
