"""What the reading thread does for intervals and overrides: orders that carry themselves out over the store."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lsgui.core.interval import IntervalMark
from lsgui.review.state import Contradicted

if TYPE_CHECKING:
    from lsgui.annotation.store import AnnotationStore  # SQLite waits until something is saved


@dataclass(frozen=True, slots=True)
class SaveInterval:
    """Save what is said of an interval now, after `former`; the fingerprint is taken here where it is not known yet."""

    path: Path
    content_hash: str | None
    rater: str
    interval: IntervalMark
    former: IntervalMark | None = None
    withdrawn: bool = False

    def carry_out(self, store: "AnnotationStore", tell: Callable[[object], None]) -> None:
        """Save, then tell `IntervalSaved`."""
        from lsgui.annotation.content_hash import content_hash

        fingerprint = self.content_hash or content_hash(self.path)
        store.save_interval(fingerprint, self.path.name, self.rater, self.interval, withdrawn=self.withdrawn)
        tell(IntervalSaved(self.path, self.interval))


@dataclass(frozen=True, slots=True)
class FindIntervals:
    """Look up the rater's intervals of one clip."""

    path: Path
    content_hash: str
    rater: str

    def carry_out(self, store: "AnnotationStore", tell: Callable[[object], None]) -> None:
        """Tell `IntervalsFound`."""
        tell(IntervalsFound(self.path, self.rater, store.intervals(self.content_hash, self.rater)))


@dataclass(frozen=True, slots=True)
class SaveReason:
    """Save why a reading contradicts the verdict."""

    reading: str
    against: Contradicted
    reason: str

    def carry_out(self, store: "AnnotationStore", tell: Callable[[object], None]) -> None:
        """Save, then tell `ReasonSaved`."""
        from lsgui.annotation.store import SavedOverride

        store.save_override(SavedOverride(self.reading, self.against.verdict, self.against.model, self.reason))
        tell(ReasonSaved(self.reading, self.reason))


@dataclass(frozen=True, slots=True)
class IntervalSaved:
    """What was said of an interval is on disk."""

    path: Path
    interval: IntervalMark


@dataclass(frozen=True, slots=True)
class IntervalsFound:
    """The rater's intervals of a clip."""

    path: Path
    rater: str
    intervals: tuple[IntervalMark, ...]


@dataclass(frozen=True, slots=True)
class ReasonSaved:
    """The reason of an override is on disk."""

    reading: str
    reason: str


StoreOrder = SaveInterval | FindIntervals | SaveReason
