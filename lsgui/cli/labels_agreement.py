"""`lsgui labels agreement`: how far raters agree beyond chance."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lsgui.cli.labels_store import StoreOption, read_store, writing

if TYPE_CHECKING:
    from rich.console import Console

    from lsgui.annotation.agreement import Figure
    from lsgui.annotation.agreement_report import Agreement, AgreementReport

HELP = """Compare raters clip by clip: raw agreement, Cohen's kappa of pairs, Fleiss' kappa of more, Gwet's AC1.

Each figure has a 95 % interval by bootstrap over patients where the store knows them, else over clips. --intra
compares each rater's second sitting with the first.

Example: lsgui labels agreement --store study.sqlite --raters AB,CD --json agreement.json
"""


def register(app: typer.Typer) -> None:
    """Enter the command."""

    @app.command("agreement", help=HELP)
    def agreement(
        store: StoreOption = None,
        json_file: Annotated[
            str | None, typer.Option("--json", metavar="FILE|-", help="Write the report as JSON; - is standard output.")
        ] = None,
        intra: Annotated[bool, typer.Option("--intra", help="Each rater with himself, sitting 2 with 1.")] = False,
        raters: Annotated[
            str, typer.Option("--raters", metavar="A,B", help="Only these, with a comma between; all by default.")
        ] = "",
        sitting: Annotated[int, typer.Option("--sitting", metavar="N", min=1, help="The pass that is compared.")] = 1,
    ) -> None:
        from lsgui.annotation.agreement_report import between_raters, within_raters
        from lsgui.core.atomic_file import write_atomic

        chosen = [name.strip() for name in raters.split(",") if name.strip()]
        with read_store(store) as opened:
            records = opened.records()
            patients = {digest: facts.patient for digest, facts in opened.clips().items()}
        report = (
            within_raters(records, patients, chosen)
            if intra
            else between_raters(records, patients, chosen, sitting=sitting)
        )
        if json_file is None:
            _print(report)
            return
        text = json.dumps(report.to_json(), indent=1, ensure_ascii=False)
        if json_file == "-":
            typer.echo(text)
            return
        with writing(Path(json_file)):
            write_atomic(Path(json_file), f"{text}\n".encode())


def _print(report: "AgreementReport") -> None:
    from rich.console import Console

    console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
    _print_figures(console, report)
    _print_counts(console, report)
    for pair in report.pairs:
        _print_confusion(console, pair)
    _print_disagreements(console, report)
    seen = [f"{name} {count} of {sum(report.counts[name].values())}" for name, count in report.seen.items() if count]
    if seen:
        told = f"Not said blind: {', '.join(seen)}; readers who saw the verdict or each other agree too well."
        console.print(told, soft_wrap=True, markup=False)
    console.print(f"Intervals: 95 %, bootstrap by {report.resampled_by}.", soft_wrap=True, markup=False)
    if report.group is not None:
        from lsgui.annotation.agreement_report import MISSING_READS

        console.print(MISSING_READS, soft_wrap=True, markup=False)


def _print_figures(console: "Console", report: "AgreementReport") -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table("readers", "clips", "raw agreement", "kappa", "Gwet's AC1", box=None, pad_edge=False)
    notes = []
    for row in (*report.pairs, *((report.group,) if report.group else ())):
        who = " / ".join(row.readers)
        kappa = f"{_figure(row.kappa)} {'Cohen' if row.kappa_name == 'cohen_kappa' else 'Fleiss'}"
        table.add_row(escape(who), str(row.clips), _figure(row.raw), kappa, _figure(row.ac1))
        for name, figure in (("raw agreement", row.raw), ("kappa", row.kappa), ("AC1", row.ac1)):
            notes += [f"{who}, {name}: {figure.why}."] if figure.why else []
    console.print(table)
    for note in notes:
        console.print(note, soft_wrap=True, markup=False)
    console.print()


def _print_counts(console: "Console", report: "AgreementReport") -> None:
    from rich.markup import escape
    from rich.table import Table

    from lsgui.annotation.agreement_report import LABELS

    table = Table("labels by reader", *(label.value for label in LABELS), box=None, pad_edge=False)
    for reader, counts in report.counts.items():
        table.add_row(escape(reader), *(str(counts[label]) for label in LABELS))
    console.print(table)
    console.print()


def _print_confusion(console: "Console", pair: "Agreement") -> None:
    from rich.markup import escape
    from rich.table import Table

    from lsgui.annotation.agreement_report import LABELS

    if not pair.clips:
        return
    first, second = pair.readers
    used = [n for n in range(len(LABELS)) if any(pair.table[n]) or any(row[n] for row in pair.table)]
    heading = escape(f"{first} says, {second} says:")
    table = Table(heading, *(LABELS[n].value for n in used), box=None, pad_edge=False)
    for n in used:
        table.add_row(LABELS[n].value, *(str(pair.table[n][m]) for m in used))
    console.print(table)
    console.print()


def _print_disagreements(console: "Console", report: "AgreementReport") -> None:
    from rich.markup import escape
    from rich.table import Table

    if not report.disagreements:
        console.print("No clip is read differently.\n")
        return
    readers = list(report.counts)
    table = Table("read differently", *map(escape, readers), "adjudicated", box=None, pad_edge=False)
    for item in report.disagreements:
        said = (item.said[reader].value if reader in item.said else "" for reader in readers)
        table.add_row(escape(item.file_name), *said, item.settled.value if item.settled else "")
    console.print(table)
    console.print()


def _figure(figure: "Figure") -> str:
    if figure.value is None:
        return "not defined"
    spread = "" if figure.low is None or figure.high is None else f" [{figure.low:.2f}, {figure.high:.2f}]"
    return f"{figure.value:.3f}{spread}".replace("[", "\\[")
