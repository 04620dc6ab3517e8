"""The controller's maps on demand: flow as the reader wants it measured, and where the network looked."""

from pathlib import Path

from PySide6.QtCore import QObject

from lsgui.gui.controller_analysis import AnalysisPart
from lsgui.gui.state_keeper import StateKeeper
from lsgui.inference.protocol import FlowChoice
from lsgui.review import map_transitions as maps
from lsgui.review import transitions as to
from lsgui.review.settings import Settings
from lsgui.review.state import AnalysisPhase, MapWork, ReviewState

FOCUS_WORDS = "map of where the network looked"


class MapsPart(QObject):
    """Asks for maps of the clip whose verdict is shown, one at a time, and gives them up when that verdict goes.

    A verdict brings its flow by DIS along; flow by RAFT, or at another step, is made when it is to be seen.
    """

    def __init__(self, keeper: StateKeeper, analysis: AnalysisPart) -> None:
        super().__init__(keeper)
        self._keeper = keeper
        self._analysis = analysis
        self._focus_waits = False
        """True when the focus map was wished for while something else was being made."""
        self._given_up: FlowChoice | None = None
        """The choice whose map was stopped or failed: it is not tried again by itself."""
        keeper.stateChanged.connect(self._on_keeper_stateChanged)
        keeper.settingsChanged.connect(self._on_keeper_settingsChanged)

    def show_focus(self) -> None:
        """Show or hide where the network looked; it is computed when it is first asked for."""
        state = self._keeper.state
        work = state.analysis.map_work
        if "focus" in state.analysis.maps or (work is not None and work.wanted == "focus"):
            shown = state.overlays["focus"].shown and state.overlays_shown
            self._keeper.change(lambda s: to.overlay_switched(s, "focus", not shown))
            return
        running = state.analysis.phase is AnalysisPhase.RUNNING
        reason = why_no_map(state) if not running or state.verdict_hidden else ""
        if reason:
            self._keeper.change(lambda s: to.notice_set(s, reason))
            return
        self._keeper.change(lambda s: to.overlay_switched(s, "focus", True))
        self._focus_waits = True
        self._next()

    def show_flow(self) -> None:
        """Show flow as the reader wants it measured, and make that map where the one at hand was made otherwise."""
        self._given_up = None
        state = self._keeper.state
        reason = why_no_map(state)
        if reason and state.analysis.phase is not AnalysisPhase.RUNNING:
            self._keeper.change(lambda s: to.notice_set(s, reason))
            return
        if not _flow_is_seen(state):
            self._keeper.change(lambda s: to.overlay_switched(s, "flow", True))
        self._next()

    def cancel(self) -> bool:
        """Stop the map that is being made; False where none is."""
        work = self._keeper.state.analysis.map_work
        if work is None:
            return False
        self._focus_waits = False
        self._analysis.cancel_map(work.request_id)
        self._keeper.change(maps.map_stopped)
        return True

    def _next(self) -> None:
        """Ask for the map that is wished for, if one is and it can be made now."""
        state = self._keeper.state
        if why_no_map(state):
            return
        if self._focus_waits:
            self._focus_waits = False
            self._ask_focus(state)
        elif state.flow not in (_flow_at_hand(state), self._given_up) and _flow_is_seen(state):
            waiting = state.analysis.map_work
            self._focus_waits = waiting is not None and waiting.wanted == "focus"  # the newest request wins
            self._analysis.submit_map("flow", f"flow map by {state.flow.method.upper()}")

    def _ask_focus(self, state: ReviewState) -> None:
        prediction = state.analysis.prediction
        if prediction is not None and not prediction.model.sha256:
            sentence = (
                f"The model {prediction.model.id} is no network, so there is nothing it looked at: choose another."
            )
            self._keeper.change(lambda s: to.notice_set(s, sentence))
            return
        self._analysis.submit_map("focus", FOCUS_WORDS)

    def _on_keeper_settingsChanged(self, old: Settings, new: Settings) -> None:
        if old.flow == new.flow:
            return
        self._given_up = None
        weights = new.flow.raft_weights
        if not weights or old.flow.raft_weights == weights or Path(weights).is_file():  # not while a path is typed
            self._next()

    def _on_keeper_stateChanged(self, old: ReviewState, new: ReviewState) -> None:
        before, now = old.analysis, new.analysis
        if _path(old) != _path(new):
            self._forget(before.map_work)
        elif now.map_work is not None and now.stale:
            self.cancel()
        elif now.phase is not before.phase:
            self._given_up = None
            if now.phase is AnalysisPhase.DONE:
                self._next()
            elif now.phase is not AnalysisPhase.RUNNING:
                self._focus_waits = False
        elif before.map_work is not None and now.map_work is None:
            if before.map_work.wanted == "flow" and now.flow != before.map_work.flow:
                self._given_up = before.map_work.flow
            self._next()
        elif new.overlays is not old.overlays and _flow_is_seen(new) and not _flow_is_seen(old):
            self._next()

    def _forget(self, work: MapWork | None) -> None:
        self._focus_waits, self._given_up = False, None
        if work is not None:
            self._analysis.cancel_map(work.request_id)


def why_no_map(state: ReviewState) -> str:
    """Return the sentence that says why no map can be made now, or an empty one."""
    if state.verdict_hidden:
        return "Maps stay hidden until you save your reading."
    if state.analysis.phase is not AnalysisPhase.DONE or state.analysis.prediction is None:
        return "Analyse the clip first (Enter): its maps are made along the same line."
    return "The line was changed: analyse again first (Enter)." if state.analysis.stale else ""


def _flow_at_hand(state: ReviewState) -> FlowChoice:
    """Return how the flow map was measured that is there or on its way."""
    work = state.analysis.map_work
    return work.flow if work is not None and work.wanted == "flow" else state.analysis.flow


def _flow_is_seen(state: ReviewState) -> bool:
    return state.overlays["flow"].shown or state.overlays["flow_arrows"].shown


def _path(state: ReviewState) -> Path | None:
    return None if state.clip is None else state.clip.path
