"""What the reader chose for each folder, and which clip was on screen last. No name of a file or folder is kept."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lsgui.review.json_file import load_json, save_json, set_aside
from lsgui.review.worklist_choice import ListChoice, ListFilter, ListOrder

MOST_FOLDERS = 200


@dataclass(frozen=True, slots=True)
class Remembered:
    """How a worklist was left: what was listed in which order, and the clip on screen by its `clip_key`."""

    choice: ListChoice
    clip: str = ""


def folder_key(folders: Sequence[Path]) -> str:
    """Return a key for the folders of a worklist; their names cannot be read from it."""
    names = "\0".join(sorted(str(folder) for folder in folders))
    return hashlib.blake2b(names.encode("utf-8", "surrogatepass"), digest_size=16, person=b"lsgui folder").hexdigest()


def clip_key(path: Path) -> str:
    """Return a key for a clip's place."""
    return hashlib.blake2b(str(path).encode("utf-8", "surrogatepass"), digest_size=16, person=b"lsgui clip").hexdigest()


class WorklistMemory:
    """The file with what is remembered of every folder, the last used ones first.

    Raises
    ------
    DamagedFileError
        When the file is damaged: it has been set aside.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def recall(self, folders: Sequence[Path]) -> Remembered | None:
        """Return how the worklist of these folders was left; None where it was never opened."""
        said = self._load().get(folder_key(folders))
        return None if said is None else _remembered(said)

    def keep(self, folders: Sequence[Path], remembered: Remembered) -> None:
        """Keep how the worklist of these folders is left now. Search and folded groups are not kept: they hold names.

        Raises
        ------
        LsguiError
            When it cannot be saved.
        """
        known, key, choice = self._load(), folder_key(folders), remembered.choice
        said = {
            "filter": choice.filter.value,
            "order": choice.order.value,
            "seed": choice.seed,
            "grouped": choice.grouped,
            "clip": remembered.clip,
        }
        if known.get(key) == said and next(iter(known)) == key:
            return
        kept = {key: said, **{other: value for other, value in known.items() if other != key}}
        save_json(self._file, dict(list(kept.items())[:MOST_FOLDERS]))

    def _load(self) -> dict[str, Mapping[str, Any]]:
        data = load_json(self._file)
        if data is None:
            return {}
        if not isinstance(data, dict) or not all(isinstance(value, dict) for value in data.values()):
            raise set_aside(self._file)
        return data


def _remembered(said: Mapping[str, Any]) -> Remembered:
    """Return what was said, passing over what this program does not know: a newer one may have written it."""
    choice = ListChoice()
    for name, kind in (("filter", ListFilter), ("order", ListOrder)):
        if said.get(name) in list(kind):
            changed: dict[str, Any] = {name: kind(said[name])}
            choice = replace(choice, **changed)
    if type(said.get("seed")) is int:
        choice = replace(choice, seed=said["seed"])
    if type(said.get("grouped")) is bool:
        choice = replace(choice, grouped=said["grouped"])
    clip = said.get("clip")
    return Remembered(choice, clip if isinstance(clip, str) else "")
