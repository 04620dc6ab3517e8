"""The bench for people: a table whose bars show each figure against its reference or its limit."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from lsgui.bench.rows import Area, BenchRow, Bound
from lsgui.bench.run import BenchReport

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

HIGHER_IS_BETTER = ("frames/s", "clips/s", "GFLOP/s", "GB/s", "x")
_WIDE = 110
_EIGHTHS = " ▏▎▍▌▋▊▉"
_GOOD, _BAD, _PLAIN, _QUIET = "green", "red", "cyan", "bright_black"


@dataclass(frozen=True, slots=True)
class _Columns:
    """Widths of the columns; `reference` is 0 where there is no room and the reference stands under the name."""

    name: int
    shipped: int
    reference: int
    bar: int
    total: int

    @classmethod
    def for_width(cls, width: int) -> "_Columns":
        return cls(37, 18, 18, 20, width) if width >= _WIDE else cls(24, 18, 0, 11, width)


def print_report(report: BenchReport, console: "Console") -> None:
    """Print the whole report: the machine, the figures by area, what was met and what was not measured."""
    machine: dict[str, Any] = next(
        (result.data["machine"] for result in report.results if "machine" in result.data), {}
    )
    rows = [row for row in report.rows if row.area is not Area.MACHINE]
    lines = [*_head(machine, report, console.width), *_figures(rows, console), *_closing(report, rows, console.width)]
    plain = console.options.ascii_only
    for line in lines:
        if plain:
            line.plain = line.plain.encode("ascii", "replace").decode("ascii")
        console.print(line, no_wrap=True, overflow="ignore", crop=False, soft_wrap=True)


def _head(machine: dict[str, Any], report: BenchReport, width: int) -> "list[Text]":
    from rich.text import Text

    title = f" lsgui {machine['versions'].get('lsgui', '')} bench" if machine else " lsgui bench"
    lines = [Text(""), Text.assemble((title, "bold"), f"  {_duration(report.seconds)}", ", quick" * report.quick)]
    if machine:
        memory = "" if machine["memory_gb"] is None else f"{machine['memory_gb']:.0f} GB"
        cores = f"{machine['cores']} core{'s' * (machine['cores'] != 1)}"
        what = (machine["processor"], cores, memory, machine["gpu"] or "", " ".join(machine["instructions"]))
        lines.append(Text(f" {', '.join(part for part in what if part)}"))
        limits = (
            (machine["gflops_float32"], "GFLOP/s float32"),
            (machine["gflops_bfloat16"], "GFLOP/s bfloat16"),
            (machine["copy_gb_s"], "GB/s memory"),
        )
        said = ", ".join(f"{number(value)} {unit}" for value, unit in limits if value is not None)
        used = ", ".join(f"{name} {version}" for name, version in machine["versions"].items() if name != "lsgui")
        lines += _quiet(f"Limits: {said}", width, 1) + _quiet(f"{machine['system']}; {used}", width, 1)
    return lines


def _figures(rows: Sequence[BenchRow], console: "Console") -> "list[Text]":
    from rich.text import Text

    if not rows:
        return []
    columns = _Columns.for_width(console.width)
    heads = f"{'lsgui':>{columns.shipped}}" + f"{'reference':>{columns.reference}}" * bool(columns.reference)
    lines = [Text(f"\n {'':<{columns.name}}{heads}  {'':<{columns.bar}}{'faster':>8}{'target':>8}", style=_QUIET)]
    for area, group in groupby(sorted(rows, key=lambda row: list(Area).index(row.area)), lambda row: row.area):
        lines += [Text("")] * (len(lines) > 1) + [Text(f" {area.value}", style="bold")]
        for row in group:
            lines += _lines_of(row, columns, console.options.ascii_only)
    return [*lines, Text("")]


def _lines_of(row: BenchRow, columns: _Columns, plain: bool) -> "list[Text]":
    from rich.text import Text

    colour = {True: _GOOD, False: _BAD, None: _PLAIN}[row.met]
    fits = len(row.name) <= columns.name - 2
    line = Text(f"   {row.name if fits else '':<{columns.name - 2}}")
    line.append(f"{value_text(row.shipped, row.unit):>{columns.shipped}}", style="bold")
    if columns.reference:
        shown = "" if row.reference is None else value_text(row.reference, row.unit)
        line.append(f"{shown:>{columns.reference}}")
    line.append("  ").append_text(bar(row, columns.bar, colour, plain))
    line.append(" " * (columns.name + 1 + columns.shipped + columns.reference + 2 + columns.bar - line.cell_len))
    line.append("" if row.faster_by is None else f"{number(row.faster_by) + 'x':>8}", style=f"bold {colour}")
    if row.target is not None:
        line.append(" " * 8 * (row.faster_by is None) + f"{_asked(row):>8} ")
        line.append({True: "met", False: "missed", None: ""}[row.met], style=colour)
    line.rstrip()
    beside = ""
    if row.against and columns.reference:
        beside = f"beside {row.against}"
    elif row.against and row.reference is not None:
        beside = f"beside {row.against}: {value_text(row.reference, row.unit)}"
    more = _quiet("; ".join(filter(None, (beside, row.note))), columns.total, 5)
    return ([] if fits else [Text(f"   {row.name}")]) + [line, *more]


def _quiet(words: str, width: int, indent: int) -> "list[Text]":
    from rich.text import Text

    return [Text(" " * indent + part, style=_QUIET) for part in textwrap.wrap(words, max(20, width - indent - 1))]


def _asked(row: BenchRow) -> str:
    if row.target is None:
        return ""
    value = row.target.value
    asked = f"{value:.0f}" if float(value).is_integer() else number(value)
    return (
        f"{asked}x"
        if row.target.bound is Bound.TIMES
        else f"{'<' if row.target.bound is Bound.AT_MOST else '>'} {asked}"
    )


def bar(row: BenchRow, width: int, colour: str, plain: bool) -> "Text":
    """Return the bar of a row: the whole track is the limit that was set, else its reference; filled is the program.

    The mark is where the target lies: what ends at or before it meets the target.
    """
    from rich.text import Text

    limit = _limit(row)
    whole = row.reference if limit is None else limit
    if row.shipped is None or whole is None or whole <= 0 or row.shipped <= 0:
        return Text("")
    share = row.shipped / whole if row.unit not in HIGHER_IS_BETTER else whole / row.shipped
    cells = min(share, 1.0) * width
    full, eighth = int(cells), int(cells % 1 * 8)
    if plain:
        drawn = "#" * max(1, round(cells))
    else:
        drawn = "█" * full + (_EIGHTHS[eighth] if eighth or full else _EIGHTHS[1]).strip()
    track = ("." if plain else "─") * (width - len(drawn))
    line = Text.assemble((drawn, colour), (track, _QUIET))
    mark = _mark(row, width)
    if mark is not None:
        line = Text.assemble(line[:mark], ("|" if plain else "┃", ""), line[mark + 1 :])
    return line


def _limit(row: BenchRow) -> float | None:
    return None if row.target is None or row.target.bound is Bound.TIMES else row.target.value


def _mark(row: BenchRow, width: int) -> int | None:
    if row.target is None:
        return None
    return min(width - 1, int(width / row.target.value)) if row.target.bound is Bound.TIMES else width - 1


def _closing(report: BenchReport, rows: Sequence[BenchRow], width: int) -> "list[Text]":
    from rich.text import Text

    asked = [row for row in rows if row.met is not None]
    missed = [row for row in asked if not row.met]
    lines = []
    if asked:
        lines.append(Text(f" {len(asked) - len(missed)} of {len(asked)} targets met on this machine."))
    if rows:
        text = "A whole track is the limit that was set, else the reference. Filled is lsgui, the mark is the target."
        lines += _quiet(text, width, 1)
    for result in report.results:
        if result.reason:
            lines += [
                Text(f" {part}", style="yellow") for part in textwrap.wrap(f"Not measured: {result.reason}", width - 2)
            ]
    return lines


def number(value: float) -> str:
    """Return a figure with three digits that mean something, such as 0.352, 3.02, 24.1, 1480."""
    if value == 0:
        return "0"
    size = abs(value)
    for least, digits in ((100, 0), (10, 1), (1, 2), (0.1, 3)):
        if size >= least:
            return f"{value:.{digits}f}"
    return f"{value:.2g}"


def value_text(value: float | None, unit: str) -> str:
    """Return a figure with its unit, a dash where it was not measured."""
    return "-" if value is None else f"{number(value)} {unit}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
