"""Labels as the paper's `sliding_metafile.json`, in and out: one class a clip, and the frames that show it."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lsgui.annotation.by_name import hash_by_name
from lsgui.annotation.clip_facts import ClipFacts
from lsgui.annotation.clips_at_hand import ClipAtHand, Find, FindHeld
from lsgui.annotation.exchange import FileReading, Written, bare_file_name, note_on
from lsgui.annotation.metafile import MetafileEntry, frames_of, person_of, read_entries
from lsgui.core.errors import LsguiError
from lsgui.core.interval import IntervalMark
from lsgui.core.label import ReaderLabel
from lsgui.core.reading import ReadingRecord, StatementKind

_CUT_SHORT = "intervals that are open, of another class or one frame long, and those are left out"


@dataclass(frozen=True, slots=True)
class MetafileLabels:
    """What a metafile says.

    Attributes
    ----------
    readings
        One a clip, in the order of the file.
    people
        Patient and source by content hash, as far as the clips' names tell; still to be made pseudonyms.
    by_name
        Names of clips that are not at hand: their labels are kept by name.
    """

    readings: tuple[FileReading, ...]
    people: dict[str, tuple[str, str]]
    by_name: tuple[str, ...]


def read_labels(path: Path, rater: str, find: Find) -> MetafileLabels:
    """Read a metafile.

    Raises
    ------
    LsguiError
        When it cannot be used; two entries for one clip among them.
    """
    readings: list[FileReading] = []
    people: dict[str, tuple[str, str]] = {}
    missing = []
    for entry in read_entries(path):
        clip = find(entry.video_name)
        if clip is not None and any(stop - start < 2 for start, stop in _stretches(entry, clip)):
            clip = None  # a folder that lacks the frames that are meant
        if clip is None:
            missing.append(entry.video_name)
        digest = hash_by_name(bare_file_name(entry.video_name)) if clip is None else clip.content_hash
        if digest in people:
            raise LsguiError(f"{path.name}: {entry.video_name} is the same clip as another entry: keep one of them.")
        people[digest] = person_of(entry.video_name)
        readings.append(_reading(entry, rater, digest, clip))
    return MetafileLabels(tuple(readings), people, tuple(missing))


def _reading(entry: MetafileEntry, rater: str, digest: str, clip: ClipAtHand | None) -> FileReading:
    label = ReaderLabel(entry.video_class.value)
    return FileReading(
        content_hash=digest,
        file_name=bare_file_name(entry.video_name),
        rater=rater,
        values={StatementKind.LABEL: {"label": label.value}},
        intervals=tuple(IntervalMark("", start, stop, label) for start, stop in _stretches(entry, clip)),
    )


def _stretches(entry: MetafileEntry, clip: ClipAtHand | None) -> list[tuple[int, int]]:
    numbers = None if clip is None else clip.numbers
    return [frames_of(first, last, numbers) for first, last in entry.cut_interval]


def to_metafile(records: Iterable[ReadingRecord], clips: dict[str, ClipFacts], find: FindHeld) -> Written:
    """Return readings, one a clip, as the text of a metafile.

    The class is that of the reading and the cut intervals those of its own class; a reading without intervals gets
    its whole clip where its length is known.

    Parameters
    ----------
    find
        Gives the clip at hand for a content hash and file name: frames of a folder are counted by their numbers.
    """
    entries = []
    unfit, cut_short, names = [], [], set()
    for record in records:
        kept = own_stretches(record)
        if record.label not in (ReaderLabel.LS_P, ReaderLabel.LS_A) or (record.intervals and not kept):
            unfit.append(record.file_name)
            continue
        if record.file_name in names:
            raise LsguiError(f"{record.file_name}: two clips have this name, but a metafile knows clips by name only.")
        names.add(record.file_name)
        if len(kept) < len(record.intervals):
            cut_short.append(record.file_name)
        clip = find(record.content_hash, record.file_name)
        facts = clips.get(record.content_hash)
        if not kept and facts is not None and facts.frames > 1:
            kept = [(0, facts.frames)]
        cut = [_counted(start, stop, None if clip is None else clip.numbers) for start, stop in kept]
        entries.append({"video_name": record.file_name, "video_class": record.label.value, "cut_interval": cut})
    notes = (
        note_on(unfit, "shows not one class and is left out", "show not one class each and are left out"),
        note_on(cut_short, f"has {_CUT_SHORT}", f"have {_CUT_SHORT}"),
    )
    return Written(json.dumps(entries, indent=4, ensure_ascii=False), len(entries), tuple(filter(None, notes)))


def own_stretches(record: ReadingRecord) -> list[tuple[int, int]]:
    """Return (start, stop) of the ended intervals that show the reading's own class, two frames long or more."""
    return [
        (mark.start, mark.stop)
        for mark in record.intervals
        if mark.stop is not None and mark.stop - mark.start >= 2 and mark.label in (None, record.label)
    ]


def _counted(start: int, stop: int, numbers: tuple[int, ...] | None) -> list[int]:
    """Return a stretch as first and last frame, both counted, by the numbers of the frames where they have some."""
    if numbers is None or stop > len(numbers):
        return [start, stop - 1]
    return [numbers[start], numbers[stop - 1]]
