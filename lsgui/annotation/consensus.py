"""One label a clip out of several raters' readings, for data sets that hold one."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from lsgui.annotation.exchange import note_on
from lsgui.core.errors import LsguiError
from lsgui.core.label import ReaderLabel
from lsgui.core.reading import ReadingRecord

ADJUDICATED = "adjudicated"
"""The adjudicator's label; where nobody adjudicated, the label on which all raters agree."""

MAJORITY = "majority"
"""The label of more than half of the raters."""


@dataclass(frozen=True, slots=True)
class Consensus:
    """One reading a clip, and a sentence on the clips that have none."""

    records: tuple[ReadingRecord, ...]
    notes: tuple[str, ...] = ()


def agreed(records: Iterable[ReadingRecord], rule: str, sitting: int = 1) -> Consensus:
    """Return one reading for every clip on which there is a label.

    Intervals, line and tags are those of a reading that says the same: the adjudicator's own before the others'.

    Parameters
    ----------
    rule
        `ADJUDICATED`, `MAJORITY` or the name of a rater, whose readings are taken as they are.
    sitting
        The pass over the clips that counts; adjudications count in any.

    Raises
    ------
    LsguiError
        When there is no such rater.
    """
    by_clip: dict[str, list[ReadingRecord]] = {}
    raters: set[str] = set()
    for record in records:
        if record.label is not None and (record.adjudicated or record.sitting == sitting):
            by_clip.setdefault(record.content_hash, []).append(record)
            raters |= set() if record.adjudicated else {record.rater}
    if rule not in (ADJUDICATED, MAJORITY) and rule not in raters:
        known = ", ".join(sorted(raters)) or "nobody has read a clip"
        raise LsguiError(f"There is no rater {rule!r} in sitting {sitting}: {known}; or {ADJUDICATED}, or {MAJORITY}.")
    out, open_clips = [], []
    for group in by_clip.values():
        chosen = _chosen(group, rule)
        if chosen is not None:
            out.append(chosen)
        elif rule in (ADJUDICATED, MAJORITY):
            open_clips.append(group[0].file_name)
    note = note_on(
        open_clips,
        "is read differently by its raters and is left out: adjudicate it",
        "are read differently by their raters and are left out: adjudicate them",
    )
    return Consensus(tuple(out), (note,) if note else ())


def _chosen(group: Sequence[ReadingRecord], rule: str) -> ReadingRecord | None:
    readings = [record for record in group if not record.adjudicated]
    if rule not in (ADJUDICATED, MAJORITY):
        return next((record for record in readings if record.rater == rule), None)
    settled = max((record for record in group if record.adjudicated), key=lambda record: record.said_at, default=None)
    if rule == ADJUDICATED and settled is not None:
        same = [record for record in readings if record.label == settled.label]
        same.sort(key=lambda record: record.rater != settled.rater)
        found = _fullest(same)
        return settled if found is None else replace(found, adjudicated=True, adjudicates=settled.adjudicates)
    counts = Counter(record.label for record in readings)
    label, votes = counts.most_common(1)[0] if counts else (None, 0)
    enough = votes == len(readings) if rule == ADJUDICATED else 2 * votes > len(readings)
    return _fullest([record for record in readings if record.label == label]) if label and enough else None


def _fullest(same: Sequence[ReadingRecord]) -> ReadingRecord | None:
    """Return the first of readings that say the same, with the first line and the first intervals among them."""
    if not same:
        return None
    line = next((record.line for record in same if record.line is not None), None)
    marked = next((record for record in same if record.intervals), same[0])
    return replace(marked, line=line)


def shows_one_class(label: ReaderLabel | None) -> bool:
    """Return whether a label is one that a network is trained on."""
    return label in (ReaderLabel.LS_P, ReaderLabel.LS_A)
