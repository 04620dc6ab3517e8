"""The progress bar of commands that go through clips: on standard error, and none where that is no terminal."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def clip_progress(count: int) -> Iterator[Callable[[str, int, str, float], None]]:
    """Show how far `count` clips are; the block gets a function that takes clip, its place, the stage, and 0 to 1."""
    if not sys.stderr.isatty():
        yield lambda _name, _done, _stage, _part: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Starting", total=count)

        def tell(name: str, done: int, stage: str, part: float) -> None:
            bar.update(task, description=f"{name}: {stage}", completed=done + part)

        yield tell
