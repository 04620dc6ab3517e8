"""Which file is which clip, remembered so that a worklist shows its labels without reading every file."""

import hashlib
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from lsgui.review.json_file import load_json, save_json, set_aside

MOST = 200_000
"""So many files are remembered; beyond that those that were noted first go."""


def file_key(path: Path) -> str | None:
    """Return a key for this very file: place, size and time of change, hashed so that no name is kept; None: gone."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return hashlib.sha256(
        f"{path.absolute()}\0{stat.st_size}\0{stat.st_mtime_ns}".encode("utf-8", "surrogatepass")
    ).hexdigest()[:32]


class Fingerprints:
    """The content hash of every clip that was looked at here, by `file_key`. A file that changed is not recognised.

    All that are made for one file share what is known, from any thread; what another program noted meanwhile is taken
    in before the file is written.

    Raises
    ------
    DamagedFileError
        When the file is damaged: it has been set aside. It can be rebuilt: labels are not kept here.
    """

    _tables: ClassVar[dict[Path, "_Table"]] = {}
    _making: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self, file: Path) -> None:
        with self._making:
            self._table = self._tables.setdefault(file.absolute(), _Table(file))
        self._table.load()

    def get(self, path: Path) -> str | None:
        """Return the content hash of a clip, where it is known."""
        key = file_key(path)
        return None if key is None else self._table.known.get(key)

    def by_key(self, key: str) -> str | None:
        """Return the content hash of the file with this `file_key`, where it is known."""
        return self._table.known.get(key)

    def remember(self, path: Path, content_hash: str) -> None:
        """Keep the content hash of a clip."""
        key = file_key(path)
        if key is not None:
            self.remember_all({key: content_hash})

    def remember_all(self, hashes: Mapping[str, str]) -> None:
        """Keep content hashes by their `file_key`, in one step.

        Raises
        ------
        LsguiError
            When they cannot be saved; they are known until the program ends.
        """
        self._table.add(hashes)


class _Table:
    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._read_at: tuple[int, int] | None = None
        self.known: dict[str, str] = {}

    def load(self) -> None:
        with self._lock:
            self._take_in()

    def add(self, hashes: Mapping[str, str]) -> None:
        with self._lock:
            if all(self.known.get(key) == content for key, content in hashes.items()):
                return
            self._take_in()
            known = {**self.known, **hashes}
            self.known = dict(list(known.items())[-MOST:])
            save_json(self._file, self.known)
            self._read_at = self._stamp()

    def _take_in(self) -> None:
        """Read the file where another program, or nobody yet, has read it as it is."""
        stamp = self._stamp()
        if stamp == self._read_at:
            return
        data = load_json(self._file)
        if data is not None and not isinstance(data, dict):
            raise set_aside(self._file)
        self.known = {**self.known, **(data or {})}
        self._read_at = stamp

    def _stamp(self) -> tuple[int, int] | None:
        try:
            stat = self._file.stat()
        except OSError:
            return None
        return (stat.st_mtime_ns, stat.st_size)
