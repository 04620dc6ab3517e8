"""One DICOM instance as a source of frames."""

from contextlib import ExitStack
from pathlib import Path

from pydicom.dataset import Dataset

from lsgui.core.clip import ClipInfo
from lsgui.readers.ahead import decoded_ahead
from lsgui.readers.base import ReadOptions
from lsgui.readers.colour_meter import ColourMeter
from lsgui.readers.dicom_parts.cine import (
    Timing,
    colour_region_share,
    read_calibration,
    read_timing,
    read_trim,
    sweeps,
)
from lsgui.readers.dicom_parts.codecs import FrameDecoder
from lsgui.readers.dicom_parts.fragments import compressed_frames
from lsgui.readers.dicom_parts.greyscale import Greyscale, read_pixel_tags
from lsgui.readers.dicom_parts.header import DicomHeader, read_header
from lsgui.readers.dicom_parts.native import NativePixels
from lsgui.readers.dicom_parts.tags import text, whole
from lsgui.readers.dicom_parts.video import is_video, unpack_video
from lsgui.readers.frame_source import ASSUMED_FPS, Describe, FrameSource, FrameStream
from lsgui.readers.movie import UNFOLDS, Movie

_VIDEO_SLACK = 2  # encoders count frames that a decoder holds back at the end


def open_instance(path: Path, options: ReadOptions) -> FrameSource:
    """Open an instance and decode its first frame.

    Raises
    ------
    ClipReadError
        When its header or first frame cannot be read.
    """
    with ExitStack() as undo:
        header = read_header(path, undo)
        declared = max(whole(header.dataset, "NumberOfFrames", 1), 1)
        slack = 0
        if is_video(header.transfer_syntax) and header.encapsulated:
            movie, timed = unpack_video(path, header, undo)
            frames = movie.frames()
            declared, slack = max(declared, movie.declared if declared == 1 else 1), _VIDEO_SLACK
            describe = _describer(path, header, options, movie.colour, movie if timed else None)
        else:
            tags = read_pixel_tags(path, header)
            grey = Greyscale(path, header.dataset, tags)
            describe = _describer(path, header, options, grey.colour, None)
            if header.encapsulated:
                decoder = FrameDecoder(path, tags, grey, options.colour)
                undo.callback(decoder.close)
                frames = decoded_ahead(compressed_frames(header), decoder.decode)
            else:
                native = NativePixels(path, header, tags, declared)
                declared, frames = native.declared, native.frames(grey, options.colour)
        unfolds = UNFOLDS if is_video(header.transfer_syntax) else 100
        held = _closing(frames, undo.pop_all())
        return FrameSource(path, held, describe, declared=declared, slack=slack, unfolds=unfolds)


def _describer(
    path: Path, header: DicomHeader, options: ReadOptions, colour: ColourMeter, timed_by: Movie | None
) -> Describe:
    dataset = header.dataset

    def describe(frames: int, width: int, height: int) -> ClipInfo:
        timing = _timing(dataset, options, timed_by, frames)
        calibration = read_calibration(dataset, width, height)
        return ClipInfo(
            path=path,
            format="dicom",
            frames=frames,
            width=width,
            height=height,
            fps=timing.fps,
            fps_source=timing.source,
            spacing_mm=calibration.spacing_mm,
            transfer_syntax=header.transfer_syntax or None,
            photometric=text(dataset, "PhotometricInterpretation") or None,
            region=calibration.region,
            playback="sweep" if sweeps(dataset) else "loop",
            trim=read_trim(dataset, frames),
            frame_times_s=timing.moments,
            colour_share=max(colour.share, colour_region_share(dataset, width, height)),
        )

    return describe


def _timing(dataset: Dataset, options: ReadOptions, movie: Movie | None, frames: int) -> Timing:
    if options.fps:
        return Timing(options.fps, "given")
    timing = read_timing(dataset, frames)
    if timing is None and movie is not None:
        timing = Timing(*movie.timing(frames))
    return timing or Timing(ASSUMED_FPS, "assumed")


def _closing(frames: FrameStream, undo: ExitStack) -> FrameStream:
    """Yield the frames and let go of files afterwards, also when decoding stops half way."""
    with undo:
        try:
            yield from frames
        finally:
            frames.close()
