"""`lsgui evaluate`: how well a model does on labelled clips."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from lsgui.cli.predict_command import DEFAULT_MODEL

if TYPE_CHECKING:  # the commands are entered at every start: what they need is imported when they run
    from lsgui.training.evaluation.run import Evaluation, EvaluationRun

HELP = """Judge every clip of a labelled folder as predict does and say how well that fits the labels.

DIR holds a dataset.csv (clip, label, patient, source, start, stop, roi), or the paper's sliding_metafile.json with its
clips. OUT gets scores.csv and windows.csv, written as they come, metrics.json, and the figures as PNG. Intervals are
95 % bootstraps by patient; the positive class is ls_a. Nothing is fitted to these clips.

Example: lsgui evaluate --data runs/simulated --model cmwru-strip --out runs/evaluation --json -
"""

DataOption = Annotated[Path, typer.Option("--data", metavar="DIR", help="Labelled folder.")]
OutOption = Annotated[Path, typer.Option("--out", metavar="DIR", help="Where scores and figures go.")]
ModelOption = Annotated[
    str,
    typer.Option("--model", metavar="ID|FOLDER", help="Which model (see lsgui models), or a folder of lsgui train."),
]
AgainstOption = Annotated[
    str | None,
    typer.Option("--against", metavar="ID|FOLDER", help="A second model, compared with the first clip by clip."),
]
IndexOption = Annotated[
    Path | None, typer.Option("--index", metavar="FILE", help="Rows to use in place of DIR/dataset.csv.")
]
JsonOption = Annotated[
    str | None, typer.Option("--json", metavar="FILE|-", help="Write the figures as JSON; - is standard output.")
]
DeviceOption = Annotated[str, typer.Option("--device", metavar="auto|cpu|cuda", help="Where to compute.")]
JobsOption = Annotated[int, typer.Option("--jobs", min=1, metavar="N", help="Processes to work in.")]
ResumeOption = Annotated[
    bool, typer.Option("--resume", help="Go on with the scores that an interrupted evaluation has left in OUT.")
]
PooledOption = Annotated[
    bool, typer.Option("--pooled", help="Also draw real, edited and simulated clips together, with a warning.")
]


def register(app: typer.Typer) -> None:
    """Enter the command."""

    @app.command("evaluate", help=HELP)
    def evaluate(
        data: DataOption,
        out: OutOption,
        model: ModelOption = DEFAULT_MODEL,
        against: AgainstOption = None,
        index: IndexOption = None,
        json_file: JsonOption = None,
        device: DeviceOption = "auto",
        jobs: JobsOption = 1,
        resume: ResumeOption = False,
        pooled: PooledOption = False,
    ) -> int:
        from lsgui.cli.evaluate_output import present
        from lsgui.core.errors import DeviceError
        from lsgui.inference.protocol import DeviceChoice
        from lsgui.training.evaluation.report import report_of, write_figures, write_report
        from lsgui.training.evaluation.run import EvaluationRun

        if device not in ("auto", "cpu", "cuda"):
            raise DeviceError(f"There is no device {device!r}: choose one of auto, cpu, cuda.")
        run = EvaluationRun(data, index, model, out, cast(DeviceChoice, device), jobs, resume)
        with _progress(model) as tell:
            first = run.execute(tell)
        if first.note:
            typer.echo(f"lsgui: {first.note}", err=True)
        report = report_of(first)
        write_figures(first, out, pooled)
        if against is not None:
            report["comparison"] = _compare(run, against, first, pooled)
        write_report(report, out)
        present(report, json_file)
        return 2 if report["unread"] else 0


def _compare(run: "EvaluationRun", against: str, first: "Evaluation", pooled: bool) -> dict[str, Any]:
    """Judge the same clips with the second model, into OUT/against, and return how the two differ."""
    from lsgui.training.evaluation.compare import compare, write_comparison
    from lsgui.training.evaluation.report import report_of, write_figures, write_report

    other = replace(run, model=against, out=run.out / "against")
    with _progress(against) as tell:
        second = other.execute(tell)
    write_report(report_of(second), other.out)
    write_figures(second, other.out, pooled)
    found = compare(first, second)
    write_comparison(found, run.out, pooled)
    return found.to_json()


@contextmanager
def _progress(model: str) -> Iterator[Callable[[int, int, str], None]]:
    """Show a bar with the time left on standard error, and none where it is not a terminal."""
    if not sys.stderr.isatty():
        yield lambda _done, _count, _name: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(model, total=None)
        yield lambda done, count, name: bar.update(
            task, completed=done, total=count, description=f"{model} {name}".rstrip()
        )
