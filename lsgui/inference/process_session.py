"""A session whose worker is a process of its own: torch never freezes the window, and a crash never takes it along."""

import atexit
import contextlib
import logging
import multiprocessing
import tempfile
import threading
import time
from multiprocessing import connection
from pathlib import Path

from lsgui.core.spawning import no_main_module
from lsgui.inference.plan import WorkerPlan
from lsgui.inference.protocol import (
    Failed,
    InferenceEvent,
    InferenceRequest,
    WorkerReady,
    WorkerRestarting,
    WorkerStopped,
)
from lsgui.inference.request_slot import END_EVENTS, Lives, RequestSlot, Ticket
from lsgui.inference.worker_process import NO_MEMORY, CancelCurrent, CannotStart, run_worker, send_request

CANCEL_PATIENCE_S = 3.0
"""After this long without an answer to a cancel the worker is killed and a new one started."""

logger = logging.getLogger(__name__)


class ProcessSession:
    """An `InferenceSession` (see the contract there) whose worker is a child process.

    A supervising thread owns the process and both pipes: it hands a request over when the worker is idle, passes its
    events on, kills a worker that does not stop when asked, and starts a new one after a death. The owner's methods
    only touch the slot and wake that thread, so none of them ever waits for the worker.
    """

    def __init__(self, plan: WorkerPlan | None = None) -> None:
        self._plan = plan or WorkerPlan(threads=0)
        self._slot = RequestSlot()
        self._lives = Lives()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._child: _Child | None = None
        self._bell = _Bell()

    def start(self) -> None:
        """Start the worker."""
        if self._thread is None and not self._closing.is_set():
            self._thread = threading.Thread(target=self._supervise, name="lsgui-worker-supervisor", daemon=True)
            self._thread.start()
            atexit.register(self.close)  # before multiprocessing ends the child, which would look like a death

    def submit(self, request: InferenceRequest) -> None:
        """Queue a request; it replaces any other."""
        self._slot.submit(request)
        self._bell.ring()

    def cancel(self, request_id: int) -> None:
        """Stop a running or waiting request."""
        self._slot.cancel(request_id)
        self._bell.ring()

    def poll(self, timeout_s: float | None) -> InferenceEvent | None:
        """Return the next event, or None."""
        return self._slot.poll(timeout_s)

    def wake(self) -> None:
        """Let a waiting `poll` return."""
        self._slot.wake()

    def close(self) -> None:
        """End the worker."""
        atexit.unregister(self.close)
        self._closing.set()
        self._slot.close()
        self._bell.ring()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join(1.5)
            child = self._child
            if thread.is_alive() and child is not None:
                child.kill()  # the supervisor may be stuck in a pipe to a process that has stopped reading
            thread.join(1.0)
        if thread is None or not thread.is_alive():
            self._bell.close()

    @property
    def worker_pid(self) -> int | None:
        """Process id of the worker, None while there is none."""
        child = self._child
        return None if child is None else child.process.pid

    @property
    def is_asked(self) -> bool:
        """Whether the worker has a request that it has not answered."""
        child = self._child
        return child is not None and child.ticket is not None

    # --- the supervising thread ---

    def _supervise(self) -> None:
        while not self._closing.is_set():
            try:
                self._child = child = _Child(self._plan)
            except OSError as fault:
                self._bury(None, f"it could not be started: {fault}", "")
                continue
            try:
                deaf = self._serve(child)
            finally:
                child.end()
                self._child = None
            if deaf:
                child.forget_log()
                self._slot.post(WorkerRestarting("The analysis did not stop when asked: a new worker is starting."))
                self._release(child)
            elif self._closing.is_set():
                child.forget_log()
            else:
                self._bury(child, child.cause_of_death(), child.last_words())

    def _serve(self, child: "_Child") -> bool:
        """Work with one process until it dies or the session closes; True when it did not hear a cancel."""
        while not self._closing.is_set():
            self._dispatch(child)
            for source in connection.wait([child.events, self._bell.heard], timeout=child.patience_s()):
                if source is self._bell.heard:
                    self._bell.hush()
                    continue
                try:
                    self._receive(child, child.events.recv())
                except (EOFError, OSError):
                    return False
            if child.patience_s() == 0.0:
                return True
        return False

    def _dispatch(self, child: "_Child") -> None:
        with contextlib.suppress(OSError):  # a broken pipe is a death, which the receiving side sees and explains
            if child.ready and child.ticket is None:
                child.ticket = self._slot.take()
                if child.ticket is not None:
                    send_request(child.requests, child.ticket.request)
            if child.ticket is not None and child.ticket.cancelled.is_set() and child.kill_at is None:
                child.kill_at = time.monotonic() + CANCEL_PATIENCE_S
                child.requests.send(CancelCurrent())

    def _receive(self, child: "_Child", event: InferenceEvent | CannotStart) -> None:
        if isinstance(event, CannotStart):
            child.fault = event.fault
            return
        child.ready = child.ready or isinstance(event, WorkerReady)
        self._slot.post(event, child.ticket)
        if isinstance(event, END_EVENTS):
            self._lives.answered()
            self._release(child)

    def _release(self, child: "_Child") -> None:
        if child.ticket is not None:
            self._slot.finish(child.ticket)
        child.ticket = child.kill_at = None

    def _bury(self, child: "_Child | None", fault: str, details: str) -> None:
        logger.warning("the analysis worker ended: %s\n%s", fault, details)
        if child is not None and child.ticket is not None:
            request = child.ticket.request
            sentence = f"{request.clip}: the analysis worker ended unexpectedly ({fault}): run the analysis again."
            self._slot.post(Failed(request.id, sentence, details), child.ticket)
            self._release(child)
        if not self._lives.died():
            self._slot.post(WorkerRestarting(f"The analysis worker ended ({fault}): a new one is starting."))
            return
        reason = f"The analysis worker cannot run ({fault}): the next analysis tries again; details are in the log."
        self._slot.post(WorkerStopped(reason))
        self._slot.fail_waiting(reason, details)
        while not (self._slot.has_waiting or self._closing.is_set()):
            connection.wait([self._bell.heard])
            self._bell.hush()


class _Child:
    """One worker process and what is known of it."""

    def __init__(self, plan: WorkerPlan) -> None:
        context = multiprocessing.get_context("spawn")
        child_requests, self.requests = context.Pipe(duplex=False)
        self.events, child_events = context.Pipe(duplex=False)
        with tempfile.NamedTemporaryFile(prefix="lsgui-worker-", suffix=".log", delete=False) as log:
            self._log_path = Path(log.name)
        self.process = context.Process(
            target=run_worker,
            args=(child_requests, child_events, plan, log.name),
            name="lsgui-worker",
            daemon=True,
        )
        try:
            with no_main_module():
                self.process.start()
        except OSError:
            self.forget_log()
            raise
        finally:  # the child holds its ends alone, so that the death of either side is the end of the pipe
            child_requests.close()
            child_events.close()
        self.ready = False
        self.ticket: Ticket | None = None
        self.kill_at: float | None = None
        self.fault = ""

    def patience_s(self) -> float | None:
        """Seconds until this worker is killed; None while nothing was asked of it that it has not done."""
        return None if self.kill_at is None else max(self.kill_at - time.monotonic(), 0.0)

    def kill(self) -> None:
        """End the process without asking."""
        with contextlib.suppress(OSError, ValueError):
            self.process.kill()

    def end(self) -> None:
        """Close the pipes, at which the process ends by itself, and make sure that it did."""
        patient = self.kill_at is None
        self.requests.close()
        self.process.join(0.5 if patient else 0.0)
        if self.process.is_alive():
            self.kill()
            self.process.join(1.0)
        self.events.close()

    def cause_of_death(self) -> str:
        """Say in words how the process ended."""
        if self.fault:
            return self.fault
        status = self.process.exitcode
        if status == -9:
            return "the system ended it, probably for lack of memory"
        if status == NO_MEMORY:
            return "there was not enough memory for the clip"
        return f"exit status {status}"

    def last_words(self) -> str:
        """Return the end of what the process wrote, and remove the file."""
        try:
            text = self._log_path.read_text(encoding="utf-8", errors="replace")[-4000:]
        except OSError:
            text = ""
        self.forget_log()
        return text

    def forget_log(self) -> None:
        """Remove the file with what the process wrote."""
        with contextlib.suppress(OSError):
            self._log_path.unlink(missing_ok=True)


class _Bell:
    """Wakes a thread that waits for pipes."""

    def __init__(self) -> None:
        self.heard, self._pull = multiprocessing.get_context("spawn").Pipe(duplex=False)
        self._rung = threading.Event()

    def ring(self) -> None:
        """Wake the thread; many rings before it looks are one."""
        if not self._rung.is_set():
            self._rung.set()
            with contextlib.suppress(OSError):
                self._pull.send_bytes(b"!")

    def hush(self) -> None:
        """Be ready for the next ring."""
        self._rung.clear()  # before the read: a ring in between makes one wake too many, never one too few
        if self.heard.poll():
            self.heard.recv_bytes()

    def close(self) -> None:
        """Close the pipe."""
        self._rung.set()  # nobody rings any more
        self.heard.close()
        self._pull.close()
