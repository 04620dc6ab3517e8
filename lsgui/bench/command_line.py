"""How the program is started as a user starts it, for parts of the bench that measure a whole command."""

import sys


def own_command(*arguments: str) -> list[str]:
    """Return the command line of this installation's `lsgui` with these arguments."""
    program = [sys.executable] if getattr(sys, "frozen", False) else [sys.executable, "-m", "lsgui"]
    return [*program, *arguments]
