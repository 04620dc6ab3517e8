"""No identifier in anything that is written: a clip full of marks goes through the program, and every file is searched.

What may know the name of a file is what needs it to find the clip again, on the reader's own machine: the list of
recent files, remembered worklists, the annotation store with its fingerprints, and answers that were asked for by name.
Nothing else does, and nothing at all knows what stands in the file.
"""

import io
import json
import logging
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "export"))  # for `marked_dicom`

from marked_dicom import SECRETS, leaks, write_marked_dicom  # noqa: E402 - found by the line above

from lsgui.annotation.content_hash import content_hash  # noqa: E402
from lsgui.annotation.store import AnnotationStore  # noqa: E402
from lsgui.cli.main import run  # noqa: E402
from lsgui.core.clip import Clip  # noqa: E402
from lsgui.core.label import ReaderLabel, SlidingLabel  # noqa: E402
from lsgui.core.pleura import PleuralROI  # noqa: E402
from lsgui.core.prediction import ModelRef, Prediction, WindowScore  # noqa: E402
from lsgui.export.bundle import run_export  # noqa: E402
from lsgui.export.mask import propose_mask  # noqa: E402
from lsgui.export.pseudonyms import Pseudonyms  # noqa: E402
from lsgui.export.request import ExportKind, ExportRequest, ExportResult  # noqa: E402
from lsgui.readers.base import open_clip  # noqa: E402
from lsgui.review.paths import labels_file, settings_file  # noqa: E402
from lsgui.review.settings import Settings, save_settings  # noqa: E402
from lsgui.review.state import AnalysisPhase, LoadPhase  # noqa: E402

NAMES = ("QQFOLDER", "QQFILE", "QQBROKEN")
"""Marks in the names of folder and files."""
LINE = [[90.0, 100.0], [150.0, 104.0], [230.0, 101.5]]
BRIGHTEST_SPECKLE = 150
LETTER = 200
"""Grey from which on a pixel can only be a letter: the speckle of the marked clip ends well below."""
MAY_KNOW_NAMES = ("settings/recent.json", "settings/worklists.json", "data/")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("clips") / "QQFOLDER Marquardt"
    write_marked_dicom(made / "QQFILE Marquardt.dcm")
    whole = (made / "QQFILE Marquardt.dcm").read_bytes()
    (made / "QQBROKEN Marquardt.dcm").write_bytes(whole[: len(whole) // 40])
    return made


@pytest.fixture(scope="module")
def clip(folder: Path) -> Clip:
    return open_clip(folder / "QQFILE Marquardt.dcm")


def verdict(clip: Clip) -> Prediction:
    return Prediction(
        clip=clip.info.path.name,
        label=SlidingLabel.LS_A,
        p_absent=0.9,
        p_absent_interval=(0.8, 0.95),
        threshold=0.5,
        threshold_source="model card",
        model=ModelRef("cmwru-strip", "8", "ab" * 32),
        motion_index=0.1,
        motion_interval=None,
        roi=PleuralROI.single(4, LINE, "auto", 0.9),
        windows=(WindowScore(0, 30, 0.9),),
        segments=(),
        ribbon=None,
        quality=(),
        band_ratio=None,
        wall_correlation=None,
        device="cpu",
    )


def export(clip: Clip, out: Path, **more: Any) -> ExportResult:
    path = clip.info.path
    said = more.pop("prediction", verdict(clip))
    return run_export(
        ExportRequest(
            clip,
            content_hash(path),
            tuple(ExportKind),
            out,
            mask=propose_mask(clip),
            roi=said.roi,
            prediction=said,
            pseudonyms=Pseudonyms(b"a key of the project, 32 bytes !"),
            **more,
        )
    )


def searched(root: Path, secrets: tuple[str, ...] = SECRETS, *, but: tuple[str, ...] = ()) -> list[str]:
    """Return every leak in the files below a folder, and fail where there is none to search."""
    files = [path for path in sorted(root.rglob("*")) if path.is_file()]
    assert files
    kept = [path for path in files if not path.relative_to(root).as_posix().startswith(but or ("\0",))]
    return [leak for path in kept for leak in leaks(path, secrets, root=root)]


# --- commands ---------------------------------------------------------------------------------------------------


def test_info_and_predict_write_nothing_of_what_the_header_holds(folder: Path, home: Path, tmp_path: Path, capfd: Any):
    clip, out = folder / "QQFILE Marquardt.dcm", tmp_path / "out"
    line = tmp_path / "line.json"
    line.write_text(json.dumps({"frame": 0, "polyline": LINE}))
    assert run(["info", str(clip), "--json"]) == 0
    told = capfd.readouterr().out
    files = ["--json", str(out / "a.json"), "--csv", str(out / "a.csv"), "--overlay", str(out / "pictures")]
    assert run(["predict", str(clip), "--model", "motion", "--roi", str(line), *files]) == 0
    assert run(["predict", str(folder), "--model", "motion", "--json", str(out / "b.json")]) == 2
    said = capfd.readouterr()
    header = tuple(secret for secret in SECRETS if secret != "Marquardt")  # the files were named so
    for text in (told, said.out, said.err):
        assert not [secret for secret in header if secret.casefold() in text.casefold()]
    assert searched(out, header) == []
    (picture,) = (out / "pictures").iterdir()
    assert letters_in(cv2.imread(str(picture))) == 0
    if any(path.is_file() for path in home.rglob("*")):
        assert searched(home, (*SECRETS, *NAMES)) == []


def test_a_fault_of_a_command_names_no_clip_in_the_log(
    folder: Path, home: Path, monkeypatch: pytest.MonkeyPatch, expected_log_warnings: Any
):
    def fail(path: Path, **_: Any) -> None:
        raise RuntimeError(f"{path.name} and {path}: fell over at {SECRETS[0]}"[: -len(SECRETS[0])])

    monkeypatch.setattr("lsgui.decoding.clip_opening.read_clip_apart", fail)
    assert run(["info", str(folder / "QQFILE Marquardt.dcm")]) == 1
    assert "fell over" in (home / "log" / "lsgui.log").read_text(encoding="utf-8")
    assert searched(home, (*SECRETS, *NAMES)) == []


def test_the_export_command_shows_and_writes_nobody(folder: Path, home: Path, tmp_path: Path, capfd: Any):
    clip, out, line = folder / "QQFILE Marquardt.dcm", tmp_path / "out", tmp_path / "line.json"
    line.write_text(json.dumps({"frame": 0, "polyline": LINE}))
    asked = ["export", str(clip), "--out", str(out), "--model", "motion", "--roi", str(line)]
    asked += ["--kinds", ",".join(ExportKind)]
    assert run(asked) == 2, "nobody has approved a mask"
    assert "look at" in capfd.readouterr().err
    (mask,) = out.glob("*.json")
    assert {path.suffix for path in out.iterdir()} == {".json", ".png"}
    assert searched(out, (*SECRETS, *NAMES)) == []
    assert letters_in(cv2.imread(str(mask.with_suffix(".png"))), advice_from=300) == 0
    assert run([*asked, "--mask", str(mask), "--approved-by", "R1"]) == 0
    assert {path.suffix for path in out.iterdir()} >= {".pdf", ".png", ".mp4", ".dcm"}
    assert searched(out, (*SECRETS, *NAMES)) == []
    assert searched(home, (*SECRETS, *NAMES), but=MAY_KNOW_NAMES) == []
    for name, picture in exported_pictures(out):
        if "deidentified" in name:  # the others have a white scale bar; the next part looks at them without
            assert letters_in(picture) == 0, name


# --- the window -------------------------------------------------------------------------------------------------


@pytest.fixture
def review(qtbot: Any, home: Path) -> Iterator[Any]:
    from lsgui.gui.app import open_review
    from lsgui.gui.inference_thread import session_maker

    save_settings(settings_file(), Settings(model_id="motion", rater="R1", play_on_open=False))
    opened = open_review(session_maker(in_process=True))
    opened.window.resize(1280, 800)
    with qtbot.waitExposed(opened.window):
        opened.window.show()
    yield opened
    opened.window.close()
    opened.window.deleteLater()
    opened.controller.deleteLater()


def test_the_window_keeps_nothing_of_what_the_header_holds(
    review: Any, qtbot: Any, folder: Path, home: Path, tmp_path: Path
):
    from lsgui.review.log_file import start_log

    log = start_log()
    try:
        state = lambda: review.controller.state  # noqa: E731
        until = lambda done: qtbot.waitUntil(done, timeout=60_000)  # noqa: E731
        review.controller.open_paths([folder])
        until(lambda: len(state().worklist) == 2)
        titles = set()
        for index in (0, 1):
            review.controller.clips.select(index)
            until(lambda: state().clip is not None and state().clip.phase in (LoadPhase.COMPLETE, LoadPhase.FAILED))
            titles.add(review.window.windowTitle())
        until(lambda: state().clip.phase is LoadPhase.COMPLETE)
        review.window.clip_view.roiDrawn.emit(PleuralROI.single(0, LINE, "hand"))
        QTest.keyClick(review.window, Qt.Key.Key_Return)
        until(lambda: state().analysis.phase in (AnalysisPhase.DONE, AnalysisPhase.FAILED))
        QTest.keyClick(review.window, Qt.Key.Key_P)
        until(lambda: state().reading.saved_at != "")
        assert titles == {"Clip 1 of 2 – lsgui", "Clip 2 of 2 – lsgui"}
        review.window.close()
    finally:
        logging.getLogger("lsgui").removeHandler(log)
        log.close()
    assert AnnotationStore(labels_file()).all_readings()[0].label is ReaderLabel.LS_P
    for name in ("labels.csv", "labels.json"):
        assert run(["labels", "export", str(tmp_path / "labels" / name)]) == 0
    header = tuple(secret for secret in SECRETS if secret != "Marquardt")  # the files were named so
    assert searched(tmp_path / "labels", header) == []
    assert searched(home, header) == []
    assert searched(home, (*SECRETS, *NAMES), but=MAY_KNOW_NAMES) == []
    for picture in _cached_pictures(home):  # of the scan alone: no surround, so neither header nor clock
        assert (picture < 3).mean() < 0.02


def _cached_pictures(home: Path) -> list[np.ndarray]:
    cache = home / "cache" / "worklist.sqlite"
    if not cache.exists():
        return []
    connection = sqlite3.connect(cache)
    try:
        rows = connection.execute("SELECT picture FROM pictures").fetchall()
    finally:
        connection.close()
    found = [cv2.imdecode(np.frombuffer(row[0], np.uint8), cv2.IMREAD_COLOR) for row in rows if row[0]]
    return [picture for picture in found if picture is not None]


# --- exports ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def exported(clip: Clip, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every kind of export of the marked clip."""
    out = tmp_path_factory.mktemp("exported")
    assert {file.kind for file in export(clip, out).files} == set(ExportKind)
    return out


def test_no_export_knows_who_it_is(exported: Path):
    assert searched(exported, (*SECRETS, *NAMES)) == []


def test_no_letter_that_was_burned_in_is_left_in_any_picture(clip: Clip, exported: Path):
    assert letters_in(np.repeat(clip.frame(5)[..., None], 3, axis=2)) > 500, "they must be found where they are"
    looked_at = 0
    for name, picture in exported_pictures(exported):
        looked_at += 1
        assert letters_in(picture) == 0, name
    assert looked_at >= 30 + 30 + 2


def test_nothing_of_the_recorded_screen_but_the_scan_is_left(shared_clips: Path, tmp_path: Path):
    """The Lumify clip: its header, its ruler and its settings lie outside columns 545 to 735 and in rows 0 to 100."""
    recorded = open_clip(shared_clips / "tuke_lumify_l12.mp4")
    line = PleuralROI.single(4, [[570.0, 205.0], [640.0, 203.0], [705.0, 199.0]], "auto", 0.9)
    result = export(recorded, tmp_path / "out", prediction=_on(verdict(recorded), line))
    assert {file.kind for file in result.files} == set(ExportKind)
    assert searched(tmp_path / "out", ("tuke_lumify", *SECRETS)) == []
    header = recorded.frame(80)[:28, :225]
    looked_at = set()
    for name, picture in exported_pictures(tmp_path / "out"):
        file, _, number = name.partition(" frame ")
        looked_at.add(file.rsplit("-", 1)[-1].partition(" ")[0])
        if "deidentified" in name:
            assert not picture[:100].any(), name
            assert not picture[:, :545].any(), name
            assert not picture[:, 735:].any(), name
        elif not number or int(number) % 50 == 0:
            assert likeness(picture, header) < 0.6, name
    assert looked_at == {"deidentified.dcm", "picture.png", "capture.dcm", "movie.mp4", "report.pdf"}
    assert likeness(np.repeat(recorded.frame(80)[..., None], 3, axis=2), header) > 0.95


def _on(said: Prediction, roi: PleuralROI) -> Prediction:
    return replace(said, roi=roi)


def letters_in(picture: np.ndarray, advice_from: int | None = None) -> int:
    """Count the pixels of a picture, (height, width, 3), that are as grey and bright as burned-in letters.

    What the program writes itself is not grey, or stands on the panel below the picture (from row `advice_from` on).
    """
    picture = picture[:advice_from]
    panel = np.all(np.abs(picture.astype(int) - (31, 24, 20)) <= 6, axis=2) | np.all(
        np.abs(picture.astype(int) - (20, 24, 31)) <= 6, axis=2
    )
    rows = panel.mean(axis=1) > 0.5
    stop = int(rows.argmax()) if rows.any() else len(picture)
    shown = picture[:stop].astype(int)
    grey = shown.max(axis=2) - shown.min(axis=2) <= 3
    return int(np.count_nonzero(grey & (shown.min(axis=2) > LETTER)))


def likeness(picture: np.ndarray, part: np.ndarray) -> float:
    """Return how much anything in a picture looks like a part of the source, at the size that it would have there."""
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    best = 0.0
    for zoom in (0.5, 0.75, 1.0, 1.5, 2.0, 4.0):
        sample = cv2.resize(part, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_AREA)
        if sample.shape[0] < grey.shape[0] and sample.shape[1] < grey.shape[1]:
            found = cv2.matchTemplate(grey, sample, cv2.TM_CCOEFF_NORMED)
            best = max(best, float(found[np.isfinite(found)].max(initial=0.0)))
    return best


def exported_pictures(folder: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the pictures in every file of a folder, (height, width, 3) blue green red, with their names."""
    for path in sorted(folder.iterdir()):
        if path.suffix == ".png":
            yield path.name, cv2.imread(str(path))
        elif path.suffix == ".mp4":
            yield from _movie_frames(path)
        elif path.suffix == ".pdf":
            yield from _page_pictures(path)
        elif path.suffix == ".dcm":
            yield from _dicom_frames(path)


def _movie_frames(path: Path) -> Iterator[tuple[str, np.ndarray]]:
    film = cv2.VideoCapture(str(path))
    number = 0
    while (read := film.read())[0]:
        yield f"{path.name} frame {number}", read[1]
        number += 1
    film.release()


def _page_pictures(path: Path) -> Iterator[tuple[str, np.ndarray]]:
    from PIL import Image
    from pypdf import PdfReader

    for page in PdfReader(path).pages:
        for image in page.images:
            picture = np.asarray(Image.open(io.BytesIO(image.data)).convert("RGB"))
            yield f"{path.name} {image.name}", picture[..., ::-1]


def _dicom_frames(path: Path) -> Iterator[tuple[str, np.ndarray]]:
    from pydicom import dcmread
    from pydicom.pixels import iter_pixels

    if "PixelData" not in dcmread(path):
        return
    for number, frame in enumerate(iter_pixels(path)):
        colour = frame[..., ::-1] if frame.ndim == 3 else np.repeat(frame[..., None], 3, axis=2)
        yield f"{path.name} frame {number}", colour
