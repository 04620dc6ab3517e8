"""From statements to readings: what stands of each rater's reading of each clip."""

from collections.abc import Iterable
from typing import Any

from lsgui.core.errors import RoiError
from lsgui.core.interval import IntervalMark
from lsgui.core.label import ReaderLabel, SlidingLabel
from lsgui.core.pleura import PleuralROI
from lsgui.core.reading import OverrideNote, ReadingRecord, Statement, StatementKind, Tag

_Group = tuple[str, str, int, bool]


def records_of(standing: Iterable[Statement]) -> tuple[ReadingRecord, ...]:
    """Return a record for every clip, rater and sitting, in the order in which they were begun.

    Parameters
    ----------
    standing
        The latest statement of each slot, in the order in which the slots were begun; withdrawn ones left out. An
        adjudication is a record of its own, beside the same person's reading.
    """
    groups: dict[_Group, list[Statement]] = {}
    for said in standing:
        adjudicated = said.kind is StatementKind.ADJUDICATION
        groups.setdefault((said.content_hash, said.rater, said.sitting, adjudicated), []).append(said)
    return tuple(_record(group) for group in groups.values())


def interval_of(said: Statement) -> IntervalMark:
    """Return the interval of a statement about one."""
    label = said.value.get("label")
    return IntervalMark(
        said.subject, int(said.value["start"]), said.value["stop"], None if label is None else ReaderLabel(label)
    )


def _record(group: list[Statement]) -> ReadingRecord:
    by_kind: dict[StatementKind, list[Statement]] = {}
    for said in group:
        by_kind.setdefault(said.kind, []).append(said)

    def one(kind: StatementKind) -> Any:
        return by_kind[kind][-1].value if kind in by_kind else None

    last = max(group, key=lambda said: said.said_at)
    settled = one(StatementKind.ADJUDICATION)
    answer = settled or one(StatementKind.LABEL)
    reading = by_kind.get(StatementKind.ADJUDICATION) or by_kind.get(StatementKind.LABEL)
    leading = reading[-1] if reading else last
    return ReadingRecord(
        content_hash=last.content_hash,
        file_name=last.file_name,
        rater=last.rater,
        sitting=last.sitting,
        label=None if answer is None else ReaderLabel(answer["label"]),
        said_at=leading.said_at,
        blind=leading.blind,
        intervals=tuple(interval_of(said) for said in by_kind.get(StatementKind.INTERVAL, ())),
        line=_line(one(StatementKind.LINE)),
        tags=frozenset(Tag(tag) for tag in one(StatementKind.TAGS) or ()),
        confidence=one(StatementKind.CONFIDENCE),
        comment=one(StatementKind.COMMENT) or "",
        override=_override(by_kind.get(StatementKind.OVERRIDE, ()), leading),
        adjudicated=settled is not None,
        adjudicates=() if settled is None else tuple(settled["of"]),
    )


def _override(overrides: Iterable[Statement], reading: Statement) -> OverrideNote | None:
    """Return the override of the label that stands; those of former labels are history."""
    for said in overrides:
        if said.subject == reading.uid:
            return OverrideNote(SlidingLabel(said.value["verdict"]), said.value["model"], said.value["reason"])
    return None


def _line(value: Any) -> PleuralROI | None:
    try:
        return None if value is None else PleuralROI.from_json(value, "hand")
    except RoiError:
        return None
