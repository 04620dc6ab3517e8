"""Files that appear whole or not at all."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def atomic_file(path: Path, *, newline: str | None = None) -> Iterator[IO[str]]:
    """Open a UTF-8 text file that takes the place of `path` when the block ends, and leaves it as it was on a fault.

    Raises
    ------
    OSError
        When the folder cannot be made or written.
    """
    part = _part_of(path)
    try:
        with part.open("w", encoding="utf-8", newline=newline) as file:
            yield file
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a path beside `path` to write to, which takes its place when the block ends; on a fault it goes.

    Raises
    ------
    OSError
        When the folder cannot be made or written.
    """
    part = _part_of(path)
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_atomic(path: Path, data: bytes) -> None:
    """Write `data` to `path` by a temporary file beside it and an atomic replace.

    Raises
    ------
    OSError
        When the folder cannot be made or written.
    """
    part = _part_of(path)
    try:
        part.write_bytes(data)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _part_of(path: Path) -> Path:
    if path.is_dir():  # else the fault would come only when all has been written
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.with_name(f".{path.name}.{os.getpid()}.part")
