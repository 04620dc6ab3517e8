"""Looks for clips in files and folders, in a thread; what was found so far can be read while the search goes on."""

import itertools
import logging
import time
from dataclasses import dataclass
from pathlib import Path

from lsgui.core.errors import LsguiError
from lsgui.gui.job_thread import Cancelled, Tell
from lsgui.review.log_file import keep_out_of_log
from lsgui.review.paths import worklists_file
from lsgui.review.state import WorklistEntry
from lsgui.review.worklist import scan_batches
from lsgui.review.worklist_memory import Remembered, WorklistMemory, clip_key

log = logging.getLogger(__name__)

_REST_AFTER, _REST_S = 50, 0.001
_MANY, _TAKEN_IN_S = 256, 0.04
"""Rest after a batch of many: the window takes it in alone, and what follows in another turn of its event loop."""


@dataclass(frozen=True, slots=True)
class ScanBegan:
    """The search begins: `folders` are those among `asked`, `remembered` how their worklist was left."""

    asked: tuple[Path, ...]
    folders: tuple[Path, ...]
    remembered: Remembered | None


@dataclass(frozen=True, slots=True)
class ScanFound:
    """Clips were found, of which `left_at` was on screen when this worklist was left."""

    asked: tuple[Path, ...]
    entries: tuple[WorklistEntry, ...]
    left_at: Path | None = None


@dataclass(frozen=True, slots=True)
class ScanEnded:
    """All that was asked for has been searched."""

    asked: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class ScanFailed:
    """Nothing could be found: one sentence."""

    sentence: str


@dataclass(frozen=True, slots=True)
class ScanJob:
    """Look for clips in files and folders."""

    paths: tuple[Path, ...]

    def run(self, tell: Tell, cancelled: Cancelled) -> None:
        """Tell `ScanBegan`, `ScanFound` again and again, and `ScanEnded`."""
        from lsgui.readers.base import is_clip  # here: readers load OpenCV and pydicom

        keep_out_of_log(self.paths)
        folders = tuple(path for path in self.paths if path.is_dir() and not is_clip(path))
        remembered = _recalled(folders) if folders == self.paths else None
        tell(ScanBegan(self.paths, folders, remembered))
        wanted = "" if remembered is None else remembered.clip
        for batch in scan_batches(self.paths, _with_rests(cancelled)):
            keep_out_of_log(entry.path for entry in batch)  # here: it takes the window too long
            left_at = next((e.path for e in batch if clip_key(e.path) == wanted), None) if wanted else None
            tell(ScanFound(self.paths, batch, left_at))
            if len(batch) >= _MANY:
                time.sleep(_TAKEN_IN_S)
        tell(ScanEnded(self.paths))

    def failure(self, sentence: str) -> ScanFailed:
        """Return the event for a scan that found nothing."""
        return ScanFailed(sentence)


def _with_rests(cancelled: Cancelled) -> Cancelled:
    """Return the question with a short rest at every fiftieth time: the window shares the interpreter with it."""
    asked = itertools.count(1)

    def question() -> bool:
        if next(asked) % _REST_AFTER == 0:
            time.sleep(_REST_S)
        return cancelled()

    return question


def _recalled(folders: tuple[Path, ...]) -> Remembered | None:
    try:
        return WorklistMemory(worklists_file()).recall(folders)
    except LsguiError:
        log.info("what was remembered of worklists is lost", exc_info=True)
        return None
