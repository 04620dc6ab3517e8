"""`lsgui info`: the contract of its output and of its exit status."""

import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from lsgui.cli.main import run
from lsgui.core.prediction import QualityFlag

KEYS = [
    "path", "format", "frames", "width", "height", "fps", "fps_source", "duration_s", "spacing_mm",
    "transfer_syntax", "photometric", "region", "quality",
]  # fmt: skip


@pytest.fixture
def frames(tmp_path):
    """A folder of frames that asks for care: a space and letters beyond ASCII in its name."""
    folder = tmp_path / "klip č. 1"
    folder.mkdir()
    for k in range(30):
        noise = np.random.default_rng(k).integers(0, 256, (60, 80), dtype=np.uint8)
        Image.fromarray(noise).save(folder / f"frame_{k}.png")
    return folder


@pytest.fixture
def dicom(tmp_path):
    """A calibrated DICOM clip."""
    from pydicom import Dataset, FileMetaDataset, Sequence, dcmwrite
    from pydicom.uid import ExplicitVRLittleEndian, generate_uid

    dataset, region = Dataset(), Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.3.1"
    dataset.SOPInstanceUID = generate_uid()
    dataset.NumberOfFrames, dataset.Rows, dataset.Columns = 90, 40, 60
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit, dataset.PixelRepresentation, dataset.FrameTime = 7, 0, "33.3333"
    region.RegionSpatialFormat = region.RegionDataType = 1
    region.RegionLocationMinX0, region.RegionLocationMinY0 = 2, 3
    region.RegionLocationMaxX1, region.RegionLocationMaxY1 = 51, 39
    region.PhysicalUnitsXDirection = region.PhysicalUnitsYDirection = 3
    region.PhysicalDeltaX, region.PhysicalDeltaY = 0.01, 0.02
    dataset.SequenceOfUltrasoundRegions = Sequence([region])
    dataset.PixelData = np.random.default_rng(0).integers(0, 256, (90, 40, 60), dtype=np.uint8).tobytes()
    dataset["PixelData"].VR = "OB"
    path = tmp_path / "clip"
    dcmwrite(path, dataset, enforce_file_format=True)
    return path


def test_json_keeps_its_contract(frames, capsys):
    assert run(["info", str(frames), "--json"]) == 0
    out = capsys.readouterr()
    facts = json.loads(out.out)
    assert out.err == ""
    assert list(facts) == KEYS
    assert facts["path"] == str(frames)
    assert (facts["format"], facts["frames"], facts["width"], facts["height"]) == ("frames", 30, 80, 60)
    assert (facts["fps"], facts["fps_source"], facts["duration_s"]) == (25.0, "assumed", 1.2)
    assert [facts[key] for key in ("spacing_mm", "transfer_syntax", "photometric", "region")] == [None] * 4
    assert {"too_short", "frame_rate_assumed"} <= set(facts["quality"]) <= {flag.value for flag in QualityFlag}


def test_json_of_a_calibrated_dicom_clip(dicom, capsys):
    assert run(["info", str(dicom), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["spacing_mm"] == [0.2, 0.1]
    assert facts["region"] == [2, 3, 50, 37]
    assert (facts["transfer_syntax"], facts["photometric"]) == ("1.2.840.10008.1.2.1", "MONOCHROME2")
    assert (facts["fps"], facts["fps_source"], facts["duration_s"]) == (30.0, "FrameTime", 3.0)


def test_the_table_for_people(dicom, capsys):
    assert run(["info", str(dicom)]) == 0
    out = capsys.readouterr()
    for said in (str(dicom), "90, 60 x 40 pixels", "30 frames/s (FrameTime)", "3.00 s", "0.1 mm a pixel across"):
        assert said in out.out
    assert out.err == ""


@pytest.mark.parametrize("content", [b"", b"this is text", b"\0" * 128 + b"DICM", b"RIFF\0\0\0\0AVI LIST"])
@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_bad_file_is_one_line_and_status_2(content, options, tmp_path, capsys):
    path = tmp_path / "bad.dcm"
    path.write_bytes(content)
    assert run(["info", str(path), *options]) == 2
    out = capsys.readouterr()
    assert out.out == ""
    assert out.err.startswith("lsgui: bad.dcm cannot be read: ")
    assert out.err.count("\n") == 1


def test_without_a_clip_it_is_a_mistake_of_use(capsys):
    assert run(["info"]) == 2
    assert capsys.readouterr().out == ""


def test_help_has_an_example(capsys):
    assert run(["info", "--help"]) == 0
    assert "lsgui info exam.dcm --json" in capsys.readouterr().out


def test_a_real_clip_in_a_process_of_its_own(shared_clips):
    clip = shared_clips / "tuke_lumify_l12.mp4"
    done = subprocess.run([sys.executable, "-m", "lsgui", "info", str(clip), "--json"], capture_output=True, check=True)
    facts = json.loads(done.stdout)
    assert done.stderr == b""
    assert (facts["frames"], facts["width"], facts["height"], facts["format"]) == (164, 1280, 720, "movie")
    assert facts["fps"] == pytest.approx(16.4, abs=0.1)


def test_info_loads_neither_torch_nor_qt(frames):
    code = (
        "import sys; from lsgui.cli.main import run; assert run(['info', sys.argv[1], '--json']) == 0;"
        "loaded = {'torch', 'PySide6', 'pydicom'} & set(sys.modules); assert not loaded, loaded"
    )
    subprocess.run([sys.executable, "-c", code, str(frames)], check=True, capture_output=True)
