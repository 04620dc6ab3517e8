"""A grey frame as a picture on the screen: brightness, contrast, gamma, and scaling of the part that is seen."""

import math

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QPointF
from PySide6.QtGui import QImage, QPainter

from lsgui.core.clip import ClipInfo, Frame
from lsgui.gui.view_transform import ViewTransform
from lsgui.review.state import PictureSettings

_NEAREST_FROM = 8.0
"""Device pixels per clip pixel from which pixels are shown as squares, so that they can be told apart."""


def grey_table(picture: PictureSettings) -> npt.NDArray[np.uint8]:
    """Return the grey shown for every grey of the file, (256,) uint8.

    Contrast turns about middle grey, brightness shifts, gamma above 1 lifts the dark.
    """
    grey = (np.arange(256) / 255.0 - 0.5) * picture.contrast + 0.5 + picture.brightness
    return np.asarray(np.round(255.0 * np.clip(grey, 0.0, 1.0) ** (1.0 / picture.gamma)), dtype=np.uint8)


def pixel_aspect(info: ClipInfo) -> float:
    """Return the height of a pixel over its width; 1 where the file does not say."""
    return 1.0 if info.spacing_mm is None else info.spacing_mm[0] / info.spacing_mm[1]


def frame_time(info: ClipInfo, frame: int) -> float:
    """Return the moment of a frame in seconds from the first."""
    times = info.frame_times_s
    if times is not None and frame < len(times):
        return times[frame]
    return frame / info.fps


class FramePicture:
    """Paints one frame at a time and remembers the scaled picture until something about it changes.

    OpenCV scales the visible part of the grey frame, then Qt copies it unscaled: a quarter to a half of the time that
    Qt's own smooth scaling of the frame takes.
    """

    def __init__(self) -> None:
        self._settings = PictureSettings()
        self._table = grey_table(self._settings)
        self._frame: Frame | None = None
        self._key: tuple[ViewTransform, float] | None = None
        self._image = QImage()
        self._pixels: npt.NDArray[np.uint8] | None = None
        self._corner = QPointF()

    def set_settings(self, settings: PictureSettings) -> None:
        """Take new grey settings."""
        if settings != self._settings:
            self._settings = settings
            self._table = grey_table(settings)
            self._key = None

    def set_frame(self, frame: Frame | None) -> None:
        """Take the frame to be painted, (height, width) uint8, or None for nothing."""
        if frame is not self._frame:
            self._frame = frame
            self._key = None

    @property
    def frame(self) -> Frame | None:
        """The frame being shown."""
        return self._frame

    def paint(self, painter: QPainter, transform: ViewTransform, device_ratio: float) -> None:
        """Paint the frame into a view."""
        if self._frame is None:
            return
        if self._key != (transform, device_ratio):
            self._render(self._frame, transform, device_ratio)
            self._key = (transform, device_ratio)
        painter.drawImage(self._corner, self._image)

    def _render(self, frame: Frame, transform: ViewTransform, ratio: float) -> None:
        import cv2  # loaded by the readers by the time a frame is there; kept out of the window's start

        height, width = frame.shape
        x0, y0 = transform.to_clip(0.0, 0.0)
        x1, y1 = transform.to_clip(transform.view_width, transform.view_height)
        left, top = max(math.floor(x0), 0), max(math.floor(y0), 0)
        right, bottom = min(math.ceil(x1) + 1, width), min(math.ceil(y1) + 1, height)
        scale_x, scale_y = transform.scale_x * ratio, transform.scale_y * ratio
        size = (max(round((right - left) * scale_x), 1), max(round((bottom - top) * scale_y), 1))
        shown = cv2.LUT(np.ascontiguousarray(frame[top:bottom, left:right]), self._table)
        how = cv2.INTER_LINEAR if scale_x > 0.5 else cv2.INTER_AREA
        how = cv2.INTER_NEAREST if scale_x >= _NEAREST_FROM else how
        self._pixels = np.ascontiguousarray(cv2.resize(shown, size, interpolation=how))
        rows, columns = self._pixels.shape
        self._image = QImage(self._pixels.data, columns, rows, columns, QImage.Format.Format_Grayscale8)
        self._image.setDevicePixelRatio(ratio)
        corner = transform.to_view(left - 0.5, top - 0.5)
        self._corner = QPointF(round(corner[0] * ratio) / ratio, round(corner[1] * ratio) / ratio)
