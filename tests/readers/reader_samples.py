"""Real clips of every kind, with the frame number written into the pixels, for the tests of all readers."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from dicom_samples import DICOM_SYNTAXES, write_dicom
from PIL import Image

FRAMES, HEIGHT, WIDTH = 20, 96, 128
BLOCK = 16


def numbered_frames(count: int = FRAMES, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """Return (count, height, width) uint8: moving speckle, and the frame number as blocks along the top."""
    speckle = np.random.default_rng(7).normal(0.0, 1.0, (height * 2, width)).astype(np.float32)
    speckle = cv2.GaussianBlur(speckle, (0, 0), 2.0)
    texture = np.clip(110.0 + 110.0 * speckle / np.abs(speckle).max(), 20, 230).astype(np.uint8)
    frames = np.stack([texture[k % height : k % height + height] for k in range(count)])
    for k in range(count):
        for bit in range(width // BLOCK):
            frames[k, :BLOCK, bit * BLOCK : (bit + 1) * BLOCK] = 225 if k >> bit & 1 else 30
    return frames


def number_in(frame: np.ndarray) -> int:
    """Return the frame number that `numbered_frames` wrote; it survives strong compression."""
    bits = range(frame.shape[1] // BLOCK)
    middle = [frame[4 : BLOCK - 4, b * BLOCK + 4 : (b + 1) * BLOCK - 4].mean() > 128 for b in bits]
    return sum(1 << bit for bit, lit in enumerate(middle) if lit)


def write_movie(
    path: Path,
    frames: np.ndarray,
    codec: str,
    fps: Fraction = Fraction(25),
    *,
    container: str | None = None,
    pixels: str = "yuv420p",
    options: dict[str, str] | None = None,
    times: list[Fraction] | None = None,
) -> Path:
    """Write a movie with PyAV; `times` are the moments of unevenly spaced frames in seconds."""
    with av.open(str(path), "w", format=container) as out:
        stream: Any = out.add_stream(codec, rate=fps, options=options or {})
        stream.width, stream.height, stream.pix_fmt = frames.shape[2], frames.shape[1], pixels
        if times is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        for k, frame in enumerate(frames):
            picture = av.VideoFrame.from_ndarray(frame, format="gray")
            if times is not None:
                picture.pts, picture.time_base = round(times[k] * 1000), Fraction(1, 1000)
            out.mux(stream.encode(picture))
        out.mux(stream.encode())
    return path


def write_gif(path: Path, frames: np.ndarray, milliseconds: int | list[int] = 40) -> Path:
    """Write an animated GIF."""
    pictures = [Image.fromarray(frame) for frame in frames]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=milliseconds, loop=0)
    return path


def write_folder(folder: Path, frames: np.ndarray, suffix: str = ".png", first: int = 0) -> Path:
    """Write frames as `frame_<k>` pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    for k, frame in enumerate(frames):
        Image.fromarray(frame).save(folder / f"frame_{k + first}{suffix}")
    return folder


@dataclass(frozen=True)
class Sample:
    """A kind of clip: how it is made, and how far a pixel may be from `numbered_frames` (0: lossless)."""

    make: Callable[[Path], Path]
    tolerance: int = 0
    frames: int = FRAMES


def _movie(name: str, codec: str, tolerance: int, **more: Any) -> Sample:
    return Sample(lambda folder: write_movie(folder / name, numbered_frames(), codec, **more), tolerance)


def _dicom(syntax: str) -> Sample:
    made = DICOM_SYNTAXES[syntax]
    return Sample(
        lambda folder: write_dicom(folder / "clip.dcm", numbered_frames(made.frames), syntax),
        made.tolerance,
        made.frames,
    )


def _deep_folder(folder: Path) -> Path:
    return write_folder(folder / "deep", numbered_frames().astype(np.uint16) * 16 + 15)


@cache
def _samples() -> dict[str, Sample]:
    h264 = {"crf": "12", "bf": "3", "g": "12"}
    return {
        "movie/avi-mjpeg": _movie("clip.avi", "mjpeg", 12, pixels="yuvj420p", options={"qmin": "1", "qmax": "2"}),
        "movie/mp4-h264": _movie("clip.mp4", "libx264", 14, options=h264),
        "movie/mov-hevc": _movie("clip.mov", "libx265", 26, options={"crf": "10", "x265-params": "log-level=none"}),
        "movie/mpeg-1": _movie("clip.mpg", "mpeg1video", 24, container="mpeg", options={"b": "4000000"}),
        "movie/mpeg-2": _movie("clip.mpeg", "mpeg2video", 24, container="vob", options={"b": "4000000", "bf": "2"}),
        "movie/webm-vp9": _movie(
            "clip.webm", "libvpx-vp9", 16, options={"crf": "10", "b": "0", "deadline": "realtime"}
        ),
        "movie/mkv-ffv1": _movie("clip.mkv", "ffv1", 0, pixels="gray"),
        "gif/animated": Sample(lambda folder: write_gif(folder / "clip.gif", numbered_frames())),
        "frames/png": Sample(lambda folder: write_folder(folder / "png", numbered_frames())),
        "frames/tiff": Sample(lambda folder: write_folder(folder / "tiff", numbered_frames(), ".tif")),
        "frames/bmp": Sample(lambda folder: write_folder(folder / "bmp", numbered_frames(), ".bmp")),
        "frames/jpeg": Sample(lambda folder: write_folder(folder / "jpeg", numbered_frames(), ".jpg"), 16),
        "frames/png-16-bit": Sample(_deep_folder, 1),
        **{f"dicom/{syntax}": _dicom(syntax) for syntax in DICOM_SYNTAXES},
    }


SAMPLES = _samples()
ONE_OF_EACH = ("movie/mkv-ffv1", "gif/animated", "frames/png", "dicom/JPEG baseline")
"""One sample of every reader, for what does not depend on the codec."""
