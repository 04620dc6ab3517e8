"""Start the window or a command."""

from multiprocessing import freeze_support


def main() -> None:
    """Run the command line; without a command it opens the review window."""
    freeze_support()
    from lsgui.cli.main import run  # after freeze_support: a frozen child process must not parse commands

    raise SystemExit(run())


if __name__ == "__main__":
    main()
