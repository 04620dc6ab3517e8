"""`lsgui open`: the review window with clips or folders in its worklist."""

from pathlib import Path
from typing import Annotated

import typer

from lsgui.cli.open_window import open_window


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command("open", epilog="Example: lsgui open clip.mp4 folder/ --store ward.sqlite --rater AB")
    def open_(
        paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Clips and folders for the worklist.")],
        store: Annotated[
            Path | None, typer.Option(metavar="FILE", help="Annotation project that keeps the labels.")
        ] = None,
        rater: Annotated[str, typer.Option(metavar="NAME", help="Who reads: initials or a code.")] = "",
        in_process: Annotated[
            bool, typer.Option("--in-process", help="Analyse in this process instead of a worker.")
        ] = False,
        screenshot: Annotated[Path | None, typer.Option("--screenshot", hidden=True)] = None,
        timing: Annotated[float | None, typer.Option("--timing", min=0.0, max=60.0, hidden=True)] = None,
    ) -> None:
        """Open the review window with these clips or folders in its worklist."""
        status = open_window(
            paths, store=store, rater=rater, in_process=in_process, screenshot=screenshot, timing=timing
        )
        raise typer.Exit(status)
