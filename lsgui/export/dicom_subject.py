"""Whom and what results of a clip belong to: its patient and study, under pseudonyms or by name."""

from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from lsgui.export.dicom_header import UTF_8, DeidentifyOptions, deidentified_header, unnamed_header
from lsgui.export.pseudonyms import Pseudonyms
from lsgui.readers.base import HEAD_BYTES, clip_readers
from lsgui.readers.dicom_parts.header import read_header
from lsgui.readers.dicom_parts.tags import PYDICOM_FAULTS, quiet, text, whole

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
    *(
        "PatientName",
        "PatientID",
        "IssuerOfPatientID",
        "PatientBirthDate",
        "PatientSex",
        "PatientAge",
        "OtherPatientIDs",
    ),
    *("StudyInstanceUID", "StudyDate", "StudyTime", "StudyID", "StudyDescription", "AccessionNumber"),
    *("ReferringPhysicianName", "ReferencedStudySequence", "ReferencedPatientSequence"),
    *("ClinicalTrialSponsorName", "ClinicalTrialProtocolID", "ClinicalTrialSubjectID"),
)
"""What a result shares with the clip it is made from where identifiers are kept: its patient and study."""


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
    ClipReadError
        When the header is damaged.
    """
    if path.is_dir() or not _is_dicom(path):
        return unnamed_header(content_hash, pseudonyms)
    with ExitStack() as undo:
        source = read_header(path, undo).dataset
        frames = max(whole(source, "NumberOfFrames", 1), 1)
        if identified:
            out = identified_header(source)
        else:
            out = deidentified_header(source, pseudonyms, options or DeidentifyOptions())
            out.SOPClassUID = shared_class(text(source, "SOPClassUID"), frames)
        out.NumberOfFrames = frames
        return out


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
    for keyword in (word for word in IDENTITY_KEYWORDS if word in source):
        try:
            with quiet():
                element = source[keyword]
                # names are written anew in UTF-8, whatever the source's character set is
                out.add_new(element.tag, element.VR, element.value if element.VR == "SQ" else str(element.value or ""))
        except PYDICOM_FAULTS:
            continue
    out.SpecificCharacterSet = UTF_8
    for keyword in ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID"):
        if keyword not in out:
            setattr(out, keyword, "")
    for keyword in ("AccessionNumber", "ReferringPhysicianName"):
        if keyword not in out:
            setattr(out, keyword, "")
    for keyword in ("SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID", "Modality"):
        if text(source, keyword):
            setattr(out, keyword, text(source, keyword))
    return out


def _is_dicom(path: Path) -> bool:
    with path.open("rb") as handle:
        return clip_readers()["dicom"].recognises(handle.read(HEAD_BYTES))
