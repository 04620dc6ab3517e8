"""Undo and redo of one sitting: labels, signs, confidence, comments, intervals and lines, across all its clips."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lsgui.core.reading import StatementKind

MOST = 2000


@dataclass(frozen=True, slots=True, eq=False)
class Edit:
    """One thing that the reader did.

    Attributes
    ----------
    path
        The clip on which it was done.
    kind, subject
        What it is about, as in `Statement`.
    before, after
        What stood, and what stands: `ReaderLabel`, frozenset of `Tag`, 1 to 3, text, `IntervalMark`, or a pleural
        line with its phase; None for nothing.
    """

    path: Path
    kind: StatementKind
    before: Any
    after: Any
    subject: str = ""

    @property
    def slot(self) -> tuple[Path, StatementKind, str]:
        """What it is about."""
        return (self.path, self.kind, self.subject)

    @property
    def words(self) -> str:
        """What it is called: "label on clip 3.mp4"."""
        return f"{_WORDS[self.kind]} on {self.path.name}"


_WORDS = {
    StatementKind.LABEL: "label",
    StatementKind.TAGS: "signs",
    StatementKind.CONFIDENCE: "confidence",
    StatementKind.COMMENT: "comment",
    StatementKind.INTERVAL: "interval",
    StatementKind.LINE: "pleural line",
    StatementKind.ADJUDICATION: "adjudication",
}


@dataclass(frozen=True, slots=True, eq=False)
class LabelHistory:
    """What was done and may be taken back, and what was taken back and may be done again."""

    past: tuple[Edit, ...] = ()
    future: tuple[Edit, ...] = ()

    def done(self, edit: Edit, *, goes_on: bool = False) -> "LabelHistory":
        """Return the history after an edit; what was taken back before it is gone.

        One that goes on with the edit before it, the end of an interval after its start or more of one comment, is one
        edit with it.
        """
        last = self.past[-1] if self.past else None
        if goes_on and last is not None and last.slot == edit.slot:
            return LabelHistory((*self.past[:-1], replace(edit, before=last.before)))
        return LabelHistory((*self.past, edit)[-MOST:])

    def without_start(self, path: Path, subject: str) -> "LabelHistory":
        """Return the history without the start of an interval that was dropped at once."""
        last = self.past[-1] if self.past else None
        if last is None or (last.path, last.subject, last.before) != (path, subject, None):
            return self
        return LabelHistory(self.past[:-1], self.future)

    def undo(self) -> tuple["LabelHistory", Edit] | None:
        """Return the history and the edit to take back; None where there is none."""
        if not self.past:
            return None
        return LabelHistory(self.past[:-1], (*self.future, self.past[-1])), self.past[-1]

    def redo(self) -> tuple["LabelHistory", Edit] | None:
        """Return the history and the edit to do again; None where there is none."""
        if not self.future:
            return None
        return LabelHistory((*self.past, self.future[-1]), self.future[:-1]), self.future[-1]

    def has_edits(self, path: Path, kind: StatementKind) -> bool:
        """Return whether something of a kind was done on a clip."""
        return any(edit.path == path and edit.kind is kind for edit in (*self.past, *self.future))
