"""The worklist: clips found in files and folders, and the way through them."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from lsgui.core.clip import ClipInfo
from lsgui.core.errors import CancelledError, ClipReadError
from lsgui.review.state import WorklistEntry


def scan(paths: Iterable[Path], cancelled: Callable[[], bool] = lambda: False) -> tuple[WorklistEntry, ...]:
    """Return an entry for every clip among files and folders, in the order given, each once.

    A file that was named is always listed: what is wrong with it is said when it is opened.

    Raises
    ------
    ClipReadError
        When a path does not exist, or nothing named holds a clip.
    CancelledError
        When `cancelled` says so.
    """
    from lsgui.readers.base import find_clips, is_clip  # here: readers load OpenCV and pydicom

    found: dict[Path, None] = {}
    for path in paths:
        if cancelled():
            raise CancelledError
        if not path.exists():
            raise ClipReadError(f"{path.name}: there is no such file or folder; check the name or the drive.")
        if path.is_dir() and not is_clip(path):
            found.update(dict.fromkeys(find_clips(path)))
        else:
            found[path] = None
    if not found:
        raise ClipReadError("No clip was found there: open DICOM or video files, or folders of numbered frames.")
    return tuple(WorklistEntry(path, path.name) for path in found)


def merged(old: Sequence[WorklistEntry], new: Sequence[WorklistEntry]) -> tuple[WorklistEntry, ...]:
    """Return the old entries followed by those of the new ones that are not yet there."""
    known = {entry.path for entry in old}
    return (*old, *(entry for entry in new if entry.path not in known))


def detail_of(info: ClipInfo) -> str:
    """Return the short line under a clip's name: "218 frames · 8.7 s"."""
    frames = "1 frame" if info.frames == 1 else f"{info.frames} frames"
    return f"{frames} · {info.duration_s:.1f} s"


def next_unlabelled(worklist: Sequence[WorklistEntry], selected: int | None) -> int | None:
    """Return the next entry without a label after the selected one, going round once; None where all are read."""
    count = len(worklist)
    start = -1 if selected is None else selected
    order = (index % count for index in range(start + 1, start + 1 + count)) if count else iter(())
    for index in order:
        if index != selected and worklist[index].label is None and not worklist[index].error:
            return index
    return None


def read_count(worklist: Sequence[WorklistEntry]) -> int:
    """Return how many entries have a label."""
    return sum(entry.label is not None for entry in worklist)
