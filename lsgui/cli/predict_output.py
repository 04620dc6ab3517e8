"""Where the answers of `lsgui predict` go: JSON lines, a table of rows, a table for people, pictures."""

import csv
import hashlib
import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, Protocol

import typer

from lsgui.cli.predict_work import ClipOutcome
from lsgui.core.atomic_file import atomic_file, write_atomic
from lsgui.core.errors import LsguiError
from lsgui.core.file_names import as_cell, fitting_name, one_line, shown_name
from lsgui.core.label import CANNOT_ASSESS_ADVICE, RESEARCH_LINE, SlidingLabel
from lsgui.core.prediction import QualityFlag

CSV_COLUMNS = (
    "clip",
    "label",
    "p_absent",
    "p_absent_low",
    "p_absent_high",
    "threshold",
    "model",
    "model_version",
    "model_sha256",
    "motion_index",
    "roi_source",
    "quality",
    "hint",
    "device",
    "seconds_read",
    "seconds_roi",
    "seconds_inference",
    "error",
)
"""Columns of `--csv`. One row a clip; `quality` holds the flags with a space between; `error` says why a clip has no
answer, and then all but `clip` is empty."""


Said = dict[str, Any]
"""What `--json` says of a clip."""


class Output(Protocol):
    """Takes the answers one by one, as they come."""

    def answer(self, outcome: ClipOutcome, said: Said) -> None:
        """Take the answer on a clip."""
        ...

    def fault(self, clip: str, sentence: str) -> None:
        """Take the sentence on a clip that has no answer."""
        ...


def open_lines(stack: ExitStack, json_file: str | None, csv_file: Path | None) -> list[Output]:
    """Return what lists the clips: what was asked for, the table for people where no JSON was.

    Files are finished when the stack closes.

    Raises
    ------
    LsguiError
        When a file cannot be written.
    """
    outputs: list[Output] = [JsonOutput(stack, json_file) if json_file else TableOutput(stack), FaultLines()]
    return outputs + ([CsvOutput(stack, csv_file)] if csv_file else [])


def open_keepers(stack: ExitStack, overlay: Path | None, store: Path | None) -> list[Output]:
    """Return what keeps something for each clip by itself.

    Raises
    ------
    LsguiError
        When the folder or the store cannot be written.
    """
    outputs: list[Output] = [OverlayOutput(overlay)] if overlay else []
    return outputs + ([StoreOutput(stack, store)] if store else [])


class JsonOutput:
    """One JSON object a line; a file appears whole when the run ends."""

    def __init__(self, stack: ExitStack, target: str) -> None:
        self._file: IO[str] = sys.stdout if target == "-" else stack.enter_context(_whole_file(Path(target)))

    def answer(self, outcome: ClipOutcome, said: Said) -> None:
        """Write the prediction."""
        self._write(said)

    def fault(self, clip: str, sentence: str) -> None:
        """Write the sentence."""
        self._write({"clip": clip, "error": sentence})

    def _write(self, line: Said) -> None:
        typer.echo(json.dumps(line), file=self._file)
        self._file.flush()


class CsvOutput:
    """One row a clip, see `CSV_COLUMNS`; the file appears whole when the run ends."""

    def __init__(self, stack: ExitStack, path: Path) -> None:
        self._writer = csv.DictWriter(stack.enter_context(_whole_file(path, newline="")), CSV_COLUMNS, restval="")
        self._writer.writeheader()

    def answer(self, outcome: ClipOutcome, said: Said) -> None:
        """Write the prediction's row."""
        low, high = said["p_absent_interval"] or (None, None)
        self._write(
            {
                "clip": said["clip"],
                "label": said["label"],
                "p_absent": said["p_absent"],
                "p_absent_low": low,
                "p_absent_high": high,
                "threshold": said["threshold"],
                "model": said["model"]["id"],
                "model_version": said["model"]["version"],
                "model_sha256": said["model"]["sha256"],
                "motion_index": said["motion_index"],
                "roi_source": "" if said["roi"] is None else said["roi"]["source"],
                "quality": " ".join(said["quality"]),
                "hint": outcome.hint,
                "device": said["device"],
                **{
                    f"seconds_{name}": value
                    for name, value in said["seconds"].items()
                    if f"seconds_{name}" in CSV_COLUMNS
                },
            }
        )

    def fault(self, clip: str, sentence: str) -> None:
        """Write a row with the sentence."""
        self._write({"clip": clip, "error": sentence})

    def _write(self, row: Said) -> None:
        self._writer.writerow({name: as_cell(cell) if isinstance(cell, str) else cell for name, cell in row.items()})


class TableOutput:
    """A table for people on standard output."""

    def __init__(self, stack: ExitStack) -> None:
        from rich.table import Table

        self._table = Table(box=None, header_style="bold", pad_edge=False)
        self._unsure = False
        for heading in ("clip", "verdict", "p(absent)", "motion", "line"):
            self._table.add_column(heading, no_wrap=heading not in ("clip", "verdict"), overflow="fold")
        self._table.add_column("notes", overflow="fold")
        stack.callback(self._print)

    def answer(self, outcome: ClipOutcome, said: Said) -> None:
        """Add the prediction's row."""
        label = SlidingLabel(said["label"])
        self._unsure = self._unsure or label is SlidingLabel.CANNOT_ASSESS
        self._table.add_row(
            shown_name(outcome.clip),
            f"{label.wording} ({label.value})" if label is not SlidingLabel.CANNOT_ASSESS else label.wording,
            _probability(said),
            "" if said["motion_index"] is None else f"{said['motion_index']:.2f}",
            "none" if said["roi"] is None else said["roi"]["source"],
            " ".join([*filter(None, [outcome.hint]), *(QualityFlag(name).sentence for name in said["quality"])]),
        )

    def fault(self, clip: str, sentence: str) -> None:
        """Nothing: the table lists answers."""

    def _print(self) -> None:
        from rich.console import Console

        if not self._table.row_count:
            return
        width = None if sys.stdout.isatty() else 160
        console = Console(highlight=False, markup=False, emoji=False, width=width)  # a name may look like markup
        console.print(self._table)
        if self._unsure:
            console.print(f"Cannot assess: {CANNOT_ASSESS_ADVICE}")
        console.print(RESEARCH_LINE)


class FaultLines:
    """A line on standard error for each clip without an answer, as it comes."""

    def answer(self, outcome: ClipOutcome, said: Said) -> None:
        """Nothing: answers stand where they were asked for."""

    def fault(self, clip: str, sentence: str) -> None:
        """Say the sentence."""
        clip, sentence = shown_name(clip), one_line(sentence)
        typer.echo(f"lsgui: {sentence if clip in sentence else f'{clip}: {sentence}'}", err=True)


class OverlayOutput:
    """A PNG a clip in a folder: `<file name>.png`. Outside the scan, and where text was found in it, it is black.

    Another picture of the same name gets a number, so that none takes another's place.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._saved: dict[str, list[bytes]] = {}
        """Fingerprints of the pictures by their name, which some file systems take without its case."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as fault:
            raise _unwritable(folder, fault) from fault

    def answer(self, outcome: ClipOutcome, said: Said) -> None:
        """Save the picture."""
        if outcome.picture is None:
            raise ValueError(f"no picture of {outcome.clip} was drawn")
        saved = self._saved.setdefault(fitting_name(outcome.clip).casefold(), [])
        fingerprint = hashlib.sha256(outcome.picture).digest()
        if fingerprint not in saved:
            saved.append(fingerprint)
        number = saved.index(fingerprint) + 1
        path = self._folder / fitting_name(outcome.clip, ".png" if number == 1 else f" ({number}).png")
        try:
            write_atomic(path, outcome.picture)
        except OSError as fault:
            raise _unwritable(path, fault) from fault

    def fault(self, clip: str, sentence: str) -> None:
        """Nothing: a clip without an answer has no picture."""


class StoreOutput:
    """A row in an annotation store for each verdict as it comes, beside the readers' labels and never one of them."""

    def __init__(self, stack: ExitStack, path: Path) -> None:
        from lsgui.annotation.store import AnnotationStore

        self._store = stack.enter_context(AnnotationStore(path))

    def answer(self, outcome: ClipOutcome, said: Said) -> None:
        """Keep the verdict, and what is known of the clip where the store does not know it yet."""
        from lsgui.review.store_facts import clip_to_store, read_identity_of, verdict_to_store

        info, content = outcome.info, outcome.content
        if info is None or outcome.prediction is None:
            raise ValueError(f"the verdict on {outcome.clip} came without its clip")
        known = self._store.clips().get(content)
        if known is None or known.frames != info.frames:
            self._store.save_clip(clip_to_store(content, info, read_identity_of(info.path), self._store))
        self._store.save_verdict(verdict_to_store(content, outcome.prediction))

    def fault(self, clip: str, sentence: str) -> None:
        """Nothing: a clip without an answer has no verdict."""


def _probability(said: Said) -> str:
    value = said["p_absent"]
    if value is None:
        return "not scored"
    low, high = said["p_absent_interval"] or (value, value)
    return f"{value:.2f} [{low:.2f}-{high:.2f}]"


@contextmanager
def _whole_file(path: Path, newline: str | None = None) -> Iterator[IO[str]]:
    """Open a file that appears whole at the end; a fault of the file itself becomes a sentence, others pass."""
    inside: BaseException | None = None
    try:
        with atomic_file(path, newline=newline) as file:
            try:
                yield file
            except BaseException as fault:
                inside = fault
                raise
    except OSError as fault:
        if fault is inside:
            raise
        raise _unwritable(path, fault) from fault


def _unwritable(path: Path, fault: OSError) -> LsguiError:
    return LsguiError(f"{path} cannot be written ({fault.strerror}): choose another place.")
