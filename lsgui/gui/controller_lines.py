"""The controller's pleural line: suggested, drawn, edited, undone, saved."""

import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QObject, Signal

from lsgui.core.atomic_file import write_atomic
from lsgui.core.clip import Clip
from lsgui.core.errors import LsguiError, RoiError
from lsgui.core.pleura import PleuralROI, check_roi_fits, read_roi_file
from lsgui.core.prediction import QualityFlag
from lsgui.gui.controller_clips import ClipsPart
from lsgui.gui.state_keeper import StateKeeper
from lsgui.gui.survey_thread import ClipKnown, ClipSurveyed, LineSearched, SurveyFailed, SurveyJob, SurveyThread
from lsgui.review import transitions as to
from lsgui.review.line_of_reader import Line
from lsgui.review.state import LoadPhase, ReviewState, RoiPhase

log = logging.getLogger(__name__)


class LinesPart(QObject):
    """Owns the survey thread and the selected clip's line."""

    clipKnown = Signal(object)
    """The selected clip's `ClipKnown`: its fingerprint."""
    clipSurveyed = Signal()
    lineEdited = Signal(object, object)
    """(before, after): two `Line`s, where a line was drawn, edited, loaded, suggested or taken away."""
    lineSuggested = Signal()

    def __init__(self, keeper: StateKeeper, clips: ClipsPart) -> None:
        super().__init__(keeper)
        self._keeper = keeper
        self._clips = clips
        self.roi_seconds = 0.0
        self._within: tuple[int, int, int, int] | None = None
        self._thread = SurveyThread(self)
        self._thread.told.connect(self._on_thread_told)
        clips.clipComplete.connect(self._on_clips_clipComplete)
        keeper.stateChanged.connect(self._on_keeper_stateChanged)

    def draw(self, tool: Literal["draw_line", "draw_rectangle"]) -> None:
        """Let the pointer draw; asked again while it does, stop."""
        if self._keeper.state.tool == tool:
            self.stop()
        else:
            self._keeper.change(lambda s: to.drawing_started(s, tool))

    def put_tool_down(self) -> None:
        """The pointer has ended drawing: what it drew, if anything, comes by its own signal."""
        if self._keeper.state.roi_phase is RoiPhase.DRAWING:
            self._keeper.change(to.drawing_stopped)

    def stop(self) -> bool:
        """Stop drawing or searching; False where neither goes on."""
        if self._keeper.state.roi_phase not in (RoiPhase.DRAWING, RoiPhase.SEARCHING):
            return False
        self._keeper.change(to.drawing_stopped)
        return True

    def set_line(self, roi: PleuralROI | None, phase: RoiPhase = RoiPhase.SET) -> None:
        """Put a line in place of the former one; `lineEdited` tells of it."""
        now = self._now()
        if roi is now[0]:
            self._keeper.change(to.drawing_stopped)
            return
        after: Line = (roi, phase if roi is not None else RoiPhase.NONE)
        self.put_line(after)
        self.lineEdited.emit(now, after)

    def put_line(self, line: Line) -> None:
        """Show a line that was there before, or was looked up: no edit."""
        self._keeper.change(lambda s: to.notice_set(to.line_set(s, *line), ""))

    def remove_keyframe(self) -> None:
        """Take away the key frame at the current frame, or the whole line where it has but one."""
        state = self._keeper.state
        if state.roi is None:
            return
        frame = state.playback.frame
        if len(state.roi.keyframes) == 1:
            self.set_line(None)
        elif any(k == frame for k, _ in state.roi.keyframes):
            self.set_line(state.roi.without_keyframe(frame))
        else:
            sentence = "There is no key frame here: the line is followed from its neighbours."
            self._keeper.change(lambda s: to.notice_set(s, sentence))

    def suggest(self, within: tuple[int, int, int, int] | None = None) -> None:
        """Look for the pleural line, in a box (x, y, width, height) where one is given."""
        clip = self._clips.clip
        if clip is None:
            return
        self._within = within
        self._keeper.change(to.line_searching)
        self._look_at(clip, survey=self._unsurveyed(), suggest=True, within=within)

    def load_file(self, path: Path) -> None:
        """Read a line from a file.

        Raises
        ------
        RoiError
            When the file holds no line, or one that does not fit the clip.
        """
        clip = self._keeper.state.clip
        if clip is None or clip.info is None:
            raise RoiError(f"{path.name} is a pleural line: open its clip first.")
        roi = read_roi_file(path, clip.path.name)
        check_roi_fits(roi, clip.info.width, clip.info.height, path.name)
        self.set_line(roi)

    def save_file(self, path: Path) -> None:
        """Write the line to a file, in one step.

        Raises
        ------
        LsguiError
            When the file cannot be written.
        """
        roi = self._keeper.state.roi
        if roi is None:
            raise RoiError("There is no pleural line to save: draw it (R).")
        try:
            write_atomic(path, (json.dumps(roi.to_json(), indent=1) + "\n").encode("utf-8"))
        except OSError as fault:
            raise LsguiError(f"{path.name} cannot be written ({fault.strerror}): choose another folder.") from fault

    def close(self) -> None:
        """End the thread."""
        self._thread.close()

    def _look_at(
        self, clip: Clip, *, survey: bool, suggest: bool, within: tuple[int, int, int, int] | None = None
    ) -> None:
        colour = self._keeper.settings.colour
        self._thread.submit(SurveyJob(clip, self._clips.process, colour, survey, suggest, within))

    def _now(self) -> Line:
        state = self._keeper.state
        phase = state.roi_phase
        return state.roi, phase if phase in (RoiPhase.SET, RoiPhase.SUGGESTED) else to.resting_phase(state.roi)

    def _unsurveyed(self) -> bool:
        clip = self._keeper.state.clip
        return clip is not None and clip.mm_per_px is None

    def _on_clips_clipComplete(self, clip: Clip) -> None:
        state = self._keeper.state
        suggest = self._keeper.settings.suggest_on_open and state.roi is None and state.roi_phase is RoiPhase.NONE
        if suggest:
            self._keeper.change(to.line_searching)
        self._within = None
        self._look_at(clip, survey=True, suggest=suggest)

    def _on_keeper_stateChanged(self, old: ReviewState, new: ReviewState) -> None:
        if old.clip is not None and (new.clip is None or new.clip.path != old.clip.path):
            self._thread.stop_job()

    def _on_thread_told(self, event: object) -> None:
        clip = self._keeper.state.clip
        if clip is None or clip.phase is not LoadPhase.COMPLETE or getattr(event, "path", None) != clip.path:
            return
        if isinstance(event, ClipKnown):
            self.clipKnown.emit(event)
        elif isinstance(event, ClipSurveyed):
            self._keeper.change(lambda s: to.clip_surveyed(s, event.quality, event.mm_per_px, event.calibrated))
            self.clipSurveyed.emit()
        elif isinstance(event, LineSearched):
            self._take_suggestion(event)
        elif isinstance(event, SurveyFailed):
            self._keeper.change(lambda s: to.notice_set(to.drawing_stopped(s), event.sentence))

    def _take_suggestion(self, event: LineSearched) -> None:
        if self._keeper.state.roi_phase is not RoiPhase.SEARCHING:
            return  # the reader drew or stopped meanwhile
        self.roi_seconds = event.seconds
        if event.roi is not None:
            self.set_line(event.roi, RoiPhase.SUGGESTED)
            self.lineSuggested.emit()
            return
        roi = self._keeper.state.roi
        phase = RoiPhase.NOT_FOUND if roi is None else to.resting_phase(roi)
        where = "in the rectangle" if self._within is not None else "in this clip"
        sentence = f"No pleural line was found {where}: draw it (R)."
        if self._keeper.state.no_lung_is_said:
            sentence = QualityFlag.NOT_LUNG.sentence
        self._keeper.change(lambda s: to.notice_set(replace(s, roi_phase=phase), sentence))
