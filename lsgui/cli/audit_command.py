"""`lsgui audit`: is the log of verdicts and overrides whole, and what does it say."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lsgui.core.errors import LsguiError

if TYPE_CHECKING:
    from lsgui.annotation.audit_entries import AuditEntry, AuditHead
    from lsgui.annotation.audit_log import AuditLog

HELP = """The audit log: every verdict that was shown or predicted and every override, each entry bound to the one
before it. Clips are named by the SHA-256 of their content, never by a file name.

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
LIST_HELP = """Print the entries in their order, without checking them.

Example: lsgui audit list --clip clip.mp4 --json
"""

FileOption = Annotated[Path | None, typer.Option("--file", help="Another log than this user's.", metavar="FILE")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    """Enter the group with its commands."""
    group = typer.Typer(help=HELP, rich_markup_mode=None, add_completion=False, no_args_is_help=True)

    @group.command("verify", help=VERIFY_HELP)
    def verify(
        file: FileOption = None,
        head: Annotated[str | None, typer.Option("--head", help="A head noted earlier: NUMBER HASH.")] = None,
        as_json: JsonOption = False,
    ) -> int:
        return _verify(file, head, as_json=as_json)

    @group.command("head", help=HEAD_HELP)
    def head(file: FileOption = None, as_json: JsonOption = False) -> None:
        with _opened(file) as log:
            last = log.head()
        typer.echo(json.dumps(_head_said(last)) if as_json else str(last))

    @group.command("list", help=LIST_HELP)
    def entries(
        file: FileOption = None,
        clip: Annotated[Path | None, typer.Option("--clip", help="Only of this clip.", metavar="CLIP")] = None,
        last: Annotated[int | None, typer.Option("--last", help="Only the last N.", metavar="N", min=1)] = None,
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
    ) -> None:
        _list(file, clip, last, as_json=as_json)

    app.add_typer(group, name="audit")


def _opened(file: Path | None) -> "AuditLog":
    from lsgui.annotation.audit_log import AuditLog
    from lsgui.review.paths import audit_file

    try:
        return AuditLog(file or audit_file(), reading=True)
    except OSError as fault:  # the folder where it would lie cannot even be made
        raise LsguiError(f"There is no audit log yet, and no folder for it ({fault.strerror}).") from fault


def _verify(file: Path | None, noted: str | None, *, as_json: bool) -> int:
    wanted = _head(noted)
    with _opened(file) as log:
        report = log.verify(wanted)
    if as_json:
        said = {"whole": not report.faults, "entries": report.entries, "head": _head_said(report.head)}
        typer.echo(json.dumps({**said, "faults": list(report.faults)}, ensure_ascii=False))
    elif not report.faults:
        typer.echo(f"The audit log is whole: {report.entries} entries, head {report.head}.")
    else:
        typer.echo("\n".join(report.faults))
    if report.faults:
        typer.echo("lsgui: the audit log is not whole: see above, and keep the file as it is.", err=True)
        return 2
    return 0


def _list(file: Path | None, clip: Path | None, last: int | None, *, as_json: bool) -> None:
    from collections import deque

    from lsgui.annotation.content_hash import content_hash

    wanted = None if clip is None else content_hash(clip)
    with _opened(file) as log:
        found = (entry for entry in log.entries() if wanted is None or entry.facts.get("clip") == wanted)
        for entry in found if last is None else deque(found, last):
            typer.echo(json.dumps(_entry_said(entry), ensure_ascii=False) if as_json else _entry_words(entry))


def _head_said(head: "AuditHead") -> dict[str, Any]:
    return {"number": head.number, "hash": head.hash}


def _entry_said(entry: "AuditEntry") -> dict[str, Any]:
    said = {"number": entry.number, "at": entry.at.isoformat(), "kind": entry.kind, "program": entry.program}
    return said | {"facts": dict(entry.facts), "hash": entry.hash}


def _entry_words(entry: "AuditEntry") -> str:
    """Return an entry as a line for people."""
    facts = entry.facts
    told: Any = facts.get("verdict") if entry.kind == "override" else facts
    verdict = told if isinstance(told, dict) else {}
    model = verdict.get("model")
    parts = [
        f"{entry.number:>6}  {entry.at:%Y-%m-%d %H:%M:%S}Z  {entry.kind:<8}",
        f"clip {str(facts.get('clip') or 'unknown')[:12]}",
    ]
    if entry.kind == "break":
        return f"{parts[0]}  it ended at {facts.get('ends')}, the head was {facts.get('head')}"
    if entry.kind == "override":
        parts.append(f"{facts.get('rater')} says {facts.get('label') or 'nothing any more'}, against")
    parts.append(f"{verdict.get('label')} p {verdict.get('p_absent')} threshold {verdict.get('threshold')}")
    if isinstance(model, dict):
        parts.append(f"{model.get('id')} {model.get('version')} {str(model.get('sha256'))[:12]}")
    return "  ".join(parts)


def _head(noted: str | None) -> "AuditHead | None":
    from lsgui.annotation.audit_entries import parse_head

    if noted is None:
        return None
    wanted = parse_head(noted)
    if wanted is None:
        raise LsguiError(f"--head {noted!r} is no head: give the number and the hash that lsgui audit head printed.")
    return wanted
