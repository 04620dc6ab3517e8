"""The pleural line as something that a reader says: one drawn or loaded is, one that the program suggests is not."""

from typing import Any

from lsgui.core.pleura import PleuralROI
from lsgui.review.state import RoiPhase

Line = tuple[PleuralROI | None, RoiPhase]
"""A pleural line, or none, and how it came to be."""


def line_value(roi: PleuralROI | None) -> dict[str, Any] | None:
    """Return the line in the form in which it is stored; None for none, and for a suggestion."""
    return None if roi is None or roi.source == "auto" else roi.to_json()


def same_line(one: PleuralROI | None, other: PleuralROI) -> bool:
    """Return whether two lines are the same as stored, wherever they come from; a suggestion is no reader's line."""
    value = line_value(one)
    if value is None:
        return False
    return {**value, "source": ""} == {**other.to_json(), "source": ""}
