"""What the `lsgui labels` commands share: the store, the clips at hand, one sentence where a file cannot be written."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lsgui.core.errors import LsguiError

if TYPE_CHECKING:  # the commands are entered at every start: what they need is imported when they run
    from lsgui.annotation.clips_at_hand import ClipsAtHand
    from lsgui.annotation.store import AnnotationStore

StoreOption = Annotated[
    Path | None, typer.Option("--store", metavar="FILE", help="Annotation store; the window's by default.")
]
ClipsOption = Annotated[
    list[Path] | None,
    typer.Option("--clips", metavar="DIR", help="Where the clips lie now; may be given several times."),
]


def store_path(store: Path | None) -> Path:
    """Return the file of a store: the one named, else that of the window."""
    if store is not None:
        return store
    from lsgui.review.paths import labels_file, settings_file
    from lsgui.review.settings import load_settings

    named = load_settings(settings_file()).store_file.strip()
    return Path(named) if named else labels_file()


def open_store(store: Path | None) -> "AnnotationStore":
    """Open a store to write to it; it is made where it is not there.

    Raises
    ------
    LsguiError
        When it cannot be opened.
    """
    from lsgui.annotation.store import AnnotationStore

    return AnnotationStore(store_path(store))


@contextmanager
def read_store(store: Path | None) -> Iterator["AnnotationStore"]:
    """Open a store to read from it; on a write-protected disk a copy of it, for the time being.

    Raises
    ------
    LsguiError
        When it is not there or cannot be read.
    """
    import tempfile

    from lsgui.annotation.backup import copy_for_reading
    from lsgui.annotation.store import AnnotationStore

    path = store_path(store)
    if store is None and not path.exists():
        raise LsguiError(f"{path.name}: nothing has been labelled here yet: label clips, or name a --store.")
    with ExitStack() as stack:
        try:
            opened = AnnotationStore(path, create=False)
        except LsguiError as fault:
            if getattr(fault.__cause__, "sqlite_errorcode", 0) & 0xFF not in _PROTECTED:
                raise
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="lsgui-"))
            copy_for_reading(path, Path(folder) / path.name)
            opened = AnnotationStore(Path(folder) / path.name)
        yield stack.enter_context(opened)


_PROTECTED = (8, 14)
"""SQLite's codes for "read-only" and "cannot open"; the module itself is not loaded for its constants."""


def clips_in(folders: Iterable[Path]) -> "ClipsAtHand":
    """Return the clips in folders and below them; a clip that is named itself counts too.

    Raises
    ------
    LsguiError
        When a folder is not there.
    """
    from lsgui.annotation.clips_at_hand import ClipsAtHand
    from lsgui.annotation.content_hash import content_hash
    from lsgui.readers.base import find_clips
    from lsgui.readers.frame_folder import frame_files

    found: dict[Path, None] = {}
    for folder in folders:
        if not folder.exists():
            raise LsguiError(f"{folder.name}: there is no such folder of clips: check the name given with --clips.")
        found |= dict.fromkeys(find_clips(folder) if folder.is_dir() else [folder])
    return ClipsAtHand(found, content_hash, lambda path: [frame.name for frame in frame_files(path)])


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the disk refuses into a sentence."""
    try:
        yield
    except OSError as fault:
        raise LsguiError(f"{path.name} cannot be written ({fault.strerror}): choose another place.") from fault


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: 1 clip, 2 clips."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def tell(sentences: Iterable[str]) -> None:
    """Say sentences on standard error."""
    for sentence in sentences:
        typer.echo(f"lsgui: {sentence}", err=True)
