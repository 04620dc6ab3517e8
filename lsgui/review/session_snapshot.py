"""What of a session is written down while it runs, so that it can be put back when its window was killed."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from lsgui.core.errors import LsguiError
from lsgui.core.pleura import PleuralROI
from lsgui.core.reading import StatementKind
from lsgui.review.json_file import save_json


@dataclass(frozen=True, slots=True)
class UnsavedStatement:
    """Something that was said and was not on the disk yet: as in `Statement`, with the place of its clip.

    `against` is the verdict that a label contradicts, with its model; None where it contradicts none.
    """

    path: Path
    rater: str
    sitting: int
    kind: StatementKind
    subject: str
    value: Any
    said_at: datetime
    blind: bool = False
    against: tuple[str, str] | None = None


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
    unsaved
        What was said and could not be saved.
    """

    paths: tuple[Path, ...] = ()
    clip: Path | None = None
    frame: int = 0
    lines: tuple[tuple[Path, PleuralROI], ...] = ()
    store: Path | None = None
    unsaved: tuple[UnsavedStatement, ...] = ()

    @property
    def is_empty(self) -> bool:
        """True where there is nothing to put back."""
        return not self.paths and not self.unsaved


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
            "unsaved": [_unsaved_said(statement) for statement in snapshot.unsaved],
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
        tuple(_unsaved(one) for one in said.get("unsaved", ())),
    )


def _unsaved_said(statement: UnsavedStatement) -> dict[str, Any]:
    said = asdict(statement)
    return {**said, "path": str(statement.path), "said_at": statement.said_at.isoformat()}


def _unsaved(said: Mapping[str, Any]) -> UnsavedStatement:
    against = said["against"]
    return UnsavedStatement(
        Path(said["path"]),
        str(said["rater"]),
        int(said["sitting"]),
        StatementKind(said["kind"]),
        str(said["subject"]),
        said["value"],
        datetime.fromisoformat(said["said_at"]),
        bool(said["blind"]),
        None if against is None else (str(against[0]), str(against[1])),
    )
