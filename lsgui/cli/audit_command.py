"""`lsgui audit`: is the log of verdicts and overrides whole, and what does it say."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lsgui.core.errors import LsguiError

if TYPE_CHECKING:
    from lsgui.annotation.audit_log import AuditHead, AuditLog

HELP = """The audit log: every verdict and override, each entry bound to the one before it.

Example: lsgui audit verify
"""
VERIFY_HELP = """Check that no entry was changed, taken out, put in or cut off.

Exit status 0 where the log is whole, 2 where it is not, with a sentence on each fault.

Example: lsgui audit verify --head "1204 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
"""
HEAD_HELP = """Print the newest entry's number and hash: note it elsewhere, and `verify --head` proves later that
nothing up to it was changed.

Example: lsgui audit head
"""
LIST_HELP = """Print the entries, one JSON object a line.

Example: lsgui audit list > audit.jsonl
"""

FileOption = Annotated[Path | None, typer.Option("--file", help="Another log than this user's.", metavar="FILE")]


def register(app: typer.Typer) -> None:
    """Enter the group with its commands."""
    group = typer.Typer(help=HELP, rich_markup_mode=None, add_completion=False, no_args_is_help=True)

    @group.command("verify", help=VERIFY_HELP)
    def verify(
        file: FileOption = None,
        head: Annotated[str | None, typer.Option("--head", help="A head noted earlier: NUMBER HASH.")] = None,
    ) -> int:
        return _verify(file, head)

    @group.command("head", help=HEAD_HELP)
    def head(file: FileOption = None) -> None:
        with _opened(file) as log:
            typer.echo(str(log.head()))

    @group.command("list", help=LIST_HELP)
    def entries(file: FileOption = None) -> None:
        with _opened(file) as log:
            for entry in log.entries():
                said = {"number": entry.number, "at": entry.at.isoformat(), "kind": entry.kind}
                said |= {"program": entry.program, "facts": dict(entry.facts), "hash": entry.hash}
                typer.echo(json.dumps(said, ensure_ascii=False))

    app.add_typer(group, name="audit")


def _opened(file: Path | None) -> "AuditLog":
    from lsgui.annotation.audit_log import AuditLog
    from lsgui.review.paths import audit_file

    return AuditLog(file or audit_file(), create=False)


def _verify(file: Path | None, noted: str | None) -> int:
    wanted = _head(noted)
    with _opened(file) as log:
        report = log.verify(wanted)
    for fault in report.faults:
        typer.echo(fault)
    if report.faults:
        typer.echo("lsgui: the audit log is not whole: see above, and keep the file as it is.", err=True)
        return 2
    typer.echo(f"The audit log is whole: {report.entries} entries, head {report.head}.")
    return 0


def _head(noted: str | None) -> "AuditHead | None":
    from lsgui.annotation.audit_log import parse_head

    if noted is None:
        return None
    wanted = parse_head(noted)
    if wanted is None:
        raise LsguiError(f"--head {noted!r} is no head: give the number and the hash that lsgui audit head printed.")
    return wanted
