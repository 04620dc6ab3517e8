"""Crash files: what is known of a fault, on this machine alone, without names of clips, folders or people."""

import logging
import os
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from lsgui import __version__
from lsgui.core.atomic_file import write_atomic
from lsgui.review.log_file import log_file, redacted
from lsgui.review.paths import crashes_dir

log = logging.getLogger(__name__)

MOST_FILES = 20
"""So many crash files are kept."""
_LOG_LINES = 40


def write_crash_file(how: str, stack: str, facts: Mapping[str, str] | None = None) -> Path | None:
    """Write a crash file and return it; None where it cannot be written. Nothing is sent anywhere.

    Parameters
    ----------
    how
        What ended or failed.
    stack
        The stack of the threads, as Python gives it; empty where there is none.
    facts
        What else is known, by its name.
    """
    import platform  # here: the window opens without it

    now = datetime.now(UTC)
    lines = {
        "lsgui": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "written": now.isoformat(timespec="seconds"),
        "what": how,
        **(facts or {}),
    }
    head = "\n".join(f"{name}: {value}" for name, value in lines.items())
    text = (
        f"{head}\n\n{redacted(stack).strip() or 'No stack could be noted.'}\n\nLast lines of the log:\n{_log_end()}\n"
    )
    try:
        file = crashes_dir() / f"crash-{now:%Y%m%d-%H%M%S-%f}-{os.getpid()}.txt"
        write_atomic(file, text.encode("utf-8", "replace"))
        for former in crash_files()[MOST_FILES:]:
            former.unlink(missing_ok=True)
    except OSError:
        log.info("a crash file cannot be written", exc_info=True)
        return None
    return file


def crash_files() -> list[Path]:
    """Return the crash files, the newest first."""
    return sorted(crashes_dir().glob("crash-*.txt"), reverse=True)


def stack_of(fault: BaseException) -> str:
    """Return the stack of a fault without its message, which may name a file: its kind and its lines say enough."""
    frames = "".join(traceback.format_tb(fault.__traceback__))
    cause = fault.__cause__ or (None if fault.__suppress_context__ else fault.__context__)
    before = "" if cause is None else f"{stack_of(cause)}\n\nand then\n\n"
    return f"{before}{frames}{type(fault).__name__}"


def _log_end() -> str:
    try:
        lines = log_file().read_text("utf-8", "replace").splitlines()[-_LOG_LINES:]
    except OSError:
        return "(none)"
    return redacted("\n".join(lines))
