"""Who and what an instance belongs to, read from its header without its pixels.

What is returned identifies people: it goes into keyed hashes at once, and is never shown, logged or kept.
"""

import zlib
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset, read_partial
from pydicom.tag import BaseTag, Tag

from lsgui.readers.dicom_parts.header import deflated_syntax, inflated, stepwise, stop_at_pixels
from lsgui.readers.dicom_parts.tags import PYDICOM_FAULTS, number, quiet, text
from lsgui.readers.frame_source import cannot_read

_TAGS = (
    "PatientID",
    "PatientName",
    "IssuerOfPatientID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "SOPInstanceUID",
    "SeriesNumber",
    "InstanceNumber",
)
_WANTED: list[BaseTag | int] = [Tag(keyword) for keyword in _TAGS]
_SKIP_BEYOND = 1 << 16  # no value that is wanted is as large: others are passed over, not read
_MOST_NUMBER = 99_999
"""Numbers of series and instances; what is longer may be somebody's number."""


@dataclass(frozen=True, slots=True)
class InstanceIdentity:
    """Identifiers of an instance, as the file writes them; empty or None where it does not say.

    Attributes
    ----------
    patient
        Patient ID with its issuer, else the patient's name: what tells one person from another in this file.
    study, series, instance
        UIDs.
    series_number, instance_number
        Their order within study and series.
    """

    patient: str = ""
    study: str = ""
    series: str = ""
    instance: str = ""
    series_number: int | None = None
    instance_number: int | None = None


def read_identity(path: Path) -> InstanceIdentity:
    """Read the identifiers of a file that looks like DICOM; the pixels are not touched.

    Raises
    ------
    ClipReadError
        When the header is damaged.
    OSError
        When the system does not give the file.
    """
    try:
        with ExitStack() as undo, quiet():
            handle: BinaryIO = undo.enter_context(stepwise(path))
            if deflated_syntax(handle):
                dataset = read_dataset(
                    inflated(handle, undo), False, True, stop_when=stop_at_pixels(), defer_size=_SKIP_BEYOND
                )
            else:
                dataset = read_partial(
                    handle, stop_when=stop_at_pixels(), force=True, specific_tags=_WANTED, defer_size=_SKIP_BEYOND
                )
            return identity_of(dataset)
    except (*PYDICOM_FAULTS, zlib.error, RecursionError, MemoryError) as fault:
        raise cannot_read(path, "its DICOM header is damaged", "export it again from the scanner or archive") from fault


def identity_of(dataset: Dataset) -> InstanceIdentity:
    """Return the identifiers of a header that is already read."""
    patient_id = text(dataset, "PatientID")
    issuer = text(dataset, "IssuerOfPatientID")
    return InstanceIdentity(
        patient=f"{issuer}\\{patient_id}" if issuer and patient_id else patient_id or text(dataset, "PatientName"),
        study=text(dataset, "StudyInstanceUID"),
        series=text(dataset, "SeriesInstanceUID"),
        instance=text(dataset, "SOPInstanceUID"),
        series_number=_order(dataset, "SeriesNumber"),
        instance_number=_order(dataset, "InstanceNumber"),
    )


def _order(dataset: Dataset, keyword: str) -> int | None:
    found = number(dataset, keyword)
    return None if found is None or abs(found) > _MOST_NUMBER else int(found)
