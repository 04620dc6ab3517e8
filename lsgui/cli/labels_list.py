"""`lsgui labels list` and `history`: what stands, and who said what and when."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lsgui.cli.labels_store import StoreOption, counted, read_store
from lsgui.core.errors import LsguiError

if TYPE_CHECKING:
    from rich.table import Table

    from lsgui.core.reading import Statement

LIST_HELP = """List the readings that stand: clip, rater, sitting, label and what was said beside it.

Example: lsgui labels list --store study.sqlite --rater AB
"""
HISTORY_HELP = """Show everything that was ever said, in order: when, who, of which clip, what, and with which lsgui.

Example: lsgui labels history --clip clip_7.mp4
"""


def register(app: typer.Typer) -> None:
    """Enter the commands."""

    @app.command("list", help=LIST_HELP)
    def list_(
        store: StoreOption = None,
        rater: Annotated[str | None, typer.Option("--rater", metavar="R", help="Only this rater's.")] = None,
        sitting: Annotated[int | None, typer.Option("--sitting", metavar="N", min=1, help="Only this pass.")] = None,
    ) -> None:
        _list(store, rater, sitting)

    @app.command("history", help=HISTORY_HELP)
    def history(
        store: StoreOption = None,
        clip: Annotated[
            str | None, typer.Option("--clip", metavar="NAME|HASH", help="Only this clip, by name or content hash.")
        ] = None,
        json_lines: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    ) -> None:
        _history(store, clip, json_lines=json_lines)


def _list(store: Path | None, rater: str | None, sitting: int | None) -> None:
    from lsgui.annotation.exchange_csv import interval_text

    with read_store(store) as opened:
        records = opened.records(None, rater, sitting)
    table = _table("clip", "rater", "sitting", "label", "intervals", "tags", "sure", "said at", "notes")
    for record in records:
        notes = [
            "adjudicates" if record.adjudicated else "",
            "blind" if record.blind else "",
            "line" if record.line else "",
            f"overrides {record.override.verdict.value}" if record.override else "",
            record.comment,
        ]
        table.add_row(
            *_plain(record.file_name, record.rater, str(record.sitting), record.label or ""),
            *_plain(interval_text(record.intervals), " ".join(sorted(record.tags)), str(record.confidence or "")),
            *_plain(f"{record.said_at:%Y-%m-%d %H:%M}", ", ".join(filter(None, notes))),
        )
    _show(table)
    clips = len({record.content_hash for record in records})
    typer.echo(f"{counted(len(records), 'reading')} of {counted(clips, 'clip')}.")


def _history(store: Path | None, clip: str | None, *, json_lines: bool) -> None:
    with read_store(store) as opened:
        said = [one for one in opened.history() if _is_of(one, clip)]
    if clip is not None and not said:
        raise LsguiError(f"{clip}: nothing was ever said of this clip: see lsgui labels list.")
    if json_lines:
        from lsgui.annotation.exchange_json import as_mapping

        for one in said:
            typer.echo(json.dumps(as_mapping(one), ensure_ascii=False))
        return
    table = _table("when", "rater", "clip", "sitting", "what", "value", "lsgui")
    for one in said:
        value = "withdrawn" if one.value is None else json.dumps(one.value, ensure_ascii=False)
        table.add_row(
            *_plain(f"{one.said_at:%Y-%m-%d %H:%M:%S}", one.rater, one.file_name, str(one.sitting), one.kind.value),
            *_plain(value if len(value) <= _LONGEST else f"{value[:_LONGEST]}...", one.program_version),
        )
    _show(table)


_LONGEST = 120


def _is_of(said: "Statement", clip: str | None) -> bool:
    if clip is None or said.file_name == clip:
        return True
    return len(clip) >= 8 and said.content_hash.startswith(clip.lower())


def _table(*headings: str) -> "Table":
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def _plain(*cells: str) -> list[str]:
    """Return cells in which nothing is taken for markup, and nothing turns to the terminal."""
    from rich.markup import escape

    from lsgui.core.file_names import shown_name

    return [escape(shown_name(cell)) for cell in cells]


def _show(table: "Table") -> None:
    import sys

    from rich.console import Console

    if table.row_count:
        Console(highlight=False, emoji=False, width=None if sys.stdout.isatty() else 200).print(table)
