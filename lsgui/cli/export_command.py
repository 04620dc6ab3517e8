"""`lsgui export`: reports, pictures, movies, tables and DICOM objects of clips, without a screen."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from lsgui.cli.labels_store import StoreOption
from lsgui.core.errors import DeviceError, LsguiError

if TYPE_CHECKING:  # the commands are entered at every start: what they need is imported when they run
    from lsgui.export.request import Paper
    from lsgui.inference.protocol import DeviceChoice

DEFAULT_MODEL = "cmwru-strip"
_DEVICES = ("auto", "cpu", "cuda")
_PAPERS = ("a4", "letter")

HELP = """Write what leaves the program: report, picture, movie, table of windows, DICOM objects.

Pixels leave under a mask that a person approved, once for a series. Where nobody has, the proposed mask and a preview
picture are written instead (exit status 2): look at the preview, change the mask where it must be, and say who looked.

Example: lsgui export clip.dcm --out results --kinds report,movie --mask results/mask.json --approved-by R1
"""


OutOption = Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Folder that the files go to.")]
KindsOption = Annotated[
    str,
    typer.Option(
        "--kinds", metavar="KIND,...", help="Any of report, picture, movie, windows, sr, capture, deidentified."
    ),
]
ModelOption = Annotated[
    str, typer.Option("--model", metavar="ID", help="Which model gives the verdict (see lsgui models).")
]
DeviceOption = Annotated[str, typer.Option("--device", metavar="auto|cpu|cuda", help="Where to compute.")]
RoiOption = Annotated[
    Path | None,
    typer.Option("--roi", metavar="FILE", help="JSON file with the pleural line, or a line for each clip name."),
]
RaterOption = Annotated[
    str | None, typer.Option("--rater", metavar="R", help="Whose reading is told; else the latest one.")
]
MaskOption = Annotated[
    Path | None, typer.Option("--mask", metavar="FILE", help="Mask that a person has looked at and approves.")
]
ProposeOption = Annotated[
    Path | None,
    typer.Option("--propose-mask", metavar="FILE", help="Only write the proposed mask, with a preview beside it."),
]
ByOption = Annotated[
    str, typer.Option("--approved-by", metavar="NAME", help="Who looked at the mask; kept in the store.")
]
NamesOption = Annotated[bool, typer.Option("--keep-names", help="Name files after the clip instead of by its content.")]
IdentifiedOption = Annotated[
    bool, typer.Option("--identified", help="Keep patient and study in DICOM results, for the same archive.")
]
WithoutOption = Annotated[bool, typer.Option("--without-ai", help="Leave the AI's verdict out.")]
PaperOption = Annotated[str, typer.Option("--paper", metavar="a4|letter", help="Page of the report.")]


def register(app: typer.Typer) -> None:
    """Enter the command."""

    @app.command("export", help=HELP)
    def export(
        clips: Annotated[list[Path], typer.Argument(metavar="CLIP...", help="Clips, or folders of clips.")],
        out: OutOption = None,
        kinds: KindsOption = "report",
        model: ModelOption = DEFAULT_MODEL,
        device: DeviceOption = "auto",
        roi: RoiOption = None,
        store: StoreOption = None,
        rater: RaterOption = None,
        mask: MaskOption = None,
        propose_mask: ProposeOption = None,
        approved_by: ByOption = "",
        keep_names: NamesOption = False,
        identified: IdentifiedOption = False,
        without_ai: WithoutOption = False,
        paper: PaperOption = "a4",
    ) -> int:
        _check(device, paper, mask, approved_by)
        from lsgui.cli.export_work import ExportChoice, export_clips, propose

        if propose_mask is not None:
            return propose(clips, propose_mask)
        if out is None:
            raise LsguiError("Say where the files go with --out DIR.")
        choice = ExportChoice(
            out=out,
            kinds=_kinds(kinds),
            model=model,
            device=cast("DeviceChoice", device),
            roi=roi,
            store=store,
            rater=rater,
            mask=mask,
            approved_by=approved_by.strip(),
            keep_names=keep_names,
            identified=identified,
            without_ai=without_ai,
            paper=cast("Paper", paper),
        )
        return export_clips(clips, choice)


def _check(device: str, paper: str, mask: Path | None, approved_by: str) -> None:
    if device not in _DEVICES:
        raise DeviceError(f"There is no device {device!r}: choose one of {', '.join(_DEVICES)}.")
    if paper not in _PAPERS:
        raise LsguiError(f"There is no paper {paper!r}: choose one of {', '.join(_PAPERS)}.")
    if mask is not None and not approved_by.strip():
        raise LsguiError(f"{mask.name}: say who looked at the mask with --approved-by NAME.")


def _kinds(words: str) -> tuple[str, ...]:
    from lsgui.export.kinds import ExportKind

    asked = tuple(dict.fromkeys(word.strip().lower() for word in words.split(",") if word.strip()))
    known = [kind.value for kind in ExportKind]
    unknown = [word for word in asked if word not in known]
    if unknown or not asked:
        raise LsguiError(f"There is no export {(unknown or [words])[0]!r}: choose from {', '.join(known)}.")
    return asked
