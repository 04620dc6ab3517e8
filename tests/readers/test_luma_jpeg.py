"""JPEG luma by libjpeg-turbo equals Pillow's to the last bit, and what is damaged is refused as Pillow refuses it."""

import io
import sys

import numpy as np
import pytest
from dicom_samples import header, pillow_jpeg, save
from PIL import Image
from pydicom.encaps import encapsulate
from reader_samples import HEIGHT, WIDTH, numbered_frames

from lsgui.readers.base import open_clip
from lsgui.readers.dicom_parts import luma_jpeg
from lsgui.readers.dicom_parts.codestream import with_colour
from lsgui.readers.dicom_parts.luma_jpeg import LumaJpeg


def colourful() -> np.ndarray:
    grey = numbered_frames(1)[0]
    noise = np.random.default_rng(3).integers(0, 60, grey.shape, dtype=np.uint8)
    return np.stack([grey, np.roll(grey, 31, axis=1), 255 - grey], axis=2) // 2 + noise[..., None]


def codes() -> dict[str, bytes]:
    colour, grey = colourful()[None], colourful()[None, ..., 1]
    red_green_blue = pillow_jpeg(colour, subsampling=0)[0]
    return {
        "grey": pillow_jpeg(grey)[0],
        "4:4:4": red_green_blue,
        "4:2:2": pillow_jpeg(colour, subsampling=1)[0],
        "4:2:0": pillow_jpeg(colour, subsampling=2)[0],
        "progressive": pillow_jpeg(colour, progressive=True)[0],
        "optimised": pillow_jpeg(colour, optimize=True)[0],
        "restart markers": pillow_jpeg(colour, restart_marker_blocks=5)[0],
        "red, green, blue": with_colour(red_green_blue, luma_chroma=False),
        "something after the end": pillow_jpeg(colour)[0] + b"\0" * 9 + b"\xff\xd9",
    }


@pytest.mark.parametrize("kind", codes())
def test_the_same_grey_as_pillow_and_without_it(kind, monkeypatch):
    code = codes()[kind]
    truth = luma_jpeg.pillow_jpeg(code)
    if kind != "something after the end":
        monkeypatch.setattr(luma_jpeg, "pillow_jpeg", lambda *_: pytest.fail("the fast decoder was not used"))
    found = LumaJpeg().decode(code, WIDTH, HEIGHT)
    assert found.dtype == np.uint8
    assert (found == truth).all()


def test_what_is_odd_goes_to_pillow_and_what_is_cut_off_is_refused():
    code = bytearray(codes()["4:2:0"])
    for k in range(len(code) // 2, len(code) // 2 + 40):
        code[k] ^= 0x5A
    assert (LumaJpeg().decode(bytes(code), WIDTH, HEIGHT) == luma_jpeg.pillow_jpeg(bytes(code))).all()
    with pytest.raises(OSError, match="truncated"):
        LumaJpeg().decode(codes()["4:2:0"][:2000], WIDTH, HEIGHT)


def test_a_stream_of_another_size_than_its_header_said_is_a_fault():
    with pytest.raises(ValueError, match="broadcast"):
        LumaJpeg().decode(codes()["grey"], WIDTH, HEIGHT - 8)


def test_without_the_fast_decoder_pillow_gives_the_same_clip(tmp_path, monkeypatch):
    frames = numbered_frames(5)
    path = save(tmp_path / "clip.dcm", header(frames, "1.2.840.10008.1.2.4.50"), encapsulate(pillow_jpeg(frames)))
    swift = open_clip(path).stack()
    monkeypatch.setitem(sys.modules, "simplejpeg", None)
    assert (open_clip(path).stack() == swift).all()


def test_the_samples_are_what_they_say():
    with Image.open(io.BytesIO(codes()["progressive"])) as image:
        assert image.info["progressive"]
