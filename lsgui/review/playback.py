"""Which frame is due: elapsed time in, frame out. No timers, no screen."""

from dataclasses import dataclass, replace

import numpy as np

from lsgui.core.clip import ClipInfo, Times
from lsgui.review.state import LoopMode, Playback

_EDGE_S = 1e-9
"""Moments this close to a frame's start count as reached: sums of floats end a hair before it."""


@dataclass(frozen=True, slots=True, eq=False)
class Timeline:
    """When each frame of a clip begins, in seconds, and when the last one ends.

    `ready` frames are decoded; a clock never goes past them. While `complete` is False it waits at the last of them
    instead of going round.
    """

    starts: Times
    end_s: float
    ready: int
    complete: bool

    @classmethod
    def of(cls, info: ClipInfo, ready: int, *, complete: bool) -> "Timeline":
        """Return the timeline of a clip of which `ready` frames are decoded."""
        starts = info.times_s
        if len(starts) < ready:  # the container promised fewer frames than it held
            extra = np.arange(1, ready - len(starts) + 1) / info.fps
            starts = np.concatenate([starts, (starts[-1] if len(starts) else -1.0 / info.fps) + extra])
        end_s = float(starts[-1]) + 1.0 / info.fps if len(starts) else 0.0
        return cls(starts, end_s, ready, complete)

    @property
    def last(self) -> int:
        """The last frame that can be shown."""
        return max(self.ready - 1, 0)

    def start_of(self, frame: int) -> float:
        """Return when a frame begins; the frame after the last begins at the end."""
        return float(self.starts[frame]) if frame < len(self.starts) else self.end_s

    def frame_at(self, time_s: float) -> int:
        """Return the frame that is on screen at a moment."""
        return max(int(np.searchsorted(self.starts, time_s + _EDGE_S, side="right")) - 1, 0)


def stretch(playback: Playback, timeline: Timeline) -> tuple[int, int]:
    """Return the first and last frame that play: between the A-B marks where both are set, else all that is ready."""
    first, last = 0, timeline.last
    if playback.mark_a is not None:
        first = min(playback.mark_a, last)
    if playback.mark_b is not None:
        last = min(max(playback.mark_b, first), last)
    return first, last


@dataclass(frozen=True, slots=True)
class PlaybackClock:
    """A moment of the clip, and which way it runs.

    Attributes
    ----------
    time_s
        Moment of the clip in seconds.
    direction
        1 forwards, -1 backwards; a sweep turns it.
    ended
        True once a clip that plays once has come to its end.
    """

    time_s: float = 0.0
    direction: int = 1
    ended: bool = False

    @classmethod
    def at_frame(cls, frame: int, timeline: Timeline, direction: int = 1) -> "PlaybackClock":
        """Return the clock at the start of a frame, or at its end when it runs backwards."""
        at = timeline.start_of(frame) if direction > 0 else timeline.start_of(frame + 1)
        return cls(at, direction)

    def advance(self, elapsed_s: float, playback: Playback, timeline: Timeline) -> "PlaybackClock":
        """Return the clock `elapsed_s` seconds later, at the speed and in the loop mode of `playback`."""
        first, last = stretch(playback, timeline)
        begin, end = timeline.start_of(first), timeline.start_of(last + 1)
        length = end - begin
        if length <= 0 or elapsed_s <= 0:
            return self
        offset = min(max(self.time_s - begin, 0.0), length)
        step = elapsed_s * playback.speed
        if not timeline.complete and self.direction > 0:
            return replace(self, time_s=begin + min(offset + step, length), ended=False)
        if playback.loop is LoopMode.LOOP:
            return self._looped(begin, length, offset, step)
        if playback.loop is LoopMode.SWEEP:
            return self._swept(begin, length, offset, step)
        target = offset + self.direction * step
        return replace(self, time_s=begin + min(max(target, 0.0), length), ended=not 0.0 < target < length)

    def _looped(self, begin: float, length: float, offset: float, step: float) -> "PlaybackClock":
        position = (offset + self.direction * step) % length
        if self.direction < 0 and position == 0.0:
            position = length
        return replace(self, time_s=begin + position, ended=False)

    def _swept(self, begin: float, length: float, offset: float, step: float) -> "PlaybackClock":
        there_and_back = (offset if self.direction > 0 else 2.0 * length - offset) + step
        there_and_back %= 2.0 * length
        if there_and_back < length:
            return PlaybackClock(begin + there_and_back, 1)
        return PlaybackClock(begin + 2.0 * length - there_and_back, -1)

    def frame(self, playback: Playback, timeline: Timeline) -> int:
        """Return the frame that is due."""
        first, last = stretch(playback, timeline)
        time_s = self.time_s if self.direction > 0 else self.time_s - 2.0 * _EDGE_S
        return min(max(timeline.frame_at(time_s), first), last)

    def until_next_s(self, playback: Playback, timeline: Timeline) -> float:
        """Return the seconds until another frame is due at this speed."""
        frame = self.frame(playback, timeline)
        edge = timeline.start_of(frame + 1) if self.direction > 0 else timeline.start_of(frame)
        return max(abs(edge - self.time_s), 0.0) / playback.speed
