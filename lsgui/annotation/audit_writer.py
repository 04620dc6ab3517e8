"""Writes what happened to the audit log: in its order, and what cannot be written now is tried again."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lsgui.annotation.audit_entries import AuditKind
from lsgui.annotation.audit_log import AuditLog
from lsgui.core.errors import LsguiError


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """Something that is to be entered; `when` is the moment at which it happened."""

    kind: AuditKind
    facts: Mapping[str, Any]
    when: datetime = field(default_factory=lambda: datetime.now(UTC))


class AuditWriter:
    """Keeps events until they are in the log; for one thread. No method raises: a log that cannot be written stops
    nobody's work, and is told as a sentence.

    Parameters
    ----------
    find
        Gives the file; it may raise OSError where its folder cannot be made.
    """

    def __init__(self, find: Callable[[], Path]) -> None:
        self._find = find
        self._waiting: list[AuditEvent] = []

    @property
    def waiting(self) -> int:
        """How many events are not in the log."""
        return len(self._waiting)

    def add(self, event: AuditEvent) -> str:
        """Enter an event after those that wait; return why something could not be written, or an empty text."""
        self._waiting.append(event)
        return self.write()

    def write(self) -> str:
        """Enter what waits, as far as it can be; return why something could not be written, or an empty text."""
        if not self._waiting:
            return ""
        try:
            with AuditLog(self._find()) as log:
                while self._waiting:
                    event = self._waiting[0]
                    log.append(event.kind, event.facts, event.when)
                    del self._waiting[0]
                return log.head_fault
        except LsguiError as fault:
            return str(fault)
        except OSError as fault:
            return f"The folder of the audit log cannot be made ({fault.strerror}): check who may write there."
