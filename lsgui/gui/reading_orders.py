"""What goes to the reading thread and what comes back: statements to keep, look-ups, and how far each has come."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from lsgui.core.label import ReaderLabel
from lsgui.core.reading import ReadingRecord, StatementKind
from lsgui.review.reading_state import SaveMark
from lsgui.review.state import Contradicted

# Orders


@dataclass(frozen=True, slots=True)
class Say:
    """Keep a statement; the fingerprint of the clip is taken in the thread where it is not known yet.

    Attributes
    ----------
    ticket
        Rises with every statement of this window; `Said` names it.
    kind, value, subject, sitting, blind
        As in `Statement`.
    when
        The moment of the key press, with its time zone.
    against
        The verdict that a label contradicts: logged with it, without a reason until one is given.
    """

    ticket: int
    path: Path
    content_hash: str | None
    rater: str
    sitting: int
    kind: StatementKind
    value: Any
    when: datetime
    subject: str = ""
    blind: bool = False
    against: Contradicted | None = None

    @property
    def whose(self) -> tuple[Path, str, int]:
        """The clip, the rater and the sitting."""
        return (self.path, self.rater, self.sitting)


@dataclass(frozen=True, slots=True)
class FindReading:
    """Look up what a rater said of one clip, and where it is adjudicated what every rater said.

    `ticket` is the last one given out for the clip: an answer that does not know of a later one is stale.
    """

    path: Path
    content_hash: str
    rater: str
    sitting: int
    ticket: int
    adjudicating: bool = False


@dataclass(frozen=True, slots=True)
class FindLabels:
    """Look up the labels of a worklist: the rater's own of one sitting."""

    paths: tuple[Path, ...]
    rater: str
    sitting: int


@dataclass(frozen=True, slots=True)
class UseStore:
    """Keep statements in this file from now on; only asked for while none waits, which belongs to the former one."""

    file: Path


@dataclass(frozen=True, slots=True)
class LookAgain:
    """See whether another program has written to the store."""


@dataclass(frozen=True, slots=True)
class TryAgain:
    """Write what waits now."""


@dataclass(frozen=True, slots=True, eq=False)
class Settle:
    """Write what waits now, then set `done`: the window is about to close."""

    done: threading.Event


@dataclass(frozen=True, slots=True)
class SaveElsewhere:
    """Write what waits to another store file, which `lsgui labels import` merges."""

    file: Path


ReadingOrder = Say | FindReading | FindLabels | UseStore | LookAgain | TryAgain | Settle | SaveElsewhere

# Events


@dataclass(frozen=True, slots=True)
class Said:
    """A statement is on disk under `uid`. `at` is the local time of day."""

    order: Say
    uid: str
    at: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """So many statements could not be written yet, and why; 0 once all are. `paths` are their clips."""

    count: int
    sentence: str
    paths: frozenset[Path] = frozenset()


@dataclass(frozen=True, slots=True)
class PutBack:
    """Another file had taken the store's place: so many statements of this window were not in it, and are now."""

    count: int
    file: Path


@dataclass(frozen=True, slots=True, eq=False)
class ReadingFound:
    """What the rater of `order` said of its clip, with what waits to be written."""

    order: FindReading
    record: ReadingRecord | None
    marks: Mapping[StatementKind, SaveMark]
    adjudicated: ReadingRecord | None = None
    """The rater's own adjudication."""
    reads: tuple[ReadingRecord, ...] = ()
    """What every rater said, where the clip is adjudicated."""


@dataclass(frozen=True, slots=True)
class LabelsFound:
    """The labels of a worklist, where there are any, of the rater and the sitting that were asked for."""

    order: FindLabels
    labels: dict[Path, ReaderLabel]
    raters: tuple[str, ...] = ()
    """Everybody who has read in this project."""


@dataclass(frozen=True, slots=True)
class StoreUsed:
    """Statements go to this file now."""

    file: Path


@dataclass(frozen=True, slots=True)
class StoreChanged:
    """Another program has written to the store."""


@dataclass(frozen=True, slots=True)
class LookUpFailed:
    """Nothing could be looked up: one sentence."""

    sentence: str


@dataclass(frozen=True, slots=True)
class SavedElsewhere:
    """All that waited is in another file, or `sentence` says why it is not."""

    file: Path
    sentence: str = ""
