"""`lsgui labels import`: labels of other programs, other machines and other raters into the store."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated

import typer

from lsgui.cli.labels_store import ClipsOption, StoreOption, clips_in, counted, open_store, tell
from lsgui.core.errors import LsguiError

if TYPE_CHECKING:
    from lsgui.annotation.clip_facts import ClipFacts
    from lsgui.annotation.clips_at_hand import ClipsAtHand
    from lsgui.annotation.exchange import FileReading, Labels
    from lsgui.annotation.store import AnnotationStore

HELP = """Take labels over from CSV, JSON, another store, the paper's metafile, or CVAT; all of a file or nothing.

What the store holds already is not said twice, so a file may be imported again. JSON and a store bring the whole
history of other raters and machines. Where a file knows clips by name, they are looked for in --clips (else beside the
file); labels of clips that are not at hand are kept by name, and bound to the clip by the next import with --clips.

Example: lsgui labels import sliding_metafile.json --rater expert --clips clips/
"""


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    """What is to be read, and into what."""

    file: Path
    store: "AnnotationStore"
    rater: str | None
    clips: "ClipsAtHand"
    clip_name: str | None

    def hash_of(self, name: str) -> str:
        """Return the content hash of a clip at hand, or what stands for it."""
        from lsgui.annotation.by_name import hash_by_name

        found = self.clips.named(name)
        return hash_by_name(name) if found is None else found.content_hash


def register(app: typer.Typer) -> None:
    """Enter the command."""

    @app.command("import", help=HELP)
    def import_(
        file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV, JSON, store, metafile or CVAT JSON.")],
        kind: Annotated[
            str | None,
            typer.Option("--format", metavar="csv|json|store|metafile|cvat", help="Else by the name of FILE."),
        ] = None,
        store: StoreOption = None,
        rater: Annotated[
            str | None, typer.Option("--rater", metavar="R", help="Who said so, where the file does not tell.")
        ] = None,
        clips: ClipsOption = None,
        clip: Annotated[
            str | None,
            typer.Option("--clip", metavar="NAME", help="CVAT: the clip, where FILE is named otherwise."),
        ] = None,
    ) -> None:
        read = _reader(file, kind)
        at_hand = clips_in(clips) if clips else _beside(file)
        with open_store(store) as opened:
            typer.echo(read(_Job(file, opened, rater, at_hand, clip)))


def _reader(file: Path, kind: str | None) -> Callable[[_Job], str]:
    from lsgui.annotation.exchange import LabelFormat, guess_format

    name = guess_format(file).value if kind is None else kind
    if name not in _READERS:
        raise LsguiError(f"Labels are not read from {name!r}: choose one of {', '.join(_READERS)}.")
    if not file.is_file():
        raise LsguiError(f"{file.name}: there is no such file of labels: check the name.")
    if kind is None and name == LabelFormat.JSON:
        from lsgui.annotation.exchange_json import json_format

        name = json_format(file).value
    return _READERS[name]


def _beside(file: Path) -> "ClipsAtHand":
    """Return the clips in the folder of the file, not below it: it may be anybody's folder."""
    from lsgui.readers.base import is_clip

    clips = clips_in([])
    return clips if not file.parent.is_dir() else clips.with_paths(p for p in file.parent.iterdir() if is_clip(p))


def _csv(job: _Job) -> str:
    from lsgui.annotation.exchange_csv import read_csv

    return _settle(job, read_csv(job.file, job.rater, job.hash_of))


def _cvat(job: _Job) -> str:
    from lsgui.annotation.by_name import hash_by_name
    from lsgui.annotation.exchange_cvat import ENDING, read_cvat

    given = job.clip_name and Path(job.clip_name)
    clips = job.clips.with_paths([given]) if given and given.exists() else job.clips
    named = given.name if given else job.file.name.removesuffix(ENDING).removesuffix(".json")
    found = clips.named(named)
    if found is None and not given and not job.file.name.endswith(ENDING):
        raise LsguiError(f"{job.file.name} does not tell its clip: name it with --clip.")
    name, digest = (named, hash_by_name(named)) if found is None else (found.path.name, found.content_hash)
    return _settle(job, [read_cvat(job.file, job.rater or "cvat", name, digest)])


def _metafile(job: _Job) -> str:
    from lsgui.annotation.clip_facts import ClipFacts
    from lsgui.annotation.exchange_metafile import read_labels

    found = read_labels(job.file, job.rater or "metafile", job.clips.named)
    known = job.store.clips()
    facts = []
    for reading in found.readings:
        patient, source = found.people[reading.content_hash]
        blank = ClipFacts(reading.content_hash, reading.file_name, 0, 0.0, 0, 0)
        facts_now = known.get(reading.content_hash, blank)
        if not facts_now.patient:
            facts.append(replace(facts_now, patient=job.store.pseudonym(patient), source=facts_now.source or source))
    return _settle(job, found.readings, facts)


def _json(job: _Job) -> str:
    from lsgui.annotation.exchange_json import read_json

    return _merge(job, read_json(job.file))


def _store(job: _Job) -> str:
    import tempfile

    from lsgui.annotation.backup import copy_for_reading
    from lsgui.annotation.exchange import Labels
    from lsgui.annotation.exchange_json import checked_labels
    from lsgui.annotation.store import AnnotationStore

    with tempfile.TemporaryDirectory(prefix="lsgui-") as folder:
        copy = Path(folder) / job.file.name
        copy_for_reading(job.file, copy)
        with AnnotationStore(copy, create=False) as other:
            labels = Labels(other.history(), tuple(other.clips().values()), other.all_verdicts(), other.all_masks())
    return _merge(job, checked_labels(job.file, labels))


def _merge(job: _Job, labels: "Labels") -> str:
    from lsgui.annotation.exchange import own_pseudonyms, renamed

    ours = job.store.clips()
    labels = renamed(labels, own_pseudonyms(labels.clips, ours), ours)
    new = job.store.merge(labels.statements, labels.clips, labels.verdicts, labels.masks)
    _bind(job)
    return f"{_summary(job, new)}, {len(labels.statements) - new} were there already."


def _settle(job: _Job, readings: "Sequence[FileReading]", facts: "Sequence[ClipFacts]" = ()) -> str:
    from lsgui.annotation.exchange import older_readings, settle

    standing = job.store.standing()
    made = settle(readings, standing, datetime.now(UTC))
    new = job.store.merge(made, facts)
    _bind(job)
    older = older_readings(made, standing)
    if older:
        tell([f"{counted(older, 'reading')} older than what stands here: in the history, but without a say."])
    return f"{_summary(job, new)}."


def _bind(job: _Job) -> None:
    """Move labels that were kept by name to clips that are at hand now."""
    from lsgui.annotation.by_name import bind_clips, kept_by_name

    found = {name: job.clips.named(name) for name in kept_by_name(job.store)}
    bind_clips(job.store, {name: clip.content_hash for name, clip in found.items() if clip is not None})


def _summary(job: _Job, new: int) -> str:
    from lsgui.annotation.by_name import kept_by_name
    from lsgui.annotation.exchange import note_on

    waiting = note_on(
        kept_by_name(job.store),
        "is not at hand: its labels are kept by name until an import with --clips finds it",
        "are not at hand: their labels are kept by name until an import with --clips finds them",
    )
    tell(filter(None, [waiting]))
    return f"{job.store.path.name}: {counted(new, 'statement')} from {job.file.name}"


_READERS: MappingProxyType[str, Callable[[_Job], str]] = MappingProxyType(
    {"csv": _csv, "json": _json, "store": _store, "metafile": _metafile, "cvat": _cvat}
)
