"""The last net: a fault that nobody caught is logged and said in one sentence, and the window lives on."""

import logging
import sys
import threading
from types import TracebackType

from PySide6.QtCore import QObject, Signal

log = logging.getLogger(__name__)


class FaultHook(QObject):
    """Takes the place of `sys.excepthook` and `threading.excepthook` until `remove` is called."""

    faultHappened = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
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
        self.faultHappened.emit(
            f"A fault of the program ({kind.__name__}): your labels are safe; details are in the log (Help menu)."
        )

    def _on_thread_fault(self, args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            self._on_fault(args.exc_type, args.exc_value, args.exc_traceback)
