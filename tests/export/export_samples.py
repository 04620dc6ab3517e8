"""A clip with a name burned in above the scan, its verdict and its reading, to be exported."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import cv2
import numpy as np

from lsgui.core.clip import Clip, ClipInfo, MemoryFrames
from lsgui.core.interval import IntervalMark
from lsgui.core.label import ReaderLabel, SlidingLabel
from lsgui.core.motion_map import MotionMap
from lsgui.core.pleura import PleuralROI
from lsgui.core.prediction import ModelRef, Prediction, QualityFlag, Ribbon, SegmentScore, WindowScore
from lsgui.core.reading import OverrideNote, ReadingRecord, Tag
from lsgui.export.mask import PixelMask
from lsgui.export.request import ExportKind, ExportRequest

WIDTH, HEIGHT, FRAMES, FPS = 240, 180, 24, 12.0
HASH = "1a2b3c4d" + "0" * 56
HEADER = 24
"""Rows at the top that carry the burned-in name."""
NAME = "NOVAK JAN 1961"


def named_clip(frames: int = FRAMES, width: int = WIDTH, height: int = HEIGHT, **info: Any) -> Clip:
    """Speckle that moves below a bright line; a name in white above it."""
    rng = np.random.default_rng(3)
    stack = rng.integers(20, 70, (frames, height, width), dtype=np.uint8)
    stack[:, height // 2 - 2 : height // 2 + 2] = 210
    stack[:, :HEADER] = 0
    for frame in stack:
        cv2.putText(frame, NAME, (4, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 255, 1)
    facts = ClipInfo(Path("NOVAK_JAN.mp4"), "movie", frames, width, height, FPS, "container")
    return Clip(replace(facts, **info), MemoryFrames(stack))


def mask_of(clip: Clip) -> PixelMask:
    return PixelMask(((0, 0, clip.info.width, HEADER),), clip.info.width, clip.info.height)


def line_of(clip: Clip) -> PleuralROI:
    y, width = clip.info.height / 2, clip.info.width
    return PleuralROI.single(0, [[0.2 * width, y], [0.5 * width, y + 2], [0.8 * width, y]])


def heat_of(clip: Clip) -> MotionMap:
    values = np.full((2, 6, 16), 0.4, dtype=np.float32)
    return MotionMap("speckle_change", values, np.array([0.0, clip.info.duration_s]), 30.0, "", 0.0, 0.5)


def verdict_of(clip: Clip, label: SlidingLabel = SlidingLabel.LS_A, **changes: Any) -> Prediction:
    p = {SlidingLabel.LS_P: 0.1, SlidingLabel.LS_A: 0.9, SlidingLabel.CANNOT_ASSESS: 0.5}[label]
    frames = clip.info.frames
    made = Prediction(
        clip=clip.info.path.name,
        label=label,
        p_absent=p,
        p_absent_interval=(p - 0.05, p + 0.05),
        threshold=0.4,
        threshold_source="chosen on held-out patients",
        model=ModelRef("cmwru-strip", "1.2", "ab" * 32, "Strip network", "simulated and edited clips"),
        motion_index=0.21,
        motion_interval=(0.1, 0.3),
        roi=line_of(clip),
        windows=(WindowScore(0, frames // 2, p), WindowScore(frames // 2, frames, p - 0.05)),
        segments=(SegmentScore(0.0, 0.5, p), SegmentScore(0.5, 1.0, p)),
        ribbon=Ribbon(
            np.array([[p, p - 0.02], [np.nan, p - 0.05]], dtype=np.float32),
            np.array([0, frames // 2]),
            np.array([frames // 2, frames]),
        ),
        quality=(QualityFlag.SCALE_ESTIMATED,),
        band_ratio=4.2,
        wall_correlation=0.96,
        device="cpu",
        seconds={"inference": 0.5},
    )
    return replace(made, **changes)


def reading_of(clip: Clip, **changes: Any) -> ReadingRecord:
    said = ReadingRecord(
        HASH,
        clip.info.path.name,
        "R2",
        1,
        ReaderLabel.LS_P,
        datetime(2026, 11, 23, 14, 2, 11, tzinfo=UTC),
        blind=True,
        intervals=(IntervalMark("a", 0, clip.info.frames // 2, ReaderLabel.LS_P),),
        tags=frozenset({Tag.A_LINES}),
        confidence=3,
        comment="Second space on the right.",
        override=OverrideNote(SlidingLabel.LS_A, "cmwru-strip 1.2", "seen in the M-mode"),
    )
    return replace(said, **changes)


def request_for(folder: Path, *kinds: ExportKind, clip: Clip | None = None, **changes: Any) -> ExportRequest:
    """All that there is of a clip: mask, line, verdict, map and reading."""
    clip = clip or named_clip()
    made = ExportRequest(
        clip=clip,
        content_hash=HASH,
        kinds=kinds or tuple(ExportKind),
        folder=folder,
        mask=mask_of(clip),
        roi=line_of(clip),
        prediction=verdict_of(clip),
        maps=MappingProxyType({"speckle_change": heat_of(clip)}),
        record=reading_of(clip),
        mm_per_px=0.25,
    )
    return replace(made, **changes)


def rows_like_text(picture: np.ndarray) -> int:
    """Pixels as white as the burned-in name is."""
    return int((picture > 235).all(axis=-1).sum()) if picture.ndim == 3 else int((picture > 235).sum())
