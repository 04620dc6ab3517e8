"""What a DICOM clip says of time, scale and playing; and what happens where its tags are wrong."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dicom_samples import SC_MULTIFRAME, US_IMAGE, header, pillow_jpeg, save, tissue_region, write_dicom
from pydicom import Dataset, Sequence, dcmread
from pydicom.encaps import encapsulate
from reader_samples import number_in, numbered_frames

from lsgui.core.clip import ClipInfo
from lsgui.readers.base import open_clip, open_source

PLAIN = "explicit little endian"
COUNT = 10


def info_with(tmp_path: Path, **tags: Any) -> ClipInfo:
    """Return what is read from a clip with these tags; None takes a tag away."""
    path = write_dicom(tmp_path / "clip.dcm", numbered_frames(COUNT), PLAIN, **tags)
    return open_clip(path).info


def write_raw_tag(path: Path, keyword: str, text: str) -> None:
    """Replace a tag's value by a string as broken scanners write it, past pydicom's own checks."""
    raw = path.read_bytes()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        element = dcmread(path)[keyword]
    old = str(element.value).encode()
    old += b" " * (len(old) % 2)
    assert len(text) == len(old)
    assert raw.count(old) == 1
    path.write_bytes(raw.replace(old, text.encode()))


@pytest.mark.parametrize(
    ("tags", "fps", "source"),
    [
        ({}, 25.0, "FrameTime"),
        ({"FrameTime": "33.333"}, 30.0, "FrameTime"),
        ({"FrameIncrementPointer": None}, 25.0, "FrameTime"),
        ({"FrameTime": "40", "RecommendedDisplayFrameRate": 60, "CineRate": 50}, 25.0, "FrameTime"),
        ({"FrameTime": None, "RecommendedDisplayFrameRate": 60, "CineRate": 50}, 60.0, "RecommendedDisplayFrameRate"),
        ({"FrameTime": None, "CineRate": 50, "EffectiveDuration": 2.0}, 50.0, "CineRate"),
        ({"FrameTime": None, "EffectiveDuration": 2.0}, 5.0, "EffectiveDuration"),
        ({"FrameTime": None}, 25.0, "assumed"),
        ({"FrameTime": "0"}, 25.0, "assumed"),
        ({"FrameTime": "0", "CineRate": 31}, 31.0, "CineRate"),
        ({"FrameTime": "-40", "CineRate": 31}, 31.0, "CineRate"),
        ({"FrameTime": "0.04", "CineRate": 31}, 31.0, "CineRate"),
        ({"FrameTime": "", "CineRate": 31}, 31.0, "CineRate"),
        ({"FrameTime": None, "CineRate": 0, "EffectiveDuration": 0.0}, 25.0, "assumed"),
        ({"FrameTime": None, "FrameTimeVector": [0] + [50] * (COUNT - 1)}, 20.0, "FrameTimeVector"),
        ({"FrameTime": None, "FrameTimeVector": [0] + [50] * (COUNT - 3)}, 20.0, "FrameTimeVector"),
        ({"FrameTime": None, "FrameTimeVector": [0] * COUNT}, 25.0, "assumed"),
        ({"FrameTimeVector": [0] + [50] * (COUNT - 1), "FrameIncrementPointer": 0x00181065}, 20.0, "FrameTimeVector"),
        ({"FrameIncrementPointer": 0x00181065}, 25.0, "FrameTime"),
    ],
)
def test_frame_rate_by_the_first_tag_that_can_be_true(tags, fps, source, tmp_path):
    info = info_with(tmp_path, **tags)
    assert info.fps == pytest.approx(fps, rel=1e-3)
    assert info.fps_source == source
    assert info.frame_times_s is None


def test_a_missing_frame_time_is_never_one_frame_a_second(tmp_path):
    for tags in ({"FrameTime": None}, {"FrameTime": "0"}, {"FrameTime": None, "FrameIncrementPointer": None}):
        info = info_with(tmp_path, **tags)
        assert info.fps != 1.0
        assert info.fps_source == "assumed"


def test_unevenly_spaced_frames_keep_their_moments(tmp_path):
    steps = [0, 40, 40, 80, 40, 40, 120, 40, 40, 40]
    info = info_with(tmp_path, FrameTime=None, FrameTimeVector=steps, FrameIncrementPointer=0x00181065)
    assert info.fps_source == "FrameTimeVector"
    assert info.times_s == pytest.approx(np.cumsum(steps) / 1000.0)
    assert info.fps == pytest.approx(9 / 0.48)
    assert info.duration_s == pytest.approx(0.48 + 0.48 / 9)


@pytest.mark.parametrize("text", ["abcd", "1\\2a", "1e99", "nan ", "    "])
def test_rates_that_are_no_numbers_are_passed_over(text, tmp_path):
    path = write_dicom(tmp_path / "clip.dcm", numbered_frames(COUNT), PLAIN, FrameTime="47.1", CineRate=31)
    write_raw_tag(path, "FrameTime", text)
    info = open_clip(path).info
    assert (info.fps, info.fps_source) == (31.0, "CineRate")


def test_the_tissue_region_gives_scale_and_box(tmp_path):
    info = info_with(tmp_path, SequenceOfUltrasoundRegions=tissue_region())
    assert info.spacing_mm == pytest.approx((0.1, 0.05))
    assert info.region == (8, 16, 112, 80)


def test_a_negative_step_is_a_length_and_a_region_is_clamped_to_the_picture(tmp_path):
    region = tissue_region(PhysicalDeltaY=-0.01, RegionLocationMaxX1=5000, RegionLocationMaxY1=5000)
    info = info_with(tmp_path, SequenceOfUltrasoundRegions=region)
    assert info.spacing_mm == pytest.approx((0.1, 0.05))
    assert info.region == (8, 16, 120, 80)


def test_only_tissue_in_centimetres_calibrates(tmp_path):
    for wrong in ({"PhysicalUnitsXDirection": 4}, {"PhysicalUnitsYDirection": 0}, {"PhysicalDeltaX": 0.0}):
        info = info_with(tmp_path, SequenceOfUltrasoundRegions=tissue_region(**wrong))
        assert info.spacing_mm is None
        assert info.region == (8, 16, 112, 80)
    for other in ({"RegionDataType": 2}, {"RegionSpatialFormat": 2}):
        info = info_with(tmp_path, SequenceOfUltrasoundRegions=tissue_region(**other))
        assert (info.spacing_mm, info.region) == (None, None)


def test_the_largest_of_several_tissue_regions_counts(tmp_path):
    small = tissue_region(RegionLocationMaxX1=20, RegionLocationMaxY1=30, PhysicalDeltaX=0.02, PhysicalDeltaY=0.02)
    mmode = tissue_region(RegionSpatialFormat=2, RegionLocationMinX0=0, RegionLocationMinY0=0)
    regions = Sequence([*small, *mmode, *tissue_region()])
    assert info_with(tmp_path, SequenceOfUltrasoundRegions=regions).region == (8, 16, 112, 80)


@pytest.mark.parametrize("broken", [{"RegionLocationMinX0": 500}, {"RegionLocationMaxY1": 2}])
def test_a_region_outside_the_picture_is_none_but_still_calibrates(broken, tmp_path):
    info = info_with(tmp_path, SequenceOfUltrasoundRegions=tissue_region(**broken))
    assert info.region is None
    assert info.spacing_mm == pytest.approx((0.1, 0.05))


def test_pixel_spacing_stands_in_for_missing_regions(tmp_path):
    assert info_with(tmp_path, PixelSpacing=["0.2", "0.3"]).spacing_mm == pytest.approx((0.2, 0.3))
    assert info_with(tmp_path, PixelSpacing=["0", "0"]).spacing_mm is None
    assert info_with(tmp_path, SequenceOfUltrasoundRegions=Sequence([Dataset()])).spacing_mm is None


def test_sweep_and_trim(tmp_path):
    assert info_with(tmp_path).playback == "loop"
    assert info_with(tmp_path, PreferredPlaybackSequencing=1).playback == "sweep"
    assert info_with(tmp_path, StartTrim=3, StopTrim=8).trim == (2, 7)
    assert info_with(tmp_path, StartTrim=3).trim == (2, 9)
    for whole_or_wrong in ((1, COUNT), (0, 4), (8, 3), (3, COUNT + 1)):
        assert info_with(tmp_path, StartTrim=whole_or_wrong[0], StopTrim=whole_or_wrong[1]).trim is None


@pytest.mark.parametrize("kind", [US_IMAGE, SC_MULTIFRAME])
def test_other_kinds_of_ultrasound_objects(kind, tmp_path):
    count = 1 if kind == US_IMAGE else COUNT
    tags = {"SOPClassUID": kind, "NumberOfFrames": None if kind == US_IMAGE else COUNT}
    clip = open_clip(write_dicom(tmp_path / "clip.dcm", numbered_frames(count), PLAIN, **tags))
    assert len(clip) == count


@pytest.mark.parametrize("name", ["JPEG baseline", "JPEG baseline without offset table", "RLE", PLAIN])
def test_the_pixel_data_knows_its_frames_better_than_the_tag(name, tmp_path):
    more = write_dicom(tmp_path / "more.dcm", numbered_frames(COUNT), name, NumberOfFrames=3)
    assert [number_in(open_clip(more).frame(k)) for k in range(COUNT)] == list(range(COUNT))
    missing = write_dicom(tmp_path / "missing.dcm", numbered_frames(COUNT), name, NumberOfFrames=None)
    assert len(open_clip(missing)) == COUNT
    fewer = write_dicom(tmp_path / "fewer.dcm", numbered_frames(COUNT), name, NumberOfFrames=50)
    with open_source(fewer) as source:
        assert source.info.frames == 50
        assert sum(1 for _ in source) == COUNT
        info = source.final_info()
    assert info.frames == COUNT
    assert info.note == "The file promises 50 frames and holds 10: export it again."


@pytest.mark.parametrize("text", ["9x", "-1", "0 "])
def test_a_frame_count_that_is_no_number(text, tmp_path):
    path = write_dicom(tmp_path / "clip.dcm", numbered_frames(23), "JPEG baseline", FrameTime="40.0")
    raw = path.read_bytes()
    tag = b"\x28\x00\x08\x00IS\x02\x00"
    assert raw.count(tag + b"23") == 1
    path.write_bytes(raw.replace(tag + b"23", tag + text.encode()))
    assert len(open_clip(path)) == 23


def test_a_damaged_frame_ends_the_clip_before_it_and_says_so(tmp_path):
    codes = pillow_jpeg(numbered_frames(COUNT))
    codes[6] = codes[6][:200]
    path = save(tmp_path / "clip.dcm", header(numbered_frames(COUNT), "1.2.840.10008.1.2.4.50"), encapsulate(codes))
    clip = open_clip(path)
    assert [number_in(clip.frame(k)) for k in range(len(clip))] == list(range(6))
    assert clip.info.note == "Frame 7 of 10 is damaged: only those before it are shown."


def test_a_frame_in_several_fragments(tmp_path):
    codes = pillow_jpeg(numbered_frames(COUNT))
    for table in (True, False):
        data = encapsulate(codes, fragments_per_frame=3, has_bot=table)
        path = save(tmp_path / "clip.dcm", header(numbered_frames(COUNT), "1.2.840.10008.1.2.4.50"), data)
        clip = open_clip(path)
        assert [number_in(clip.frame(k)) for k in range(len(clip))] == list(range(COUNT))


@pytest.mark.parametrize("name", [PLAIN, "implicit little endian", "explicit big endian", "JPEG baseline"])
def test_without_preamble_and_file_meta_information(name, tmp_path):
    path = write_dicom(tmp_path / "clip.dcm", numbered_frames(COUNT), name)
    raw = path.read_bytes()
    length = int.from_bytes(raw[140:144], "little")
    (tmp_path / "no preamble").write_bytes(raw[132:])
    (tmp_path / "bare").write_bytes(raw[144 + length :])
    for bare in (tmp_path / "no preamble", tmp_path / "bare"):
        clip = open_clip(bare)
        assert [number_in(clip.frame(k)) for k in range(len(clip))] == list(range(COUNT))


def test_a_report_without_pictures_is_refused(tmp_path):
    from lsgui.core.errors import ClipReadError

    dataset = header(numbered_frames(1), "1.2.840.10008.1.2.1", Rows=None, Columns=None)
    dataset.save_as(tmp_path / "report.dcm", enforce_file_format=True)
    with pytest.raises(ClipReadError, match=r"report\.dcm cannot be read: it holds no pictures"):
        open_clip(tmp_path / "report.dcm")
