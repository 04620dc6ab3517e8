"""The child's side of `DecoderProcess`: hears requests, does them one after the other, and ends with its owner."""

import contextlib
import importlib
import logging
import os
import queue
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from importlib.machinery import ModuleSpec
from multiprocessing.connection import Connection
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from lsgui.core.clip import Frame
from lsgui.core.errors import CancelledError, LsguiError
from lsgui.core.spawning import write_output_to
from lsgui.decoding.decoder_work import DecoderWork
from lsgui.decoding.messages import (
    Alive,
    Ask,
    BlockMade,
    DecodeClip,
    Done,
    Forget,
    FrameFollows,
    Hurry,
    LookAtClip,
    PictureOf,
    Ready,
    Refused,
    Reply,
    Stop,
    WarmUp,
)
from lsgui.decoding.shared_block import BlockShape, Handle, send_handle

_LOADED = ("lsgui.readers.base", "cv2", "PIL.Image", "pydicom.dataset", "lsgui.readers.dicom_parts.instance")
_LOADED_TO_LOOK = ("lsgui.imaging.pleura_finder", "lsgui.imaging.quality", "lsgui.annotation.content_hash")
_ALIVE_EVERY_S = 1.0

log = logging.getLogger(__name__)


def run_decoder(pipe: "Connection[Any, Any]", channel: socket.socket | None, log_file: str) -> None:
    """Do what is asked until the owner closes the pipe or dies.

    Parameters
    ----------
    pipe
        `Ask`, `Stop`, `Hurry`, `WarmUp` and `Forget` come in here; the replies go out.
    channel
        Handles of blocks go out here; see `shared_block`.
    log_file
        File that takes everything the process writes to its standard output and error.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the owner, who then ends this process
    write_output_to(Path(log_file))
    ear = _Ear(pipe, log_file)
    pipe.send(Ready())
    work = DecoderWork()
    while True:
        message = ear.next()
        if isinstance(message, Ask):
            _answer(work, message, _OverPipe(pipe, channel, ear, message.number))
        elif isinstance(message, Forget):
            work.forget()
        else:
            _warm_up(ear)


def _warm_up(ear: "_Ear") -> None:
    """Load what any request needs, while none is there; a request loads what it needs by itself."""
    for name in (*_LOADED, *_LOADED_TO_LOOK):
        if ear.wanted():
            return
        with contextlib.suppress(ImportError):  # a reader that lacks a library says so when a clip needs it
            importlib.import_module(name)


def _answer(work: DecoderWork, asked: Ask, owner: "_OverPipe") -> None:
    told = ImportsTell(owner.cancelled)
    sys.meta_path.insert(0, told)
    try:
        request = asked.request
        if isinstance(request, DecodeClip):
            work.decode(request, owner)
        elif isinstance(request, LookAtClip):
            work.look(request, owner)
        elif isinstance(request, PictureOf):
            work.picture(request, owner)
        owner.tell(Done())
    except CancelledError:
        owner.tell(Refused())
    except LsguiError as fault:
        owner.tell(Refused(str(fault)))
    except Exception as fault:  # the process is where faults end: it goes on with the next request
        log.exception("a request failed")
        owner.tell(Refused(fault=f"{type(fault).__name__}: {fault}", details=traceback.format_exc()))
    finally:
        sys.meta_path.remove(told)


class ImportsTell:
    """A finder that finds nothing, and says at every module that is looked for that the work goes on: on a slow disk
    the libraries that a first clip needs take longer than a stalled one is waited for.
    """

    def __init__(self, tell: Callable[[], object]) -> None:
        self._tell = tell
        self._thread = threading.get_ident()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Say so."""
        if threading.get_ident() == self._thread:
            self._tell()
        return None


class _Ear:
    """Hears the owner in a thread of its own, so that a stop is heard while a decoder works."""

    def __init__(self, pipe: "Connection[Any, Any]", log_file: str) -> None:
        self._pipe = pipe
        self._log_file = log_file
        self._inbox: queue.SimpleQueue[Ask | Forget | WarmUp] = queue.SimpleQueue()
        self._stopped = 0
        self.hurry = threading.Event()
        threading.Thread(target=self._listen, name="listener", daemon=True).start()

    def next(self) -> Ask | Forget | WarmUp:
        """Return what is to be done next."""
        return self._inbox.get()

    def wanted(self) -> bool:
        """Tell whether a request waits."""
        return not self._inbox.empty()

    def stopped(self, number: int) -> bool:
        """Tell whether nobody wants the answer to this request."""
        return self._stopped >= number

    def _listen(self) -> None:
        try:
            while True:
                message = self._pipe.recv()
                if isinstance(message, Stop):
                    self._stopped = message.number
                elif isinstance(message, Hurry):
                    self.hurry.set()
                else:
                    if isinstance(message, Ask):
                        self.hurry.clear()  # before it is taken from the queue: what hurries it comes after it
                    self._inbox.put(message)
        except (EOFError, OSError):
            with contextlib.suppress(OSError):
                Path(self._log_file).unlink()  # an owner that crashed cannot
            os._exit(0)
        finally:
            os._exit(70)


class _OverPipe:
    """The owner, at the other end of the pipe, as the one request sees it."""

    def __init__(self, pipe: "Connection[Any, Any]", channel: socket.socket | None, ear: _Ear, number: int) -> None:
        self._pipe = pipe
        self._channel = channel
        self._ear = ear
        self._number = number
        self._sending = threading.Lock()
        self._told_at = time.monotonic()

    def tell(self, reply: Reply) -> None:
        with self._sending:
            self._pipe.send(reply)
        self._told_at = time.monotonic()

    def give_block(self, handle: Handle, shape: BlockShape) -> None:
        self.tell(BlockMade(shape, send_handle(handle, self._channel)))

    def give_frame(self, frame: Frame) -> None:
        with self._sending:
            self._pipe.send(FrameFollows())
            self._pipe.send_bytes(np.ascontiguousarray(frame).reshape(-1).data)
        self._told_at = time.monotonic()

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        ended = threading.Event()

        def say() -> None:
            while not ended.wait(_ALIVE_EVERY_S):
                self.tell(Alive())

        thread = threading.Thread(target=say, name="alive", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def cancelled(self) -> bool:
        if time.monotonic() - self._told_at > _ALIVE_EVERY_S:
            self.tell(Alive())
        return self._ear.stopped(self._number)

    def rest(self, seconds: float) -> None:
        self._ear.hurry.wait(seconds)
