"""What a worklist can find out again but should not have to: small pictures, and to which study an instance belongs.

One SQLite file, of bounded size, under keys from which no name can be read (`fingerprints.file_key`). Nothing is lost
with it: a damaged file is replaced by an empty one, and one that cannot be written is done without.
"""

import logging
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from lsgui.review.worklist_choice import ClipPlace

log = logging.getLogger(__name__)

MOST_PICTURES = 20_000
"""At about 4 kB each; beyond that those that were longest not looked at go."""
MOST_PLACES = 200_000
_VERSION = 1
_TOUCH_AFTER_S = 86_400
_TRIM_EVERY = 256
_Found = TypeVar("_Found")

_SCHEMA = """
CREATE TABLE pictures (key TEXT PRIMARY KEY, detail TEXT NOT NULL, picture BLOB NOT NULL, used INTEGER NOT NULL);
CREATE TABLE places (key TEXT PRIMARY KEY, study TEXT, number INTEGER, series TEXT, instance INTEGER, used INTEGER);
CREATE TABLE notes (name TEXT PRIMARY KEY, value BLOB NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class KeptPicture:
    """A picture as an encoded image, and the short line under the clip's name."""

    detail: str
    data: bytes


class WorklistCache:
    """The cache in one file; may be used from any thread and by several programs. No method raises."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._kept = 0
        self._salt = secrets.token_bytes(16)
        """The key of the hashes of studies; that of the file once it is open."""
        self._open()

    @property
    def salt(self) -> bytes:
        """The key with which studies and series are hashed here."""
        return self._salt

    def picture(self, key: str) -> KeptPicture | None:
        """Return the picture of a file, where it is known."""

        def look(connection: sqlite3.Connection) -> KeptPicture | None:
            row = connection.execute("SELECT detail, picture, used FROM pictures WHERE key = ?", (key,)).fetchone()
            if row is None:
                return None
            if row[2] < _now() - _TOUCH_AFTER_S:
                connection.execute("UPDATE pictures SET used = ? WHERE key = ?", (_now(), key))
            return KeptPicture(row[0], row[1])

        return self._do(look, None)

    def keep_picture(self, key: str, picture: KeptPicture) -> None:
        """Keep the picture of a file."""

        def keep(connection: sqlite3.Connection) -> None:
            row = (key, picture.detail, picture.data, _now())
            connection.execute("INSERT OR REPLACE INTO pictures VALUES (?, ?, ?, ?)", row)
            self._kept += 1
            if self._kept % _TRIM_EVERY == 0:
                _trim(connection, "pictures", MOST_PICTURES)

        self._do(keep, None)

    def places(self, keys: Iterable[str]) -> dict[str, ClipPlace | None]:
        """Return where files belong, by their keys; None for a file that is known to belong to no study."""

        def look(connection: sqlite3.Connection) -> dict[str, ClipPlace | None]:
            found: dict[str, ClipPlace | None] = {}
            for key in keys:
                query = "SELECT study, number, series, instance FROM places WHERE key = ?"
                row = connection.execute(query, (key,)).fetchone()
                if row is not None:
                    found[key] = None if row[0] is None else ClipPlace(row[0], (row[1], row[2], row[3]))
            return found

        return self._do(look, {})

    def keep_places(self, places: Mapping[str, ClipPlace | None]) -> None:
        """Keep where files belong."""

        def keep(connection: sqlite3.Connection) -> None:
            rows = (
                (key, *((None,) * 4 if place is None else (place.study, *place.rank)), _now())
                for key, place in places.items()
            )
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT OR REPLACE INTO places VALUES (?, ?, ?, ?, ?, ?)", rows)
            _trim(connection, "places", MOST_PLACES)
            connection.execute("COMMIT")

        self._do(keep, None)

    def close(self) -> None:
        """Close the file; may be called twice."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _open(self) -> None:
        for _attempt in range(2):
            try:
                self._connection = _opened(self._file)
                self._salt = self._connection.execute("SELECT value FROM notes WHERE name = 'salt'").fetchone()[0]
                return
            except (sqlite3.Error, OSError, TypeError, ValueError) as fault:
                log.info("the worklist's cache is begun anew: %s", type(fault).__name__)
                self.close()
                _remove(self._file)

    def _do(self, work: Callable[[sqlite3.Connection], _Found], otherwise: _Found) -> _Found:
        with self._lock:
            if self._connection is None:
                return otherwise
            try:
                return work(self._connection)
            except (sqlite3.Error, OSError) as fault:
                log.info("the worklist's cache was passed over: %s", type(fault).__name__)
                if self._connection.in_transaction:
                    self._connection.rollback()
                return otherwise


def _opened(file: Path) -> sqlite3.Connection:
    file.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(file, timeout=2.0, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = OFF")  # it can be found out again
        connection.execute("BEGIN IMMEDIATE")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            for statement in _SCHEMA.strip().split(";\n"):
                connection.execute(statement)
            connection.execute("INSERT INTO notes VALUES ('salt', ?)", (secrets.token_bytes(16),))
            connection.execute(f"PRAGMA user_version = {_VERSION}")
        connection.execute("COMMIT")
        if version not in (0, _VERSION):
            raise ValueError(version)
    except BaseException:
        connection.close()
        raise
    return connection


def _trim(connection: sqlite3.Connection, table: str, most: int) -> None:
    with closing(connection.cursor()) as cursor:
        count = cursor.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        if count > most:
            cursor.execute(
                f"DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM {table} ORDER BY used, rowid LIMIT ?)",
                (count - most,),
            )


def _remove(file: Path) -> None:
    for name in (file.name, f"{file.name}-wal", f"{file.name}-shm"):
        try:
            file.with_name(name).unlink(missing_ok=True)
        except OSError as fault:
            log.info("the worklist's cache stays: %s", type(fault).__name__)


def _now() -> int:
    return int(time.time())
