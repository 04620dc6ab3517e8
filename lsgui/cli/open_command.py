"""`lsgui open`: the review window with clips or folders in its worklist."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

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
        paths, in_process=in_process, demo=demo, screenshot=screenshot, timing=_print_timing if timing else None
    )


def _print_timing(figures: dict[str, object]) -> None:
    typer.echo(json.dumps(figures, indent=1))


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command("open", epilog="Example: lsgui open clip.mp4 folder/")
    def open_(
        paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Clips and folders for the worklist.")],
        in_process: Annotated[
            bool, typer.Option("--in-process", help="Analyse in this process instead of a worker.")
        ] = False,
        screenshot: Annotated[Path | None, typer.Option("--screenshot", hidden=True)] = None,
        timing: Annotated[bool, typer.Option("--timing", hidden=True)] = False,
    ) -> None:
        """Open the review window with these clips or folders in its worklist."""
        raise typer.Exit(open_window(paths, in_process=in_process, screenshot=screenshot, timing=timing))
