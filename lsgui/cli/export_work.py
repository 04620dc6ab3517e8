"""What `lsgui export` does: judge each clip where a verdict is wanted, find its approved mask, write its files."""

import json
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from lsgui.annotation.content_hash import content_hash
from lsgui.cli.clip_progress import clip_progress
from lsgui.cli.labels_store import open_store, read_store, store_path
from lsgui.core.atomic_file import write_atomic
from lsgui.core.clip import Clip
from lsgui.core.errors import LsguiError
from lsgui.core.motion_map import MotionMap
from lsgui.core.plain_file import read_json
from lsgui.core.pleura import PleuralROI, check_roi_fits
from lsgui.core.prediction import Prediction
from lsgui.core.reading import ReadingRecord
from lsgui.decoding.clip_opening import read_clip_apart
from lsgui.export.approval import approve, approved_mask
from lsgui.export.bundle import run_export
from lsgui.export.kinds import ExportKind, needs_mask
from lsgui.export.mask import PixelMask
from lsgui.export.mask import propose_mask as proposed
from lsgui.export.mask_preview import preview_png
from lsgui.export.pseudonyms import Pseudonyms
from lsgui.export.request import ExportRequest, Paper
from lsgui.imaging.pleura_finder import find_pleura
from lsgui.imaging.scan_area import ScanArea, find_scan_area, picture_scale
from lsgui.inference.clip_runner import ClipRunner
from lsgui.inference.line_file import LineFile, read_lines
from lsgui.inference.protocol import DeviceChoice
from lsgui.readers.base import find_clips

if TYPE_CHECKING:
    from lsgui.annotation.store import AnnotationStore

Tell = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class ExportChoice:
    """What was asked for on the command line; see `lsgui export --help`."""

    out: Path
    kinds: tuple[str, ...]
    model: str
    device: DeviceChoice
    roi: Path | None
    store: Path | None
    rater: str | None
    mask: Path | None
    approved_by: str
    keep_names: bool
    identified: bool
    without_ai: bool
    paper: Paper

    @property
    def wanted(self) -> tuple[ExportKind, ...]:
        """The kinds."""
        return tuple(ExportKind(word) for word in self.kinds)

    @property
    def needs_verdict(self) -> bool:
        """Whether the AI has anything to do."""
        return not self.without_ai and any(kind is not ExportKind.DEIDENTIFIED for kind in self.wanted)


@dataclass(frozen=True, slots=True, eq=False)
class _Judged:
    """A clip with what is known of it."""

    clip: Clip
    area: ScanArea
    roi: PleuralROI | None
    prediction: Prediction | None = None
    maps: dict[str, MotionMap] = field(default_factory=dict)


def export_clips(paths: list[Path], choice: ExportChoice) -> int:
    """Export clips one after another, print each file that was written, and return the exit status."""
    faults = 0
    with ExitStack() as stack:
        clips = _clips(paths)
        exporter = _Exporter(stack, choice)
        tell = stack.enter_context(clip_progress(len(clips)))
        for done, path in enumerate(clips):
            try:
                exporter.export(path, partial(tell, path.name, done))
            except LsguiError as fault:
                faults += 1
                typer.echo(f"lsgui: {fault}", err=True)
    return 2 if faults else 0


def propose(paths: list[Path], target: Path) -> int:
    """Write the proposed mask of one clip and a picture of it; nothing is exported."""
    clips = _clips(paths)
    if len(clips) != 1:
        raise LsguiError("A mask is proposed for one clip at a time: name one.")
    clip = read_clip_apart(clips[0])
    try:
        preview = _write_proposal(clip, proposed(clip), target)
    finally:
        _close(clip)
    typer.echo(f"lsgui: {_what_next(preview, target)}", err=True)
    typer.echo(target)
    typer.echo(preview)
    return 0


def _what_next(preview: Path, target: Path) -> str:
    return (
        f"look at {preview.name}: if nothing in it names a person, export again with --mask {target.name} "
        "--approved-by and your name; else change its rectangles first."
    )


def _write_proposal(clip: Clip, mask: PixelMask, target: Path) -> Path:
    preview = target.with_suffix(".png")
    try:
        write_atomic(preview, preview_png(clip, mask))
        write_atomic(target, (json.dumps(mask.to_json(), indent=1) + "\n").encode())
    except OSError as fault:
        raise LsguiError(f"{target.name} cannot be written ({fault.strerror}): choose another folder.") from fault
    return preview


def _clips(paths: list[Path]) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        clips = find_clips(path) if path.is_dir() else [path]
        if not clips:
            raise LsguiError(f"{path.name}: the folder holds no clip: choose another one.")
        found += clips
    return found


def _close(clip: Clip) -> None:
    close = getattr(clip.store, "close", None)
    if close is not None:
        close()


class _Exporter:
    """Exports clips with one session and one store."""

    def __init__(self, stack: ExitStack, choice: ExportChoice) -> None:
        self._choice = choice
        self._lines: LineFile | None = read_lines(choice.roi)
        self._given = None if choice.mask is None else _read_mask(choice.mask)
        wanted = choice.store is not None or self._given is not None or store_path(None).exists()
        opened = open_store(choice.store) if self._given is not None else read_store(choice.store) if wanted else None
        self._store: AnnotationStore | None = None if opened is None else stack.enter_context(opened)
        self._stack = stack
        self._runner: ClipRunner | None = None

    def export(self, path: Path, tell: Tell) -> None:
        """Export one clip and print its files."""
        choice = self._choice
        begun = time.perf_counter()
        tell("Reading", 0.0)
        clip = read_clip_apart(path)
        try:
            fingerprint = content_hash(path)
            mask = self._mask(clip, fingerprint)
            if mask is None and needs_mask(choice.wanted, clip):
                self._propose(clip, fingerprint)
            record = self._record(fingerprint)
            seconds = time.perf_counter() - begun
            answer = self._judged(clip, self._line(clip, record), seconds, lambda stage, part: tell(stage, 0.5 * part))
            request = self._request(answer, fingerprint, mask, record)
            result = run_export(request, lambda stage, part: tell(stage, 0.5 + 0.5 * part))
        finally:
            _close(clip)
        for file in result.files:
            typer.echo(file.path)
        for sentence in (*result.left_out, *(file.note for file in result.files if file.note)):
            typer.echo(f"lsgui: {path.name}: {sentence}", err=True)

    def _mask(self, clip: Clip, fingerprint: str) -> PixelMask | None:
        """Return the mask that is approved now by the command, or was for this series before; None for none."""
        if self._given is None:
            return None if self._store is None else approved_mask(self._store, clip, fingerprint)
        info = clip.info
        if (self._given.width, self._given.height) != (info.width, info.height):
            raise LsguiError(
                f"{info.path.name}: the mask is for pictures of {self._given.width} x {self._given.height} px, not "
                f"{info.width} x {info.height} px: propose and look at one of its own."
            )
        if self._store is not None:
            approve(self._store, clip, fingerprint, self._given, self._choice.approved_by)
        return self._given

    def _propose(self, clip: Clip, fingerprint: str) -> None:
        """Write the proposal, and say what to do next."""
        stem = clip.info.path.stem if self._choice.keep_names else f"lsgui-{fingerprint[:8]}"
        target = self._choice.out / f"{stem}-mask.json"
        preview = _write_proposal(clip, proposed(clip), target)
        next_step = _what_next(preview, target)
        raise LsguiError(f"{clip.info.path.name}: nobody has looked yet at what of its picture may leave; {next_step}")

    def _record(self, fingerprint: str) -> ReadingRecord | None:
        """Return the reading that is told: the rater's, else one that settles others, else the latest."""
        if self._store is None:
            return None
        records = [r for r in self._store.records(fingerprint, self._choice.rater) if r.label is not None]
        return max(records, key=lambda r: (r.adjudicated, r.said_at), default=None)

    def _line(self, clip: Clip, record: ReadingRecord | None) -> PleuralROI | None:
        name = clip.info.path.name
        roi = None if self._lines is None else self._lines.line_for(name)
        if roi is None and record is not None:
            roi = record.line
        if roi is not None:
            check_roi_fits(roi, clip.info.width, clip.info.height, name)
        return roi

    def _judged(self, clip: Clip, roi: PleuralROI | None, read_s: float, tell: Tell) -> _Judged:
        if self._choice.needs_verdict:
            if self._runner is None:  # not before a mask is found: where none is, nothing is judged
                self._runner = _runner(self._stack, self._choice)
            answer = self._runner.judge(clip, roi, read_s, tell)
            return _Judged(clip, answer.area, answer.prediction.roi, answer.prediction, answer.maps)
        area = find_scan_area(clip)
        if roi is None and any(kind is not ExportKind.DEIDENTIFIED for kind in self._choice.wanted):
            roi = find_pleura(clip, area, picture_scale(clip.info, area))
        return _Judged(clip, area, roi)

    def _request(
        self, answer: _Judged, fingerprint: str, mask: PixelMask | None, record: ReadingRecord | None
    ) -> ExportRequest:
        choice = self._choice
        scale = picture_scale(answer.clip.info, answer.area)
        return ExportRequest(
            clip=answer.clip,
            content_hash=fingerprint,
            kinds=choice.wanted,
            folder=choice.out,
            mask=mask,
            roi=answer.roi,
            prediction=answer.prediction,
            maps=answer.maps,
            record=record,
            area=answer.area.box,
            mm_per_px=scale.mm_per_px,
            calibrated=scale.calibrated,
            keep_names=choice.keep_names,
            identified=choice.identified,
            pseudonyms=None if self._store is None else Pseudonyms.of_store(self._store),
            overwrite=True,
            paper=choice.paper,
        )


def _read_mask(path: Path) -> PixelMask:
    try:
        return PixelMask.from_json(read_json(path))
    except OSError as fault:
        raise LsguiError(f"{path.name}: the mask cannot be read ({fault.strerror}).") from fault
    except ValueError as fault:
        raise LsguiError(f"{path.name} is not a JSON file: write a mask with --propose-mask.") from fault
    except LsguiError as fault:
        raise LsguiError(f"{path.name}: {fault}") from fault


def _runner(stack: ExitStack, choice: ExportChoice) -> ClipRunner:
    from lsgui.inference.local_session import LocalSession
    from lsgui.inference.plan import WorkerPlan, load_by_name

    plan = WorkerPlan()
    session = LocalSession(plan)
    runner = ClipRunner(session, choice.model, choice.device)
    if choice.device == "cuda":
        load_by_name(plan.resolve)(choice.device, plan.threads)  # one sentence for all clips instead of one for each
    stack.callback(session.close)
    session.start()
    return runner
