"""Exports in a thread of their own, one at a time: first the approved mask, then the files."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from lsgui.core.clip import Frame
from lsgui.core.late_imports import load
from lsgui.gui.export_task import Cleared, ExportEnd, ExportTask
from lsgui.gui.job_thread import Cancelled, JobThread, Tell

if TYPE_CHECKING:  # these load OpenCV and SQLite: not before something is exported
    from lsgui.annotation.store import AnnotationStore
    from lsgui.export.mask import PixelMask

STOPPED = "Export stopped: nothing was written."


@dataclass(frozen=True, slots=True)
class Approval:
    """A mask that a person approved just now, and who."""

    mask: "PixelMask"
    who: str


@dataclass(frozen=True, slots=True, eq=False)
class MaskWanted:
    """Nobody has approved a mask for this series yet: the proposal, and the brightest of the clip to look at it on."""

    number: int
    task: ExportTask
    content_hash: str
    proposed: "PixelMask"
    brightest: Frame


@dataclass(frozen=True, slots=True)
class _Progressed:
    number: int
    stage: str
    part: float


@dataclass(frozen=True, slots=True)
class _Ended:
    number: int
    end: ExportEnd


@dataclass(frozen=True, slots=True, eq=False)
class ExportJob:
    """Finds the approved mask, or asks for one; with a mask, carries the task out. A `Job` for a `JobThread`."""

    number: int
    task: ExportTask
    approval: Approval | None = None

    def run(self, tell: Tell, cancelled: Cancelled) -> None:
        """Do it."""
        from lsgui.annotation.content_hash import content_hash

        subject = self.task.subject
        fingerprint = subject.content_hash or content_hash(subject.clip.info.path, cancelled)
        cleared = self._cleared(fingerprint)
        if cleared.mask is None and self.task.needs_mask:
            tell(self._wanted(fingerprint))
            return
        told = -1.0

        def progress(stage: str, part: float) -> None:
            nonlocal told
            if part >= told + 0.01 or part < told:
                told = part
                tell(_Progressed(self.number, stage, part))

        tell(_Ended(self.number, self.task.carry_out(cleared, progress, cancelled)))

    def failure(self, sentence: str) -> _Ended:
        """Return the event for a fault."""
        return _Ended(self.number, ExportEnd(sentence))

    def _cleared(self, fingerprint: str) -> Cleared:
        """Keep an approval, and look up what the store knows of the clip."""
        from lsgui.annotation.store import AnnotationStore
        from lsgui.export.pseudonyms import Pseudonyms

        subject = self.task.subject
        if self.approval is None and not subject.store.exists():
            return Cleared(fingerprint, None, None, None)
        with AnnotationStore(subject.store) as store:
            mask = self._mask(store, fingerprint)
            records = store.records(fingerprint, subject.rater, subject.sitting) if subject.rater else ()
            return Cleared(fingerprint, mask, next(iter(records), None), Pseudonyms.of_store(store))

    def _mask(self, store: "AnnotationStore", fingerprint: str) -> "PixelMask | None":
        from lsgui.export.approval import approve, approved_mask

        clip = self.task.subject.clip
        if self.approval is None:
            return approved_mask(store, clip, fingerprint)
        approve(store, clip, fingerprint, self.approval.mask, self.approval.who)
        return self.approval.mask

    def _wanted(self, fingerprint: str) -> MaskWanted:
        load("lsgui.export.mask_preview", calm=True)
        from lsgui.export.mask import propose_mask
        from lsgui.export.mask_preview import brightest

        clip = self.task.subject.clip
        return MaskWanted(self.number, self.task, fingerprint, propose_mask(clip), brightest(clip))


@dataclass(slots=True)
class _Running:
    number: int = 0
    busy: bool = False
    waiting: MaskWanted | None = field(default=None)


class Exporter(QObject):
    """Carries one task out at a time and tells how it goes."""

    maskWanted = Signal(object)
    """A `MaskWanted`: answer by `approve` or `decline`."""
    progressed = Signal(str, float)
    """What is being made, and how far all of it is, 0 to 1."""
    ended = Signal(object)
    """An `ExportEnd`."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._now = _Running()
        self._thread = JobThread("export", self, calm=True)
        self._thread.told.connect(self._on_thread_told)

    @property
    def busy(self) -> bool:
        """True from the asking until the end, while a mask is looked at too."""
        return self._now.busy

    def submit(self, task: ExportTask) -> bool:
        """Carry a task out; False where another one is not done yet."""
        if self._now.busy:
            return False
        self._now = _Running(self._now.number + 1, busy=True)
        self.progressed.emit("Preparing", 0.0)
        self._thread.submit(ExportJob(self._now.number, task))
        return True

    def approve(self, wanted: MaskWanted, mask: "PixelMask", who: str) -> None:
        """Keep the approved mask and carry the task out."""
        if self._now.waiting is wanted:
            self._now.waiting = None
            self._thread.submit(ExportJob(wanted.number, wanted.task, Approval(mask, who)))

    def decline(self, wanted: MaskWanted) -> None:
        """Nobody approved: nothing leaves."""
        if self._now.waiting is wanted:
            self._end(ExportEnd("Nothing was exported: the mask was not approved."))

    def cancel(self) -> bool:
        """Stop what is exported now; False where nothing is."""
        if not self._now.busy or self._now.waiting is not None:
            return False
        self._thread.stop_job()
        self._end(ExportEnd(STOPPED))
        return True

    def stop(self) -> None:
        """End the thread; what is not whole yet is not written."""
        self._thread.close()

    def _end(self, end: ExportEnd) -> None:
        self._now = _Running(self._now.number)
        self.ended.emit(end)

    def _on_thread_told(self, event: object) -> None:
        if getattr(event, "number", None) != self._now.number or not self._now.busy:
            return
        if isinstance(event, _Progressed):
            self.progressed.emit(event.stage, event.part)
        elif isinstance(event, MaskWanted):
            self._now.waiting = event
            self.maskWanted.emit(event)
        elif isinstance(event, _Ended):
            self._end(event.end)
