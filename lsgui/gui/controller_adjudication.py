"""The controller's adjudication: a mode in which clips with disagreeing raters are settled one after the other."""

from PySide6.QtCore import QObject

from lsgui.core.reading import StatementKind
from lsgui.gui.controller_clips import ClipsPart
from lsgui.gui.controller_readings import ReadingsPart
from lsgui.gui.reading_orders import ReadingFound
from lsgui.gui.state_keeper import StateKeeper
from lsgui.review import adjudication as ad
from lsgui.review import transitions as to
from lsgui.review.state import ReviewState
from lsgui.review.worklist_choice import ListChoice
from lsgui.review.worklist_view import listed


class AdjudicationPart(QObject):
    """Begins and ends the mode, finds the way through its clips, and shows what every rater said of each."""

    def __init__(self, keeper: StateKeeper, clips: ClipsPart, readings: ReadingsPart) -> None:
        super().__init__(keeper)
        self._keeper = keeper
        self._clips = clips
        self._readings = readings
        self._listing = ListChoice()
        """What was listed before the mode."""
        readings.told.connect(self._on_readings_told)
        keeper.stateChanged.connect(self._on_keeper_stateChanged)

    def toggle(self) -> None:
        """Begin to adjudicate, or read on as before."""
        state = self._keeper.state
        if state.adjudication is not None:
            self._keeper.change(lambda s: ad.adjudication_ended(s, self._listing))
            self._readings.look_up_clip()
            return
        if state.sitting > 1:
            self._say("Adjudication settles the first pass: leave the second one first (Ctrl+D).")
            return
        if not ad.disputes(state.worklist)[1]:
            self._say("Raters disagree on no clip of the worklist.")
            return
        self._listing = state.listing
        self._keeper.change(ad.adjudication_begun)
        selected = state.selected
        if selected is not None and ad.disputed(state.worklist[selected]):
            self._readings.look_up_clip()
        else:
            self.go_next()

    def go_next(self) -> None:
        """Turn to the next clip that waits to be settled."""
        state = self._keeper.state
        order = listed(state).order
        after = order.index(state.selected) + 1 if state.selected in order else 0
        around = [index for index in (*order[after:], *order[:after]) if index != state.selected]
        waiting = [index for index in around if ad.disputed(state.worklist[index])]
        unsettled = [index for index in waiting if not state.worklist[index].facts.settled]
        if unsettled:
            self._clips.select(unsettled[0])
            return
        self._readings.look_up_clip()
        self._say("Every other clip on which raters disagree is settled. Ctrl+J reads on as before.")

    def _say(self, sentence: str) -> None:
        self._keeper.change(lambda s: to.notice_set(s, sentence))

    def _on_readings_told(self, event: object) -> None:
        state = self._keeper.state
        if not isinstance(event, ReadingFound) or not event.order.adjudicating or state.clip is None:
            return
        if (event.order.path, event.order.rater) == (state.clip.path, state.rater):
            mark = event.marks.get(StatementKind.ADJUDICATION)
            self._keeper.change(lambda s: ad.reads_found(s, event.reads, event.adjudicated, mark))

    def _on_keeper_stateChanged(self, old: ReviewState, new: ReviewState) -> None:
        if new.adjudication is None:
            return
        if new.sitting > 1:
            self._keeper.change(lambda s: ad.adjudication_ended(s, self._listing))
        elif old.worklist is not new.worklist:
            self._keeper.change(ad.counted)
