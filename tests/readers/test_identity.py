"""Whose instance it is, read from headers alone."""

import pytest
from dicom_samples import write_dicom
from reader_samples import numbered_frames

from lsgui.core.errors import ClipReadError
from lsgui.readers.dicom_parts.identity import InstanceIdentity, read_identity

TAGS = {
    "PatientID": "PID-1",
    "PatientName": "Doe^Jane",
    "StudyInstanceUID": "1.2.3",
    "SeriesInstanceUID": "1.2.3.4",
    "SOPInstanceUID": "1.2.3.4.5",
    "SeriesNumber": 7,
    "InstanceNumber": 12,
}


@pytest.mark.parametrize("syntax", ["explicit little endian", "implicit little endian", "deflated"])
def test_the_header_says_who_and_where(tmp_path, syntax):
    path = write_dicom(tmp_path / "IM1", numbered_frames(2), syntax, **TAGS)
    assert read_identity(path) == InstanceIdentity("PID-1", "1.2.3", "1.2.3.4", "1.2.3.4.5", 7, 12)


def test_what_a_file_does_not_say_stays_empty(tmp_path):
    path = write_dicom(tmp_path / "IM1", numbered_frames(2), "explicit little endian", PatientID="", PatientName="A^B")
    found = read_identity(path)
    assert (found.patient, found.study, found.series) == ("A^B", "", "")
    assert (found.series_number, found.instance_number) == (None, None)


def test_two_hospitals_may_give_one_number_to_two_people(tmp_path):
    tags = {**TAGS, "IssuerOfPatientID": "Hospital A"}
    path = write_dicom(tmp_path / "IM1", numbered_frames(2), "explicit little endian", **tags)
    assert read_identity(path).patient == "Hospital A\\PID-1"


def test_the_pixels_are_not_read(tmp_path):
    path = write_dicom(tmp_path / "IM1", numbered_frames(20), "explicit little endian", **TAGS)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) - 20 * 96 * 128 + 100])
    assert read_identity(path).study == "1.2.3"


def test_a_damaged_header_is_one_sentence(tmp_path):
    path = write_dicom(tmp_path / "IM1", numbered_frames(2), "deflated", **TAGS)
    whole = path.read_bytes()
    path.write_bytes(whole[:400] + b"\xff" * 400)
    with pytest.raises(ClipReadError, match="IM1 cannot be read: its DICOM header is damaged"):
        read_identity(path)
