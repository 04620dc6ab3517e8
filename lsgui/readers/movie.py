"""AVI, MP4, MOV, MPEG, WebM and MKV, decoded by FFmpeg through OpenCV."""

import os
import re
from collections import deque
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lsgui.core.clip import ClipInfo, Frame
from lsgui.core.errors import ClipReadError
from lsgui.core.file_names import native_name
from lsgui.core.late_imports import load
from lsgui.readers.ahead import decoded_ahead
from lsgui.readers.base import READERS, ReadOptions
from lsgui.readers.colour_meter import ColourMeter
from lsgui.readers.frame_blocks import FrameBlocks
from lsgui.readers.frame_source import ASSUMED_FPS, FrameSource, FrameStream, cannot_read, check_size
from lsgui.readers.timing import believable, spacing

_STILL_BRANDS = (b"heic", b"heix", b"mif1", b"avif")
_QUICKTIME_ATOMS = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
_MAGICS = (
    b"\x1a\x45\xdf\xa3",  # Matroska, WebM
    b"\x00\x00\x01\xba",  # MPEG programme stream
    b"\x00\x00\x01\xb3",  # MPEG video stream
    b"\x30\x26\xb2\x75",  # Windows Media
    b"OggS",
)
_TS_PACKET = 188
_RATE_TOLERANCE = 0.02
_HASTY_FPS = 200.0  # a header beyond this gives the tick of its clock, not the rate of its frames
_FEW_FRAMES = 3

# FFmpeg knows hundreds of formats and ways to fetch a file, some by a list of addresses. Those of clips are enough.
_CONTAINERS = "avi,mov,matroska,webm,mpeg,mpegts,mpegvideo,asf,ogg,h264,hevc,m4v"
_CODECS = (
    "mjpeg,mjpegb,jpegls,jpeg2000,mpeg1video,mpeg2video,mpegvideo,mpeg4,msmpeg4v1,msmpeg4v2,msmpeg4,h261,h263,h263i,"
    "h263p,flv,h264,hevc,vp8,vp9,libdav1d,libaom-av1,av1,wmv1,wmv2,wmv3,vc1,theora,rawvideo,v210,huffyuv,ffvhuff,ffv1,"
    "png,msrle,msvideo1,cinepak,indeo3,indeo4,indeo5,qtrle,rpza,svq1,svq3,dvvideo,prores,dnxhd,utvideo,lagarith,zlib,"
    "mszh,tscc,tscc2,cyuv,cljr,aasc,camstudio,dxtory,snow,8bps,gif,bmp,tiff"
)
"""Decoders that may look at a movie while it is opened, to learn what it holds."""
_CAPTURE_OPTIONS = f"protocol_whitelist;file|format_whitelist;{_CONTAINERS}|codec_whitelist;{_CODECS}"

_UNSAFE_CODEC = re.compile(rb"MAGY|M\d[RGY][0-9A-Z]", re.IGNORECASE)
"""MagicYUV: its decoder writes out of bounds in the FFmpeg of several OpenCV wheels (CVE-2026-8461)."""
_SILENT = 0
_PATIENCE_MS = 8000

UNFOLDS = 2000
"""Times its size to which a movie may unfold: a still picture of 1024 x 768 takes 400 bytes a frame in H.264."""

Colours = npt.NDArray[np.uint8]
"""A picture as FFmpeg gives it, (height, width, 3) uint8 blue-green-red, or (height, width)."""


@READERS.register("movie")
class MovieReader:
    """Reads what FFmpeg decodes.

    Files are taken by their content only: FFmpeg would otherwise open text as pictures and playlists as addresses on
    the network.
    """

    title = "a movie"
    suffixes = frozenset({".avi", ".mp4", ".m4v", ".mov", ".mpg", ".mpeg", ".webm", ".mkv", ".wmv", ".ogv"})
    folders = False

    def recognises(self, head: bytes) -> bool:
        """Tell whether the file begins like a movie container."""
        if head[:4] == b"RIFF":
            return head[8:12] == b"AVI "
        if head[4:8] in _QUICKTIME_ATOMS:
            return head[8:12] not in _STILL_BRANDS
        if head[:1] == b"\x47" and len(head) > 2 * _TS_PACKET:
            return head[_TS_PACKET : _TS_PACKET + 1] == b"\x47" == head[2 * _TS_PACKET : 2 * _TS_PACKET + 1]
        return head.startswith(_MAGICS)

    def open(self, path: Path, options: ReadOptions) -> FrameSource:
        """Open a movie and decode its first frame."""
        movie = Movie(path)
        return FrameSource(
            path,
            movie.frames(),
            lambda frames, width, height: movie.describe(path, options, frames, width, height),
            declared=movie.declared,
            slack=_slack(path, movie.declared),
            unfolds=UNFOLDS,
        )


class Movie:
    """One movie file being decoded from its first frame to its last.

    Frames are only ever read in order: seeking in a movie lands on the wrong frame with several codecs.

    Parameters
    ----------
    file
        The movie.
    path
        The clip that messages name, where that is another file (a movie inside DICOM).
    """

    def __init__(self, file: Path, path: Path | None = None) -> None:
        self._path = path or file
        cv2 = quiet_cv2()
        with native_name(file) as name:
            if name is None:
                raise cannot_read(self._path, "its decoder takes no name that is not Unicode", "rename it")
            patience = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, _PATIENCE_MS, cv2.CAP_PROP_READ_TIMEOUT_MSEC, _PATIENCE_MS]
            self._capture = cv2.VideoCapture(name, cv2.CAP_FFMPEG, patience)
        if not self._capture.isOpened():
            self._capture.release()
            raise cannot_read(self._path, "its movie cannot be decoded", "the file is damaged or its codec is unknown")
        codec = (int(self._capture.get(cv2.CAP_PROP_FOURCC)) & 0xFFFFFFFF).to_bytes(4, "little")
        if _UNSAFE_CODEC.fullmatch(codec):
            self._capture.release()
            raise cannot_read(self._path, "its codec MagicYUV cannot be decoded safely", "save it with another codec")
        self._times_ms: list[float] = []
        self.colour = ColourMeter()
        self._header_fps = believable(float(self._capture.get(cv2.CAP_PROP_FPS)))
        self.declared = max(int(min(self._capture.get(cv2.CAP_PROP_FRAME_COUNT), 1e7)), 1)
        try:
            check_size(
                self._path,
                int(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
                int(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
            )
        except ClipReadError:
            self._capture.release()
            raise

    def frames(self) -> FrameStream:
        """Yield every frame as luma; the movie is closed after the last.

        FFmpeg goes on to the next frame while another thread makes the last one grey.
        """
        import cv2

        blocks = FrameBlocks()
        spare: deque[Colours] = deque()  # written over again and again: new pages cost as much as the decoding

        def pictures() -> Iterator["Colours | cv2.error"]:
            try:
                while True:
                    there, picture = self._capture.read(spare.popleft() if spare else None)
                    if not there:
                        return
                    self._times_ms.append(float(self._capture.get(cv2.CAP_PROP_POS_MSEC)))
                    yield picture
            except cv2.error as fault:
                yield fault  # to be raised in its frame's place

        def grey(picture: "Colours | cv2.error") -> Frame:
            if isinstance(picture, cv2.error):
                raise cannot_read(self._path, "a frame of its movie is damaged", "export it again") from picture
            room = blocks.room(*picture.shape[:2])
            if picture.ndim == 2:
                room[...] = picture
            else:
                cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY, room)
                if self.colour.wants_next():
                    self.colour.see(picture)
            spare.append(picture)
            return room

        try:
            yield from decoded_ahead(pictures(), grey, 1)
        finally:
            self._capture.release()

    def describe(self, path: Path, options: ReadOptions, frames: int, width: int, height: int) -> ClipInfo:
        """Return what the container says, corrected by the moments of the frames decoded so far."""
        fps, source, moments = self.timing(frames)
        if options.fps:
            fps, source, moments = options.fps, "given", None
        share = self.colour.share
        return ClipInfo(path, "movie", frames, width, height, fps, source, frame_times_s=moments, colour_share=share)

    def timing(self, frames: int) -> tuple[float, str, tuple[float, ...] | None]:
        """Return (frames per second, where that comes from, moments where the frames are unevenly spaced).

        The header's rate holds while the moments agree with it or say nothing. Screen recordings have headers that
        are far off, so moments that disagree win, once there are enough of them.
        """
        header = self._header_fps
        measured = spacing(self._moments_s(frames)) if len(self._times_ms) >= frames else None
        if measured is not None:
            fps, moments = measured
            if moments is not None or header is None or abs(fps / header - 1.0) > _RATE_TOLERANCE:
                return fps, "container", moments
        if header is None or header > _HASTY_FPS:
            return ASSUMED_FPS, "assumed", None
        return header, "container", None

    def _moments_s(self, frames: int) -> list[float]:
        """Moments of the first frames; FFmpeg loses that of the very last frame of some MPEG streams."""
        times = [time / 1000.0 for time in self._times_ms[:frames]]
        if len(times) > _FEW_FRAMES and times[-1] <= times[-2]:
            times[-1] = 2 * times[-2] - times[-3]
        return times


def _slack(path: Path, declared: int) -> int | None:
    """How many frames may be missing without a word: edit lists hide a few, and only indexed containers promise."""
    with path.open("rb") as handle:
        head = handle.read(12)
    indexed = head[:4] == b"RIFF" or head[4:8] in _QUICKTIME_ATOMS
    return max(declared // 20, 3) if indexed else None


@cache
def quiet_cv2() -> Any:
    """Return cv2 with its own and FFmpeg's complaints silenced: they would land on standard error."""
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # read once, when the first movie is opened
    os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = _CAPTURE_OPTIONS  # read whenever a movie is opened
    load("cv2")
    import cv2

    set_level = getattr(cv2, "setLogLevel", None) or cv2.utils.logging.setLogLevel  # OpenCV 4, OpenCV 5
    set_level(_SILENT)
    return cv2
