"""The annotation store as the reading thread uses it: opened when it is needed, never taken for another file."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from lsgui.core.errors import LsguiError
from lsgui.core.label import ReaderLabel
from lsgui.core.reading import ReadingRecord, Statement, StatementKind
from lsgui.gui.reading_orders import (
    FindLabels,
    FindReading,
    LabelsFound,
    ReadingFound,
    Say,
)
from lsgui.review.fingerprints import Fingerprints
from lsgui.review.paths import fingerprints_file
from lsgui.review.reading_state import SaveMark

if TYPE_CHECKING:
    from lsgui.annotation.store import AnnotationStore  # SQLite waits until something is saved or looked up

log = logging.getLogger(__name__)

_UNKNOWN = -1
"""After a store was opened anew: another program may have written meanwhile."""


class ReadingStore:
    """Statements and look-ups over one store file; for one thread.

    A file that was there once and is gone is a fault, never an occasion to begin an empty one: its drive may come
    back. Where another was put in its place while it was open, that one is taken, and what was said here and is not
    in it is put back.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._store: AnnotationStore | None = None
        self._met = False
        self._identity: tuple[int, int] | None = None
        self._log_identity: tuple[int, int] | None = None
        """The same of the log that SQLite keeps beside the file."""
        self._version = 0
        self._fingerprints: Fingerprints | None = None
        self._copied: date | None = None
        """The day of which a copy was made, or tried to be."""
        self.said: list[Statement] = []
        """What was written by this window."""
        self._put_back = 0

    def close(self) -> None:
        """Close the file; it is opened again when it is needed."""
        if self._store is not None:
            self._store.close()
            self._store = None

    @property
    def gone(self) -> bool:
        """Whether the file was there and is not."""
        return self._met and not self._file.exists()

    def verify(self) -> None:
        """Make sure that all that was said here is in the file that is there now, by opening it anew."""
        if self.said:
            self.close()
            self._opened()

    def taken_back(self) -> int:
        """Return how many statements had to be put back since this was last asked."""
        count, self._put_back = self._put_back, 0
        return count

    def add(self, statements: Iterable[Statement]) -> None:
        """Write what another store was to hold."""
        self._opened().merge(statements)

    def make(self) -> None:
        """Open the file, and make it where it is not there yet."""
        self._opened()

    def fingerprint(self, order: Say) -> str:
        """Return the content hash of a statement's clip."""
        from lsgui.annotation.content_hash import content_hash

        if order.content_hash is not None:
            return order.content_hash
        return self._known().get(order.path) or content_hash(order.path)

    def fingerprint_or_name(self, order: Say) -> str:
        """Return the content hash, or where the clip is gone what stands for its name (`lsgui.annotation.by_name`)."""
        from lsgui.annotation.by_name import hash_by_name

        try:
            return self.fingerprint(order)
        except LsguiError:
            return hash_by_name(order.path.name)

    def write(self, order: Say, fingerprint: str) -> tuple[Statement, str]:
        """Write a statement, and that it contradicts a verdict where it does; return it and its time of day."""
        from lsgui.annotation.store import NOT_GIVEN

        store = self._opened()
        self._back_up(store)
        written = []
        with store.together():
            statement = store.say(
                fingerprint,
                order.path.name,
                order.rater,
                order.kind,
                order.value,
                subject=order.subject,
                sitting=order.sitting,
                blind=order.blind,
                when=order.when,
            )
            written.append(statement)
            if order.against is not None:
                note = {"verdict": order.against.verdict.value, "model": order.against.model, "reason": NOT_GIVEN}
                override = store.say(
                    *(fingerprint, order.path.name, order.rater, StatementKind.OVERRIDE, note),
                    subject=statement.uid,
                    sitting=order.sitting,
                    when=order.when,
                )
                written.append(override)
        self.said += written
        self._remember(order.path, fingerprint)
        return statement, moment(statement.said_at)

    def reading(self, order: FindReading, waiting: Sequence[Say], fault: str) -> ReadingFound:
        """Look up a reading. Where no store was ever made, nothing was said: a look-up makes no file."""
        self._remember(order.path, order.content_hash)
        stored: tuple[Statement, ...] = ()
        everybody: tuple[ReadingRecord, ...] = ()
        if self._is_there():
            self._bind(order)
            stored = self._opened().standing(order.content_hash, order.rater, order.sitting) if order.rater else ()
            everybody = self._opened().records(order.content_hash, sitting=1) if order.adjudicating else ()
        reads = tuple(sorted((r for r in everybody if not r.adjudicated), key=lambda r: r.rater))
        return _found(order, stored, _own(order, waiting), fault, reads)

    def what_waits(self, order: FindReading, waiting: Sequence[Say], fault: str) -> ReadingFound | None:
        """Return what was said of a clip and is not written yet; None where nothing waits."""
        own = _own(order, waiting)
        return _found(order, (), own, fault, ()) if own else None

    def labels(self, order: FindLabels, waiting: Iterable[Say]) -> LabelsFound:
        """Look up the labels of a worklist."""
        if not self._is_there():
            return LabelsFound(order, {})
        everything = self._opened().standing(kind=StatementKind.LABEL)
        own = {
            said.content_hash: ReaderLabel(said.value["label"])
            for said in everything
            if (said.rater, said.sitting) == (order.rater, order.sitting)
        }
        known = self._known()
        labels = {path: own[content] for path in order.paths if (content := known.get(path)) in own}
        for say in waiting:
            if say.kind is StatementKind.LABEL and (say.rater, say.sitting) == (order.rater, order.sitting):
                labels.pop(say.path, None)  # it is not saved: it does not look as if it were
        return LabelsFound(order, labels, tuple(sorted({said.rater for said in everything})))

    def changed_by_others(self) -> bool:
        """Return whether another program has written since this was last asked."""
        if self._store is None and not self._is_there():
            return False
        before, self._version = self._version, self._opened().data_version()
        return before != self._version

    def _is_there(self) -> bool:
        return self._met or self._file.exists()

    def _opened(self) -> "AnnotationStore":
        from lsgui.annotation.store import AnnotationStore

        now = _identity(self._file)
        if self._store is not None and self._identity != now:
            self.close()
        if self._store is None:
            if self._met and now is None:
                raise LsguiError(
                    f"{self._file.name} is gone: bring its drive or folder back, or save to another file when closing."
                )
            if self._identity not in (None, now):
                self._drop_old_log()
            store = AnnotationStore(self._file)
            try:
                self._put_back_in(store)
                self._version = _UNKNOWN if self._met else store.data_version()
            except BaseException:
                store.close()
                raise
            self._store, self._identity, self._met = store, _identity(self._file), True
        self._log_identity = _identity(self._log_file)
        return self._store

    @property
    def _log_file(self) -> Path:
        return self._file.with_name(f"{self._file.name}-wal")

    def _drop_old_log(self) -> None:
        """Take away the log of the file that was here before: SQLite would play it into the one that is here now."""
        if self._log_identity is not None and _identity(self._log_file) == self._log_identity:
            self._log_file.unlink(missing_ok=True)
            self._file.with_name(f"{self._file.name}-shm").unlink(missing_ok=True)

    def _put_back_in(self, store: "AnnotationStore") -> None:
        """Write what was said here to a file that was opened anew, where it is not there any more."""
        clips = {statement.content_hash for statement in self.said}
        there = {row.uid for clip in clips for row in store.history(clip)}
        missing = [statement for statement in self.said if statement.uid not in there]
        if missing:
            self._put_back += store.merge(missing)

    def _back_up(self, store: "AnnotationStore") -> None:
        """Keep the copy of the day before the day's first row; that it cannot be made is no reason not to save."""
        from lsgui.annotation.backup import daily_backup

        today = datetime.now().astimezone().date()
        if self._copied == today:
            return
        self._copied = today
        try:
            daily_backup(store, today)
        except (LsguiError, OSError):
            log.info("the copy of the day was not made", exc_info=True)

    def _bind(self, order: FindReading) -> None:
        """Move labels that were imported for a clip of this name, before it was at hand, to the clip."""
        from lsgui.annotation.by_name import bind_clips

        try:
            bind_clips(self._opened(), {order.path.name: order.content_hash})
        except LsguiError:
            log.info("labels kept by name were not moved", exc_info=True)

    def _known(self) -> Fingerprints:
        if self._fingerprints is None:
            self._fingerprints = Fingerprints(fingerprints_file())
        return self._fingerprints

    def _remember(self, path: Path, fingerprint: str) -> None:
        """Remember which file is which clip; that it cannot be noted is no fault of a statement."""
        try:
            self._known().remember(path, fingerprint)
        except (LsguiError, OSError):
            log.info("a fingerprint was not noted", exc_info=True)


def moment(said_at: datetime) -> str:
    """Return when something was said, for people: the time of day, with the date when it was not today."""
    local = said_at.astimezone()
    today = local.date() == local.now(local.tzinfo).date()
    return f"{local:%H:%M:%S}" if today else f"{local:%Y-%m-%d %H:%M}"


def _identity(file: Path) -> tuple[int, int] | None:
    """Return what tells this very file from another of its name; None where there is none."""
    try:
        stat = file.stat()
    except OSError:
        return None
    return stat.st_dev, stat.st_ino


def _own(order: FindReading, waiting: Iterable[Say]) -> list[Say]:
    return [say for say in waiting if say.whose == (order.path, order.rater, order.sitting)]


def _found(
    order: FindReading,
    stored: Iterable[Statement],
    waiting: Sequence[Say],
    fault: str,
    reads: tuple[ReadingRecord, ...],
) -> ReadingFound:
    from lsgui.annotation.records import records_of

    records = records_of(_with_waiting(stored, waiting, order.content_hash))
    return ReadingFound(
        order,
        next((record for record in records if not record.adjudicated), None),
        _marks(stored, waiting, fault),
        next((record for record in records if record.adjudicated), None),
        reads,
    )


def _with_waiting(stored: Iterable[Statement], waiting: Sequence[Say], content: str) -> list[Statement]:
    """Return what stands once that which waits is written."""
    standing = {(said.kind, said.subject): said for said in stored}
    for say in waiting:
        at = (say.kind, say.subject)
        if say.value is None:
            standing.pop(at, None)
            continue
        standing[at] = Statement(
            *("", content, say.path.name, say.rater, say.sitting, say.kind, say.subject, say.value, say.when, ""),
            say.blind,
        )
    return list(standing.values())


def _marks(stored: Iterable[Statement], waiting: Iterable[Say], fault: str) -> Mapping[StatementKind, SaveMark]:
    """Return how far each part of a reading has come."""
    latest: dict[StatementKind, datetime] = {}
    for said in stored:
        latest[said.kind] = max(said.said_at, latest.get(said.kind, said.said_at))
    marks = {kind: SaveMark(moment(at)) for kind, at in latest.items()}
    marks.update({say.kind: SaveMark("", fault) for say in waiting})
    return MappingProxyType(marks)
