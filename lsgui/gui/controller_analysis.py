"""The controller's analysis: one request at a time, the newest wins, none lands on another clip."""

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QObject

from lsgui.gui.controller_clips import ClipsPart
from lsgui.gui.controller_lines import LinesPart
from lsgui.gui.inference_thread import InferenceThread, Order
from lsgui.gui.state_keeper import StateKeeper
from lsgui.inference.protocol import Cancelled, InferenceSession, WorkerReady, WorkerRestarting, WorkerStopped
from lsgui.review import analysis_transitions as an
from lsgui.review import map_transitions as maps
from lsgui.review import transitions as to
from lsgui.review.log_file import clip_tag
from lsgui.review.state import AnalysisPhase, LoadPhase, ReviewState, RoiPhase

log = logging.getLogger(__name__)


class AnalysisPart(QObject):
    """Sends requests to the inference thread and lets its events change the state."""

    def __init__(
        self,
        keeper: StateKeeper,
        clips: ClipsPart,
        lines: LinesPart,
        make_session: Callable[[], InferenceSession],
    ) -> None:
        super().__init__(keeper)
        self._keeper = keeper
        self._clips = clips
        self._lines = lines
        self._thread = InferenceThread(make_session, self)
        self._thread.eventArrived.connect(self._on_thread_eventArrived)
        self._last_id = 0
        self._path: Path | None = None
        self._asked: Order | None = None
        """The last order for a verdict."""
        self._waiting = False
        self._reason = ""
        """Why the last wish for a verdict could not be met."""
        keeper.stateChanged.connect(self._on_keeper_stateChanged)
        lines.clipSurveyed.connect(self._on_lines_clipSurveyed)
        lines.lineSuggested.connect(self._on_lines_lineSuggested)

    def start_worker(self) -> None:
        """Start the worker, so that it is warm when the line is drawn."""
        if not self._thread.isRunning():
            self._thread.start()

    def analyse(self) -> None:
        """Ask for the verdict on the selected clip."""
        state = self._keeper.state
        reason = why_not(state)
        if reason:
            self._reason = reason
            self._keeper.change(lambda s: to.notice_set(s, reason))
            return
        if state.notice == self._reason:
            self._keeper.change(lambda s: to.notice_set(s, ""))
        if state.clip is not None and state.clip.mm_per_px is None:
            self._waiting = True  # the scale comes in a moment, and the request needs it
            return
        self._submit(state)

    def cancel(self) -> bool:
        """Stop the analysis; False where none runs."""
        self._waiting = False
        analysis = self._keeper.state.analysis
        if analysis.phase is not AnalysisPhase.RUNNING:
            return False
        self._thread.cancel(analysis.request_id)
        self._keeper.change(an.analysis_stopped)
        return True

    def submit_map(self, wanted: Literal["flow", "focus"], words: str) -> None:
        """Ask for one map of the clip whose verdict is shown, along the line and with the model of that verdict."""
        asked, state = self._asked, self._keeper.state
        if asked is None or state.analysis.prediction is None:
            return
        self._last_id += 1
        order = replace(asked, id=self._last_id, wanted=wanted, flow=state.flow, device=state.device)
        self._keeper.change(lambda s: maps.map_started(s, wanted, order.id, words))
        log.info("map %d: %s", order.id, words)
        self.start_worker()
        self._thread.submit(order)

    def cancel_map(self, request_id: int) -> None:
        """Stop a request for a map."""
        self._thread.cancel(request_id)

    @property
    def asked(self) -> Order | None:
        """The last order for a verdict."""
        return self._asked

    def close(self) -> None:
        """End the worker and the thread."""
        if self._thread.isRunning():
            self._thread.close()

    def _submit(self, state: ReviewState) -> None:
        clip, loaded, roi = self._clips.clip, state.clip, state.roi
        if clip is None or loaded is None or roi is None or loaded.mm_per_px is None:
            return
        self._waiting = False
        self._last_id += 1
        self._path = loaded.path
        order = Order(
            id=self._last_id,
            clip=clip,
            roi=roi,
            model_id=state.model_id,
            device=state.device,
            mm_per_px=loaded.mm_per_px,
            calibrated=loaded.calibrated,
            quality=loaded.quality,
            seconds={"read": self._clips.read_seconds, "roi": self._lines.roi_seconds},
            flow=state.flow,
        )
        self._asked = order
        self._keeper.change(lambda s: an.analysis_started(s, order.id))
        log.info("analysis %d of %s with %s", order.id, clip_tag(loaded.path), order.model_id)
        self.start_worker()
        self._thread.submit(order)

    def _on_lines_clipSurveyed(self) -> None:
        if self._waiting:
            self.analyse()

    def _on_lines_lineSuggested(self) -> None:
        if self._keeper.settings.analyse_on_suggest:
            self.analyse()

    def _on_keeper_stateChanged(self, old: ReviewState, new: ReviewState) -> None:
        """Give up the running request when its clip is left or its line is changed."""
        before, now = old.analysis, new.analysis
        if _path(old) != _path(new):
            self._waiting = False
            if before.phase is AnalysisPhase.RUNNING:
                self._thread.cancel(before.request_id)
        elif now.phase is AnalysisPhase.RUNNING and new.roi is not now.roi:
            self.cancel()

    def _on_thread_eventArrived(self, event: object) -> None:
        if isinstance(event, WorkerReady | WorkerRestarting | WorkerStopped):
            log.info("worker: %s", type(event).__name__)
            self._keeper.change(lambda s: an.worker_event(s, event))
        elif self._path == _path(self._keeper.state):
            if isinstance(event, Cancelled):
                log.info("analysis %d stopped", event.id)
            self._keeper.change(lambda s: an.request_event(s, event))  # type: ignore[arg-type]  # a request's event


def why_not(state: ReviewState) -> str:
    """Return the sentence that says why no analysis can start now, or an empty one."""
    clip = state.clip
    if clip is None or clip.phase in (LoadPhase.EMPTY, LoadPhase.FAILED):
        return "Open a clip first (Ctrl+O)."
    if clip.phase is not LoadPhase.COMPLETE:
        return "The clip is still being read: press Enter again when it is complete."
    if state.roi_phase is RoiPhase.SEARCHING:
        return "The pleural line is still being looked for: wait a moment, or draw it (R)."
    if state.roi is None:
        return "Mark the pleural line first: draw it (R) or let it be suggested (Shift+R)."
    return ""


def _path(state: ReviewState) -> Path | None:
    return None if state.clip is None else state.clip.path
