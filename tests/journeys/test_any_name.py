"""A clip may be called anything that its disk allows: every command and the window take it, and nothing is made of it.

Names hold quotes, line ends, orders to terminals and spreadsheets, bytes that are no text, and what other systems
reserve. Each clip is judged, labelled, exported and read back.
"""

import csv
import json
import os
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from lsgui.annotation.content_hash import content_hash
from lsgui.annotation.store import AnnotationStore
from lsgui.cli.main import run
from lsgui.core.file_names import from_cell, shown_name, text_name
from lsgui.core.label import ReaderLabel
from lsgui.export.bundle import run_export
from lsgui.export.mask import propose_mask
from lsgui.export.request import ExportKind, ExportRequest
from lsgui.readers.base import open_clip
from lsgui.review.paths import labels_file
from lsgui.review.state import LoadPhase
from lsgui.simulation.movie_writer import write_avi

EVERYWHERE = (
    *("-rf.avi", "+1.avi", "@sum.avi", "=cmd.avi", "100%s %d.avi", "$(touch pwned);`touch pwned`.avi", "it's.avi"),
    *("[red]x[-].avi", "{0}&{name}.avi", "ünïcödé 😀.avi", "e\u0301.avi", "a[1-2].avi", "rtl\u202etxt.avi"),
    *("--json.avi", "#a;b,c.avi", "%E9.avi", "a" * 230 + ".avi"),
)
POSIX = ('quote".avi', "new\nline.avi", "esc\x1b[31mred.avi", ":smile:.avi", "CON.avi", "aux .avi", "<b>x&amp;.avi")
LINUX = ("lat\udce9in.avi", "\udcff\udcfe.avi")
NAMES = (
    *EVERYWHERE,
    *(POSIX if os.name != "nt" else ()),
    *(LINUX if sys.platform.startswith("linux") else ()),
)
LINE = {"frame": 0, "polyline": [[20.0, 40.0], [60.0, 41.0], [100.0, 40.0]]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip under each name, no two with the same picture."""
    made = tmp_path_factory.mktemp("names") / "=folder 'x'"
    made.mkdir()
    speckle = np.random.default_rng(5).normal(90.0, 40.0, (140, 128)).astype(np.float32)
    grey = np.clip(cv2.GaussianBlur(speckle, (0, 0), 1.5), 5, 250).astype(np.uint8)
    for number, name in enumerate(NAMES):
        write_avi(made / "clip.avi", np.stack([grey[k + number : k + number + 96] for k in range(12)]), 15.0)
        (made / "clip.avi").rename(made / name)
    return made


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("line") / "line.json"
    path.write_text(json.dumps(LINE), encoding="utf-8")
    return path


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_info_says_the_name_on_one_line(folder: Path, name: str, capfd: Any) -> None:
    assert run(["info", str(folder / name), "--json"]) == 0
    said = capfd.readouterr()
    assert said.err == ""
    assert json.loads(said.out)["path"] == str(folder / name)
    assert run(["info", str(folder / name)]) == 0
    rows = capfd.readouterr().out.splitlines()
    assert "".join("".join(rows[:4]).split()).startswith("Clip" + "".join(shown_name(str(folder / name)).split()))
    assert all(row.isprintable() for row in rows)


def test_predict_lists_every_name_and_draws_every_clip(
    folder: Path, line: Path, tmp_path: Path, capfd: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    files = ["--json", str(tmp_path / "a.json"), "--csv", str(tmp_path / "a.csv"), "--overlay", str(tmp_path / "drawn")]
    asked = ["predict", str(folder), "--model", "motion", "--jobs", "1", "--roi", str(line)]
    assert run([*asked, *files, "--store", str(tmp_path / "s.sqlite")]) == 0
    assert capfd.readouterr().err == ""
    told = [json.loads(row)["clip"] for row in (tmp_path / "a.json").read_text(encoding="utf-8").splitlines()]
    assert sorted(told) == sorted(NAMES)
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        cells = [row["clip"] for row in csv.DictReader(file)]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert sorted(map(from_cell, cells)) == sorted(map(text_name, NAMES))
    with AnnotationStore(tmp_path / "s.sqlite") as store:
        assert sorted(said.file_name for said in store.all_verdicts()) == sorted(map(text_name, NAMES))
    drawn = list((tmp_path / "drawn").iterdir())
    assert len(drawn) == len(NAMES)
    assert all(picture.suffix == ".png" and picture.name.isprintable() for picture in drawn)
    assert list((tmp_path / "here").iterdir()) == []


def test_the_table_for_people_shows_names_as_they_are(folder: Path, line: Path, capfd: Any) -> None:
    wanted = [name for name in ("[red]x[-].avi", ":smile:.avi", "esc\x1b[31mred.avi") if name in NAMES]
    paths = [str(folder / name) for name in wanted]
    assert run(["predict", *paths, "--model", "motion", "--jobs", "1", "--roi", str(line)]) == 0
    said = capfd.readouterr().out
    for name in wanted:
        assert shown_name(name) in said
    assert "\x1b" not in said


def test_a_name_that_is_not_there_is_one_clean_sentence(tmp_path: Path, capfd: Any) -> None:
    for name in ("gone\nlsgui: all is well\x1b[2J.avi", "gone\udce9.avi") if os.name != "nt" else ("gone.avi",):
        assert run(["info", str(tmp_path / name)]) == 2
        said = capfd.readouterr().err
        assert said.count("\n") == 1
        assert said[:-1].isprintable()


def test_labels_under_any_name_are_kept_written_and_read_back(
    review: Any, qtbot: Any, folder: Path, tmp_path: Path, capfd: Any
) -> None:
    """In the window: opened, labelled by a key; then out in every format and into another store."""
    review.controller.open_paths([folder])
    qtbot.waitUntil(lambda: len(review.controller.state.worklist) == len(NAMES), timeout=20_000)
    for index in range(len(NAMES)):
        review.controller.clips.select(index)
        qtbot.waitUntil(lambda: _ready(review), timeout=20_000)
        QTest.keyClick(review.window, Qt.Key.Key_P)
        qtbot.waitUntil(lambda: review.controller.state.reading.saved_at != "", timeout=20_000)
        assert review.window.windowTitle().isprintable() or "\n" in NAMES[index]
    review.window.close()
    with AnnotationStore(labels_file()) as store:
        kept = {said.content_hash: said for said in store.all_readings()}
    assert {said.label for said in kept.values()} == {ReaderLabel.LS_P}
    assert {digest: said.file_name for digest, said in kept.items()} == {
        content_hash(folder / name): text_name(name) for name in NAMES
    }
    for number, name in enumerate(("a.csv", "a.json", "sliding_metafile.json", "set", "cvat")):
        more = ["--format", "cvat"] if name == "cvat" else []
        out = tmp_path / "out" / name
        assert run(["labels", "export", str(out), *more, "--clips", str(folder)]) == 0, name
        if name in ("set", "cvat"):
            continue
        other = tmp_path / f"{number}.sqlite"
        asked = ["labels", "import", str(out), "--store", str(other), "--clips", str(folder), "--rater", "R2"]
        assert run(asked) == 0, name
        with AnnotationStore(other) as store:
            assert {said.label for said in store.all_readings()} == {ReaderLabel.LS_P}
            assert len(store.all_readings()) == len(NAMES), name
    assert len(list((tmp_path / "out" / "cvat").iterdir())) == len(NAMES)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "a.csv",
        "a.json",
        "sliding_metafile.json",
        "set",
        "cvat",
    }
    assert run(["labels", "list"]) == 0
    assert "\x1b" not in capfd.readouterr().out


def _ready(review: Any) -> bool:
    clip = review.controller.state.clip
    return clip is not None and clip.phase is LoadPhase.COMPLETE and review.controller.state.reading.saved_at == ""


@pytest.mark.parametrize(
    "name", [n for n in NAMES if n in {*LINUX, *POSIX, "a[1-2].avi", "=cmd.avi", NAMES[16]}], ids=ascii
)
def test_what_leaves_under_the_clips_name_stays_in_its_folder(folder: Path, name: str, tmp_path: Path) -> None:
    clip = open_clip(folder / name)
    out = tmp_path / "out"
    result = run_export(
        ExportRequest(
            clip,
            content_hash(folder / name),
            (ExportKind.PICTURE, ExportKind.CAPTURE, ExportKind.REPORT),
            out,
            mask=propose_mask(clip),
            keep_names=True,
        )
    )
    assert {file.kind for file in result.files} == {ExportKind.PICTURE, ExportKind.CAPTURE, ExportKind.REPORT}
    assert {file.path.parent for file in result.files} == {out}
    assert sorted(file.path for file in result.files) == sorted(out.iterdir())
    assert list(tmp_path.iterdir()) == [out]
