"""Grey values of DICOM clips: photometric interpretations, windows, byte orders, colour overrides."""

import io
import warnings
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pydicom.data
import pytest
from dicom_samples import DATA, gdcm_jpeg_lossless, header, jpeg_2000, pillow_jpeg, save, write_dicom
from PIL import Image
from pydicom import dcmread
from pydicom.encaps import encapsulate
from pydicom.pixels import apply_modality_lut, pixel_array
from reader_samples import number_in, numbered_frames

from lsgui.core.clip import Frame
from lsgui.core.errors import ClipReadError
from lsgui.readers.base import ReadOptions, open_clip
from lsgui.readers.dicom_parts import codecs, deep_jpeg
from lsgui.readers.dicom_parts.codestream import read_codestream, with_colour
from lsgui.readers.dicom_parts.deep_jpeg import DeepJpegDecoder

PLAIN_UID, BASELINE_UID = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.4.50"
BUNDLED = Path(pydicom.data.__file__).parent / "test_files"


def colourful(count: int = 2) -> np.ndarray:
    """Return (count, height, width, 3) pictures that are nowhere grey."""
    grey = numbered_frames(count)
    return np.stack([grey, np.roll(grey, 31, axis=2), 255 - grey], axis=3)


def luma(rgb: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)


def first(tmp_path: Path, pixels: np.ndarray, data: bytes | None = None, **tags: Any) -> Frame:
    """Write uncompressed pixels and return the first frame."""
    options = tags.pop("options", ReadOptions())
    path = save(tmp_path / "clip.dcm", header(pixels, PLAIN_UID, **tags), pixels.tobytes() if data is None else data)
    return open_clip(path, options=options).frame(0)


def test_colour_becomes_luma(tmp_path):
    assert (first(tmp_path, colourful()) == luma(colourful()[0])).all()


def test_colour_by_plane(tmp_path):
    planes = np.moveaxis(colourful(), 3, 1)
    grey = first(tmp_path, colourful(), planes.tobytes(), PlanarConfiguration=1)
    assert (grey == luma(colourful()[0])).all()


def test_ybr_full_gives_its_luma_channel(tmp_path):
    ybr = cv2.cvtColor(colourful()[0], cv2.COLOR_RGB2YCrCb)[..., [0, 2, 1]][None].repeat(2, 0)
    grey = first(tmp_path, ybr, PhotometricInterpretation="YBR_FULL")
    assert (grey == ybr[0, ..., 0]).all()
    assert np.abs(grey.astype(int) - luma(colourful()[0])).max() <= 1


def test_ybr_full_422_uncompressed(tmp_path):
    frames = numbered_frames(3)
    packed = np.full((3, frames.shape[1], frames.shape[2] // 2, 4), 128, dtype=np.uint8)
    packed[..., 0], packed[..., 1] = frames[..., 0::2], frames[..., 1::2]
    rgb = np.repeat(frames[..., None], 3, axis=3)
    path = save(
        tmp_path / "clip.dcm", header(rgb, PLAIN_UID, PhotometricInterpretation="YBR_FULL_422"), packed.tobytes()
    )
    assert (open_clip(path).stack() == frames).all()


def test_ybr_full_422_that_is_not_halved_after_all(tmp_path):
    grey = first(tmp_path, colourful(), PhotometricInterpretation="YBR_FULL_422")
    assert (grey == colourful()[0, ..., 0]).all()


def test_limited_range_luma_is_stretched(tmp_path):
    ybr = np.zeros((1, 16, 16, 3), dtype=np.uint8)
    ybr[..., 0] = np.linspace(16, 235, 16).astype(np.uint8)
    grey = first(tmp_path, ybr, PhotometricInterpretation="YBR_PARTIAL_420")
    assert (grey[0, 0], grey[0, -1]) == (0, 255)


@pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL"])
def test_the_user_overrides_how_colour_is_meant(photometric, tmp_path):
    for colour, expected in (("rgb", luma(colourful()[0])), ("ybr", colourful()[0, ..., 0])):
        grey = first(tmp_path, colourful(), PhotometricInterpretation=photometric, options=ReadOptions(colour=colour))
        assert (grey == expected).all()


@pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL", "YBR_FULL_422"])
@pytest.mark.parametrize("marked", ["jfif", "adobe", "bare"])
@pytest.mark.parametrize("stored", ["rgb", "ybr"])
def test_colour_in_jpeg(photometric, marked, stored, tmp_path):
    """A stream that says how it is meant is believed, else the tag; and the user always has the last word."""
    if marked == "jfif" and stored == "rgb":
        return  # no writer does that: a JFIF file is luma-chroma by definition
    # Pillow writes luma-chroma with a JFIF marker; made bare, the same stream says nothing of its colours
    code = pillow_jpeg(colourful(1), subsampling=0)[0]
    expected = luma(colourful(1)[0])
    if stored == "rgb":
        code = rgb_jpeg(colourful(1)[0])
    if marked == "adobe":
        code = with_colour(code, stored == "ybr")
    if marked == "bare":
        code = without_markers(code)
    path = save(
        tmp_path / "clip.dcm",
        header(colourful(1), BASELINE_UID, PhotometricInterpretation=photometric),
        encapsulate([code]),
    )
    truthful = marked != "bare" or (photometric == "RGB") == (stored == "rgb")
    auto = np.abs(open_clip(path).frame(0).astype(int) - expected).max() <= 8
    assert auto == truthful
    told = open_clip(path, options=ReadOptions(colour=stored)).frame(0)
    assert np.abs(told.astype(int) - expected).max() <= 8


def rgb_jpeg(picture: np.ndarray) -> bytes:
    """Return a JPEG that stores red, green and blue as they are: the planes are passed off as luma and chroma."""
    out = io.BytesIO()
    Image.merge("YCbCr", [Image.fromarray(np.ascontiguousarray(picture[..., k])) for k in range(3)]).save(
        out, "JPEG", quality=95, subsampling=0
    )
    return out.getvalue()


def without_markers(code: bytes) -> bytes:
    """Return a JPEG without JFIF and Adobe markers."""
    bare = with_colour(code, True)
    assert bare[2:4] == b"\xff\xee"
    return bare[:2] + bare[18:]


def deep(count: int = 2) -> np.ndarray:
    return numbered_frames(count).astype(np.uint16) * 16


@pytest.mark.parametrize("signed", [False, True])
def test_a_window_and_rescale_of_12_bits(signed, tmp_path):
    stored = deep().astype(np.int32) - (2048 if signed else 0)
    grey = first(
        tmp_path,
        stored.astype(np.int16 if signed else np.uint16),
        BitsStored=12,
        HighBit=11,
        PixelRepresentation=int(signed),
        RescaleSlope="0.5",
        RescaleIntercept="-100",
        WindowCenter="400",
        WindowWidth="1000",
    )
    values = stored[0] * 0.5 - 100.0
    expected = np.clip(((values - 399.5) / 999.0 + 0.5) * 255.0, 0, 255)
    assert np.abs(grey - expected).max() <= 0.5


@pytest.mark.parametrize("kind", ["LINEAR_EXACT", "SIGMOID"])
def test_other_window_functions(kind, tmp_path):
    grey = first(
        tmp_path, deep(), BitsStored=12, HighBit=11, WindowCenter="2000", WindowWidth="1500", VOILUTFunction=kind
    )
    values = deep()[0].astype(float)
    if kind == "SIGMOID":
        expected = 255.0 / (1.0 + np.exp(-4.0 * (values - 2000) / 1500))
    else:
        expected = np.clip(((values - 2000) / 1500 + 0.5) * 255.0, 0, 255)
    assert np.abs(grey - expected).max() <= 0.5


def test_8_bit_pixels_with_the_usual_window_stay_as_they_are(tmp_path):
    for centre, width in (("128", "256"), ("127", "255"), ("127", "254"), ("0", "0")):
        grey = first(tmp_path, numbered_frames(1), WindowCenter=centre, WindowWidth=width)
        assert (grey == numbered_frames(1)[0]).all()


def test_deep_pixels_without_a_window_use_their_own_range(tmp_path):
    grey = first(tmp_path, deep(), BitsStored=16)
    assert np.abs(grey.astype(int) - numbered_frames(1)[0]).max() <= 1


def test_high_bit_and_overlay_bits(tmp_path):
    shifted = (numbered_frames(1).astype(np.uint16) << 4) | 0xF00F
    grey = first(tmp_path, shifted, BitsStored=8, HighBit=11)
    assert (grey == numbered_frames(1)[0]).all()


def test_8_bit_pixels_as_big_endian_words(tmp_path):
    frames = numbered_frames(3, 33, 33)[:, :, :]
    odd = frames.tobytes() + b"\0"
    swapped = np.frombuffer(odd, dtype=np.uint16).byteswap().tobytes()
    path = save(tmp_path / "clip.dcm", header(frames, "1.2.840.10008.1.2.2"), swapped, vr="OW")
    assert (open_clip(path).stack() == frames).all()


def test_a_palette_that_is_missing_is_said(tmp_path):
    with pytest.raises(ClipReadError, match="colour palette is missing"):
        first(tmp_path, numbered_frames(1), PhotometricInterpretation="PALETTE COLOR")


def test_one_bit_pixels_are_refused(tmp_path):
    with pytest.raises(ClipReadError, match="1 bits a pixel"):
        first(tmp_path, numbered_frames(1), BitsAllocated=1, BitsStored=1, HighBit=0)


def test_the_codec_is_told_by_the_codestream(tmp_path):
    """Archives rewrite tags without touching pixels; the picture decides."""
    wrong = save(
        tmp_path / "wrong.dcm",
        header(deep(3), "1.2.840.10008.1.2.4.90"),
        encapsulate([(DATA / f"jpeg_12_bit_{k}.bin").read_bytes() for k in range(3)]),
    )
    assert number_in(open_clip(wrong).frame(2)) == 2


@pytest.mark.parametrize(
    "name",
    [path.name for path in sorted(BUNDLED.glob("*.dcm")) if path.name.startswith(("SC_", "examples_", "image_dfl"))],
)
def test_files_of_other_makers_agree_with_pydicom(name):
    """Files written by DCMTK, GDCM and scanners, which come with pydicom, against its own colour conversion."""
    clip = open_clip(BUNDLED / name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one of them has a header that pydicom complains of
        dataset = dcmread(BUNDLED / name)
        truth = pixel_array(dataset, index=0)
    if dataset.PhotometricInterpretation == "PALETTE COLOR" or "WindowWidth" in dataset:
        return
    if truth.ndim == 3:
        truth = luma((truth >> (dataset.BitsStored - 8)).astype(np.uint8))
    if truth.dtype != np.uint8:
        correlation = np.corrcoef(truth.ravel().astype(float), clip.frame(0).ravel())[0, 1]
        assert correlation > 0.99
        return
    # chroma that does not fit into red, green and blue is clipped by the conversion, not in luma
    assert np.abs(clip.frame(0).astype(int) - truth).max() <= 8


def test_a_codestream_that_ends_the_deep_decoder_ends_the_clip_and_not_the_program(tmp_path, monkeypatch):
    """GDCM aborts its process on some damaged codestreams, and never comes back from others."""
    codes = gdcm_jpeg_lossless(deep(4))
    path = save(tmp_path / "clip.dcm", header(deep(4), "1.2.840.10008.1.2.4.70"), encapsulate(codes))
    decoders: list[DeepJpegDecoder] = []
    plain = DeepJpegDecoder.decode

    def dying(self: DeepJpegDecoder, *args: Any) -> Any:
        decoders.append(self)
        if len(decoders) == 3:
            self._process.kill()
            self._process.join()
        return plain(self, *args)

    monkeypatch.setattr(DeepJpegDecoder, "decode", dying)
    monkeypatch.setattr("lsgui.readers.ahead.WORKERS", 1)
    clip = open_clip(path)
    assert len(clip) == 2
    assert clip.info.note == "Frame 3 of 4 is damaged: only those before it are shown."


def test_a_codestream_that_keeps_the_deep_decoder_too_long(monkeypatch):
    monkeypatch.setattr(deep_jpeg, "_PATIENCE_S", 0.0)
    decoder = DeepJpegDecoder()
    code = gdcm_jpeg_lossless(deep(1))[0]
    with pytest.raises(TimeoutError):
        decoder.decode(code, 128, 96, 16, True)
    with pytest.raises((EOFError, OSError)):
        decoder.decode(code, 128, 96, 16, True)
    decoder.close()


def test_windowed_ct_agrees_with_the_standard():
    path = BUNDLED / "693_J2KI.dcm"
    dataset = dcmread(path)
    values = apply_modality_lut(pixel_array(dataset), dataset)
    centre, width = float(dataset.WindowCenter), float(dataset.WindowWidth)
    expected = np.clip(((values - (centre - 0.5)) / (width - 1) + 0.5) * 255, 0, 255)
    assert np.abs(expected - open_clip(path).frame(0)).max() <= 0.5


def test_every_file_of_pydicom_opens_or_is_refused_in_one_sentence():
    opened, refusals = 0, []
    for path in sorted(BUNDLED.glob("*.dcm")):
        try:
            open_clip(path)
            opened += 1
        except ClipReadError as fault:
            refusals.append(str(fault))
    assert opened > 50
    assert len(refusals) > 10
    assert all(".dcm cannot be read: " in said and said.endswith(".") for said in refusals)


def test_every_write_is_read_back_by_pydicom_too(tmp_path):
    """The samples are honest DICOM: pydicom decodes them to the same pixels."""
    for name in ("RLE RGB", "JPEG-LS", "JPEG lossless SV1", "explicit big endian 16-bit", "deflated"):
        path = write_dicom(tmp_path / "clip.dcm", numbered_frames(3), name)
        truth = pixel_array(dcmread(path), index=2)
        grey = truth if truth.ndim == 2 else truth[..., 0]
        grey = grey if grey.dtype == np.uint8 else (grey >> 4).astype(np.uint8)
        assert np.abs(open_clip(path).frame(2).astype(int) - grey).max() <= 1


@pytest.mark.parametrize("lossy", [False, True])
@pytest.mark.parametrize("colour", [False, True])
def test_jpeg_2000_decodes_side_by_side_to_the_same_samples(lossy, colour):
    """OpenCV lets go of the interpreter while OpenJPEG works; what it gives is what pydicom's plugin gives."""
    from openjpeg import decode

    frames = colourful() if colour else numbered_frames(2)
    code = jpeg_2000(**({"signal_noise_ratios": [45]} if lossy else {}))(frames)[1]
    stream = read_codestream(code)
    assert stream is not None
    fast = codecs._jpeg_2000_bytes(code, stream)
    assert fast is not None
    assert np.abs(fast.astype(int) - decode(code)).max() <= (1 if lossy else 0)
    assert codecs._jpeg_2000_bytes(code[: len(code) // 2], stream) is None
    deep_code = jpeg_2000()(deep(1))[0]
    deep_stream = read_codestream(deep_code)
    assert deep_stream is not None
    assert codecs._jpeg_2000_bytes(deep_code, deep_stream) is None
