"""An export in a process of its own: drawing, fonts and encoders hold up nobody's window, and stopping is at once.

The child asks for frames one by one, so that a clip is neither read again nor held twice; it makes the files in a
hidden folder, and this side puts them in their places when all are whole.
"""

import logging
import multiprocessing
import os
import shutil
import sys
import traceback
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from lsgui.core.clip import Clip, Frame
from lsgui.core.errors import CancelledError, LsguiError
from lsgui.core.spawning import no_main_module, step_back
from lsgui.export.bundle import Cancelled, Tell, make_files, put_files, ready, refused, staging
from lsgui.export.request import ExportedFile, ExportRequest, ExportResult
from lsgui.export.stamp import Stamp

log = logging.getLogger(__name__)

_POLL_S = 0.05
_GONE = "The export ended unexpectedly: try it again; details are in the log."


@dataclass(frozen=True, slots=True)
class _Wanted:
    index: int


@dataclass(frozen=True, slots=True)
class _Told:
    stage: str
    part: float


@dataclass(frozen=True, slots=True)
class _Made:
    files: tuple[ExportedFile, ...]
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Failed:
    """`sentence` is for the reader; empty for a fault of the program, which `details` describes."""

    sentence: str
    details: str = ""


def export_in_process(
    request: ExportRequest,
    tell: Tell = lambda _stage, _part: None,
    cancelled: Cancelled = lambda: False,
    stamp: Stamp | None = None,
) -> ExportResult:
    """Do what `run_export` does, in a child process.

    Raises
    ------
    CancelledError
        When `cancelled` says so: it is asked at least every 50 ms, and the child is ended at once.
    LsguiError
        As `run_export` raises it, or when the child died.
    """
    request, stamp = ready(request, stamp)
    with staging(request) as folder:
        made = _made_by_child(request, folder, stamp, tell, cancelled)
        if cancelled():
            raise CancelledError
        files = put_files(made.files, request)
    tell("Saved", 1.0)
    return ExportResult(files, made.left_out)


def _made_by_child(request: ExportRequest, folder: Path, stamp: Stamp, tell: Tell, cancelled: Cancelled) -> _Made:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    child = context.Process(target=_run_child, args=(theirs,), name="lsgui-export", daemon=True)
    try:
        with no_main_module():
            child.start()
        theirs.close()  # the child holds its end alone, so that its death is the end of the pipe
        ours.send((_portable(request), folder, stamp))
        return _served(ours, request, tell, cancelled)
    except (EOFError, BrokenPipeError, ConnectionResetError) as fault:
        child.join(1.0)
        log.warning("the export process ended with %s", child.exitcode)
        raise LsguiError(_GONE) from fault
    finally:
        ours.close()
        if child.pid is not None:
            child.kill()  # it is done, or of no use any more
            child.join()


def _served(ours: "Connection[Any, Any]", request: ExportRequest, tell: Tell, cancelled: Cancelled) -> _Made:
    """Give the child what it asks for until it is done."""
    while True:
        if cancelled():
            raise CancelledError
        if not ours.poll(_POLL_S):
            continue
        message = ours.recv()
        if isinstance(message, _Wanted):
            ours.send_bytes(np.ascontiguousarray(request.clip.frame(message.index)).reshape(-1).data)
        elif isinstance(message, _Told):
            tell(message.stage, message.part)
        elif isinstance(message, _Made):
            return message
        elif isinstance(message, _Failed):
            if message.sentence:
                raise LsguiError(message.sentence)
            log.warning("the export process failed\n%s", message.details)
            raise LsguiError(_GONE)


class _FramesElsewhere:
    """A `FrameStore` whose frames lie in the process that asked for the export."""

    def __init__(self, frames: int, height: int, width: int, source: "Connection[Any, Any] | None" = None) -> None:
        self._frames, self._shape = frames, (height, width)
        self._source = source

    def __len__(self) -> int:
        return self._frames

    def frame(self, index: int) -> Frame:
        """Ask for frame `index`."""
        if not 0 <= index < self._frames or self._source is None:
            raise IndexError(index)
        self._source.send(_Wanted(index))
        return np.frombuffer(self._source.recv_bytes(), np.uint8).reshape(self._shape)  # read-only, as bytes are


def _portable(request: ExportRequest) -> ExportRequest:
    """Return the request without its frames, in types that a pipe takes."""
    info = request.clip.info
    clip = Clip(info, _FramesElsewhere(len(request.clip), info.height, info.width))
    return replace(request, clip=clip, maps=dict(request.maps), file_names=dict(request.file_names))


def _run_child(source: "Connection[Any, Any]") -> None:
    """Make the files; runs in the child."""
    step_back()
    with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123  # a device, not a path of ours
        sys.stdout = sys.stderr = nowhere
        request, folder, stamp = source.recv()
        info = request.clip.info
        store = _FramesElsewhere(len(request.clip), info.height, info.width, source)
        request = replace(request, clip=Clip(info, store))
        try:
            made, left_out = make_files(
                request, folder, stamp, lambda stage, part: source.send(_Told(stage, part)), lambda: False
            )
            source.send(_Made(made, left_out))
        except LsguiError as fault:
            source.send(_Failed(str(fault)))
        except (EOFError, BrokenPipeError, ConnectionResetError):  # the window is gone: nothing stays behind
            shutil.rmtree(folder, ignore_errors=True)
        except OSError as fault:
            source.send(_Failed(refused(request, fault)))
        except Exception as fault:
            source.send(_Failed("", f"{type(fault).__name__}\n{''.join(traceback.format_tb(fault.__traceback__))}"))
            raise
