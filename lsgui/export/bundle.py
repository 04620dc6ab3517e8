"""Carries an export out: all of its files appear together, or none does."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING

from lsgui.core.clip import Clip
from lsgui.core.errors import CancelledError, LsguiError
from lsgui.export.annotated_frame import Picture
from lsgui.export.kinds import ExportKind
from lsgui.export.mask import masked_clip
from lsgui.export.picture import PictureChoice, annotated_picture, png_bytes
from lsgui.export.pseudonyms import Pseudonyms
from lsgui.export.request import ExportedFile, ExportRequest, ExportResult
from lsgui.export.stamp import Stamp

if TYPE_CHECKING:
    from lsgui.export.dicom_files import DicomExport  # pydicom waits until a DICOM file is wanted

Tell = Callable[[str, float], None]
"""Takes what is being made, in words, and how far all of it is, 0 to 1."""
Cancelled = Callable[[], bool]

_NO_VERDICT = "The {what} was left out: there is no verdict on this clip."
_HIDDEN = "The {what} was left out: it tells the AI's verdict, and no reading is saved yet."


def run_export(
    request: ExportRequest,
    tell: Tell = lambda _stage, _part: None,
    cancelled: Cancelled = lambda: False,
    stamp: Stamp | None = None,
) -> ExportResult:
    """Make the files of a request.

    They are made in a folder beside their place and put there when all are whole: a cancelled or failed export leaves
    nothing behind.

    Parameters
    ----------
    tell, cancelled
        Progress, and whether to stop: asked between files and at every frame of a movie.
    stamp
        What stands on the files; of this moment by default.

    Raises
    ------
    CancelledError
        When it was stopped.
    LsguiError
        When nobody has approved a mask and pixels would leave, or a file cannot be written: one sentence.
    """
    request, stamp = ready(request, stamp)
    with staging(request) as folder:
        made, left_out = make_files(request, folder, stamp, tell, cancelled)
        if cancelled():
            raise CancelledError
        files = put_files(made, request)
    tell("Saved", 1.0)
    return ExportResult(files, left_out)


def ready(request: ExportRequest, stamp: Stamp | None = None) -> tuple[ExportRequest, Stamp]:
    """Return a request with pseudonyms, and its stamp.

    Raises
    ------
    LsguiError
        When nobody has approved a mask and pixels would leave.
    """
    if request.needs_mask and request.mask is None:
        raise LsguiError(
            f"{request.clip.info.path.name}: nobody has looked yet at what of its picture may leave: approve the mask "
            "of this series first."
        )
    if request.pseudonyms is None:
        request = replace(request, pseudonyms=Pseudonyms.for_once())  # the same in all files of this export
    prediction = request.shown_prediction
    return request, stamp or Stamp.now(request.content_hash, None if prediction is None else prediction.model)


@contextmanager
def staging(request: ExportRequest) -> Iterator[Path]:
    """Make a hidden folder on the disk that the files go to; it goes with all that is in it when the block ends.

    Raises
    ------
    LsguiError
        When the disk refuses something within the block: one sentence.
    """
    try:
        request.folder.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=".lsgui-export-", dir=request.folder))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    except OSError as fault:
        raise LsguiError(refused(request, fault)) from fault


def refused(request: ExportRequest, fault: OSError) -> str:
    """Return the sentence for what the disk refused."""
    reason = fault.strerror or type(fault).__name__
    if fault.filename is not None and Path(fault.filename) == request.clip.info.path:
        return f"{request.clip.info.path.name} cannot be read any more ({reason}): open it again."
    return f"Nothing was exported to {request.folder.name or request.folder} ({reason}): choose another folder."


def make_files(
    request: ExportRequest, folder: Path, stamp: Stamp, tell: Tell, cancelled: Cancelled
) -> tuple[tuple[ExportedFile, ...], tuple[str, ...]]:
    """Make the files of a request in a folder; return them, and a sentence for each kind that cannot be made."""
    why = {kind: _why_not(kind, request) for kind in dict.fromkeys(request.kinds)}
    kinds = [kind for kind, reason in why.items() if not reason]
    shown = request.clip if request.mask is None else masked_clip(request.clip, request.mask)
    made: list[ExportedFile] = []
    for at, kind in enumerate(kinds):
        if cancelled():
            raise CancelledError
        work = _Work(request, shown, stamp, folder, _part(tell, kind, at, len(kinds)), cancelled)
        work.tell(0.0)
        made += work.make(kind)
    return tuple(made), tuple(reason for reason in why.values() if reason)


def _part(tell: Tell, kind: ExportKind, at: int, count: int) -> Callable[[float], None]:
    return lambda fraction: tell(kind.wording, (at + fraction) / count)


def _why_not(kind: ExportKind, request: ExportRequest) -> str:
    what = kind.wording[0].lower() + kind.wording[1:] if not kind.wording.startswith("DICOM") else kind.wording
    if kind is ExportKind.WINDOWS and request.shown_prediction is None:
        return (_HIDDEN if request.hidden else _NO_VERDICT).format(what=what)
    if kind is ExportKind.WINDOWS and request.shown_prediction is not None and not request.shown_prediction.windows:
        return f"The {what} was left out: no window could be scored."
    read = request.record is not None and request.record.label is not None
    if kind is ExportKind.SR and request.shown_prediction is None and not read:
        return f"The {what} was left out: there is neither a verdict nor a reading to report."
    return ""


def put_files(made: tuple[ExportedFile, ...], request: ExportRequest) -> tuple[ExportedFile, ...]:
    """Put finished files in their places; where one cannot be put, those before it are taken back."""
    out: list[ExportedFile] = []
    for file in made:
        target = request.folder / file.path.name
        if not request.overwrite:
            target = _free(target)
        try:
            file.path.replace(target)
        except OSError:
            for former in out:
                with suppress(OSError):
                    former.path.unlink()
            raise
        out.append(ExportedFile(file.kind, target, file.note))
    return tuple(out)


def _free(path: Path) -> Path:
    """Return a name that no file has: "name.pdf", else "name-2.pdf"."""
    number, free = 1, path
    while free.exists():
        number += 1
        free = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return free


class _Work:
    """Makes the files of one kind in the staging folder."""

    def __init__(
        self,
        request: ExportRequest,
        shown: Clip,
        stamp: Stamp,
        folder: Path,
        tell: Callable[[float], None],
        cancelled: Cancelled,
    ) -> None:
        self._request, self._shown, self._stamp, self._folder = request, shown, stamp, folder
        self.tell, self._cancelled = tell, cancelled

    def make(self, kind: ExportKind) -> tuple[ExportedFile, ...]:
        """Make the files of a kind."""
        makers = {
            ExportKind.REPORT: self._report,
            ExportKind.PICTURE: self._picture,
            ExportKind.MOVIE: self._movie,
            ExportKind.WINDOWS: self._windows,
            ExportKind.SR: self._sr,
            ExportKind.CAPTURE: self._capture,
            ExportKind.DEIDENTIFIED: self._deidentified,
        }
        path = self._folder / self._request.file_name(kind)
        note = makers[kind](path)
        beside = sorted(file for file in self._folder.glob(f"{escape(path.stem)}-*") if file != path)
        return (ExportedFile(kind, path, note), *(ExportedFile(kind, file) for file in beside))

    def _report(self, path: Path) -> str:
        from lsgui.export.report import report_pdf

        path.write_bytes(report_pdf(self._request, self._shown, self._stamp))
        return ""

    def _picture(self, path: Path) -> str:
        path.write_bytes(png_bytes(self._drawn()))
        return ""

    def _drawn(self) -> Picture:
        request = self._request
        choice = PictureChoice(
            request.moment,
            request.layers,
            request.look,
            request.clip_name,
            self._stamp,
            request.mm_per_px,
            request.calibrated,
            request.hidden,
            request.greys,
        )
        return annotated_picture(self._shown, request.roi, request.prediction, request.maps, request.area, choice)

    def _movie(self, path: Path) -> str:
        from lsgui.export.movie import write_movie

        return write_movie(self._request, self._shown, self._stamp, path, self.tell, self._cancelled)

    def _windows(self, path: Path) -> str:
        from lsgui.export.window_table import window_table

        prediction = self._request.shown_prediction
        if prediction is not None:
            path.write_bytes(window_table(prediction, self._shown.info, self._request.clip_name, self._stamp))
        return ""

    def _dicom(self) -> "DicomExport":
        from lsgui.export.dicom_files import DicomExport

        request = self._request
        assert request.pseudonyms is not None  # set where the export began
        return DicomExport(request.clip, request.content_hash, request.pseudonyms, request.mask, request.identified)

    def _sr(self, path: Path) -> str:
        from lsgui.export.dicom_sr import Findings

        request = self._request
        readings = () if request.record is None else (request.record,)
        findings = Findings(request.shown_prediction, readings, request.roi)
        _, *images = self._dicom().write_report(findings, self._stamp, path, self._on_frame)
        if ExportKind.DEIDENTIFIED in request.kinds:  # that is the same image
            for image in images:
                image.unlink()
        return ""

    def _capture(self, path: Path) -> str:
        self._dicom().write_capture([self._drawn()], self._stamp, path)
        return ""

    def _on_frame(self, done: int, frames: int) -> None:
        if self._cancelled():
            raise CancelledError
        self.tell(done / frames)

    def _deidentified(self, path: Path) -> str:
        self._dicom().write_clip(path, self._on_frame)
        return ""
