"""Simulated and edited clips as files: folder of PNG frames, AVI, DICOM. One function a format, in one table."""

import os
import shutil
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from lsgui.core.errors import DatasetError
from lsgui.core.registry import Registry
from lsgui.simulation.clip import SimulatedClip
from lsgui.simulation.dicom_writer import write_dicom
from lsgui.simulation.movie_writer import write_avi


@dataclass(frozen=True, slots=True, eq=False)
class ClipContent:
    """What is written of a clip.

    Attributes
    ----------
    frames
        (T, H, W) uint8.
    region
        The scanned picture (x, y, width, height) in pixels, to which `mm_per_px` belongs.
    edited
        For a clip made from a real one: a sentence that says how. Every format carries it. Empty for simulated clips.
    """

    frames: npt.NDArray[np.uint8]
    fps: float
    mm_per_px: float
    region: tuple[int, int, int, int]
    edited: str = ""


ClipWriter = Callable[[Path, ClipContent, str], Path]
"""Takes a path without suffix, a clip and a patient identifier; writes all or nothing and returns where."""

FIXED_RATES = {"png": 25.0}
"""Frames a second of formats that cannot say their rate: what readers take clips in them to have."""

WRITERS: Registry[ClipWriter] = Registry("clip format")


def write_clip(stem: Path, clip: SimulatedClip | ClipContent, patient: str, format_name: str) -> Path:
    """Write a clip beside `stem` in one of the formats of `WRITERS` and return its path.

    Raises
    ------
    DatasetError
        When the format is unknown or the folder cannot be written.
    """
    if format_name not in WRITERS:
        raise DatasetError(f"There is no clip format {format_name!r}: choose one of {', '.join(WRITERS)}.")
    content = clip if isinstance(clip, ClipContent) else _content_of(clip)
    try:
        return WRITERS[format_name](stem, content, patient)
    except OSError as fault:
        raise DatasetError(f"{stem.parent} cannot be written ({fault.strerror}): choose another folder.") from fault


def _content_of(clip: SimulatedClip) -> ClipContent:
    picture = clip.spec.picture
    region = (picture.border[0], picture.border[1], picture.width, picture.height)
    return ClipContent(clip.frames, clip.fps, clip.mm_per_px, region)


@WRITERS.register("avi")
def _avi(stem: Path, clip: ClipContent, patient: str) -> Path:
    del patient  # a movie file names nobody
    path = stem.with_name(stem.name + ".avi")
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        write_avi(part, clip.frames, clip.fps, comment=clip.edited)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path


@WRITERS.register("png")
def _png(stem: Path, clip: ClipContent, patient: str) -> Path:
    del patient
    part = stem.with_name(f".{stem.name}.{os.getpid()}.part")
    part.mkdir(parents=True)
    try:
        for k, frame in enumerate(clip.frames):
            _, data = cv2.imencode(".png", frame)
            (part / f"frame_{k}.png").write_bytes(_with_comment(data.tobytes(), clip.edited))
        part.replace(stem)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return stem


def _with_comment(png: bytes, comment: str) -> bytes:
    """Return a PNG file with a text chunk after its header (PNG specification, 11.3.4.3)."""
    if not comment:
        return png
    header_end = 8 + 25
    body = b"tEXtComment\0" + comment.encode("latin-1", "replace")
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return png[:header_end] + chunk + png[header_end:]


@WRITERS.register("dicom")
def _dicom(stem: Path, clip: ClipContent, patient: str) -> Path:
    path = stem.with_name(stem.name + ".dcm")
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        write_dicom(part, clip.frames, clip.fps, clip.mm_per_px, clip.region, patient, edited=clip.edited)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path
