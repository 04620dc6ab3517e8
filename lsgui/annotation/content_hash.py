"""What a clip is known by: a hash of its content, which outlives renaming and moving."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from lsgui.core.errors import CancelledError, ClipReadError
from lsgui.core.plain_file import check_plain

FRAME_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp"})
"""Files of a folder that count as frames; a thumbnail cache or a note beside them does not change the clip."""

_CHUNK = 1 << 20


def content_hash(path: Path, cancelled: Callable[[], bool] | None = None) -> str:
    """Return the SHA-256 of a clip, 64 hexadecimal digits.

    Parameters
    ----------
    path
        A file, hashed byte by byte; or a folder of frames, hashed over name, size and bytes of every frame in the
        order of their names, so that two folders agree exactly when they hold the same frames under the same names.
    cancelled
        Asked after every megabyte.

    Raises
    ------
    ClipReadError
        When the file is gone or unreadable, or the folder holds no frame.
    CancelledError
        When `cancelled` says so.
    """
    digest = hashlib.sha256()
    try:
        if not path.is_dir():
            _feed(digest, path, cancelled)
            return digest.hexdigest()
        frames = sorted(item for item in path.iterdir() if item.suffix.lower() in FRAME_SUFFIXES and item.is_file())
        for frame in frames:
            digest.update(f"{frame.name}\0{frame.stat().st_size}\0".encode("utf-8", "surrogatepass"))
            _feed(digest, frame, cancelled)
    except OSError as fault:
        raise ClipReadError(f"{path.name}: cannot be read to recognise the clip ({fault.strerror}).") from fault
    if not frames:
        raise ClipReadError(f"{path.name} holds no frames: choose a folder of PNG, JPEG, TIFF or BMP pictures.")
    return digest.hexdigest()


def _feed(digest: "hashlib._Hash", path: Path, cancelled: Callable[[], bool] | None) -> None:
    check_plain(path)  # a pipe would never give an end
    with path.open("rb", buffering=0) as file:
        buffer = bytearray(_CHUNK)
        view = memoryview(buffer)
        while size := file.readinto(buffer):
            if cancelled is not None and cancelled():
                raise CancelledError
            digest.update(view[:size])
