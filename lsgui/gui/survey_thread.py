"""Looks at a decoded clip, in its reading process: fingerprint, quality, scale, and a first pleural line."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QObject

from lsgui.core.clip import Clip
from lsgui.core.pleura import PleuralROI
from lsgui.core.prediction import QualityFlag
from lsgui.gui.job_thread import Cancelled, JobThread, Tell
from lsgui.gui.reading_lane import ReadingLane


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
    """Look at one decoded clip, in the reading process that decoded it.

    Attributes
    ----------
    clip
        The clip.
    lane
        That process; one that has ended meanwhile decodes the clip once more.
    colour
        How its samples were taken.
    survey
        Fingerprint, flags and scale; False where they are known and only a line is wanted.
    suggest
        Look for the pleural line.
    within
        Look only in this box (x, y, width, height).
    """

    clip: Clip
    lane: ReadingLane
    colour: Literal["auto", "rgb", "ybr"] = "auto"
    survey: bool = True
    suggest: bool = True
    within: tuple[int, int, int, int] | None = None

    def run(self, tell: Tell, cancelled: Cancelled) -> None:
        """Tell what is seen as it is seen."""
        from lsgui.decoding.messages import DecodeClip, LookAtClip
        from lsgui.readers.frame_store import DEFAULT_BUDGET_BYTES

        path = self.clip.info.path
        asked = DecodeClip(path, self.colour, DEFAULT_BUDGET_BYTES)
        request = LookAtClip(asked, self.survey, self.suggest, self.within)
        self.lane.get().ask(path, request, lambda reply: _pass_on(path, reply, tell), cancelled)

    def failure(self, sentence: str) -> SurveyFailed:
        """Return the event for a survey that failed."""
        return SurveyFailed(self.clip.info.path, sentence)


def _pass_on(path: Path, reply: object, tell: Tell) -> None:
    from lsgui.decoding.messages import Known, LineFound, NotKnown, Surveyed

    if isinstance(reply, Known):
        tell(ClipKnown(path, reply.content_hash))
    elif isinstance(reply, NotKnown):
        tell(SurveyFailed(path, reply.sentence))
    elif isinstance(reply, Surveyed):
        tell(ClipSurveyed(path, reply.quality, reply.mm_per_px, reply.calibrated))
    elif isinstance(reply, LineFound):
        tell(LineSearched(path, reply.roi, reply.seconds))


class SurveyThread(JobThread):
    """Looks at the clip that was opened last."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__("survey", parent, calm=True)
