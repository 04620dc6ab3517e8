"""A store opened without touching it: not brought up, no file left beside it, on a write-protected disk too."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from lsgui.annotation.schema import is_annotation_store
from lsgui.core.errors import LsguiError
from lsgui.core.plain_file import check_plain


@contextmanager
def read_only(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a store for reading.

    Raises
    ------
    LsguiError
        When there is no such file, or it is no store; sqlite3.DatabaseError where it is damaged.
    """
    if not path.is_file():
        raise LsguiError(f"{path.name}: there is no such annotation store: check the name.")
    try:
        check_plain(path)
    except OSError as fault:
        raise LsguiError(f"{path.name}: the annotation store cannot be read ({fault.strerror}): check it.") from fault
    # While a program has the store open there is a log beside it. Without one nothing but the file is needed, and
    # "immutable" keeps SQLite from making files for readers, which it could not on a write-protected disk.
    logs = (path.with_name(f"{path.name}-{kind}") for kind in ("wal", "journal"))
    mode = "mode=ro" if any(log.exists() for log in logs) else "immutable=1"
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?{mode}", uri=True)) as connection:
        try:
            ours = is_annotation_store(connection)
        except sqlite3.OperationalError as fault:
            raise LsguiError(
                f"{path.name}: the annotation store cannot be read ({fault}): close the program that has it open."
            ) from fault
        except sqlite3.DatabaseError:
            ours = False
        if not ours:
            raise LsguiError(f"{path.name} is not an annotation store of lsgui: choose another file.")
        yield connection
