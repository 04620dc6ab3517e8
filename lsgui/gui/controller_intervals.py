"""The controller's intervals: the I key marks where a class begins and ends; every press is saved."""

import uuid

from PySide6.QtCore import QObject

from lsgui.core.interval import IntervalMark
from lsgui.gui.controller_labels import LabelsPart
from lsgui.gui.state_keeper import StateKeeper
from lsgui.review import interval_transitions as iv


class IntervalsPart(QObject):
    """Marks intervals of the selected clip, as the reader's labels are given."""

    def __init__(self, keeper: StateKeeper, labels: LabelsPart) -> None:
        super().__init__(keeper)
        self._keeper = keeper
        self._labels = labels

    def mark(self) -> None:
        """Mark a start at the current frame, or the end of the interval that is begun."""
        state = self._keeper.state
        if state.clip is None or state.clip.frames_ready == 0:
            return
        begun, frame, label = iv.half_open(state), state.playback.frame, state.reading.label
        if begun is None:
            self._labels.mark_interval(None, IntervalMark(uuid.uuid4().hex, frame, None, label))
        else:
            self._labels.mark_interval(begun, begun.ended(frame, label))

    def drop_half(self) -> bool:
        """Withdraw the interval that has no end yet; False where there is none."""
        begun = iv.half_open(self._keeper.state)
        if begun is not None:
            self._labels.mark_interval(begun, None)
        return begun is not None
