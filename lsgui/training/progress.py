"""How far training is: bars with the time left on standard error, none where it is not a terminal."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


@contextmanager
def training_bars(shown: bool = True) -> Iterator[Progress]:
    """Show bars until the block ends.

    Parameters
    ----------
    shown
        False in all but the first of several processes.
    """
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not (shown and console.is_terminal)) as bars:
        yield bars
