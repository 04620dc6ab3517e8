"""Loads the decoders while nothing else is going on, so that the first clip does not wait for them."""

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer

from lsgui.core.errors import CancelledError
from lsgui.core.late_imports import load
from lsgui.gui.job_thread import Cancelled, JobThread, Tell

WARMED = ("lsgui.readers.base", "cv2", "PIL.Image", "pydicom.dataset", "lsgui.readers.dicom_parts.instance")
"""What the readers load late: 30 ms for a first movie, 350 ms for a first DICOM clip (pydicom with all its plugins)."""

_AFTER_MS = 400
"""Rest after the window's first painting: the worklist and the recent clips come first."""


class DecoderWarmup(QObject):
    """Loads the decoders once, in a calm thread of its own.

    Parameters
    ----------
    busy
        Tells whether a clip is being opened: then it waits, as that clip loads what it needs by itself.
    """

    def __init__(self, busy: Callable[[], bool], parent: QObject) -> None:
        super().__init__(parent)
        self._busy = busy
        self._thread = JobThread("decoders", self, calm=True)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_AFTER_MS)
        self._timer.timeout.connect(self._on_timer_timeout)

    def start(self) -> None:
        """Begin when the window has come to rest."""
        self._timer.start()

    def close(self) -> None:
        """End the thread; what is loaded just then is loaded to its end."""
        self._timer.stop()
        self._thread.close()

    def _on_timer_timeout(self) -> None:
        if self._busy():
            self._timer.start()
        else:
            self._thread.submit(_LoadDecoders())


class _LoadDecoders:
    def run(self, tell: Tell, cancelled: Cancelled) -> None:
        """Load one after the other."""
        load(*WARMED, calm=True, cancelled=cancelled)
        if cancelled():
            raise CancelledError

    def failure(self, sentence: str) -> object:
        """Return what nobody listens to: a reader that lacks a library says so when a clip needs it."""
        return sentence
