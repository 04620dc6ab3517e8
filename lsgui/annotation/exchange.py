"""Labels on their way in and out: the nouns that every format shares, and how a file's readings join a store.

A file says how readings stand (`FileReading`); the store holds every statement. `settle` makes the statements that
lead from the one to the other: what stands already is not said again, so that a file may be imported twice.
"""

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from lsgui import __version__
from lsgui.annotation.clip_facts import ApprovedMask, ClipFacts, StoredVerdict
from lsgui.annotation.metafile import METAFILE
from lsgui.core.errors import LsguiError
from lsgui.core.interval import IntervalMark
from lsgui.core.reading import OverrideNote, Statement, StatementKind

_NAMESPACE = uuid.UUID("6d0c5b1e-6a4f-4e5b-9d2e-3f8f0a1c7b55")
_SLOT_ORDER = tuple(StatementKind)
"""The order in which a reading's statements are made: its label first, for an override needs it."""


class LabelFormat(StrEnum):
    """What labels are written as."""

    CSV = "csv"
    JSON = "json"
    METAFILE = "metafile"
    CVAT = "cvat"
    DATASET = "dataset"
    STORE = "store"


@dataclass(frozen=True, slots=True)
class Labels:
    """What a store holds, or a part of it, on its way from one to another."""

    statements: tuple[Statement, ...] = ()
    clips: tuple[ClipFacts, ...] = ()
    verdicts: tuple[StoredVerdict, ...] = ()
    masks: tuple[ApprovedMask, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class FileReading:
    """How a file says that one rater's reading of one clip stands.

    Attributes
    ----------
    content_hash
        SHA-256 of the clip, or its name's stand-in (`hash_by_name`).
    values
        What is said, by kind; None where the file says that there is nothing. Kinds that the file does not speak of
        are left out, and stay as they are.
    intervals
        All marked intervals; None where the file does not speak of them. One with an empty id is known by its frames
        and label.
    override
        The override of this reading's label, where there is one; `says_override` False where the file does not speak
        of it.
    said_at, changed_at
        Moments of the label and of the latest change; None: the moment of the import.
    """

    content_hash: str
    file_name: str
    rater: str
    values: Mapping[StatementKind, Any]
    intervals: tuple[IntervalMark, ...] | None = None
    override: OverrideNote | None = None
    says_override: bool = False
    sitting: int = 1
    blind: bool = False
    said_at: datetime | None = None
    changed_at: datetime | None = None
    program_version: str = __version__
    subjects: Mapping[StatementKind, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Written:
    """The text of a file, how many clips it holds, and a sentence for each kind of thing that found no room in it."""

    text: str
    clips: int
    notes: tuple[str, ...] = ()


def note_on(names: Sequence[str], one: str, many: str) -> str:
    """Return a sentence on clips that names up to three; empty where there are none."""
    if not names:
        return ""
    if len(names) == 1:
        return f"{names[0]} {one}."
    return f"{len(names)} clips {many}: {', '.join(names[:3])}{' and others' if len(names) > 3 else ''}."


def guess_format(path: Path) -> LabelFormat:
    """Return the format that a file's name tells.

    Raises
    ------
    LsguiError
        When it tells none.
    """
    name = path.name.lower()
    if name == METAFILE:
        return LabelFormat.METAFILE
    for ending, found in (
        (".cvat.json", LabelFormat.CVAT),
        (".csv", LabelFormat.CSV),
        (".json", LabelFormat.JSON),
        (".sqlite", LabelFormat.STORE),
    ):
        if name.endswith(ending):
            return found
    if path.is_dir() or not path.suffix:
        return LabelFormat.DATASET
    raise LsguiError(f"{path.name}: its name does not tell the format: name it with --format.")


def bare_file_name(name: str) -> str:
    """Return a clip's name without its folder, which may name a patient."""
    return name.replace("\\", "/").rsplit("/", 1)[-1]


def settle(readings: Iterable[FileReading], standing: Iterable[Statement], now: datetime) -> tuple[Statement, ...]:
    """Return the statements after which the store says what a file says.

    A reading that the file knows from an earlier moment than the store's is kept in the history and does not count.

    Parameters
    ----------
    standing
        What counts in the store now.
    now
        The moment of the import, for what the file gives none.
    """
    there = {said.slot: said for said in standing}
    marks: dict[tuple[str, str, int], list[Statement]] = {}
    for said in there.values():
        if said.kind is StatementKind.INTERVAL:
            marks.setdefault(said.slot[:3], []).append(said)
    out: list[Statement] = []
    for reading in readings:
        whose = (reading.content_hash, reading.rater, reading.sitting)
        made = [*_plain(reading, there, now), *_intervals(reading, marks.get(whose, []), now)]
        label = next((said for said in made if said.kind is StatementKind.LABEL), None)
        stood = there.get((*whose, StatementKind.LABEL, ""))
        made += _override(reading, label or stood, there, now)
        there |= {said.slot: said for said in made}  # a file may say the same twice
        if reading.intervals is not None:  # a row of an adjudication alone says nothing of the marks
            marks.pop(whose, None)
        out += made
    return tuple(out)


def own_pseudonyms(theirs: Sequence[ClipFacts], ours: Mapping[str, ClipFacts]) -> dict[str, str]:
    """Return our pseudonym for each of another store's, as far as clips that both know tell.

    Every store makes its own pseudonyms; a clip that both hold is of one patient, study and series.
    """
    out: dict[str, str] = {}
    for facts in theirs:
        same = ours.get(facts.content_hash)
        if same is not None:
            pairs = ((facts.patient, same.patient), (facts.study, same.study), (facts.series, same.series))
            out |= {their: our for their, our in pairs if their and our}
    return out


def renamed(labels: Labels, names: Mapping[str, str], ours: Mapping[str, ClipFacts]) -> Labels:
    """Return labels with pseudonyms replaced; facts of clips that we know already are left out."""
    clips = tuple(
        replace(
            facts,
            patient=names.get(facts.patient, facts.patient),
            study=names.get(facts.study, facts.study),
            series=names.get(facts.series, facts.series),
        )
        for facts in labels.clips
        if not _knows_as_much(ours.get(facts.content_hash), facts)
    )
    masks = tuple(replace(mask, series=names.get(mask.series, mask.series)) for mask in labels.masks)
    return replace(labels, clips=clips, masks=masks)


def _knows_as_much(ours: ClipFacts | None, theirs: ClipFacts) -> bool:
    return ours is not None and (bool(ours.patient) or not theirs.patient) and (ours.frames > 0 or theirs.frames <= 0)


def older_readings(made: Iterable[Statement], standing: Iterable[Statement]) -> int:
    """Return of how many readings statements are older than what stands, so that they will not count."""
    there = {said.slot: said.said_at for said in standing}
    return len({said.slot[:3] for said in made if said.slot in there and said.said_at < there[said.slot]})


def _plain(reading: FileReading, there: Mapping[Any, Statement], now: datetime) -> list[Statement]:
    out = []
    for kind in _SLOT_ORDER:
        if kind in reading.values:
            answer = kind in (StatementKind.LABEL, StatementKind.ADJUDICATION)
            when = reading.said_at if answer else reading.changed_at
            said = _said(reading, kind, reading.subjects.get(kind, ""), reading.values[kind], when or now)
            out += _unless_standing(said, there.get(said.slot), timed=when is not None)
    return out


def _intervals(reading: FileReading, stood: Sequence[Statement], now: datetime) -> list[Statement]:
    if reading.intervals is None:
        return []
    when, timed = reading.changed_at or now, reading.changed_at is not None
    left = list(stood)
    out = []
    for number, mark in enumerate(reading.intervals):
        value = {"start": mark.start, "stop": mark.stop, "label": None if mark.label is None else mark.label.value}
        same = next((said for said in left if (said.subject == mark.id if mark.id else said.value == value)), None)
        if same is not None:
            left.remove(same)
        if same is None and not mark.id:
            said = _said(reading, StatementKind.INTERVAL, str(number), value, when)
            said = replace(said, subject=uid_of(said))
        else:
            said = _said(reading, StatementKind.INTERVAL, mark.id if same is None else same.subject, value, when)
        out += _unless_standing(said, same, timed=timed)
    for said in left:
        gone = _said(reading, StatementKind.INTERVAL, said.subject, None, when)
        out += _unless_standing(gone, said, timed=timed)
    return out


def _override(
    reading: FileReading, label: Statement | None, there: Mapping[Any, Statement], now: datetime
) -> list[Statement]:
    if not reading.says_override or label is None:
        return []
    note = reading.override
    value = None if note is None else {"verdict": note.verdict.value, "model": note.model, "reason": note.reason}
    said = _said(reading, StatementKind.OVERRIDE, label.uid, value, reading.changed_at or now)
    return _unless_standing(said, there.get(said.slot), timed=reading.changed_at is not None)


def _said(reading: FileReading, kind: StatementKind, subject: str, value: Any, when: datetime) -> Statement:
    return Statement(
        uid="",
        content_hash=reading.content_hash,
        file_name=reading.file_name,
        rater=reading.rater,
        sitting=reading.sitting,
        kind=kind,
        subject=subject,
        value=value,
        said_at=when,
        program_version=reading.program_version,
        blind=reading.blind,
    )


def _unless_standing(said: Statement, stood: Statement | None, *, timed: bool) -> list[Statement]:
    """Return the statement, or nothing where it stands already; one without a moment of its own is the newest."""
    if (None if stood is None else stood.value or None) == (said.value or None):  # no tags are as good as none said
        return []
    if stood is not None and not timed and said.said_at <= stood.said_at:
        said = replace(said, said_at=stood.said_at)
    return [replace(said, uid=uid_of(said, after="" if stood is None else stood.uid))]


def uid_of(said: Statement, after: str = "") -> str:
    """Return the uid of a statement that came without one: the same whenever the same file meets the same store.

    Parameters
    ----------
    after
        Uid of the statement whose place it takes: what is said again after something else is another statement.
    """
    whole = json.dumps([*said.slot, said.value, said.said_at.isoformat(), said.file_name, said.blind, after])
    return uuid.uuid5(_NAMESPACE, whole).hex
