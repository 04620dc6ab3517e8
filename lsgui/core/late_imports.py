"""The one door through which threads load large libraries: one thread at a time, with rests where nobody waits.

Python locks every module of its own while it is imported, and where packages import each other in a circle it lets a
second thread have one that is half done: "cannot import name 'Dataset' from partially initialized module". And threads
that import at the same time keep the interpreter from the window for as long as they take together.
"""

import contextlib
import importlib
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

_LEAST_REST_S, _MOST_REST_S = 0.001, 0.010

_lock = threading.RLock()
_loaded: set[str] = set()
_waiting: list[int] = []
"""Threads that want something loaded for which somebody waits: no rests meanwhile."""


def load(*names: str, calm: bool = False, cancelled: Callable[[], bool] | None = None) -> None:
    """Import modules, one after the other, while no other thread does; what was loaded before costs nothing.

    Every thread calls it before its own late imports of what brings OpenCV, pydicom, scipy or Pillow. Never call it
    while a module is being imported: the thread that holds the door may wait for that very module.

    Parameters
    ----------
    names
        Modules.
    calm
        Rest before each module that they bring as long as the last one took: nobody waits for them yet.
    cancelled
        Asked before each of `names`; the rest is left out once it says True.

    Raises
    ------
    ImportError
        Where one is not there; the next call tries again.
    """
    if _loaded.issuperset(names):
        return
    me = threading.get_ident()
    if not calm:
        _waiting.append(me)
    try:
        for name in names:
            if cancelled is not None and cancelled():
                return
            with _lock, _Rests(me if calm else None):
                importlib.import_module(name)
                _loaded.add(name)
    finally:
        if not calm:
            _waiting.remove(me)


@contextlib.contextmanager
def nothing_loading() -> Iterator[None]:
    """Start a child process within this block: none of what comes through the door is half loaded meanwhile.

    While OpenCV is imported it puts its own folder, which holds a package called `typing`, at the front of sys.path.
    A process spawned in that moment inherits the path and dies at its first import.
    """
    with _lock:
        yield


class _Rests:
    """A finder that finds nothing, and rests each time it is asked by the thread that takes its time."""

    def __init__(self, thread: int | None) -> None:
        self._thread = thread
        self._worked_from = time.perf_counter()

    def __enter__(self) -> None:
        if self._thread is not None:
            sys.meta_path.insert(0, self)

    def __exit__(self, *fault: object) -> None:
        if self._thread is not None:
            sys.meta_path.remove(self)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Rest, unless somebody waits at the door."""
        if threading.get_ident() == self._thread and not _waiting:
            worked = time.perf_counter() - self._worked_from
            time.sleep(min(max(worked, _LEAST_REST_S), _MOST_REST_S))
            self._worked_from = time.perf_counter()
        return None
