"""What the reading process does: decode a clip, look at it, make its small picture. Knows nothing of pipes."""

import time
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lsgui.core.clip import Clip, Frame
from lsgui.core.errors import CancelledError, ClipReadError, LsguiError
from lsgui.decoding.messages import (
    Complete,
    DecodeClip,
    FramesReady,
    Known,
    LineFound,
    LookAtClip,
    NotKnown,
    Opened,
    PictureMade,
    PictureOf,
    Reply,
    Surveyed,
)
from lsgui.decoding.shared_block import BlockShape, Handle, SharedRooms
from lsgui.readers.frame_store import GrowingFrames, frames_within

_TELL_EVERY_S = 0.04
"""How often the growth of a clip is told: more often would cost the window more than the reader sees."""
_CALM_PAUSE_S = 0.003
"""Pause after every frame of a clip for which nobody waits: the clip on screen comes first."""


class Owner(Protocol):
    """The side that asked."""

    def tell(self, reply: Reply) -> None:
        """Answer."""
        ...

    def give_block(self, handle: Handle, shape: BlockShape) -> None:
        """Let the other side see a block; sends `BlockMade`."""
        ...

    def give_frame(self, frame: Frame) -> None:
        """Send one frame as it is, after `FrameFollows`."""
        ...

    def at_work(self) -> AbstractContextManager[None]:
        """Say again and again within this block that the work goes on: it computes, and waits for no disk."""
        ...

    def cancelled(self) -> bool:
        """Tell whether nobody wants the answer any more; being asked is the sign that the work goes on."""
        ...

    def rest(self, seconds: float) -> None:
        """Wait, unless somebody waits for the answer."""
        ...


@dataclass(slots=True)
class _Held:
    """The clip that was decoded last."""

    path: Path
    colour: str
    clip: Clip
    store: GrowingFrames


class DecoderWork:
    """Does one request after the other, and keeps the clip that was decoded last for a look at it."""

    def __init__(self) -> None:
        self._held: _Held | None = None

    def forget(self) -> None:
        """Let go of the clip that was decoded last."""
        if self._held is not None:
            self._held.store.close()
            self._held = None

    def decode(self, asked: DecodeClip, owner: Owner) -> None:
        """Decode a clip; the other side sees every frame as it is there.

        Raises
        ------
        ClipReadError
            When the clip cannot be read.
        CancelledError
            When the owner wants it no more.
        """
        from lsgui.readers.base import ReadOptions, open_source  # here: a process that is not asked loads nothing

        self.forget()
        store: GrowingFrames | None = None
        rooms = SharedRooms(owner.give_block)
        told_at = 0.0
        try:
            with open_source(asked.path, options=ReadOptions(colour=asked.colour)) as source:
                for frame in source:
                    if owner.cancelled():
                        raise CancelledError
                    if asked.calm:
                        owner.rest(_CALM_PAUSE_S)
                    if store is None:
                        height, width = frame.shape
                        store = GrowingFrames(height, width, asked.budget_bytes, name=asked.path.name)
                        within = frames_within(asked.budget_bytes, height, width)
                        _share(frame, store, rooms, within, owner)
                        owner.tell(Opened(source.info))
                        owner.tell(FramesReady(1))
                        continue
                    _share(frame, store, rooms, within, owner)
                    if time.perf_counter() - told_at > _TELL_EVERY_S:
                        told_at = time.perf_counter()
                        owner.tell(FramesReady(len(store) - store.spilled))
                info = source.final_info()
            if store is None:
                raise ClipReadError(
                    f"{asked.path.name} holds no frames: check that the recording was saved completely."
                )
        except BaseException:
            if store is not None:
                store.close()
            raise
        owner.tell(FramesReady(len(store) - store.spilled))
        owner.tell(Complete(info))
        self._held = _Held(asked.path, asked.colour, Clip(info, store), store)

    def look(self, asked: LookAtClip, owner: Owner) -> None:
        """Tell what can be seen of a clip without weights, as it is seen.

        Raises
        ------
        LsguiError
            When the clip cannot be read any more.
        CancelledError
            When the owner wants it no more.
        """
        from lsgui.annotation.content_hash import content_hash
        from lsgui.imaging.lung_judge import lung_flags
        from lsgui.imaging.pleura_finder import find_pleura
        from lsgui.imaging.quality import clip_flags
        from lsgui.imaging.scan_area import find_scan_area, picture_scale

        path = asked.clip.path
        if asked.survey:
            try:
                owner.tell(Known(content_hash(path, owner.cancelled)))
            except LsguiError as fault:
                owner.tell(NotKnown(str(fault)))
        clip = self._clip_of(asked.clip, owner)
        with owner.at_work():
            area = find_scan_area(clip)
            scale = picture_scale(clip.info, area)
            unfit = lung_flags(clip, area)
            flags = (*clip_flags(clip), *unfit) if asked.survey else ()
        if asked.survey:
            owner.tell(Surveyed(flags, scale.mm_per_px, scale.calibrated))
        if owner.cancelled():
            raise CancelledError
        if asked.suggest:
            began = time.perf_counter()
            roi = None  # what is no lung has no pleural line, however bright a line it shows
            if not unfit:
                with owner.at_work():
                    roi = find_pleura(clip, area, scale, within=asked.within, cancelled=owner.cancelled)
            owner.tell(LineFound(roi, time.perf_counter() - began))

    def picture(self, asked: PictureOf, owner: Owner) -> None:
        """Make the small picture of a clip.

        Raises
        ------
        ClipReadError
            When the clip cannot be read.
        """
        from lsgui.decoding.small_picture import small_picture

        owner.tell(PictureMade(*small_picture(asked.path, asked.width, asked.height)))

    def _clip_of(self, asked: DecodeClip, owner: Owner) -> Clip:
        held = self._held
        if held is None or (held.path, held.colour) != (asked.path, asked.colour):
            # the process that decoded it has ended since
            self.decode(DecodeClip(asked.path, asked.colour, asked.budget_bytes), _Alone(owner))
            held = self._held
        if held is None:
            raise ClipReadError(f"{asked.path.name} cannot be looked at: open it again.")
        return held.clip


class _Alone:
    """An owner that has seen the frames before."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner

    def tell(self, reply: Reply) -> None:
        """Keep it."""

    def give_block(self, handle: Handle, shape: BlockShape) -> None:
        """Keep it."""

    def give_frame(self, frame: Frame) -> None:
        """Keep it."""

    def at_work(self) -> AbstractContextManager[None]:
        """Say it to the owner."""
        return self._owner.at_work()

    def cancelled(self) -> bool:
        """Ask the owner."""
        return self._owner.cancelled()

    def rest(self, seconds: float) -> None:
        """Go on: somebody waits."""


def _share(frame: Frame, store: GrowingFrames, rooms: SharedRooms, within: int, owner: Owner) -> None:
    """Keep a frame where the other side sees it, or send it where memory may not hold it."""
    if len(store) < within:
        height, width = frame.shape
        room = rooms.room(height, width)
        room[...] = frame
        room.setflags(write=False)
        store.append(room)
        return
    if store.spilled == 0:
        owner.tell(FramesReady(len(store)))  # those in memory come before those on disk
    store.append(frame)
    owner.give_frame(frame)
