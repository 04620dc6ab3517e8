"""`lsgui predict`: the verdict on clips, without a screen."""

from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from lsgui.core.errors import DeviceError, LsguiError, RoiError

if TYPE_CHECKING:  # the commands are entered at every start: what they need is imported when they run
    from lsgui.cli.predict_record import RunRecord
    from lsgui.cli.predict_run import Outcomes, Source, Takers, Tell
    from lsgui.cli.predict_work import ClipTask, WorkSetup
    from lsgui.inference.protocol import DeviceChoice, FlowChoice, FlowMethod

DEFAULT_MODEL = "cmwru-strip"
_DEVICES = ("auto", "cpu", "cuda")
_FLOWS = ("dis", "raft")
_FLOW_STEPS = (1, 2, 3)

HELP = """Say of each clip whether lung sliding is present (ls_p), absent (ls_a) or cannot be assessed.

PATHs are clips, or folders that are searched for clips. The pleural line is taken from --roi or found automatically.
Several clips are judged at once, in a process for each core. Answers come in the order of the clips, each as soon as
all before it are there; with --as-done each comes when it ends.

Each verdict is also entered in this user's audit log (lsgui audit): the hash of the clip's content, model, threshold,
probability, version and time, and no name. Where the log cannot be written a warning says so, and the answers stand.

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


JobsOption = Annotated[
    int | None,
    typer.Option("--jobs", metavar="N", help="Judge N clips at once (else one a core, as memory allows)."),
]
AsDoneOption = Annotated[
    bool, typer.Option("--as-done", help="List each clip when it ends, and not in the order of the clips.")
]
ResumeOption = Annotated[
    bool,
    typer.Option("--resume", help="Keep the answers that an interrupted run left beside --json or --csv; do the rest."),
]
ClusterOption = Annotated[
    str | None,
    typer.Option("--cluster", metavar="ADDRESS", help="Judge on the workers of this Dask scheduler (tcp://host:8786)."),
]


@dataclass(frozen=True, slots=True)
class _Asked:
    """What was asked for; see the options."""

    model: str
    device: "DeviceChoice"
    roi: Path | None
    flow: "FlowChoice | None"
    json_file: str | None
    csv_file: Path | None
    overlay: Path | None
    store: Path | None
    jobs: int | None
    as_done: bool
    resume: bool
    cluster: str | None

    def __post_init__(self) -> None:
        if self.device not in _DEVICES:
            raise DeviceError(f"There is no device {self.device!r}: choose one of {', '.join(_DEVICES)}.")
        if self.jobs is not None and self.jobs < 1:
            raise LsguiError(f"--jobs {self.jobs} is out of range: choose 1 or more.")
        if self.jobs is not None and self.cluster is not None:
            raise LsguiError("--jobs is for this machine and --cluster for others: choose one of them.")
        if self.resume and self.file is None:
            raise LsguiError("--resume goes on with a file: name it with --json or --csv.")

    @property
    def file(self) -> Path | None:
        """The file of answers that a record is kept for; None where all goes to standard output."""
        return Path(self.json_file) if self.json_file not in (None, "-") else self.csv_file


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
        jobs: JobsOption = None,
        as_done: AsDoneOption = False,
        resume: ResumeOption = False,
        cluster: ClusterOption = None,
    ) -> int:
        choice = _flow_choice(flow, flow_step, raft_weights, overlay)
        chosen = cast("DeviceChoice", device)
        asked = _Asked(model, chosen, roi, choice, json_file, csv_file, overlay, store, jobs, as_done, resume, cluster)
        return _predict(paths, asked)


def _predict(paths: list[Path], asked: _Asked) -> int:
    from lsgui.cli.predict_run import run_clips
    from lsgui.cli.predict_work import WorkSetup

    tasks = _tasks(paths, asked.roi)
    setup = WorkSetup(
        model=asked.model,
        device=asked.device,
        flow=asked.flow,
        picture=asked.overlay is not None,
        content=asked.file is not None or asked.store is not None,
    )
    record = _record(asked)
    with ExitStack() as stack:
        source = _source(stack, asked, setup)
        return run_clips(tasks, source, _takers(stack, asked, record))


def _record(asked: _Asked) -> "RunRecord | None":
    """Return the record of this run, None where there is no file beside which it could lie; refuse a wrong model."""
    from lsgui.models.card import load_card

    card = load_card(asked.model)
    if asked.file is None:
        return None
    from lsgui.cli.predict_record import RunIdentity, RunRecord

    outputs = tuple(
        f"{kind} {path.resolve()}" for kind, path in (("overlay", asked.overlay), ("store", asked.store)) if path
    )
    identity = RunIdentity(card.id, card.version, card.sha256, asked.device, (*outputs, repr(asked.flow)))
    record = RunRecord(asked.file, identity, resume=asked.resume)
    if record.is_left_over:
        typer.echo(f"lsgui: {record.path.name} is of an interrupted run, which --resume would go on with.", err=True)
    return record


def _takers(stack: ExitStack, asked: _Asked, record: "RunRecord | None") -> "Takers":
    from lsgui.cli.predict_audit import AuditOutput
    from lsgui.cli.predict_output import open_keepers, open_lines
    from lsgui.cli.predict_run import Takers

    audit = AuditOutput(stack)  # first to come, last to go: whatever else cannot be written, the verdicts were given
    lines = open_lines(stack, asked.json_file, asked.csv_file)
    return Takers(lines, [audit, *open_keepers(stack, asked.overlay, asked.store)], record, asked.as_done)


def _source(stack: ExitStack, asked: _Asked, setup: "WorkSetup") -> "Source":
    """Return where the clips are judged; one sentence now where none of them could be."""
    if asked.cluster is not None:
        from lsgui.cli.predict_cluster import open_cluster

        return open_cluster(stack, asked.cluster, setup)
    from lsgui.inference.plan import WorkerPlan, load_by_name

    if asked.device == "cuda":  # one sentence for all clips instead of one for each
        load_by_name(WorkerPlan().resolve)(asked.device, None)
    if asked.flow is not None and asked.flow.raft_weights:
        load_by_name("lsgui.models.raft:load_raft")(asked.flow.raft_weights)
    return partial(_judge, setup, asked.jobs)


def _judge(setup: "WorkSetup", jobs: int | None, tasks: "dict[int, ClipTask]", tell: "Tell") -> "Outcomes":
    from lsgui.cli.predict_run import judge_here, judge_in_processes
    from lsgui.inference.job_count import job_count

    if len(tasks) <= 1:
        return judge_here(setup, tasks, tell)
    return judge_in_processes(setup, jobs or job_count(len(tasks), setup.device), tasks, tell)


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


def _tasks(paths: list[Path], roi: Path | None) -> "list[ClipTask]":
    """Return a task for every clip, one with the sentence that says so for every folder without clips."""
    from lsgui.cli.predict_work import ClipTask
    from lsgui.inference.line_file import read_lines
    from lsgui.readers.base import find_clips

    lines = read_lines(roi)
    tasks = []
    for path in paths:
        clips = find_clips(path) if path.is_dir() else [path]
        for clip in clips:
            try:
                tasks.append(ClipTask(clip, None if lines is None else lines.line_for(clip.name)))
            except RoiError as fault:
                tasks.append(ClipTask(clip, error=str(fault)))
        if not clips:
            tasks.append(ClipTask(path, error=f"{path.name}: the folder holds no clip: choose another one."))
    return tasks
