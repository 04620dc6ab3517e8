"""Which file is which clip, remembered so that a worklist shows its labels without reading every file."""

import hashlib
from pathlib import Path

from lsgui.review.json_file import load_json, save_json, set_aside


def file_key(path: Path) -> str | None:
    """Return a key for this very file: place, size and time of change, hashed so that no name is kept; None: gone."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return hashlib.sha256(f"{path.absolute()}\0{stat.st_size}\0{stat.st_mtime_ns}".encode()).hexdigest()[:32]


class Fingerprints:
    """The content hash of every clip that was labelled here, by `file_key`. A file that changed is not recognised.

    Raises
    ------
    DamagedFileError
        When the file is damaged: it has been set aside. It can be rebuilt: labels are not kept here.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        data = load_json(file)
        if data is not None and not isinstance(data, dict):
            raise set_aside(file)
        self._known: dict[str, str] = dict(data or {})

    def get(self, path: Path) -> str | None:
        """Return the content hash of a clip, where it is known."""
        key = file_key(path)
        return None if key is None else self._known.get(key)

    def remember(self, path: Path, content_hash: str) -> None:
        """Keep the content hash of a clip."""
        key = file_key(path)
        if key is not None and self._known.get(key) != content_hash:
            self._known[key] = content_hash
            save_json(self._file, self._known)
