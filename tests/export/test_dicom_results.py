"""Structured report and Secondary Capture, read back by others."""

import shutil
import subprocess
import warnings
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from dicom_conformance import faults
from dicom_samples import header, save
from marked_dicom import DATE, PERSON, leaks, marked_frames, write_marked_dicom
from pydicom import config

from lsgui.annotation.content_hash import content_hash
from lsgui.core.clip import Clip
from lsgui.core.errors import LsguiError
from lsgui.core.interval import IntervalMark
from lsgui.core.label import RESEARCH_LINE, ReaderLabel, SlidingLabel
from lsgui.core.pleura import PleuralROI
from lsgui.core.prediction import ModelRef, Prediction, QualityFlag
from lsgui.core.reading import ReadingRecord, Tag
from lsgui.export.dicom_files import DicomExport
from lsgui.export.dicom_sr import Findings
from lsgui.export.mask import propose_mask
from lsgui.export.pseudonyms import Pseudonyms
from lsgui.export.stamp import Stamp
from lsgui.readers.base import open_clip
from lsgui.simulation.movie_writer import write_avi

KEY = Pseudonyms(b"a key of the project, 32 bytes !")
LINE = [[90.0, 100.0], [150.0, 104.0], [230.0, 101.5]]
MODEL = ModelRef("cmwru-strip", "8", "ab" * 32, "Residual network", "simulated and edited clips")


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_marked_dicom(tmp_path_factory.mktemp("marked") / "QQXMARK_Marquardt.dcm")


@pytest.fixture
def export(marked: Path) -> DicomExport:
    clip = open_clip(marked)
    return DicomExport(clip, content_hash(marked), KEY, propose_mask(clip))


def verdict(label: SlidingLabel = SlidingLabel.LS_A, roi: PleuralROI | None = None, **more: Any) -> Prediction:
    return Prediction(
        clip="clip.dcm",
        label=label,
        p_absent=more.get("p_absent", 0.93),
        p_absent_interval=more.get("interval", (0.88, 0.96)),
        threshold=0.5,
        threshold_source="model card",
        model=MODEL,
        motion_index=0.12,
        motion_interval=(0.1, 0.2),
        roi=PleuralROI.single(4, LINE, "auto", 0.9) if roi is None else roi,
        windows=(),
        segments=(),
        ribbon=None,
        quality=(QualityFlag.TOO_SHORT, QualityFlag.MODELS_DISAGREE),
        band_ratio=None,
        wall_correlation=None,
        device="cpu",
        hint="Lung point at the left edge.",
    )


def reading(label: ReaderLabel = ReaderLabel.LS_P, rater: str = PERSON, **more: Any) -> ReadingRecord:
    return ReadingRecord(
        content_hash="ab" * 32,
        file_name="clip.dcm",
        rater=rater,
        sitting=1,
        label=label,
        said_at=datetime(2026, 5, 4, 10, 11, 12, tzinfo=UTC),
        blind=True,
        intervals=(IntervalMark("a", 3, 9, ReaderLabel.LUNG_POINT),),
        tags=frozenset({Tag.A_LINES}),
        confidence=2,
        comment=f"looks like {PERSON}",
        **more,
    )


def report(export: DicomExport, out: Path, findings: Findings) -> Any:
    from highdicom.sr import Comprehensive3DSR

    export.write_report(findings, Stamp.now(export.content_hash, MODEL), out)
    return Comprehensive3DSR.from_dataset(pydicom.dcmread(out))


def test_the_verdict_and_the_label_are_measurement_groups_apart(export: DicomExport, tmp_path: Path):
    findings = Findings(verdict(), (reading(),))
    read = report(export, tmp_path / "sr.dcm", findings)
    on_line = read.content.get_planar_roi_measurement_groups()
    on_clip = read.content.get_image_measurement_groups()
    assert [group.finding_type.value for group in (*on_line, *on_clip)] == ["LS002", "LS003"]
    (said,) = on_line[0].get_qualitative_evaluations()
    assert (said.name.meaning, said.value.value) == ("Lung sliding", "272519000")
    (label,) = on_clip[0].get_qualitative_evaluations()
    assert (label.name.meaning, label.value.value) == ("Lung sliding", "52101004")
    values = {m.name.meaning: m.value for m in on_line[0].get_measurements()}
    assert values == {
        "Probability of absent lung sliding": 0.93,
        "Threshold of that probability": 0.5,
        "Motion index of lung against chest wall": 0.12,
    }
    spread = {item.name.value: item.value for item in on_line[0].get_measurements()[0][0].ContentSequence}
    assert spread == {"371886008": pytest.approx(0.03), "371885007": pytest.approx(0.05)}


def test_the_line_lies_on_the_frame_of_the_source_by_corners_of_pixels(export: DicomExport, tmp_path: Path):
    read = report(export, tmp_path / "sr.dcm", Findings(verdict()))
    region = read.content.get_planar_roi_measurement_groups()[0].roi
    assert region.GraphicType == "POLYLINE"
    assert np.allclose(region.value, np.array(LINE) + 0.5)
    image = region.ContentSequence[0].ReferencedSOPSequence[0]
    assert image.ReferencedFrameNumber == 5
    clip = tmp_path / "clip.dcm"
    export.write_clip(clip)
    written = pydicom.dcmread(clip, stop_before_pixels=True)
    assert image.ReferencedSOPInstanceUID == written.SOPInstanceUID
    assert image.ReferencedSOPClassUID == written.SOPClassUID
    for keyword in ("PatientID", "PatientName", "StudyInstanceUID"):
        assert read[keyword].value == written[keyword].value


def test_words_of_model_flags_use_and_origin_are_told(export: DicomExport, tmp_path: Path):
    out = tmp_path / "sr.dcm"
    report(export, out, Findings(verdict(), (reading(),)))
    told = _texts(pydicom.dcmread(out))
    assert told["Algorithm Name"] == ["cmwru-strip"]
    assert told["Algorithm Version"] == ["8"]
    assert f"weights sha256={'ab' * 32}" in told["Algorithm Parameters"]
    assert [text.split(":")[0] for text in told["Quality flag"]] == ["too_short", "models_disagree"]
    assert told["Statement of use"] == [RESEARCH_LINE] * 2
    assert told["SHA-256 of the clip"] == [export.content_hash]
    assert "Lung sliding absent" in told["Remark"]
    assert told["Marked interval of frames, from 1"] == ["4 to 9: Lung point"]
    assert told["Sign seen by the reader"] == ["A-lines"]
    assert "blind" in told["Circumstances of the reading"][0]
    assert "model cmwru-strip 8 (abababababab)" in told["Program, model, clip and time"][0]


@pytest.mark.parametrize(
    ("label", "code"),
    [(ReaderLabel.LS_A, "272519000"), (ReaderLabel.CANNOT_ASSESS, "373068000"), (ReaderLabel.LUNG_POINT, "LS004")],
)
def test_every_label_has_its_code(export: DicomExport, tmp_path: Path, label: ReaderLabel, code: str):
    read = report(export, tmp_path / "sr.dcm", Findings(None, (reading(label),)))
    (group,) = read.content.get_image_measurement_groups()
    assert group.get_qualitative_evaluations()[0].value.value == code
    assert faults(tmp_path / "sr.dcm") == []


def test_cannot_assess_without_a_line_says_what_to_do(export: DicomExport, tmp_path: Path):
    nothing = replace(verdict(SlidingLabel.CANNOT_ASSESS), roi=None, p_absent=None, p_absent_interval=None)
    read = report(export, tmp_path / "sr.dcm", Findings(nothing))
    (group,) = read.content.get_image_measurement_groups()
    assert group.get_qualitative_evaluations()[0].value.value == "373068000"
    assert any("ruled nothing out" in text for text in _texts(read)["Remark"])
    assert [m.name.value for m in group.get_measurements()] == ["LS012"]
    assert faults(tmp_path / "sr.dcm") == []


def test_two_readers_and_the_program_make_three_groups(export: DicomExport, tmp_path: Path):
    readings = (reading(rater="Anna"), reading(ReaderLabel.LS_A, rater="Boris", line=PleuralROI.single(2, LINE)))
    read = report(export, tmp_path / "sr.dcm", Findings(verdict(), readings))
    assert len(read.content.get_planar_roi_measurement_groups()) == 2
    assert len(read.content.get_image_measurement_groups()) == 1
    observers = [str(item.PersonName) for item in _items(read) if item.get("ValueType") == "PNAME"]
    anna, boris = (f"Reader {KEY.code('rater', name)}^" for name in ("Anna", "Boris"))
    assert observers == [anna, anna, boris]


def test_a_report_says_nothing_of_the_patient_unless_asked(export: DicomExport, tmp_path: Path):
    out = tmp_path / "sr.dcm"
    report(export, out, Findings(verdict(), (reading(),)))
    assert leaks(out) == []
    named = tmp_path / "named.dcm"
    known = DicomExport(export.clip, export.content_hash, KEY, export.mask, identified=True)
    report(known, named, Findings(verdict(), (reading(),)))
    data = pydicom.dcmread(named)
    assert PERSON in str(data.PatientName)
    assert data.StudyDate == DATE
    source = pydicom.dcmread(export.clip.info.path, stop_before_pixels=True)
    assert data.StudyInstanceUID == source.StudyInstanceUID
    assert f"looks like {PERSON}" in _texts(data)["Remark"]
    assert f"{PERSON}^" in [str(item.PersonName) for item in _items(data) if item.ValueType == "PNAME"]
    assert "PatientIdentityRemoved" not in data


def test_names_in_other_character_sets_arrive(tmp_path: Path):
    frames = marked_frames(2)
    plain = header(frames, "1.2.840.10008.1.2.1", SpecificCharacterSet=["", "ISO 2022 IR 87"], StudyInstanceUID="1.2.3")
    plain.SeriesInstanceUID = "1.2.3.4"
    plain.PatientName = "Yamada^Tarou=山田^太郎"
    source = save(tmp_path / "in.dcm", plain, frames.tobytes(), vr="OB")
    clip = open_clip(source)
    out = tmp_path / "sr.dcm"
    report(DicomExport(clip, "ab" * 32, KEY, identified=True), out, Findings(verdict()))
    assert str(pydicom.dcmread(out).PatientName) == "Yamada^Tarou=山田^太郎"
    assert faults(out) == []


def test_a_sloppy_header_makes_a_sound_report(tmp_path: Path):
    frames = marked_frames(2)
    with config.disable_value_validation():
        sloppy = header(frames, "1.2.840.10008.1.2.1", StudyInstanceUID="1.2.3", SeriesInstanceUID="1.2.4")
        sloppy.PatientBirthDate, sloppy.PatientSex, sloppy.StudyTime, sloppy.PatientAge = "unknown", "X", "noon", "old"
        sloppy.PatientID = "7" * 70
        source = save(tmp_path / "in.dcm", sloppy, frames.tobytes(), vr="OB")
    out = tmp_path / "sr.dcm"
    export = DicomExport(open_clip(source), "ab" * 32, KEY, identified=True)
    export.write_report(Findings(verdict()), Stamp.now("ab" * 32), out)
    with warnings.catch_warnings(action="ignore"):
        data = pydicom.dcmread(out)
        assert (data.PatientBirthDate, data.PatientSex, data.StudyTime) == ("", "", "")
        assert data.PatientID == "7" * 70


def test_results_of_a_clip_that_does_not_say_its_study_are_refused_by_name_and_written_under_pseudonyms(tmp_path: Path):
    frames = marked_frames(2)
    source = save(tmp_path / "in.dcm", header(frames, "1.2.840.10008.1.2.1"), frames.tobytes(), vr="OB")
    clip, out = open_clip(source), tmp_path / "sr.dcm"
    with pytest.raises(LsguiError, match="does not say which study"):
        report(DicomExport(clip, "ab" * 32, KEY, identified=True), out, Findings(verdict()))
    report(DicomExport(clip, "ab" * 32, KEY), out, Findings(verdict()))
    assert faults(out) == []


def test_reports_hold_what_their_kind_asks_for(export: DicomExport, tmp_path: Path):
    for name, findings in (("both", Findings(verdict(), (reading(),))), ("verdict", Findings(verdict()))):
        report(export, tmp_path / f"{name}.dcm", findings)
        assert faults(tmp_path / f"{name}.dcm") == []


def test_dcmtk_reads_the_report(export: DicomExport, tmp_path: Path):
    out = tmp_path / "sr.dcm"
    report(export, out, Findings(verdict(), (reading(),)))
    program = shutil.which("dsrdump")
    if program is None:  # the file is read back by highdicom above on every machine
        return
    said = subprocess.run([program, str(out)], capture_output=True, text=True, check=True)
    assert '"Lung sliding")=(272519000,SCT,"Absent")' in said.stdout
    assert '"Lung sliding")=(52101004,SCT,"Present")' in said.stdout
    assert "SCOORD" in said.stdout
    assert not [line for line in said.stderr.splitlines() if line.startswith("E:")]


def test_a_clip_that_is_no_dicom_file_gets_an_image_to_refer_to(tmp_path: Path):
    source = tmp_path / "QQXMARK_Marquardt.avi"
    write_avi(source, marked_frames(30), 20.0)
    clip = open_clip(source)
    out = tmp_path / "out" / "sr.dcm"
    export = DicomExport(clip, content_hash(source), KEY, propose_mask(clip))
    written = export.write_report(Findings(verdict()), Stamp.now(export.content_hash, MODEL), out)
    assert [path.name for path in written] == ["sr.dcm", "sr-clip.dcm"]
    said, image = (pydicom.dcmread(path) for path in written)
    reference = said.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence[0]
    assert reference.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == image.SOPInstanceUID
    assert reference.SeriesInstanceUID == image.SeriesInstanceUID
    assert said.StudyInstanceUID == image.StudyInstanceUID
    for path in written:
        assert faults(path) == []
        assert leaks(path, root=tmp_path / "out") == []


def test_no_pixel_leaves_without_an_approved_mask(export: DicomExport, tmp_path: Path):
    blind = DicomExport(export.clip, export.content_hash, KEY)
    stamp = Stamp.now(export.content_hash)
    for write in (
        lambda: blind.write_clip(tmp_path / "clip.dcm"),
        lambda: blind.write_capture([np.zeros((9, 9, 3), np.uint8)], stamp, tmp_path / "sc.dcm"),
    ):
        with pytest.raises(LsguiError, match="approve the mask"):
            write()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("identified", [False, True])
def test_a_captured_picture_is_the_picture(export: DicomExport, tmp_path: Path, identified: bool):
    picture = np.random.default_rng(4).integers(0, 255, (61, 83, 3), dtype=np.uint8)
    out = tmp_path / "sc.dcm"
    stamp = Stamp.now(export.content_hash, MODEL)
    DicomExport(export.clip, export.content_hash, KEY, export.mask, identified).write_capture([picture], stamp, out)
    data = pydicom.dcmread(out)
    assert (data.pixel_array == picture).all()
    assert data.SOPClassUID == "1.2.840.10008.5.1.4.1.1.7"
    assert data.ImageComments == stamp.line
    assert data.BurnedInAnnotation == ("YES" if identified else "NO")
    assert (leaks(out) == []) is not identified
    assert faults(out) == []


def test_captured_pictures_move_at_their_rate(export: DicomExport, tmp_path: Path):
    clip = _coloured(export.clip)
    out = tmp_path / "sc.dcm"
    export.write_capture(iter(clip), Stamp.now(export.content_hash), out, fps=12.5)
    data = pydicom.dcmread(out)
    assert data.SOPClassUID == "1.2.840.10008.5.1.4.1.1.7.4"
    assert (data.NumberOfFrames, data.FrameTime) == (4, 80)
    assert data.LossyImageCompression == "01"
    from pydicom.pixels import pixel_array

    shown = pixel_array(data, index=2)
    assert np.abs(shown.astype(int) - clip[2].astype(int)).mean() < 4
    source = pydicom.dcmread(export.clip.info.path, stop_before_pixels=True)
    assert data.SourceImageSequence[0].ReferencedSOPInstanceUID == KEY.uid(source.SOPInstanceUID)
    assert faults(out) == []
    assert leaks(out) == []


def test_dcmtk_shows_the_pictures(export: DicomExport, tmp_path: Path):
    """JPEG and JPEG-LS as another program decodes them, where it is installed."""
    clip, moving = tmp_path / "clip.dcm", tmp_path / "sc.dcm"
    export.write_clip(clip)
    export.write_capture(iter(_coloured(export.clip)), Stamp.now(export.content_hash), moving, fps=12.5)
    if (dcmdjpls := shutil.which("dcmdjpls")) and (dcmdjpeg := shutil.which("dcmdjpeg")):
        for program, path in ((dcmdjpls, clip), (dcmdjpeg, moving)):
            plain = tmp_path / f"plain-{path.name}"
            subprocess.run([program, str(path), str(plain)], capture_output=True, check=True)
            assert len(open_clip(plain)) == len(open_clip(path))
        shown, own = open_clip(tmp_path / "plain-clip.dcm"), open_clip(clip)
        assert all((shown.frame(k) == own.frame(k)).all() for k in range(len(own)))


def _coloured(clip: Clip) -> list[np.ndarray]:
    frames = [np.repeat(clip.frame(k)[..., None], 3, axis=2) for k in range(4)]
    for frame in frames:
        frame[80:100, 100:140] = (70, 184, 218)
    return frames


def _items(data: Any) -> list[Any]:
    found = []
    for item in data.get("ContentSequence", []):
        found += [item, *_items(item)]
    return found


def _texts(data: Any) -> dict[str, list[str]]:
    told: dict[str, list[str]] = {}
    for item in _items(data):
        if item.ValueType == "TEXT":
            told.setdefault(item.ConceptNameCodeSequence[0].CodeMeaning, []).append(item.TextValue)
    return told
