"""Start the window or a command."""

import sys


def main() -> None:
    """Run the command line; without a command it opens the review window."""
    if getattr(sys, "frozen", False):
        # Not above: it takes 20 ms, and a child of a plain Python never comes here.
        from multiprocessing import freeze_support

        freeze_support()
    from lsgui.cli.main import run  # after freeze_support: a frozen child process must not parse commands

    raise SystemExit(run())


if __name__ == "__main__":
    main()
