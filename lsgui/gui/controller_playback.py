"""The controller's player: shows each frame when it is due."""

import math
import time

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtGui import QGuiApplication

from lsgui.gui.state_keeper import StateKeeper
from lsgui.review import transitions as to
from lsgui.review.playback import PlaybackClock, Timeline
from lsgui.review.state import LoadPhase, ReviewState

_LATEST_S = 1.0
"""A wake-up later than this is no late frame: the machine slept, or the program was halted."""


class PlaybackPart(QObject):
    """Advances the clock by elapsed time and wakes at the start of the next frame, at most once a screen refresh.

    A late wake-up shows the frame that is due, so playing keeps the clip's own time whatever else the machine does.
    After a sleep of the machine the clip goes on where it stood: nobody saw what would have been due meanwhile.
    """

    def __init__(self, keeper: StateKeeper) -> None:
        super().__init__(keeper)
        self._keeper = keeper
        self._clock = PlaybackClock()
        self._timeline: Timeline | None = None
        self._since = 0.0
        self._planned = 0.0
        """When the next frame is due at the earliest."""
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._on_timer_timeout)
        keeper.stateChanged.connect(self._on_keeper_stateChanged)

    def _on_keeper_stateChanged(self, old: ReviewState, new: ReviewState) -> None:
        if new.clip is not old.clip:
            self._timeline = _timeline_of(new)
        if self._timeline is None:
            self._timer.stop()
            return
        playback = new.playback
        if playback.direction != self._clock.direction:
            self._clock = PlaybackClock(self._clock.time_s, playback.direction)
        if playback.frame != self._clock.frame(playback, self._timeline) or _path(new) != _path(old):
            self._clock = PlaybackClock.at_frame(playback.frame, self._timeline, playback.direction)
        if playback.playing and not self._timer.isActive():
            self._since = self._planned = time.perf_counter()
            self._wake_at_next_frame()
        elif not playback.playing:
            self._timer.stop()

    def _on_timer_timeout(self) -> None:
        state, timeline = self._keeper.state, self._timeline
        if timeline is None or not state.playback.playing:
            return
        now = time.perf_counter()
        late = now - self._planned
        elapsed, self._since = now - self._since - (late if late > _LATEST_S else 0.0), now
        self._clock = self._clock.advance(elapsed, state.playback, timeline)
        frame = self._clock.frame(state.playback, timeline)
        self._wake_at_next_frame()
        self._keeper.change(lambda s: to.frame_shown(s, frame, self._clock.direction))
        if self._clock.ended:
            self._keeper.change(lambda s: to.playing_set(s, False))

    def _wake_at_next_frame(self) -> None:
        if self._timeline is None:
            return
        due_s = self._since + self._clock.until_next_s(self._keeper.state.playback, self._timeline)
        # Counted from when the last frame was due, not from when it came: a late one is not followed by late ones.
        self._planned = max(due_s, min(self._planned, self._since) + _refresh_s())
        self._timer.start(max(math.ceil((self._planned - time.perf_counter()) * 1000.0), 0))


def _timeline_of(state: ReviewState) -> Timeline | None:
    clip = state.clip
    if clip is None or clip.info is None or clip.frames_ready == 0:
        return None
    return Timeline.of(clip.info, clip.frames_ready, complete=clip.phase is LoadPhase.COMPLETE)


def _path(state: ReviewState) -> object:
    return None if state.clip is None else state.clip.path


def _refresh_s() -> float:
    """Return the seconds between two pictures of the screen, a little less: a clip of the same rate is not held up."""
    screen = QGuiApplication.primaryScreen()
    rate = screen.refreshRate() if screen is not None else 60.0
    return 0.97 / min(rate, 250.0) if rate >= 20.0 else 0.016
