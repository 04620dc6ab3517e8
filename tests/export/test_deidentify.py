from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pydicom
import pytest
from dicom_conformance import faults
from dicom_samples import DICOM_SYNTAXES, header, save, tissue_region, write_dicom
from marked_dicom import UID_MARK, leaks, marked_frames, write_marked_dicom, written_text
from reader_samples import numbered_frames

from lsgui.core.errors import CancelledError, ClipReadError, LsguiError
from lsgui.export.deidentify import deidentified_name, deidentify_dicom, deidentify_movie
from lsgui.export.dicom_header import DeidentifyOptions
from lsgui.export.dicom_subject import subject_of
from lsgui.export.mask import PixelMask, propose_mask
from lsgui.export.pseudonyms import Pseudonyms
from lsgui.readers.base import open_clip

KEY = Pseudonyms(b"a key of the project, 32 bytes !")
_STORAGE = "1.2.840.10008.5.1.4.1.1."
NOTHING_BLANKED = PixelMask((), 320, 260)


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_marked_dicom(tmp_path_factory.mktemp("marked") / "marked.dcm")


@pytest.fixture(scope="module")
def cleaned(marked: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("cleaned") / f"{deidentified_name(marked, KEY)}.dcm"
    deidentify_dicom(marked, propose_mask(open_clip(marked)), out, KEY)
    return out


def test_no_mark_of_any_tag_is_left(marked: Path, cleaned: Path):
    assert len(leaks(marked)) >= 7, "the search must find them where they are"
    assert leaks(cleaned) == []


def test_what_is_burned_into_the_picture_is_black_and_the_scan_is_itself(marked: Path, cleaned: Path):
    before, after = open_clip(marked), open_clip(cleaned)
    text = written_text()
    blank = propose_mask(before).blanked()
    for index in (0, 7, 29):
        assert not after.frame(index)[text].any()
        assert (after.frame(index) == np.where(blank, 0, before.frame(index))).all()
    assert (~blank)[60:220, 80:240].mean() > 0.8


def test_the_clip_reads_as_before(marked: Path, cleaned: Path):
    before, after = open_clip(marked).info, open_clip(cleaned).info
    for name in ("frames", "width", "height", "fps", "fps_source", "spacing_mm", "region", "playback", "trim"):
        assert getattr(after, name) == getattr(before, name), name


def test_the_file_says_what_was_done(cleaned: Path):
    data = pydicom.dcmread(cleaned)
    assert data.PatientIdentityRemoved == "YES"
    assert data.BurnedInAnnotation == "NO"
    assert data.LongitudinalTemporalInformationModified == "REMOVED"
    assert [item.CodeValue for item in data.DeidentificationMethodCodeSequence] == ["113100", "113101"]
    assert "basic profile" in data.DeidentificationMethod[0]
    assert data.ImageType[0] == "DERIVED"
    assert data.LossyImageCompression == "00"
    assert len(data.PatientID) == 12
    assert data.Manufacturer == "Philips"
    assert "PatientAge" not in data
    assert data.preamble == b"\0" * 128
    assert set(data.file_meta.keys()) == {
        0x00020000,
        0x00020001,
        0x00020002,
        0x00020003,
        0x00020010,
        0x00020012,
        0x00020013,
    }


def test_nothing_that_the_profile_names_is_left_as_it_was(marked: Path, cleaned: Path):
    """PS3.15 Table E.1-1 of edition 2026c, as dicom-anonymizer carries it."""
    from dicomanonymizer.dicom_anonymization_databases import dicomfields_2026c as table

    made_here = {
        "ContentSequence",
        "DeidentificationMethod",
        "DeidentificationMethodCodeSequence",
        "DerivationDescription",
    }
    before, after = pydicom.dcmread(marked), pydicom.dcmread(cleaned)
    removed = {tuple(tag) for tag in table.X_TAGS if len(tag) == 2}
    listed = {tuple(tag) for tag in table.ALL_TAGS if len(tag) == 2}
    assert len(listed) > 400
    for element in after:
        tag = (element.tag.group, element.tag.element)
        if element.keyword in made_here:
            continue
        assert tag not in removed, f"{element.keyword} is to be removed"
        if tag in listed and element.value:
            assert element.value != before[element.tag].value, element.keyword
    assert not [element for element in after.iterall() if element.tag.is_private]
    assert not [element for element in after if 0x5000 <= element.tag.group <= 0x60FF]


def test_the_file_holds_what_its_kind_of_object_asks_for(cleaned: Path):
    assert faults(cleaned) == []


@pytest.mark.parametrize("name", sorted(DICOM_SYNTAXES))
def test_every_syntax_that_can_be_read_can_leave(name: str, tmp_path: Path):
    made = DICOM_SYNTAXES[name]
    source = write_dicom(
        tmp_path / "in.dcm", numbered_frames(made.frames), name, SequenceOfUltrasoundRegions=tissue_region()
    )
    before = open_clip(source)
    mask = PixelMask(((0, 0, before.info.width, 20),), before.info.width, before.info.height)
    out = tmp_path / "out.dcm"
    deidentify_dicom(source, mask, out, KEY)
    after = open_clip(out)
    assert len(after) == len(before)
    assert after.info.fps == pytest.approx(before.info.fps)
    assert after.info.spacing_mm == before.info.spacing_mm
    for index in (0, len(before) - 1):
        assert (after.frame(index) == mask.apply(before.frame(index))).all()
    lost = made.tolerance > 1 or name in ("JPEG extended 12-bit", "JPEG-LS near-lossless")
    assert pydicom.dcmread(out).LossyImageCompression == ("01" if lost else "00")
    assert faults(out) == []


def test_jpeg_is_smaller_and_says_what_it_lost(marked: Path, tmp_path: Path):
    out = tmp_path / "out.dcm"
    mask = propose_mask(open_clip(marked))
    deidentify_dicom(marked, mask, out, KEY, DeidentifyOptions(compression="jpeg", quality=90))
    data = pydicom.dcmread(out)
    assert data.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.4.50"
    assert data.LossyImageCompression == "01"
    assert float(data.LossyImageCompressionRatio) > 2
    shown = ~mask.blanked()
    error = np.abs(open_clip(out).frame(5).astype(int) - mask.apply(open_clip(marked).frame(5)).astype(int))
    assert error[shown].mean() < 6
    assert faults(out) == []
    assert leaks(out) == []


def test_studies_and_patients_stay_together_under_one_key_and_come_apart_under_another(tmp_path: Path):
    frames = marked_frames(2)
    for instance in (1, 2):
        source = write_marked_dicom(tmp_path / f"{instance}.dcm", frames, instance=instance)
        deidentify_dicom(source, NOTHING_BLANKED, tmp_path / f"out{instance}.dcm", KEY)
    deidentify_dicom(tmp_path / "1.dcm", NOTHING_BLANKED, tmp_path / "again.dcm", KEY)
    deidentify_dicom(
        tmp_path / "1.dcm", NOTHING_BLANKED, tmp_path / "other.dcm", Pseudonyms(b"another key of a project")
    )
    one, two, again, other = (
        pydicom.dcmread(tmp_path / f"{name}.dcm", stop_before_pixels=True)
        for name in ("out1", "out2", "again", "other")
    )
    for keyword in ("PatientID", "PatientName", "StudyInstanceUID", "SeriesInstanceUID"):
        assert one[keyword].value == two[keyword].value
        assert one[keyword].value != other[keyword].value
    assert one.SOPInstanceUID != two.SOPInstanceUID
    assert one.SOPInstanceUID == again.SOPInstanceUID
    assert one.StudyInstanceUID.startswith("2.25.")
    assert one.StudyInstanceUID.is_valid


def test_dates_are_moved_together_and_times_are_not_told(tmp_path: Path):
    source = _plain(tmp_path, StudyDate="20240229", SeriesDate="20240301", StudyTime="101112", PatientID="7")
    deidentify_dicom(source, PixelMask((), 96, 64), tmp_path / "out.dcm", KEY, DeidentifyOptions(dates="shift"))
    data = pydicom.dcmread(tmp_path / "out.dcm")
    assert data.LongitudinalTemporalInformationModified == "MODIFIED"
    assert data.StudyDate < "20240229"
    assert int(data.SeriesDate) - int(data.StudyDate) in (1, 70, 71, 72, 73, 8870, 8871, 8872)
    assert data.StudyTime == ""
    assert "113107" in [item.CodeValue for item in data.DeidentificationMethodCodeSequence]
    assert faults(tmp_path / "out.dcm") == []


def test_sex_and_age_are_kept_when_asked_and_the_very_old_are_not_told_apart(tmp_path: Path):
    options = DeidentifyOptions(keep_characteristics=True)
    for age, told in (("061Y", "061Y"), ("097Y", "090Y"), ("", None)):
        source = _plain(tmp_path, PatientSex="F", PatientAge=age)
        deidentify_dicom(source, PixelMask((), 96, 64), tmp_path / "out.dcm", KEY, options)
        data = pydicom.dcmread(tmp_path / "out.dcm")
        assert data.PatientSex == "F"
        assert data.get("PatientAge") == told


def test_uneven_frame_times_and_a_rate_that_nobody_said(tmp_path: Path):
    steps = [0.0, 40.0, 80.0, 40.0]
    source = _plain(tmp_path, FrameTime=None, FrameTimeVector=steps, FrameIncrementPointer=0x00181065)
    deidentify_dicom(source, PixelMask((), 96, 64), tmp_path / "vector.dcm", KEY)
    assert open_clip(tmp_path / "vector.dcm").info.frame_times_s == pytest.approx((0.0, 0.04, 0.12, 0.16))
    source = _plain(tmp_path, FrameTime=None, FrameIncrementPointer=None)
    deidentify_dicom(source, PixelMask((), 96, 64), tmp_path / "assumed.dcm", KEY)
    assert open_clip(tmp_path / "assumed.dcm").info.fps_source == "assumed"


def test_a_single_frame_stays_an_ultrasound_image(tmp_path: Path):
    source = _plain(
        tmp_path, frames=1, SOPClassUID="1.2.840.10008.5.1.4.1.1.6.1", FrameTime=None, FrameIncrementPointer=None
    )
    deidentify_dicom(source, PixelMask((), 96, 64), tmp_path / "out.dcm", KEY)
    data = pydicom.dcmread(tmp_path / "out.dcm")
    assert data.SOPClassUID == "1.2.840.10008.5.1.4.1.1.6.1"
    assert "NumberOfFrames" not in data
    assert faults(tmp_path / "out.dcm") == []


def test_a_mask_of_another_picture_is_refused_and_nothing_is_written(marked: Path, tmp_path: Path):
    with pytest.raises(LsguiError, match="of its own"):
        deidentify_dicom(marked, PixelMask((), 100, 100), tmp_path / "out.dcm", KEY)
    assert list(tmp_path.iterdir()) == []


def test_it_tells_how_far_it_is_and_stops_when_told(marked: Path, tmp_path: Path):
    clip, mask, told = open_clip(marked), PixelMask((), 320, 260), []
    deidentify_dicom(marked, mask, tmp_path / "whole.dcm", KEY, clip=clip, on_frame=lambda *at: told.append(at))
    assert told == [(k, 30) for k in range(30)]

    def stop(done: int, of: int) -> None:
        if done == 10:
            raise CancelledError

    with pytest.raises(CancelledError):
        deidentify_dicom(marked, mask, tmp_path / "part.dcm", KEY, clip=clip, on_frame=stop)
    assert [path.name for path in tmp_path.iterdir()] == ["whole.dcm"]


@pytest.mark.parametrize("sop_class", [_STORAGE + "7.4", _STORAGE + "3", _STORAGE + "77.1.1.1"])
def test_captures_retired_classes_and_videos_become_classes_of_today(tmp_path: Path, sop_class: str):
    source = _plain(tmp_path, SOPClassUID=sop_class)
    deidentify_dicom(source, PixelMask((), 96, 64), tmp_path / "out.dcm", KEY)
    written = pydicom.dcmread(tmp_path / "out.dcm").SOPClassUID
    ultrasound = sop_class.endswith(".3")
    assert written == ("1.2.840.10008.5.1.4.1.1.3.1" if ultrasound else "1.2.840.10008.5.1.4.1.1.7.2")
    assert open_clip(tmp_path / "out.dcm").info.fps == pytest.approx(25.0)
    assert faults(tmp_path / "out.dcm") == []


def test_a_movie_becomes_a_dicom_clip_without_its_name(tmp_path: Path):
    from lsgui.simulation.movie_writer import write_avi

    source = tmp_path / "Marquardt_QQXMARK.avi"
    frames = marked_frames(6)
    write_avi(source, frames, 20.0, comment="QQXMARK Marquardt 19110213")
    clip = open_clip(source)
    mask = propose_mask(open_clip(_long(tmp_path)))
    out = tmp_path / "out.dcm"
    deidentify_movie(clip, "ab" * 32, mask, out, KEY)
    assert leaks(out) == []
    after = open_clip(out)
    assert after.info.fps == pytest.approx(20.0)
    assert not after.frame(3)[written_text()].any()
    assert (after.frame(3) == mask.apply(clip.frame(3))).all()
    data = pydicom.dcmread(out)
    assert data.LossyImageCompression == "01"
    assert data.BurnedInAnnotation == "NO"
    assert faults(out) == []


def test_a_full_disk_is_a_sentence(marked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pydicom.dataset.Dataset.save_as", full)
    with pytest.raises(LsguiError, match=r"out\.dcm cannot be written \(No space left"):
        deidentify_dicom(marked, NOTHING_BLANKED, tmp_path / "out.dcm", KEY)
    assert list(tmp_path.iterdir()) == []


def test_a_clip_that_is_gone_is_a_sentence(tmp_path: Path):
    source = _plain(tmp_path)
    clip = open_clip(source)
    source.unlink()
    with pytest.raises(ClipReadError, match=r"plain\.dcm"):
        deidentify_dicom(source, PixelMask((), 96, 64), tmp_path / "out.dcm", KEY, clip=clip)
    with pytest.raises(ClipReadError, match=r"plain\.dcm"):
        subject_of(source, "ab" * 32, KEY, identified=False)


def test_a_short_key_is_refused():
    with pytest.raises(ValueError, match="guessed"):
        Pseudonyms(b"short")
    assert "key" not in repr(KEY)


def test_uids_of_the_source_are_nowhere(cleaned: Path):
    for element in pydicom.dcmread(cleaned).iterall():
        if element.VR == "UI":
            assert UID_MARK not in str(element.value)


def test_the_recorded_screen_leaves_without_its_header(shared_clips: Path, tmp_path: Path):
    clip = open_clip(shared_clips / "tuke_lumify_l12.mp4")
    deidentify_movie(clip, "cd" * 32, propose_mask(clip), tmp_path / "out.dcm", KEY)
    after = open_clip(tmp_path / "out.dcm")
    for index in (0, 2, 80, 163):
        frame = after.frame(index)
        assert not frame[:60].any()
        assert not frame[:, :545].any()
        assert not frame[:, 735:].any()
    assert after.frame(80).max() > 200
    assert faults(tmp_path / "out.dcm") == []


def _plain(folder: Path, frames: int = 4, **tags: Any) -> Path:
    pictures = np.random.default_rng(1).integers(0, 255, (frames, 64, 96), dtype=np.uint8)
    pictures = np.stack([cv2.GaussianBlur(p, (0, 0), 2) for p in pictures])
    return save(folder / "plain.dcm", header(pictures, "1.2.840.10008.1.2.1", **tags), pictures.tobytes(), vr="OB")


def _long(folder: Path) -> Path:
    from lsgui.simulation.movie_writer import write_avi

    write_avi(folder / "long.avi", marked_frames(30), 20.0)
    return folder / "long.avi"
