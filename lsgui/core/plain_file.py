"""Files from elsewhere, read with care: plain ones only, no larger than they can sensibly be, and never for ever.

A name can stand for a pipe that never gives anything, for a device that never ends, or for a file of terabytes with
nothing in it. A disk on the network can be gone without a word. Whatever reads a file that somebody chose asks here.
"""

import errno
import json
import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

PATIENCE_S = 8.0
"""How long a disk may take to say what a file is and to give its first bytes."""

SPARSE_FROM = 64 << 20
_LEAST_WRITTEN = 0.02
"""Part of a file of `SPARSE_FROM` bytes or more that must have been written: compressing disks keep 5 % of a dark clip,
while of a copy that broke off on a disk that makes room beforehand, and of a trap, there is nothing."""

JSON_BYTES = 64 << 20
"""The largest JSON file: Python takes 25 times as much memory for the worst of them."""

Got = TypeVar("Got")


class UnfitFileError(OSError):
    """A path that must not be read; `strerror` says why in a few words."""

    def __init__(self, path: Path, why: str, code: int = errno.EINVAL) -> None:
        super().__init__(code, why, str(path))


def check_plain(path: Path, most_bytes: int | None = None) -> int:
    """Return how many bytes a plain file has.

    Parameters
    ----------
    path
        Links are followed.
    most_bytes
        The largest that is read; None for any size.

    Raises
    ------
    OSError
        When it is not there, or may not be looked at; `UnfitFileError` when it is no plain file, too large, or never
        written.
    """
    found = path.stat()
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(found.st_mode):
        raise UnfitFileError(path, f"it is {_kind_of(found.st_mode)}, not a file")
    if most_bytes is not None and found.st_size > most_bytes:
        raise _too_large(path, most_bytes)
    written = getattr(found, "st_blocks", None)  # Windows does not say
    if written is not None and found.st_size >= SPARSE_FROM and written * 512 < found.st_size * _LEAST_WRITTEN:
        raise UnfitFileError(path, "nearly nothing of it was ever written")
    return found.st_size


def first_bytes(path: Path, count: int) -> bytes:
    """Return the beginning of a plain file; empty where it has no size.

    Raises
    ------
    OSError
        As `check_plain`; `UnfitFileError` also when the disk does not answer.
    """
    return in_time(path, lambda: _first(path, count))


def read_plain(path: Path, most_bytes: int) -> bytes:
    """Return what a plain file holds.

    Raises
    ------
    OSError
        As `first_bytes`.
    """
    if not in_time(path, lambda: check_plain(path, most_bytes) and _first(path, 1)):
        return b""
    with path.open("rb") as file:
        data = file.read(most_bytes + 1)
    if len(data) > most_bytes:
        raise _too_large(path, most_bytes)
    return data


def read_json(path: Path, most_bytes: int = JSON_BYTES) -> Any:
    """Return what a JSON file in UTF-8 holds; a byte order mark does not matter.

    Raises
    ------
    OSError
        As `first_bytes`.
    ValueError
        When it is no JSON, nested too deep, or holds text that no file could be written with.
    """
    text = read_plain(path, most_bytes).decode("utf-8-sig")
    try:
        data = json.loads(text)
        if "\\ud" in text.lower():  # half of a character
            json.dumps(data, ensure_ascii=False).encode()
    except RecursionError as fault:
        raise ValueError("it is nested too deep") from fault
    return data


def in_time(path: Path, ask: Callable[[], Got], patience_s: float | None = None) -> Got:
    """Return what `ask` returns; where it never does, its thread is left behind and the caller goes on.

    Raises
    ------
    UnfitFileError
        When there is no answer within `patience_s`, by default `PATIENCE_S`.
    """
    answers: list[Got] = []
    faults: list[Exception] = []

    def work() -> None:
        try:
            answers.append(ask())
        except (OSError, ValueError, MemoryError) as fault:
            faults.append(fault)

    thread = threading.Thread(target=work, name="first-bytes", daemon=True)
    thread.start()
    thread.join(PATIENCE_S if patience_s is None else patience_s)
    if faults:
        raise faults[0]
    if not answers:
        raise UnfitFileError(path, "its drive does not answer", errno.ETIMEDOUT)
    return answers[0]


def _first(path: Path, count: int) -> bytes:
    if check_plain(path) == 0:  # nor is it opened: the system has files without a size that never end
        return b""
    with path.open("rb", buffering=0) as file:
        return file.read(count)


def _too_large(path: Path, most_bytes: int) -> UnfitFileError:
    return UnfitFileError(path, f"it is larger than {most_bytes >> 20} MB")


def _kind_of(mode: int) -> str:
    if stat.S_ISFIFO(mode):
        return "a pipe"
    return "a socket" if stat.S_ISSOCK(mode) else "a device"
