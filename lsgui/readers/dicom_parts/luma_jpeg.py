"""The luma of a JPEG of 8 bits: libjpeg-turbo, straight into the frame's own room."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np

from lsgui.core.clip import Frame
from lsgui.core.late_imports import load
from lsgui.readers.frame_blocks import FrameBlocks


class LumaJpeg:
    """Decodes the luma alone; may be called from several threads at once.

    A stream that libjpeg-turbo has anything to say of goes through Pillow, which alone decides what is damaged: it
    refuses what is cut off and takes what is merely odd. Both give the same grey, as both are the same decoder. So does
    every stream where simplejpeg is not installed: it has no wheel for every machine.
    """

    def __init__(self) -> None:
        self._blocks = FrameBlocks()
        self._turbo = _turbo_decoder()

    def decode(self, data: bytes, width: int, height: int) -> Frame:
        """Return luma, (height, width) uint8; width and height are those of the stream's header.

        Raises
        ------
        OSError, SyntaxError, ValueError
            When the stream is damaged.
        """
        room = self._blocks.room(height, width)
        if self._turbo is None or not self._turbo(data, room):
            room[:] = pillow_jpeg(data)
        return room


def _turbo_decoder() -> Callable[[bytes, Frame], bool] | None:
    """Return what decodes luma into a room and tells whether the stream was sound; None where it is not installed."""
    try:
        from simplejpeg import decode_jpeg  # type: ignore[import-untyped]  # its stubs are not marked as such
    except ImportError:
        return None

    def decode(data: bytes, room: Frame) -> bool:
        try:
            decode_jpeg(data, "GRAY", buffer=room)
        except ValueError:  # strict by default: libjpeg's warnings count
            return False
        return True

    return decode


def pillow_jpeg(data: bytes, mode: str = "L") -> Any:
    """Return a JPEG's luma, or its colours. Unlike OpenCV, Pillow refuses cut-off data and complains to nobody."""
    load("PIL.Image")
    from PIL import Image

    with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
        image.draft(mode, image.size)
        return np.array(image if image.mode == mode else image.convert(mode))
