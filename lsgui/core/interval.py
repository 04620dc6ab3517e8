"""An interval that a reader marked in a clip: a clip may hold both classes."""

from dataclasses import dataclass

from lsgui.core.label import ReaderLabel


@dataclass(frozen=True, slots=True)
class IntervalMark:
    """Frames `start` up to, not including, `stop`.

    Attributes
    ----------
    id
        Its own name, by which its end and its withdrawal find it.
    stop
        None while only the start is marked.
    label
        What the reader says of these frames; None for a mark without an answer.
    """

    id: str
    start: int
    stop: int | None = None
    label: ReaderLabel | None = None

    def __post_init__(self) -> None:
        if self.start < 0 or (self.stop is not None and self.stop <= self.start):
            raise ValueError(f"an interval holds at least one frame, not {self.start} to {self.stop}")

    def ended(self, frame: int, label: ReaderLabel | None) -> "IntervalMark":
        """Return the interval from its start to `frame`, both within it; a frame before the start becomes the start."""
        return IntervalMark(self.id, min(self.start, frame), max(self.start, frame) + 1, label)
