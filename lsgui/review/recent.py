"""The clips and folders opened lately, newest first."""

from pathlib import Path

from lsgui.review.json_file import load_json, save_json, set_aside

MOST = 10


def with_recent(recent: tuple[Path, ...], path: Path) -> tuple[Path, ...]:
    """Return the list with `path` in front, each path once, at most `MOST` of them."""
    return (path, *(other for other in recent if other != path))[:MOST]


def load_recent(file: Path) -> tuple[Path, ...]:
    """Return the saved list; entries that no longer exist are kept out of it.

    Raises
    ------
    DamagedFileError
        When the file is damaged: it has been set aside.
    """
    data = load_json(file)
    if data is None:
        return ()
    if not isinstance(data, list) or not all(isinstance(entry, str) for entry in data):
        raise set_aside(file)
    return tuple(path for path in map(Path, data) if path.exists())[:MOST]


def save_recent(file: Path, recent: tuple[Path, ...]) -> None:
    """Save the list in one step."""
    save_json(file, [str(path) for path in recent])
