"""`lsgui labels`: the annotation store in and out, agreement between raters, and the care of the file."""

import typer

from lsgui.cli import labels_agreement, labels_care, labels_export, labels_import, labels_list

HELP = """Readings of clips: in and out, agreement between raters, backup.

Every command takes --store FILE; without it the store of the window is meant. See lsgui labels COMMAND --help.

Example: lsgui labels list --store study.sqlite
"""


def register(app: typer.Typer) -> None:
    """Enter the group with its commands."""
    group = typer.Typer(help=HELP, rich_markup_mode=None, add_completion=False)
    for part in (labels_list, labels_export, labels_import, labels_agreement, labels_care):
        part.register(group)
    app.add_typer(group, name="labels")
