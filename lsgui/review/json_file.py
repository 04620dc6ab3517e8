"""Small JSON files that are never half written, and never lost when they are damaged."""

import json
from pathlib import Path
from typing import Any

from lsgui.core.atomic_file import write_atomic
from lsgui.core.errors import LsguiError
from lsgui.core.plain_file import read_json


class DamagedFileError(LsguiError):
    """A file could not be read as what it should be; it was set aside, never overwritten."""


def load_json(path: Path) -> Any | None:
    """Return what `path` holds, or None where there is no such file.

    Raises
    ------
    DamagedFileError
        When it is not JSON: the file has been set aside with the ending `.bad`.
    """
    try:
        return read_json(path)
    except FileNotFoundError:
        return None
    except OSError as fault:
        raise DamagedFileError(f"{path.name} cannot be read ({fault.strerror}): check who may read it.") from fault
    except ValueError as fault:
        raise set_aside(path) from fault


def set_aside(path: Path) -> DamagedFileError:
    """Rename a damaged file so that it stays for inspection, and return the error that says so."""
    aside = path.with_name(f"{path.name}.bad")
    try:
        path.replace(aside)
    except OSError as fault:
        return DamagedFileError(f"{path.name} is damaged and cannot be put aside ({fault.strerror}): take it away.")
    return DamagedFileError(f"{path.name} is damaged: it was kept as {aside.name} and a new one is used.")


def save_json(path: Path, data: Any) -> None:
    """Write `data` to a temporary file beside `path`, then put it in place in one step.

    Raises
    ------
    LsguiError
        When the folder cannot be written to.
    """
    try:
        write_atomic(path, json.dumps(data, indent=1).encode("utf-8"))
    except OSError as fault:
        raise LsguiError(
            f"{path.name} cannot be saved ({fault.strerror}): free some space or check the folder's rights."
        ) from fault
