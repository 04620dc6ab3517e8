"""The command line: one Typer application, one file a command, one place where faults become exit statuses."""

import importlib
import logging
import os
import pkgutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from lsgui import cli
from lsgui.core.errors import LsguiError, sayable

if TYPE_CHECKING:
    import typer  # loaded where it is needed: see `window_alone`

TIMING = "--timing"
"""Hidden option of `lsgui open`: print how soon the window opened, how it played and what it used, and end."""
TIMED_S = 4.0
"""How long each of these is watched; `--timing=SECONDS` sets another time, 0 for the start alone."""


def command_modules() -> list[str]:
    """Return the command files of this folder, `<name>_command.py`; each has a function `register(app)`."""
    return sorted(part.name for part in pkgutil.iter_modules(cli.__path__) if part.name.endswith("_command"))


def build_app() -> "typer.Typer":
    """Return the application with every command registered."""
    import typer

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
            from lsgui.cli.open_window import open_window

            raise typer.Exit(open_window([]))

    for name in command_modules():
        importlib.import_module(f"lsgui.cli.{name}").register(app)
    return app


def window_alone(arguments: Sequence[str]) -> list[Path] | None:
    """Return the paths to open where nothing but the window is asked for, None where there is more to parse.

    Typer takes longer to load than the window's own modules, so it is left out where it is not needed.
    """
    wanted = [part for part in arguments if part.partition("=")[0] != TIMING]
    if not wanted:
        return []
    command, *paths = wanted
    plain = command == "open" and paths and not any(part.startswith("-") for part in paths)
    return [Path(part) for part in paths] if plain else None


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status: 0 done, 2 bad input or usage, 1 a fault of the program."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        paths = window_alone(given)
        if paths is None:
            return _run_command(given)
        from lsgui.cli.open_window import open_window

        return open_window(paths, timing=_timing(given))
    except LsguiError as fault:
        _say(f"{fault}")
        return 2
    except KeyboardInterrupt:
        _say("stopped.")
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except MemoryError:
        _say("there is not enough memory for this: close other programs and try again.")
        return 2
    except Exception as fault:
        if isinstance(fault, OSError) and (named := _named_by_user(fault, given)):
            _say(f"{named} cannot be used ({fault.strerror}): check the path and who may read it.")
            return 2
        from lsgui.review.crash_file import stack_of, write_crash_file
        from lsgui.review.log_file import fault_log, keep_out_of_log

        keep_out_of_log(path for path in map(Path, given) if _exists(path))
        with fault_log() as log:
            logging.getLogger("lsgui").exception("a fault of the program")
            write_crash_file(f"{type(fault).__name__} in a command", stack_of(fault))
        where = "no log could be written" if log is None else f"details are in {log}"
        said = " ".join(f"{type(fault).__name__}: {fault}".split())
        _say(f"a fault of the program ({said}); {where}.")
        return 1


def _named_by_user(fault: OSError, given: Sequence[str]) -> str:
    """Return the name of the path that the system refuses where it is one of those given, or below one; else nothing.

    It may refuse to say whether a path is there at all: behind a folder that may not be entered, or with a name that
    is too long.
    """
    refused = Path(os.fsdecode(fault.filename)) if isinstance(fault.filename, str | bytes) else None
    paths = [Path(part.partition("=")[2] or part) for part in given]
    return refused.name if refused is not None and any(refused.is_relative_to(path) for path in paths) else ""


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False


def _timing(arguments: Sequence[str]) -> float | None:
    """Return how long each thing is watched, None where nothing is."""
    for part in arguments:
        name, _, seconds = part.partition("=")
        if name == TIMING:
            try:
                return min(max(float(seconds or TIMED_S), 0.0), 60.0)
            except ValueError as fault:
                raise LsguiError(f"{part}: not a number of seconds, such as {TIMING}=4.") from fault
    return None


def _run_command(arguments: list[str]) -> int:
    import typer

    # Any wrong use of the command line. Newer Typer carries its own copy of click and does not export this class.
    usage_error = cast("type[typer.BadParameter]", typer.BadParameter.__mro__[1])
    try:
        result = build_app()(args=arguments, standalone_mode=False)
    except usage_error as fault:
        _say(f"{fault.format_message()} See 'lsgui --help'.")
        return 2
    except typer.Abort:
        _say("stopped.")
        return 130
    return result if isinstance(result, int) else 0


def _say(sentence: str) -> None:
    import typer

    from lsgui.core.file_names import one_line

    typer.echo(f"lsgui: {one_line(sayable(sentence))}", err=True)
