"""The bookkeeping that both sessions share: one slot waits, the newest wins, every request ends exactly once."""

import queue
import threading

from lsgui.inference.protocol import Cancelled, Failed, Finished, InferenceEvent, InferenceRequest, MapDone

END_EVENTS = (Finished, MapDone, Failed, Cancelled)


class Ticket:
    """One submitted request on its way. `cancelled` is set when nobody wants its answer any more."""

    def __init__(self, request: InferenceRequest) -> None:
        self.request = request
        self.cancelled = threading.Event()
        self.ended = False


class RequestSlot:
    """Requests in, events out, between the session's owner and its worker.

    A cancelled request gets its `Cancelled` at once, not when the worker has noticed; whatever the worker still says of
    it is dropped. So the owner never waits for a worker that is slow to stop. All methods are safe from any thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._events: queue.SimpleQueue[InferenceEvent | None] = queue.SimpleQueue()
        self._waiting: Ticket | None = None
        self._running: Ticket | None = None
        self._closed = False

    # --- the owner's side ---

    def submit(self, request: InferenceRequest) -> None:
        """Put a request into the slot; whatever waits or runs is cancelled."""
        with self._lock:
            for ticket in (self._running, self._waiting):
                self._cancel(ticket)
            self._waiting = None if self._closed else Ticket(request)

    def cancel(self, request_id: int) -> None:
        """End a waiting or running request with `Cancelled`; other ids are ignored."""
        with self._lock:
            if self._waiting is not None and self._waiting.request.id == request_id:
                self._cancel(self._waiting)
                self._waiting = None
            elif self._running is not None and self._running.request.id == request_id:
                self._cancel(self._running)

    def poll(self, timeout_s: float | None) -> InferenceEvent | None:
        """Return the next event, or None after `timeout_s` seconds, when woken, and at once when the session is closed.

        None waits for an event or for `wake`, however long it takes.
        """
        if self._closed:
            return None
        try:
            waits = timeout_s is None or timeout_s > 0
            event = self._events.get(timeout=timeout_s) if waits else self._events.get_nowait()
        except queue.Empty:
            return None
        return None if self._closed else event

    def wake(self) -> None:
        """Let a poll that waits, or else the next one, return None."""
        self._events.put(None)

    def close(self) -> None:
        """Cancel everything and let no event out any more."""
        with self._lock:
            self._closed = True
            for ticket in (self._running, self._waiting):
                self._cancel(ticket)
            self._waiting = None
        self.wake()

    # --- the worker's side ---

    @property
    def has_waiting(self) -> bool:
        """True when a request waits to be taken."""
        return self._waiting is not None

    def take(self) -> Ticket | None:
        """Return the waiting request, which now runs; None when there is none."""
        with self._lock:
            self._running, self._waiting = self._waiting, None
            return self._running

    def post(self, event: InferenceEvent, ticket: Ticket | None = None) -> None:
        """Let an event out; an event of a request that has ended is dropped."""
        with self._lock:
            if self._closed or (ticket is not None and ticket.ended):
                return
            if ticket is not None and isinstance(event, END_EVENTS):
                ticket.ended = True
            self._events.put(event)

    def finish(self, ticket: Ticket) -> None:
        """Say that the worker is done with a request; one that has not ended by then is a fault of the program."""
        self.post(Failed(ticket.request.id, f"{ticket.request.clip}: the analysis ended without an answer."), ticket)
        with self._lock:
            if self._running is ticket:
                self._running = None

    def fail_waiting(self, sentence: str, details: str = "") -> None:
        """End the waiting request with `Failed`: there is no worker for it."""
        with self._lock:
            ticket, self._waiting = self._waiting, None
        if ticket is not None:
            self.post(Failed(ticket.request.id, sentence, details), ticket)

    def _cancel(self, ticket: Ticket | None) -> None:
        if ticket is None:
            return
        ticket.cancelled.set()
        if not ticket.ended and not self._closed:
            ticket.ended = True
            self._events.put(Cancelled(ticket.request.id))


class Lives:
    """How often a worker may die in a row before it stays down. A worker that has answered a request starts afresh."""

    def __init__(self, deaths_allowed: int = 3) -> None:
        self._allowed = deaths_allowed
        self._deaths = 0

    def answered(self) -> None:
        """A request came to its end."""
        self._deaths = 0

    def died(self) -> bool:
        """Count a death; True when the worker should stay down. It then gets one life for every new request."""
        self._deaths = min(self._deaths + 1, self._allowed)
        return self._deaths == self._allowed
