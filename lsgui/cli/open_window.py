"""Opens the review window for a command. Without Typer: the window alone is asked for most, and opens sooner so."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from lsgui.core.errors import LsguiError


class WindowError(LsguiError):
    """The window cannot be opened on this machine."""


def check_window_opens() -> None:
    """Make sure that Qt is there and can start.

    Raises
    ------
    LsguiError
        One sentence that says what is missing on this machine.
    """
    try:
        import lsgui.gui.app  # noqa: F401  # only whether it can be had
        from lsgui.gui.platform_check import why_no_window
    except ImportError as fault:
        raise WindowError(
            f"The window cannot start, a library is missing ({fault.name or fault}): "
            "run 'python3 packaging/bootstrap.py run', which installs it."
        ) from fault
    reason = why_no_window()
    if reason:
        raise WindowError(reason)


def open_window(
    paths: Sequence[Path],
    *,
    store: Path | None = None,
    rater: str = "",
    in_process: bool = False,
    demo: str = "",
    screenshot: Path | None = None,
    timing: float | None = None,
) -> int:
    """Open the review window; return its exit status when it is closed.

    Parameters
    ----------
    paths
        Clips and folders for the worklist.
    store, rater
        The annotation project and who reads; those of the settings where they are not given.
    in_process
        Analyse in this process instead of a worker.
    demo
        Part of the file name of a bundled demo clip that is opened.
    screenshot
        Save a picture of the window there once the first clip is analysed, and end.
    timing
        Print the figures of `lsgui.gui.play_test`, with so many seconds for each, and end; 0 for the start alone.

    Raises
    ------
    LsguiError
        When a path does not exist, or Qt cannot start here.
    """
    for path in paths:
        if not path.exists():
            raise LsguiError(f"{path}: there is no such file or folder; check the name or the drive.")
    check_window_opens()
    from lsgui.gui.app import run_window

    return run_window(
        paths,
        store=store,
        in_process=in_process,
        demo=demo,
        screenshot=screenshot,
        timing=None if timing is None else _print_timing,
        watched_s=timing or 0.0,
        prepare=(lambda review: review.controller.choose("rater", rater.strip())) if rater.strip() else None,
    )


def _print_timing(figures: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(figures, indent=1) + "\n")
