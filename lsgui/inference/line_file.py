"""Pleural lines from a file for the clips of one run: one line for all, or a mapping of clip name to line."""

from pathlib import Path
from typing import Any

from lsgui.core.errors import RoiError
from lsgui.core.plain_file import read_json
from lsgui.core.pleura import PleuralROI, read_roi_file


class LineFile:
    """The lines of one file.

    Raises
    ------
    RoiError
        One sentence when the file cannot be read or holds no line at all.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            data = read_json(path)
        except (OSError, ValueError):
            data = None  # the reader of one line says what is wrong
        self._of_clip: dict[str, Any] | None = None
        if isinstance(data, dict) and not _is_line(data) and any(_is_line(entry) for entry in data.values()):
            self._of_clip = data
        self._single = None if self._of_clip is not None else read_roi_file(path)

    def line_for(self, clip_name: str) -> PleuralROI | None:
        """Return the line for a clip; None where a file of several lines has none for it.

        Raises
        ------
        RoiError
            When the file's line for this clip is malformed.
        """
        if self._of_clip is None:
            return self._single
        if not _is_line(self._of_clip.get(clip_name)):
            return None
        return read_roi_file(self._path, clip_name)


def _is_line(entry: Any) -> bool:
    return isinstance(entry, dict) and bool(entry.get("polyline") or entry.get("keyframes"))


def read_lines(path: Path | None) -> LineFile | None:
    """Return the lines of a file, None for no file."""
    if path is None:
        return None
    try:
        folder = path.is_dir()
    except OSError as fault:
        raise RoiError(f"{path.name}: the pleural line file cannot be read ({fault.strerror}).") from fault
    if folder:
        raise RoiError(f"{path.name} is a folder: name the JSON file with the pleural line.")
    return LineFile(path)
