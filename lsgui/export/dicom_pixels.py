"""Pictures into DICOM pixel data: grey or colour, uncompressed, lossless or JPEG."""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt
from pydicom.config import disable_value_validation
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRLittleEndian, JPEGBaseline8Bit, JPEGLSLossless

from lsgui.core.atomic_file import atomic_path
from lsgui.core.errors import LsguiError
from lsgui.export.dicom_header import add_file_meta
from lsgui.export.dicom_values import decimal
from lsgui.readers.dicom_parts.tags import quiet

Pixels = npt.NDArray[np.uint8]
Compression = Literal["none", "lossless", "jpeg"]

_SYNTAX = {"none": ExplicitVRLittleEndian, "lossless": JPEGLSLossless, "jpeg": JPEGBaseline8Bit}
_JPEG_METHOD = "ISO_10918_1"


def put_pixels(
    dataset: Dataset,
    frames: Iterable[Pixels],
    compression: Compression,
    *,
    quality: int = 95,
    lossy_before: bool = False,
) -> str:
    """Give a dataset its pixels and the tags that describe them.

    Parameters
    ----------
    dataset
        Gets Rows, Columns, NumberOfFrames (for multi-frame classes it is wanted, for others it is harmless), the
        description of a sample, lossy compression and PixelData.
    frames
        Pictures of one size, (height, width) grey or (height, width, 3) red-green-blue, uint8; taken one by one.
    compression
        "none", "lossless" (JPEG-LS) or "jpeg" (baseline).
    quality
        Of JPEG, 1 to 100.
    lossy_before
        True where the pictures had lost something before they came here: that stays true (PS3.3 C.7.6.1.1.5).

    Returns
    -------
    str
        The transfer syntax UID for the file meta information.
    """
    coded: list[bytes] = []
    shape: tuple[int, ...] = ()
    for frame in frames:
        shape = shape or frame.shape
        if frame.shape != shape:
            raise ValueError(f"a frame of {frame.shape} among frames of {shape}")
        coded.append(_encode(np.ascontiguousarray(frame), compression, quality))
    if not coded:
        raise ValueError("no frames")
    _describe(dataset, shape, len(coded), compression)
    plain_bytes = len(coded) * int(np.prod(shape))
    _say_lossy(dataset, compression, plain_bytes / max(sum(map(len, coded)), 1), lossy_before)
    if compression == "none":
        pixels = b"".join(coded)
        dataset.PixelData = pixels + b"\0" * (len(pixels) % 2)
    else:
        dataset.PixelData = encapsulate(coded)
        dataset["PixelData"].is_undefined_length = True
    dataset["PixelData"].VR = "OB"
    return str(_SYNTAX[compression])


def save_dicom(dataset: Dataset, transfer_syntax: str, out: Path) -> None:
    """Write a DICOM file whole or not at all, with an empty preamble and this program's file meta information.

    Raises
    ------
    LsguiError
        When it cannot be written.
    """
    add_file_meta(dataset, transfer_syntax)
    dataset.preamble = b"\0" * 128
    try:
        with atomic_path(out) as part, quiet(), disable_value_validation():
            dataset.save_as(part, enforce_file_format=True)
    except OSError as fault:
        raise LsguiError(f"{out.name} cannot be written ({fault.strerror}): choose another folder.") from fault


def _encode(frame: Pixels, compression: Compression, quality: int) -> bytes:
    if compression == "none":
        return frame.tobytes()
    if compression == "lossless":
        from jpeg_ls import encode_buffer  # type: ignore[import-untyped]  # it has no stubs

        # eight bits also for a black frame: a codestream that says fewer than the tags is refused by strict decoders
        samples = 1 if frame.ndim == 2 else frame.shape[2]
        mode = 0 if samples == 1 else 2
        return bytes(encode_buffer(frame.tobytes(), *frame.shape[:2], samples, 8, interleave_mode=mode))
    plain = frame if frame.ndim == 2 else frame[..., ::-1]
    # OpenCV halves the colour samples of each row pair; DICOM's YBR_FULL_422 halves them along the row only
    half = [] if frame.ndim == 2 else [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422]
    return bytes(cv2.imencode(".jpg", plain, [cv2.IMWRITE_JPEG_QUALITY, quality, *half])[1].tobytes())


def _describe(dataset: Dataset, shape: tuple[int, ...], count: int, compression: Compression) -> None:
    colour = len(shape) == 3
    dataset.SamplesPerPixel = 3 if colour else 1
    photometric = "YBR_FULL_422" if compression == "jpeg" else "RGB"
    dataset.PhotometricInterpretation = photometric if colour else "MONOCHROME2"
    if colour:
        dataset.PlanarConfiguration = 0
    dataset.NumberOfFrames = count
    dataset.Rows, dataset.Columns = shape[:2]
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit = 7
    dataset.PixelRepresentation = 0


def _say_lossy(dataset: Dataset, compression: Compression, ratio: float, lossy_before: bool) -> None:
    if compression == "jpeg":
        dataset.LossyImageCompression = "01"
        dataset.LossyImageCompressionMethod = _JPEG_METHOD
        dataset.LossyImageCompressionRatio = decimal(round(ratio, 4))
    elif lossy_before:
        dataset.LossyImageCompression = "01"
    else:
        dataset.LossyImageCompression = "00"
