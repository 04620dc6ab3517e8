"""Simulated clips as files: folder of PNG frames, AVI, DICOM. One function a format, in one table."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2

from lsgui.core.errors import DatasetError
from lsgui.core.registry import Registry
from lsgui.simulation.clip import SimulatedClip
from lsgui.simulation.dicom_writer import write_dicom
from lsgui.simulation.movie_writer import write_avi

ClipWriter = Callable[[Path, SimulatedClip, str], Path]
"""Takes a path without suffix, a clip and a patient identifier; writes all or nothing and returns where."""

WRITERS: Registry[ClipWriter] = Registry("clip format")


def write_clip(stem: Path, clip: SimulatedClip, patient: str, format_name: str) -> Path:
    """Write a clip beside `stem` in one of the formats of `WRITERS` and return its path.

    Raises
    ------
    DatasetError
        When the format is unknown or the folder cannot be written.
    """
    if format_name not in WRITERS:
        raise DatasetError(f"There is no clip format {format_name!r}: choose one of {', '.join(WRITERS)}.")
    try:
        return WRITERS[format_name](stem, clip, patient)
    except OSError as fault:
        raise DatasetError(f"{stem.parent} cannot be written ({fault.strerror}): choose another folder.") from fault


@WRITERS.register("avi")
def _avi(stem: Path, clip: SimulatedClip, patient: str) -> Path:
    del patient  # a movie file names nobody
    path = stem.with_name(stem.name + ".avi")
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        write_avi(part, clip.frames, clip.fps)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path


@WRITERS.register("png")
def _png(stem: Path, clip: SimulatedClip, patient: str) -> Path:
    del patient
    part = stem.with_name(f".{stem.name}.{os.getpid()}.part")
    part.mkdir(parents=True)
    try:
        for k, frame in enumerate(clip.frames):
            _, data = cv2.imencode(".png", frame)
            (part / f"frame_{k}.png").write_bytes(data.tobytes())
        part.replace(stem)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return stem


@WRITERS.register("dicom")
def _dicom(stem: Path, clip: SimulatedClip, patient: str) -> Path:
    path = stem.with_name(stem.name + ".dcm")
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    left, top, _, _ = clip.spec.picture.border
    region = (left, top, clip.spec.picture.width, clip.spec.picture.height)
    try:
        write_dicom(part, clip.frames, clip.fps, clip.mm_per_px, region, patient)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path
