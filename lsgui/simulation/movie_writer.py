"""Frames into a movie file, and through an encoder and back."""

import struct
import tempfile
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

Frames = npt.NDArray[np.uint8]

_HAS_INDEX = 0x10
_KEY_FRAME = 0x10


def write_avi(path: Path, frames: Frames, fps: float, quality: int = 92, comment: str = "") -> None:
    """Write frames (T, H, W) as grey Motion JPEG in AVI, which every player reads.

    The container is written here and not by an encoder library, so that the same frames give the same bytes
    everywhere. A comment goes into the file's list of information.

    Raises
    ------
    OSError
        When the file cannot be written.
    """
    coded = []
    for frame in frames:
        _, data = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, quality])
        coded.append(data.tobytes())
    rate = Fraction(fps).limit_denominator(10_000)
    height, width = frames.shape[1:]
    size = (width, height)
    largest = max(map(len, coded))
    main = struct.pack(
        "<14I", round(1e6 / fps), largest * round(fps), 0, _HAS_INDEX, len(coded), 0, 1, largest, *size, 0, 0, 0, 0
    )
    timing = (rate.denominator, rate.numerator, 0, len(coded))
    stream = b"vidsMJPG" + struct.pack("<IHHI4IIiI4H", 0, 0, 0, 0, *timing, largest, -1, 0, 0, 0, *size)
    picture = struct.pack("<IiiHH4sIiiII", 40, width, height, 1, 24, b"MJPG", width * height * 3, 0, 0, 0, 0)
    header = _list(b"hdrl", _chunk(b"avih", main) + _list(b"strl", _chunk(b"strh", stream) + _chunk(b"strf", picture)))
    body, index, offset = [], [], 4
    for jpeg in coded:
        index.append(struct.pack("<4sIII", b"00dc", _KEY_FRAME, offset, len(jpeg)))
        body.append(_chunk(b"00dc", jpeg))
        offset += len(body[-1])
    if comment:
        header += _list(b"INFO", _chunk(b"ICMT", comment.encode("latin-1", "replace") + b"\0"))
    content = header + _list(b"movi", b"".join(body)) + _chunk(b"idx1", b"".join(index))
    path.write_bytes(b"RIFF" + struct.pack("<I", len(content) + 4) + b"AVI " + content)


def _chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def _list(name: bytes, data: bytes) -> bytes:
    return b"LIST" + struct.pack("<I", len(data) + 4) + name + data


def through_encoder(frames: Frames, fps: float) -> Frames | None:
    """Return the frames after MPEG-4 coding and decoding; None where this OpenCV has no such encoder."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        height, width = frames.shape[1:]
        writer = cv2.VideoWriter(
            str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"mp4v"), fps, (width, height), False
        )
        if not writer.isOpened():
            return None
        for frame in frames:
            writer.write(frame)
        writer.release()
        reader = cv2.VideoCapture(str(path))
        decoded = [picture for ok, picture in (reader.read() for _ in frames) if ok]
        reader.release()
    if len(decoded) != len(frames):
        return None
    return np.asarray(np.stack([picture[:, :, 1] for picture in decoded]), dtype=np.uint8)
