"""`lsgui labels export`: what stands in the store, as files for others."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated

import typer

from lsgui.cli.labels_store import ClipsOption, StoreOption, clips_in, counted, read_store, tell, writing
from lsgui.core.errors import LsguiError

if TYPE_CHECKING:
    from lsgui.annotation.clips_at_hand import ClipsAtHand
    from lsgui.annotation.store import AnnotationStore
    from lsgui.core.reading import ReadingRecord, Statement

HELP = """Write labels as CSV, JSON, the paper's metafile, CVAT, or a data set that lsgui train takes.

The format is that of OUT's name: .csv, .json, sliding_metafile.json, .cvat.json, a folder for a data set. JSON holds
the whole history, CSV what stands of every reading; a metafile, CVAT and a data set hold one label a clip.

Clips are known again by their content, so --clips finds moved and renamed ones. What finds no room in a format is told.

Example: lsgui labels export training_set --clips clips/ --consensus majority
"""

FormatOption = Annotated[
    str | None, typer.Option("--format", metavar="csv|json|metafile|cvat|dataset", help="Else by the name of OUT.")
]
ConsensusOption = Annotated[
    str,
    typer.Option(
        "--consensus",
        metavar="adjudicated|majority|RATER",
        help="Whose label counts in a format with one a clip. adjudicated: else that on which all raters agree.",
    ),
]


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    """What is to be written, and where."""

    out: Path
    store: "AnnotationStore"
    statements: tuple["Statement", ...]
    sitting: int
    rule: str
    clips: "ClipsAtHand"
    patients: Path | None

    def records(self) -> tuple["ReadingRecord", ...]:
        """Return the readings, one for each rater, sitting and clip."""
        from lsgui.annotation.records import records_of

        return records_of(self.statements)

    def one_a_clip(self) -> tuple["ReadingRecord", ...]:
        """Return one reading a clip, and tell of clips without a consensus."""
        from lsgui.annotation.consensus import agreed

        found = agreed(self.records(), self.rule, self.sitting)
        tell(found.notes)
        return found.records


def register(app: typer.Typer) -> None:
    """Enter the command."""

    @app.command("export", help=HELP)
    def export(
        out: Annotated[Path, typer.Argument(metavar="OUT", help="File or folder to write.")],
        kind: FormatOption = None,
        store: StoreOption = None,
        rater: Annotated[str | None, typer.Option("--rater", metavar="R", help="Only this rater's.")] = None,
        sitting: Annotated[
            int | None, typer.Option("--sitting", metavar="N", min=1, help="Only this pass over the clips.")
        ] = None,
        clips: ClipsOption = None,
        consensus: ConsensusOption = "adjudicated",
        patients: Annotated[
            Path | None,
            typer.Option("--patients", metavar="FILE", help="CSV with clip,patient: overrules the store's pseudonyms."),
        ] = None,
    ) -> None:
        write = _writer(out, kind)
        with read_store(store) as opened:
            standing = opened.standing(None, rater, sitting)
            job = _Job(out, opened, standing, sitting or 1, consensus, clips_in(clips or []), patients)
            if not standing:
                raise LsguiError(f"{opened.path.name} holds no such labels: see lsgui labels list.")
            with writing(out):
                typer.echo(write(job))


def _writer(out: Path, kind: str | None) -> Callable[[_Job], str]:
    from lsgui.annotation.exchange import guess_format

    name = guess_format(out).value if kind is None else kind
    if name not in _WRITERS:
        raise LsguiError(f"Labels are not written as {name!r}: choose one of {', '.join(_WRITERS)}.")
    return _WRITERS[name]


def _csv(job: _Job) -> str:
    from lsgui.annotation.exchange_csv import to_csv
    from lsgui.core.atomic_file import write_atomic

    records = job.records()
    write_atomic(job.out, to_csv(records, job.statements).encode())
    return f"{job.out.name}: {counted(len(records), 'reading')}."


def _json(job: _Job) -> str:
    from lsgui.annotation.exchange import Labels
    from lsgui.annotation.exchange_json import to_json
    from lsgui.core.atomic_file import write_atomic

    chosen = {said.slot for said in job.statements}
    everything = job.store.standing()
    history = job.store.history()
    if len(chosen) < len(everything):
        whose = {slot[1:3] for slot in chosen}
        history = tuple(said for said in history if said.slot[1:3] in whose)
    of = {said.content_hash for said in history}
    labels = Labels(
        history,
        tuple(facts for digest, facts in job.store.clips().items() if digest in of),
        tuple(verdict for verdict in job.store.all_verdicts() if verdict.content_hash in of),
        job.store.all_masks(),
    )
    write_atomic(job.out, to_json(labels).encode())
    return f"{job.out.name}: {counted(len(history), 'statement')} on {counted(len(of), 'clip')}."


def _metafile(job: _Job) -> str:
    from lsgui.annotation.exchange_metafile import to_metafile
    from lsgui.core.atomic_file import write_atomic

    written = to_metafile(job.one_a_clip(), job.store.clips(), job.clips.of)
    tell(written.notes)
    if not written.clips:
        raise LsguiError(f"{job.out.name} was not written: no clip is ls_a or ls_p.")
    write_atomic(job.out, written.text.encode())
    return f"{job.out.name}: {counted(written.clips, 'clip')}."


def _cvat(job: _Job) -> str:
    from lsgui.annotation.exchange import note_on
    from lsgui.annotation.exchange_cvat import CVAT, ENDING, cvat_text, says_more, to_cvat
    from lsgui.core.atomic_file import write_atomic
    from lsgui.core.file_names import fitting_name
    from lsgui.core.reading import StatementKind

    kept = {said.slot: said.value for said in job.statements if said.kind is StatementKind.SHAPES}
    records, clips = job.one_a_clip(), job.store.clips()
    if not records:
        raise LsguiError(f"{job.out.name} was not written: no clip has a label.")
    if job.out.suffix and len(records) > 1:
        raise LsguiError(f"{job.out.name}: CVAT holds one clip a file, and these are {len(records)}: name a folder.")
    more = [record.file_name for record in records if says_more(record)]
    beyond = "a confidence, a comment or an interval without end, which CVAT does not hold: export JSON too"
    tell(filter(None, [note_on(more, f"has {beyond}", f"have {beyond}")]))
    names = set()
    for record in records:
        slot = (record.content_hash, record.rater, record.sitting, StatementKind.SHAPES, CVAT)
        document = to_cvat(record, kept.get(slot), clips.get(record.content_hash))
        stem = Path(record.file_name).stem
        name = fitting_name(stem, ENDING)
        if name.casefold() in names:
            name = fitting_name(stem, f".{record.content_hash[:8]}{ENDING}")
        names.add(name.casefold())
        write_atomic(job.out if job.out.suffix else job.out / name, cvat_text(document).encode())
    return f"{job.out.name}: {counted(len(records), 'clip')}."


def _dataset(job: _Job) -> str:
    from lsgui.annotation.exchange import note_on
    from lsgui.annotation.exchange_dataset import DATASET, people_of, write_dataset

    if not len(job.clips):
        raise LsguiError("A data set names clips where they lie: say where with --clips.")
    records = job.one_a_clip()
    labelled = {record.content_hash: record for record in (*job.records(), *records)}.values()
    people = people_of(labelled, job.store.clips())
    if job.patients is not None:
        from lsgui.training.data.metafile import overruled

        named = overruled(job.patients, {record.file_name: people[record.content_hash] for record in labelled})
        people |= {record.content_hash: named[record.file_name] for record in labelled if record.file_name in named}
    alone = [record.file_name for record in records if people[record.content_hash][0] == record.content_hash[:16]]
    tell(filter(None, [note_on(alone, f"has {_NOBODY}", f"have {_NOBODY}")]))
    written = write_dataset(job.out, records, people, job.clips.of)
    tell(written.notes)
    return f"{job.out.name}/{DATASET}: {counted(written.rows, 'row')} of {counted(written.clips, 'clip')}."


_NOBODY = "no known patient, so that each clip counts as a patient of its own: name them with --patients"

_WRITERS: MappingProxyType[str, Callable[[_Job], str]] = MappingProxyType(
    {"csv": _csv, "json": _json, "metafile": _metafile, "cvat": _cvat, "dataset": _dataset}
)
