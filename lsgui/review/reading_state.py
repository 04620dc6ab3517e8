"""What the window knows of readings: the reader's own on the selected clip, what is not saved yet, others' reads."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from lsgui.core.label import ReaderLabel
from lsgui.core.reading import ReadingRecord, StatementKind, Tag


@dataclass(frozen=True, slots=True)
class SaveMark:
    """How far a part of a reading has come: `at` ("14:02:11") once it is on disk; `fault` says why it is not."""

    at: str = ""
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the person at the screen said of the selected clip.

    Attributes
    ----------
    label, saved_at, error
        The label, when it was saved ("14:02:11", empty: not yet), and why it was not.
    tags, confidence, comment
        Signs beside sliding; 1 to 3 or None; text.
    marks
        The same as `saved_at` and `error` for every other part that was said.
    """

    label: ReaderLabel | None = None
    saved_at: str = ""
    error: str = ""
    tags: frozenset[Tag] = frozenset()
    confidence: int | None = None
    comment: str = ""
    marks: Mapping[StatementKind, SaveMark] = field(default_factory=lambda: MappingProxyType({}))

    def mark(self, kind: StatementKind) -> SaveMark | None:
        """Return how far a part has come; None where nothing was said of it."""
        if kind is StatementKind.LABEL:
            said = self.label is not None or self.saved_at or self.error
            return SaveMark(self.saved_at, self.error) if said else None
        return self.marks.get(kind)


@dataclass(frozen=True, slots=True)
class Unsaved:
    """Statements of any clip that could not be written yet: how many wait, and why. They are tried again and again."""

    count: int = 0
    sentence: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Adjudication:
    """The selected clip while it is adjudicated.

    Attributes
    ----------
    reads
        What every rater said of it in the first sitting, in the order of their names; adjudications are left out.
    answer
        The adjudicator's own label: `label`, `saved_at` and `error` alone.
    left, total
        How many clips of the worklist with disagreeing raters still wait, and how many there are.
    """

    reads: tuple[ReadingRecord, ...] = ()
    answer: Reading = Reading()
    left: int = 0
    total: int = 0

    @property
    def raters(self) -> tuple[str, ...]:
        """Whose labels are settled, in the order of their names."""
        return tuple(read.rater for read in self.reads if read.label is not None)
