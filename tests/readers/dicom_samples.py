"""DICOM ultrasound clips in every transfer syntax, made with real encoders.

Not to be made with what the tests install, so kept in `data/`: HTJ2K and 12-bit JPEG extended, written once by
`imagecodecs` from `numbered_frames(3)` (see `data/README.md`).
"""

import io
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import Dataset, FileMetaDataset, Sequence, dcmread, dcmwrite
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import UID, generate_uid

DATA = Path(__file__).parent / "data"
US_MULTIFRAME, US_IMAGE = "1.2.840.10008.5.1.4.1.1.3.1", "1.2.840.10008.5.1.4.1.1.6.1"
SC_MULTIFRAME = "1.2.840.10008.5.1.4.1.1.7.2"
_JPEG = "1.2.840.10008.1.2.4."

Encode = Callable[[np.ndarray], list[bytes]]


def header(frames: np.ndarray, syntax: str, **tags: Any) -> Dataset:
    """Return an ultrasound instance without pixels; `frames` is (count, height, width[, 3]). None leaves a tag out."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = UID(US_MULTIFRAME)
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = generate_uid(entropy_srcs=["lsgui", syntax])
    dataset.Modality = "US"
    dataset.PatientName, dataset.PatientID = "Test^Phantom", "0"
    dataset.NumberOfFrames = len(frames)
    dataset.Rows, dataset.Columns = frames.shape[1:3]
    dataset.SamplesPerPixel = 3 if frames.ndim == 4 else 1
    dataset.PhotometricInterpretation = "RGB" if frames.ndim == 4 else "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = frames.dtype.itemsize * 8
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = 0
    if frames.ndim == 4:
        dataset.PlanarConfiguration = 0
    dataset.FrameTime = "40.0"
    dataset.FrameIncrementPointer = 0x00181063
    for name, value in tags.items():
        if value is None:
            if name in dataset:
                delattr(dataset, name)
        else:
            setattr(dataset, name, value)
    return dataset


def tissue_region(**tags: Any) -> Sequence:
    """Return a sequence with one 2D tissue region of 0.05 mm by 0.1 mm pixels (x, y)."""
    region = Dataset()
    region.RegionSpatialFormat = region.RegionDataType = 1
    region.RegionLocationMinX0, region.RegionLocationMinY0 = 8, 16
    region.RegionLocationMaxX1, region.RegionLocationMaxY1 = 119, 95
    region.PhysicalUnitsXDirection = region.PhysicalUnitsYDirection = 3
    region.PhysicalDeltaX, region.PhysicalDeltaY = 0.005, 0.01
    for name, value in tags.items():
        setattr(region, name, value)
    return Sequence([region])


def save(path: Path, dataset: Dataset, pixels: bytes, *, vr: str = "OW") -> Path:
    """Write an instance with its pixel data as it is."""
    syntax = dataset.file_meta.TransferSyntaxUID
    dataset.PixelData = pixels
    dataset["PixelData"].VR = "OB" if syntax.is_compressed and not syntax.is_deflated else vr
    if dataset["PixelData"].VR == "OB" and syntax.is_encapsulated:
        dataset["PixelData"].is_undefined_length = True
    dcmwrite(path, dataset, enforce_file_format=True)
    return path


def write_dicom(path: Path, frames: np.ndarray, syntax: str, **tags: Any) -> Path:
    """Write a clip in a syntax of `DICOM_SYNTAXES`."""
    made = DICOM_SYNTAXES[syntax]
    stored = made.prepare(frames)
    dataset = header(stored, made.uid, **{**made.tags, **tags})
    if made.encode is None:
        swapped = stored.astype(stored.dtype.newbyteorder(">")) if made.uid == "1.2.840.10008.1.2.2" else stored
        return save(path, dataset, swapped.tobytes(), vr="OB" if stored.dtype.itemsize == 1 else "OW")
    return save(path, dataset, encapsulate(made.encode(stored), has_bot=made.offset_table))


@dataclass(frozen=True)
class DicomSyntax:
    """A way to store frames: transfer syntax, encoder (None: uncompressed), tags, largest pixel error, frame count."""

    uid: str
    encode: Encode | None = None
    tolerance: int = 0
    tags: Any = None
    prepare: Callable[[np.ndarray], np.ndarray] = lambda frames: frames
    frames: int = 20
    offset_table: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "tags", self.tags or {})


def pillow_jpeg(frames: np.ndarray, **more: Any) -> list[bytes]:
    """Encode JPEG baseline."""
    from PIL import Image

    found = []
    for frame in frames:
        out = io.BytesIO()
        Image.fromarray(frame).save(out, "JPEG", quality=95, **more)
        found.append(out.getvalue())
    return found


def jpeg_ls(error: int) -> Encode:
    """Return an encoder of JPEG-LS with a largest error."""
    from jpeg_ls import encode_array

    return lambda frames: [bytes(encode_array(frame, lossy_error=error)) for frame in frames]


def jpeg_2000(**more: Any) -> Encode:
    """Return an encoder of JPEG 2000."""

    def encode(frames: np.ndarray) -> list[bytes]:
        from openjpeg.utils import encode_array

        kind = 1 if frames.ndim == 4 else 2
        return [bytes(encode_array(frame, photometric_interpretation=kind, **more)) for frame in frames]

    return encode


def run_length(frames: np.ndarray) -> list[bytes]:
    """Encode run length."""
    from rle.utils import encode_pixel_data

    samples = frames.shape[3] if frames.ndim == 4 else 1
    return [
        bytes(
            encode_pixel_data(
                frame.tobytes(),
                rows=frames.shape[1],
                columns=frames.shape[2],
                samples_per_pixel=samples,
                number_of_frames=1,
                bits_allocated=frames.dtype.itemsize * 8,
                planar_configuration=0,
                byteorder="<",
            )
        )
        for frame in frames
    ]


def gdcm_jpeg_lossless(frames: np.ndarray) -> list[bytes]:
    """Encode JPEG lossless with GDCM, which wants to read and write whole files."""
    import gdcm

    with tempfile.TemporaryDirectory() as folder:
        plain, packed = Path(folder) / "plain.dcm", Path(folder) / "packed.dcm"
        save(plain, header(frames, "1.2.840.10008.1.2.1"), frames.tobytes())
        reader = gdcm.ImageReader()
        reader.SetFileName(str(plain))
        assert reader.Read()
        change = gdcm.ImageChangeTransferSyntax()
        change.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.JPEGLosslessProcess14_1))
        change.SetInput(reader.GetImage())
        assert change.Change()
        writer = gdcm.ImageWriter()
        writer.SetFileName(str(packed))
        writer.SetFile(reader.GetFile())
        writer.SetImage(change.GetOutput())
        assert writer.Write()
        dataset = dcmread(packed)
        return list(generate_frames(dataset.PixelData, number_of_frames=len(frames)))


def kept(name: str) -> Encode:
    """Return an encoder that gives the codestreams kept in `data/` for `numbered_frames(3)`."""
    return lambda frames: [(DATA / f"{name}_{k}.bin").read_bytes() for k in range(len(frames))]


def movie(codec: str, container: str, suffix: str, **more: Any) -> Encode:
    """Return an encoder of a whole movie, as one fragment."""

    def encode(frames: np.ndarray) -> list[bytes]:
        from reader_samples import write_movie

        with tempfile.TemporaryDirectory() as folder:
            path = write_movie(Path(folder) / f"movie{suffix}", frames, codec, container=container, **more)
            data = path.read_bytes()
        return [data + b"\0" * (len(data) % 2)]

    return encode


def grey_rgb(frames: np.ndarray) -> np.ndarray:
    """Return grey frames as red-green-blue, as most scanners store them."""
    return np.repeat(frames[..., None], 3, axis=3)


def _palette() -> dict[str, Any]:
    table = np.arange(256, dtype=np.uint16)[::-1] * 257
    tags: dict[str, Any] = {"PhotometricInterpretation": "PALETTE COLOR"}
    for colour in ("Red", "Green", "Blue"):
        tags[f"{colour}PaletteColorLookupTableDescriptor"] = [256, 0, 16]
        tags[f"{colour}PaletteColorLookupTableData"] = table.tobytes()
    return tags


_H264 = {"bf": "3", "g": "12", "crf": "12"}
_YBR = {"PhotometricInterpretation": "YBR_FULL_422"}
_VIDEO = {"SamplesPerPixel": 3, "PhotometricInterpretation": "YBR_PARTIAL_420", "PlanarConfiguration": 0}

DICOM_SYNTAXES: dict[str, DicomSyntax] = {
    "implicit little endian": DicomSyntax("1.2.840.10008.1.2"),
    "explicit little endian": DicomSyntax("1.2.840.10008.1.2.1"),
    "explicit little endian RGB": DicomSyntax("1.2.840.10008.1.2.1", prepare=grey_rgb),
    "explicit little endian 16-bit": DicomSyntax(
        "1.2.840.10008.1.2.1",
        tolerance=1,
        tags={"BitsStored": 12, "HighBit": 11},
        prepare=lambda frames: frames.astype(np.uint16) * 16 + 8,
    ),
    "explicit big endian": DicomSyntax("1.2.840.10008.1.2.2"),
    "explicit big endian 16-bit": DicomSyntax(
        "1.2.840.10008.1.2.2",
        tolerance=1,
        tags={"BitsStored": 12, "HighBit": 11},
        prepare=lambda frames: frames.astype(np.uint16) * 16 + 8,
    ),
    "deflated": DicomSyntax("1.2.840.10008.1.2.1.99"),
    "MONOCHROME1": DicomSyntax(
        "1.2.840.10008.1.2.1", tags={"PhotometricInterpretation": "MONOCHROME1"}, prepare=lambda frames: 255 - frames
    ),
    "PALETTE COLOR": DicomSyntax("1.2.840.10008.1.2.1", tags=_palette(), prepare=lambda frames: 255 - frames),
    "RLE": DicomSyntax("1.2.840.10008.1.2.5", run_length),
    "RLE RGB": DicomSyntax("1.2.840.10008.1.2.5", run_length, prepare=grey_rgb),
    "JPEG baseline": DicomSyntax(_JPEG + "50", pillow_jpeg, 8),
    "JPEG baseline YBR_FULL_422": DicomSyntax(_JPEG + "50", pillow_jpeg, 8, _YBR, grey_rgb),
    "JPEG baseline without offset table": DicomSyntax(_JPEG + "50", pillow_jpeg, 8, offset_table=False),
    "JPEG extended": DicomSyntax(_JPEG + "51", pillow_jpeg, 8),
    "JPEG extended 12-bit": DicomSyntax(
        _JPEG + "51",
        kept("jpeg_12_bit"),
        24,
        {"BitsStored": 12, "HighBit": 11},
        lambda frames: frames.astype(np.uint16) * 16 + 8,
        frames=3,
    ),
    "JPEG lossless": DicomSyntax(_JPEG + "57", gdcm_jpeg_lossless),
    "JPEG lossless SV1": DicomSyntax(_JPEG + "70", gdcm_jpeg_lossless),
    "JPEG lossless SV1 RGB": DicomSyntax(_JPEG + "70", gdcm_jpeg_lossless, prepare=grey_rgb),
    "JPEG lossless SV1 12-bit": DicomSyntax(
        _JPEG + "70",
        gdcm_jpeg_lossless,
        1,
        {"BitsStored": 12, "HighBit": 11},
        lambda frames: frames.astype(np.uint16) * 16 + 8,
    ),
    "JPEG-LS": DicomSyntax(_JPEG + "80", jpeg_ls(0)),
    "JPEG-LS near-lossless": DicomSyntax(_JPEG + "81", jpeg_ls(2), 2),
    "JPEG 2000 lossless": DicomSyntax(_JPEG + "90", jpeg_2000()),
    "JPEG 2000 lossless YBR_RCT": DicomSyntax(
        _JPEG + "90", jpeg_2000(use_mct=True), tags={"PhotometricInterpretation": "YBR_RCT"}, prepare=grey_rgb
    ),
    "JPEG 2000": DicomSyntax(_JPEG + "91", jpeg_2000(signal_noise_ratios=[45]), 24),
    "HTJ2K lossless": DicomSyntax(_JPEG + "201", kept("htj2k_lossless"), frames=3),
    "HTJ2K lossless RPCL": DicomSyntax(_JPEG + "202", kept("htj2k_lossless"), frames=3),
    "HTJ2K": DicomSyntax(_JPEG + "203", kept("htj2k_lossy"), 24, frames=3),
    "MPEG-2 main level": DicomSyntax(
        _JPEG + "100", movie("mpeg2video", "mpeg2video", ".m2v", options={"b": "4000000", "bf": "2"}), 24, _VIDEO
    ),
    "MPEG-2 high level": DicomSyntax(
        _JPEG + "101", movie("mpeg2video", "vob", ".mpg", options={"b": "4000000", "bf": "2"}), 24, _VIDEO
    ),
    "H.264": DicomSyntax(_JPEG + "102", movie("libx264", "h264", ".h264", options=_H264), 14, _VIDEO),
    "H.264 blu-ray": DicomSyntax(_JPEG + "103", movie("libx264", "mpegts", ".ts", options=_H264), 14, _VIDEO),
    "H.264 4.2 2D": DicomSyntax(_JPEG + "104", movie("libx264", "mp4", ".mp4", options=_H264), 14, _VIDEO),
    "H.264 4.2 3D": DicomSyntax(_JPEG + "105", movie("libx264", "h264", ".h264", options=_H264), 14, _VIDEO),
    "H.264 stereo": DicomSyntax(_JPEG + "106", movie("libx264", "h264", ".h264", options=_H264), 14, _VIDEO),
    "HEVC main": DicomSyntax(
        _JPEG + "107",
        movie("libx265", "hevc", ".hevc", options={"crf": "10", "x265-params": "log-level=none"}),
        26,
        _VIDEO,
    ),
    "HEVC main 10": DicomSyntax(
        _JPEG + "108",
        movie("libx265", "hevc", ".hevc", pixels="yuv420p10le", options={"crf": "10", "x265-params": "log-level=none"}),
        26,
        _VIDEO,
    ),
}
