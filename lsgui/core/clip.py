"""A clip: what the file says of it, and its frames."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

Frame = npt.NDArray[np.uint8]
"""One greyscale picture, (height, width) uint8, read-only."""

Times = npt.NDArray[np.float64]
"""The moment of every frame in seconds from the first, (frames,) float64, rising."""


@dataclass(frozen=True, slots=True)
class ClipInfo:
    """What a file says of its clip.

    Attributes
    ----------
    path
        The file or folder the clip was read from.
    format
        Name of the reader that opened it: "dicom", "movie", "gif", "frames".
    frames
        Number of frames. Exact for a complete `Clip`; an estimate while a source is still being decoded.
    width, height
        Size of a frame in pixels of the file.
    fps
        Frames per second, mean over the clip where the frames are unevenly spaced.
    fps_source
        Where `fps` comes from: a DICOM keyword ("FrameTime", "CineRate", ...), "container", "file", "given" (by the
        user) or "assumed".
    spacing_mm
        Millimetres per pixel as (row, column); None where the file has no calibration.
    transfer_syntax, photometric
        DICOM transfer syntax UID and photometric interpretation; None for other formats.
    region
        The 2D tissue region (x, y, width, height) in pixels, where the file names one.
    playback
        "sweep" where DICOM asks for to-and-fro playing, else "loop".
    trim
        First and last frame (inclusive, from 0) that the file asks to show; None for all.
    frame_times_s
        Moments of unevenly spaced frames in seconds from the first; None where `fps` says it all.
    note
        One sentence where less could be read than the file promises (it ends early, a frame is damaged); else empty.
    colour_share
        Share of the picture, 0 to 1, that shows changing colour, as under colour flow; frames themselves are grey.
    """

    path: Path
    format: str
    frames: int
    width: int
    height: int
    fps: float
    fps_source: str
    spacing_mm: tuple[float, float] | None = None
    transfer_syntax: str | None = None
    photometric: str | None = None
    region: tuple[int, int, int, int] | None = None
    playback: Literal["loop", "sweep"] = "loop"
    trim: tuple[int, int] | None = None
    frame_times_s: tuple[float, ...] | None = None
    note: str = ""
    colour_share: float = 0.0

    @property
    def duration_s(self) -> float:
        """Seconds that the clip lasts: the last frame is shown for one mean frame time."""
        if self.frame_times_s is not None and len(self.frame_times_s) == self.frames:
            return self.frame_times_s[-1] + 1.0 / self.fps
        return self.frames / self.fps

    @property
    def times_s(self) -> Times:
        """The moment of every frame in seconds from the first."""
        if self.frame_times_s is not None and len(self.frame_times_s) == self.frames:
            return np.asarray(self.frame_times_s, dtype=np.float64)
        return np.arange(self.frames, dtype=np.float64) / self.fps


class FrameStore(Protocol):
    """Decoded frames with random access.

    Contract: `frame(k)` always returns exactly frame k as a read-only (height, width) uint8 array, from any thread,
    for 0 <= k < len(store), and raises IndexError otherwise. A store may keep its frames in memory or on disk.
    """

    def __len__(self) -> int: ...

    def frame(self, index: int) -> Frame:
        """Return frame `index`."""
        ...


@dataclass(frozen=True, slots=True)
class Clip:
    """A completely decoded clip: `info.frames == len(store)`, every frame `(info.height, info.width)` uint8."""

    info: ClipInfo
    store: FrameStore

    def __len__(self) -> int:
        return len(self.store)

    def frame(self, index: int) -> Frame:
        """Return frame `index`, (height, width) uint8, read-only."""
        return self.store.frame(index)

    def stack(
        self, start: int = 0, stop: int | None = None, box: tuple[int, int, int, int] | None = None
    ) -> npt.NDArray[np.uint8]:
        """Return frames start..stop-1 as one array, (frames, height, width) uint8.

        Parameters
        ----------
        start, stop
            Range of frames; `stop` None means to the end.
        box
            Cut out (x, y, width, height) in pixels, which keeps memory small on large frames.
        """
        stop = len(self.store) if stop is None else min(stop, len(self.store))
        x, y, width, height = box or (0, 0, self.info.width, self.info.height)
        out = np.empty((max(stop - start, 0), height, width), dtype=np.uint8)
        for row, index in enumerate(range(start, stop)):
            out[row] = self.store.frame(index)[y : y + height, x : x + width]
        return out


@dataclass(frozen=True, slots=True, eq=False)
class ClipCut:
    """A box of every frame of a clip, taken out a frame at a time: a copy of all would double a long clip's memory.

    Attributes
    ----------
    clip
        The whole clip.
    box
        (x, y, width, height) in pixels, within the frames.
    """

    clip: Clip
    box: tuple[int, int, int, int]

    @property
    def shape(self) -> tuple[int, int, int]:
        """(frames, height, width)."""
        return len(self.clip), self.box[3], self.box[2]

    def __iter__(self) -> Iterator[Frame]:
        """Yield the box of each frame, (height, width) uint8, contiguous."""
        x, y, width, height = self.box
        for index in range(len(self.clip)):
            yield np.ascontiguousarray(self.clip.frame(index)[y : y + height, x : x + width])

    def stack(self) -> npt.NDArray[np.uint8]:
        """Return all of it as one array, (frames, height, width) uint8."""
        return self.clip.stack(box=self.box)


class MemoryFrames:
    """A `FrameStore` over one array, (frames, height, width) uint8."""

    def __init__(self, frames: npt.NDArray[np.uint8]) -> None:
        if frames.ndim != 3 or frames.dtype != np.uint8:
            raise ValueError(f"frames must be (frames, height, width) uint8, not {frames.shape} {frames.dtype}")
        self._frames = frames.view()
        self._frames.setflags(write=False)

    def __len__(self) -> int:
        return len(self._frames)

    def frame(self, index: int) -> Frame:
        """Return frame `index`."""
        if not 0 <= index < len(self._frames):
            raise IndexError(index)
        return np.asarray(self._frames[index])
