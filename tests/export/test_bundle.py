"""An export as a whole: every file opens elsewhere and carries its stamp; all of them appear, or none."""

import csv
import io
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pydicom
import pypdf
import pytest
from export_samples import FRAMES, HASH, named_clip, request_for, rows_like_text, verdict_of
from PIL import Image

from lsgui.core.errors import CancelledError, LsguiError
from lsgui.core.label import RESEARCH_LINE, SlidingLabel
from lsgui.export.bundle import run_export
from lsgui.export.request import ExportKind
from lsgui.export.stamp import Stamp

MADE = datetime(2026, 11, 23, 17, 20, 11, tzinfo=UTC)
SHORT = HASH[:8]


def stamp_of(request) -> Stamp:
    return Stamp(HASH, MADE, None if request.shown_prediction is None else request.shown_prediction.model)


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("everything")
    source = tmp_path_factory.mktemp("source") / "NOVAK_JAN.mp4"
    source.write_bytes(b"a movie")
    request = request_for(folder, clip=named_clip(path=source))
    told: list[tuple[str, float]] = []
    result = run_export(request, lambda stage, part: told.append((stage, part)), stamp=stamp_of(request))
    assert [file.kind for file in result.files] == list(ExportKind)
    assert result.left_out == ()
    parts = [part for _, part in told]
    assert parts == sorted(parts)
    assert parts[-1] == 1.0
    assert {stage for stage, _ in told} >= {kind.wording for kind in ExportKind}
    yield folder
    shutil.rmtree(folder)


def test_files_are_named_by_the_clips_hash_and_nothing_else_is_left(everything: Path) -> None:
    assert sorted(path.name for path in everything.iterdir()) == sorted(
        f"lsgui-{SHORT}-{kind.value}{kind.suffix}" for kind in ExportKind
    )


def test_no_file_says_the_name(everything: Path) -> None:
    for path in everything.iterdir():
        content = path.read_bytes().lower()
        for word in (b"novak", "novak".encode("utf-16-le"), b"jan.mp4", str(everything).encode()):
            assert word not in content, path.name
    report = pypdf.PdfReader(everything / f"lsgui-{SHORT}-report.pdf")
    assert "NOVAK" not in report.pages[0].extract_text() + str(report.metadata)


def test_every_file_carries_version_model_hash_time_and_research_line(everything: Path) -> None:
    for part in ("lsgui 0.1.0", "cmwru-strip 1.2", "abababababab", SHORT, "2026-11-23T17:20:11Z", RESEARCH_LINE):
        text = pypdf.PdfReader(everything / f"lsgui-{SHORT}-report.pdf").pages[0].extract_text()
        assert part in " ".join(text.split()), part
    row = rows_of(everything / f"lsgui-{SHORT}-windows.csv")[0]
    assert (row["model"], row["model_version"]) == ("cmwru-strip", "1.2")
    assert row["model_sha256"] == "ab" * 32
    assert (row["clip_sha256"], row["program"], row["exported_utc"]) == (HASH, "lsgui 0.1.0", "2026-11-23T17:20:11Z")
    assert row["note"] == RESEARCH_LINE
    for kind in (ExportKind.SR, ExportKind.CAPTURE):
        said = (everything / f"lsgui-{SHORT}-{kind.value}.dcm").read_bytes()
        assert b"lsgui 0.1.0 \xc2\xb7 model cmwru-strip 1.2 (abababababab)" in said
        assert b"2026-11-23T17:20:11Z" in said
    movie = (everything / f"lsgui-{SHORT}-movie.mp4").read_bytes()
    assert b"model cmwru-strip 1.2 (abababababab)" in movie


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"))))


def test_the_table_has_a_row_for_every_window(everything: Path) -> None:
    first, second = rows_of(everything / f"lsgui-{SHORT}-windows.csv")
    assert (first["window"], first["first_frame"], first["last_frame"]) == ("1", "1", str(FRAMES // 2))
    assert (float(first["from_s"]), float(first["to_s"])) == (0.0, 1.0)
    assert (float(second["from_s"]), float(second["to_s"])) == (1.0, 2.0)
    assert float(first["p_absent"]) == pytest.approx(0.9)
    assert (first["stretch_1"], first["stretch_2"]) == ("0.9000", "0.8800")
    assert (second["stretch_1"], second["stretch_2"]) == ("", "0.8500")
    assert (first["clip_verdict"], first["clip_motion_index"]) == ("ls_a", "0.2100")
    assert first["clip"] == f"Clip {SHORT}"


def test_the_picture_shows_masked_pixels_only(everything: Path, tmp_path: Path) -> None:
    picture = np.asarray(Image.open(everything / f"lsgui-{SHORT}-picture.png").convert("RGB"))
    assert picture.shape[1] >= 960
    top = picture[:40]
    assert top.max() == 0, "the burned-in name lies under the mask"
    request = request_for(tmp_path, ExportKind.PICTURE)
    bare = replace(request, mask=replace(request.mask, rectangles=()), overwrite=True)
    run_export(bare)
    shown = cv2.imread(str(tmp_path / f"lsgui-{SHORT}-picture.png"))
    assert rows_like_text(shown[:60]) > 200


def test_dicom_files_are_masked_too(everything: Path) -> None:
    for kind in (ExportKind.CAPTURE, ExportKind.DEIDENTIFIED):
        data = pydicom.dcmread(everything / f"lsgui-{SHORT}-{kind.value}.dcm")
        pixels = data.pixel_array
        assert rows_like_text(pixels[..., :30, :, :] if kind is ExportKind.CAPTURE else pixels[:, :24]) == 0
    clip = pydicom.dcmread(everything / f"lsgui-{SHORT}-deidentified.dcm")
    report = pydicom.dcmread(everything / f"lsgui-{SHORT}-sr.dcm")
    assert str(clip.SOPInstanceUID) in str(report), "the report refers to the clip beside it"


def test_without_an_approved_mask_no_pixel_leaves(tmp_path: Path) -> None:
    for kind in set(ExportKind) - {ExportKind.WINDOWS}:
        with pytest.raises(LsguiError, match="nobody has looked yet"):
            run_export(request_for(tmp_path, kind, mask=None))
    assert list(tmp_path.iterdir()) == []
    assert len(run_export(request_for(tmp_path, ExportKind.WINDOWS, mask=None)).files) == 1


def test_a_blind_readers_export_leaves_the_ai_out(tmp_path: Path) -> None:
    kinds = (ExportKind.PICTURE, ExportKind.WINDOWS, ExportKind.SR)
    result = run_export(request_for(tmp_path, *kinds, hidden=True, record=None))
    assert [file.kind for file in result.files] == [ExportKind.PICTURE]
    assert len(result.left_out) == 2
    assert "no reading is saved yet" in result.left_out[0]
    picture = np.asarray(Image.open(result.files[0].path).convert("RGB")).astype(int)
    assert not (np.abs(picture - np.array([240, 146, 60])).max(axis=2) < 25).any(), "no colour of absent"
    assert not ((picture[..., 0] - picture[..., 2]) > 40).any(), "no heat map"


def test_what_cannot_be_made_says_so(tmp_path: Path) -> None:
    clip = named_clip()
    silent = request_for(tmp_path, ExportKind.WINDOWS, ExportKind.SR, clip=clip, prediction=None, record=None)
    result = run_export(silent)
    assert result.files == ()
    assert result.sentence.startswith("Nothing was saved.")
    assert "no verdict on this clip" in result.sentence
    assert "neither a verdict nor a reading" in result.sentence
    unscored = verdict_of(clip, SlidingLabel.CANNOT_ASSESS, windows=())
    assert "no window could be scored" in run_export(replace(silent, prediction=unscored)).sentence


@pytest.mark.parametrize("after", [0, 1, 6, 20])
def test_cancelled_at_any_moment_it_leaves_nothing(tmp_path: Path, after: int) -> None:
    kept = tmp_path / f"lsgui-{SHORT}-picture.png"
    kept.write_bytes(b"an earlier one")
    asked: list[int] = []

    def cancelled() -> bool:
        asked.append(1)
        return len(asked) > after

    kinds = (ExportKind.WINDOWS, ExportKind.PICTURE, ExportKind.MOVIE)
    with pytest.raises(CancelledError):
        run_export(request_for(tmp_path, *kinds, overwrite=True), cancelled=cancelled)
    assert list(tmp_path.iterdir()) == [kept]
    assert kept.read_bytes() == b"an earlier one"


def test_a_disk_that_refuses_is_one_sentence_and_leaves_nothing(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_bytes(b"")
    with pytest.raises(LsguiError, match=r"^Nothing was exported to out \(.*\): choose another folder\.$"):
        run_export(request_for(blocked / "out", ExportKind.WINDOWS))
    assert blocked.read_bytes() == b""
    gone = named_clip(path=tmp_path / "gone.mp4")
    with pytest.raises(LsguiError, match=r"^gone\.mp4 cannot be read: it is not there; "):
        run_export(request_for(tmp_path, ExportKind.CAPTURE, clip=gone))
    assert list(tmp_path.iterdir()) == [blocked]


def test_a_full_disk_takes_back_what_was_put(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = Path.replace

    def full(self: Path, target: Path) -> Path:
        if str(target).endswith("picture.png"):
            raise OSError(28, "No space left on device")
        return plain(self, target)

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(LsguiError, match="No space left on device"):
        run_export(request_for(tmp_path, ExportKind.WINDOWS, ExportKind.PICTURE))
    assert list(tmp_path.iterdir()) == []


def test_names_are_kept_and_files_replaced_only_when_asked(tmp_path: Path) -> None:
    first = run_export(request_for(tmp_path, ExportKind.WINDOWS)).files[0].path
    second = run_export(request_for(tmp_path, ExportKind.WINDOWS)).files[0].path
    assert (first.name, second.name) == (f"lsgui-{SHORT}-windows.csv", f"lsgui-{SHORT}-windows-2.csv")
    again = run_export(request_for(tmp_path, ExportKind.WINDOWS, overwrite=True)).files[0].path
    assert again == first
    named = run_export(request_for(tmp_path, ExportKind.WINDOWS, keep_names=True)).files[0].path
    assert named.name == "NOVAK_JAN-windows.csv"
    assert rows_of(named)[0]["clip"] == "NOVAK_JAN.mp4"


def test_the_stamp_says_the_moment_in_both_clocks() -> None:
    stamp = Stamp(HASH, MADE)
    assert stamp.utc == "2026-11-23T17:20:11Z"
    assert re.fullmatch(r"2026-11-2[34] \d\d:\d\d:11 UTC[+-]\d\d:\d\d", stamp.local)
    assert stamp.line == f"lsgui 0.1.0 · no model · clip {SHORT} · 2026-11-23T17:20:11Z"
