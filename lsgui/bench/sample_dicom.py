"""DICOM clips and a long movie for the measurements of reading, of simulated speckle with the frame's number in it."""

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lsgui.core.clip import Frame
from lsgui.core.errors import LsguiError

WIDTH, HEIGHT = 800, 600
_BITS, _BLOCK = 10, 16
_QUALITY = 90
_FPS = 30.0
_US_MULTIFRAME = "1.2.840.10008.5.1.4.1.1.3.1"
_ROOT = "2.25."

Pixels = npt.NDArray[np.uint8]
Encode = Callable[[Pixels], bytes]


@dataclass(frozen=True, slots=True, eq=False)
class Pictures:
    """Simulated frames of 800 x 600, made one by one: frame k has its number written into its corner."""

    count: int
    simulated: int = 12

    def __iter__(self) -> Iterator[Frame]:
        from lsgui.bench.sample_clips import simulate_sample  # here: it loads OpenCV, whose loading is measured

        made, order = simulate_sample(self.count, WIDTH, HEIGHT, _FPS, simulated=min(self.count, self.simulated))
        for k, place in enumerate(order):
            frame = made.frames[place].copy()
            for bit in range(_BITS):
                frame[:_BLOCK, bit * _BLOCK : (bit + 1) * _BLOCK] = 235 if k >> bit & 1 else 20
            yield frame


def number_in(frame: Frame) -> int:
    """Return the number that is written into a frame; compression does not harm it."""
    middle = _BLOCK // 2
    return sum(1 << bit for bit in range(_BITS) if frame[middle, bit * _BLOCK + middle] > 127)


@dataclass(frozen=True, slots=True)
class Syntax:
    """A way to store frames in DICOM.

    Attributes
    ----------
    title
        What people call it.
    uid
        Of the transfer syntax.
    encode
        Gives the codestream of a frame; None for uncompressed pixels.
    colour
        True where every pixel is stored as three samples, as most scanners do.
    photometric
        The photometric interpretation of three samples.
    """

    title: str
    uid: str
    encode: Encode | None = None
    colour: bool = False
    photometric: str = "RGB"


def _jpeg(frame: Pixels) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(frame).save(out, "JPEG", quality=_QUALITY, subsampling=1)
    return out.getvalue()


def _jpeg_ls(frame: Pixels) -> bytes:
    from jpeg_ls import encode_array  # type: ignore[import-untyped]  # it has no stubs

    return bytes(encode_array(frame))


def _jpeg_2000(frame: Pixels) -> bytes:
    from openjpeg.utils import encode_array

    return bytes(encode_array(frame, photometric_interpretation=1 if frame.ndim == 3 else 2))


def _run_length(frame: Pixels) -> bytes:
    from rle.utils import encode_pixel_data

    return bytes(
        encode_pixel_data(
            frame.tobytes(),
            rows=frame.shape[0],
            columns=frame.shape[1],
            samples_per_pixel=1 if frame.ndim == 2 else frame.shape[2],
            number_of_frames=1,
            bits_allocated=8,
            planar_configuration=0,
            byteorder="<",
        )
    )


JPEG = Syntax("JPEG, colour", "1.2.840.10008.1.2.4.50", _jpeg, True, "YBR_FULL_422")
SYNTAXES = (
    Syntax("JPEG, grey", "1.2.840.10008.1.2.4.50", _jpeg),
    Syntax("JPEG-LS", "1.2.840.10008.1.2.4.80", _jpeg_ls),
    Syntax("JPEG 2000 lossless", "1.2.840.10008.1.2.4.90", _jpeg_2000),
    Syntax("Run length, colour", "1.2.840.10008.1.2.5", _run_length, True),
    Syntax("Uncompressed, grey", "1.2.840.10008.1.2.1"),
    Syntax("Uncompressed, colour", "1.2.840.10008.1.2.1", colour=True),
)
"""JPEG is the commonest of the field; these are the others that are written here and read by pydicom too."""


def write_dicom(path: Path, frames: Sequence[Frame], syntax: Syntax) -> Path:
    """Write grey frames, each (height, width) uint8, as one multi-frame ultrasound instance."""
    from pydicom import Dataset, FileMetaDataset, dcmwrite
    from pydicom.encaps import encapsulate
    from pydicom.uid import UID

    stored = (np.ascontiguousarray(np.repeat(f[..., None], 3, axis=2)) if syntax.colour else f for f in frames)
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(syntax.uid)
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = UID(_US_MULTIFRAME)
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = UID(f"{_ROOT}{len(frames)}")
    dataset.Modality = "US"
    dataset.PatientName, dataset.PatientID = "Bench^Simulated", "0"
    dataset.NumberOfFrames = len(frames)
    dataset.Rows, dataset.Columns = frames[0].shape
    dataset.SamplesPerPixel = 3 if syntax.colour else 1
    dataset.PhotometricInterpretation = syntax.photometric if syntax.colour else "MONOCHROME2"
    if syntax.colour:
        dataset.PlanarConfiguration = 0
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit, dataset.PixelRepresentation = 7, 0
    dataset.FrameTime = f"{1000.0 / _FPS:.3f}"
    dataset.FrameIncrementPointer = 0x00181063
    if syntax.encode is None:
        dataset.PixelData = b"".join(frame.tobytes() for frame in stored)
    else:
        dataset.PixelData = encapsulate([syntax.encode(frame) for frame in stored])
    dataset["PixelData"].VR = "OB"
    dcmwrite(path, dataset, enforce_file_format=True)
    return path


def write_movie(path: Path, frames: Iterable[Frame]) -> Path:
    """Write grey frames as an MPEG-4 movie.

    Raises
    ------
    LsguiError
        When the OpenCV of this machine cannot write one.
    """
    from lsgui.readers.movie import quiet_cv2

    cv2 = quiet_cv2()
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"mp4v"), _FPS, (WIDTH, HEIGHT))
    if not writer.isOpened():
        raise LsguiError(
            "The OpenCV of this machine cannot write an MPEG-4 movie: install opencv-python-headless anew."
        )
    try:
        for frame in frames:
            writer.write(cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR))
    finally:
        writer.release()
    return path
