"""Undo and redo of edits of the pleural line, one history a clip."""

from dataclasses import dataclass

from lsgui.core.pleura import PleuralROI
from lsgui.review.state import RoiPhase

Line = tuple[PleuralROI | None, RoiPhase]
"""A pleural line, or none, and how it came to be."""

MOST = 200


@dataclass(frozen=True, slots=True)
class RoiHistory:
    """The lines before and after the one that stands now."""

    past: tuple[Line, ...] = ()
    future: tuple[Line, ...] = ()

    def edited(self, former: Line) -> "RoiHistory":
        """Return the history after an edit that replaced `former`; what was undone before is gone."""
        return RoiHistory((*self.past, former)[-MOST:], ())

    def undo(self, now: Line) -> tuple["RoiHistory", Line] | None:
        """Return the history and the line after taking back the last edit; None where there is none."""
        if not self.past:
            return None
        return RoiHistory(self.past[:-1], (*self.future, now)), self.past[-1]

    def redo(self, now: Line) -> tuple["RoiHistory", Line] | None:
        """Return the history and the line after doing the last undone edit again; None where there is none."""
        if not self.future:
            return None
        return RoiHistory((*self.past, now), self.future[:-1]), self.future[-1]
