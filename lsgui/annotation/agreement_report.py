"""From readings to a report on agreement: pairs of raters, all raters together, each rater with himself."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from lsgui.annotation.agreement import (
    RESAMPLES,
    SEED,
    Figure,
    Ratings,
    cohen_kappa,
    confusion,
    figure,
    fleiss_kappa,
    gwet_ac1,
    raw_agreement,
)
from lsgui.core.errors import LsguiError
from lsgui.core.label import ReaderLabel
from lsgui.core.reading import ReadingRecord

LABELS = tuple(ReaderLabel)

MISSING_READS = (
    "A clip with one read counts in how often each label is used, not in the agreement; no read is guessed (Gwet 2014)."
)


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """How far two or more readers of the same clips agree.

    Attributes
    ----------
    readers
        Raters, or one rater's sittings.
    clips
        Clips that at least two of them read; `complete`: that all of them read.
    kappa
        Cohen's for two readers, Fleiss' for more.
    table
        For two readers how often the first said the row's label and the second the column's, in the order of
        `LABELS`; empty for more.
    """

    readers: tuple[str, ...]
    clips: int
    complete: int
    raw: Figure
    kappa: Figure
    ac1: Figure
    table: tuple[tuple[int, ...], ...]

    @property
    def kappa_name(self) -> str:
        """Whose kappa it is."""
        return "cohen_kappa" if len(self.readers) == 2 else "fleiss_kappa"

    def to_json(self) -> dict[str, Any]:
        """Return the entry of the report."""
        out: dict[str, Any] = {"readers": self.readers, "clips": self.clips, "complete": self.complete}
        out |= {"raw_agreement": self.raw.to_json(), self.kappa_name: self.kappa.to_json()}
        out["gwet_ac1"] = self.ac1.to_json()
        return {**out, "confusion": self.table} if self.table else out


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A clip that is read differently, by reader; `settled` is the adjudicator's label, where there is one."""

    content_hash: str
    file_name: str
    said: Mapping[str, ReaderLabel]
    settled: ReaderLabel | None

    def to_json(self) -> dict[str, Any]:
        """Return the entry of the report."""
        said = {reader: label.value for reader, label in self.said.items()}
        settled = None if self.settled is None else self.settled.value
        return {"clip": self.file_name, "content_hash": self.content_hash, "labels": said, "adjudicated": settled}


@dataclass(frozen=True, slots=True)
class AgreementReport:
    """Everything that `lsgui labels agreement` says.

    Attributes
    ----------
    counts
        How often each reader gave each label.
    seen
        How many of each reader's labels were not said blind: the verdict or other raters may have been seen before.
    pairs, group
        Two by two; all together where there are more than two.
    resampled_by
        What was drawn for the intervals, in words.
    """

    counts: Mapping[str, Mapping[ReaderLabel, int]]
    seen: Mapping[str, int]
    pairs: tuple[Agreement, ...]
    group: Agreement | None
    disagreements: tuple[Disagreement, ...]
    resampled_by: str

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON."""
        return {
            "labels": [label.value for label in LABELS],
            "counts": {reader: {k.value: n for k, n in said.items()} for reader, said in self.counts.items()},
            "not_blind": dict(self.seen),
            "pairs": [pair.to_json() for pair in self.pairs],
            "group": None if self.group is None else self.group.to_json(),
            "disagreements": [item.to_json() for item in self.disagreements],
            "interval": {"level": 0.95, "resamples": RESAMPLES, "seed": SEED, "resampled_by": self.resampled_by},
            "missing_reads": MISSING_READS,
        }


def between_raters(
    records: Iterable[ReadingRecord],
    patients: Mapping[str, str],
    raters: Sequence[str] = (),
    sitting: int = 1,
    resamples: int = RESAMPLES,
) -> AgreementReport:
    """Compare raters over one sitting.

    Parameters
    ----------
    patients
        Pseudonym of the patient by content hash, empty or left out where he is not known.
    raters
        Whom to compare, two or more; all by default.

    Raises
    ------
    LsguiError
        When there is no such rater, or no clip that two of them have read.
    """
    records = tuple(records)
    said: dict[str, dict[str, ReadingRecord]] = {}
    for record in records:
        if record.label is not None and not record.adjudicated and record.sitting == sitting:
            said.setdefault(record.rater, {})[record.content_hash] = record
    unknown = [rater for rater in raters if rater not in said]
    if unknown:
        known = ", ".join(sorted(said)) or "nobody"
        raise LsguiError(f"There is no label by {unknown[0]!r} in sitting {sitting}: {known} read in it.")
    if len(set(raters)) == 1:
        raise LsguiError("Agreement needs two raters: name another one, or ask for --intra.")
    chosen = {rater: said[rater] for rater in (dict.fromkeys(raters) or sorted(said))}
    return _report(list(combinations(chosen, 2)), chosen, patients, _settled(records), resamples)


def within_raters(
    records: Iterable[ReadingRecord],
    patients: Mapping[str, str],
    raters: Sequence[str] = (),
    resamples: int = RESAMPLES,
) -> AgreementReport:
    """Compare each rater's second sitting with the first; parameters are those of `between_raters`.

    Raises
    ------
    LsguiError
        When no rater has labelled a clip in both.
    """
    records = tuple(records)
    said: dict[str, dict[str, ReadingRecord]] = {}
    pairs: dict[str, tuple[str, str]] = {}
    for record in records:
        wanted = record.sitting in (1, 2) and (not raters or record.rater in raters)
        if record.label is not None and not record.adjudicated and wanted:
            names = tuple(f"{record.rater}, sitting {number}" for number in (1, 2))
            said.setdefault(names[record.sitting - 1], {})[record.content_hash] = record
            pairs[record.rater] = (names[0], names[1])
    twice = [pair for _, pair in sorted(pairs.items()) if all(name in said for name in pair)]
    if not twice:
        raise LsguiError("No rater has read in two sittings: choose the second sitting in the window and read again.")
    return _report(twice, {name: said[name] for pair in twice for name in pair}, patients, {}, resamples, grouped=False)


def _report(
    pairs: Sequence[tuple[str, str]],
    said: Mapping[str, Mapping[str, ReadingRecord]],
    patients: Mapping[str, str],
    settled: Mapping[str, ReaderLabel],
    resamples: int,
    *,
    grouped: bool = True,
) -> AgreementReport:
    readers = tuple(said)
    clips = list(dict.fromkeys(digest for reads in said.values() for digest in reads))
    ratings = np.full((len(clips), len(readers)), -1, dtype=np.int64)
    for column, reader in enumerate(readers):
        for row, digest in enumerate(clips):
            if digest in said[reader]:
                ratings[row, column] = LABELS.index(_label(said[reader][digest]))
    column_of = {reader: column for column, reader in enumerate(readers)}
    compared = [[column_of[name] for name in pair] for pair in pairs]
    if not any((ratings[:, columns] >= 0).all(axis=1).any() for columns in compared):
        raise LsguiError("No clip has been read twice: agreement needs clips with two readings, see lsgui labels list.")
    clusters = [patients.get(digest) or digest for digest in clips]
    group = _agreement(readers, ratings, clusters, resamples) if grouped and len(readers) > 2 else None
    return AgreementReport(
        counts={
            name: {label: int((ratings[:, column_of[name]] == n).sum()) for n, label in enumerate(LABELS)}
            for name in readers
        },
        seen={name: sum(not record.blind for record in said[name].values()) for name in readers},
        pairs=tuple(
            _agreement(pair, ratings[:, columns], clusters, resamples)
            for pair, columns in zip(pairs, compared, strict=True)
        ),
        group=group,
        disagreements=tuple(_disagreements(pairs, said, clips, settled)),
        resampled_by=_resampled_by(clips, patients),
    )


def _label(record: ReadingRecord) -> ReaderLabel:
    assert record.label is not None  # those without were left out
    return record.label


def _agreement(readers: Sequence[str], ratings: Ratings, clusters: Sequence[str], resamples: int) -> Agreement:
    reads = (ratings >= 0).sum(axis=1)
    two = len(readers) == 2
    seen = reads >= (2 if two else 1)  # a pair is judged on what both read; see MISSING_READS for more raters
    ratings, clusters = ratings[seen], [name for name, there in zip(clusters, seen, strict=True) if there]
    kappa = cohen_kappa if two else fleiss_kappa
    raw, beyond, ac1 = (figure(c, ratings, clusters, resamples) for c in (raw_agreement, kappa, gwet_ac1))
    table = confusion(ratings[:, 0], ratings[:, 1], len(LABELS)).tolist() if two else []
    return Agreement(
        readers=tuple(readers),
        clips=int((reads >= 2).sum()),
        complete=int((reads == len(readers)).sum()),
        raw=raw,
        kappa=beyond,
        ac1=ac1,
        table=tuple(tuple(row) for row in table),
    )


def _disagreements(
    pairs: Sequence[tuple[str, str]],
    said: Mapping[str, Mapping[str, ReadingRecord]],
    clips: Sequence[str],
    settled: Mapping[str, ReaderLabel],
) -> Iterable[Disagreement]:
    for digest in clips:
        read = {reader: reads[digest] for reader, reads in said.items() if digest in reads}
        if any(a in read and b in read and read[a].label != read[b].label for a, b in pairs):
            name = next(iter(read.values())).file_name
            labels = {reader: _label(record) for reader, record in read.items()}
            yield Disagreement(digest, name, labels, settled.get(digest))


def _settled(records: Iterable[ReadingRecord]) -> dict[str, ReaderLabel]:
    found = sorted((record for record in records if record.adjudicated), key=lambda record: record.said_at)
    return {record.content_hash: _label(record) for record in found}


def _resampled_by(clips: Sequence[str], patients: Mapping[str, str]) -> str:
    known = [digest for digest in clips if patients.get(digest)]
    if not known:
        return "clip: no patient is known"
    people = len({patients[digest] for digest in known})
    if len(known) == len(clips):
        return f"patient: {len(clips)} clips of {people} patients"
    return f"patient where known ({len(known)} clips of {people}), else clip ({len(clips) - len(known)})"
