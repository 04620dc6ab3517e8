"""How much of a clip is changing colour is told beside its grey frames, whatever the format."""

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pydicom
import pytest
from PIL import Image

from lsgui.readers.base import open_clip
from lsgui.readers.colour_meter import ColourMeter

COUNT, HEIGHT, WIDTH = 24, 120, 160


def speckle(rng: np.random.Generator) -> np.ndarray:
    return np.clip(cv2.GaussianBlur(rng.normal(90, 60, (HEIGHT, WIDTH)), (0, 0), 1.2), 0, 255).astype(np.uint8)


def frames(kind: str) -> np.ndarray:
    """Speckle in grey, in sepia, with an icon that stands still, or with flow that comes and goes; red-green-blue."""
    rng = np.random.default_rng(2)
    out = []
    for k in range(COUNT):
        grey = speckle(rng)
        picture = np.repeat(grey[..., None], 3, axis=2)
        if kind == "sepia":
            picture = np.clip(picture * np.array([1.0, 0.86, 0.62]), 0, 255).astype(np.uint8)
        if kind == "icon":
            picture[4:14, 4:14] = (250, 120, 10)
        if kind == "flow" and k % 8 < 5:
            level = int(120 + 20 * (k % 5))
            picture[50:70, 60:90] = (level, level // 3, 0)
            picture[70:85, 60:90] = (0, level // 3, level)
        out.append(picture)
    return np.stack(out)


def write(kind: str, form: str, folder: Path) -> Path:
    made = frames(kind)
    path = folder / f"clip.{form}"
    if form == "mp4":
        with av.open(str(path), "w") as movie:
            stream = movie.add_stream("libx264", rate=Fraction(25))
            stream.width, stream.height, stream.pix_fmt, stream.thread_count = WIDTH, HEIGHT, "yuv420p", 1
            for frame in made:
                movie.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "rgb24").reformat(format="yuv420p")))
            movie.mux(stream.encode())
    elif form == "gif":
        pictures = [Image.fromarray(frame) for frame in made]
        pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=40)
    elif form == "folder":
        path.mkdir()
        for k, frame in enumerate(made):
            Image.fromarray(frame).save(path / f"frame_{k}.png")
    else:
        dicom(path, made, form)
    return path


def dicom(path: Path, made: np.ndarray, form: str) -> None:
    from pydicom.encaps import encapsulate
    from pydicom.uid import ExplicitVRLittleEndian, JPEGBaseline8Bit

    data = pydicom.Dataset()
    data.file_meta = pydicom.dataset.FileMetaDataset()
    data.SOPClassUID, data.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.3.1", "1.2.3"
    data.Rows, data.Columns, data.NumberOfFrames, data.FrameTime = HEIGHT, WIDTH, COUNT, 40.0
    data.SamplesPerPixel, data.PlanarConfiguration, data.PixelRepresentation = 3, 0, 0
    data.BitsAllocated, data.BitsStored, data.HighBit = 8, 8, 7
    if form == "jpeg.dcm":
        data.PhotometricInterpretation = "YBR_FULL_422"
        coded = [cv2.imencode(".jpg", frame[..., ::-1])[1].tobytes() for frame in made]
        data.PixelData = encapsulate(coded)
        data["PixelData"].VR = "OB"
        data.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    else:
        data.PhotometricInterpretation = "RGB"
        data.PixelData = made.tobytes()
        data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.save_as(path, enforce_file_format=True)


@pytest.mark.parametrize("form", ["mp4", "gif", "folder", "plain.dcm", "jpeg.dcm"])
def test_flow_is_seen_in_every_format_and_grey_is_not(form: str, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    assert open_clip(write("flow", form, tmp_path / "a")).info.colour_share > 0.03
    (tmp_path / "b").mkdir()
    assert open_clip(write("grey", form, tmp_path / "b")).info.colour_share == 0.0


@pytest.mark.parametrize("kind", ["sepia", "icon"])
def test_a_tinted_picture_and_a_coloured_icon_are_no_flow(kind: str, tmp_path: Path) -> None:
    assert open_clip(write(kind, "mp4", tmp_path)).info.colour_share < 0.002


def test_a_region_of_colour_flow_in_the_tags_counts_though_nothing_flows(tmp_path: Path) -> None:
    path = write("grey", "plain.dcm", tmp_path)
    data = pydicom.dcmread(path)
    region = pydicom.Dataset()
    region.RegionSpatialFormat, region.RegionDataType = 1, 2
    region.RegionLocationMinX0, region.RegionLocationMinY0 = 40, 30
    region.RegionLocationMaxX1, region.RegionLocationMaxY1 = 119, 89
    data.SequenceOfUltrasoundRegions = [region]
    data.save_as(path)
    assert open_clip(path).info.colour_share == pytest.approx(80 * 60 / (HEIGHT * WIDTH))


def test_what_the_meter_says_does_not_depend_on_the_order() -> None:
    made = frames("flow")
    one, other = ColourMeter(), ColourMeter()
    for frame in made:
        one.see(frame)
    for frame in made[::-1]:
        other.see(frame)
    assert one.share == other.share > 0.03


def test_recorded_lungs_show_no_colour(shared_clips: Path) -> None:
    for name in ("tuke_lumify_l12.mp4", "Reg_pat1Image_133327.mpeg", "Cov_convex_volpecelli_sonographic_v1.mov"):
        assert open_clip(shared_clips / name).info.colour_share == 0.0
