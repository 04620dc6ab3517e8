"""The last net: a fault that nobody caught is logged, kept in a crash file and said; the window lives on."""

import logging
import sys
import threading
from types import TracebackType

from PySide6.QtCore import QObject, Signal

from lsgui.review.crash_file import stack_of, write_crash_file

log = logging.getLogger(__name__)

_MOST_WRITTEN = 5


class FaultHook(QObject):
    """Takes the place of `sys.excepthook` and `threading.excepthook` until `remove` is called."""

    faultHappened = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._written: set[str] = set()
        self._former = (sys.excepthook, threading.excepthook)
        sys.excepthook = self._on_fault
        threading.excepthook = self._on_thread_fault

    def remove(self) -> None:
        """Put the former hooks back."""
        sys.excepthook, threading.excepthook = self._former

    def _on_fault(self, kind: type[BaseException], fault: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            self._former[0](kind, fault, trace)
            return
        log.critical("a fault of the program", exc_info=(kind, fault, trace))
        self._write_down(fault.with_traceback(trace))
        self.faultHappened.emit(
            f"A fault of the program ({kind.__name__}): your labels are safe; details are in the log (Help menu)."
        )

    def _write_down(self, fault: BaseException) -> None:
        """Write a crash file, once for each place at which something fails: painting may fail at every frame."""
        stack = stack_of(fault)
        if stack not in self._written and len(self._written) < _MOST_WRITTEN:
            self._written.add(stack)
            thread = threading.current_thread().name
            write_crash_file(f"{type(fault).__name__}; the window lived on", stack, {"thread": thread})

    def _on_thread_fault(self, args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            self._on_fault(args.exc_type, args.exc_value, args.exc_traceback)
