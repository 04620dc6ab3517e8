"""Labels as CVAT's JSON of annotations, in and out: `{"version", "tags", "shapes", "tracks"}`, or a list of these.

What is understood, names without case, blanks and signs:

=====================================================  =======================================================
`lungslidingpresent`, `lungslidingabsent` (`ls_p`,     the class of sliding; with `presumably` in front the
`ls_a`), `cannot_assess`, `lung_point`                 reader was unsure
`aline`, `bline`, `lungpulse`                          tags
`pleural line`                                         a polyline: the pleural line, a key frame each
`clip ls_p` and so on                                  a tag that this program writes: the label of the whole clip
=====================================================  =======================================================

A shape or tag is of one frame: a class holds from the first to the last frame on which it is drawn, until a frame on
which only another one is drawn. A track holds from its key frame until it leaves the picture. A clip that shows both
classes is a lung point. The document itself is kept as it came, so that it can be given back as it was.
"""

import json
from pathlib import Path
from typing import Any

from lsgui.annotation.clip_facts import ClipFacts
from lsgui.annotation.cvat_names import INTERVAL, LABEL_NAMES, LINE, TAG_NAMES, WHOLE_CLIP, is_understood
from lsgui.annotation.cvat_reading import CvatReading, place_of, understood
from lsgui.annotation.exchange import FileReading, bare_file_name
from lsgui.annotation.exchange_json import load_json
from lsgui.core.errors import LsguiError
from lsgui.core.interval import IntervalMark
from lsgui.core.reading import ReadingRecord, StatementKind

CVAT = "cvat"
"""The subject under which a document is kept (`StatementKind.SHAPES`)."""

ENDING = ".cvat.json"

_TABLES = ("tags", "shapes", "tracks")
_SIZE_UNKNOWN = (100, 100)
"""Width and height of the box that stands for an interval where the picture's are not known."""
_UNSURE = 1


def read_cvat(path: Path, rater: str, file_name: str, content_hash: str) -> FileReading:
    """Read a document on one clip.

    Raises
    ------
    LsguiError
        When it is no document of CVAT, or shows no class of sliding.
    """
    document = load_json(path)
    said = _heard(document)
    if said is None:
        raise LsguiError(
            f"{path.name} holds no annotations of CVAT (shapes with frame, label and points): export them again."
        )
    if said.label is None:
        raise LsguiError(
            f"{path.name} says nothing of lung sliding: name a shape lungslidingpresent or lungslidingabsent."
        )
    return FileReading(
        content_hash=content_hash,
        file_name=bare_file_name(file_name),
        rater=rater,
        values={
            StatementKind.LABEL: {"label": said.label.value},
            StatementKind.TAGS: [tag.value for tag in said.tags],
            **({} if said.line is None else {StatementKind.LINE: said.line.to_json()}),
            **({StatementKind.CONFIDENCE: _UNSURE} if said.unsure else {}),
            StatementKind.SHAPES: document,
        },
        intervals=said.intervals,
        subjects={StatementKind.SHAPES: CVAT},
    )


def to_cvat(record: ReadingRecord, document: Any, facts: ClipFacts | None) -> Any:
    """Return a reading as a document of CVAT.

    Parameters
    ----------
    document
        The one that was kept of this rater's work in CVAT, or None. It is given back as it is where the reading still
        says the same; else what it says of the reading gives way to the reading of now.
    """
    said = _heard(document)
    if said is None:
        document = None  # a foreign program's: it stays in the history, and JSON brings it
    elif _says_the_same(said, record):
        return document
    given = document if isinstance(document, list) else [] if document is None else [document]
    parts = [_without_reading(part) for part in given or [{"version": 0}]]
    first = parts[0]
    first["tags"] += _tags(record)
    first["shapes"] += _lines(record)
    first["tracks"] += [_track(mark, record, facts) for mark in record.intervals if mark.stop is not None]
    return parts


def says_more(record: ReadingRecord) -> bool:
    """Tell whether a reading says what CVAT has no form for."""
    open_ended = any(mark.stop is None for mark in record.intervals)
    return record.confidence is not None or bool(record.comment) or open_ended


def _without_reading(part: dict[str, Any]) -> dict[str, Any]:
    """Return a part of a document without what it says of the reading."""
    tables = {name: [drawn for drawn in part.get(name) or [] if not is_understood(drawn["label"])] for name in _TABLES}
    return {**part, **tables}


def cvat_text(document: Any) -> str:
    """Return a document as the text of a file, packed as CVAT writes it."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def _heard(document: Any) -> CvatReading | None:
    """Return what a document says; None where it has not CVAT's form."""
    try:
        return understood(document)
    except (ValueError, TypeError, KeyError, OverflowError, AttributeError, LsguiError):
        return None


def _says_the_same(said: CvatReading, record: ReadingRecord) -> bool:
    now = sorted((IntervalMark("", mark.start, mark.stop, mark.label) for mark in record.intervals), key=place_of)
    lines = tuple(None if line is None else line.to_json() for line in (said.line, record.line))
    same_line = said.line is None or lines[0] == lines[1]
    return said.label == record.label and now == list(said.intervals) and set(said.tags) == record.tags and same_line


def _tags(record: ReadingRecord) -> list[dict[str, Any]]:
    names = [] if record.label is None else [f"{WHOLE_CLIP} {record.label.value}"]
    names += [TAG_NAMES[tag] for tag in sorted(record.tags)]
    return [{"frame": 0, "label": name, **_origin()} for name in names]


def _lines(record: ReadingRecord) -> list[dict[str, Any]]:
    """Return the pleural line, a polyline a key frame."""
    keyframes = () if record.line is None else record.line.keyframes
    return [
        {"type": "polyline", **_geometry(line.round(2).ravel().tolist()), "frame": frame, "label": LINE, **_origin()}
        for frame, line in keyframes
    ]


def _track(mark: IntervalMark, record: ReadingRecord, facts: ClipFacts | None) -> dict[str, Any]:
    """Return an interval as a track, along the line or around the picture, which ends where the interval does."""
    if record.line is not None:
        kind, points = "polyline", record.line.line_at(mark.start).round(2).ravel().tolist()
    else:
        width, height = _SIZE_UNKNOWN if facts is None or facts.width < 1 else (facts.width, facts.height)
        kind, points = "rectangle", [0.0, 0.0, float(width), float(height)]
    shapes = [
        {"type": kind, **_geometry(points), "frame": frame, "outside": outside, "attributes": []}
        for frame, outside in ((mark.start, False), (mark.stop, True))
    ]
    name = INTERVAL if mark.label is None else LABEL_NAMES[mark.label]
    return {"frame": mark.start, "label": name, "shapes": shapes, **_origin()}


def _geometry(points: list[float]) -> dict[str, Any]:
    return {"points": points, "occluded": False, "z_order": 0, "rotation": 0.0}


def _origin() -> dict[str, Any]:
    return {"group": 0, "source": "manual", "attributes": []}
