"""Groups of a worklist: DICOM instances by study, other files by folder."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lsgui.review.state import WorklistEntry
from lsgui.review.worklist_choice import ClipPlace


@dataclass(frozen=True, slots=True)
class Group:
    """Clips under one heading, as places in the worklist in reading order. The key is kept while files come and go."""

    key: str
    title: str
    clips: tuple[int, ...]


def grouped(worklist: Sequence[WorklistEntry], shown: Sequence[int]) -> list[Group]:
    """Return the clips by study and folder.

    A study is numbered by its first clip in the whole worklist, so that it keeps its number under every filter, and
    named by that number alone. Its instances are ordered by series and instance number. Other files are grouped by
    folder, in the order in which they were found.

    Parameters
    ----------
    worklist
        Every clip, in the order in which it was found.
    shown
        Places of the clips that are listed, rising.
    """
    asked = ([entry.group for entry in worklist], [entry.place for entry in worklist], list(shown))
    if _last and _last[0][0] == asked:  # labels change far more often than what groups are made of
        return _last[0][1]
    groups = _grouped(worklist, shown)
    _last[:] = [(asked, groups)]
    return groups


_last: list[tuple[tuple[list[str], list[ClipPlace | None], list[int]], list[Group]]] = []


def _grouped(worklist: Sequence[WorklistEntry], shown: Sequence[int]) -> list[Group]:
    numbers = {key: number for number, key in enumerate(_studies(worklist), start=1)}
    members: dict[str, list[int]] = {}
    for index in shown:
        members.setdefault(worklist[index].group, []).append(index)
    root = _common_folder([key.removeprefix(_FOLDER) for key in members if key.startswith(_FOLDER)])
    return [
        Group(key, f"Study {numbers[key]}", tuple(sorted(clips, key=lambda index: _rank(worklist[index]))))
        if key in numbers
        else Group(key, _folder_title(key.removeprefix(_FOLDER), root), tuple(clips))
        for key, clips in members.items()
    ]


def study_key(place: ClipPlace) -> str:
    """Return the group of an instance."""
    return f"{_STUDY}{place.study}"


def folder_key(path: Path) -> str:
    """Return the group of a file that belongs to no study."""
    return f"{_FOLDER}{os.path.dirname(path)}"  # noqa: PTH120 - for ten thousand files a Path's parent takes too long


_STUDY, _FOLDER = "study ", "folder "


def _studies(worklist: Sequence[WorklistEntry]) -> list[str]:
    keys = dict.fromkeys(entry.group for entry in worklist)
    return [key for key in keys if key.startswith(_STUDY)]


def _rank(entry: WorklistEntry) -> tuple[int, str, int]:
    return (0, "", 0) if entry.place is None else entry.place.rank


def _common_folder(folders: Sequence[str]) -> str:
    try:
        return os.path.commonpath(folders) if folders else ""
    except ValueError:  # on different drives
        return ""


def _folder_title(folder: str, root: str) -> str:
    """Return a folder's name below what all folders share; its own name where it is that."""
    below = folder.removeprefix(root).strip(os.sep)
    return below.replace(os.sep, " / ") if root and below else Path(folder).name or folder
