"""Rendered pictures as DICOM Secondary Capture: one, or a multi-frame one with its timing."""

from collections.abc import Iterable
from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from lsgui.export.dicom_header import code_item, describe_capture
from lsgui.export.dicom_pixels import Pixels, put_pixels, save_dicom
from lsgui.export.dicom_subject import SC_GREY_MULTIFRAME, as_results_of
from lsgui.export.dicom_values import decimal
from lsgui.export.stamp import Stamp

SC_IMAGE = "1.2.840.10008.5.1.4.1.1.7"
SC_COLOUR_MULTIFRAME = "1.2.840.10008.5.1.4.1.1.7.4"
_FRAME_TIME = 0x00181063
_SERIES_NUMBER = 9001
"""Far from the numbers of a scanner's own series."""


def write_secondary_capture(
    pictures: Iterable[Pixels],
    source: Dataset,
    stamp: Stamp,
    out: Path,
    *,
    fps: float | None = None,
    identified: bool = False,
) -> None:
    """Write rendered pictures as a Secondary Capture beside the clip that they show.

    Parameters
    ----------
    pictures
        (height, width, 3) red-green-blue or (height, width) grey, uint8, of one size; taken one by one. They show
        nothing but what may leave: paint an approved mask first.
    source
        Header of the clip (`dicom_subject.subject_of`): its patient and study, and the instance to refer to.
    stamp
        Goes into the image comments: program, model with its hash, clip, time.
    fps
        Frames per second: then a multi-frame image (JPEG, true colour) is written, else a single one, uncompressed.
    identified
        True where the header names the patient: then the picture is said to do so too.

    Raises
    ------
    LsguiError
        When the file cannot be written.
    """
    data = as_results_of(source, series_number=_SERIES_NUMBER, when=stamp.made_at)
    _describe(data, stamp, identified=identified)
    _refer_to(data, source)
    if fps is None:
        syntax = put_pixels(data, _only(pictures), "none")
        del data.NumberOfFrames
        data.SOPClassUID = SC_IMAGE
    else:
        syntax = put_pixels(data, pictures, "jpeg", quality=92)
        data.SOPClassUID = SC_COLOUR_MULTIFRAME if data.SamplesPerPixel == 3 else SC_GREY_MULTIFRAME
        if data.SamplesPerPixel == 1:
            describe_grey_capture(data)
        data.FrameIncrementPointer = _FRAME_TIME
        data.FrameTime = decimal(round(1000.0 / fps, 9))
    data.SOPInstanceUID = generate_uid(prefix=None)
    save_dicom(data, syntax, out)


def _describe(data: Dataset, stamp: Stamp, *, identified: bool) -> None:
    data.Modality = "US"
    data.Manufacturer = "lsgui"
    data.SeriesDescription = "lsgui pictures"
    data.ImageType = ["DERIVED", "SECONDARY"]
    data.DerivationDescription = "Frames of the clip with evidence drawn over them"
    data.ImageComments = stamp.line
    data.BurnedInAnnotation = "YES" if identified else "NO"
    data.PatientOrientation = ""
    data.Laterality = ""
    describe_capture(data)
    made = stamp.made_at.astimezone()
    data.DateOfSecondaryCapture, data.TimeOfSecondaryCapture = f"{made:%Y%m%d}", f"{made:%H%M%S}"


def describe_grey_capture(data: Dataset) -> None:
    """Say that stored values are shown as they are (SC Multi-frame Image module)."""
    data.PresentationLUTShape = "IDENTITY"
    data.RescaleIntercept, data.RescaleSlope, data.RescaleType = "0", "1", "US"


def _only(pictures: Iterable[Pixels]) -> list[Pixels]:
    first, *others = pictures
    if others:
        raise ValueError("several pictures need a frame rate")
    return [first]


def _refer_to(data: Dataset, source: Dataset) -> None:
    if "SOPClassUID" not in source:
        return
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = source.SOPClassUID, source.SOPInstanceUID
    item.PurposeOfReferenceCodeSequence = [code_item("121322", "DCM", "Source image for image processing operation")]
    data.SourceImageSequence = [item]
