"""`lsgui train`: train a model on a labelled folder."""

from pathlib import Path
from typing import Annotated

import typer

HELP = """Train a model and write its card and weights, ready for trained_models/.

DIR holds a dataset.csv (clip, label, patient, source, start, stop, roi) or --index names one with paths inside DIR.
Negatives are made from the sliding clips, and simulated clips are added: a folder without a single absent clip will do.

Example: lsgui train --data clips --model cmwru-strip --out runs/mine --set steps=600 --leave-one-out
"""


def register(app: typer.Typer) -> None:
    """Enter the command."""

    @app.command("train", help=HELP)
    def train(
        data: Annotated[Path, typer.Option("--data", metavar="DIR", help="Labelled folder.")],
        out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the model and its figures go.")],
        model: Annotated[str, typer.Option("--model", metavar="ID", help="Which model.")] = "cmwru-strip",
        index: Annotated[
            Path | None, typer.Option("--index", metavar="FILE", help="Rows to use in place of DIR/dataset.csv.")
        ] = None,
        config: Annotated[Path | None, typer.Option("--config", metavar="FILE", help="TOML file of settings.")] = None,
        settings: Annotated[
            list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change one setting.")
        ] = None,
        resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint in DIR.")] = False,
        leave_one_out: Annotated[
            bool, typer.Option("--leave-one-out", help="First measure the recipe, leaving one patient out at a time.")
        ] = False,
        device: Annotated[str, typer.Option("--device", metavar="cpu|cuda", help="Where to compute.")] = "cpu",
    ) -> None:
        from lsgui.training.strip_run import StripRun, read_recipe

        recipe = read_recipe(model, config, settings or [])
        StripRun(data, index, out, recipe, device, resume).execute(leave_one_out)
