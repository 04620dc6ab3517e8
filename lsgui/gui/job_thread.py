"""One thread that does one job at a time; a newer job takes the place of the running one."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from PySide6.QtCore import QObject, QThread, Signal

from lsgui.core.errors import CancelledError, LsguiError

log = logging.getLogger(__name__)

Tell = Callable[[object], None]
Cancelled = Callable[[], bool]


class Job(Protocol):
    """Work for a `JobThread`.

    Contract: `run` asks `cancelled()` at least every 100 ms of its own work and raises `CancelledError` when it says
    True; it reports by `tell(event)` and raises `LsguiError` with a sentence for the reader. `failure(sentence)`
    returns the event that is told when it raised.
    """

    def run(self, tell: Tell, cancelled: Cancelled) -> None:
        """Do the work, in the thread."""
        ...

    def failure(self, sentence: str) -> object:
        """Return the event for a fault."""
        ...


@dataclass(slots=True, eq=False)
class _Queued:
    job: Job
    stop: threading.Event = field(default_factory=threading.Event)


class JobThread(QThread):
    """Runs the newest job given to it and tells its events to the GUI thread by `told`.

    A job that was replaced or stopped tells nothing more: what it told before may still be on its way, so events
    carry an id or a path by which the receiver drops stale ones.
    """

    told = Signal(object)

    def __init__(self, name: str, parent: QObject | None = None, *, calm: bool = False) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self._calm = calm
        self._wake = threading.Condition()
        self._waiting: _Queued | None = None
        self._running: _Queued | None = None
        self._closing = False

    def submit(self, job: Job) -> None:
        """Do `job` next, and stop what runs now."""
        with self._wake:
            if self._closing:
                return
            self._waiting = _Queued(job)
            if self._running is not None:
                self._running.stop.set()
            self._wake.notify()
        if not self.isRunning():
            self.start(QThread.Priority.LowPriority if self._calm else QThread.Priority.InheritPriority)

    def stop_job(self) -> None:
        """Stop what runs and what waits; the thread lives on."""
        with self._wake:
            self._waiting = None
            if self._running is not None:
                self._running.stop.set()

    def close(self) -> None:
        """Stop the job and end the thread; returns when it has ended."""
        with self._wake:
            self._closing = True
            self._waiting = None
            if self._running is not None:
                self._running.stop.set()
            self._wake.notify()
        self.wait()

    def run(self) -> None:
        """Do jobs until the thread is closed."""
        while True:
            with self._wake:
                while self._waiting is None and not self._closing:
                    self._wake.wait()
                if self._closing or self._waiting is None:
                    return
                self._running, self._waiting = self._waiting, None
            self._do(self._running)
            with self._wake:
                self._running = None

    def _do(self, queued: _Queued) -> None:
        def tell(event: object) -> None:
            if not queued.stop.is_set():
                self.told.emit(event)

        try:
            queued.job.run(tell, queued.stop.is_set)
        except CancelledError:
            return
        except LsguiError as fault:
            log.info("%s: %s", self.objectName(), type(fault).__name__, exc_info=True)
            tell(queued.job.failure(str(fault)))
        except Exception as fault:  # the thread is where faults end: the window must live on
            log.error("%s failed", self.objectName(), exc_info=True)
            tell(queued.job.failure(f"A fault of the program ({type(fault).__name__}); details are in the log."))
