"""The time axis that seek bar, ribbon and M-mode share: one moment lies at one place in all three."""

from dataclasses import dataclass

from lsgui.review.playback import Timeline
from lsgui.review.state import LoadPhase, ReviewState

BAR_INSET = 7.0
"""Points from the edge of the player bar's widgets to time 0: half of the seek bar's handle."""
ROOM_INSET = 12.0 + BAR_INSET
"""The same from the edge of the room: the player bar's margin comes on top."""


@dataclass(frozen=True, slots=True, eq=False)
class TimeAxis:
    """From moments and frames of the clip to horizontal positions."""

    timeline: Timeline
    left: float
    right: float

    def x_of_time(self, time_s: float) -> float:
        """Return the position of a moment."""
        return self.left + (self.right - self.left) * time_s / max(self.timeline.end_s, 1e-9)

    def x_of_frame(self, frame: int) -> float:
        """Return where a frame begins; the frame after the last begins at the right end."""
        return self.x_of_time(self.timeline.start_of(frame))

    def frame_at(self, x: float) -> int:
        """Return the frame that is on screen at the moment under a position, held within those that are decoded."""
        fraction = min(max((x - self.left) / max(self.right - self.left, 1.0), 0.0), 1.0)
        return min(self.timeline.frame_at(fraction * self.timeline.end_s), self.timeline.last)


def timeline_of(state: ReviewState) -> Timeline | None:
    """Return the timeline of the selected clip, or None while it has no frame."""
    clip = state.clip
    if clip is None or clip.info is None or clip.frames_ready == 0:
        return None
    return Timeline.of(clip.info, clip.frames_ready, complete=clip.phase is LoadPhase.COMPLETE)
