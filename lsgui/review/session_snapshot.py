"""What of a session is written down while it runs, so that it can be put back when its window was killed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from lsgui.core.errors import LsguiError
from lsgui.core.pleura import PleuralROI
from lsgui.review.json_file import save_json


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A session as it stood.

    Attributes
    ----------
    paths
        Files and folders that were opened, in their order.
    clip, frame
        The clip on screen and where it stood.
    lines
        Pleural lines that were drawn in this session, the one on screen among them.
    store
        The annotation project that was open; None for the reader's own labels.
    """

    paths: tuple[Path, ...] = ()
    clip: Path | None = None
    frame: int = 0
    lines: tuple[tuple[Path, PleuralROI], ...] = ()
    store: Path | None = None

    @property
    def is_empty(self) -> bool:
        """True where there is nothing to put back."""
        return not self.paths


@dataclass(frozen=True, slots=True)
class LeftSession:
    """A session whose window ended without being closed.

    Attributes
    ----------
    ended_at
        Its last sign of life, UTC.
    fault
        What ended it, in the words of the system ("Segmentation fault"); empty where nothing could be noted: it was
        killed, or the machine stopped.
    snapshot
        What can be put back; files that are gone by now are not among it. None where nothing was open.
    gone
        How many of its files and folders are gone.
    """

    ended_at: datetime
    fault: str = ""
    snapshot: Snapshot | None = None
    gone: int = 0


def save_snapshot(file: Path, snapshot: Snapshot) -> None:
    """Write a snapshot in one step.

    Raises
    ------
    LsguiError
        When it cannot be written.
    """
    save_json(
        file,
        {
            "paths": [str(path) for path in snapshot.paths],
            "clip": None if snapshot.clip is None else str(snapshot.clip),
            "frame": snapshot.frame,
            "lines": [[str(path), roi.to_json()] for path, roi in snapshot.lines],
            "store": None if snapshot.store is None else str(snapshot.store),
        },
    )


def load_snapshot(file: Path) -> Snapshot | None:
    """Return what was written; None where there is nothing, or nothing that can be understood."""
    try:
        return _snapshot(json.loads(file.read_text("utf-8")))
    except (LsguiError, TypeError, ValueError, KeyError, AttributeError, OverflowError, RecursionError, OSError):
        return None


def words_of(left: LeftSession, now: datetime) -> str:
    """Return the sentence that tells of a session that was not closed; `now` has the reader's time zone."""
    local = left.ended_at.astimezone(now.tzinfo)
    when = f"at {local:%H:%M}" if local.date() == now.date() else f"on {local:%Y-%m-%d} at {local:%H:%M}"
    why = f"by a fault ({left.fault.lower()})" if left.fault else "without being closed"
    return f"lsgui ended {when} {why}; what was saved is safe."


def _snapshot(said: Mapping[str, Any]) -> Snapshot:
    clip, store = said["clip"], said["store"]
    return Snapshot(
        tuple(Path(path) for path in said["paths"]),
        None if clip is None else Path(clip),
        max(int(said["frame"]), 0),
        tuple((Path(path), PleuralROI.from_json(line, "hand")) for path, line in said["lines"]),
        None if store is None else Path(store),
    )
