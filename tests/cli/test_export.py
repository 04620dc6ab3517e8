"""`lsgui export`: nothing leaves before a person has looked, and what leaves is what was asked for."""

import csv
import io
import json
from pathlib import Path

import cv2
import numpy as np
import pydicom
import pypdf
import pytest

from lsgui.annotation.content_hash import content_hash
from lsgui.annotation.store import AnnotationStore
from lsgui.bench.sample_clips import simulate_sample
from lsgui.cli.main import run
from lsgui.core.label import ReaderLabel

LINE = {"frame": 0, "polyline": [[20, 60], [140, 60]]}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of frames with a name in white above the scan."""
    folder = tmp_path_factory.mktemp("clips") / "NOVAK"
    folder.mkdir()
    rng = np.random.default_rng(3)
    for k in range(30):
        picture = rng.integers(60, 140, (140, 160)).astype(np.uint8)
        picture[58:62] = 230
        picture[:24] = 0
        cv2.putText(picture, "NOVAK JAN", (4, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 255, 1)
        assert cv2.imwrite(str(folder / f"frame_{k}.png"), picture)
    return folder


@pytest.fixture(scope="module")
def lung(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with a lung below the name: of the other one no window is judged."""
    folder = tmp_path_factory.mktemp("clips") / "NOVAK"
    folder.mkdir()
    made, order = simulate_sample(45, 160, 116, 15.0)
    for k, place in enumerate(order):
        picture = np.zeros((140, 160), np.uint8)
        picture[24:] = made.frames[place]
        cv2.putText(picture, "NOVAK JAN", (4, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 255, 1)
        assert cv2.imwrite(str(folder / f"frame_{k}.png"), picture)
    return folder


@pytest.fixture
def line(tmp_path: Path) -> Path:
    path = tmp_path / "line.json"
    path.write_text(json.dumps(LINE), encoding="utf-8")
    return path


def export(*arguments: object, status: int = 0) -> None:
    assert run(["export", *map(str, arguments)]) == status


def test_without_a_mask_it_writes_the_proposal_and_says_what_to_do(
    clip: Path, line: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, short = tmp_path / "out", content_hash(clip)[:8]
    export(clip, "--out", out, "--model", "motion", "--roi", line, status=2)
    said, told = capsys.readouterr()
    assert said == ""
    assert told.startswith("lsgui: NOVAK: nobody has looked yet at what of its picture may leave; look at ")
    assert told.count("\n") == 1
    assert sorted(path.name for path in out.iterdir()) == [f"lsgui-{short}-mask.json", f"lsgui-{short}-mask.png"]
    mask = json.loads((out / f"lsgui-{short}-mask.json").read_text(encoding="utf-8"))
    assert (mask["width"], mask["height"]) == (160, 140)
    preview = cv2.imread(str(out / f"lsgui-{short}-mask.png"))
    left, right = 16, 16 + 160 * 3
    name = preview[36 : 36 + 22 * 3, left:right]
    assert not (name > 180).all(axis=2).any(), "the preview itself does not show the name"
    scan = preview[36 + 40 * 3 : 36 + 130 * 3, left:right]
    assert (scan > 100).all(axis=2).mean() > 0.5

    export(clip, "--propose-mask", tmp_path / "mine.json")
    said, told = capsys.readouterr()
    assert said.splitlines() == [str(tmp_path / "mine.json"), str(tmp_path / "mine.png")]
    assert json.loads((tmp_path / "mine.json").read_text(encoding="utf-8")) == mask


def test_an_approval_is_kept_and_holds_for_the_next_export(
    lung: Path, line: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, store, short = tmp_path / "out", tmp_path / "study.sqlite", content_hash(lung)[:8]
    mask = tmp_path / "mask.json"
    mask.write_text(json.dumps({"width": 160, "height": 140, "rectangles": [[0, 0, 160, 24]]}), encoding="utf-8")
    given = ["--out", out, "--model", "motion", "--roi", line, "--store", store]
    export(lung, *given, "--kinds", "windows,picture", "--mask", mask, "--approved-by", "R7")
    said, told = capsys.readouterr()
    assert said.splitlines() == [str(out / f"lsgui-{short}-windows.csv"), str(out / f"lsgui-{short}-picture.png")]
    assert told == ""
    (row, *_) = csv.DictReader(io.StringIO((out / f"lsgui-{short}-windows.csv").read_bytes().decode("utf-8-sig")))
    assert (row["clip"], row["model"], row["clip_sha256"]) == (f"Clip {short}", "motion", content_hash(lung))
    with AnnotationStore(store) as opened:
        (kept,) = opened.all_masks()
        assert (kept.approved_by, kept.rectangles, kept.width) == ("R7", ((0, 0, 160, 24),), 160)
        opened.save_reading(content_hash(lung), "NOVAK", "R2", ReaderLabel.LS_A)

    export(lung, *given, "--kinds", "report", "--without-ai")  # approved before: nothing is asked
    words = " ".join(pypdf.PdfReader(out / f"lsgui-{short}-report.pdf").pages[0].extract_text().split())
    assert "Reader R2 ·" in words
    assert "Not analysed" in words
    assert "NOVAK" not in words
    for path in out.iterdir():
        assert b"NOVAK" not in path.read_bytes()


def test_dicom_kinds_and_names_that_are_kept(clip: Path, line: Path, tmp_path: Path) -> None:
    out, mask = tmp_path / "out", tmp_path / "mask.json"
    mask.write_text(json.dumps({"width": 160, "height": 140, "rectangles": [[0, 0, 160, 24]]}), encoding="utf-8")
    kinds = ["--kinds", "sr,deidentified", "--keep-names", "--roi", line, "--model", "motion"]
    export(clip, "--out", out, *kinds, "--mask", mask, "--approved-by", "R7")
    assert sorted(path.name for path in out.iterdir()) == ["NOVAK-deidentified.dcm", "NOVAK-sr.dcm"]
    clean = pydicom.dcmread(out / "NOVAK-deidentified.dcm")
    assert clean.pixel_array[:, :24].max() == 0
    assert b"NOVAK" not in (out / "NOVAK-deidentified.dcm").read_bytes()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--kinds", "poster"], "There is no export 'poster': choose from report, picture, movie, windows"),
        (["--kinds", " , "], "There is no export"),
        (["--mask", "m.json"], "m.json: say who looked at the mask with --approved-by NAME."),
        (["--mask", "m.json", "--approved-by", "R1"], "m.json: the mask cannot be read"),
        (["--paper", "a9"], "There is no paper 'a9': choose one of a4, letter."),
        (["--device", "abacus"], "There is no device 'abacus'"),
        (["--rater", "R1", "--store", "none.sqlite"], "none.sqlite"),
    ],
)
def test_wrong_use_is_one_sentence(
    clip: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    sentence: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    export(clip, "--out", "out", *options, status=2)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"lsgui: {sentence}")
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_no_place_and_a_mask_of_another_size(clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    export(clip, status=2)
    assert capsys.readouterr().err == "lsgui: Say where the files go with --out DIR.\n"
    mask = tmp_path / "mask.json"
    mask.write_text(json.dumps({"width": 99, "height": 140, "rectangles": []}), encoding="utf-8")
    export(clip, "--out", tmp_path / "out", "--without-ai", "--mask", mask, "--approved-by", "R1", status=2)
    assert "the mask is for pictures of 99 x 140 px, not 160 x 140 px" in capsys.readouterr().err
