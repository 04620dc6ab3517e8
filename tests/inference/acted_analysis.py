"""An analysis that does what the clip's name says. Loaded by name, in this process and in real child processes."""

import multiprocessing
import os
import sys
import time
from typing import Any

import numpy as np

from lsgui.core.errors import CancelledError, DeviceError, ModelError
from lsgui.core.label import SlidingLabel
from lsgui.core.motion_map import MotionMap
from lsgui.core.pleura import PleuralROI
from lsgui.core.prediction import ModelRef, Prediction, WindowScore
from lsgui.inference.device import Device
from lsgui.inference.protocol import InferenceRequest, MotionReady, Progress, WindowScored

PLAN_NAME = "acted_analysis"


class OutOfMemoryError(RuntimeError):
    """Called as torch's own is."""


def request(
    number: int, what: str, *, frames: Any = None, device: Any = "auto", wanted: Any = "verdict"
) -> InferenceRequest:
    """A small request whose clip name tells `act` what to do."""
    pixels = np.zeros((6, 8, 10), np.uint8) if frames is None else frames
    return InferenceRequest(
        id=number,
        clip=what,
        frames=pixels,
        origin=(3, 4),
        frame_size=(640, 480),
        times_s=np.arange(len(pixels)) / 25.0,
        mm_per_px=0.2,
        calibrated=True,
        roi=PleuralROI.single(0, [[1, 2], [9, 3]]),
        model_id="motion",
        device=device,
        seconds=(("read", 0.25),),
        wanted=wanted,
    )


def prediction(asked: InferenceRequest, device: str) -> Prediction:
    """An answer that carries something of the request, so that a mix-up would show."""
    return Prediction(
        clip=asked.clip,
        label=SlidingLabel.LS_P,
        p_absent=float(asked.frames.mean()) / 255.0,
        p_absent_interval=(0.0, 1.0),
        threshold=0.5,
        threshold_source="test",
        model=ModelRef(asked.model_id, "1", ""),
        motion_index=None,
        motion_interval=None,
        roi=asked.roi,
        windows=(),
        segments=(),
        ribbon=None,
        quality=(),
        band_ratio=None,
        wall_correlation=None,
        device=device,
        seconds=dict(asked.seconds),
    )


def act(asked: InferenceRequest, emit: Any, cancelled: Any, device: str) -> Prediction:
    """Do what the first word of the clip's name says; the second is a number."""
    what, _, number = asked.clip.partition(" ")
    _ACTS[what](asked, emit, cancelled, device, float(number or 0))
    return prediction(asked, device)


def draw(asked: InferenceRequest, emit: Any, cancelled: Any, device: str) -> None:
    """Do the same for a request that wants a map; "drawn" emits a map that carries where it was made."""
    act(asked, emit, cancelled, device)


def _drawn(asked: InferenceRequest, emit: Any, _cancelled: Any, device: str, _number: float) -> None:
    emit(Progress(asked.id, 0.4, "Drawing"))
    values = np.ones((2, 3, 4), np.float32)
    note = f"{asked.wanted} by {asked.flow.method} on {device}"
    emit(MotionReady(asked.id, MotionMap("flow", values, np.array([0.0, 1.0]), 20.0, "mm/s", 0.0, 5.0, note=note)))


def _windows(asked: InferenceRequest, emit: Any, _cancelled: Any, _device: str, count: float) -> None:
    for k in range(int(count)):
        emit(Progress(asked.id, k / count, "Scoring"))
        emit(WindowScored(asked.id, WindowScore(k, k + 2, 0.25)))
    values = np.ones((2, 3, 4), np.float32)
    emit(MotionReady(asked.id, MotionMap("flow", values, np.array([0.0, 1.0]), 20.0, "mm/s", 0.0, 5.0)))


def _patient(asked: InferenceRequest, emit: Any, cancelled: Any, _device: str, seconds: float) -> None:
    emit(Progress(asked.id, 0.0, "Working"))
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if cancelled():
            raise CancelledError
        time.sleep(0.01)


def _deaf(asked: InferenceRequest, emit: Any, _cancelled: Any, _device: str, seconds: float) -> None:
    emit(Progress(asked.id, 0.0, "Working"))
    time.sleep(seconds)
    emit(WindowScored(asked.id, WindowScore(0, 2, 0.5)))


def _die(asked: InferenceRequest, emit: Any, _cancelled: Any, _device: str, _number: float) -> None:
    emit(Progress(asked.id, 0.0, "About to die"))
    if multiprocessing.parent_process() is None:
        raise SystemExit(3)
    os._exit(3)


def _abort(*_: Any) -> None:
    assert multiprocessing.parent_process() is not None
    os.abort()


def _refuse(*_: Any) -> None:
    raise ModelError("The model refuses: choose another one.")


def _break(*_: Any) -> None:
    raise ZeroDivisionError("by nothing")


def _no_gpu(*_: Any) -> None:
    raise DeviceError("No device: choose cpu.")


def _full_gpu(asked: InferenceRequest, emit: Any, _cancelled: Any, device: str, _number: float) -> None:
    emit(WindowScored(asked.id, WindowScore(0, 2, 0.25)))
    if device == "cuda":
        raise OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
    emit(WindowScored(asked.id, WindowScore(2, 4, 0.25)))


def _full_memory(*_: Any) -> None:
    raise RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory: 9 bytes")


def _lost_gpu(_asked: InferenceRequest, _emit: Any, _cancelled: Any, device: str, _number: float) -> None:
    if device == "cuda":
        raise RuntimeError("CUDA error: device-side assert triggered\nmore words")


def _talk(*_: Any) -> None:
    sys.stdout.write("on standard output\n")
    sys.stderr.write("on standard error\n")
    os.write(1, b"on descriptor 1\n")
    os.write(2, b"on descriptor 2\n")


_ACTS = {
    "windows": _windows,
    "drawn": _drawn,
    "patient": _patient,
    "deaf": _deaf,
    "die": _die,
    "abort": _abort,
    "refuse": _refuse,
    "break": _break,
    "no_gpu": _no_gpu,
    "full_gpu": _full_gpu,
    "full_memory": _full_memory,
    "lost_gpu": _lost_gpu,
    "talk": _talk,
}


def fake_devices(choice: str, _threads: int | None) -> Device:
    """A machine whose GPU is there but is chosen only when asked for; "auto" is the processor."""
    return Device("cuda", "A GPU") if choice == "cuda" else Device("cpu", "CPU, 1 thread")


def unloadable(_choice: str, _threads: int | None) -> Device:
    """A machine on which torch cannot be loaded."""
    raise OSError("a library of torch is missing")


def slow_to_load(_choice: str, _threads: int | None) -> Device:
    """A machine on which torch takes its time to be loaded."""
    time.sleep(0.6)
    return Device("cpu", "CPU, 1 thread")
