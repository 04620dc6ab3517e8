"""Opens a clip through a reading process: its frames appear in a store of this process while they are decoded."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lsgui.core.clip import Clip, ClipInfo
from lsgui.core.errors import ClipReadError
from lsgui.decoding.decoder_process import DecoderProcess
from lsgui.decoding.messages import Complete, DecodeClip, FramesReady, Opened
from lsgui.readers.frame_store import DEFAULT_BUDGET_BYTES, GrowingFrames


@dataclass(slots=True)
class ClipHearer:
    """Builds a clip of what a reading process says of it.

    Attributes
    ----------
    asked
        What was asked for.
    on_opened, on_grown
        Told of the first frame, with the store that grows, and of every growth after it.
    """

    asked: DecodeClip
    on_opened: Callable[[ClipInfo, GrowingFrames], None] = lambda _info, _store: None
    on_grown: Callable[[int], None] = lambda _frames: None
    store: GrowingFrames | None = None
    info: ClipInfo | None = None
    _blocks: list[npt.NDArray[np.uint8]] | None = None
    _used: int = 0

    def hear(self, reply: Any) -> None:
        """Take in one reply of the process."""
        if isinstance(reply, np.ndarray):
            self._blocks = [*(self._blocks or []), reply]
        elif isinstance(reply, FramesReady):
            self._take(reply.frames)
        elif isinstance(reply, bytes) and self.store is not None:
            self.store.append(self._one_of(reply))
            self.on_grown(len(self.store))
        elif isinstance(reply, Opened):
            self.store = GrowingFrames(
                reply.info.height, reply.info.width, self.asked.budget_bytes, name=self.asked.path.name
            )
            self._take(1)
            self.on_opened(reply.info, self.store)
        elif isinstance(reply, Complete):
            self.info = reply.info

    def clip(self) -> Clip:
        """Return the whole clip.

        Raises
        ------
        ClipReadError
            When the process said that all is well, but no frame came.
        """
        if self.store is None or self.info is None or len(self.store) != self.info.frames:
            raise ClipReadError(f"{self.asked.path.name} was not read completely: open it again.")
        return Clip(self.info, self.store)

    def close(self) -> None:
        """Give the frames back, where the clip is not wanted after all."""
        if self.store is not None:
            self.store.close()

    def _take(self, frames: int) -> None:
        """Put the frames that lie in the blocks into the store."""
        if self.store is None or not self._blocks:
            return
        while self._used < frames:
            block, row = divmod(self._used, len(self._blocks[0]))  # every block holds as many
            self.store.append(self._blocks[block][row])
            self._used += 1
        self.on_grown(len(self.store))

    def _one_of(self, data: bytes) -> npt.NDArray[np.uint8]:
        if self.store is None:
            raise ValueError("a frame before the first one")
        return np.frombuffer(data, np.uint8).reshape(self.store.shape)


def open_clip_apart(
    decoder: DecoderProcess,
    path: Path,
    *,
    budget_bytes: int = DEFAULT_BUDGET_BYTES,
    cancelled: Callable[[], bool] = lambda: False,
) -> Clip:
    """Read a whole clip through a reading process.

    Raises
    ------
    ClipReadError
        When the clip cannot be read, or the process died of it.
    CancelledError
        When `cancelled` says so.
    """
    hearer = ClipHearer(DecodeClip(Path(path), "auto", budget_bytes))
    try:
        decoder.ask(path, hearer.asked, hearer.hear, cancelled)
        return hearer.clip()
    except BaseException:
        hearer.close()
        raise


def read_clip_apart(path: Path) -> Clip:
    """Read a whole clip through a reading process of its own, which has ended when the clip is there.

    Raises
    ------
    ClipReadError
        When the clip cannot be read, or the process died of it.
    """
    with closing(DecoderProcess("reader")) as decoder:
        return open_clip_apart(decoder, path)
