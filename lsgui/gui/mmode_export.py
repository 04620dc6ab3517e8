"""Saving the M-mode: cut anew over the whole clip under its mask, and written while the clip plays on."""

from dataclasses import dataclass
from pathlib import Path

from lsgui.core.errors import CancelledError, LsguiError
from lsgui.core.late_imports import load
from lsgui.gui.export_task import Cleared, ExportEnd, ExportSubject, Progress
from lsgui.gui.job_thread import Cancelled

_PIECE = 96
"""Frames between two looks at whether to stop."""


@dataclass(frozen=True, slots=True, eq=False)
class MModeTask:
    """The M-modes of a clip, as an `ExportTask`; `path` is where the picture goes."""

    subject: ExportSubject
    path: Path
    needs_mask: bool = True

    def carry_out(self, cleared: Cleared, tell: Progress, cancelled: Cancelled) -> ExportEnd:
        """Cut, draw and write."""
        load("lsgui.export.mask", "lsgui.export.mmode_picture", "lsgui.imaging.mmode")
        import numpy as np

        from lsgui.export.mask import masked_clip  # these import OpenCV: not before the window is there
        from lsgui.export.mmode_picture import MModeCut, MModeSheet, save_mmode
        from lsgui.export.stamp import Stamp
        from lsgui.imaging.mmode import straightened_mmode

        subject, roi = self.subject, self.subject.roi
        if roi is None or cleared.mask is None:
            raise LsguiError("There is no M-mode to save: open a clip and mark the pleural line first.")
        clip = masked_clip(subject.clip, cleared.mask)
        cuts = []
        for letter, column in zip("AB", subject.columns, strict=False):
            pieces = []
            for start in range(0, len(clip), _PIECE):
                if cancelled():
                    raise CancelledError
                tell("M-mode", start / len(clip))
                span = range(start, min(start + _PIECE, len(clip)))
                pieces.append(straightened_mmode(clip.store, span, roi, column, *subject.reach_px))
            cuts.append(MModeCut(letter, column, np.concatenate(pieces, axis=1)))
        stamp = Stamp.now(cleared.content_hash)
        sheet = MModeSheet(
            clip=f"Clip {stamp.clip_id}",
            cuts=tuple(cuts),
            times_s=clip.info.times_s[: len(clip)],
            end_s=clip.info.duration_s,
            above_px=subject.reach_px[0],
            mm_per_px=subject.mm_per_px,
            calibrated=subject.calibrated,
            line_source=roi.source,
            stamp=stamp.line,
        )
        saved = save_mmode(sheet, self.path)
        return ExportEnd(f"Saved {saved[0].name}, with raw greys and scales beside it.", self.path.parent)
