"""Clips that lie on this machine now, found by what they hold or by their name."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lsgui.annotation.by_name import is_by_name
from lsgui.annotation.metafile import bare_name, frame_numbers
from lsgui.core.errors import LsguiError


@dataclass(frozen=True, slots=True)
class ClipAtHand:
    """A clip that was found.

    Attributes
    ----------
    numbers
        Numbers in the file names of a folder of frames, in the order of the frames; None for a file, or where they do
        not count up.
    """

    path: Path
    content_hash: str
    numbers: tuple[int, ...] | None = None


Find = Callable[[str], ClipAtHand | None]
"""Gives the clip of a name, None where it is not at hand."""

FindHeld = Callable[[str, str], ClipAtHand | None]
"""Gives the clip of a label for its content hash and file name, None where it is not at hand."""


class ClipsAtHand:
    """Finds clips among those given; a clip's content is hashed when it is first asked for, not before.

    Parameters
    ----------
    paths
        Clips: files, and folders of frames.
    hash_of
        Gives the content hash of a clip; LsguiError where it cannot be read.
    frames_in
        Gives the names of the frames in a folder, in their order.
    """

    def __init__(
        self, paths: Iterable[Path], hash_of: Callable[[Path], str], frames_in: Callable[[Path], Sequence[str]]
    ) -> None:
        self._paths = tuple(paths)
        self._hash_of = hash_of
        self._frames_in = frames_in
        self._hashes: dict[Path, str] = {}
        self._by_name: dict[str, list[Path]] = {}
        for path in self._paths:
            self._by_name.setdefault(path.name.casefold(), []).append(path)
            self._by_name.setdefault(f"{bare_name(path.name)}/", []).append(path)
        self._by_hash: dict[str, Path] | None = None

    def with_paths(self, paths: Iterable[Path]) -> "ClipsAtHand":
        """Return these clips and others."""
        return ClipsAtHand((*self._paths, *paths), self._hash_of, self._frames_in)

    def __len__(self) -> int:
        return len(self._paths)

    def named(self, name: str) -> ClipAtHand | None:
        """Return the clip of this name, in any case; without one, the only clip of this name with another ending.

        Raises
        ------
        LsguiError
            When two clips of one name hold different things.
        """
        exact = self._by_name.get(name.casefold(), [])
        found = exact or self._by_name.get(f"{bare_name(name)}/", [])
        hashes = {self._hash(path) for path in found}
        if len(hashes) > 1 and exact:
            raise LsguiError(f"{name}: {len(hashes)} different clips have this name: name the folder of the right one.")
        return self._clip(found[0]) if len(hashes) == 1 else None

    def holding(self, content_hash: str, name: str = "") -> ClipAtHand | None:
        """Return the clip that holds this, whatever its name; one of the name it had is looked at first."""
        for path in self._by_name.get(name.casefold(), []):
            if self._hash(path) == content_hash:
                return self._clip(path)
        if self._by_hash is None:
            self._by_hash = {self._hash(path): path for path in reversed(self._paths)}
        path_held = self._by_hash.get(content_hash)
        return None if path_held is None else self._clip(path_held)

    def of(self, content_hash: str, file_name: str) -> ClipAtHand | None:
        """Return the clip of a label: by content, or by name where the label was kept by name."""
        if is_by_name(content_hash, file_name):
            return self.named(file_name)
        return self.holding(content_hash, file_name)

    def _hash(self, path: Path) -> str:
        if path not in self._hashes:
            self._hashes[path] = self._hash_of(path)
        return self._hashes[path]

    def _clip(self, path: Path) -> ClipAtHand:
        numbers = frame_numbers(self._frames_in(path)) if path.is_dir() else None
        return ClipAtHand(path, self._hash(path), numbers)
