"""Labels as a data set that `lsgui train` takes: `dataset.csv`, a row a stretch of one class, and pleural lines."""

import csv
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from lsgui.annotation.clip_facts import ClipFacts
from lsgui.annotation.clips_at_hand import FindHeld
from lsgui.annotation.consensus import shows_one_class
from lsgui.annotation.exchange import note_on
from lsgui.core.atomic_file import atomic_file
from lsgui.core.errors import LsguiError
from lsgui.core.file_names import as_cell, text_name
from lsgui.core.reading import ReadingRecord

DATASET = "dataset.csv"
COLUMNS = ("clip", "label", "patient", "source", "start", "stop", "roi")
LINES = "lines"
"""The folder beside `dataset.csv` that holds a ROI file a clip."""

SHORTEST = 2
"""Frames of the shortest stretch that can be trained on."""


@dataclass(frozen=True, slots=True)
class WrittenSet:
    """How many rows of how many clips were written, and sentences on what was left out."""

    rows: int
    clips: int
    notes: tuple[str, ...]


Person = tuple[str, str]
"""Patient, as a pseudonym or as a table names him, and source."""


def people_of(records: Iterable[ReadingRecord], clips: Mapping[str, ClipFacts]) -> dict[str, Person]:
    """Return patient and source of every clip by content hash; a clip of nobody known is a patient of its own."""
    out = {}
    for record in records:
        facts = clips.get(record.content_hash)
        own = record.content_hash[:16]
        out[record.content_hash] = (own, "") if facts is None else (facts.patient or own, facts.source)
    return out


def write_dataset(
    folder: Path, records: Iterable[ReadingRecord], people: Mapping[str, Person], find: FindHeld
) -> WrittenSet:
    """Write the readings, one a clip, as a data set; the table comes last, whole or not at all.

    An interval is a row with its own label, or the clip's where it has none; a clip without intervals is one row.

    Raises
    ------
    LsguiError
        When nothing of it can be trained on, or the folder cannot be written.
    """
    rows: list[dict[str, str]] = []
    lines: dict[str, str] = {}
    unfit, gone, unnamed = [], [], []
    clips = 0
    for record in records:
        stretches = _stretches(record)
        clip = find(record.content_hash, record.file_name) if stretches else None
        if not stretches:
            unfit.append(record.file_name)
            continue
        if clip is None:
            gone.append(record.file_name)
            continue
        if text_name(str(clip.path)) != str(clip.path):
            unnamed.append(record.file_name)
            continue
        clips += 1
        patient, source = people[record.content_hash]
        place, roi = _place(folder, clip.path), ""
        if record.line is not None:
            roi = f"{LINES}/{clip.content_hash[:16]}.json"
            lines[roi] = json.dumps(record.line.to_json())
        rows += [
            dict(zip(COLUMNS, (place, label, as_cell(patient), as_cell(source), start, stop, roi), strict=True))
            for label, start, stop in stretches
        ]
    notes = (
        note_on(unfit, _UNFIT.format("shows", "is"), _UNFIT.format("show", "are")),
        note_on(gone, f"is {_GONE}", f"are {_GONE}"),
        note_on(unnamed, f"has {_UNNAMED}", f"have {_UNNAMED}"),
    )
    said = tuple(filter(None, notes))
    if not rows:
        raise LsguiError(" ".join(("There is nothing to train on.", *(said or ("No clip has a label.",)))))
    _write(folder, rows, lines)
    return WrittenSet(len(rows), clips, said)


_UNFIT = "{} no stretch of ls_a or ls_p and {} left out"
_UNNAMED = "a name that is no text, which no table can hold, and must be renamed to be trained on"
_GONE = "not in the folders of --clips, or has changed since it was read, and is left out"


def _stretches(record: ReadingRecord) -> list[tuple[str, str, str]]:
    """Return (label, start, stop) of each stretch that can be trained on, as cells."""
    if not record.intervals:
        return [(record.label.value, "", "")] if record.label is not None and shows_one_class(record.label) else []
    out = []
    for mark in record.intervals:
        label = mark.label or record.label
        if label is not None and shows_one_class(label) and mark.stop is not None:
            out += [(label.value, str(mark.start), str(mark.stop))] * (mark.stop - mark.start >= SHORTEST)
    return out


def _place(folder: Path, clip: Path) -> str:
    """Return a clip's path from the folder, or the whole one where there is no way (another drive)."""
    try:
        path = Path(os.path.relpath(clip.resolve(), folder.resolve())).as_posix()
    except ValueError:
        return str(clip.resolve())
    return path if path.startswith("..") else f"./{path}"  # never a name that a spreadsheet takes for a formula


def _write(folder: Path, rows: list[dict[str, str]], lines: Mapping[str, str]) -> None:
    try:
        for name, text in lines.items():
            with atomic_file(folder / name) as file:
                file.write(text)
        with atomic_file(folder / DATASET, newline="") as file:
            table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            table.writeheader()
            table.writerows(rows)
    except OSError as fault:
        raise LsguiError(
            f"{folder.name}: the data set cannot be written ({fault.strerror}): choose another."
        ) from fault
