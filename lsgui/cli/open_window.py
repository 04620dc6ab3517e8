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
    timing: bool = False,
) -> int:
    """Open the review window; return its exit status when it is closed.

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
        timing=_print_timing if timing else None,
        prepare=(lambda review: review.controller.choose("rater", rater.strip())) if rater.strip() else None,
    )


def _print_timing(figures: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(figures, indent=1) + "\n")
