"""Looks at a decoded clip in a thread: fingerprint, quality, scale, and a first pleural line."""

import time
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject

from lsgui.core.clip import Clip
from lsgui.core.errors import LsguiError
from lsgui.core.late_imports import load
from lsgui.core.pleura import PleuralROI
from lsgui.core.prediction import QualityFlag
from lsgui.gui.job_thread import Cancelled, JobThread, Tell


@dataclass(frozen=True, slots=True)
class ClipKnown:
    """The fingerprint (SHA-256) of the clip's content, under which labels are kept."""

    path: Path
    content_hash: str


@dataclass(frozen=True, slots=True, eq=False)
class ClipSurveyed:
    """Quality flags and scale, seen without weights."""

    path: Path
    quality: tuple[QualityFlag, ...]
    mm_per_px: float | None
    calibrated: bool


@dataclass(frozen=True, slots=True, eq=False)
class LineSearched:
    """The pleural line that was found, or None; `seconds` is the time that the search took."""

    path: Path
    roi: PleuralROI | None
    seconds: float


@dataclass(frozen=True, slots=True)
class SurveyFailed:
    """The clip plays, but something could not be seen of it: one sentence."""

    path: Path
    sentence: str


@dataclass(frozen=True, slots=True, eq=False)
class SurveyJob:
    """Look at one decoded clip.

    Attributes
    ----------
    clip
        The clip.
    survey
        Fingerprint, flags and scale; False where they are known and only a line is wanted.
    suggest
        Look for the pleural line.
    within
        Look only in this box (x, y, width, height).
    """

    clip: Clip
    survey: bool = True
    suggest: bool = True
    within: tuple[int, int, int, int] | None = None

    def run(self, tell: Tell, cancelled: Cancelled) -> None:
        """Tell what is seen as it is seen."""
        load("lsgui.imaging.pleura_finder", "lsgui.imaging.quality", calm=True)
        from lsgui.annotation.content_hash import content_hash
        from lsgui.imaging.pleura_finder import find_pleura  # here: they load OpenCV and scipy
        from lsgui.imaging.quality import clip_flags
        from lsgui.imaging.scan_area import find_scan_area, picture_scale

        path = self.clip.info.path
        if self.survey:
            try:
                tell(ClipKnown(path, content_hash(path, cancelled)))
            except LsguiError as fault:
                tell(SurveyFailed(path, str(fault)))
        area = find_scan_area(self.clip)
        scale = picture_scale(self.clip.info, area)
        if self.survey:
            tell(ClipSurveyed(path, clip_flags(self.clip), scale.mm_per_px, scale.calibrated))
        if self.suggest and not cancelled():
            began = time.perf_counter()
            roi = find_pleura(self.clip, area, scale, within=self.within, cancelled=cancelled)
            tell(LineSearched(path, roi, time.perf_counter() - began))

    def failure(self, sentence: str) -> SurveyFailed:
        """Return the event for a survey that failed."""
        return SurveyFailed(self.clip.info.path, sentence)


class SurveyThread(JobThread):
    """Looks at the clip that was opened last."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__("survey", parent, calm=True)
