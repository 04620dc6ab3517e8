"""The worklist: clips found in files and folders, and the way through them."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from lsgui.core.clip import ClipInfo
from lsgui.core.errors import CancelledError, ClipReadError
from lsgui.review.state import WorklistEntry
from lsgui.review.worklist_groups import folder_key
from lsgui.review.worklist_lots import clip_lot

_FIRST_BATCH = 256
"""So many clips are told at once: a screen is full of them long before a large folder is searched."""
_LONGEST_WAIT_S = 0.4


def scan(paths: Iterable[Path], cancelled: Callable[[], bool] = lambda: False) -> tuple[WorklistEntry, ...]:
    """Return an entry for every clip among files and folders; parameters and errors are those of `scan_batches`."""
    return tuple(entry for batch in scan_batches(paths, cancelled) for entry in batch)


def scan_batches(
    paths: Iterable[Path], cancelled: Callable[[], bool] = lambda: False, *, first: int = _FIRST_BATCH
) -> Iterator[tuple[WorklistEntry, ...]]:
    """Yield entries for the clips among files and folders as they are found, in the order given, each clip once.

    A file that was named is always listed: what is wrong with it is said when it is opened. Every batch is three
    times as large as all before it together, or what was found within a moment of a slow drive: however many files
    there are, taking the batches over one by one stays in proportion to their number.

    Raises
    ------
    ClipReadError
        When a path does not exist, or nothing named holds a clip.
    CancelledError
        When `cancelled` says so.
    """
    known: set[Path] = set()
    batch: list[WorklistEntry] = []
    told, told_at = 0, time.monotonic()
    for path in _clips_of(tuple(paths), cancelled):
        if path in known:
            continue
        known.add(path)
        batch.append(WorklistEntry(path, path.name, group=folder_key(path), lot=clip_lot(path)))
        waited = time.monotonic() - told_at
        if len(batch) >= max(first, 3 * told) or waited > max(_LONGEST_WAIT_S, told * 1e-4):
            yield tuple(batch)
            told, told_at, batch = told + len(batch), time.monotonic(), []
    if batch:
        yield tuple(batch)
    elif not told:
        raise ClipReadError("No clip was found there: open DICOM or video files, or folders of numbered frames.")


def _clips_of(paths: tuple[Path, ...], cancelled: Callable[[], bool]) -> Iterator[Path]:
    from lsgui.readers.base import is_clip, walk_clips  # here: readers load OpenCV and pydicom

    for path in paths:
        if cancelled():
            raise CancelledError
        if not path.exists():
            raise ClipReadError(f"{path.name}: there is no such file or folder; check the name or the drive.")
        if path.is_dir() and not is_clip(path):
            yield from walk_clips(path, cancelled)
        else:
            yield path


def merged(old: Sequence[WorklistEntry], new: Sequence[WorklistEntry]) -> tuple[WorklistEntry, ...]:
    """Return the old entries followed by those of the new ones that are not yet there."""
    known = {entry.path for entry in old}
    return (*old, *(entry for entry in new if entry.path not in known))


def detail_of(info: ClipInfo) -> str:
    """Return the short line under a clip's name: "218 frames · 8.7 s"."""
    frames = "1 frame" if info.frames == 1 else f"{info.frames} frames"
    return f"{frames} · {info.duration_s:.1f} s"


def read_count(worklist: Sequence[WorklistEntry]) -> int:
    """Return how many entries have a label."""
    return sum(entry.label is not None for entry in worklist)
