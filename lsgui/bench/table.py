"""The bench for people: a table whose bars show each figure against its reference or its limit."""

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from lsgui.bench.rows import Area, BenchRow, Bound
from lsgui.bench.run import BenchReport

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

HIGHER_IS_BETTER = ("frames/s", "clips/s", "GFLOP/s", "GB/s", "x")
_WIDE = 110
_EIGHTHS = " ▏▎▍▌▋▊▉"
_GOOD, _BAD, _PLAIN, _QUIET = "green", "red", "cyan", "bright_black"


def print_report(report: BenchReport, console: "Console") -> None:
    """Print the whole report: the machine, the figures by area, what was met and what was not measured."""
    from rich.padding import Padding

    machine: dict[str, Any] = next(
        (result.data["machine"] for result in report.results if "machine" in result.data), {}
    )
    _print_head(machine, report, console)
    rows = [row for row in report.rows if row.area is not Area.MACHINE]
    if rows:
        console.print(_figures(rows, console))
        console.print()
    for line in _closing(report, rows):
        console.print(Padding(line, (0, 1)))


def _print_head(machine: dict[str, Any], report: BenchReport, console: "Console") -> None:
    from rich.padding import Padding
    from rich.text import Text

    lines = [Text.assemble(("lsgui bench", "bold"), f"  {_duration(report.seconds)}", " (quick)" * report.quick)]
    if machine:
        memory = "" if machine["memory_gb"] is None else f"{machine['memory_gb']:.0f} GB"
        cores = f"{machine['cores']} core{'s' * (machine['cores'] != 1)}"
        what = (machine["processor"], cores, memory, machine["gpu"] or "", " ".join(machine["instructions"]))
        lines.append(Text(", ".join(part for part in what if part)))
        limits = (
            (machine["gflops_float32"], "GFLOP/s float32"),
            (machine["gflops_bfloat16"], "GFLOP/s bfloat16"),
            (machine["copy_gb_s"], "GB/s memory"),
        )
        said = ", ".join(f"{number(value)} {unit}" for value, unit in limits if value is not None)
        lines.append(Text(f"Limits: {said}", style=_QUIET))
        used = ", ".join(f"{name} {version}" for name, version in machine["versions"].items() if name != "lsgui")
        lines.append(Text(f"{machine['system']}; {used}", style=_QUIET))
    console.print()
    for line in lines:
        console.print(Padding(line, (0, 1)))
    console.print()


def _figures(rows: Sequence[BenchRow], console: "Console") -> "Table":
    from rich.table import Table
    from rich.text import Text

    plain = console.options.ascii_only
    wide = console.width >= _WIDE
    bar_width = 24 if wide else 12
    table = Table(box=None, pad_edge=True, padding=(0, 1), header_style=_QUIET, expand=False)
    table.add_column("", overflow="fold", max_width=46 if wide else 25)
    table.add_column("lsgui", justify="right", no_wrap=True)
    table.add_column("beside", justify="right", no_wrap=True)
    if wide:
        table.add_column("", style=_QUIET, overflow="fold", max_width=24)
    table.add_column("less is faster", no_wrap=True, width=bar_width)
    table.add_column("faster", justify="right", no_wrap=True)
    table.add_column("target", justify="right", no_wrap=True)
    for area, group in groupby(sorted(rows, key=lambda row: list(Area).index(row.area)), lambda row: row.area):
        if table.row_count:
            table.add_row()
        table.add_row(Text(area.value, style="bold"))
        for row in group:
            table.add_row(*_cells(row, bar_width, wide, plain))
    return table


def _cells(row: BenchRow, bar_width: int, wide: bool, plain: bool) -> list["Text"]:
    from rich.text import Text

    name = Text(f"  {row.name}")
    beside = "" if wide or not row.against else f"beside {row.against}"
    for words in filter(None, (beside, row.note)):
        name.append("\n" + "\n".join(f"  {line}" for line in words.splitlines()), style=_QUIET)
    colour = {True: _GOOD, False: _BAD, None: _PLAIN}[row.met]
    cells = [name, Text(_value(row.shipped, row.unit), style="bold"), Text(_value(row.reference, row.unit))]
    if row.reference is None:
        cells[2] = Text("")
    if wide:
        cells.append(Text(row.against))
    faster = "" if row.faster_by is None else f"{number(row.faster_by)}x"
    return [*cells, bar(row, bar_width, colour, plain), Text(faster, style=f"bold {colour}"), _target(row, colour)]


def _target(row: BenchRow, colour: str) -> "Text":
    from rich.text import Text

    if row.target is None:
        return Text("")
    sign = {Bound.TIMES: "x", Bound.AT_MOST: "<", Bound.AT_LEAST: ">"}[row.target.bound]
    asked = f"{row.target.value:g}"
    asked = f"{asked}x" if sign == "x" else f"{sign} {asked}"
    met = {True: "met", False: "missed", None: ""}[row.met]
    return Text.assemble((asked, ""), " ", (f"{met:>6}", colour))


def bar(row: BenchRow, width: int, colour: str, plain: bool) -> "Text":
    """Return the bar of a row: the whole track is its reference (or its limit), the filled part is the program.

    A mark on the track is where the target lies; a filled part that ends before it meets the target.
    """
    from rich.text import Text

    whole = row.reference if row.reference is not None else _limit(row)
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
    mark = _mark(row, whole, width)
    if mark is not None and mark >= len(drawn):
        line = Text.assemble(line[:mark], ("|" if plain else "┃", ""), line[mark + 1 :])
    return line


def _limit(row: BenchRow) -> float | None:
    return None if row.target is None or row.target.bound is Bound.TIMES else row.target.value


def _mark(row: BenchRow, whole: float, width: int) -> int | None:
    if row.target is None:
        return None
    share = 1.0 / row.target.value if row.target.bound is Bound.TIMES else row.target.value / whole
    if row.target.bound is Bound.AT_LEAST and row.target.value > 0:
        share = whole / row.target.value
    return min(width - 1, int(share * width)) if share <= 1.0 else None


def _closing(report: BenchReport, rows: Sequence[BenchRow]) -> list["Text"]:
    from rich.text import Text

    asked = [row for row in rows if row.met is not None]
    missed = [row for row in asked if not row.met]
    lines = []
    if asked:
        lines.append(Text(f"{len(asked) - len(missed)} of {len(asked)} targets met on this machine."))
    if rows:
        text = (
            "The whole track is the reference, or the limit where there is none; filled is lsgui; the mark, the target."
        )
        lines.append(Text(text, style=_QUIET))
    lines += [Text(f"Not measured: {result.reason}", style="yellow") for result in report.results if result.reason]
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


def _value(value: float | None, unit: str) -> str:
    return "-" if value is None else f"{number(value)} {unit}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
