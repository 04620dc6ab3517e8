"""Labels as a table for spreadsheets: one row a reading, as it stands.

Columns beyond `clip` and `label` may be left out of a table that is read; what it does not speak of stays as it is.
A cell that a spreadsheet would take for a formula gets an apostrophe in front, which is taken off again when it is
read (OWASP, "CSV Injection").

================  ==============================================================================================
column            cell
================  ==============================================================================================
clip              file name
content_hash      SHA-256 of the clip; empty in a table made by hand: the clip is then found by its name
rater, sitting    who, and 1 for the first pass, 2 for the second
label             ls_a, ls_p, cannot_assess, lung_point, or empty
intervals         `12-60 ls_a; 70-`: frames 12 up to, not including, 60, and an open interval from frame 70
tags              signs with a blank between
confidence        1 to 3
comment           text
line              the pleural line as JSON, the form of the ROI file
blind             yes where the verdict and other raters were hidden
adjudicates       JSON list of the raters whose readings this row settles; empty for a reading
override_...      the verdict that the reading contradicts, its model, and the reason
said_at           moment of the label; `changed_at`: of the latest change
interval_ids      names of the intervals in the same order
================  ==============================================================================================
"""

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from lsgui import __version__
from lsgui.annotation.clip_facts import moment_text
from lsgui.annotation.exchange import FileReading, bare_file_name
from lsgui.annotation.value_check import value_fault
from lsgui.core.errors import LsguiError
from lsgui.core.file_names import as_cell, from_cell
from lsgui.core.interval import IntervalMark
from lsgui.core.label import ReaderLabel, SlidingLabel
from lsgui.core.plain_file import JSON_BYTES, read_plain
from lsgui.core.reading import OverrideNote, ReadingRecord, Statement, StatementKind

COLUMNS = (
    *("clip", "content_hash", "rater", "sitting", "label", "intervals", "tags", "confidence", "comment", "line"),
    *("blind", "adjudicates", "override_verdict", "override_model", "override_reason", "said_at", "changed_at"),
    *("program_version", "interval_ids"),
)
NEEDED = ("clip", "label")

_INTERVAL = re.compile(r"(\d+)-(\d*)(?: (\w+))?")
_HASH = re.compile(r"[0-9a-f]{64}")
_YES = "yes"


def to_csv(records: Iterable[ReadingRecord], standing: Iterable[Statement]) -> str:
    """Return readings as the text of a CSV file.

    Parameters
    ----------
    standing
        The statements that the records are made of: they hold the moments and the lines as they were said.
    """
    changes: dict[tuple[str, str, int, bool], list[Statement]] = {}
    for said in standing:
        settles = said.kind is StatementKind.ADJUDICATION
        changes.setdefault((said.content_hash, said.rater, said.sitting, settles), []).append(said)
    out = io.StringIO()
    table = csv.DictWriter(out, COLUMNS, lineterminator="\r\n")
    table.writeheader()
    for record in filter(_says_something, records):
        group = changes[(record.content_hash, record.rater, record.sitting, record.adjudicated)]
        table.writerow({name: as_cell(cell) for name, cell in _cells(record, group).items()})
    return out.getvalue()


def _says_something(record: ReadingRecord) -> bool:
    """Return whether anything is left of a reading: after an undo there may be a row with nothing in it."""
    answers = (record.label, record.intervals, record.line, record.tags, record.confidence, record.comment)
    return any(answer is not None and answer not in ((), "", frozenset()) for answer in answers)


def _cells(record: ReadingRecord, group: list[Statement]) -> dict[str, str]:
    line = next((said.value for said in group if said.kind is StatementKind.LINE), None)
    answer = next((said for said in group if said.kind in (StatementKind.LABEL, StatementKind.ADJUDICATION)), None)
    last = max(group, key=lambda said: said.said_at)
    note = record.override
    return {
        "clip": record.file_name,
        "content_hash": record.content_hash,
        "rater": record.rater,
        "sitting": str(record.sitting),
        "label": record.label.value if record.label else "",
        "intervals": interval_text(record.intervals),
        "tags": " ".join(sorted(record.tags)),
        "confidence": "" if record.confidence is None else str(record.confidence),
        "comment": record.comment,
        "line": "" if line is None else json.dumps(line, ensure_ascii=False),
        "blind": _YES if record.blind else "no",
        "adjudicates": json.dumps(record.adjudicates, ensure_ascii=False) if record.adjudicated else "",
        "override_verdict": note.verdict.value if note else "",
        "override_model": note.model if note else "",
        "override_reason": note.reason if note else "",
        "said_at": moment_text(answer.said_at) if answer else "",
        "changed_at": moment_text(last.said_at),
        "program_version": (answer or last).program_version,
        "interval_ids": json.dumps([mark.id for mark in record.intervals]) if record.intervals else "",
    }


def read_csv(path: Path, rater: str | None, hash_of: Callable[[str], str]) -> tuple[FileReading, ...]:
    """Read a table of readings.

    Parameters
    ----------
    rater
        Who said so where a row does not tell.
    hash_of
        Gives the content hash for the name of a clip whose row has none.

    Raises
    ------
    LsguiError
        One sentence that names the file and the line.
    """
    text = _text(path)
    table = csv.DictReader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    try:
        _check_columns(path, [name.strip() for name in table.fieldnames or () if name])
        out = list(_readings(path, table, rater, hash_of))
    except csv.Error as fault:
        raise LsguiError(f"{path.name}: the table cannot be read ({fault}): export it again as CSV.") from fault
    if not out:
        raise LsguiError(f"{path.name} holds no labels: write one row a reading.")
    return tuple(out)


def _check_columns(path: Path, columns: Sequence[str]) -> None:
    if {"start", "stop", "source"} <= set(columns):
        raise LsguiError(f"{path.name} is a data set for training, not a table of labels: export labels as CSV.")
    for name in NEEDED:
        if name not in columns:
            raise LsguiError(f"{path.name} lacks the column {name}: it needs {' and '.join(NEEDED)}.")


def _readings(
    path: Path, table: "csv.DictReader[str]", rater: str | None, hash_of: Callable[[str], str]
) -> Iterator[FileReading]:
    """Yield a reading a row; one by one, so that the first wrong one of millions is said at once."""
    for row in table:
        number = table.line_num
        cells = {name.strip(): from_cell(cell or "") for name, cell in row.items() if isinstance(name, str)}
        try:
            yield _reading(cells, rater, hash_of)
        except (ValueError, TypeError, OverflowError, RecursionError) as fault:
            raise LsguiError(f"{path.name}, line {number}: {fault}: nothing was taken over.") from fault


def interval_text(intervals: Iterable[IntervalMark]) -> str:
    """Return intervals as text: `12-60 ls_a; 70-` are frames 12 up to, not including, 60, and an open one from 70."""
    return "; ".join(
        f"{mark.start}-{'' if mark.stop is None else mark.stop}{'' if mark.label is None else f' {mark.label.value}'}"
        for mark in intervals
    )


def _delimiter(text: str) -> str:
    """Return what stands between cells: where the comma is a decimal sign, spreadsheets write semicolons."""
    heading = text.partition("\n")[0]
    return max(",;\t", key=heading.count)


def _text(path: Path) -> str:
    try:
        return read_plain(path, JSON_BYTES).decode("utf-8-sig")
    except OSError as fault:
        raise LsguiError(f"{path.name}: the labels cannot be read ({fault.strerror}).") from fault
    except UnicodeDecodeError as fault:
        raise LsguiError(f"{path.name} is not text in UTF-8: save it as CSV UTF-8.") from fault


def _reading(cells: Mapping[str, str], rater: str | None, hash_of: Callable[[str], str]) -> FileReading:
    name, who = bare_file_name(cells["clip"]), (cells.get("rater", "").strip() or (rater or "").strip())
    if not name:
        raise ValueError("it names no clip")
    if not who:
        raise ValueError("it names no rater, give one with --rater")
    settles = bool(cells.get("adjudicates", "").strip())
    said_at, changed_at = _moment(cells, "said_at"), _moment(cells, "changed_at")
    sitting = int(cells.get("sitting", "").strip() or 1)
    if sitting < 1:
        raise ValueError(f"sitting {sitting} is none, the first is 1")
    return FileReading(
        content_hash=_hash(cells, name, hash_of),
        file_name=name,
        rater=who,
        values=_values(cells, settles=settles),
        intervals=_intervals(cells) if "intervals" in cells and not settles else None,
        override=_override(cells),
        says_override="override_verdict" in cells and not settles,
        sitting=sitting,
        blind=cells.get("blind", "").strip().lower() == _YES,
        said_at=said_at,
        changed_at=changed_at or said_at,
        program_version=cells.get("program_version", "") or __version__,
    )


def _hash(cells: Mapping[str, str], name: str, hash_of: Callable[[str], str]) -> str:
    given = cells.get("content_hash", "").strip().lower()
    if given and not _HASH.fullmatch(given):
        raise ValueError(f"{given[:70]!r} is no content hash, which has 64 hexadecimal digits")
    return given or hash_of(name)


def _values(cells: Mapping[str, str], *, settles: bool) -> dict[StatementKind, Any]:
    """Return what a row says, by kind; a row that settles others' readings says nothing else."""
    label = cells["label"].strip().lower()
    answer = {"label": _label(label).value} if label else None
    if settles:
        answer = None if answer is None else {**answer, "of": json.loads(cells["adjudicates"])}
        return _sound({StatementKind.ADJUDICATION: answer})
    out: dict[StatementKind, Any] = {StatementKind.LABEL: answer}
    readers: dict[StatementKind, Callable[[str], Any]] = {
        StatementKind.LINE: json.loads,
        StatementKind.TAGS: lambda cell: sorted(set(cell.replace(";", " ").replace(",", " ").split())),
        StatementKind.CONFIDENCE: int,
        StatementKind.COMMENT: str,
    }
    for kind, read in readers.items():
        if kind.value in cells:
            cell = cells[kind.value]
            out[kind] = read(cell) if cell.strip() or (cell and kind is StatementKind.COMMENT) else None
    return _sound(out)


def _label(text: str) -> ReaderLabel:
    if text not in list(ReaderLabel):
        raise ValueError(f"{text[:70]!r} is no label: {', '.join(ReaderLabel)} are")
    return ReaderLabel(text)


def _sound(values: dict[StatementKind, Any]) -> dict[StatementKind, Any]:
    for kind, value in values.items():
        fault = value_fault(kind, value, "")
        if fault:
            raise ValueError(f"{fault} in the column {kind.value}")
    return values


def _intervals(cells: Mapping[str, str]) -> tuple[IntervalMark, ...]:
    parts = [part.strip() for part in cells["intervals"].split(";") if part.strip()]
    ids = json.loads(cells.get("interval_ids", "").strip() or "[]")
    if not isinstance(ids, list) or not all(isinstance(name, str) for name in ids):
        raise ValueError("interval_ids is no list of names")
    if len(ids) != len(parts):  # a person added or took one away: the rest is known by its frames
        ids = [""] * len(parts)
    out = []
    for part, name in zip(parts, ids, strict=True):
        match = _INTERVAL.fullmatch(part)
        if match is None:
            raise ValueError(f"{part[:70]!r} is no interval, which is written as 12-60 ls_a")
        label = None if match[3] is None else _label(match[3])
        out.append(IntervalMark(name, int(match[1]), int(match[2]) if match[2] else None, label))
    return tuple(out)


def _override(cells: Mapping[str, str]) -> OverrideNote | None:
    verdict = cells.get("override_verdict", "").strip()
    if not verdict:
        return None
    return OverrideNote(SlidingLabel(verdict), cells.get("override_model", ""), cells.get("override_reason", ""))


def _moment(cells: Mapping[str, str], column: str) -> datetime | None:
    text = cells.get(column, "").strip()
    return datetime.fromisoformat(text).astimezone() if text else None
