"""`lsgui evaluate` on simulated clips: the contract, the same answers as predict, intervals of frames, going on."""

import csv
import json
import shutil

import cv2
import pytest

from lsgui.cli.main import run
from lsgui.core.resources import model_dirs
from lsgui.simulation.dataset import write_dataset
from lsgui.training.evaluation.metrics import NAMES

COLUMNS = ("clip", "label", "patient", "source", "start", "stop", "roi")
FIGURES = {"confusion.png", "verdicts.png", "reliability.png", "histogram.png", "sources.png", "roc.png"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Four simulated clips of two patients as folders of frames."""
    out = tmp_path_factory.mktemp("data") / "simulated"
    assert len(list(write_dataset(out, 4, 5, "png"))) == 4
    return out


def _rows(folder):
    with (folder / "dataset.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _index(path, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, COLUMNS)
        table.writeheader()
        table.writerows(rows)
    return path


def _evaluate(folder, out, *arguments, status=0, model="motion"):
    asked = ["evaluate", "--data", folder, "--out", out, "--model", model, "--device", "cpu", *arguments]
    assert run([str(part) for part in asked]) == status


def _scores(out, name="scores.csv"):
    with (out / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _check_metrics(metrics):
    assert {"n", "absent", *NAMES, "confusion"} <= metrics.keys()
    for name in NAMES:
        value = metrics[name]
        assert {"value", "low", "high"} <= value.keys()
        if value["value"] is None or value["low"] is None:
            assert value["reason"]
        else:
            assert 0 <= value["low"] <= value["value"] <= value["high"] <= 1
    (tn, fp), (fn, tp) = metrics["confusion"]
    assert tn + fp + fn + tp == metrics["n"]
    assert fn + tp == metrics["absent"]


@pytest.fixture(scope="module")
def evaluated(folder, tmp_path_factory):
    """The four clips judged once by the motion index."""
    out = tmp_path_factory.mktemp("runs") / "motion"
    _evaluate(folder, out, "--json", out.parent / "said.json")
    return out


def test_json_keeps_the_contract(folder, evaluated):
    report = json.loads((evaluated.parent / "said.json").read_text(encoding="utf-8"))
    assert report == json.loads((evaluated / "metrics.json").read_text(encoding="utf-8"))
    assert {"model", "data", "clip", "window", "by_source", "threshold", "abstained"} <= report.keys()
    assert report["model"]["id"] == "motion"
    assert report["data"] == str(folder)
    assert report["threshold"] == 0.5
    for metrics in (report["clip"], report["window"], *report["by_source"].values()):
        _check_metrics(metrics)
    assert (report["clip"]["n"], report["clip"]["absent"], report["clip"]["patients"]) == (4, 2, 2)
    assert list(report["by_source"]) == ["simulated"]
    assert report["by_source"]["simulated"] == report["clip"]
    assert report["window"]["n"] > 4
    assert report["mixed"] is None
    assert report["unread"] == report["missing"] == []
    aside = report["abstention"]
    assert report["abstained"] == aside["count"] == sum(row[1] for row in report["verdicts"])
    assert aside["right_at_threshold"] + aside["wrong_at_threshold"] + aside["not_scored"] == aside["count"]


def test_scores_windows_and_figures_lie_in_the_folder(folder, evaluated):
    assert {path.name for path in evaluated.glob("*.png")} == FIGURES
    assert all(cv2.imread(str(path)).shape[1] > 500 for path in evaluated.glob("*.png"))
    scores, windows = _scores(evaluated), _scores(evaluated, "windows.csv")
    assert [row["clip"] for row in scores] == [row["clip"] for row in _rows(folder)]
    assert [row["label"] for row in scores] == [row["label"] for row in _rows(folder)]
    assert sum(int(row["windows"]) for row in scores) == len(windows)
    assert {row["model"] for row in scores} == {"motion"}


def test_answers_are_those_of_predict(folder, evaluated, capsys):
    row = next(row for row in _rows(folder) if row["start"] == "0")
    clip = folder / row["clip"]
    assert run(["predict", str(clip), "--model", "motion", "--roi", str(folder / row["roi"]), "--json", "-"]) == 0
    said = json.loads(capsys.readouterr().out)
    score = next(score for score in _scores(evaluated) if score["clip"] == row["clip"])
    assert round(float(score["p_absent"]), 4) == said["p_absent"]
    assert score["verdict"] == said["label"]
    assert score["quality"].split() == said["quality"]
    windows = [w for w in _scores(evaluated, "windows.csv") if w["clip"] == row["clip"]]
    assert [(int(w["start"]), int(w["stop"]), round(float(w["p_absent"]), 4)) for w in windows] == [
        (w["start"], w["stop"], w["p_absent"]) for w in said["windows"]
    ]


def test_only_the_labelled_frames_are_judged(folder, tmp_path, capsys):
    """The rows name frames 20 to 49, and the answer is that on a clip of these frames alone."""
    row = {**_rows(folder)[0], "start": "20", "stop": "50"}
    _evaluate(folder, tmp_path / "out", "--index", _index(tmp_path / "rows.csv", [row]), "--json", "-")
    report = json.loads(capsys.readouterr().out)
    assert report["clip"]["n"] == 1
    assert report["clip"]["auc"]["value"] is None
    (score,) = _scores(tmp_path / "out")
    assert (score["start"], score["stop"]) == ("20", "50")
    windows = _scores(tmp_path / "out", "windows.csv")
    assert all(20 <= int(w["start"]) < int(w["stop"]) <= 50 for w in windows)

    cut = tmp_path / "cut"
    cut.mkdir()
    for name in sorted((folder / row["clip"]).iterdir()):
        number = "".join(filter(str.isdigit, name.stem))
        if name.suffix != ".png" or 20 <= int(number) < 50:
            shutil.copy(name, cut / name.name)
    line = json.loads((folder / row["roi"]).read_text(encoding="utf-8"))
    keys = {int(k): v for k, v in line.get("keyframes", {"0": line["polyline"]}).items()}
    from lsgui.core.pleura import PleuralROI

    roi = PleuralROI(tuple(keys.items()))
    moved = {str(k): roi.line_at(k + 20).tolist() for k in range(30)}
    (tmp_path / "line.json").write_text(json.dumps({"keyframes": moved}), encoding="utf-8")
    assert run(["predict", str(cut), "--model", "motion", "--roi", str(tmp_path / "line.json"), "--json", "-"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert float(score["p_absent"]) == pytest.approx(said["p_absent"], abs=2e-3)
    assert score["verdict"] == said["label"]


def test_what_cannot_be_read_is_listed_and_the_rest_is_evaluated(folder, tmp_path, capsys):
    first, second = _rows(folder)[:2]
    (tmp_path / "data").mkdir()
    shutil.copytree(folder / first["clip"], tmp_path / "data" / first["clip"])
    (tmp_path / "data" / "broken.avi").write_bytes(b"\0" * 999)
    shutil.copy(folder / first["roi"], tmp_path / "data" / "line.json")
    rows = [
        {**second, "clip": "broken.avi", "roi": ""},
        {**first, "roi": "line.json"},
        {**first, "roi": "nowhere.json", "start": "2"},
        {**first, "roi": "line.json", "start": "5000", "stop": ""},
    ]
    _index(tmp_path / "data" / "dataset.csv", rows)
    _evaluate(tmp_path / "data", tmp_path / "out", "--json", "-", status=2)
    out, err = capsys.readouterr()
    report = json.loads(out)
    assert [fault["clip"] for fault in report["unread"]] == ["broken.avi", first["clip"], first["clip"]]
    assert "broken.avi" in report["unread"][0]["error"]
    assert "nowhere.json" in report["unread"][1]["error"]
    assert "5000" in report["unread"][2]["error"]
    assert len(err.splitlines()) == 3
    assert (report["clip"]["n"], report["clip"]["patients"]) == (1, 1)
    assert report["clip"]["accuracy"]["low"] is None
    assert [row["clip"] for row in _scores(tmp_path / "out")] == [first["clip"]]


def test_paper_layout_without_lines(folder, tmp_path, capsys):
    row = _rows(folder)[0]
    data = tmp_path / "paper"
    shutil.copytree(folder / row["clip"], data / "some_video.avi")
    entries = [
        {"video_name": "some_video.avi", "video_class": row["label"], "cut_interval": [[0, 29], [30, 57]]},
        {"video_name": "not_here.avi", "video_class": "ls_a", "cut_interval": [[0, 9]]},
    ]
    (data / "sliding_metafile.json").write_text(json.dumps(entries), encoding="utf-8")
    _evaluate(data, tmp_path / "out", "--json", "-")
    out, err = capsys.readouterr()
    report = json.loads(out)
    assert err == f"lsgui: {report['warnings'][-1]}\n"
    assert report["missing"] == ["not_here.avi"]
    assert any("not_here.avi" in text for text in report["warnings"])
    assert [(row["start"], row["stop"]) for row in _scores(tmp_path / "out")] == [("0", "30"), ("30", "58")]
    assert {row["line"] for row in _scores(tmp_path / "out")} <= {"auto", "none"}


def test_two_processes_say_the_same_in_the_same_order(folder, evaluated, tmp_path, capsys):
    index = _index(tmp_path / "rows.csv", _rows(folder)[:2])
    _evaluate(folder, tmp_path / "out", "--index", index, "--jobs", "2")
    out, err = capsys.readouterr()
    assert err == ""
    assert "2 clips of 1 patient," in out
    assert _scores(tmp_path / "out") == _scores(evaluated)[:2]


def test_network_and_comparison(folder, evaluated, tmp_path, capsys):
    """A network named by its folder against the motion index; what the index said before is gone on with."""
    rows = _rows(folder)
    model = shutil.copytree(model_dirs()[-1] / "cmwru-strip", tmp_path / "mine")
    shutil.copytree(evaluated, tmp_path / "out" / "against")
    _evaluate(folder, tmp_path / "out", "--against", "motion", "--resume", model=model)
    out, err = capsys.readouterr()
    assert err == ""
    assert "cmwru-strip against motion on 4 clips" in out
    assert "Research use only" in out
    report = json.loads((tmp_path / "out" / "metrics.json").read_text(encoding="utf-8"))
    found = report["comparison"]
    assert (found["first"], found["second"], found["n"]) == ("cmwru-strip", "motion", len(rows))
    difference = found["auc_difference"]
    assert difference["value"] == pytest.approx(found["auc"][0]["value"] - found["auc"][1]["value"], abs=2e-4)
    assert sum(found["mcnemar"][key] for key in found["mcnemar"] if key != "p") == 4
    differing = _scores(tmp_path / "out", "disagreements.csv")
    assert len(differing) == found["disagreements"]
    assert {"compare_roc.png", "compare_scores.png", "compare_bars.png"} <= {
        path.name for path in (tmp_path / "out").glob("*.png")
    }
    assert _scores(tmp_path / "out" / "against") == _scores(evaluated)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        pytest.param(["--model", "nothing"], "nothing", id="model"),
        pytest.param(["--device", "abacus"], "abacus", id="device"),
        pytest.param(["--data", "no/such/folder"], "folder", id="data"),
    ],
)
def test_wrong_use_is_one_sentence(folder, tmp_path, capsys, arguments, word):
    asked = ["evaluate", "--data", str(folder), "--out", str(tmp_path / "out"), "--model", "motion", *arguments]
    assert run(asked) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert word in err
    assert len(err.splitlines()) == 1
