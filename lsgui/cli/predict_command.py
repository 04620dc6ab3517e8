"""`lsgui predict`: the verdict on clips, without a screen."""

from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from lsgui.cli.clip_progress import clip_progress
from lsgui.core.errors import DeviceError, LsguiError

if TYPE_CHECKING:  # the commands are entered at every start: what they need is imported when they run
    from lsgui.cli.predict_output import Output
    from lsgui.inference.clip_runner import ClipRunner
    from lsgui.inference.protocol import DeviceChoice, FlowChoice, FlowMethod

DEFAULT_MODEL = "cmwru-strip"
_DEVICES = ("auto", "cpu", "cuda")
_FLOWS = ("dis", "raft")
_FLOW_STEPS = (1, 2, 3)

HELP = """Say of each clip whether lung sliding is present (ls_p), absent (ls_a) or cannot be assessed.

PATHs are clips, or folders that are searched for clips. The pleural line is taken from --roi or found automatically.

Example: lsgui predict clip.mp4 study/ --json results.jsonl --overlay pictures
"""

ModelOption = Annotated[str, typer.Option("--model", metavar="ID", help="Which model (see lsgui models).")]
RoiOption = Annotated[
    Path | None,
    typer.Option("--roi", metavar="FILE", help="JSON file with the pleural line, or with a line for each clip name."),
]
DeviceOption = Annotated[str, typer.Option("--device", metavar="auto|cpu|cuda", help="Where to compute.")]
JsonOption = Annotated[
    str | None,
    typer.Option("--json", metavar="FILE|-", help="Write one JSON object a line a clip; - is standard output."),
]
CsvOption = Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Write one row a clip.")]
OverlayOption = Annotated[
    Path | None, typer.Option("--overlay", metavar="DIR", help="Write a picture of each clip with its verdict.")
]
FlowOption = Annotated[
    str | None,
    typer.Option("--flow", metavar="dis|raft", help="Draw flow on the pictures of --overlay, measured by DIS or RAFT."),
]
FlowStepOption = Annotated[
    int | None,
    typer.Option("--flow-step", metavar="1|2|3", help="Frames between the two whose flow is measured (else 0.1 s)."),
]
RaftOption = Annotated[
    Path | None, typer.Option("--raft-weights", metavar="FILE", help="RAFT weights instead of those that ship.")
]

StoreOption = Annotated[
    Path | None,
    typer.Option("--store", metavar="FILE", help="Keep each verdict in this annotation store, for the worklist."),
]


def register(app: typer.Typer) -> None:
    """Enter the command."""

    @app.command("predict", help=HELP)
    def predict(
        paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Clips or folders of clips.")],
        model: ModelOption = DEFAULT_MODEL,
        roi: RoiOption = None,
        device: DeviceOption = "auto",
        json_file: JsonOption = None,
        csv_file: CsvOption = None,
        overlay: OverlayOption = None,
        flow: FlowOption = None,
        flow_step: FlowStepOption = None,
        raft_weights: RaftOption = None,
        store: StoreOption = None,
    ) -> int:
        if device not in _DEVICES:
            raise DeviceError(f"There is no device {device!r}: choose one of {', '.join(_DEVICES)}.")
        choice = _flow_choice(flow, flow_step, raft_weights, overlay)
        from lsgui.cli.predict_output import open_outputs

        with ExitStack() as stack:
            runner = _runner(stack, model, cast("DeviceChoice", device), roi, choice)
            return _judge_all(runner, _clips(paths), open_outputs(stack, json_file, csv_file, overlay, store))


def _flow_choice(flow: str | None, step: int | None, weights: Path | None, overlay: Path | None) -> "FlowChoice | None":
    """Return how flow is to be measured, None where it is not asked for; one sentence where that does not fit."""
    from lsgui.inference.protocol import FlowChoice

    if flow is None and step is None and weights is None:
        return None
    if overlay is None:
        raise LsguiError("Flow is drawn on the pictures of --overlay: name their folder as well.")
    method = flow or ("dis" if weights is None else "raft")
    if method not in _FLOWS:
        raise LsguiError(f"There is no flow method {method!r}: choose one of {', '.join(_FLOWS)}.")
    if step is not None and step not in _FLOW_STEPS:
        raise LsguiError(f"The flow step {step} is out of range: choose 1, 2 or 3 frames.")
    if weights is not None and method != "raft":
        raise LsguiError("--raft-weights are for --flow raft: ask for that, or leave them out.")
    return FlowChoice(cast("FlowMethod", method), step or 0, "" if weights is None else str(weights))


def _runner(
    stack: ExitStack, model: str, device: "DeviceChoice", roi: Path | None, flow: "FlowChoice | None"
) -> "ClipRunner":
    from lsgui.inference.clip_runner import ClipRunner
    from lsgui.inference.line_file import read_lines
    from lsgui.inference.local_session import LocalSession
    from lsgui.inference.plan import WorkerPlan, load_by_name

    plan = WorkerPlan()
    session = LocalSession(plan)
    runner = ClipRunner(session, model, device, read_lines(roi), flow)
    if device == "cuda":
        load_by_name(plan.resolve)(device, plan.threads)  # one sentence for all clips instead of one for each
    if flow is not None and flow.raft_weights:
        load_by_name("lsgui.models.raft:load_raft")(flow.raft_weights)
    stack.callback(session.close)
    session.start()
    return runner


def _judge_all(runner: "ClipRunner", clips: list[tuple[Path, str]], outputs: list["Output"]) -> int:
    faults = 0
    with clip_progress(len(clips)) as tell:
        for done, (path, fault) in enumerate(clips):
            with ExitStack() as hold:
                try:
                    if fault:
                        raise LsguiError(fault)
                    answer = hold.enter_context(runner.judged(path, partial(tell, path.name, done)))
                except LsguiError as problem:
                    faults += 1
                    for output in outputs:
                        output.fault(path.name, str(problem))
                    continue
                for output in outputs:
                    output.answer(answer)
    return 2 if faults else 0


def _clips(paths: list[Path]) -> list[tuple[Path, str]]:
    """Return every clip with an empty sentence, and every folder without clips with the sentence that says so."""
    from lsgui.readers.base import find_clips

    found: list[tuple[Path, str]] = []
    for path in paths:
        clips = find_clips(path) if path.is_dir() else [path]
        found += [(clip, "") for clip in clips]
        if not clips:
            found.append((path, f"{path.name}: the folder holds no clip: choose another one."))
    return found
