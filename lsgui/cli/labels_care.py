"""`lsgui labels check` and `backup`: is the store sound, and a copy of it."""

from pathlib import Path
from typing import Annotated

import typer

from lsgui.cli.labels_store import ClipsOption, StoreOption, clips_in, counted, read_store, store_path

CHECK_HELP = """Look whether the store is sound: file, rows, overrides, and with --clips whether every clip is found.

Exit status 0 where it is, 2 where it is not, with a sentence on each fault and what to do. Nothing is changed.

Example: lsgui labels check --store study.sqlite --clips clips/
"""
BACKUP_HELP = """Copy the store to a new file, also while the window is open, and read the copy back.

Example: lsgui labels backup labels-monday.sqlite
"""


def register(app: typer.Typer) -> None:
    """Enter the commands."""

    @app.command("check", help=CHECK_HELP)
    def check(store: StoreOption = None, clips: ClipsOption = None) -> int:
        return _check(store_path(store), clips or [])

    @app.command("backup", help=BACKUP_HELP)
    def backup(
        out: Annotated[Path, typer.Argument(metavar="OUT", help="New file; one that is there is never overwritten.")],
        store: StoreOption = None,
    ) -> None:
        from lsgui.annotation.backup import save_backup

        with read_store(store) as opened:
            count = save_backup(opened, out)
        typer.echo(f"{out.name}: {counted(count, 'statement')}, read back and whole.")


def _check(path: Path, folders: list[Path]) -> int:
    from lsgui.annotation.by_name import kept_by_name
    from lsgui.annotation.checkup import check_clips, check_file
    from lsgui.annotation.exchange import note_on

    found = check_file(path)
    faults, notes = list(found.faults), list(found.notes)
    if not faults and not notes:
        with read_store(path) as opened:
            if folders:
                faults += check_clips(opened, clips_in(folders))
            else:
                notes.append(
                    note_on(
                        kept_by_name(opened),
                        "is known by its name only: import its labels again with --clips to bind them to the clip",
                        "are known by name only: import their labels again with --clips to bind them to the clips",
                    )
                )
    for sentence in filter(None, (*faults, *notes)):
        typer.echo(f"{path.name}: {sentence}" if not sentence.startswith(path.name) else sentence)
    if faults:
        typer.echo(f"lsgui: {path.name} is not sound: see above.", err=True)
        return 2
    if not found.notes:
        typer.echo(f"{path.name}: sound, {counted(found.statements, 'statement')} on {counted(found.clips, 'clip')}.")
    return 0
