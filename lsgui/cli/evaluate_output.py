"""Where the figures of `lsgui evaluate` go: JSON, or a table for people."""

import json
import sys
from pathlib import Path
from typing import Any

import typer

from lsgui.core.atomic_file import write_atomic
from lsgui.core.errors import LsguiError
from lsgui.core.label import RESEARCH_LINE

_ROWS = {
    "auc": "AUC",
    "recall": "sensitivity (recall)",
    "specificity": "specificity",
    "precision": "precision",
    "f1": "F1",
    "accuracy": "accuracy",
    "calibration_error": "calibration error",
}


def present(report: dict[str, Any], json_file: str | None) -> None:
    """Write the report as JSON where that was asked for, else as tables for people on standard output.

    Faults of single clips and warnings go to standard error where people read the tables; the JSON holds them.
    """
    if json_file == "-":
        typer.echo(json.dumps(report, ensure_ascii=False))
    elif json_file:
        path = Path(json_file)
        try:
            write_atomic(path, (json.dumps(report, indent=1, ensure_ascii=False) + "\n").encode("utf-8"))
        except OSError as fault:
            raise LsguiError(f"{path} cannot be written ({fault.strerror}): choose another place.") from fault
    else:
        _print_tables(report)
    for clip in report["unread"]:
        typer.echo(f"lsgui: {clip['error']}", err=True)


def _print_tables(report: dict[str, Any]) -> None:
    from rich.console import Console

    console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
    model, clip = report["model"], report["clip"]
    console.print(
        f"[bold]{model['id']}[/bold] version {model['version']} on {report['data']}: "
        f"{_counted(clip['n'], 'clip')} of {_counted(clip['patients'], 'patient')}, {clip['absent']} ls_a"
    )
    groups = {"clips": clip, "windows": report["window"]}
    if report["abstained"]:
        groups["clips with a verdict"] = report["decided"]
    console.print(_table(groups))
    if len(report["by_source"]) > 1:
        console.print(_table(report["by_source"]))
    console.print(_abstained_words(report))
    console.print(
        f"Threshold {report['threshold']:.3g}: {report['threshold_source']}. Intervals: {report['intervals']}."
    )
    for sentence in [*_notes(clip), *report["warnings"]]:
        console.print(f"[bold]Note:[/bold] {sentence}")
    if "comparison" in report:
        _print_comparison(console, report["comparison"])
    console.print(RESEARCH_LINE)


def _table(groups: dict[str, dict[str, Any]]) -> Any:
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("")
    for name in groups:
        table.add_column(name, justify="right")
    table.add_row("n (ls_a)", *(f"{m['n']} ({m['absent']})" for m in groups.values()))
    for key, words in _ROWS.items():
        table.add_row(words, *(value_words(m[key]) for m in groups.values()))
    table.add_row("TN FP / FN TP", *(_cells(m["confusion"]) for m in groups.values()))
    return table


def value_words(value: dict[str, Any]) -> str:
    """Return "0.91 [0.84-0.97]", the value alone where there is no interval, "-" where there is no value."""
    if value["value"] is None:
        return "-"
    if value["low"] is None:
        return f"{value['value']:.2f}"
    return f"{value['value']:.2f} \\[{value['low']:.2f}-{value['high']:.2f}]"


def _cells(confusion: list[list[int]]) -> str:
    (tn, fp), (fn, tp) = confusion
    return f"{tn} {fp} / {fn} {tp}"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _abstained_words(report: dict[str, Any]) -> str:
    aside = report["abstention"]
    if not aside["count"]:
        return "A verdict was given on every clip."
    flags = ", ".join(f"{name} {count}" for name, count in aside["flags"].items())
    return (
        f"No verdict on {_counted(aside['count'], 'clip')} ({aside['rate']:.0%}): at the threshold "
        f"{aside['right_at_threshold']} would have been right and {aside['wrong_at_threshold']} wrong, "
        f"{aside['not_scored']} had no score" + (f" (flags: {flags})." if flags else ".")
    )


def _notes(metrics: dict[str, Any]) -> list[str]:
    """Return each reason and note of the figures once, with the figures that it is of."""
    found: dict[str, list[str]] = {}
    for key, words in _ROWS.items():
        text = metrics[key].get("reason") or metrics[key].get("note")
        if text:
            found.setdefault(text, []).append(words)
    return [f"{', '.join(names)}: {text}." for text, names in found.items()]


def _print_comparison(console: Any, comparison: dict[str, Any]) -> None:
    difference = comparison["auc_difference"]
    test = comparison["mcnemar"]
    console.print(
        f"[bold]{comparison['first']}[/bold] against [bold]{comparison['second']}[/bold] on {comparison['n']} clips: "
        f"AUC {value_words(comparison['auc'][0])} against {value_words(comparison['auc'][1])}, "
        f"difference {value_words(difference)}."
    )
    console.print(
        f"At their thresholds {test['first_only_right']} clips are right with the first alone, "
        f"{test['second_only_right']} with the second alone (exact McNemar p = {test['p']:.3g}); "
        f"{comparison['disagreements']} answers differ."
    )
