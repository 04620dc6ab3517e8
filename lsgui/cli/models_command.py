"""`lsgui models`: which models can be run here, and how a checkpoint of the published code becomes one."""

import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lsgui.core.errors import ModelError

if TYPE_CHECKING:
    from lsgui.models.card import ModelCard

HELP = """List the models that can be run here, with version, hash and card.

With --import, turn a checkpoint of the published code into a model folder that predict and evaluate take as --model.

Example: lsgui models --json

With --add, take a model that `lsgui train` wrote into your own models: every command and the window then know it by
its name (its network's, or the one given with --as).

Example: lsgui models --import cmwru.pth --as cmwru --out my_cmwru

Example: lsgui models --add runs/mine --as ours
"""

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
ImportOption = Annotated[
    Path | None, typer.Option("--import", metavar="FILE", help="A checkpoint of the published code (.pth).")
]
AsOption = Annotated[
    str | None,
    typer.Option(
        "--as", metavar="NAME", help="Which network the checkpoint holds (cmwru, cmwra, rcm2d); with --add: name."
    ),
]
AddOption = Annotated[
    Path | None, typer.Option("--add", metavar="DIR", help="Folder of a trained model to take into your own models.")
]
OutOption = Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Folder for the imported model.")]
FramesOption = Annotated[
    int | None, typer.Option("--frames", min=2, help="Frames of a window, where the checkpoint does not say.")
]
SizeOption = Annotated[
    int | None, typer.Option("--size", min=16, help="Side of a frame in pixels, where the checkpoint does not say.")
]
MeanOption = Annotated[
    float | None, typer.Option("--mean", help="Mean grey value, 0 to 255, that the network was trained with.")
]
StdOption = Annotated[
    float | None, typer.Option("--std", help="Standard deviation of the grey values that it was trained with.")
]


def register(app: typer.Typer) -> None:
    """Enter the command."""

    @app.command("models", help=HELP)
    def models(
        as_json: JsonOption = False,
        checkpoint: ImportOption = None,
        add: AddOption = None,
        architecture: AsOption = None,
        out: OutOption = None,
        frames: FramesOption = None,
        size: SizeOption = None,
        mean: MeanOption = None,
        std: StdOption = None,
    ) -> int:
        if add is not None:
            if checkpoint is not None or out is not None:
                raise ModelError("--add stands alone: it takes --as, and neither --import nor --out.")
            return _add(add, architecture or "", as_json)
        if checkpoint is None:
            if architecture is not None or out is not None:
                raise ModelError("--as and --out belong to --import: name the checkpoint with --import FILE.")
            return _list(as_json)
        if architecture is None or out is None:
            raise ModelError("--import needs --as (which network the file holds) and --out (a folder for the model).")
        if std is not None and not (math.isfinite(std) and std > 0):
            raise ModelError("--std must be above 0.")
        if mean is not None and not math.isfinite(mean):
            raise ModelError("--mean must be a grey value, 0 to 255.")
        from lsgui.models.checkpoint_import import ImportOptions, import_checkpoint  # here: it loads torch

        card = import_checkpoint(checkpoint, architecture, out, ImportOptions(frames, size, mean, std))
        if as_json:
            typer.echo(json.dumps(card.listing(), indent=2))
        else:
            _say_imported(card)
        return 0


def _add(folder: Path, name: str, as_json: bool) -> int:
    from lsgui.models.adoption import adopt_model  # here: the command is entered at every start

    card = adopt_model(folder, name)
    if as_json:
        typer.echo(json.dumps(card.listing(), indent=2))
    else:
        typer.echo(f"{card.id}: {card.title}. Choose it in the window's preferences, or with --model {card.id}.")
    return 0


def _say_imported(card: "ModelCard") -> None:
    count, size = (card.input.size or (0, 0))[:2]
    typer.echo(f"{card.folder}: {card.title}, {card.parameters:,} parameters, {count} frames of {size}x{size}.")
    for limit in card.limits:
        typer.echo(f"- {limit}")
    typer.echo(f"Run it with: lsgui predict CLIP --model {card.folder}")


def _list(as_json: bool) -> int:
    from lsgui.models.card import scan_cards  # here: the command is entered at every start

    cards, faults = scan_cards()
    if as_json:
        typer.echo(json.dumps([card.listing() for card in cards.values()], indent=2))
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
