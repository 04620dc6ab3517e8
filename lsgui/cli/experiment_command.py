"""`lsgui experiment`: the paper's tables and figures on a labelled folder."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from lsgui.core.errors import DeviceError

if TYPE_CHECKING:
    from lsgui.inference.protocol import DeviceChoice

_DEVICES = ("auto", "cpu", "cuda")

HELP = """Train the networks of one of the paper's experiments, or of all, and write its tables and figures.

NAME is dropout (Table II), gradient-clipping (Table III), frames, flow-step, gamma, whole-set (Table I),
final (Table V) or all. DIR holds a dataset.csv or the paper's sliding_metafile.json.
OUT/report gets Markdown, CSV and figures with the paper's numbers beside; OUT/runs weights and caches.
The paper's networks are large: --set size=64 --set frames=16 --set epochs=4 is a size for a small machine,
and the report says so.

Example: lsgui experiment dropout --data clips --out runs/dropout --set size=64 --set frames=16
"""


def register(app: typer.Typer) -> None:
    """Enter the command."""

    @app.command("experiment", help=HELP)
    def experiment(
        name: Annotated[str, typer.Argument(metavar="NAME", help="Which experiment, or all.")],
        data: Annotated[Path, typer.Option("--data", metavar="DIR", help="Labelled folder.")],
        out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where report and runs go.")],
        index: Annotated[
            Path | None, typer.Option("--index", metavar="FILE", help="Rows to use in place of DIR/dataset.csv.")
        ] = None,
        settings: Annotated[
            list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change one setting of every network.")
        ] = None,
        only: Annotated[
            list[str] | None, typer.Option("--only", metavar="VARIANT", help="This variant or experiment alone.")
        ] = None,
        resume: Annotated[
            bool, typer.Option("--resume", help="Keep networks that are finished in OUT, go on with the others.")
        ] = False,
        device: Annotated[str, typer.Option("--device", metavar="auto|cpu|cuda", help="Where to compute.")] = "auto",
    ) -> None:
        if device not in _DEVICES:
            raise DeviceError(f"There is no device {device!r}: choose one of {', '.join(_DEVICES)}.")
        from lsgui.training.experiments.session import ExperimentSession

        choice = cast("DeviceChoice", device)
        session = ExperimentSession.plan(name, data, index, out, settings or [], only or [], choice)
        raise typer.Exit(session.execute(resume, _say, typer.echo))


def _say(line: str) -> None:
    typer.echo(f"lsgui: {line}", err=True)
