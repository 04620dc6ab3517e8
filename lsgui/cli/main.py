"""The command line: one Typer application, one file a command, one place where faults become exit statuses."""

import importlib
import logging
import pkgutil
import sys
from collections.abc import Sequence
from typing import cast

import typer

from lsgui import cli
from lsgui.core.errors import LsguiError

UsageError = cast("type[typer.BadParameter]", typer.BadParameter.__mro__[1])
"""Any wrong use of the command line. Newer Typer carries its own copy of click and does not export this class."""


def command_modules() -> list[str]:
    """Return the command files of this folder, `<name>_command.py`; each has a function `register(app)`."""
    return sorted(part.name for part in pkgutil.iter_modules(cli.__path__) if part.name.endswith("_command"))


def build_app() -> typer.Typer:
    """Return the application with every command registered."""
    app = typer.Typer(
        name="lsgui",
        help="Lung sliding in ultrasound clips. Without a command the review window opens.",
        invoke_without_command=True,
        no_args_is_help=False,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    @app.callback()
    def window_when_nothing_is_asked(
        context: typer.Context,
        version: bool = typer.Option(False, "--version", help="Print the version and stop.", is_eager=True),
    ) -> None:
        if version:
            from lsgui import __version__

            typer.echo(f"lsgui {__version__}")
            raise typer.Exit
        if context.invoked_subcommand is None:
            from lsgui.cli.open_command import open_window

            raise typer.Exit(open_window([]))

    for name in command_modules():
        importlib.import_module(f"lsgui.cli.{name}").register(app)
    return app


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status: 0 done, 2 bad input or usage, 1 a fault of the program."""
    try:
        result = build_app()(args=list(arguments) if arguments is not None else None, standalone_mode=False)
    except UsageError as fault:
        typer.echo(f"lsgui: {fault.format_message()} See 'lsgui --help'.", err=True)
        return 2
    except LsguiError as fault:
        typer.echo(f"lsgui: {fault}", err=True)
        return 2
    except (KeyboardInterrupt, typer.Abort):
        typer.echo("lsgui: stopped.", err=True)
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except Exception as fault:
        from lsgui.review.log_file import fault_log

        with fault_log() as log:
            logging.getLogger("lsgui").exception("a fault of the program")
        where = "no log could be written" if log is None else f"details are in {log}"
        said = " ".join(f"{type(fault).__name__}: {fault}".split())
        typer.echo(f"lsgui: a fault of the program ({said}); {where}.", err=True)
        return 1
    return result if isinstance(result, int) else 0
