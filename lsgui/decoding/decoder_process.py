"""The owner's side of the reading process: what a damaged file does to a decoder, it does to that process alone."""

import contextlib
import logging
import multiprocessing
import signal
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

from lsgui.core.errors import CancelledError, ClipReadError
from lsgui.core.spawning import deaf_to_interrupts, no_main_module
from lsgui.decoding.decoder_child import run_decoder
from lsgui.decoding.messages import (
    Alive,
    Ask,
    BlockMade,
    Done,
    Forget,
    FrameFollows,
    Hurry,
    Ready,
    Refused,
    Reply,
    Request,
    Stop,
    WarmUp,
)
from lsgui.decoding.shared_block import handle_channel, receive_handle, see_block
from lsgui.readers.frame_source import cannot_read

_LOOK_S = 0.05
"""How often a waiting thread looks whether it is still wanted."""
STALL_LOOKS = 120
"""After so many looks in a row at which nothing was heard (6 s) the process is given up. Looks are counted, not
seconds: a computer that slept for an hour has not looked once."""
_START_LOOKS = 1200
_STOP_LOOKS = 40
_CRASHES = frozenset(
    -number for name in ("SIGSEGV", "SIGBUS", "SIGILL", "SIGFPE", "SIGABRT") if (number := getattr(signal, name, None))
)

_log = logging.getLogger(__name__)

Hear = Callable[[Any], None]
"""Gets every reply but `Done` and `Refused`; blocks and frames come as arrays, (frames, height, width) and bytes."""


class ReadingFaultError(Exception):
    """The program's own fault in a reading process; its cause tells where it arose."""


class _TheirTracebackError(Exception):
    def __str__(self) -> str:
        return f"\n{self.args[0]}"


class DecoderProcess:
    """One reading process, started at its first request and anew after each death.

    Its methods may be called from any thread; requests are done one after the other.

    Parameters
    ----------
    name
        For the log and the list of processes.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._turn = threading.Lock()
        self._waiting = 0
        self._child: _Child | None = None
        self._number = 0
        self._closed = False

    @property
    def pid(self) -> int | None:
        """Process id; None while there is none."""
        child = self._child
        return None if child is None else child.process.pid

    def start(self, cancelled: Callable[[], bool] = lambda: False) -> None:
        """Start the process and let it load what clips need, so that it is warm when one comes."""
        with self._my_turn(cancelled):
            child = self._living(cancelled)
            with contextlib.suppress(OSError):  # a death, which the first request finds out
                child.send(WarmUp())

    def ask(
        self,
        path: Path,
        request: Request,
        hear: Hear,
        cancelled: Callable[[], bool] = lambda: False,
        *,
        hurry: threading.Event | None = None,
        urgent: bool = False,
    ) -> None:
        """Do a request and hear all of its replies.

        Parameters
        ----------
        path
            The clip, for messages.
        hear
            Called in this thread.
        cancelled
            Asked every 50 ms.
        hurry
            Once set, a calm request is done in haste.
        urgent
            What this process does for another thread is given up.

        Raises
        ------
        ClipReadError
            One sentence: the clip cannot be read, the process died of it, or nothing was heard of it.
        CancelledError
            When `cancelled` says so, or another thread needs the process.
        ReadingFaultError
            Where the program is at fault.
        """
        with self._my_turn(cancelled, urgent=urgent):
            for last in (False, True):
                child = self._living(cancelled)
                self._number += 1
                talk = _Talk(child, self._number, hear, hurry)
                if self._through(talk, path, request, lambda: cancelled() or self._waiting > 0, last=last):
                    return

    def forget(self) -> None:
        """Let the process give back the memory of the clip that it decoded last; does not wait."""
        child = self._child
        if child is not None:
            with contextlib.suppress(OSError, ValueError):
                child.send(Forget())

    def rest(self) -> None:
        """End the process until it is needed again; waits for what it does."""
        with contextlib.suppress(CancelledError), self._my_turn(lambda: self._closed):
            child, self._child = self._child, None
            if child is not None:
                child.end()
                child.forget_log()

    def close(self) -> None:
        """End the process for good; what another thread has asked of it is given up."""
        self._closed = True
        with self._turn:
            child, self._child = self._child, None
            if child is not None:
                child.end()
                child.forget_log()

    @contextlib.contextmanager
    def _my_turn(self, cancelled: Callable[[], bool], *, urgent: bool = False) -> Iterator[None]:
        self._waiting += urgent
        try:
            while not self._turn.acquire(timeout=_LOOK_S):
                if cancelled():
                    raise CancelledError
        finally:
            self._waiting -= urgent
        try:
            if self._closed:
                raise CancelledError
            yield
        finally:
            self._turn.release()

    def _through(
        self, talk: "_Talk", path: Path, request: Request, cancelled: Callable[[], bool], *, last: bool
    ) -> bool:
        """Do a request to its end; False where the process had died at rest, and another one may do it."""
        try:
            talk.go_on(request, lambda: cancelled() or self._closed)
        except (EOFError, OSError) as fault:
            status = self._bury(talk.child)
            if talk.heard or last or status in _CRASHES:
                raise _death(path, status) from fault
            return False
        except _StalledError as fault:
            self._bury(talk.child, kill=True)
            raise cannot_read(
                path, "nothing came of it for six seconds", "check its drive or network and open it again"
            ) from fault
        except BaseException:
            if self._closed or not talk.stopped():
                self._bury(talk.child, kill=True)
            raise
        return True

    def _living(self, cancelled: Callable[[], bool]) -> "_Child":
        if self._child is not None and not self._child.process.is_alive():
            self._bury(self._child)
        if self._child is None:
            try:
                self._child = _Child(self._name)
            except OSError as fault:
                raise ClipReadError(
                    f"The process that reads clips cannot be started ({fault.strerror or fault}): close other programs "
                    "and try again."
                ) from fault
        child = self._child
        for _ in range(_START_LOOKS):
            if child.ready or child.hear_ready():
                return child
            if cancelled():
                raise CancelledError
        self._bury(child, kill=True)
        raise ClipReadError("The process that reads clips does not start: see the log, and try again.")

    def _bury(self, child: "_Child", *, kill: bool = False) -> int | None:
        if self._child is child:
            self._child = None
        if kill:
            child.process.kill()
        status = child.end()
        if not self._closed:
            _log.info("the reading process ended (exit status %s)\n%s", status, child.last_words())
        child.forget_log()
        return status


class _StalledError(Exception):
    """Nothing was heard for too long."""


class _Talk:
    """One request and its replies."""

    def __init__(self, child: "_Child", number: int, hear: Hear, hurry: threading.Event | None) -> None:
        self.child = child
        self._number = number
        self._hear = hear
        self._hurry = hurry
        self.heard = False
        self._ended = False

    def go_on(self, request: Request, cancelled: Callable[[], bool]) -> None:
        """Ask, and pass every reply on until the last one."""
        self.child.send(Ask(self._number, request))
        idle = 0
        while True:
            if cancelled():
                raise CancelledError
            if self._hurry is not None and self._hurry.is_set():
                self._hurry = None
                self.child.send(Hurry())
            if not self.child.pipe.poll(_LOOK_S):
                idle += 1
                if idle >= STALL_LOOKS:
                    raise _StalledError
                continue
            idle = 0
            reply = self._receive()
            self.heard = True
            if isinstance(reply, Done):
                self._ended = True
                return
            if isinstance(reply, Refused):
                self._ended = True
                _refuse(reply)
            elif not isinstance(reply, Alive):
                self._hear(reply)

    def _receive(self) -> Any:
        """Return the next reply; a block or a frame as what it holds."""
        reply: Reply = self.child.pipe.recv()
        if isinstance(reply, BlockMade):
            return see_block(receive_handle(reply.name, self.child.channel), reply.shape)
        if isinstance(reply, FrameFollows):
            return self.child.pipe.recv_bytes()
        return reply

    def stopped(self) -> bool:
        """Say that nobody wants the answer; tell whether the process has heard it within two seconds, or is done."""
        with contextlib.suppress(OSError, EOFError):
            if not self._ended:
                self.child.send(Stop(self._number))
            for _ in range(_STOP_LOOKS):
                while not self._ended and self.child.pipe.poll(_LOOK_S):
                    self._ended = isinstance(self._receive(), Done | Refused)
                if self._ended:
                    return True
        return False


class _Child:
    """One process and its pipes."""

    def __init__(self, name: str) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, their_pipe = context.Pipe()
        self.channel, their_channel = handle_channel()
        self._sending = threading.Lock()
        with tempfile.NamedTemporaryFile(prefix="lsgui-reader-", suffix=".log", delete=False) as log:
            self._log_path = Path(log.name)
        self.process = context.Process(
            target=run_decoder, args=(their_pipe, their_channel, log.name), name=f"lsgui-{name}", daemon=True
        )
        self.ready = False
        try:
            with no_main_module(), deaf_to_interrupts():
                self.process.start()
        except OSError:
            self.forget_log()
            self._close_pipes()
            raise
        finally:  # the child holds its ends alone, so that the death of either side is the end of the pipe
            their_pipe.close()
            if their_channel is not None:
                their_channel.close()

    def send(self, message: Any) -> None:
        """Say something; from any thread."""
        with self._sending:
            self.pipe.send(message)

    def hear_ready(self) -> bool:
        """Wait a moment for the process to say that it runs."""
        try:
            if self.pipe.poll(_LOOK_S):
                self.ready = isinstance(self.pipe.recv(), Ready)
        except (EOFError, OSError):
            self.ready = True  # what is asked next finds out
        return self.ready

    def end(self) -> int | None:
        """Close the pipes, at which the process ends by itself, make sure that it did, and return its exit status."""
        self._close_pipes()
        self.process.join(0.5)
        if self.process.is_alive():
            self.process.kill()
            self.process.join(1.0)
        return self.process.exitcode

    def last_words(self) -> str:
        """Return the end of what the process wrote."""
        with contextlib.suppress(OSError):
            return self._log_path.read_text(encoding="utf-8", errors="replace")[-4000:]
        return ""

    def forget_log(self) -> None:
        """Remove the file with what the process wrote."""
        with contextlib.suppress(OSError):
            self._log_path.unlink(missing_ok=True)

    def _close_pipes(self) -> None:
        channel: socket.socket | None = self.channel
        self.pipe.close()
        if channel is not None:
            channel.close()


def _refuse(reply: Refused) -> NoReturn:
    if reply.fault:
        raise ReadingFaultError(reply.fault) from _TheirTracebackError(reply.details)
    if reply.sentence:
        raise ClipReadError(reply.sentence)
    raise CancelledError


def _death(path: Path, status: int | None) -> ClipReadError:
    if status == -getattr(signal, "SIGKILL", 9):
        return cannot_read(
            path,
            "the system ended the process that was reading it, probably for lack of memory",
            "close other programs",
        )
    return cannot_read(
        path,
        f"the process that was reading it crashed (exit status {status})",
        "nothing else was harmed: export the clip again from its source",
    )
