"""The clip as a movie for any player, with line, heat map, ribbon and verdict burned in, in its own time.

H.264 by PyAV where that is installed: every player and browser shows it, and every frame keeps its own moment. Else
OpenCV's MPEG-4 at one rate: most players show it, browsers do not.
"""

import importlib.util
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from lsgui.core.clip import Clip
from lsgui.core.errors import CancelledError, LsguiError
from lsgui.core.file_names import shown_name, text_name
from lsgui.core.label import CANNOT_ASSESS_ADVICE, RESEARCH_LINE, SlidingLabel
from lsgui.export.annotated_frame import (
    MUTED,
    PANEL,
    TEXT,
    VERDICT,
    Colour,
    FramePainter,
    Picture,
    fitted_view,
    font,
    pixel_aspect,
    pleural_box,
)
from lsgui.export.picture import HIDDEN, NO_VERDICT, draw_icon, draw_time_ribbon, heat_line, shown_heat, wrapped
from lsgui.export.request import ExportRequest
from lsgui.export.stamp import Stamp
from lsgui.inference.verdict_words import footer_lines, probability_words

H264 = "The movie is H.264: it opens everywhere."
MPEG4 = "The movie is MPEG-4 (mp4v): VLC opens it, browsers may not; with PyAV installed it would be H.264."
_HEIGHT, _MAX_WIDTH, _MIN_WIDTH = 600, 1280, 640
_PAD = 14
_TICKS = 90_000
"""Units of time a second in the file: moments are kept to 11 microseconds."""
_MOST_FPS = 60.0

Tell = Callable[[float], None]
Cancelled = Callable[[], bool]


def has_h264() -> bool:
    """Whether PyAV is installed."""
    return importlib.util.find_spec("av") is not None


def write_movie(request: ExportRequest, shown: Clip, stamp: Stamp, path: Path, tell: Tell, cancelled: Cancelled) -> str:
    """Write the movie and return what is to be said of its codec.

    Parameters
    ----------
    request
        What lies over the frames.
    shown
        The clip with its mask applied.
    path
        A file that ends in ".mp4"; the caller takes a half-written one away.
    tell
        Takes how far it is, 0 to 1.

    Raises
    ------
    CancelledError
        When `cancelled` says so: asked at every frame.
    LsguiError
        When no encoder can be had.
    """
    if text_name(str(path)) != str(path):  # the encoders fall over it
        folder = shown_name(request.folder.name)
        raise LsguiError(f"No movie can be written to {folder}: choose a folder of another name.")
    composer = MovieFrames(request, shown, stamp)

    def frames() -> Iterator[Picture]:
        for index in range(len(shown)):
            if cancelled():
                raise CancelledError
            tell(index / len(shown))
            yield composer.frame(index)

    if has_h264():
        import av

        try:
            _write_h264(path, frames(), shown, composer.size, stamp)
        except av.FFmpegError as fault:
            reason = fault.strerror or type(fault).__name__
            raise LsguiError(f"{path.name} cannot be written ({reason}): choose another folder.") from fault
        return H264
    _write_mpeg4(path, frames(), shown, composer.size)
    return MPEG4


class MovieFrames:
    """Draws the movie's frames: the picture above, below it the ribbon with the moment, the verdict and the stamp."""

    def __init__(self, request: ExportRequest, shown: Clip, stamp: Stamp) -> None:
        prediction = request.shown_prediction
        heat = shown_heat(request.shown_maps, request.look) if request.layers.heat else None
        info = shown.info
        line = None if request.roi is None else request.roi.line_at(request.moment)
        box = pleural_box(request.area or (0, 0, info.width, info.height), line, heat)
        self._view = fitted_view(box, _MAX_WIDTH, _HEIGHT, pixel_aspect(shown))
        self._painter = FramePainter(
            shown,
            self._view,
            request.roi,
            prediction,
            heat,
            request.look,
            request.layers,
            request.mm_per_px,
            request.calibrated,
            request.greys,
        )
        self._clip = shown
        width, height = self._view.size
        self._width = max(width + width % 2, _MIN_WIDTH)
        self._picture_height = height
        self._panel = _panel(request, stamp, self._width, len(shown))
        total = height + self._panel.shape[0]
        self.size = (self._width, total + total % 2)
        """Width and height, both even as video needs them."""

    def frame(self, index: int) -> Picture:
        """Return frame `index` of the movie."""
        picture = self._painter.paint(index)
        out: Picture = np.zeros((self.size[1], self.size[0], 3), dtype=np.uint8)
        left = (self._width - picture.shape[1]) // 2
        out[: picture.shape[0], left : left + picture.shape[1]] = picture
        top = self._picture_height
        out[top : top + self._panel.shape[0]] = self._panel
        out[top + self._panel.shape[0] :] = PANEL
        at = round(_PAD + (self._width - 2 * _PAD) * (index + 0.5) / len(self._clip))
        out[top + 6 : top + 26, max(at - 1, 0) : at + 2] = TEXT
        return out


def _panel(request: ExportRequest, stamp: Stamp, width: int, frames: int) -> Picture:
    """Return what stands under every frame: it is the same for all of them but for the moment's mark."""
    prediction = request.shown_prediction
    words: list[tuple[str, int, Colour]] = []
    if prediction is None:
        words.append((HIDDEN if request.hidden else NO_VERDICT, 15, TEXT))
    else:
        suffix = "" if prediction.label is SlidingLabel.CANNOT_ASSESS else f" ({prediction.label.value})"
        words.append((prediction.label.wording + suffix, 20, VERDICT[prediction.label]))
        said = f"{probability_words(prediction)}, threshold {prediction.threshold:.2f}"
        if prediction.label is SlidingLabel.CANNOT_ASSESS:
            said = f"{CANNOT_ASSESS_ADVICE} {said if prediction.p_absent is not None else ''}".strip()
        words.append((said, 14, TEXT))
        words += [(line, 13, TEXT) for line in footer_lines(prediction)[1:]]
    heat = shown_heat(request.shown_maps, request.look) if request.layers.heat and request.roi is not None else None
    if heat is not None:
        words.append((f"{heat_line(heat, request.look)}.", 13, TEXT))
    words.append((f"{RESEARCH_LINE} {request.clip_name}.", 13, TEXT))
    words.append((stamp.line, 12, MUTED))
    lines = [(line, size, colour) for text, size, colour in words for line in wrapped(text, size, width - 2 * _PAD)]
    image = Image.new("RGB", (width, 34 + sum(round(1.5 * size) for _, size, _ in lines) + _PAD), PANEL)
    draw = ImageDraw.Draw(image)
    draw_time_ribbon(draw, prediction, (_PAD, 11, width - _PAD, 20), frames)
    y = 34
    for at, (line, size, colour) in enumerate(lines):
        left = _PAD
        if at == 0 and prediction is not None:
            draw_icon(draw, prediction.label, _PAD, y + 2)
            left += 32
        draw.text((left, y), line, fill=colour, font=font(size))
        y += round(1.5 * size)
    return np.asarray(image, dtype=np.uint8)


def _write_h264(path: Path, frames: Iterator[Picture], clip: Clip, size: tuple[int, int], stamp: Stamp) -> None:
    import av

    moments = np.rint(clip.info.times_s * _TICKS).astype(np.int64)
    moments = np.maximum.accumulate(moments + np.arange(len(moments)) * (np.diff(moments, prepend=-1) <= 0))
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        container.metadata["comment"] = stamp.line
        container.metadata["title"] = f"lsgui clip {stamp.clip_id}"
        rate = Fraction(clip.info.fps).limit_denominator(1000)
        stream: Any = container.add_stream("libx264" if "libx264" in av.codecs_available else "h264", rate=rate)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": "18", "preset": "fast", "bf": "0"}  # no frame waits for a later one
        stream.codec_context.time_base = Fraction(1, _TICKS)
        stream.codec_context.thread_count = 1  # the window and the worker want the other cores
        for index, picture in enumerate(frames):
            video = av.VideoFrame.from_ndarray(picture, format="rgb24")
            video.pts, video.time_base = int(moments[index]), Fraction(1, _TICKS)
            container.mux(stream.encode(video))
        container.mux(stream.encode())


def even_frames(times_s: npt.NDArray[np.float64], duration_s: float) -> tuple[float, npt.NDArray[np.int64]]:
    """Return a rate, and which frame of the clip is shown in every frame of a movie of that one rate.

    Even clips keep their own rate; uneven ones take that of their closest frames, up to 60 frames/s, and repeat frames.
    """
    steps = np.diff(times_s)
    usual = duration_s / len(times_s)
    if steps.size == 0 or np.ptp(steps) < 0.05 * usual:
        return 1.0 / usual, np.arange(len(times_s), dtype=np.int64)
    rate = min(1.0 / max(float(steps.min()), 1e-3), _MOST_FPS)
    at = (np.arange(max(round(duration_s * rate), 1)) + 0.5) / rate
    return rate, np.clip(np.searchsorted(times_s, at, side="right") - 1, 0, len(times_s) - 1).astype(np.int64)


def _write_mpeg4(path: Path, frames: Iterator[Picture], clip: Clip, size: tuple[int, int]) -> None:
    rate, shown = even_frames(clip.info.times_s, clip.info.duration_s)
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"mp4v"), rate, size)
    if not writer.isOpened():
        raise LsguiError("No movie can be written here: OpenCV has no encoder; install PyAV (pip install av).")
    try:
        repeats = np.bincount(shown, minlength=len(clip))
        for index, picture in enumerate(frames):
            for _ in range(int(repeats[index])):
                writer.write(np.ascontiguousarray(picture[..., ::-1]))
    finally:
        writer.release()
