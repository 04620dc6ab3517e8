"""What the window and the worker say to each other. No torch here: both sides import this file."""

from dataclasses import dataclass, replace
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from lsgui.core.clip import ClipCut
from lsgui.core.motion_map import MotionMap
from lsgui.core.pleura import PleuralROI
from lsgui.core.prediction import Prediction, QualityFlag, WindowScore

DeviceChoice = Literal["auto", "cpu", "cuda"]
FlowMethod = Literal["dis", "raft"]
Wanted = Literal["verdict", "flow", "focus"]


@dataclass(frozen=True, slots=True)
class FlowChoice:
    """How flow is measured.

    Attributes
    ----------
    method
        "dis": dense inverse search, at once; "raft": the network RAFT, which takes its time.
    step
        Frames between the two of a pair, 1 to 3; 0: as many as lie about 0.1 s apart.
    raft_weights
        File of RAFT weights; empty for those that ship.
    """

    method: FlowMethod = "dis"
    step: int = 0
    raft_weights: str = ""


USUAL_FLOW = FlowChoice()


@dataclass(frozen=True, slots=True, eq=False)
class InferenceRequest:
    """All that a worker needs to judge one clip, or to make one map of it.

    Attributes
    ----------
    id
        Rises with every request of a session; events carry it, so that a stale answer can be dropped.
    clip
        File name of the clip (no folder).
    frames
        (T, h, w) uint8: the clip, or the box of it that the model's input needs.
    origin
        (x, y) of the box's corner in pixels of the file.
    frame_size
        (width, height) of the whole frame.
    times_s
        (T,) float64 moments in seconds.
    mm_per_px, calibrated
        Isotropic scale of the picture, and whether the file said it (else it was estimated).
    roi
        The pleural line in pixels of the file.
    model_id, device
        What to run, a model's id or the folder of its card, and where.
    quality
        Flags already raised while reading.
    seconds
        Time spent so far by stage ("read", "roi").
    scan_box
        (x, y, width, height) of the scan area in pixels of the file, for models that see all of it; None for others.
    wanted
        "verdict": the verdict with its maps. "flow", "focus": that map alone, for a clip whose verdict is known.
    flow
        How flow is measured; a verdict's own flow map takes the step and is always made by dense inverse search.
    cut
        Where the frames still lie in the clip, for a session to take them out; `frames` is then a stand-in of their
        shape that takes no memory. None in a request that reaches the working side.
    """

    id: int
    clip: str
    frames: npt.NDArray[np.uint8]
    origin: tuple[int, int]
    frame_size: tuple[int, int]
    times_s: npt.NDArray[np.float64]
    mm_per_px: float
    calibrated: bool
    roi: PleuralROI
    model_id: str
    device: DeviceChoice = "auto"
    quality: tuple[QualityFlag, ...] = ()
    seconds: tuple[tuple[str, float], ...] = ()
    scan_box: tuple[int, int, int, int] | None = None
    wanted: Wanted = "verdict"
    flow: FlowChoice = USUAL_FLOW
    cut: ClipCut | None = None

    def with_frames(self) -> "InferenceRequest":
        """Return the request with its frames taken out of the clip."""
        return self if self.cut is None else replace(self, frames=self.cut.stack(), cut=None)


@dataclass(frozen=True, slots=True)
class WorkerReady:
    """The worker is warm. `device` is "cpu" or "cuda"; `device_name` is for people; `note` says of a fallback."""

    device: str
    device_name: str
    torch_version: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class WorkerRestarting:
    """The worker died or was ended and a new one is starting; `reason` is one sentence."""

    reason: str


@dataclass(frozen=True, slots=True)
class WorkerStopped:
    """The worker died again and again and is not started any more until the next request; `reason` is one sentence."""

    reason: str


@dataclass(frozen=True, slots=True)
class Progress:
    """Work goes on: `fraction` in 0..1, `stage` in words ("Following the chest wall")."""

    id: int
    fraction: float
    stage: str


@dataclass(frozen=True, slots=True)
class WindowScored:
    """One window has its probability; the ribbon can grow."""

    id: int
    window: WindowScore


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the reader should know though the work goes on, such as a fall back from GPU to CPU."""

    id: int
    sentence: str


@dataclass(frozen=True, slots=True, eq=False)
class MotionReady:
    """A heat map is ready to be laid over the clip."""

    id: int
    motion_map: MotionMap


@dataclass(frozen=True, slots=True, eq=False)
class Finished:
    """The verdict."""

    id: int
    prediction: Prediction


@dataclass(frozen=True, slots=True)
class MapDone:
    """A map that was wanted by itself has come, or cannot be made of so short a clip; there is no verdict."""

    id: int


@dataclass(frozen=True, slots=True)
class Failed:
    """The work ended without what was wanted: one sentence for the reader, `details` for the log."""

    id: int
    sentence: str
    details: str = ""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The work stopped because it was asked to, or because a newer request took its place."""

    id: int


InferenceEvent = (
    WorkerReady
    | WorkerRestarting
    | WorkerStopped
    | Progress
    | WindowScored
    | Notice
    | MotionReady
    | Finished
    | MapDone
    | Failed
    | Cancelled
)


class InferenceSession(Protocol):
    """Runs requests one at a time, newest first.

    Contract, held by one test suite over all implementations:

    - `start` returns at once; a `WorkerReady` event follows when torch and the device are warm.
    - `submit` returns at once. One slot waits: a newer request cancels the running one and replaces a waiting one,
      which ends with `Cancelled`. Every submitted request ends with exactly one of `Finished` (a verdict), `MapDone` (a
      map by itself), `Failed`, `Cancelled`.
    - `cancel(id)` is acted on within a second; an id that is not running or waiting is ignored.
    - `poll(timeout_s)` returns the next event, or None after `timeout_s` seconds; `poll(None)` waits without end.
      `wake` makes a poll that waits, or else the next one, return None at once: who waits uses no processor time.
    - Events of one request come in order; nothing follows its end.
    - A worker that dies ends its request with `Failed`, is restarted, and takes the next request. After three deaths
      in a row without an answer it stays down: `WorkerStopped`, until the next `submit` starts it again.
    - `close` ends the worker within 3 seconds, may be called twice, and no event follows.
    - All methods may be called from one thread that is not the worker's; `wake` from any.
    """

    def start(self) -> None:
        """Start the worker."""
        ...

    def submit(self, request: InferenceRequest) -> None:
        """Queue a request; it replaces any other."""
        ...

    def cancel(self, request_id: int) -> None:
        """Stop a running or waiting request."""
        ...

    def poll(self, timeout_s: float | None) -> InferenceEvent | None:
        """Return the next event, or None."""
        ...

    def wake(self) -> None:
        """Let a waiting `poll` return."""
        ...

    def close(self) -> None:
        """End the worker."""
        ...
