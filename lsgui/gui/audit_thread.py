"""Enters verdicts and overrides in the audit log, in a thread: in order, and again where it cannot be written."""

import logging
import queue
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from PySide6.QtCore import QObject, QThread, Signal

from lsgui.core.errors import LsguiError
from lsgui.core.late_imports import load

if TYPE_CHECKING:
    from lsgui.annotation.audit_writer import AuditWriter  # SQLite waits until there is something to enter

log = logging.getLogger(__name__)

_PAUSE_S = 5.0
"""Between two tries to write what could not be written."""


@dataclass(frozen=True, slots=True)
class AuditOrder:
    """Something to enter.

    Attributes
    ----------
    path, content
        The clip's file, and the SHA-256 of its content where it is known already; `facts` get it as "clip".
    when
        The moment at which it happened.
    """

    kind: Literal["verdict", "override"]
    facts: Mapping[str, Any]
    path: Path
    content: str | None
    when: datetime


class AuditThread(QThread):
    """Carries out orders; closing it tries once more what could not be written."""

    told = Signal(str)
    """Why the log cannot be written, once; empty when it can again."""

    def __init__(self, find: Callable[[], Path], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("audit")
        self._find = find
        self._orders: queue.SimpleQueue[AuditOrder | None] = queue.SimpleQueue()
        self._closed = False
        self._fault = ""

    def submit(self, order: AuditOrder) -> None:
        """Enter something after what waits."""
        if self._closed:
            return
        self._orders.put(order)
        if not self.isRunning():
            self.start(QThread.Priority.LowPriority)

    def close(self) -> None:
        """Enter what waits, then end the thread; returns when it has ended."""
        self._closed = True
        if self.isRunning():
            self._orders.put(None)
            self.wait()

    def run(self) -> None:
        """Carry out orders until the thread is closed."""
        load("lsgui.annotation.audit_writer", "lsgui.annotation.content_hash", calm=True)
        from lsgui.annotation.audit_writer import AuditWriter

        writer = AuditWriter(self._find)
        going_on = True
        while going_on:
            try:
                going_on = self._turn(writer)
            except Exception:  # the thread is where faults end: the window must live on
                log.error("something is not in the audit log", exc_info=True)
        if writer.waiting:
            log.warning("%d entries of the audit log were not written", writer.waiting)

    def _turn(self, writer: "AuditWriter") -> bool:
        """Carry out the next order, or try again what waits; False at the end."""
        from lsgui.annotation.audit_entries import AuditKind
        from lsgui.annotation.audit_writer import AuditEvent

        try:
            order = self._orders.get(timeout=_PAUSE_S if writer.waiting else None)
        except queue.Empty:
            self._tell(writer.write())
            return True
        if order is None:
            self._tell(writer.write())
            return False
        facts = {**order.facts, "clip": order.content or _content(order.path)}
        self._tell(writer.add(AuditEvent(AuditKind(order.kind), facts, order.when)))
        return True

    def _tell(self, fault: str) -> None:
        if fault != self._fault:
            if fault:
                log.info("the audit log cannot be written")
            self._fault = fault
            self.told.emit(fault)


def _content(path: Path) -> str | None:
    """Return the fingerprint of a clip; None where it is gone meanwhile: what happened is entered all the same."""
    from lsgui.annotation.content_hash import content_hash

    try:
        return content_hash(path)
    except LsguiError:
        return None
