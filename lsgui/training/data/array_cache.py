"""Arrays by key: in memory as far as they fit, and on disk where a folder is given."""

import io
import logging
import threading
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lsgui.core.atomic_file import write_atomic
from lsgui.core.errors import DatasetError

Arrays = Mapping[str, npt.NDArray[Any]]

_log = logging.getLogger(__name__)


class ArrayCache:
    """Keeps named arrays under a key. May be asked from several threads.

    Parameters
    ----------
    folder
        Where `<key>.npz` files are kept, for later runs and other processes too; None: everything stays in memory.
    memory_bytes
        With a folder, how much is kept in memory beside it; what was not used for longest goes first.
    """

    def __init__(self, folder: Path | None = None, memory_bytes: int = 1 << 31) -> None:
        self._folder = folder
        self._limit = memory_bytes
        self._kept: OrderedDict[str, Arrays] = OrderedDict()
        self._bytes = 0
        self._lock, self._writing = threading.Lock(), threading.Lock()

    def get(self, key: str) -> Arrays | None:
        """Return the arrays of a key, or None where there are none; a damaged file counts as none."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        found = self._read(key)
        if found is not None:
            self._keep(key, found)
        return found

    def has(self, key: str) -> bool:
        """Tell whether there is something under a key, without reading it."""
        return key in self._kept or (self._folder is not None and self._path(key).is_file())

    def put(self, key: str, arrays: Arrays) -> None:
        """Keep arrays under a key.

        Raises
        ------
        DatasetError
            When the folder cannot be written.
        """
        if self._folder is not None:
            file = io.BytesIO()
            np.savez(file, allow_pickle=False, **arrays)  # not compressed: reading it back is what has to be fast
            try:
                with self._writing:  # two threads that made the same would write the same temporary file
                    write_atomic(self._path(key), file.getvalue())
            except OSError as fault:
                raise DatasetError(
                    f"{self._folder}: prepared clips cannot be kept there ({fault.strerror}): choose another folder."
                ) from fault
        self._keep(key, arrays)

    def _path(self, key: str) -> Path:
        assert self._folder is not None  # asked by the callers
        return self._folder / f"{key}.npz"

    def _read(self, key: str) -> Arrays | None:
        if self._folder is None or not self._path(key).is_file():
            return None
        try:
            with np.load(self._path(key), allow_pickle=False) as file:
                return {name: file[name] for name in file.files}
        except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as fault:
            _log.info("%s is made anew: %s", self._path(key).name, fault)
            return None

    def _keep(self, key: str, arrays: Arrays) -> None:
        with self._lock:
            self._bytes += _size(arrays) - _size(self._kept.pop(key, {}))
            self._kept[key] = arrays
            while self._folder is not None and self._bytes > self._limit and len(self._kept) > 1:
                self._bytes -= _size(self._kept.popitem(last=False)[1])

    def __getstate__(self) -> dict[str, Any]:
        """Leave out of a copy for another process what it can read from disk itself."""
        kept = OrderedDict() if self._folder is not None else self._kept
        return {"_folder": self._folder, "_limit": self._limit, "_kept": kept}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._bytes = sum(map(_size, self._kept.values()))
        self._lock, self._writing = threading.Lock(), threading.Lock()


def _size(arrays: Arrays) -> int:
    return sum(array.nbytes for array in arrays.values())
