"""A reading process of the window: thought of when it is first needed, and then in a thread."""

import threading
from typing import TYPE_CHECKING

from lsgui.core.errors import CancelledError
from lsgui.core.late_imports import load

if TYPE_CHECKING:
    from lsgui.decoding.decoder_process import DecoderProcess


class ReadingLane:
    """Gives its `DecoderProcess` to threads. All methods but `get` return at once.

    Parameters
    ----------
    name
        For the log and the list of processes.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._decoder: DecoderProcess | None = None
        self._closed = False

    @property
    def pid(self) -> int | None:
        """Id of the process; None while there is none."""
        return None if self._decoder is None else self._decoder.pid

    def get(self) -> "DecoderProcess":
        """Return the process' owner's side; loads what it needs: never in the window's thread.

        Raises
        ------
        CancelledError
            When the lane is closed.
        """
        with self._lock:
            if self._closed:
                raise CancelledError
            if self._decoder is None:
                load("lsgui.decoding.decoder_process")
                from lsgui.decoding.decoder_process import DecoderProcess

                self._decoder = DecoderProcess(self._name)
            return self._decoder

    def forget(self) -> None:
        """Let the process give back the memory of its last clip."""
        if self._decoder is not None:
            self._decoder.forget()

    def rest(self) -> None:
        """End the process until it is needed again."""
        if self._decoder is not None:
            self._decoder.rest()

    def close(self) -> None:
        """End the process; waits a moment for it."""
        with self._lock:
            self._closed = True
        if self._decoder is not None:
            self._decoder.close()
