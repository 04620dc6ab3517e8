"""A session in a thread of this process: for the command line, for tests and for `--in-process`."""

import logging
import threading
import traceback

from lsgui.inference.plan import WorkerPlan, load_engine
from lsgui.inference.protocol import Failed, InferenceEvent, InferenceRequest, WorkerRestarting, WorkerStopped
from lsgui.inference.request_slot import Lives, RequestSlot, Ticket

CLOSE_WAIT_S, LOAD_WAIT_S = 2.5, 60.0

logger = logging.getLogger(__name__)


class LocalSession:
    """An `InferenceSession` (see the contract there) whose worker is a thread.

    A thread cannot be killed: an analysis that never asks whether it was cancelled keeps the thread until it returns,
    though its owner gets `Cancelled` at once. torch is loaded in the thread, not at import.
    """

    def __init__(self, plan: WorkerPlan | None = None) -> None:
        self._plan = plan or WorkerPlan()
        self._slot = RequestSlot()
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._lives = Lives()
        self._thread: threading.Thread | None = None
        self._loading = False

    def start(self) -> None:
        """Start the worker."""
        if self._thread is None and not self._closing.is_set():
            self._thread = threading.Thread(target=self._live, name="lsgui-local-worker", daemon=True)
            self._thread.start()

    def submit(self, request: InferenceRequest) -> None:
        """Queue a request; it replaces any other."""
        self._slot.submit(request)
        self._wake.set()

    def cancel(self, request_id: int) -> None:
        """Stop a running or waiting request."""
        self._slot.cancel(request_id)

    def poll(self, timeout_s: float | None) -> InferenceEvent | None:
        """Return the next event, or None."""
        return self._slot.poll(timeout_s)

    def wake(self) -> None:
        """Let a waiting `poll` return."""
        self._slot.wake()

    def close(self) -> None:
        """End the worker."""
        self._closing.set()
        self._slot.close()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(CLOSE_WAIT_S)
            if self._loading:  # a process that ends while torch is being loaded aborts: "terminate called"
                self._thread.join(LOAD_WAIT_S)
            self._thread = None

    def _live(self) -> None:
        while not self._closing.is_set():
            running: list[Ticket] = []
            try:
                self._work(running)
            except (Exception, SystemExit) as fault:
                logger.exception("the analysis thread died")
                self._bury(running, f"{type(fault).__name__}: {fault}", traceback.format_exc())

    def _work(self, running: list[Ticket]) -> None:
        self._loading = True
        try:
            engine = load_engine(self._plan)
            warmed = engine.warm_up()
        finally:
            self._loading = False
        self._slot.post(warmed)
        while (ticket := self._next()) is not None:
            running[:] = [ticket]
            request = ticket.request.with_frames()
            engine.run(request, lambda event, of=ticket: self._slot.post(event, of), ticket.cancelled.is_set)
            del request  # not to hold its frames while waiting for the next
            self._slot.finish(ticket)
            self._lives.answered()
            running.clear()

    def _bury(self, running: list[Ticket], fault: str, details: str) -> None:
        for ticket in running:
            sentence = f"{ticket.request.clip}: the analysis ended unexpectedly ({fault}): run it again."
            self._slot.post(Failed(ticket.request.id, sentence, details), ticket)
            self._slot.finish(ticket)
        if not self._lives.died():
            self._slot.post(WorkerRestarting(f"The analysis worker ended ({fault}): a new one is starting."))
            return
        reason = f"The analysis worker cannot run ({fault}): the next analysis tries again; details are in the log."
        self._slot.post(WorkerStopped(reason))
        self._slot.fail_waiting(reason, details)
        while not (self._slot.has_waiting or self._closing.is_set()):
            self._wake.wait()
            self._wake.clear()

    def _next(self) -> Ticket | None:
        while not self._closing.is_set():
            self._wake.clear()  # before the look: a request that comes after it sets the event again
            ticket = self._slot.take()
            if ticket is not None:
                return ticket
            self._wake.wait()
        return None
