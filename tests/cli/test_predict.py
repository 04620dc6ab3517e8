"""`lsgui predict` on small clips: where answers go, what is refused, and that one bad clip never stops the rest."""

import csv
import io
import itertools
import json
import sys

import cv2
import numpy as np
import pytest

from lsgui.cli.main import run
from lsgui.cli.predict_output import CSV_COLUMNS
from lsgui.core.errors import LsguiError
from lsgui.core.pleura import PleuralROI

LINE = {"frame": 0, "polyline": [[20, 60], [140, 60]]}


def _write_clip(folder, *, frames=40, lung=True):
    """A folder of frames: still wall texture, a bright line, and below it texture that changes (or only flat grey)."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(3)
    wall = cv2.GaussianBlur(rng.normal(110, 60, (60, 160)), (0, 0), 1.0)
    for k in range(frames):
        picture = np.full((120, 160), 90.0)
        if lung:
            picture[:60] = wall
            picture[58:62] = 230
            picture[62:] = cv2.GaussianBlur(rng.normal(110, 60, (58, 160)), (0, 0), 1.0)
        noisy = np.clip(picture + rng.normal(0, 2, picture.shape), 0, 255).astype(np.uint8)
        assert cv2.imwrite(str(folder / f"frame_{k}.png"), noisy)
    return folder


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return _write_clip(tmp_path_factory.mktemp("clips") / "lung")


@pytest.fixture
def line_file(tmp_path):
    path = tmp_path / "line.json"
    path.write_text(json.dumps(LINE), encoding="utf-8")
    return path


def _predict(*arguments, status=0):
    assert run(["predict", "--model", "motion", *map(str, arguments)]) == status


def _lines(text):
    return [json.loads(line) for line in text.splitlines()]


def test_a_line_from_a_file_and_one_json_line_on_standard_output(clip, line_file, capsys):
    _predict(clip, "--roi", line_file, "--json", "-")
    out, err = capsys.readouterr()
    (said,) = _lines(out)
    assert err == ""
    assert said["clip"] == "lung"
    assert said["label"] in ("ls_p", "cannot_assess")
    assert said["roi"] == {**LINE, "source": "file"}
    assert said["model"] == {"id": "motion", "version": said["model"]["version"], "sha256": ""}
    assert said["device"] in ("cpu", "cuda")
    assert set(said["seconds"]) == {"read", "roi", "inference"}
    assert min(said["seconds"].values()) >= 0.0 < said["seconds"]["inference"]


def test_all_outputs_at_once_say_the_same(clip, line_file, tmp_path, capsys):
    out = tmp_path / "new folder"
    _predict(clip, clip, "--roi", line_file, "--json", out / "a.jsonl", "--csv", out / "a.csv", "--overlay", out / "p")
    assert capsys.readouterr() == ("", ""), "what was asked for went into files"
    assert sorted(path.name for path in out.iterdir()) == ["a.csv", "a.jsonl", "p"], "no temporary file is left"
    first, second = _lines((out / "a.jsonl").read_text(encoding="utf-8"))
    assert first["p_absent"] == second["p_absent"]
    with (out / "a.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == CSV_COLUMNS
    assert len(rows) == 2
    assert rows[0]["clip"] == "lung"
    assert rows[0]["label"] == first["label"]
    assert float(rows[0]["p_absent"]) == first["p_absent"]
    assert [float(rows[0]["p_absent_low"]), float(rows[0]["p_absent_high"])] == first["p_absent_interval"]
    assert rows[0]["quality"].split() == first["quality"]
    assert rows[0]["roi_source"] == "file"
    assert rows[0]["error"] == ""
    assert [path.name for path in (out / "p").iterdir()] == ["lung.png"]
    assert cv2.imread(str(out / "p" / "lung.png")).shape[1] >= 960


def test_people_get_a_table_with_the_fixed_wording(clip, line_file, capsys):
    _predict(clip, "--roi", line_file)
    out, err = capsys.readouterr()
    assert err == ""
    assert any(words in out for words in ("Lung sliding present", "Lung sliding absent", "Cannot assess"))
    assert "Research use only. Not a medical device." in out
    assert "pneumothorax" not in out.lower()
    if "Cannot assess" in out:
        assert "ruled nothing out" in out


def test_no_pleura_is_an_answer(tmp_path, capsys):
    flat = _write_clip(tmp_path / "flat", lung=False)
    _predict(flat, "--json", "-", "--overlay", tmp_path / "p", "--csv", tmp_path / "a.csv")
    (said,) = _lines(capsys.readouterr().out)
    assert (said["label"], said["p_absent"], said["p_absent_interval"]) == ("cannot_assess", None, None)
    assert (said["roi"], said["windows"], said["segments"]) == (None, [], [])
    assert "no_pleura" in said["quality"]
    assert said["device"] == "cpu"
    assert (tmp_path / "p" / "flat.png").is_file()
    assert "cannot_assess" in (tmp_path / "a.csv").read_text(encoding="utf-8")


def test_what_cannot_be_read_is_one_sentence_and_the_rest_goes_on(clip, line_file, tmp_path, capsys):
    broken, empty = tmp_path / "broken.mp4", tmp_path / "empty"
    broken.write_bytes(b"\0" * 999)
    empty.mkdir()
    paths = [tmp_path / "missing.mp4", clip, broken, empty, clip]
    _predict(*paths, "--roi", line_file, "--json", "-", "--csv", tmp_path / "a.csv", status=2)
    out, err = capsys.readouterr()
    said = _lines(out)
    assert err.splitlines() == [f"lsgui: {said[number]['error']}" for number in (0, 2, 3)], "said in the terminal, too"
    assert [line["clip"] for line in said] == ["missing.mp4", "lung", "broken.mp4", "empty", "lung"]
    for line in (said[0], said[2], said[3]):
        assert set(line) == {"clip", "error"}
        assert line["clip"] in line["error"]
        assert "\n" not in line["error"]
    assert said[1]["label"] == said[4]["label"]
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        assert [bool(row["error"]) for row in csv.DictReader(file)] == [True, False, True, True, False]


def test_a_table_says_faults_on_standard_error(clip, line_file, tmp_path, capsys):
    _predict(tmp_path / "missing.mp4", clip, "--roi", line_file, status=2)
    out, err = capsys.readouterr()
    assert "lung" in out
    assert err.startswith("lsgui: missing.mp4")
    assert err.count("\n") == 1


def test_a_folder_is_searched_for_clips_in_natural_order(clip, line_file, tmp_path, capsys):
    for name in ("clip 10", "clip 2"):
        _write_clip(tmp_path / "study" / name, frames=12)
    _predict(tmp_path / "study", "--roi", line_file, "--json", "-")
    assert [line["clip"] for line in _lines(capsys.readouterr().out)] == ["clip 2", "clip 10"]


def test_a_file_of_many_lines_gives_each_clip_its_own(clip, tmp_path, capsys):
    other = _write_clip(tmp_path / "other", frames=12)
    lines = {"lung": LINE, "other": {"frame": None, "polyline": None}, "third": {"polyline": [[1, 1], [9, 1]]}}
    path = tmp_path / "lines.json"
    path.write_text(json.dumps(lines), encoding="utf-8")
    _predict(clip, other, "--roi", path, "--json", "-")
    first, second = _lines(capsys.readouterr().out)
    assert first["roi"]["source"] == "file"
    assert second["roi"] is None or second["roi"]["source"] == "auto"


def test_a_line_that_does_not_fit_is_the_clip_s_fault_alone(clip, tmp_path, capsys):
    path = tmp_path / "lines.json"
    path.write_text(json.dumps({"lung": {"polyline": [[20, 60], [900, 60]]}, "x": LINE}), encoding="utf-8")
    _predict(clip, "--roi", path, "--json", "-", status=2)
    (said,) = _lines(capsys.readouterr().out)
    assert said["error"].startswith("lung: the pleural line runs from")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--model", "nothing"], "There is no model called 'nothing': choose one of "),
        (["--device", "tpu"], "There is no device 'tpu': choose one of auto, cpu, cuda."),
        (["--roi", "{tmp}/missing.json"], "missing.json: the pleural line file cannot be read"),
        (["--roi", "{tmp}"], "is a folder: name the JSON file"),
        (["--roi", "{tmp}/bad.json"], "bad.json is not a JSON file"),
        (["--roi", "{tmp}/empty.json"], "empty.json holds no pleural line"),
        (["--json", "{tmp}/bad.json/a.jsonl"], "cannot be written"),
        (["--json", "{tmp}"], "cannot be written"),
        (["--csv", "{tmp}/bad.json/a.csv"], "cannot be written"),
        (["--overlay", "{tmp}/bad.json"], "cannot be written"),
        (["--speed", "9"], "--speed"),
    ],
)
def test_bad_usage_is_one_sentence_and_nothing_is_done(clip, tmp_path, capsys, arguments, words):
    (tmp_path / "bad.json").write_text("{", encoding="utf-8")
    (tmp_path / "empty.json").write_text("{}", encoding="utf-8")
    before = sorted(path.name for path in tmp_path.iterdir())
    arguments = [part.replace("{tmp}", str(tmp_path)) for part in arguments]
    assert run(["predict", str(clip), "--model", "motion", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert words in err
    assert err.startswith("lsgui: ")
    assert err.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_no_path_is_a_usage_error(capsys):
    assert run(["predict"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1


def test_cuda_that_is_not_here_is_refused_once_for_all_clips(clip, capsys, monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    _predict(clip, clip, "--device", "cuda", "--json", "-", status=2)
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "lsgui: CUDA was asked for but no CUDA GPU is here: choose device auto or cpu.\n"


def test_an_interrupted_run_leaves_the_former_file(clip, tmp_path, capsys, monkeypatch):
    path = tmp_path / "a.jsonl"
    path.write_text("former\n", encoding="utf-8")

    def interrupted(*_arguments, **_more):
        raise KeyboardInterrupt

    monkeypatch.setattr("lsgui.decoding.clip_opening.open_clip_apart", interrupted)
    _predict(clip, "--json", path, status=130)
    assert path.read_text(encoding="utf-8") == "former\n"
    assert [item.name for item in tmp_path.iterdir()] == ["a.jsonl"]
    assert "Traceback" not in capsys.readouterr().err


def test_a_picture_that_cannot_be_written_ends_the_run(clip, line_file, tmp_path, capsys):
    (tmp_path / "p" / "lung.png").mkdir(parents=True)
    _predict(clip, clip, "--roi", line_file, "--json", "-", "--overlay", tmp_path / "p", status=2)
    out, err = capsys.readouterr()
    assert len(_lines(out)) == 1
    assert "lung.png cannot be written" in err


def test_progress_goes_to_a_terminal_only(clip, line_file, capsys, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    _predict(clip, "--roi", line_file, "--json", "-")
    assert len(_lines(capsys.readouterr().out)) == 1
    assert "lung: " in terminal.getvalue()


def test_an_analysis_that_fails_is_the_clip_s_sentence(clip, line_file, capsys, monkeypatch):
    def refuses(*_arguments, **_more):
        raise LsguiError("lung: the line is no good: draw another.")

    monkeypatch.setattr("lsgui.inference.pipeline.analyse", refuses)
    _predict(clip, "--roi", line_file, "--json", "-", status=2)
    assert _lines(capsys.readouterr().out) == [{"clip": "lung", "error": "lung: the line is no good: draw another."}]


def test_the_line_file_rounds_back(clip, tmp_path, capsys):
    line = PleuralROI(((0, [[20, 60], [140, 60]]), (20, [[22, 61], [138, 61]])), "hand")
    path = tmp_path / "line.json"
    path.write_text(json.dumps(line.to_json()), encoding="utf-8")
    _predict(clip, "--roi", path, "--json", "-")
    (said,) = _lines(capsys.readouterr().out)
    assert said["roi"] == {**line.to_json(), "source": "file"}


def test_flow_of_a_chosen_method_and_step_is_drawn_on_the_picture(line_file, tmp_path, capsys):
    clip, pictures = _write_clip(tmp_path / "lung", frames=10), {}
    for name, asked in {"none": (), "dis": ("--flow", "dis", "--flow-step", "3"), "raft": ("--flow", "raft")}.items():
        _predict(clip, "--roi", line_file, "--json", "-", "--overlay", tmp_path / name, *asked)
        pictures[name] = cv2.imread(str(tmp_path / name / "lung.png"))
    said = _lines(capsys.readouterr().out)
    assert len({line["motion_index"] for line in said}) == 1, "the verdict is the same"
    upper = [pictures[name][:300] for name in pictures]
    assert all((one != other).any() for one, other in itertools.combinations(upper, 2))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--flow", "raft"), "name their folder as well"),
        (("--flow", "guess", "--overlay", "pictures"), "choose one of dis, raft"),
        (("--flow-step", "4", "--overlay", "pictures"), "choose 1, 2 or 3 frames"),
        (("--flow", "dis", "--raft-weights", "w.pth", "--overlay", "pictures"), "are for --flow raft"),
        (("--raft-weights", "w.pth", "--overlay", "pictures"), "w.pth: the RAFT weights cannot be read"),
    ],
)
def test_flow_that_cannot_be_had_is_one_sentence(clip, arguments, sentence, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    _predict(clip, *arguments, status=2)
    out, err = capsys.readouterr()
    assert out == ""
    assert sentence in err
    assert err.count("\n") == 1
