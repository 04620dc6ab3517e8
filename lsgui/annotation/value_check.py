"""Whether the value of a statement has the form that its kind asks for (`core.reading.StatementKind`)."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from lsgui.core.errors import RoiError
from lsgui.core.label import ReaderLabel, SlidingLabel
from lsgui.core.pleura import PleuralROI
from lsgui.core.reading import CONFIDENCE_WORDS, StatementKind, Tag


def value_fault(kind: StatementKind, value: Any, subject: str) -> str:
    """Return what is wrong with a statement in one clause, or an empty text; None, a withdrawal, is always right."""
    if (kind in _NAMED) != bool(subject):
        return f"a statement of kind {kind.value} {'needs a' if kind in _NAMED else 'has no'} subject"
    if value is None:
        return ""
    try:
        sound = _SOUND[kind](value)
    except (ValueError, TypeError, KeyError, OverflowError, AttributeError, RoiError):
        sound = False
    return "" if sound else f"what is said is no {kind.value}"


_NAMED = frozenset({StatementKind.INTERVAL, StatementKind.OVERRIDE, StatementKind.SHAPES})


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _label(value: Any) -> bool:
    return set(value) == {"label"} and bool(ReaderLabel(value["label"]))


def _interval(value: Any) -> bool:
    start, stop, label = value["start"], value["stop"], value.get("label")
    ordered = _is_int(start) and start >= 0 and (stop is None or (_is_int(stop) and stop > start))
    return ordered and (label is None or bool(ReaderLabel(label)))


def _line(value: Any) -> bool:
    return bool(PleuralROI.from_json(value).keyframes)


def _tags(value: Any) -> bool:
    return isinstance(value, list) and all(Tag(tag) for tag in value)


def _confidence(value: Any) -> bool:
    return _is_int(value) and value in CONFIDENCE_WORDS


def _comment(value: Any) -> bool:
    return isinstance(value, str)


def _override(value: Any) -> bool:
    texts = isinstance(value["model"], str) and isinstance(value["reason"], str)
    return texts and bool(SlidingLabel(value["verdict"]))


def _adjudication(value: Any) -> bool:
    of = value["of"]
    return isinstance(of, list) and all(isinstance(rater, str) for rater in of) and bool(ReaderLabel(value["label"]))


def _shapes(value: Any) -> bool:
    return isinstance(value, list | dict)


_SOUND: Mapping[StatementKind, Callable[[Any], bool]] = MappingProxyType(
    {
        StatementKind.LABEL: _label,
        StatementKind.INTERVAL: _interval,
        StatementKind.LINE: _line,
        StatementKind.TAGS: _tags,
        StatementKind.CONFIDENCE: _confidence,
        StatementKind.COMMENT: _comment,
        StatementKind.OVERRIDE: _override,
        StatementKind.ADJUDICATION: _adjudication,
        StatementKind.SHAPES: _shapes,
    }
)
