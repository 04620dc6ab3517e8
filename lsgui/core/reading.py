"""What a rater says of a clip: statements as they are made one by one, and the reading that stands after them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from lsgui.core.interval import IntervalMark
from lsgui.core.label import ReaderLabel, SlidingLabel
from lsgui.core.pleura import PleuralROI


class Tag(StrEnum):
    """A sign beside sliding that the rater saw."""

    A_LINES = "a_lines"
    B_LINES = "b_lines"
    LUNG_PULSE = "lung_pulse"

    @property
    def wording(self) -> str:
        """The words on the button."""
        return {"a_lines": "A-lines", "b_lines": "B-lines", "lung_pulse": "Lung pulse"}[self.value]


CONFIDENCE_WORDS = {1: "unsure", 2: "fairly sure", 3: "sure"}
"""How sure a rater may be."""


class StatementKind(StrEnum):
    """What a statement is about, and the form of its value.

    ============  ==========================================================  =====================================
    kind          value                                                       subject
    ============  ==========================================================  =====================================
    label         `{"label": ReaderLabel}`                                    empty
    interval      `{"start": int, "stop": int or None, "label": ... or None}`  id of the mark
    line          a ROI file's mapping (`PleuralROI.to_json`)                 empty
    tags          list of `Tag`, sorted                                       empty
    confidence    1 to 3 (`CONFIDENCE_WORDS`)                                 empty
    comment       text                                                        empty
    override      `{"verdict": SlidingLabel, "model": str, "reason": str}`    uid of the label that contradicts
    adjudication  `{"label": ReaderLabel, "of": [rater, ...]}`                empty
    shapes        what another program drew, kept as it came                  name of its format
    ============  ==========================================================  =====================================
    """

    LABEL = "label"
    INTERVAL = "interval"
    LINE = "line"
    TAGS = "tags"
    CONFIDENCE = "confidence"
    COMMENT = "comment"
    OVERRIDE = "override"
    ADJUDICATION = "adjudication"
    SHAPES = "shapes"


@dataclass(frozen=True, slots=True)
class Statement:
    """One thing that a rater said of a clip. It is never changed: the next one about the same takes its place.

    Attributes
    ----------
    uid
        32 hexadecimal digits, its own in every store: a merge knows by it what is there already.
    content_hash
        SHA-256 of the clip, by which it is known again after a move.
    file_name
        Name of the file when it was said, without its folder.
    rater
        Who said it.
    sitting
        1 for the first pass over the clips, 2 for a second one that does not see the first.
    kind, subject, value
        What was said (`StatementKind`); the value is plain JSON, None where it is withdrawn.
    said_at
        The moment in UTC.
    program_version
        The lsgui that saved it.
    blind
        True where the verdict and other raters' readings were hidden when it was said.
    """

    uid: str
    content_hash: str
    file_name: str
    rater: str
    sitting: int
    kind: StatementKind
    subject: str
    value: Any
    said_at: datetime
    program_version: str
    blind: bool = False

    @property
    def slot(self) -> tuple[str, str, int, StatementKind, str]:
        """What it is about: of all statements with one slot the latest counts."""
        return (self.content_hash, self.rater, self.sitting, self.kind, self.subject)


@dataclass(frozen=True, slots=True)
class OverrideNote:
    """The verdict that a reading contradicts, the model that gave it, and the rater's reason."""

    verdict: SlidingLabel
    model: str
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class ReadingRecord:
    """All that stands of one rater's reading of one clip in one sitting.

    Attributes
    ----------
    label, said_at, blind
        The reading, the moment (UTC) and whether it was blind; `label` is None where only other things were said,
        and `said_at` then is the moment of the latest of them.
    intervals
        Marked intervals in the order in which they were begun.
    line
        The pleural line that the rater drew.
    override
        What the reading contradicts, where it does.
    adjudicated
        True where this settles other raters' readings; `adjudicates` names them.
    """

    content_hash: str
    file_name: str
    rater: str
    sitting: int
    label: ReaderLabel | None
    said_at: datetime
    blind: bool = False
    intervals: tuple[IntervalMark, ...] = ()
    line: PleuralROI | None = None
    tags: frozenset[Tag] = frozenset()
    confidence: int | None = None
    comment: str = ""
    override: OverrideNote | None = None
    adjudicated: bool = False
    adjudicates: tuple[str, ...] = ()
