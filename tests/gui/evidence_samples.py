"""States with a real or a drawn clip, a line, maps and a verdict, for the tests of the evidence widgets."""

from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from lsgui.core.clip import ClipInfo, MemoryFrames
from lsgui.core.label import SlidingLabel
from lsgui.core.motion_map import MotionMap
from lsgui.core.pleura import PleuralROI, read_roi_file
from lsgui.core.prediction import ModelRef, Prediction, QualityFlag, Ribbon, SegmentScore, WindowScore
from lsgui.readers.base import open_clip
from lsgui.review.state import (
    Analysis,
    AnalysisPhase,
    LoadedClip,
    LoadPhase,
    OverlaySwitch,
    Playback,
    ReviewState,
    RoiPhase,
    Worker,
    WorkerPhase,
)

WIDTH, HEIGHT, FRAMES, FPS = 200, 150, 40, 20.0
LINE = [[40.0, 60.0], [100.0, 64.0], [160.0, 60.0]]
SEGMENTS = 4


def drawn_clip(path: Path = Path("drawn.mp4"), **changes: Any) -> LoadedClip:
    """A clip whose frame k is all of grey k, with a white row where the pleural line lies."""
    frames = np.repeat(np.arange(FRAMES, dtype=np.uint8), WIDTH * HEIGHT).reshape(FRAMES, HEIGHT, WIDTH)
    frames[:, 60:64] = 255
    info = ClipInfo(path, "movie", FRAMES, WIDTH, HEIGHT, FPS, "container")
    clip = LoadedClip(path, LoadPhase.COMPLETE, info, MemoryFrames(frames), FRAMES, mm_per_px=0.25)
    return replace(clip, **changes)


def real_clip(folder: Path, name: str) -> LoadedClip:
    clip = open_clip(folder / name)
    return LoadedClip(clip.info.path, LoadPhase.COMPLETE, clip.info, clip.store, len(clip), mm_per_px=0.25)


def real_line(folder: Path, name: str) -> PleuralROI:
    return read_roi_file(folder / "pleura.json", name)


def motion_map(quantity: Any = "speckle_change", value: float = 0.4) -> MotionMap:
    """Two moments of one value everywhere, nothing in the last quarter of the line; flow is 1.6 mm/s along it."""
    values = np.full((2, 6, 16), value, dtype=np.float32)
    values[:, :, 12:] = np.nan
    unit = "mm/s" if quantity == "flow" else ""
    vectors = None
    if quantity == "flow":
        vectors = np.broadcast_to(np.float32([1.6, 0.0]), (2, 3, 8, 2)).copy()
        vectors[:, :, 6:] = np.nan
    return MotionMap(quantity, values, np.array([0.0, FRAMES / FPS]), 30.0, unit, 0.0, 0.5, vectors)


def prediction(label: SlidingLabel = SlidingLabel.LS_P, **changes: Any) -> Prediction:
    """A verdict from two windows with a gap between them, four stretches of pleura."""
    p = {SlidingLabel.LS_P: 0.1, SlidingLabel.LS_A: 0.9, SlidingLabel.CANNOT_ASSESS: 0.5}[label]
    windows = (WindowScore(0, 15, p), WindowScore(25, FRAMES, p))
    segments = tuple(SegmentScore(k / SEGMENTS, (k + 1) / SEGMENTS, p) for k in range(SEGMENTS))
    ribbon = Ribbon(
        np.full((2, SEGMENTS), p, dtype=np.float32),
        np.array([w.start for w in windows]),
        np.array([w.stop for w in windows]),
    )
    made = Prediction(
        clip="drawn.mp4",
        label=label,
        p_absent=p,
        p_absent_interval=(p - 0.05, p + 0.05),
        threshold=0.4,
        threshold_source="chosen on held-out patients",
        model=ModelRef("cmwru-strip", "1.2", "a" * 64, "Strip network", "simulated and edited clips"),
        motion_index=0.81,
        motion_interval=(0.7, 0.9),
        roi=None,
        windows=windows,
        segments=segments,
        ribbon=ribbon,
        quality=(QualityFlag.SCALE_ESTIMATED,),
        band_ratio=4.2,
        wall_correlation=0.96,
        device="cpu",
        seconds={"strip": 0.2, "inference": 0.5},
    )
    return replace(made, **changes)


def analysed(label: SlidingLabel = SlidingLabel.LS_P, **changes: Any) -> Analysis:
    verdict = prediction(label)
    maps = MappingProxyType({"speckle_change": motion_map(), "flow": motion_map("flow")})
    done = Analysis(AnalysisPhase.DONE, 1, 1.0, windows=verdict.windows, prediction=verdict, maps=maps)
    return replace(done, **changes)


def review(**changes: Any) -> ReviewState:
    """The drawn clip with a line drawn on it, not analysed, standing at frame 0 and warm."""
    roi = PleuralROI.single(0, LINE)
    worker = Worker(WorkerPhase.READY, "cpu", "CPU, 2 threads")
    state = ReviewState(
        selected=0, clip=drawn_clip(), roi=roi, roi_phase=RoiPhase.SET, playback=Playback(), worker=worker
    )
    return replace(state, **changes)


def switched(state: ReviewState, **switches: OverlaySwitch) -> ReviewState:
    return replace(state, overlays=MappingProxyType({**state.overlays, **switches}))


def all_off(state: ReviewState) -> ReviewState:
    return switched(state, **{name: OverlaySwitch(shown=False) for name in state.overlays})


def pixels(image: Any) -> np.ndarray:
    """A QImage as (height, width, 3) uint8 red, green, blue, at its device size."""
    from PySide6.QtGui import QImage

    rgb = image.convertToFormat(QImage.Format.Format_RGB888)
    flat = np.frombuffer(rgb.constBits(), dtype=np.uint8).reshape(rgb.height(), rgb.bytesPerLine())
    return flat[:, : rgb.width() * 3].reshape(rgb.height(), rgb.width(), 3).copy()


def near(found: np.ndarray, colour: str, reach: int = 40) -> np.ndarray:
    """Where a picture has about a colour, (height, width) bool."""
    from PySide6.QtGui import QColor

    wanted = np.array(QColor(colour).getRgb()[:3])
    return np.abs(found.astype(int) - wanted).max(axis=2) <= reach
