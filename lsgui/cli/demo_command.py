"""`lsgui demo`: the bundled simulated clips, analysed as they play."""

from typing import Annotated

import typer

from lsgui.cli.open_window import check_window_opens

HELP = """Open the window with simulated demo clips, each analysed as it plays: sliding, absent sliding, a lung point, a
lung pulse, and a drifting probe.

Example: lsgui demo --kiosk
"""


def register(app: typer.Typer) -> None:
    """Enter the command."""

    @app.command("demo", help=HELP)
    def demo(
        kiosk: Annotated[
            bool,
            typer.Option("--kiosk", help="Full screen, clip after clip for hours; Ctrl+Q ends it."),
        ] = False,
        in_process: Annotated[
            bool, typer.Option("--in-process", help="Analyse in this process instead of a worker.")
        ] = False,
    ) -> None:
        raise typer.Exit(show_demo(kiosk=kiosk, in_process=in_process))


def show_demo(*, kiosk: bool, in_process: bool = False) -> int:
    """Open the window with the demo; return its exit status when it is closed.

    Raises
    ------
    LsguiError
        When the window cannot be opened on this machine.
    """
    check_window_opens()
    from lsgui.gui.demo_show import run_demo

    return run_demo(kiosk=kiosk, in_process=in_process)
