"""The controller's analysis: one request at a time, the newest wins, none lands on another clip."""

import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QObject

from lsgui.core.clip import Clip
from lsgui.core.pleura import PleuralROI
from lsgui.gui.controller_clips import KEPT_CLIPS, ClipsPart
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
        self._models: OrderedDict[Path, str] = OrderedDict()
        """Which model gave the verdict of a clip; the clip itself is not kept: its frames are most of the memory."""
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
        self._waiting = is_soon(state)  # a wish that comes early is met as soon as it can be
        if reason:
            self._reason = reason
            self._keeper.change(lambda s: to.notice_set(s, reason))
            return
        if state.notice == self._reason:
            self._keeper.change(lambda s: to.notice_set(s, ""))
        if not self._waiting:
            self._submit(state)

    def cancel(self) -> bool:
        """Stop the analysis, or take the wish for one back; False where there is neither."""
        wished, self._waiting = self._waiting, False
        analysis = self._keeper.state.analysis
        if analysis.phase is not AnalysisPhase.RUNNING:
            if wished and self._keeper.state.notice == self._reason:
                self._keeper.change(lambda s: to.notice_set(s, ""))
            return wished
        self._thread.cancel(analysis.request_id)
        self._keeper.change(an.analysis_stopped)
        return True

    def submit_map(self, wanted: Literal["flow", "focus"], words: str) -> None:
        """Ask for one map of the clip whose verdict is shown, along the line and with the model of that verdict."""
        state = self._keeper.state
        clip, loaded, analysis = self._clips.clip, state.clip, state.analysis
        if loaded is None or analysis.prediction is None or analysis.roi is None:
            return
        if clip is None or loaded.mm_per_px is None:  # the reader came back to it just now
            sentence = "The clip is still being read: ask for its map again when it is complete."
            self._keeper.change(lambda s: to.notice_set(s, sentence))
            return
        order = self._order(state, clip, analysis.roi, loaded.mm_per_px)
        order = replace(order, model_id=self._models.get(loaded.path, state.model_id), wanted=wanted)
        self._keeper.change(lambda s: maps.map_started(s, wanted, order.id, words))
        log.info("map %d: %s", order.id, words)
        self.start_worker()
        self._thread.submit(order)

    def cancel_map(self, request_id: int) -> None:
        """Stop a request for a map."""
        self._thread.cancel(request_id)

    def close(self) -> None:
        """End the worker and the thread."""
        if self._thread.isRunning():
            self._thread.close()

    def _submit(self, state: ReviewState) -> None:
        clip, loaded, roi = self._clips.clip, state.clip, state.roi
        if clip is None or loaded is None or roi is None or loaded.mm_per_px is None:
            return
        self._waiting = False
        order = self._order(state, clip, roi, loaded.mm_per_px)
        self._models[loaded.path] = order.model_id
        self._models.move_to_end(loaded.path)
        while len(self._models) > KEPT_CLIPS:
            self._models.popitem(last=False)
        self._keeper.change(lambda s: an.analysis_started(s, order.id))
        log.info("analysis %d of %s with %s", order.id, clip_tag(loaded.path), order.model_id)
        self.start_worker()
        self._thread.submit(order)

    def _order(self, state: ReviewState, clip: Clip, roi: PleuralROI, mm_per_px: float) -> Order:
        """Return an order for a verdict on the selected clip, with the next id."""
        loaded = state.clip
        self._last_id += 1
        self._path = _path(state)
        return Order(
            id=self._last_id,
            clip=clip,
            roi=roi,
            model_id=state.model_id,
            device=state.device,
            mm_per_px=mm_per_px,
            calibrated=loaded is not None and loaded.calibrated,
            quality=() if loaded is None else loaded.quality,
            seconds={"read": self._clips.read_seconds, "roi": self._lines.roi_seconds},
            flow=state.flow,
        )

    def _on_lines_clipSurveyed(self) -> None:
        if self._waiting:
            self.analyse()

    def _on_lines_lineSuggested(self) -> None:
        if self._waiting or self._keeper.settings.analyse_on_suggest:
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
        elif new.roi is not old.roi and new.roi_phase is RoiPhase.SET and not is_soon(new):
            self._waiting = False  # the reader drew a line after all: the wish was for the one that was looked for

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
        return "The clip is still being read: the analysis starts when it is complete (Esc: not)."
    if state.roi_phase is RoiPhase.SEARCHING:
        return "The pleural line is still being looked for: the analysis starts when it is found (Esc: not)."
    if state.roi is None:
        return "Mark the pleural line first: draw it (R) or let it be suggested (Shift+R)."
    return ""


def is_soon(state: ReviewState) -> bool:
    """Tell whether what an analysis needs is on its way: the clip's end, its scale, or a line that is looked for."""
    clip = state.clip
    if clip is None or clip.phase in (LoadPhase.EMPTY, LoadPhase.FAILED):
        return False
    return clip.mm_per_px is None or state.roi_phase is RoiPhase.SEARCHING


def _path(state: ReviewState) -> Path | None:
    return None if state.clip is None else state.clip.path
