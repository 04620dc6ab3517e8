"""The annotation store: everything that a person said of a clip, in one SQLite file, never changed and never lost."""

import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lsgui import __version__
from lsgui.annotation.clip_facts import ApprovedMask, ClipFacts, FactsStore, StoredVerdict, moment_text
from lsgui.annotation.records import interval_of, records_of
from lsgui.core.errors import LsguiError
from lsgui.core.file_names import text_name
from lsgui.core.interval import IntervalMark
from lsgui.core.label import ReaderLabel, SlidingLabel
from lsgui.core.reading import ReadingRecord, Statement, StatementKind

_COLUMNS = "uid, content_hash, file_name, rater, sitting, kind, subject, value, said_at, program_version, blind"
_SLOT = "content_hash, rater, sitting, kind, subject"
NOT_GIVEN = "not given"
"""The reason of an override until the reader gives one."""


@dataclass(frozen=True, slots=True)
class SavedReading:
    """One reading: what a rater said of a clip, and when. A rater who thinks again saves another one.

    Attributes
    ----------
    uid
        Its own name, in every store (`Statement.uid`).
    content_hash
        SHA-256 of the clip (`content_hash.content_hash`), by which it is known again after a move.
    file_name
        Name of the file when it was read, without its folder.
    read_at
        The moment in UTC.
    program_version
        The lsgui that saved it.
    """

    uid: str
    content_hash: str
    file_name: str
    rater: str
    label: ReaderLabel
    read_at: datetime
    program_version: str


@dataclass(frozen=True, slots=True)
class SavedOverride:
    """A reading that contradicts a verdict which the reader saw.

    Attributes
    ----------
    reading
        `SavedReading.uid`.
    verdict
        What the program had said.
    model
        The model that said it, with its version.
    reason
        The reader's reason; `NOT_GIVEN` where there is none.
    """

    reading: str
    verdict: SlidingLabel
    model: str
    reason: str


class AnnotationStore(FactsStore):
    """The history of a project: every statement is a row, and of those about the same the latest counts.

    See `StoreFile` for what is promised of the file. Undo is a row too: the former value once more, or None.
    """

    def say(
        self,
        content_hash: str,
        file_name: str,
        rater: str,
        kind: StatementKind,
        value: Any,
        *,
        subject: str = "",
        sitting: int = 1,
        blind: bool = False,
        when: datetime | None = None,
    ) -> Statement:
        """Add a statement and return it once it is safe on the disk.

        Parameters
        ----------
        content_hash
            SHA-256 of the clip, 64 hexadecimal digits.
        file_name
            Name of the clip; a folder in front of it is cut off, for it may name a patient.
        rater
            Who says so; must not be empty.
        kind, value, subject
            What is said, in the form that `StatementKind` gives; None withdraws it.
        sitting, blind
            See `Statement`.
        when
            The moment; now by default. A clock that was set back never makes a newer statement count for less.
        """
        row = (
            uuid.uuid4().hex,
            *_whose(content_hash, file_name, rater),
            *(sitting, kind.value, subject, _text(value), moment_text(when), __version__, int(blind)),
        )
        with self._faults():
            said_at = self._connection.execute(
                f"INSERT INTO history ({_COLUMNS}) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, max(?9, coalesce((SELECT "
                "max(said_at) FROM history WHERE content_hash = ?2 AND rater = ?4 AND sitting = ?5 AND kind = ?6 "
                "AND subject = ?7), '')), ?10, ?11 RETURNING said_at",
                row,
            ).fetchall()[0][0]  # all rows are fetched: only then the statement is finished, and the row on the disk
        return _statement((*row[:8], said_at, *row[9:]))

    def standing(
        self,
        content_hash: str | None = None,
        rater: str | None = None,
        sitting: int | None = None,
        kind: StatementKind | None = None,
    ) -> tuple[Statement, ...]:
        """Return what counts now, without what was withdrawn, in the order in which each thing was first said."""
        wanted = {"content_hash": content_hash, "rater": rater and rater.strip(), "sitting": sitting, "kind": kind}
        asked = {name: value for name, value in wanted.items() if value is not None}
        chosen = " AND ".join(f"{name} = ?" for name in asked) or "1"
        query = (
            f"SELECT {_COLUMNS} FROM (SELECT *, min(id) OVER slot AS begun, row_number() OVER (slot ORDER BY said_at "
            f"DESC, id DESC) AS place FROM history WHERE {chosen} WINDOW slot AS (PARTITION BY {_SLOT})) "
            "WHERE place = 1 AND value IS NOT NULL ORDER BY begun"
        )  # one pass over the rows: looking for a later one beside each took minutes for 40,000
        return self._statements(query, tuple(asked.values()))

    def history(self, content_hash: str | None = None) -> tuple[Statement, ...]:
        """Return everything that was ever said, of one clip or of all, in the order in which it came here."""
        query = f"SELECT {_COLUMNS} FROM history WHERE ? IS NULL OR content_hash = ? ORDER BY id"
        return self._statements(query, (content_hash, content_hash))

    def records(
        self, content_hash: str | None = None, rater: str | None = None, sitting: int | None = None
    ) -> tuple[ReadingRecord, ...]:
        """Return what stands of every reading."""
        standing = self.standing(content_hash, rater, sitting)
        with self._understood():
            return records_of(standing)

    def merge(
        self,
        statements: Iterable[Statement],
        clips: Iterable[ClipFacts] = (),
        verdicts: Iterable[StoredVerdict] = (),
        masks: Iterable[ApprovedMask] = (),
    ) -> int:
        """Take over what another store holds, all or nothing; return how many statements were not here yet."""
        places = ", ".join("?" * 11)
        insert = f"INSERT INTO history ({_COLUMNS}) VALUES ({places}) ON CONFLICT DO NOTHING"
        with self._transaction():
            self._add_clips(clips)
            self._add_verdicts(verdicts)
            self._add_masks(masks)
            return sum(self._connection.execute(insert, _row(said)).rowcount for said in statements)

    # The reader's label, intervals and overrides, as their own nouns

    def save_reading(
        self, content_hash: str, file_name: str, rater: str, label: ReaderLabel | str, when: datetime | None = None
    ) -> SavedReading:
        """Add a reading and return it once it is safe on the disk; parameters are those of `say`."""
        value = {"label": ReaderLabel(label).value}
        return _reading(self.say(content_hash, file_name, rater, StatementKind.LABEL, value, when=when))

    def latest(self, content_hash: str, rater: str) -> SavedReading | None:
        """Return the last reading of a clip by a rater, or None."""
        found = self.standing(content_hash, rater, 1, StatementKind.LABEL)
        return _reading(found[0]) if found else None

    def latest_by_clip(self, rater: str, sitting: int = 1) -> dict[str, SavedReading]:
        """Return a rater's last reading of every clip by content hash, for a worklist."""
        found = self.standing(None, rater, sitting, StatementKind.LABEL)
        return {said.content_hash: _reading(said) for said in found}

    def all_readings(self) -> tuple[SavedReading, ...]:
        """Return every reading that was ever saved, in the order in which they came here."""
        said = (said for said in self.history() if said.kind is StatementKind.LABEL and said.value is not None)
        return tuple(_reading(reading) for reading in said)

    def save_interval(
        self,
        content_hash: str,
        file_name: str,
        rater: str,
        interval: IntervalMark,
        *,
        withdrawn: bool = False,
        when: datetime | None = None,
    ) -> None:
        """Add what is said of an interval now: its start, its start and end, or that it is withdrawn."""
        label = None if interval.label is None else interval.label.value
        value = None if withdrawn else {"start": interval.start, "stop": interval.stop, "label": label}
        self.say(content_hash, file_name, rater, StatementKind.INTERVAL, value, subject=interval.id, when=when)

    def intervals(self, content_hash: str, rater: str) -> tuple[IntervalMark, ...]:
        """Return a rater's intervals of a clip that are not withdrawn, in the order in which they were begun."""
        return tuple(interval_of(said) for said in self.standing(content_hash, rater, 1, StatementKind.INTERVAL))

    def save_override(self, override: SavedOverride, when: datetime | None = None) -> None:
        """Log that a reading contradicts the verdict; a reason that follows is another row, and the last one counts.

        Raises
        ------
        LsguiError
            Also when the reading is not in this store.
        """
        found = self._statements(f"SELECT {_COLUMNS} FROM history WHERE uid = ?", (override.reading,))
        if not found:
            raise LsguiError(f"{self.path.name}: the reading that is overridden is not there: save the label again.")
        reading = found[0]
        value = {"verdict": override.verdict.value, "model": override.model, "reason": override.reason}
        self.say(
            reading.content_hash,
            reading.file_name,
            reading.rater,
            StatementKind.OVERRIDE,
            value,
            subject=reading.uid,
            sitting=reading.sitting,
            when=when,
        )

    def overrides(self) -> dict[str, SavedOverride]:
        """Return every override by the uid of its reading, each with the last reason that was given."""
        found = self.standing(kind=StatementKind.OVERRIDE)
        return {
            said.subject: SavedOverride(
                said.subject, SlidingLabel(said.value["verdict"]), said.value["model"], said.value["reason"]
            )
            for said in found
        }

    def _statements(self, query: str, values: tuple[object, ...]) -> tuple[Statement, ...]:
        with self._faults():
            rows = self._connection.execute(query, values).fetchall()
        with self._understood():
            return tuple(map(_statement, rows))


def _whose(content_hash: str, file_name: str, rater: str) -> tuple[str, str, str]:
    """Return fingerprint, bare file name and rater as they are stored."""
    if len(content_hash) != 64:
        raise ValueError(f"content_hash must be 64 hexadecimal digits, not {content_hash!r}")
    if not rater.strip():
        raise LsguiError("The reading has no rater: enter your name or initials in the preferences.")
    return content_hash, text_name(file_name.replace("\\", "/").rsplit("/", 1)[-1]), rater.strip()


def _text(value: Any) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False)


def _row(said: Statement) -> tuple[object, ...]:
    return (
        *(said.uid, said.content_hash, said.file_name, said.rater, said.sitting, said.kind.value, said.subject),
        *(_text(said.value), moment_text(said.said_at), said.program_version, int(said.blind)),
    )


def _statement(row: tuple[Any, ...]) -> Statement:
    uid, digest, file_name, rater, sitting, kind, subject, value, said_at, version, blind = row
    texts = all(isinstance(cell, str) for cell in (uid, digest, file_name, rater, subject, version))
    if not texts or not isinstance(sitting, int):
        raise TypeError("a cell that is no text")  # SQLite keeps whatever a foreign program puts into a column
    return Statement(
        uid=uid,
        content_hash=digest,
        file_name=file_name,
        rater=rater,
        sitting=sitting,
        kind=StatementKind(kind),
        subject=subject,
        value=None if value is None else json.loads(value),
        said_at=datetime.fromisoformat(said_at),
        program_version=version,
        blind=bool(blind),
    )


def _reading(said: Statement) -> SavedReading:
    label = ReaderLabel(said.value["label"])
    return SavedReading(
        said.uid, said.content_hash, said.file_name, said.rater, label, said.said_at, said.program_version
    )
