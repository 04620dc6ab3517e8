"""The DICOM file of a simulated clip: readable, calibrated, and nobody's."""

from pathlib import Path

import numpy as np
import pydicom
import pytest

from lsgui.readers.base import open_clip
from lsgui.simulation.dicom_writer import Compression, write_dicom

REGION = (8, 4, 48, 40)


def frames() -> np.ndarray:
    rows, columns = np.mgrid[:45, :64]
    return np.stack([(rows * 3 + columns + 5 * k) % 200 for k in range(5)]).astype(np.uint8)


@pytest.mark.parametrize(
    ("compression", "syntax", "worst"), [("jpeg", "1.2.840.10008.1.2.4.50", 6), ("none", "1.2.840.10008.1.2.1", 0)]
)
def test_our_reader_reads_rate_calibration_and_pixels(
    compression: Compression, syntax: str, worst: int, tmp_path: Path
) -> None:
    path = tmp_path / "clip.dcm"
    write_dicom(path, frames(), 22.0, 0.21, REGION, "SIM0007", compression)
    clip = open_clip(path)
    assert clip.info.format == "dicom"
    assert clip.info.fps == pytest.approx(22.0, abs=1e-4)
    assert clip.info.fps_source == "FrameTime"
    assert clip.info.spacing_mm == pytest.approx((0.21, 0.21))
    assert clip.info.region == REGION
    assert clip.info.transfer_syntax == syntax
    assert np.abs(clip.stack().astype(int) - frames()).mean() <= worst


def test_pydicom_finds_a_multi_frame_ultrasound_image_of_nobody(tmp_path: Path) -> None:
    path = tmp_path / "clip.dcm"
    write_dicom(path, frames(), 25.0, 0.2, REGION, "SIM0007")
    data = pydicom.dcmread(path)
    assert data.SOPClassUID == "1.2.840.10008.5.1.4.1.1.3.1"
    assert data.file_meta.MediaStorageSOPInstanceUID == data.SOPInstanceUID
    assert (data.NumberOfFrames, data.Rows, data.Columns) == (5, 45, 64)
    assert data.PatientID == "SIM0007"
    assert "SIMULATED" in str(data.PatientName)
    assert data.PatientIdentityRemoved == "YES"
    region = data.SequenceOfUltrasoundRegions[0]
    assert (region.RegionSpatialFormat, region.RegionDataType, region.PhysicalUnitsXDirection) == (1, 1, 3)
    assert region.PhysicalDeltaX == pytest.approx(0.02)
    assert data.pixel_array.shape == (5, 45, 64)


def test_the_same_clip_has_the_same_identifiers(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_dicom(tmp_path / name / "clip.dcm", frames(), 25.0, 0.2, REGION)
    assert (tmp_path / "a" / "clip.dcm").read_bytes() == (tmp_path / "b" / "clip.dcm").read_bytes()
