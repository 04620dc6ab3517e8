"""Keeps what the reader says: every statement and look-up in one thread, in order, none ever dropped."""

import logging
import queue
import threading
import time
from contextlib import suppress
from pathlib import Path

from PySide6.QtCore import QObject, QThread, Signal

from lsgui.core.errors import LsguiError
from lsgui.gui.reading_orders import (
    FindLabels,
    FindReading,
    LookAgain,
    LookUpFailed,
    PutBack,
    ReadingOrder,
    Said,
    SavedElsewhere,
    SaveElsewhere,
    Say,
    Settle,
    StoreChanged,
    StoreUsed,
    TryAgain,
    UseStore,
    Waiting,
)
from lsgui.gui.reading_store import ReadingStore

log = logging.getLogger(__name__)

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 10.0
"""Pauses between two tries to write what could not be written: each twice as long as the one before."""


class ReadingThread(QThread):
    """Carries out orders one after the other; closing it carries out those that wait first.

    A statement that cannot be written stays, with those after it, and is tried again until it can be: in the order in
    which they were said. Only what concerns one clip alone, a file that is gone before its fingerprint was taken, lets
    statements on other clips pass. What was written and is gone with its file is looked for again like that, too.
    """

    told = Signal(object)

    def __init__(self, file: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("readings")
        self._orders: queue.SimpleQueue[ReadingOrder | None] = queue.SimpleQueue()
        self._file = file
        self._store = ReadingStore(file)
        self._waiting: list[Say] = []
        self._pause_s = self._try_at = 0.0
        self._closed = False
        self._fault = ""
        self._lock = threading.Lock()
        self._open = 0
        """Statements that were submitted and are not on disk, counted for the other thread."""
        self._lost = 0
        """Statements that were on disk and whose file is gone."""

    @property
    def unsaved(self) -> int:
        """How many statements are not on disk: those that wait, or else those that were there and are gone."""
        with self._lock:
            return self._open or self._lost

    @property
    def fault(self) -> str:
        """Why not everything is on disk: one sentence, empty where all is."""
        return self._fault

    def submit(self, order: ReadingOrder) -> None:
        """Carry out an order after those that wait; once closed, look-ups are dropped and statements still kept."""
        if isinstance(order, Say):
            self._count(1)
        elif self._closed:
            return
        self._orders.put(order)
        if not self.isRunning():
            self.start()

    def settle(self, longest_s: float) -> int:
        """Try to write what waits, for so long at most; return how many statements are still not on disk.

        What was written before is looked at once more: it must be in the file that is there now.
        """
        if self.unsaved or self._store.said:
            done = threading.Event()
            self.submit(Settle(done))
            done.wait(longest_s)
        return self.unsaved

    def close(self) -> None:
        """Carry out what waits, then end the thread; returns when it has ended."""
        self._closed = True
        if self.isRunning():
            self._orders.put(None)
            self.wait()

    def run(self) -> None:
        """Carry out orders until the thread is closed."""
        try:
            while (order := self._next()) is not None:
                self._carry_out(order)
        finally:
            self._store.close()

    def _next(self) -> ReadingOrder | None:
        """Return what is to be done next: what waits to be written is tried again when its time has come."""
        if not (self._waiting or self._lost):
            return self._orders.get()
        pause = self._try_at - time.monotonic()
        if pause <= 0:
            return TryAgain()
        try:
            return self._orders.get(timeout=pause)
        except queue.Empty:
            return TryAgain()

    def _count(self, step: int) -> None:
        with self._lock:
            self._open += step

    def _carry_out(self, order: ReadingOrder) -> None:
        if isinstance(order, Say):
            self._waiting.append(order)
            self._write()
        elif isinstance(order, TryAgain):
            self._write()
        elif isinstance(order, Settle):
            self._write(verify=True)
            order.done.set()
        elif isinstance(order, SaveElsewhere):
            self._write_elsewhere(order.file)
        else:
            self._look_up(order)
        if put_back := self._store.taken_back():
            log.warning("the store was another file: %d statements were put back", put_back)
            self.told.emit(PutBack(put_back, self._file))

    def _look_up(self, order: FindReading | FindLabels | UseStore | LookAgain) -> None:
        try:
            if isinstance(order, FindReading):
                self.told.emit(self._store.reading(order, self._waiting, self._fault))
            elif isinstance(order, FindLabels):
                self.told.emit(self._store.labels(order, self._waiting))
            elif isinstance(order, UseStore):
                self._use(order.file)
            elif self._store.gone:
                self._write()
            elif self._store.changed_by_others():
                self.told.emit(StoreChanged())
        except LsguiError as fault:
            self._store.close()
            if not isinstance(order, LookAgain):  # nobody asked for that one
                log.warning("labels: %s", type(fault).__name__, exc_info=True)
                if isinstance(order, FindReading):
                    self._tell_what_waits(order, str(fault))
                self.told.emit(LookUpFailed(str(fault)))
        except Exception as fault:  # the thread is where faults end: the window must live on
            log.error("labels failed", exc_info=True)
            sentence = f"Labels could not be read ({type(fault).__name__}); details are in the log."
            self.told.emit(LookUpFailed(sentence))

    def _tell_what_waits(self, order: FindReading, fault: str) -> None:
        """Show what was said and is not written yet, though the store cannot be asked."""
        found = self._store.what_waits(order, self._waiting, fault)
        if found is not None:
            self.told.emit(found)

    def _use(self, file: Path) -> None:
        """Take another store; one that cannot be opened leaves the former in place."""
        store = ReadingStore(file)
        store.make()
        self._store.close()
        self._store, self._file = store, file
        self.told.emit(StoreUsed(file))

    def _write(self, *, verify: bool = False) -> None:
        """Write what waits as far as it can be written, and tell what is left."""
        held: set[Path] = set()
        fault = ""
        for order in tuple(self._waiting):
            if order.path in held:
                continue
            sentence, of_clip_alone = self._try(order)
            if sentence:
                fault = fault or sentence
                held.add(order.path)
                if not of_clip_alone:
                    break
        lost = self._missed() if verify or self._lost or self._store.gone else ""
        self._tell_waiting(fault or lost)

    def _missed(self) -> str:
        """Look for what was written before; return why it is not there, or an empty text."""
        sentence = ""
        try:
            self._store.verify()
        except LsguiError as fault:
            sentence = self._noted(fault)
        with self._lock:
            self._lost = len(self._store.said) if sentence else 0
        return sentence

    def _try(self, order: Say) -> tuple[str, bool]:
        """Write one statement; return why it could not be written, and whether only its own clip is to blame."""
        try:
            fingerprint = self._store.fingerprint(order)
        except LsguiError as fault:
            return self._noted(fault), True
        try:
            statement, at = self._store.write(order, fingerprint)
        except LsguiError as fault:
            return self._noted(fault), False
        except Exception as fault:  # the thread is where faults end: the window must live on
            log.error("a statement is not saved yet", exc_info=True)
            return f"A fault of the program ({type(fault).__name__}); details are in the log.", True
        self._waiting.remove(order)
        self._count(-1)
        self.told.emit(Said(order, statement.uid, at))
        return "", False

    def _noted(self, fault: LsguiError) -> str:
        sentence = str(fault)
        if sentence != self._fault:  # once, not at every try
            log.warning("a statement is not saved yet: %s", type(fault).__name__, exc_info=True)
        self._store.close()
        return sentence

    def _tell_waiting(self, fault: str) -> None:
        if not (self._waiting or self._lost):
            fault, self._pause_s = "", 0.0
        else:
            self._pause_s = min(max(2 * self._pause_s, _FIRST_PAUSE_S), _LONGEST_PAUSE_S)
            self._try_at = time.monotonic() + self._pause_s
        if self._waiting or self._lost or self._fault:
            paths = frozenset(order.path for order in self._waiting)
            self.told.emit(Waiting(len(self._waiting) or self._lost, fault, paths))
        self._fault = fault

    def _write_elsewhere(self, file: Path) -> None:
        """Write what waits to another file, and what is gone; what is there is no longer unsaved.

        A statement on a clip that is gone, too, is kept under the clip's name.
        """
        other = ReadingStore(file)
        try:
            with suppress(LsguiError):
                self._write()  # it may be possible by now
            if self._lost:
                other.add(self._store.said)
                self._store.said.clear()
                with self._lock:
                    self._lost = 0
            for order in tuple(self._waiting):
                statement, at = other.write(order, self._store.fingerprint_or_name(order))
                self._waiting.remove(order)
                self._count(-1)
                self.told.emit(Said(order, statement.uid, at))
        except LsguiError as fault:
            log.warning("labels: %s", type(fault).__name__, exc_info=True)
            self.told.emit(SavedElsewhere(file, str(fault)))
        else:
            self.told.emit(SavedElsewhere(file))
        finally:
            other.close()
            self._tell_waiting(self._fault)
