"""Keeps the reader's labels: every save and look-up in one thread, in order, none ever dropped."""

import logging
import queue
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QThread, Signal

from lsgui.core.errors import LsguiError
from lsgui.core.label import ReaderLabel
from lsgui.gui.reading_orders import FindIntervals, SaveInterval, SaveReason, StoreOrder
from lsgui.review.fingerprints import Fingerprints
from lsgui.review.paths import fingerprints_file, labels_file
from lsgui.review.state import Contradicted

if TYPE_CHECKING:
    from lsgui.annotation.store import AnnotationStore, SavedReading  # SQLite waits until a label is saved

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SaveLabel:
    """Save what the rater said of a clip; its fingerprint is taken here where it is not known yet."""

    path: Path
    content_hash: str | None
    rater: str
    label: ReaderLabel
    against: Contradicted | None = None
    """The verdict that the label contradicts: logged with it, without a reason until one is given."""


@dataclass(frozen=True, slots=True)
class FindLabel:
    """Look up the rater's last label of one clip."""

    path: Path
    content_hash: str
    rater: str


@dataclass(frozen=True, slots=True)
class FindLabels:
    """Look up the rater's labels of a worklist."""

    paths: tuple[Path, ...]
    rater: str


@dataclass(frozen=True, slots=True)
class LabelSaved:
    """The label is on disk as the store's `reading`. `at` is the local time of day."""

    path: Path
    label: ReaderLabel
    at: str
    reading: str = ""
    against: Contradicted | None = None


@dataclass(frozen=True, slots=True)
class LabelFound:
    """A label that was saved earlier."""

    path: Path
    label: ReaderLabel
    at: str


@dataclass(frozen=True, slots=True)
class LabelsFound:
    """The labels of a worklist, where there are any, of the rater who was asked for."""

    rater: str
    labels: dict[Path, ReaderLabel]


@dataclass(frozen=True, slots=True)
class LabelFailed:
    """A label, or what `order` is about, could not be saved or looked up: one sentence."""

    path: Path | None
    sentence: str
    order: object = None


ReadingOrder = SaveLabel | FindLabel | FindLabels | StoreOrder


def moment(reading: "SavedReading") -> str:
    """Return when a label was saved, for people: the time of day, with the date when it was not today."""
    local = reading.read_at.astimezone()
    today = local.date() == local.now(local.tzinfo).date()
    return f"{local:%H:%M:%S}" if today else f"{local:%Y-%m-%d %H:%M}"


class ReadingThread(QThread):
    """Carries out orders one after the other; closing it carries out those that wait first."""

    told = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("readings")
        self._orders: queue.SimpleQueue[ReadingOrder | None] = queue.SimpleQueue()
        self._store: AnnotationStore | None = None
        self._fingerprints: Fingerprints | None = None

    def submit(self, order: ReadingOrder) -> None:
        """Carry out an order after those that wait."""
        self._orders.put(order)
        if not self.isRunning():
            self.start()

    def close(self) -> None:
        """Carry out what waits, then end the thread; returns when it has ended."""
        if self.isRunning():
            self._orders.put(None)
            self.wait()

    def run(self) -> None:
        """Carry out orders until the thread is closed."""
        try:
            while (order := self._orders.get()) is not None:
                self._carry_out(order)
        finally:
            if self._store is not None:
                self._store.close()
                self._store = None

    def _carry_out(self, order: ReadingOrder) -> None:
        path = order.path if isinstance(order, SaveLabel | FindLabel) else None
        try:
            if isinstance(order, SaveLabel):
                self._save(order)
            elif isinstance(order, FindLabel):
                found = self._opened().latest(order.content_hash, order.rater)
                if found is not None:
                    self.told.emit(LabelFound(order.path, found.label, moment(found)))
            elif isinstance(order, SaveInterval | FindIntervals | SaveReason):
                order.carry_out(self._opened(), self.told.emit)
            else:
                self._find_all(order)
        except LsguiError as fault:
            log.warning("labels: %s", type(fault).__name__, exc_info=True)
            self.told.emit(LabelFailed(path, str(fault), order))
        except Exception as fault:  # the thread is where faults end: the window must live on
            log.error("labels failed", exc_info=True)
            sentence = f"The label was not saved ({type(fault).__name__}): save it again; details are in the log."
            self.told.emit(LabelFailed(path, sentence, order))

    def _save(self, order: SaveLabel) -> None:
        from lsgui.annotation.content_hash import content_hash
        from lsgui.annotation.store import NOT_GIVEN, SavedOverride

        fingerprint = order.content_hash or content_hash(order.path)
        saved = self._opened().save_reading(fingerprint, order.path.name, order.rater, order.label)
        if order.against is not None:
            self._opened().save_override(
                SavedOverride(saved.uid, order.against.verdict, order.against.model, NOT_GIVEN)
            )
        self.told.emit(LabelSaved(order.path, saved.label, moment(saved), saved.uid, order.against))
        self._known().remember(order.path, fingerprint)

    def _find_all(self, order: FindLabels) -> None:
        if not labels_file().exists():
            return  # nothing was ever saved: a look-up makes no file
        by_clip = self._opened().latest_by_clip(order.rater)
        known = self._known()
        labels = {}
        for path in order.paths:
            content = known.get(path)
            if content is not None and content in by_clip:
                labels[path] = by_clip[content].label
        self.told.emit(LabelsFound(order.rater, labels))

    def _opened(self) -> "AnnotationStore":
        from lsgui.annotation.store import AnnotationStore

        if self._store is None:
            self._store = AnnotationStore(labels_file())
        return self._store

    def _known(self) -> Fingerprints:
        if self._fingerprints is None:
            self._fingerprints = Fingerprints(fingerprints_file())
        return self._fingerprints
