"""Evaluations that break off go on, scores survive on disk, and kinds of clips are kept apart."""

import csv
import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
from scored_clips import scored

from lsgui.core.errors import DatasetError
from lsgui.core.label import SlidingLabel
from lsgui.core.pleura import PleuralROI
from lsgui.core.prediction import ModelRef
from lsgui.models.card import load_card
from lsgui.training.data.dataset_rows import DatasetRow
from lsgui.training.data.labelled_clip import OpenedRow
from lsgui.training.data.split import Split, save_split
from lsgui.training.evaluation.clip_scoring import cut_line
from lsgui.training.evaluation.report import kind_of, report_of, write_figures
from lsgui.training.evaluation.run import Evaluation, EvaluationRun, Unread
from lsgui.training.evaluation.scores_file import ScoresFile
from lsgui.training.evaluation.seen import seen_sentence

LINE = {"polyline": [[20, 60], [140, 60]]}
MODEL = ModelRef("m", "1", "")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Four clips of still wall over changing texture, 20 frames each."""
    out = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(3)
    rows = []
    for clip in range(4):
        (out / f"clip_{clip}").mkdir()
        wall = cv2.GaussianBlur(rng.normal(110, 60, (60, 160)), (0, 0), 1.0)
        for k in range(20):
            picture = np.vstack([wall, cv2.GaussianBlur(rng.normal(110, 60, (60, 160)), (0, 0), 1.0)])
            picture[58:62] = 230
            noisy = np.clip(picture + rng.normal(0, 2, picture.shape), 0, 255).astype(np.uint8)
            assert cv2.imwrite(str(out / f"clip_{clip}" / f"frame_{k}.png"), noisy)
        rows.append([f"clip_{clip}", "ls_a" if clip % 2 else "ls_p", f"P{clip}", "clinic", 0, 20, "line.json"])
    (out / "line.json").write_text(json.dumps(LINE), encoding="utf-8")
    with (out / "dataset.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["clip", "label", "patient", "source", "start", "stop", "roi"], *rows])
    return out


def _run(folder, out, resume=False):
    return EvaluationRun(folder, None, "motion", out, "cpu", 1, resume)


def test_an_interrupted_evaluation_goes_on(folder, tmp_path):
    whole = _run(folder, tmp_path / "whole").execute()

    def stop_at_third(done, _count, _name):
        if done == 3:
            raise KeyboardInterrupt

    out = tmp_path / "broken"
    with pytest.raises(KeyboardInterrupt):
        _run(folder, out).execute(stop_at_third)
    for name in ("scores.csv", "windows.csv"):  # and the power went while a line was written
        with (out / name).open("a", newline="", encoding="utf-8") as file:
            file.write("clip_2,P2,clinic,ls_p,0.1")

    told = []
    again = _run(folder, out, resume=True).execute(lambda done, count, name: told.append((done, count, name)))
    assert told == [(2, 4, ""), (3, 4, "clip_2"), (4, 4, "clip_3")], "the first two were not judged again"
    assert again.rows == whole.rows
    for name in ("scores.csv", "windows.csv"):
        assert (out / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_resuming_takes_labels_as_they_are_now_and_judges_changed_frames_anew(folder, tmp_path):
    _run(folder, tmp_path).execute()
    index = tmp_path / "rows.csv"
    text = (folder / "dataset.csv").read_text(encoding="utf-8")
    text = text.replace("clip_0,ls_p,P0", "clip_0,ls_a,P9").replace("P1,clinic,0,20", "P1,clinic,0,18")
    index.write_text(text, encoding="utf-8")
    told = []
    run = EvaluationRun(folder, index, "motion", tmp_path, "cpu", 1, True)
    found = run.execute(lambda _done, _count, name: told.append(name))
    assert told == ["", "clip_1"]
    assert (found.rows[0].absent, found.rows[0].patient) == (True, "P9")
    assert found.rows[1].stop == 18


def test_a_stretch_that_stands_twice_is_refused(folder, tmp_path):
    index = tmp_path / "rows.csv"
    text = (folder / "dataset.csv").read_text(encoding="utf-8")
    index.write_text(text + text.splitlines()[1] + "\n", encoding="utf-8")
    with pytest.raises(DatasetError, match="clip_0 stands twice from frame 0"):
        EvaluationRun(folder, index, "motion", tmp_path / "out").execute()


def test_scores_come_back_as_they_were(tmp_path):
    rows = [
        scored("a/b.mp4", "Ä, 1", True, 0.1 + 0.2, quality=("too_short", "frozen")),
        scored("c", "2", False, None),
        scored("c", "2", False, 1 / 3, start=70),
    ]
    file = ScoresFile(tmp_path, MODEL)
    file.write(rows)
    assert list(file.read().values()) == rows
    assert ScoresFile(tmp_path / "empty", MODEL).read() == {}


def test_scores_of_another_model_or_a_damaged_file_are_refused(tmp_path):
    ScoresFile(tmp_path, MODEL).write([scored("a", "1", True, 0.9)])
    with pytest.raises(DatasetError, match="holds scores of model m version 1"):
        ScoresFile(tmp_path, ModelRef("m", "2", "")).read()
    path = tmp_path / "scores.csv"
    path.write_text(path.read_text(encoding="utf-8").replace("0.9", "much"), encoding="utf-8")
    with pytest.raises(DatasetError, match="damaged"):
        ScoresFile(tmp_path, MODEL).read()
    path.write_text("something else\n", encoding="utf-8")
    with pytest.raises(DatasetError, match="not the file of an evaluation"):
        ScoresFile(tmp_path, MODEL).read()


def _mixed_rows():
    return [
        scored(f"{source}_{k}", f"{source}{k // 2}", k % 2 == 1, p, source=source)
        for source in ("simulated", "edited", "Clinic A")
        for k, p in enumerate((0.1, 0.8, 0.3, 0.7))
    ]


def _evaluation(rows, unread=()):
    return Evaluation(load_card("motion"), load_card("motion").folder, tuple(rows), tuple(unread))


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("simulated", "simulated"),
        ("Simulated, seed 4", "simulated"),
        ("edited", "edited"),
        ("edited from TUKE", "edited"),
        ("TUKE Lumify", "real"),
        ("accredited hospital", "real"),
        ("", "real"),
    ],
)
def test_kind_of_a_source(source, kind):
    assert kind_of(source) == kind


@pytest.mark.parametrize(("start", "stop"), [(0, 50), (10, 50), (10, 60), (30, 31), (0, 100)])
def test_the_line_of_a_stretch_is_that_of_the_clip_and_of_training(start, stop):
    line = np.array([[0.0, 10.0], [100.0, 10.0]])
    roi = PleuralROI(((5, line), (20, line + 3), (80, line + 63)), "file")
    cut = cut_line(roi, start, stop)
    for k in range(start, stop):
        np.testing.assert_allclose(cut.line_at(k - start), roi.line_at(k), atol=1e-9)
    opened = OpenedRow(None, None, None, None, start, stop, roi)
    trained = opened.line_in((0, 0, 1, 1))
    assert [k for k, _ in cut.keyframes] == [k for k, _ in trained.keyframes]


def test_kinds_of_clips_are_never_in_one_figure_unless_asked(tmp_path, monkeypatch):
    # what is drawn, not how
    monkeypatch.setattr("lsgui.training.evaluation.figures.save_figure", lambda _figure, path: path)
    stale = tmp_path / "roc.png"
    stale.write_bytes(b"of an earlier evaluation")
    two = _evaluation([row for row in _mixed_rows() if row.source != "edited"])
    made = {path.name for path in write_figures(two, tmp_path)}
    assert {"roc_real.png", "roc_simulated.png"} <= made
    assert not [name for name in made if not name.endswith(("_real.png", "_simulated.png"))]
    assert not stale.exists()
    pooled = _evaluation([row for row in _mixed_rows() if row.source != "Clinic A" and row.absent])
    assert {path.name for path in write_figures(pooled, tmp_path / "pooled", pooled=True)} >= {
        "histogram.png",
        "histogram_edited.png",
        "histogram_simulated.png",
    }


def test_a_mixed_set_says_so():
    report = report_of(_evaluation(_mixed_rows()))
    assert "4 real and 4 edited and 4 simulated" in report["mixed"]
    assert report["mixed"] in report["warnings"]
    assert list(report["by_kind"]) == ["real", "edited", "simulated"]
    assert list(report["by_source"]) == ["simulated", "edited", "Clinic A"]
    assert [m["n"] for m in report["by_kind"].values()] == [4, 4, 4]
    assert report["clip"]["n"] == 12
    assert report_of(_evaluation([row for row in _mixed_rows() if row.source == "edited"]))["mixed"] is None


def test_what_no_verdict_would_have_been():
    rows = [
        scored("a", "1", True, 0.9),
        scored("b", "2", True, 0.6, verdict="cannot_assess", quality=("too_short",)),
        scored("c", "3", False, 0.55, verdict="cannot_assess", quality=("too_short", "frozen")),
        scored("d", "4", False, None, quality=("no_pleura",)),
        scored("e", "5", False, 0.1),
    ]
    report = report_of(_evaluation(rows, [Unread("f", "f: gone.")]))
    assert report["abstained"] == 3
    assert report["abstention"] == {
        "count": 3,
        "rate": 0.6,
        "right_at_threshold": 1,
        "wrong_at_threshold": 1,
        "not_scored": 1,
        "absent": 1,
        "flags": {"too_short": 2, "frozen": 1, "no_pleura": 1},
    }
    assert report["verdicts"] == [[1, 2, 0], [0, 1, 1]]
    assert report["clip"]["n"] == 4
    assert report["decided"]["n"] == 2
    assert report["decided"]["accuracy"]["value"] == 1.0
    assert report["unread"] == [{"clip": "f", "error": "f: gone."}]


def test_nothing_scored_still_makes_a_report(tmp_path):
    evaluation = _evaluation([scored("a", "1", True, None)])
    report = report_of(evaluation)
    assert report["clip"]["accuracy"]["value"] is None
    assert report["abstention"]["rate"] == 1.0
    assert write_figures(evaluation, tmp_path) == []


def test_clips_seen_in_training_are_named(tmp_path):
    card = load_card("motion").model_copy(update={"folder": tmp_path})
    rows = [
        scored("x/a.mp4", "P1", True, 0.9),
        scored("b.mp4", "P2", False, 0.1),
        scored("c.mp4", "P3", False, 0.1),
        scored("sim_7.avi", "SIM0001", False, 0.1, source="simulated"),
    ]
    assert seen_sentence(card, rows) == ""
    table = "clip,label,patient,source,start,stop,roi,set\na.mp4,ls_a,Q,s,0,,,train\nz.mp4,ls_a,P2,s,0,,,validation\n"
    table += "c.mp4,ls_a,P3,s,0,,,test\nsim_9.avi,ls_a,SIM0001,simulated,0,,,train\n"
    (tmp_path / "split.csv").write_text(table, encoding="utf-8")
    assert seen_sentence(card, rows).startswith("2 of 4 clips were seen in training")


def test_simulated_clips_are_known_by_what_they_show(tmp_path):
    """Names and patients of simulated clips are the same whatever the seed."""
    run, rows = tmp_path / "run", []
    for seed, label in (("seed_1", SlidingLabel.LS_A), ("seed_2", SlidingLabel.LS_A)):
        clip = tmp_path / seed / "sim_0000.avi"
        clip.parent.mkdir()
        clip.write_bytes(seed.encode())
        rows.append(DatasetRow(clip, label, "SIM0000", "simulated", 0, 60, None))
    save_split(Split((rows[0],), (), ()), tmp_path / "seed_1", run / "split.csv")
    card = load_card("motion").model_copy(update={"folder": run})
    evaluated = [scored("sim_0000.avi", "SIM0000", True, 0.9, source="simulated")]
    assert seen_sentence(card, evaluated, tmp_path / "seed_2") == ""
    assert seen_sentence(card, evaluated, tmp_path / "seed_1").startswith("1 of 1")

    with (run / "split.csv").open(newline="", encoding="utf-8") as file:  # as earlier versions wrote it
        table = [row[:-1] for row in csv.reader(file)]
    with (run / "split.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(table)
    other = [replace(evaluated[0], start=3), replace(evaluated[0], patient="SIM0001")]
    assert seen_sentence(card, [*evaluated, *other], tmp_path / "seed_1").startswith("1 of 3")


def test_scores_beside_a_card_are_no_training_data(tmp_path):
    card = load_card("motion").model_copy(update={"folder": tmp_path})
    rows = [scored("a.mp4", "P1", True, 0.9)]
    ScoresFile(tmp_path, card.ref).write(rows)
    assert (tmp_path / "scores.csv").is_file()
    assert seen_sentence(card, rows, tmp_path) == ""


def test_history_of_the_model_is_drawn(tmp_path):
    card = load_card("motion").model_copy(update={"folder": tmp_path})
    history = "epoch,train_loss,validation_loss,validation_recall,note\n1,0.7,0.8,nan,x\n2,0.4,0.6,0.5,y\n"
    (tmp_path / "history.csv").write_text(history, encoding="utf-8")
    evaluation = Evaluation(card, tmp_path, (scored("a", "1", True, 0.9),), ())
    assert "history.png" in {path.name for path in write_figures(evaluation, tmp_path / "out")}
