"""Saving the M-mode: cut anew over the whole clip and written in a thread of its own, while the clip plays on."""

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from lsgui.core.clip import ClipInfo, FrameStore
from lsgui.core.errors import CancelledError
from lsgui.core.pleura import PleuralROI
from lsgui.gui.job_thread import Cancelled, JobThread, Tell
from lsgui.review.mmode_transitions import mmode_reach_px
from lsgui.review.state import LoadPhase, ReviewState

_PIECE = 96
"""Frames between two looks at whether the window closes."""


@dataclass(frozen=True, slots=True)
class _Told:
    """How a saving ended: one sentence."""

    sentence: str


@dataclass(frozen=True, slots=True, eq=False)
class MModeExportJob:
    """What is saved, as it stood when it was asked for: a `Job` for a `JobThread`."""

    path: Path
    info: ClipInfo
    store: FrameStore
    roi: PleuralROI
    columns: tuple[float, ...]
    above_px: int
    below_px: int
    mm_per_px: float | None
    calibrated: bool

    def run(self, tell: Tell, cancelled: Cancelled) -> None:
        """Cut, draw and write."""
        import numpy as np

        from lsgui.export.mmode_picture import MModeCut, MModeSheet, save_mmode
        from lsgui.imaging.mmode import straightened_mmode  # these import OpenCV: not before the window is there

        frames = len(self.store)
        cuts = []
        for letter, column in zip("AB", self.columns, strict=False):
            pieces = []
            for start in range(0, frames, _PIECE):
                if cancelled():
                    raise CancelledError
                span = range(start, min(start + _PIECE, frames))
                pieces.append(straightened_mmode(self.store, span, self.roi, column, self.above_px, self.below_px))
            cuts.append(MModeCut(letter, column, np.concatenate(pieces, axis=1)))
        sheet = MModeSheet(
            clip=self.info.path.name,
            cuts=tuple(cuts),
            times_s=self.info.times_s[:frames],
            end_s=self.info.duration_s,
            above_px=self.above_px,
            mm_per_px=self.mm_per_px,
            calibrated=self.calibrated,
            line_source=self.roi.source,
        )
        saved = save_mmode(sheet, self.path)
        tell(_Told(f"Saved {saved[0].name}, with raw greys and scales beside it."))

    def failure(self, sentence: str) -> _Told:
        """Return the event for a fault."""
        return _Told(sentence)


def export_job(state: ReviewState, path: Path) -> MModeExportJob | None:
    """Return the job that saves the M-modes of a state; None while the clip or its line is not there."""
    clip, roi = state.clip, state.roi
    if clip is None or clip.phase is not LoadPhase.COMPLETE or clip.store is None or clip.info is None or roi is None:
        return None
    above, below = mmode_reach_px(clip.mm_per_px, state.mmode_depth)
    columns = (state.mmode_column,) if state.mmode_second is None else (state.mmode_column, state.mmode_second)
    return MModeExportJob(
        path, clip.info, clip.store, roi, columns, above, below, clip.mm_per_px or None, clip.calibrated
    )


class MModeExporter(QObject):
    """Saves one M-mode at a time and tells in a sentence how it ended."""

    ended = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._busy = False
        self._thread = JobThread("mmode-export", self, calm=True)
        self._thread.told.connect(self._on_thread_told)

    def save(self, state: ReviewState, path: Path) -> None:
        """Save the M-modes of a state."""
        job = export_job(state, path)
        if job is None:
            self.ended.emit("There is no M-mode to save: open a clip and mark the pleural line first.")
        elif self._busy:
            self.ended.emit("The M-mode before is still being saved: try again in a moment.")
        else:
            self._busy = True
            self._thread.submit(job)

    def stop(self) -> None:
        """End the thread; what is not written yet is not written."""
        self._thread.close()

    def _on_thread_told(self, event: object) -> None:
        self._busy = False
        if isinstance(event, _Told):
            self.ended.emit(event.sentence)
