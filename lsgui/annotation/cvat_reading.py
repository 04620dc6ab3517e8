"""What a document of CVAT says of its clip (see `exchange_cvat` for the rules)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lsgui.annotation.cvat_names import INTERVAL, LABELS, LINE, PRESUMED, TAGS, WHOLE_LABELS, key_of
from lsgui.core.interval import IntervalMark
from lsgui.core.label import ReaderLabel
from lsgui.core.pleura import PleuralROI, Polyline
from lsgui.core.reading import Tag


@dataclass(frozen=True, slots=True)
class CvatReading:
    """What a document says.

    Attributes
    ----------
    label
        None where nothing shows a class.
    intervals
        In the order of their starts, without ids. A class on one frame only gives none.
    line
        The pleural line, where polylines of that name are drawn.
    unsure
        True where a class is only presumed.
    """

    label: ReaderLabel | None
    intervals: tuple[IntervalMark, ...]
    tags: tuple[Tag, ...]
    line: PleuralROI | None
    unsure: bool


@dataclass(slots=True)
class _Heard:
    """What was gathered so far."""

    frames: dict[ReaderLabel, set[int]] = field(default_factory=dict)
    intervals: list[IntervalMark] = field(default_factory=list)
    whole: ReaderLabel | None = None
    tags: set[Tag] = field(default_factory=set)
    lines: dict[int, Polyline] = field(default_factory=dict)
    unsure: bool = False

    def take(self, key: str, frame: int) -> None:
        """Take something drawn on one frame."""
        name = key.removeprefix(PRESUMED)
        if name in LABELS:
            self.frames.setdefault(LABELS[name], set()).add(frame)
            self.unsure = self.unsure or name != key
        self.whole = WHOLE_LABELS.get(key, self.whole)
        if key in TAGS:
            self.tags.add(TAGS[key])

    def take_track(self, key: str, stretches: list[tuple[int, int | None]]) -> None:
        """Take a track."""
        name = key.removeprefix(PRESUMED)
        if name in LABELS or key == key_of(INTERVAL):
            self.unsure = self.unsure or name != key
            self.intervals += [IntervalMark("", start, stop, LABELS.get(name)) for start, stop in stretches]
        elif key in TAGS:
            self.tags.add(TAGS[key])


def understood(document: Any) -> CvatReading:
    """Return what a document says of its clip.

    Raises
    ------
    ValueError, TypeError, KeyError, AttributeError, RoiError
        When it has not CVAT's form.
    """
    heard = _Heard()
    parts = document if isinstance(document, list) else [document]
    if not parts or not all(isinstance(part, Mapping) and "shapes" in part for part in parts):
        raise ValueError("no annotations")
    for part in parts:
        for drawn in [*part["shapes"], *(part.get("tags") or [])]:
            heard.take(key_of(drawn["label"]), _frame(drawn))
            if key_of(drawn["label"]) == key_of(LINE) and drawn.get("type") == "polyline":
                heard.lines[_frame(drawn)] = np.array(drawn["points"], dtype=float).reshape(-1, 2)
        for track in part.get("tracks") or []:
            heard.take_track(key_of(track["label"]), list(_stretches(track)))
    intervals = sorted([*_runs(heard.frames), *heard.intervals], key=place_of)
    label = heard.whole or _label({*heard.frames, *(mark.label for mark in intervals)})
    line = PleuralROI(tuple(heard.lines.items())) if heard.lines else None
    return CvatReading(label, tuple(intervals), tuple(sorted(heard.tags)), line, heard.unsure)


def place_of(mark: IntervalMark) -> tuple[int, int, str]:
    """Return what intervals are sorted by."""
    return mark.start, -1 if mark.stop is None else mark.stop, mark.label.value if mark.label else ""


def _label(classes: set[ReaderLabel | None]) -> ReaderLabel | None:
    both = {ReaderLabel.LS_P, ReaderLabel.LS_A}
    if ReaderLabel.LUNG_POINT in classes or both <= classes:
        return ReaderLabel.LUNG_POINT
    return next((label for label in ReaderLabel if label in classes), None)


def _frame(drawn: Mapping[str, Any]) -> int:
    frame = drawn["frame"]
    if not isinstance(frame, int) or frame < 0:
        raise ValueError(f"frame {frame!r}")
    return frame


def _stretches(track: Mapping[str, Any]) -> Iterator[tuple[int, int | None]]:
    """Yield from where until where a track is in the picture; without an end where it never leaves."""
    start: int | None = None
    for shape in sorted(track["shapes"], key=_frame):
        if not shape.get("outside"):
            start = _frame(shape) if start is None else start
        elif start is not None:
            yield start, _frame(shape)
            start = None
    if start is not None:
        yield start, None


def _runs(frames: Mapping[ReaderLabel, set[int]]) -> Iterator[IntervalMark]:
    """Yield an interval for each run of frames that show a class, broken where only another class is drawn."""
    looked_at = sorted(set().union(*frames.values())) if frames else []
    for label, shown in frames.items():
        run: list[int] = []
        for frame in [*looked_at, -1]:
            if frame in shown:
                run.append(frame)
            else:
                if len(run) > 1:
                    yield IntervalMark("", run[0], run[-1] + 1, label)
                run = []
