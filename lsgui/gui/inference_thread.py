"""Drives an inference session from a thread, so that the window never waits for the worker."""

import logging
import queue
from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QObject, QThread, Signal

from lsgui.core.clip import Clip
from lsgui.core.errors import LsguiError
from lsgui.core.late_imports import load
from lsgui.core.pleura import PleuralROI
from lsgui.core.prediction import QualityFlag
from lsgui.inference.protocol import (
    USUAL_FLOW,
    Cancelled,
    DeviceChoice,
    Failed,
    FlowChoice,
    InferenceEvent,
    InferenceRequest,
    InferenceSession,
    Wanted,
    WorkerReady,
    WorkerStopped,
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Order:
    """All that is needed to build an `InferenceRequest` in the thread: cutting frames out takes time."""

    id: int
    clip: Clip
    roi: PleuralROI
    model_id: str
    device: DeviceChoice
    mm_per_px: float
    calibrated: bool
    quality: tuple[QualityFlag, ...]
    seconds: dict[str, float]
    wanted: Wanted = "verdict"
    flow: FlowChoice = USUAL_FLOW


def session_maker(*, in_process: bool) -> Callable[[], InferenceSession]:
    """Return what makes the session, in the thread: a worker process, or this process where that is asked for."""

    def make() -> InferenceSession:
        if in_process:
            load("lsgui.inference.local_session")
            from lsgui.inference.local_session import LocalSession

            return LocalSession()
        load("lsgui.inference.process_session", calm=True)
        from lsgui.inference.process_session import ProcessSession

        return ProcessSession()

    return make


def _load_before_asked() -> None:
    """Load what prepares a request once the worker is warm: before that the first clip wants the interpreter."""
    load("lsgui.inference.preparation", calm=True)


class InferenceThread(QThread):
    """Owns the session: orders go in by methods, events come out by `eventArrived`.

    The newest order wins: an order that waits is replaced, the session cancels one that runs.
    """

    eventArrived = Signal(object)

    def __init__(self, make_session: Callable[[], InferenceSession], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("inference")
        self._make_session = make_session
        self._orders: queue.SimpleQueue[Order | int | None] = queue.SimpleQueue()
        self._wanted: int | None = None
        self._session: InferenceSession | None = None
        """Set once it runs; woken when there are orders for it."""

    def submit(self, order: Order) -> None:
        """Analyse; whatever was asked before is given up."""
        self._wanted = order.id
        self._hand_over(order)

    def cancel(self, request_id: int) -> None:
        """Stop a request."""
        if self._wanted == request_id:
            self._wanted = None
        self._hand_over(request_id)

    def close(self) -> None:
        """End the session and the thread; returns when both have ended."""
        self._wanted = None
        self._hand_over(None)
        self.wait()

    def _hand_over(self, order: Order | int | None) -> None:
        self._orders.put(order)
        session = self._session
        if session is not None:
            session.wake()

    def run(self) -> None:
        """Start the session, then pass on orders and events until the thread is closed."""
        try:
            session = self._make_session()
            session.start()
        except LsguiError as fault:
            log.error("the worker cannot start", exc_info=True)
            self._refuse_all(str(fault))
            return
        except Exception as fault:  # the thread is where faults end: the window must live on
            log.error("the worker cannot start", exc_info=True)
            self._refuse_all(f"The analysis cannot start ({type(fault).__name__}); details are in the log.")
            return
        self._session = session  # before the first look at the orders: none is put in unseen
        try:
            while self._pass_on(session):
                pass
        finally:
            session.close()

    def _refuse_all(self, sentence: str) -> None:
        """Answer every order with the sentence that says why there is no worker."""
        self.eventArrived.emit(WorkerStopped(sentence))
        while (order := self._orders.get()) is not None:
            if isinstance(order, Order):
                self.eventArrived.emit(Failed(order.id, sentence))

    def _pass_on(self, session: InferenceSession) -> bool:
        """Hand the orders to the session and its events to the window; False when the thread is to end.

        It sleeps until there is an order or an event: a window that waits uses no processor time.
        """
        while not self._orders.empty():
            order = self._orders.get()  # this thread alone takes out
            if order is None:
                return False
            self._take(session, order)
        event = session.poll(None)
        while event is not None:
            if isinstance(event, WorkerReady):
                _load_before_asked()  # before it is told: who is ready prepares a request at once
            self._tell(event)
            event = session.poll(0.0)
        return True

    def _take(self, session: InferenceSession, order: Order | int) -> None:
        if isinstance(order, int):
            session.cancel(order)
            return
        if order.id != self._wanted:
            self.eventArrived.emit(Cancelled(order.id))
            return
        try:
            session.submit(self._request(order))
        except LsguiError as fault:
            self.eventArrived.emit(Failed(order.id, str(fault)))
        except Exception as fault:  # see run
            log.error("a request cannot be built", exc_info=True)
            sentence = f"The clip cannot be prepared ({type(fault).__name__}); details are in the log."
            self.eventArrived.emit(Failed(order.id, sentence))

    @staticmethod
    def _request(order: Order) -> InferenceRequest:
        from lsgui.imaging.scan_area import Scale
        from lsgui.inference.preparation import build_request  # here: it loads OpenCV

        return build_request(
            order.clip,
            order.roi,
            request_id=order.id,
            model_id=order.model_id,
            device=order.device,
            scale=Scale(mm_per_px=order.mm_per_px, calibrated=order.calibrated),
            quality=order.quality,
            seconds=order.seconds,
            wanted=order.wanted,
            flow=order.flow,
            take_out=False,
        )

    def _tell(self, event: InferenceEvent) -> None:
        if isinstance(event, Failed) and event.details:
            log.error("the worker failed: %s", event.details)
        self.eventArrived.emit(event)
