"""Whom and what a DICOM object that leaves belongs to: under pseudonyms, or as the source says.

De-identification is by permission: a header is made anew, and takes over from the source only what is listed here, each
value parsed to what it must be. So nothing that PS3.15 Table E.1-1 does not know of (private tags, overlays, curves,
text that a vendor put somewhere) can come along, at any depth. Tests hold the lists against that table.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID

from lsgui import __version__
from lsgui.export.pseudonyms import Pseudonyms
from lsgui.readers.dicom_parts.tags import numbers, text

IMPLEMENTATION_UID = "2.25.92902442939617234944609905496282631047"
UTF_8 = "ISO_IR 192"
PROFILE = "PS3.15 basic profile"

_VENDORS = (
    "ALPINION",
    "BK Medical",
    "Butterfly",
    "Canon",
    "Chison",
    "Clarius",
    "Edan",
    "Esaote",
    "Exo",
    "FUJIFILM",
    "GE",
    "Hitachi",
    "Konica",
    "Mindray",
    "Philips",
    "Samsung",
    "Siemens",
    "SonoScape",
    "SonoSite",
    "SuperSonic",
    "Terason",
    "Toshiba",
    "VINNO",
    "Zonare",
    "lsgui",
)
"""Makers of ultrasound scanners: of Manufacturer only the one that is named here is taken over."""
_BODY_PARTS = frozenset({"CHEST", "LUNG", "THORAX", "PLEURA"})
_LARGEST_COUNT = 99_999
"""Numbers of series and instances; what is longer may be somebody's number."""
_OLDEST_NAMED = 89
"""Years from which on an age by itself can name a person."""


@dataclass(frozen=True, slots=True)
class DeidentifyOptions:
    """What leaves beside the picture.

    Attributes
    ----------
    dates
        "remove" them, or "shift" all dates of a patient back by the same number of days (113107 of PS3.16 CID 7050);
        times of day are removed either way.
    keep_characteristics
        Keep sex, and age up to 89 years (113108).
    compression
        "lossless" (JPEG-LS: blanked parts stay exactly black, and nothing is lost twice) or "jpeg" (baseline).
    quality
        Of JPEG, 1 to 100.
    """

    dates: Literal["remove", "shift"] = "remove"
    keep_characteristics: bool = False
    compression: Literal["lossless", "jpeg"] = "lossless"
    quality: int = 95


def deidentified_header(
    source: Dataset, pseudonyms: Pseudonyms, options: DeidentifyOptions, *, pixels_cleaned: bool = True
) -> Dataset:
    """Return patient, study, series, equipment and instance of a DICOM object under pseudonyms.

    Parameters
    ----------
    source
        The header of the source.
    pixels_cleaned
        True where the pixels were blanked too, or there are none.

    Returns
    -------
    Dataset
        Tags of the general modules; UIDs and the patient's pseudonym are the same for all objects of a project.
    """
    out = Dataset()
    patient = _patient_key(source)
    out.SpecificCharacterSet = UTF_8
    out.PatientName = f"{pseudonyms.code('patient', patient)}^"
    out.PatientID = pseudonyms.code("patient", patient)
    out.PatientBirthDate = out.PatientSex = ""
    if options.keep_characteristics:
        _keep_characteristics(source, out)
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        setattr(out, keyword, pseudonyms.uid(text(source, keyword) or f"{keyword} of {patient}"))
    out.StudyDate = out.StudyTime = out.StudyID = out.AccessionNumber = out.ReferringPhysicianName = ""
    if options.dates == "shift":
        _shift_dates(source, out, pseudonyms.shift_days(patient))
    out.Modality = "US"
    out.Manufacturer = _vendor(text(source, "Manufacturer"))
    for keyword in ("SeriesNumber", "InstanceNumber"):
        setattr(out, keyword, _count(source, keyword))
    if text(source, "BodyPartExamined").upper() in _BODY_PARTS:
        out.BodyPartExamined = text(source, "BodyPartExamined").upper()
    _say_deidentified(out, options, pixels_cleaned)
    return out


def unnamed_header(content_hash: str, pseudonyms: Pseudonyms) -> Dataset:
    """Return the header of a clip that is no DICOM file: a patient, study and series of its own, under pseudonyms."""
    source = Dataset()
    source.PatientID = content_hash
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        setattr(source, keyword, pseudonyms.uid(f"{keyword} {content_hash}"))
    source.SeriesNumber = source.InstanceNumber = 1
    return deidentified_header(source, pseudonyms, DeidentifyOptions())


def add_file_meta(dataset: Dataset, transfer_syntax: str) -> None:
    """Give a dataset the file meta information of this program: nothing of the source's is left."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(str(dataset.SOPClassUID))
    meta.MediaStorageSOPInstanceUID = UID(str(dataset.SOPInstanceUID))
    meta.TransferSyntaxUID = UID(transfer_syntax)
    meta.ImplementationClassUID = UID(IMPLEMENTATION_UID)
    meta.ImplementationVersionName = f"LSGUI_{__version__}"[:16]
    dataset.file_meta = meta


def describe_capture(dataset: Dataset) -> None:
    """Say that a picture was captured by this program at a workstation (Secondary Capture Equipment module)."""
    dataset.ConversionType = "WSD"
    dataset.SecondaryCaptureDeviceManufacturer = "lsgui"
    dataset.SecondaryCaptureDeviceManufacturerModelName = "lsgui"
    dataset.SecondaryCaptureDeviceSoftwareVersions = __version__


def code_item(code: str, scheme: str, meaning: str) -> Dataset:
    """Return an item of a code sequence."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code, scheme, meaning
    return item


def _patient_key(source: Dataset) -> str:
    """Return by what a patient is known: ID and its issuer, else name and birth date, else the study."""
    if text(source, "PatientID"):
        return f"{text(source, 'IssuerOfPatientID')}\0{text(source, 'PatientID')}"
    if text(source, "PatientName"):
        return f"{text(source, 'PatientName')}\0{text(source, 'PatientBirthDate')}"
    return text(source, "StudyInstanceUID") or text(source, "SOPInstanceUID")


def _keep_characteristics(source: Dataset, out: Dataset) -> None:
    sex, age = text(source, "PatientSex").upper(), text(source, "PatientAge").upper()
    if sex in ("M", "F", "O"):
        out.PatientSex = sex
    if len(age) == 4 and age[:3].isdigit() and age[3] in "DWMY":
        old = age[3] == "Y" and int(age[:3]) > _OLDEST_NAMED
        out.PatientAge = f"{_OLDEST_NAMED + 1:03d}Y" if old else age


def _shift_dates(source: Dataset, out: Dataset, days: int) -> None:
    for keyword in ("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate"):
        written = text(source, keyword)
        try:
            moved = datetime.strptime(written, "%Y%m%d") - timedelta(days=days)
        except (ValueError, OverflowError):
            continue
        setattr(out, keyword, moved.strftime("%Y%m%d"))


def _vendor(written: str) -> str:
    words = written.casefold().replace("-", " ").replace("_", " ").split()
    for vendor in _VENDORS:
        if all(word in words for word in vendor.casefold().split()):
            return vendor
    return ""


def _count(source: Dataset, keyword: str) -> int | str:
    found = numbers(source, keyword)
    whole = len(found) == 1 and float(found[0]).is_integer() and 0 <= found[0] <= _LARGEST_COUNT
    return int(found[0]) if whole else ""


def _say_deidentified(out: Dataset, options: DeidentifyOptions, pixels_cleaned: bool) -> None:
    out.PatientIdentityRemoved = "YES"
    out.LongitudinalTemporalInformationModified = "MODIFIED" if options.dates == "shift" else "REMOVED"
    methods = [f"lsgui {__version__}: {PROFILE}", "header made anew from a list"]
    codes = [("113100", "Basic Application Confidentiality Profile")]
    if pixels_cleaned:
        methods.append("pixels blanked, mask approved by a person")
        codes.append(("113101", "Clean Pixel Data Option"))
    if options.dates == "shift":
        codes.append(("113107", "Retain Longitudinal Temporal Information Modified Dates Option"))
    if options.keep_characteristics:
        codes.append(("113108", "Retain Patient Characteristics Option"))
    out.DeidentificationMethod = methods
    out.DeidentificationMethodCodeSequence = [code_item(code, "DCM", meaning) for code, meaning in codes]
