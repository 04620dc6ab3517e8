"""Learns of a worklist's clips in a thread: which file is which clip, its study, and what the store knows of it."""

import logging
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QThread, Signal

from lsgui.core.clip import ClipInfo
from lsgui.core.errors import CancelledError, LsguiError
from lsgui.core.late_imports import load
from lsgui.core.prediction import Prediction
from lsgui.review.fingerprints import Fingerprints, file_key
from lsgui.review.paths import cache_file, fingerprints_file
from lsgui.review.worklist_choice import NO_FACTS, ClipPlace, EntryFacts

if TYPE_CHECKING:
    from lsgui.annotation.clip_facts import StoredVerdict
    from lsgui.review.worklist_cache import WorklistCache  # both load SQLite: only in the thread

log = logging.getLogger(__name__)

_BREATH_S, _WORK_S = 0.001, 0.003
"""Rest after so much work: the window shares the interpreter with this thread."""
_LOOK_AT_ONCE = 100
_TELL_EVERY_S = 2.0


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose worklist it is: the rater, whose own labels are looked up elsewhere, and the store."""

    store: Path
    rater: str


@dataclass(frozen=True, slots=True)
class Learn:
    """Learn of these clips, in this order; a newer order takes the place of the running one."""

    asked: Asked
    paths: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class LookAgain:
    """Look up what the store knows by now of the clips that are known already."""

    asked: Asked


@dataclass(frozen=True, slots=True, eq=False)
class KeepVerdict:
    """Keep what the AI said of a clip, in the store once there is one."""

    asked: Asked
    path: Path
    prediction: Prediction


@dataclass(frozen=True, slots=True)
class KeepClip:
    """Keep what is known of a clip beside its labels."""

    asked: Asked
    path: Path
    info: ClipInfo


@dataclass(frozen=True, slots=True)
class FactsLearnt:
    """What the store knows of clips beside the rater's own labels."""

    asked: Asked
    facts: dict[Path, EntryFacts]


@dataclass(frozen=True, slots=True)
class PlacesLearnt:
    """To which study instances belong."""

    places: dict[Path, ClipPlace]


@dataclass(frozen=True, slots=True)
class ClipsRecognised:
    """Clips were recognised by what they hold: labels that were given under other names can be shown."""


Order = LookAgain | KeepVerdict | KeepClip


class FactsThread(QThread):
    """Carries out orders: what is to be kept and looked up first, learning of files in the rests between.

    Nothing here is worth a notice: a store that cannot be read is said where labels are saved, and a file that cannot
    be read when it is opened.
    """

    told = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("facts")
        self._wake = threading.Condition()
        self._orders: deque[Order] = deque()
        self._learn: Learn | None = None
        self._unlearnt: Learn | None = None
        """A worklist whose files were not looked into, for the store held nothing that they could be."""
        self._closing = False
        self._hashes: dict[Path, str] = {}
        self._keys: dict[Path, str] = {}
        self._verdicts: dict[Path, StoredVerdict] = {}
        """Verdicts for which there was no store yet."""
        self._cache: WorklistCache | None = None
        self._fingerprints: Fingerprints | None = None

    def submit(self, order: Order | Learn) -> None:
        """Carry out an order after those that wait; `Learn` after all of them."""
        with self._wake:
            if self._closing:
                return
            if isinstance(order, Learn):
                self._learn = order
            else:
                self._orders.append(order)
            self._wake.notify()
        if not self.isRunning():
            self.start(QThread.Priority.LowestPriority)

    def forget(self) -> None:
        """Stop learning: the worklist is emptied."""
        with self._wake:
            self._learn = self._unlearnt = None
            self._orders.append(_STOP)
            self._wake.notify()

    def close(self) -> None:
        """Keep what is to be kept, and end the thread; returns when it has ended."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        self.wait()

    def run(self) -> None:
        """Carry out orders until the thread is closed."""
        steps: Iterator[None] | None = None
        load("lsgui.review.store_facts", "lsgui.review.worklist_cache", calm=True)
        try:
            while (order := self._next(idle=steps is None)) is not None:
                if isinstance(order, Learn):
                    steps = self._steps(order)
                elif order is _STOP:
                    steps = None
                elif order is not _REST:
                    self._safely(order)
                elif steps is not None and not self._step(steps):
                    steps = None
        finally:
            if self._cache is not None:
                self._cache.close()
                self._cache = None

    def _next(self, *, idle: bool) -> Order | Learn | None:
        """Return what is to be done next; `_REST` where a running `Learn` may go on, None at the end."""
        with self._wake:
            if not idle and not self._orders and self._learn is None and not self._closing:
                self._wake.wait(_BREATH_S)
            while idle and not self._orders and self._learn is None and not self._closing:
                self._wake.wait()
            if self._orders:
                return self._orders.popleft()
            if self._closing:
                return None
            learn, self._learn = self._learn, None
            return learn or _REST

    def _stopped(self) -> bool:
        with self._wake:
            return self._closing or self._learn is not None or bool(self._orders)

    def _step(self, steps: Iterator[None]) -> bool:
        began = time.monotonic()
        try:
            while time.monotonic() - began < _WORK_S and not self._stopped():
                next(steps)
        except StopIteration:
            return False
        except LsguiError:
            log.info("the worklist could not be learnt of", exc_info=True)
            return False
        except Exception:  # the thread is where faults end: the window must live on
            log.error("learning of the worklist failed", exc_info=True)
            return False
        return True

    def _safely(self, order: Order) -> None:
        try:
            if isinstance(order, LookAgain):
                self._look_again(order.asked)
                self._learn_after_all(order.asked)
            elif isinstance(order, KeepVerdict):
                self._keep_verdict(order)
            else:
                self._keep_clip(order)
        except LsguiError:
            log.info("the store could not be asked", exc_info=True)
        except Exception:  # the thread is where faults end: the window must live on
            log.error("an order of the worklist failed", exc_info=True)

    # --- learning -----------------------------------------------------------------------------------------------

    def _steps(self, order: Learn) -> Iterator[None]:
        """Learn of a worklist, a little at a time: what is known at once, then studies, then what files hold."""
        prints = self._prints()
        for count, path in enumerate(order.paths, start=1):
            if path not in self._keys and (key := file_key(path)) is not None:
                self._keys[path] = key
                if (content := prints.by_key(key)) is not None:
                    self._hashes[path] = content
            if count % _LOOK_AT_ONCE == 0:
                yield
        self._look_again(order.asked)
        yield
        yield from self._learn_places(order)
        if self._store_has_something(order.asked):
            yield from self._learn_hashes(order)
        else:
            self._unlearnt = order

    def _learn_after_all(self, asked: Asked) -> None:
        """Look into files once another program has put something into the store."""
        unlearnt = self._unlearnt
        if unlearnt is None or unlearnt.asked != asked or not self._store_has_something(asked):
            return
        self._unlearnt = None
        with self._wake:
            self._learn = self._learn or unlearnt

    def _learn_places(self, order: Learn) -> Iterator[None]:
        from lsgui.review.store_facts import read_place

        cache = self._opened_cache()
        known = cache.places(self._keys[path] for path in order.paths if path in self._keys)
        yield
        read: dict[str, ClipPlace | None] = {}
        for path in order.paths:
            key = self._keys.get(path)
            if key is not None and key not in known and _may_be_dicom(path):
                known[key] = read[key] = read_place(path, cache.salt)
                yield
        cache.keep_places(read)
        places = {path: place for path in order.paths if (place := known.get(self._keys.get(path, ""))) is not None}
        if places:
            self.told.emit(PlacesLearnt(places))

    def _learn_hashes(self, order: Learn) -> Iterator[None]:
        from lsgui.annotation.content_hash import content_hash

        fresh: dict[str, str] = {}
        told_at = time.monotonic()
        for path in order.paths:
            key = self._keys.get(path)
            if path not in self._hashes and key is not None:
                while path not in self._hashes:
                    try:
                        self._hashes[path] = fresh[key] = content_hash(path, self._stopped)
                    except CancelledError:
                        yield  # something is to be done first
                    except LsguiError:
                        break
                yield
            if fresh and time.monotonic() - told_at > _TELL_EVERY_S:
                self._tell_recognised(order.asked, fresh)
                told_at, fresh = time.monotonic(), {}
        if fresh:
            self._tell_recognised(order.asked, fresh)

    def _tell_recognised(self, asked: Asked, fresh: dict[str, str]) -> None:
        self._prints().remember_all(fresh)
        self.told.emit(ClipsRecognised())
        self._look_again(asked)

    # --- the store ----------------------------------------------------------------------------------------------

    def _look_again(self, asked: Asked) -> None:
        """Tell what the store knows of every clip that is recognised, and the verdicts that wait for a store."""
        from lsgui.review.store_facts import facts_of

        facts = {path: facts_of(verdict) for path, verdict in self._verdicts.items()}
        if asked.store.exists():
            self._store_waiting(asked)
            facts |= self._stored_facts(asked)
        if facts:
            self.told.emit(FactsLearnt(asked, facts))

    def _stored_facts(self, asked: Asked) -> dict[Path, EntryFacts]:
        from lsgui.annotation.store import AnnotationStore
        from lsgui.review.store_facts import facts_of_others

        with AnnotationStore(asked.store, create=False) as store:
            by_hash = facts_of_others(store, asked.rater)
        return {path: by_hash.get(content, NO_FACTS) for path, content in self._hashes.items()}

    def _store_has_something(self, asked: Asked) -> bool:
        """Tell whether any clip could be recognised at all: without labels and verdicts no file need be read."""
        from lsgui.annotation.store import AnnotationStore

        if not asked.store.exists():
            return False
        with AnnotationStore(asked.store, create=False) as store:
            return bool(store.clips() or store.verdicts() or store.standing())

    def _keep_verdict(self, order: KeepVerdict) -> None:
        from lsgui.review.store_facts import verdict_to_store

        self._verdicts[order.path] = verdict_to_store(self._hash_of(order.path), order.prediction)
        self._look_again(order.asked)

    def _store_waiting(self, asked: Asked) -> None:
        from lsgui.annotation.store import AnnotationStore

        if self._verdicts:
            with AnnotationStore(asked.store, create=False) as store:
                store.save_verdicts(self._verdicts.values())
            self._verdicts = {}

    def _keep_clip(self, order: KeepClip) -> None:
        from lsgui.annotation.store import AnnotationStore
        from lsgui.review.store_facts import clip_to_store, read_identity_of

        if not order.asked.store.exists():
            return
        content = self._hash_of(order.path)
        with AnnotationStore(order.asked.store, create=False) as store:
            known = store.clips().get(content)
            if known is None or known.frames != order.info.frames:
                store.save_clip(clip_to_store(content, order.info, read_identity_of(order.path), store))
        self._look_again(order.asked)

    def _hash_of(self, path: Path) -> str:
        from lsgui.annotation.content_hash import content_hash

        if path not in self._hashes:
            self._hashes[path] = self._prints().get(path) or content_hash(path)
        return self._hashes[path]

    def _prints(self) -> Fingerprints:
        if self._fingerprints is None:
            self._fingerprints = Fingerprints(fingerprints_file())
        return self._fingerprints

    def _opened_cache(self) -> "WorklistCache":
        from lsgui.review.worklist_cache import WorklistCache

        if self._cache is None:
            self._cache = WorklistCache(cache_file())
        return self._cache


_NOWHERE = Asked(Path(), "")
_REST, _STOP = LookAgain(_NOWHERE), LookAgain(_NOWHERE)


def _may_be_dicom(path: Path) -> bool:
    """Tell from the name alone whether a file is worth a look into its header."""
    from lsgui.readers.base import clip_readers

    suffix = path.suffix.lower()
    return suffix in clip_readers()["dicom"].suffixes or not any(map(str.isalpha, suffix))
