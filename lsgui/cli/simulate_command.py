"""`lsgui simulate`: labelled clips with ground truth."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class ClipFormat(StrEnum):
    """How simulated clips are written."""

    PNG = "png"
    AVI = "avi"
    DICOM = "dicom"


HELP = """Make labelled lung-ultrasound clips whose truth is known, half of them ls_a, half ls_p.

OUT gets dataset.csv (which train and evaluate read; its path is printed), the clips, their pleural lines in roi/, and
what is true of every moment and stretch of pleura in truth/.

Example: lsgui simulate runs/simulated --clips 200 --seed 1 --format dicom
"""


def register(app: typer.Typer) -> None:
    """Enter the command."""

    @app.command("simulate", help=HELP)
    def simulate(
        out: Annotated[Path, typer.Argument(metavar="OUT", help="A new or empty folder.")],
        clips: Annotated[int, typer.Option("--clips", min=1, metavar="N", help="How many clips.")] = 20,
        seed: Annotated[
            int, typer.Option("--seed", min=0, metavar="S", help="Which clips: the same seed gives the same frames.")
        ] = 0,
        format_name: Annotated[
            ClipFormat,
            typer.Option("--format", help="Folders of PNG frames, AVI, or DICOM, which alone carries millimetres."),
        ] = ClipFormat.AVI,
        jobs: Annotated[int, typer.Option("--jobs", min=1, metavar="N", help="Processes to work in.")] = 1,
    ) -> None:
        from rich.console import Console
        from rich.progress import Progress

        from lsgui.simulation.dataset import write_dataset

        names = write_dataset(out, clips, seed, format_name.value, jobs)
        console = Console(stderr=True)
        with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
            task = progress.add_task("Simulating", total=clips)
            for _ in names:
                progress.advance(task)
        typer.echo(out / "dataset.csv")
