"""`lsgui bench`: the performance figures of this machine."""

import json
import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lsgui.core.errors import LsguiError

if TYPE_CHECKING:  # the commands are entered at every start: what they need is imported when they run
    from lsgui.bench.parts import Part
    from lsgui.bench.run import BenchReport, TellPart

logger = logging.getLogger(__name__)

HELP = """Measure what this machine does with the program, each figure beside its reference in the same run.

A figure that cannot be measured here is null in the JSON and a dash in the table, with the reason.

Example: lsgui bench --json figures.json
"""

JsonOption = Annotated[
    str | None,
    typer.Option("--json", metavar="FILE|-", help="Write one JSON object; - is standard output, and then no table."),
]
OnlyOption = Annotated[
    list[str] | None, typer.Option("--only", metavar="PART", help="Measure this part alone; may be given again.")
]
QuickOption = Annotated[bool, typer.Option("--quick", help="Measure less: rougher figures, much sooner.")]


def register(app: typer.Typer) -> None:
    """Enter the command."""

    @app.command("bench", help=HELP)
    def bench(json_file: JsonOption = None, only: OnlyOption = None, quick: QuickOption = False) -> int:
        from lsgui.bench.parts import chosen_parts
        from lsgui.bench.run import run_bench

        parts = chosen_parts(only or [])
        target = _target(json_file)
        _announce(parts, quick)
        with _progress(parts) as tell:
            report = run_bench(parts, quick=quick, tell=tell)
        _write(report.as_json(), target, json_file)
        if json_file != "-":
            _print_table(report)
        _log_faults(report)
        return 1 if report.faults else 0


def _target(json_file: str | None) -> Path | None:
    """Return the file to write, None for none; one sentence now where it cannot be written, not minutes later."""
    if json_file is None or json_file == "-":
        return None
    path = Path(json_file)
    if path.is_dir() or not (path.parent.is_dir() or not path.parent.exists()):
        raise LsguiError(f"{path} cannot be written (a folder is in its place): choose another place.")
    return path


def _announce(parts: Sequence["Part"], quick: bool) -> None:
    seconds = sum(part.quick_s if quick else part.about_s for part in parts)
    lasts = "under a minute" if seconds < 50 else f"about {max(1, round(seconds / 60))} min"
    names = ", ".join(part.name for part in parts)
    typer.echo(f"lsgui: measuring {names}: {lasts} on two cores. Leave the machine alone meanwhile.", err=True)


@contextmanager
def _progress(parts: Sequence["Part"]) -> Iterator["TellPart"]:
    if not sys.stderr.isatty():
        yield lambda _place, _words, _far: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
    total = sum(part.about_s for part in parts)
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Starting", total=total)

        def tell(place: int, words: str, far: float) -> None:
            done = sum(part.about_s for part in parts[:place]) + parts[place].about_s * min(far, 1.0)
            bar.update(task, description=f"{parts[place].name}: {words}", completed=done)

        yield tell


def _write(figures: dict[str, Any], target: Path | None, json_file: str | None) -> None:
    text = json.dumps(figures, indent=1, allow_nan=False) + "\n"
    if json_file == "-":
        sys.stdout.write(text)
    elif target is not None:
        from lsgui.core.atomic_file import write_atomic

        try:
            write_atomic(target, text.encode())
        except OSError as fault:
            raise LsguiError(f"{target} cannot be written ({fault.strerror}): choose another place.") from fault


def _log_faults(report: "BenchReport") -> None:
    if report.faults:
        from lsgui.review.log_file import fault_log

        with fault_log():
            for result in report.faults:
                logger.error("bench: %s\n%s", result.reason, result.details)


def _print_table(report: "BenchReport") -> None:
    from rich.console import Console

    from lsgui.bench.table import print_report

    print_report(report, Console(highlight=False, width=None if sys.stdout.isatty() else 120))
