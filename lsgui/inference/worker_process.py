"""The worker's side of `ProcessSession`: what runs in the child process. Light at import: the engine brings torch."""

import contextlib
import os
import queue
import threading
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from lsgui.core.spawning import step_back, write_output_to
from lsgui.inference.plan import WorkerPlan, load_engine
from lsgui.inference.protocol import InferenceRequest

NO_MEMORY = 71
"""Exit status of a worker that had no memory for a request."""


@dataclass(frozen=True, slots=True)
class CannotStart:
    """The last words of a worker that could not warm up."""

    fault: str


@dataclass(frozen=True, slots=True)
class CancelCurrent:
    """Stop what runs."""


def send_request(requests: "Connection[Any, Any]", request: InferenceRequest) -> None:
    """Send a request with its frames as bare bytes behind it, one at a time.

    Pickling them would copy them and hold the window up; together they may be as large as the clip, so they are taken
    out of it on the way, and neither side ever holds a second copy.
    """
    shape = request.frames.shape
    requests.send(replace(request, frames=np.empty((shape[0], 0, 0), np.uint8), cut=None))
    requests.send(shape)
    for frame in request.frames if request.cut is None else request.cut:
        requests.send_bytes(np.ascontiguousarray(frame).reshape(-1).data)


def receive_request(requests: "Connection[Any, Any]") -> InferenceRequest | CancelCurrent:
    """Return what the owner says next: a request as `send_request` sends it, or a cancel."""
    message: InferenceRequest | CancelCurrent = requests.recv()
    if isinstance(message, CancelCurrent):
        return message
    frames = np.empty(requests.recv(), np.uint8)
    for frame in frames:
        requests.recv_bytes_into(frame.reshape(-1).data)
    frames.setflags(write=False)
    return replace(message, frames=frames)


def run_worker(requests: "Connection[Any, Any]", events: "Connection[Any, Any]", plan: WorkerPlan, log: str) -> None:
    """Serve requests until the owner closes the pipe or dies.

    Parameters
    ----------
    requests
        `InferenceRequest` and `CancelCurrent` come in here.
    events
        `InferenceEvent` go out here.
    log
        File that takes everything the process writes to its standard output and error.
    """
    write_output_to(Path(log))
    step_back()
    inbox: queue.SimpleQueue[InferenceRequest] = queue.SimpleQueue()
    cancelled = threading.Event()
    threading.Thread(target=_listen, args=(requests, inbox, cancelled, log), name="listener", daemon=True).start()
    try:
        engine = load_engine(plan)
        events.send(engine.warm_up())
    except Exception as fault:
        events.send(CannotStart(f"{type(fault).__name__}: {fault}"))
        raise
    while True:
        engine.run(inbox.get(), events.send, cancelled.is_set)


def _listen(
    requests: "Connection[Any, Any]",
    inbox: "queue.SimpleQueue[InferenceRequest]",
    cancelled: threading.Event,
    log: str,
) -> None:
    # Its own thread: a cancel is heard while a network runs, and the process never outlives its owner.
    try:
        while True:
            message = receive_request(requests)
            if isinstance(message, CancelCurrent):
                cancelled.set()
            else:
                cancelled.clear()
                inbox.put(message)
            del message  # not to hold its frames while waiting for the next
    except (EOFError, OSError):
        with contextlib.suppress(OSError):
            Path(log).unlink()  # an owner that crashed cannot
        os._exit(0)
    except MemoryError:
        os._exit(NO_MEMORY)
    finally:
        os._exit(70)
