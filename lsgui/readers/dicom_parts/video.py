"""MPEG-2, H.264 and HEVC inside DICOM: the fragments are one movie, which the movie decoder reads."""

import tempfile
from contextlib import ExitStack
from pathlib import Path

from lsgui.readers.dicom_parts.fragments import fragments
from lsgui.readers.dicom_parts.header import DicomHeader
from lsgui.readers.frame_source import cannot_read
from lsgui.readers.movie import Movie

_VIDEO_SYNTAXES = {
    **dict.fromkeys(("100", "100.1", "101", "101.1"), ".m2v"),
    **dict.fromkeys((f"{number}{part}" for number in range(102, 107) for part in ("", ".1")), ".h264"),
    **dict.fromkeys(("107", "108"), ".hevc"),
}
_PREFIX = "1.2.840.10008.1.2.4."
_CONTAINERS = ((b"\x00\x00\x01\xba", 0, ".mpg"), (b"ftyp", 4, ".mp4"), (b"\x47", 0, ".ts"))


def is_video(transfer_syntax: str) -> bool:
    """Tell whether the pixel data is a movie."""
    return transfer_syntax.startswith(_PREFIX) and transfer_syntax.removeprefix(_PREFIX) in _VIDEO_SYNTAXES


def unpack_video(path: Path, header: DicomHeader, undo: ExitStack) -> tuple[Movie, bool]:
    """Join the fragments into a temporary movie and open it.

    Returns
    -------
    movie
        The opened movie.
    timed
        True where the stream can say its own frame rate; bare H.264 and HEVC streams cannot be trusted to.
    """
    folder = Path(undo.enter_context(tempfile.TemporaryDirectory(prefix="lsgui-movie-", ignore_cleanup_errors=True)))
    bare = folder / "movie"
    with bare.open("wb") as out:
        for fragment in fragments(header):
            out.write(fragment)
    with bare.open("rb") as written:
        head = written.read(12)
    if not head:
        raise cannot_read(path, "its movie is cut off", "export it again from the scanner or archive")
    kind = _VIDEO_SYNTAXES[header.transfer_syntax.removeprefix(_PREFIX)]
    suffix = next((name for magic, at, name in _CONTAINERS if head[at : at + len(magic)] == magic), kind)
    file = bare.rename(bare.with_suffix(suffix))
    return Movie(file, path), suffix not in (".h264", ".hevc")
