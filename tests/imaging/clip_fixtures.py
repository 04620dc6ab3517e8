"""Clips of known content for the imaging tests, and the real ones with the lines drawn on them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from lsgui.core.clip import Clip, ClipInfo, MemoryFrames
from lsgui.core.pleura import PleuralROI
from lsgui.readers.base import open_clip

Frames = npt.NDArray[np.uint8]


@pytest.fixture(scope="session")
def make_clip() -> Callable[..., Clip]:
    """Return a function that wraps frames as a clip: `make_clip(frames, fps=25.0, **fields of ClipInfo)`."""

    def make(frames: Frames, fps: float = 25.0, **fields: Any) -> Clip:
        count, height, width = frames.shape
        source = fields.pop("fps_source", "container")
        info = ClipInfo(Path("made.avi"), "movie", count, width, height, fps, source, **fields)
        return Clip(info, MemoryFrames(frames))

    return make


@pytest.fixture(scope="session")
def live_noise() -> Callable[[int, int, int], Frames]:
    """Return a function that makes speckle that changes from frame to frame: `live_noise(frames, height, width)`."""

    def make(count: int, height: int, width: int) -> Frames:
        rng = np.random.default_rng(7)
        noise = rng.normal(70.0, 25.0, (count, height, width)).astype(np.float32)
        smooth = [np.clip(cv2.GaussianBlur(frame, (0, 0), 1.2) * 2.0 - 70.0, 5, 250) for frame in noise]
        return np.stack(smooth).astype(np.uint8)

    return make


@pytest.fixture(scope="session")
def shared_clip(shared_clips: Path) -> Callable[[str], Clip]:
    """Return a function that opens one of the real clips, each read once: `shared_clip(name)`."""
    opened: dict[str, Clip] = {}

    def find(name: str) -> Clip:
        if name not in opened:
            opened[name] = open_clip(shared_clips / name)
        return opened[name]

    return find


@pytest.fixture(scope="session")
def drawn_roi(shared_clips: Path) -> Callable[[str], PleuralROI]:
    """Return a function that gives the line drawn by hand on a real clip: `drawn_roi(name)`."""
    entries = json.loads((shared_clips / "pleura.json").read_text())

    def find(name: str) -> PleuralROI:
        lines = entries[name].get("keyframes") or {str(entries[name]["frame"]): entries[name]["polyline"]}
        return PleuralROI(tuple((int(frame), line) for frame, line in lines.items()))

    return find
