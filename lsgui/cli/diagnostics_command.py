"""`lsgui diagnostics`: a file for a report on a fault, without anybody's name."""

from pathlib import Path
from typing import Annotated

import typer

HELP = """Write a file for a report on a fault: versions, preferences, log, crash files, machine, models with their
hashes, and whether the audit log and the annotation stores are whole.

It holds no patient, no name of a file, folder, person or machine, and nothing is sent: pass it on yourself, or not.

Example: lsgui diagnostics --out diagnostics.zip
"""


def register(app: typer.Typer) -> None:
    """Enter the command."""

    @app.command("diagnostics", help=HELP)
    def diagnostics(
        out: Annotated[Path, typer.Option("--out", metavar="FILE.zip", help="Where it goes.")],
    ) -> None:
        from lsgui.review.diagnostics import write_diagnostics

        parts = write_diagnostics(out)
        typer.echo(f"{out}: {len(parts)} files; nothing was sent.")
