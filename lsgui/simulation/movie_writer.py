"""Frames into a movie file, and through an encoder and back."""

import tempfile
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt


def through_encoder(frames: npt.NDArray[np.uint8], fps: float) -> npt.NDArray[np.uint8] | None:
    """Return the frames after MPEG-4 coding and decoding; None where this OpenCV has no such encoder."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        height, width = frames.shape[1:]
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), fps, (width, height), False)
        if not writer.isOpened():
            return None
        for frame in frames:
            writer.write(frame)
        writer.release()
        reader = cv2.VideoCapture(str(path))
        out = np.zeros_like(frames)
        for k in range(len(frames)):
            ok, picture = reader.read()
            if not ok:
                reader.release()
                return None
            out[k] = picture[:, :, 1]
        reader.release()
    return out
