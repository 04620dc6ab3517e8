"""A simulated or edited clip as a DICOM ultrasound multi-frame image.

Every identifier in it is made up; it says SIMULATED, or EDITED where it was made from a real clip.
"""

from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from lsgui.core.kept_out import kept_out

with kept_out("requests"):
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.encaps import encapsulate
    from pydicom.uid import (
        UID,
        ExplicitVRLittleEndian,
        JPEGBaseline8Bit,
        UltrasoundMultiFrameImageStorage,
        generate_uid,
    )

Compression = Literal["jpeg", "none"]


def write_dicom(
    path: Path,
    frames: npt.NDArray[np.uint8],
    fps: float,
    mm_per_px: float,
    region: tuple[int, int, int, int],
    patient: str = "SIM0000",
    compression: Compression = "jpeg",
    quality: int = 90,
    edited: str = "",
) -> None:
    """Write frames (T, H, W) with their rate and calibration.

    Parameters
    ----------
    path
        The file, usually `.dcm`.
    frames, fps, mm_per_px
        The clip.
    region
        The scanned picture (x, y, width, height) in pixels, to which the calibration belongs.
    patient
        A made-up patient identifier.
    compression
        "jpeg" (JPEG baseline, as most scanners write) or "none".
    quality
        JPEG quality, 1-100.
    edited
        For a clip made from a real one: a sentence that says how, for Derivation Description.

    Raises
    ------
    OSError
        When the file cannot be written.
    """
    data = Dataset()
    _identity(data, path.stem, patient, frames)
    _say_origin(data, edited)
    _pixels(data, frames)
    data.FrameTime = f"{1000.0 / fps:.6f}"[:16]
    data.FrameIncrementPointer = 0x00181063
    data.CineRate = str(round(fps))
    data.SequenceOfUltrasoundRegions = [_region(region, mm_per_px)]
    data.file_meta = FileMetaDataset()
    data.file_meta.MediaStorageSOPClassUID = UltrasoundMultiFrameImageStorage
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    _store(data, frames, compression, quality)
    data.save_as(path, enforce_file_format=True)


def _store(data: Dataset, frames: npt.NDArray[np.uint8], compression: Compression, quality: int) -> None:
    if compression == "jpeg":
        coded = [_jpeg(frame, quality) for frame in frames]
        data.LossyImageCompression = "01"
        data.LossyImageCompressionMethod = "ISO_10918_1"
        data.LossyImageCompressionRatio = f"{frames.nbytes / sum(map(len, coded)):.4f}"
        data.PixelData = encapsulate(coded)
        data["PixelData"].VR = "OB"
        data.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    else:
        data.LossyImageCompression = "00"
        pixels = frames.tobytes()
        data.PixelData = pixels + b"\0" * (len(pixels) % 2)
        data["PixelData"].VR = "OB"
        data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian


def _uid(*words: str) -> UID:
    return generate_uid(prefix="2.25.", entropy_srcs=["lsgui simulation", *words])


def _identity(data: Dataset, name: str, patient: str, frames: npt.NDArray[np.uint8]) -> None:
    # taken from the pixels, so that the same clip always has the same identifiers
    content = f"{name} {patient} {frames.shape} {int(frames.astype(np.uint64).sum())}"
    data.SOPClassUID = UltrasoundMultiFrameImageStorage
    data.SOPInstanceUID = _uid("instance", content)
    data.StudyInstanceUID = _uid("study", patient)
    data.SeriesInstanceUID = _uid("series", patient)
    data.PatientID = patient
    data.PatientBirthDate = ""
    data.PatientSex = ""
    data.AccessionNumber = ""
    data.StudyDate = data.SeriesDate = data.ContentDate = "20000101"
    data.StudyTime = data.SeriesTime = data.ContentTime = "000000"
    data.ReferringPhysicianName = ""
    data.Modality = "US"
    data.SeriesNumber = 1
    data.InstanceNumber = 1
    data.ImageType = ["DERIVED", "PRIMARY", "", "0001"]


def _say_origin(data: Dataset, edited: str) -> None:
    """Name the clip simulated, or edited; of text burned into a real clip's pictures nothing can be promised."""
    word = "EDITED" if edited else "SIMULATED"
    data.PatientName = f"{word}^CLIP"
    data.StudyID = word
    data.ManufacturerModelName = word
    if edited:
        data.Manufacturer = "lsgui clip editor"
        data.SeriesDescription = "Edited lung ultrasound, not patient data"
        data.DerivationDescription = edited
        return
    data.Manufacturer = "lsgui simulator"
    data.SeriesDescription = "Simulated lung ultrasound, no patient"
    data.BurnedInAnnotation = "NO"
    data.PatientIdentityRemoved = "YES"
    data.DeidentificationMethod = "Simulated: never had a patient"


def _pixels(data: Dataset, frames: npt.NDArray[np.uint8]) -> None:
    data.SamplesPerPixel = 1
    data.PhotometricInterpretation = "MONOCHROME2"
    data.NumberOfFrames = len(frames)
    data.Rows, data.Columns = frames.shape[1:]
    data.BitsAllocated = data.BitsStored = 8
    data.HighBit = 7
    data.PixelRepresentation = 0


def _region(box: tuple[int, int, int, int], mm_per_px: float) -> Dataset:
    x, y, width, height = box
    region = Dataset()
    region.RegionSpatialFormat = 1  # two-dimensional picture
    region.RegionDataType = 1  # tissue
    region.RegionFlags = 0
    region.RegionLocationMinX0, region.RegionLocationMinY0 = x, y
    region.RegionLocationMaxX1, region.RegionLocationMaxY1 = x + width - 1, y + height - 1
    region.ReferencePixelX0, region.ReferencePixelY0 = width // 2, 0
    region.PhysicalUnitsXDirection = region.PhysicalUnitsYDirection = 3  # centimetres
    region.PhysicalDeltaX = region.PhysicalDeltaY = mm_per_px / 10.0
    return region


def _jpeg(frame: npt.NDArray[np.uint8], quality: int) -> bytes:
    _, data = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return bytes(data.tobytes())
