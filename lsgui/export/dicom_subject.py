"""Whom and what results of a clip belong to: its patient and study, under pseudonyms or by name."""

import re
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

from pydicom.config import disable_value_validation
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from lsgui.core.errors import LsguiError
from lsgui.export.dicom_header import UTF_8, DeidentifyOptions, deidentified_header, unnamed_header
from lsgui.export.pseudonyms import Pseudonyms
from lsgui.readers.base import HEAD_BYTES, clip_readers
from lsgui.readers.dicom_parts.header import read_header
from lsgui.readers.dicom_parts.tags import quiet, text, whole
from lsgui.readers.frame_source import cannot_reach

US_MULTIFRAME = "1.2.840.10008.5.1.4.1.1.3.1"
US_IMAGE = "1.2.840.10008.5.1.4.1.1.6.1"
SC_GREY_MULTIFRAME = "1.2.840.10008.5.1.4.1.1.7.2"
_ULTRASOUND = frozenset(
    {US_MULTIFRAME, US_IMAGE, "1.2.840.10008.5.1.4.1.1.3", "1.2.840.10008.5.1.4.1.1.6"}  # the last two: retired
)
_OF_THE_INSTANCE = frozenset(
    {"SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "SeriesNumber", "InstanceNumber", "Modality"}
    | {"NumberOfFrames", "Manufacturer", "SeriesDate", "AcquisitionDate", "ContentDate", "BodyPartExamined"}
)
"""What belongs to the clip alone, not to results of it."""

IDENTITY_KEYWORDS = (
    *("PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex", "PatientAge"),
    *("StudyInstanceUID", "StudyDate", "StudyTime", "StudyID", "StudyDescription", "AccessionNumber"),
    "ReferringPhysicianName",
)
"""What a result shares with the clip it is made from where identifiers are kept: its patient and study."""
_ANYTHING = re.compile(".*", re.DOTALL)
_FORMS = {
    "PatientSex": re.compile("[MFO]"),
    "PatientAge": re.compile("[0-9]{3}[DWMY]"),
    "PatientBirthDate": re.compile("[0-9]{8}"),
    "StudyDate": re.compile("[0-9]{8}"),
    "StudyTime": re.compile(r"[0-9]{2,6}(\.[0-9]{1,6})?"),
}
"""What a value must look like; scanners write other things too, which would make results invalid."""
_REFERRED = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID")
_CAN_LACK = frozenset({"IssuerOfPatientID", "PatientAge", "StudyDescription"})


def subject_of(
    path: Path, content_hash: str, pseudonyms: Pseudonyms, options: DeidentifyOptions | None = None, *, identified: bool
) -> Dataset:
    """Return the header to which results of a clip belong: patient, study and the instance that they refer to.

    Parameters
    ----------
    path, content_hash
        The clip. One that is no DICOM file gets a patient and study of its own and no SOP class: there is no instance
        to refer to until one is made (`deidentify.deidentify_movie`).
    identified
        Keep the patient's name and the study as they are, for results that stay in the hospital. Otherwise everything
        is under pseudonyms, and UIDs are those of the de-identified clip.

    Raises
    ------
    LsguiError
        When the header is damaged, or names no study or instance and is to be identified.
    """
    if not _is_dicom(path):
        return unnamed_header(content_hash, pseudonyms)
    source = header_of(path)
    frames = max(whole(source, "NumberOfFrames", 1), 1)
    if identified:
        out = identified_header(source)
        if any(not text(out, keyword) for keyword in _REFERRED):
            raise LsguiError(
                f"{path.name}: its header does not say which study and instance it is: export it without names."
            )
    else:
        out = deidentified_header(source, pseudonyms, options or DeidentifyOptions())
        out.SOPClassUID = shared_class(text(source, "SOPClassUID"), frames)
    out.NumberOfFrames = frames
    return out


def header_of(path: Path) -> Dataset:
    """Return the tags of a DICOM file up to its pixels.

    Raises
    ------
    ClipReadError
        When it cannot be read.
    """
    try:
        with ExitStack() as undo:
            return read_header(path, undo).dataset
    except OSError as fault:
        raise cannot_reach(path, fault) from fault


def converted_subject(content_hash: str, pseudonyms: Pseudonyms, frames: int) -> Dataset:
    """Return the header of the DICOM clip that `deidentify.deidentify_movie` makes of another kind of clip."""
    out = unnamed_header(content_hash, pseudonyms)
    out.SOPClassUID = SC_GREY_MULTIFRAME
    out.NumberOfFrames = frames
    return out


def shared_class(sop_class: str, frames: int) -> str:
    """Return the SOP class under which a de-identified clip is stored."""
    if sop_class in _ULTRASOUND:
        return US_MULTIFRAME if frames > 1 else US_IMAGE
    return SC_GREY_MULTIFRAME


def as_results_of(source: Dataset, *, series_number: int, when: datetime) -> Dataset:
    """Return patient and study of a header in a new series of this program, made at a moment."""
    out = Dataset()
    for element in source:
        if element.keyword not in _OF_THE_INSTANCE:
            out.add(element)
    local = when.astimezone()
    out.SeriesInstanceUID = generate_uid(prefix=None)
    out.SeriesNumber, out.InstanceNumber = series_number, 1
    out.InstanceCreationDate, out.InstanceCreationTime = f"{local:%Y%m%d}", f"{local:%H%M%S}"
    out.ContentDate, out.ContentTime = out.InstanceCreationDate, out.InstanceCreationTime
    return out


def identified_header(source: Dataset) -> Dataset:
    """Return patient and study as the source says, for results that stay in the hospital."""
    out = Dataset()
    for keyword in IDENTITY_KEYWORDS:
        found = text(source, keyword)
        if not _FORMS.get(keyword, _ANYTHING).fullmatch(found):
            found = ""
        if found or keyword not in _CAN_LACK:
            with quiet(), disable_value_validation():
                setattr(out, keyword, found)  # written anew in UTF-8, whatever the source's character set is
    out.SpecificCharacterSet = UTF_8
    for keyword in ("SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID", "Modality"):
        if text(source, keyword):
            setattr(out, keyword, text(source, keyword))
    return out


def _is_dicom(path: Path) -> bool:
    if path.is_dir():
        return False
    try:
        with path.open("rb") as handle:
            return clip_readers()["dicom"].recognises(handle.read(HEAD_BYTES))
    except OSError as fault:
        raise cannot_reach(path, fault) from fault
