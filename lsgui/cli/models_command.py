"""`lsgui models`: which models can be run here."""

import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from lsgui.models.card import ModelCard


def register(app: typer.Typer) -> None:
    """Enter the command."""

    @app.command(
        "models", help="List the models that can be run here, with version, hash and card. Example: lsgui models --json"
    )
    def models(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list.")] = False) -> int:
        from lsgui.models.card import scan_cards  # here: the command is entered at every start

        cards, faults = scan_cards()
        if as_json:
            listing = [card.listing() for card in cards.values()]
            typer.echo(json.dumps(listing, indent=2))
        else:
            _print_table(list(cards.values()))
        for fault in faults.values():
            typer.echo(f"lsgui: {fault}", err=True)
        return 2 if faults else 0


def _print_table(cards: list["ModelCard"]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading, side in (("model", "left"), ("version", "left"), ("input", "left"), ("parameters", "right")):
        table.add_column(heading, justify="right" if side == "right" else "left", no_wrap=True)
    table.add_column("sha256", no_wrap=True)
    table.add_column("title", overflow="fold")
    for card in cards:
        table.add_row(
            card.id,
            card.version,
            card.input.kind,
            f"{card.parameters:,}" if card.parameters else "none",
            card.sha256[:12] or ("not shipped" if card.architecture_only else "none"),
            card.title,
        )
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    console.print(table)
    console.print("Research use only. Not a medical device.")
