"""A session that does what the test says, small clips in files, and waiting for what the window does."""

import queue
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from evidence_samples import prediction
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from lsgui.core.motion_map import MotionMap
from lsgui.core.pleura import PleuralROI
from lsgui.core.prediction import Prediction, WindowScore
from lsgui.gui.app import Review
from lsgui.inference.protocol import (
    Cancelled,
    Failed,
    Finished,
    InferenceEvent,
    InferenceRequest,
    MapDone,
    MotionReady,
    Progress,
    WindowScored,
    WorkerReady,
)
from lsgui.review.state import LoadPhase


class ToldSession:
    """An `InferenceSession` that answers when the test says so. Keeps what it was asked."""

    def __init__(self) -> None:
        self.requests: list[InferenceRequest] = []
        self.cancelled: list[int] = []
        self.events: queue.Queue[InferenceEvent | None] = queue.Queue()
        self.closed = False

    def start(self) -> None:
        self.events.put(WorkerReady("cpu", "CPU, 2 threads", "2.9.0", ""))

    def submit(self, request: InferenceRequest) -> None:
        for former in self.running():
            self.events.put(Cancelled(former))
            self.cancelled.append(former)
        self.requests.append(request)
        self.events.put(Progress(request.id, 0.2, "Following the chest wall"))
        self.events.put(WindowScored(request.id, WindowScore(0, 20, 0.1)))

    def cancel(self, request_id: int) -> None:
        if request_id in self.running():
            self.cancelled.append(request_id)
            self.events.put(Cancelled(request_id))

    def poll(self, timeout_s: float | None) -> InferenceEvent | None:
        try:
            return self.events.get(block=timeout_s != 0, timeout=timeout_s or None)
        except queue.Empty:
            return None

    def wake(self) -> None:
        self.events.put(None)

    def close(self) -> None:
        self.closed = True

    # What the test says

    def running(self) -> list[int]:
        return [request.id for request in self.requests[-1:] if request.id not in self.cancelled]

    def finish(self, request_id: int | None = None, verdict: Prediction | None = None) -> None:
        number = self.requests[-1].id if request_id is None else request_id
        self.events.put(Finished(number, verdict or replace(prediction(), clip="told")))

    def draw(self, motion_map: MotionMap, request_id: int | None = None) -> None:
        number = self.requests[-1].id if request_id is None else request_id
        self.events.put(MotionReady(number, motion_map))
        self.events.put(MapDone(number))

    def tell(self, fraction: float) -> None:
        self.events.put(Progress(self.requests[-1].id, fraction, "Computing"))

    def fail(self, sentence: str) -> None:
        self.events.put(Failed(self.requests[-1].id, sentence))


def write_clip(path: Path, frames: int = 40, fps: float = 20.0, size: tuple[int, int] = (160, 120)) -> Path:
    """Write a clip in which frame k carries its number as a grey, with a bright line that the finder may find."""
    width, height = size
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), fps, size)
    noise = np.random.default_rng(1)
    for k in range(frames):
        picture = noise.integers(20, 60, (height, width), dtype=np.uint8)
        picture[height // 2 - 2 : height // 2 + 2] = 230
        picture[:10, :40] = 40 + 4 * k
        writer.write(cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR))
    writer.release()
    return path


def until(qtbot: Any, done: Callable[[], bool]) -> None:
    """Wait for something that takes a moment; a busy machine may take many."""
    qtbot.waitUntil(done, timeout=120_000)


def open_clip_in(review: Review, qtbot: Any, *paths: Path) -> None:
    """Open clips and wait until the first is decoded and its scale is known."""
    review.controller.open_paths(list(paths))
    until(qtbot, lambda: is_complete(review) and review.controller.state.clip.mm_per_px is not None)


def is_complete(review: Review) -> bool:
    clip = review.controller.state.clip
    return clip is not None and clip.phase is LoadPhase.COMPLETE


def press(review, key, modifier=Qt.KeyboardModifier.NoModifier) -> None:
    QTest.keyClick(review.window, key, modifier)


def draw(review, y: float = 60.0) -> PleuralROI:
    line = PleuralROI.single(0, [[20, y], [80, y + 2], [140, y]])
    review.window.clip_view.roiDrawn.emit(line)
    return line


def approve_mask(review: Review, qtbot: Any, who: str = "R9") -> None:
    """Wait until the window asks for a mask, look at it, and approve."""
    from lsgui.gui.mask_dialog import MaskDialog

    until(qtbot, lambda: isinstance(review.window.commands.dialog, MaskDialog))
    dialog = review.window.commands.dialog
    dialog.who.setText(who)
    assert not dialog.approve.isEnabled()
    dialog.confirm.setChecked(True)
    dialog.approve.click()
