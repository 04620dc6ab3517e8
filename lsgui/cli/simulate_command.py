"""`lsgui simulate`: labelled clips with ground truth, simulated, or edited from real sliding ones."""

import os
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:  # the commands are entered at every start: what they need is imported when they run
    from lsgui.simulation.edited_clip import ClipEdit

DEFAULT_CLIPS = 20
CLIPS_PER_JOB = 8
"""A process that makes fewer clips costs more to start than it saves."""


class ClipFormat(StrEnum):
    """How clips are written."""

    PNG = "png"
    AVI = "avi"
    DICOM = "dicom"


HELP = """Make labelled lung-ultrasound clips whose truth is known, half of them ls_a, half ls_p; or, with --from, edit
real sliding clips into absent ones.

OUT gets dataset.csv (which train and evaluate read; its path is printed), the clips, their pleural lines in roi/, and
in truth/ a JSON file a clip: label, scenario, fps, mm_per_px, and for every frame the pleural line (pleura), what is
free to slide in each of 16 stretches of it (sliding), how far the lung moved since the frame before in mm (flow_mm), at
what speed (flow_mm_s), and where the chest wall lies (wall_mm).

--scenario NAME makes clips of one kind only: sliding, shallow, absent, lung_pulse, probe_drift, b_lines, white_lung,
lung_point; ls_a/NAME or ls_p/NAME where both labels can have it.

--from edits a sliding clip with its pleural line (--roi), or every sliding clip of a folder with dataset.csv, whose
patients are kept. KIND is frozen, hard (held, with the chest wall's own change), frozen_pulse, hard_pulse,
frozen_drift, hard_drift (probe drift added), mirror, line_kept (a held lung under its own line), sham (re-timed: still
ls_p), or all. Edited clips are named edited in their file names, files, table and truth: they are not patient data.

Example: lsgui simulate runs/simulated --clips 200 --seed 1 --format dicom

Example: lsgui simulate runs/pairs --clips 60 --scenario shallow --scenario ls_a/probe_drift

Example: lsgui simulate runs/edited --from clip.mp4 --roi line.json --edit all
"""

OutArgument = Annotated[Path, typer.Argument(metavar="OUT", help="A new or empty folder.")]
ClipsOption = Annotated[
    int | None, typer.Option("--clips", min=1, metavar="N", help=f"How many clips; {DEFAULT_CLIPS} if left out.")
]
SeedOption = Annotated[
    int, typer.Option("--seed", min=0, metavar="S", help="Which clips: the same seed gives the same frames.")
]
FormatOption = Annotated[
    ClipFormat,
    typer.Option("--format", help="Folders of PNG frames (no rate: 25/s is assumed), AVI, or DICOM (millimetres too)."),
]
ScenarioOption = Annotated[
    list[str] | None,
    typer.Option("--scenario", metavar="NAME", help="What clips show, as often as wanted; all if left out."),
]
FromOption = Annotated[
    Path | None,
    typer.Option("--from", metavar="CLIP|FOLDER", help="Edit a sliding clip, or all of a folder with dataset.csv."),
]
RoiOption = Annotated[
    Path | None, typer.Option("--roi", metavar="FILE", help="The pleural line of the clip to edit, as JSON.")
]
EditOption = Annotated[
    list[str] | None, typer.Option("--edit", metavar="KIND", help="How to edit it, as often as wanted; or all.")
]
JobsOption = Annotated[
    int | None,
    typer.Option(
        "--jobs",
        min=1,
        metavar="N",
        help=f"Processes to work in, with the same result; if left out one for every {CLIPS_PER_JOB} clips, at most "
        "as many as there are processors.",
    ),
]


def register(app: typer.Typer) -> None:
    """Enter the command."""

    @app.command("simulate", help=HELP)
    def simulate(
        out: OutArgument,
        clips: ClipsOption = None,
        seed: SeedOption = 0,
        format_name: FormatOption = ClipFormat.AVI,
        scenario: ScenarioOption = None,
        source: FromOption = None,
        roi: RoiOption = None,
        edit: EditOption = None,
        jobs: JobsOption = None,
    ) -> None:
        if source is None:
            if roi is not None or edit:
                raise typer.BadParameter("--roi and --edit change a real clip: name it with --from.")
            count = clips or DEFAULT_CLIPS
            names = _simulated(out, count, seed, format_name, jobs or _processes(count), scenario or [])
            _show(names, "Simulating", count)
        else:
            if clips is not None or scenario:
                raise typer.BadParameter("--clips and --scenario are for simulated clips: leave them out with --from.")
            names, count = _edited(out, source, roi, edit or [], seed, format_name, jobs)
            _show(names, "Editing", count)
        typer.echo(out / "dataset.csv")


def _processes(clips: int) -> int:
    return max(1, min(os.cpu_count() or 1, clips // CLIPS_PER_JOB))


def _simulated(
    out: Path, count: int, seed: int, format_name: ClipFormat, jobs: int, scenarios: list[str]
) -> Iterator[str]:
    from lsgui.simulation.dataset import parse_kinds, write_dataset

    return write_dataset(out, count, seed, format_name.value, jobs, parse_kinds(scenarios))


def _edited(
    out: Path,
    source: Path,
    roi: Path | None,
    edits: list[str],
    seed: int,
    format_name: ClipFormat,
    jobs: int | None,
) -> tuple[Iterator[str], int]:
    from lsgui.training.data.edited_dataset import rows_to_edit, write_edits

    kinds = _edit_kinds(edits)
    rows = rows_to_edit(source, roi)
    count = len(rows) * len(kinds)
    return write_edits(out, rows, kinds, seed, format_name.value, jobs or _processes(count)), count


def _edit_kinds(names: list[str]) -> "tuple[ClipEdit, ...]":
    from lsgui.simulation.edited_clip import ALL_EDITS

    unknown = [name for name in names if name not in (*ALL_EDITS, "all")]
    if unknown or not names:
        wrong = f"there is no edit {unknown[0]!r}" if unknown else "--from needs --edit"
        raise typer.BadParameter(f"{wrong}: choose from {', '.join(ALL_EDITS)}, or all.")
    return ALL_EDITS if "all" in names else tuple(kind for kind in ALL_EDITS if kind in names)


def _show(names: Iterator[str], what: str, total: int) -> None:
    """Make the clips, with a bar on standard error where that is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(what, total=total)
        for _ in names:
            progress.advance(task)
