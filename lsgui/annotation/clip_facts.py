"""What the store keeps of a clip beside readings: facts, verdicts and approved masks; rows are added, never changed."""

import hashlib
import hmac
import json
import uuid
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from datetime import UTC, datetime

from lsgui import __version__
from lsgui.annotation.store_file import StoreFile
from lsgui.core.file_names import text_name
from lsgui.core.label import SlidingLabel

Rectangle = tuple[int, int, int, int]
"""(x, y, width, height) in pixels of the file."""


@dataclass(frozen=True, slots=True)
class ClipFacts:
    """What is known of a clip. `patient`, `study` and `series` are pseudonyms (`FactsStore.pseudonym`), or empty."""

    content_hash: str
    file_name: str
    frames: int
    fps: float
    width: int
    height: int
    patient: str = ""
    study: str = ""
    series: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class StoredVerdict:
    """What a model said of a clip; never the reader's label.

    Attributes
    ----------
    p_absent, low, high
        Probability of absent sliding with its spread; None where nothing could be scored.
    quality
        Names of quality flags.
    line_source
        "file", "auto" or "hand"; empty where there was no line.
    said_at
        The moment in UTC.
    """

    content_hash: str
    file_name: str
    model_id: str
    model_version: str
    model_sha256: str
    label: SlidingLabel
    p_absent: float | None
    low: float | None
    high: float | None
    threshold: float
    motion_index: float | None
    quality: tuple[str, ...]
    line_source: str
    said_at: datetime
    program_version: str = __version__
    uid: str = ""

    @property
    def uncertainty(self) -> float:
        """0 (sure) to 1 (at the threshold, or nothing could be scored)."""
        if self.p_absent is None or self.label is SlidingLabel.CANNOT_ASSESS:
            return 1.0
        room = 1.0 - self.threshold if self.p_absent >= self.threshold else self.threshold
        return 1.0 - min(abs(self.p_absent - self.threshold) / max(room, 1e-9), 1.0)


@dataclass(frozen=True, slots=True)
class ApprovedMask:
    """The black areas that a person looked at and approved for every export of a series.

    Attributes
    ----------
    series
        Pseudonym of the series, or the key of a clip that belongs to none.
    rectangles
        What is blanked, in pixels of a picture of `width` x `height`.
    """

    series: str
    rectangles: tuple[Rectangle, ...]
    width: int
    height: int
    approved_by: str
    approved_at: datetime
    program_version: str = __version__
    uid: str = ""


_FACTS = ", ".join(part.name for part in fields(ClipFacts))
_VERDICT = (
    "uid, content_hash, file_name, model_id, model_version, model_sha256, label, p_absent, low, high, threshold, "
    "motion_index, quality, line_source, said_at, program_version"
)
_MASK = "uid, series, rectangles, width, height, approved_by, approved_at, program_version"


class FactsStore(StoreFile):
    """The part of the store that holds what no rater said."""

    def pseudonym(self, identifier: str) -> str:
        """Return 16 hexadecimal digits for an identifier: the same in this store, and of no use without its key."""
        with self._faults():
            row = self._connection.execute("SELECT value FROM store WHERE name = 'key'").fetchone()
        with self._understood():
            key = bytes.fromhex(row[0])
        return hmac.new(key, identifier.encode(), hashlib.sha256).hexdigest()[:16]

    def save_clip(self, facts: ClipFacts) -> None:
        """Keep what is known of a clip; the same said twice is one row."""
        self.save_clips((facts,))

    def save_clips(self, facts: Iterable[ClipFacts]) -> None:
        """Keep what is known of clips, all or nothing."""
        with self._transaction():
            self._add_clips(facts)

    def clips(self) -> dict[str, ClipFacts]:
        """Return what was last said of every clip, by content hash; what that leaves open an earlier row tells."""
        with self._faults():
            rows = self._connection.execute(f"SELECT {_FACTS} FROM clips ORDER BY id").fetchall()
        out: dict[str, ClipFacts] = {}
        with self._understood():
            for row in rows:
                before = out.get(row[0])
                cells = row if before is None else [new or old for new, old in zip(row, astuple(before), strict=True)]
                out[row[0]] = _of_their_kinds(ClipFacts(*cells))
        return out

    def save_verdict(self, verdict: StoredVerdict) -> None:
        """Keep what a model said of a clip."""
        self.save_verdicts((verdict,))

    def save_verdicts(self, verdicts: Iterable[StoredVerdict]) -> None:
        """Keep what models said, all or nothing."""
        with self._transaction():
            self._add_verdicts(verdicts)

    def verdicts(self, model_id: str | None = None) -> dict[str, StoredVerdict]:
        """Return the last verdict on every clip by content hash, of one model or of any."""
        return {verdict.content_hash: verdict for verdict in self.all_verdicts(model_id)}

    def all_verdicts(self, model_id: str | None = None) -> tuple[StoredVerdict, ...]:
        """Return every verdict in the order of time."""
        query = f"SELECT {_VERDICT} FROM verdicts WHERE ? IS NULL OR model_id = ? ORDER BY said_at, id"
        with self._faults():
            rows = self._connection.execute(query, (model_id, model_id)).fetchall()
        with self._understood():
            return tuple(map(_verdict, rows))

    def approve_mask(self, mask: ApprovedMask) -> None:
        """Keep a mask that a person approved; the last one of a series counts."""
        with self._transaction():
            self._add_masks((mask,))

    def mask(self, series: str) -> ApprovedMask | None:
        """Return the mask that was last approved for a series, or None."""
        return {mask.series: mask for mask in self.all_masks()}.get(series)

    def all_masks(self) -> tuple[ApprovedMask, ...]:
        """Return every approval in the order of time."""
        with self._faults():
            rows = self._connection.execute(f"SELECT {_MASK} FROM masks ORDER BY approved_at, id").fetchall()
        with self._understood():
            return tuple(map(_mask, rows))

    def _add_clips(self, clips: Iterable[ClipFacts]) -> None:
        self._add("clips", _FACTS, (astuple(facts) for facts in clips))

    def _add_verdicts(self, verdicts: Iterable[StoredVerdict]) -> None:
        self._add("verdicts", _VERDICT, map(_verdict_row, verdicts))

    def _add_masks(self, masks: Iterable[ApprovedMask]) -> None:
        self._add("masks", _MASK, map(_mask_row, masks))

    def _add(self, table: str, columns: str, rows: Iterable[tuple[object, ...]]) -> None:
        """Add rows that are not there yet."""
        places = ", ".join("?" * (columns.count(",") + 1))
        self._connection.executemany(
            f"INSERT INTO {table} ({columns}) VALUES ({places}) ON CONFLICT DO NOTHING", rows
        )  # not OR IGNORE: a row of the wrong form must be refused


def _of_their_kinds(facts: ClipFacts) -> ClipFacts:
    """Return facts whose texts are texts and whose numbers are numbers; SQLite keeps anything in any column."""
    for part in fields(facts):
        if not isinstance(getattr(facts, part.name), (int, float) if part.type in (int, float) else str):
            raise TypeError(f"{part.name} is of another kind")
    return facts


def _no_bytes(row: tuple[object, ...]) -> None:
    if any(isinstance(cell, bytes) for cell in row):
        raise TypeError("a cell that is no text and no number")


def moment_text(when: datetime | None) -> str:
    """Return a moment as it is stored, in UTC; None is now. Without a time zone it is taken as local time."""
    return (when or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="microseconds")


def _verdict_row(said: StoredVerdict) -> tuple[object, ...]:
    return (
        said.uid or uuid.uuid4().hex,
        said.content_hash,
        text_name(said.file_name),
        *(said.model_id, said.model_version, said.model_sha256, said.label.value),
        *(said.p_absent, said.low, said.high, said.threshold, said.motion_index, json.dumps(said.quality)),
        *(said.line_source, moment_text(said.said_at), said.program_version),
    )


def _verdict(row: tuple[object, ...]) -> StoredVerdict:
    _no_bytes(row)
    values = dict(zip(_VERDICT.split(", "), row, strict=True))
    values["label"] = SlidingLabel(str(values["label"]))
    values["quality"] = tuple(json.loads(str(values["quality"])))
    values["said_at"] = datetime.fromisoformat(str(values["said_at"]))
    return StoredVerdict(**values)  # type: ignore[arg-type]  # the columns are the fields, by name


def _mask_row(mask: ApprovedMask) -> tuple[object, ...]:
    return (
        *(mask.uid or uuid.uuid4().hex, mask.series, json.dumps(mask.rectangles), mask.width, mask.height),
        *(mask.approved_by, moment_text(mask.approved_at), mask.program_version),
    )


def _mask(row: tuple[object, ...]) -> ApprovedMask:
    _no_bytes(row)
    values = dict(zip(_MASK.split(", "), row, strict=True))
    values["rectangles"] = tuple(
        (int(x), int(y), int(w), int(h)) for x, y, w, h in json.loads(str(values["rectangles"]))
    )
    values["approved_at"] = datetime.fromisoformat(str(values["approved_at"]))
    return ApprovedMask(**values)  # type: ignore[arg-type]  # the columns are the fields, by name
