"""From a row of a data set to frames: the pleural line found, the labelled stretch cut out, edits made. No torch."""

import zlib
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from lsgui.core.clip import Clip
from lsgui.core.errors import DatasetError, RoiError
from lsgui.core.pleura import PleuralROI, check_roi_fits, read_roi_file
from lsgui.core.strip import PleuralStrip
from lsgui.imaging.pleura_finder import find_pleura
from lsgui.imaging.probe_motion import line_path_mm
from lsgui.imaging.scan_area import Box, Scale, ScanArea, find_scan_area, picture_scale
from lsgui.imaging.square_cutter import wall_in_pixels
from lsgui.imaging.strip_cutter import cut_strip
from lsgui.inference.preparation import band_box
from lsgui.readers.base import open_clip
from lsgui.simulation.edited_clip import ClipEdit, edit_clip, edited_line
from lsgui.training.data.dataset_rows import DatasetRow
from lsgui.training.data.edit_matching import matched

Frames = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class LabelledClip:
    """The frames of a row around its pleural line, with all that cutting a strip needs.

    Attributes
    ----------
    frames
        (T, h, w) uint8, a box around the line; `roi` is in its pixels.
    inside
        (h, w) bool: where the box shows the scan, not text or surround; None: everywhere.
    """

    frames: Frames
    roi: PleuralROI
    times_s: npt.NDArray[np.float64]
    mm_per_px: float
    calibrated: bool
    inside: npt.NDArray[np.bool_] | None = None

    def strip(self, frames: Frames | None = None) -> PleuralStrip:
        """Cut the strip of the clip, or of an edited version of its frames, exactly as when a clip is judged."""
        chosen = self.frames if frames is None else frames
        return cut_strip(chosen, (0, 0), self.times_s, self.roi, self.mm_per_px, self.calibrated)

    def line_path_mm(self) -> npt.NDArray[np.float64]:
        """Return the path of the line's middle, (T, 2) mm from its first place."""
        return line_path_mm(self.roi, 0, len(self.frames), self.mm_per_px)


@dataclass(frozen=True, slots=True, eq=False)
class OpenedRow:
    """A row whose clip is read, before anything is cut out.

    Attributes
    ----------
    start, stop
        The labelled frames, now within the clip.
    line
        The pleural line in pixels and frames of the file; None where none was asked for.
    """

    row: DatasetRow
    clip: Clip
    area: ScanArea
    scale: Scale
    start: int
    stop: int
    line: PleuralROI | None

    @property
    def times_s(self) -> npt.NDArray[np.float64]:
        """Moments of the labelled frames in seconds from the first of them, (T,)."""
        times = self.clip.info.times_s[self.start : self.stop]
        return np.asarray(times - times[0])

    def line_in(self, box: Box) -> PleuralROI:
        """Return the line in pixels of a box (x, y, width, height), frame 0 being the first labelled one."""
        if self.line is None:
            raise RoiError(f"{self.row.clip.name}: no pleural line was asked for.")
        line, corner = self.line, np.array(box[:2])
        inside = (k for k, _ in line.keyframes if self.start < k < self.stop)
        after = {self.stop - 1} if line.keyframes[-1][0] >= self.stop else set()  # on the way to a later key frame
        keys = sorted({self.start, *inside, *after})
        return PleuralROI(tuple((k - self.start, line.line_at(k) - corner) for k in keys), line.source, line.confidence)

    def around_line(self, box: Box) -> LabelledClip:
        """Return the labelled frames within a box around the line."""
        x, y, width, height = box
        frames = self.clip.stack(self.start, self.stop, box)
        inside = self.area.mask[y : y + height, x : x + width]
        line, scale = self.line_in(box), self.scale
        return LabelledClip(frames, line, self.times_s, scale.mm_per_px, scale.calibrated, inside)


def open_row(row: DatasetRow, *, with_line: bool = True) -> OpenedRow:
    """Read the clip of a row; where the row names no pleural line and one is asked for, look for it.

    Raises
    ------
    LsguiError
        When the clip or its line cannot be used, or no line is found.
    """
    clip = open_clip(row.clip)
    stop = min(row.stop or len(clip), len(clip))
    if stop - row.start < 2:
        raise DatasetError(f"{row.clip.name}: frames {row.start} to {stop} are not a clip: correct start and stop.")
    area = find_scan_area(clip)
    scale = picture_scale(clip.info, area)
    line = _line(row, clip, area, scale) if with_line else None
    return OpenedRow(row, clip, area, scale, row.start, stop, line)


def _line(row: DatasetRow, clip: Clip, area: ScanArea, scale: Scale) -> PleuralROI:
    if row.roi is not None:
        roi = read_roi_file(row.roi, row.clip.name)
        check_roi_fits(roi, clip.info.width, clip.info.height, row.clip.name)
        return roi
    found = find_pleura(clip, area, scale)
    if found is None:
        raise RoiError(f"{row.clip.name}: no pleural line is found: draw it and name its file in the column roi.")
    return found


def read_row(row: DatasetRow) -> LabelledClip:
    """Read the clip of a row, cut to a box around its line, for strips.

    Raises
    ------
    LsguiError
        When the clip or its line cannot be used.
    """
    opened = open_row(row)
    assert opened.line is not None  # it was asked for
    labelled = opened.around_line(band_box(opened.clip, opened.line, opened.scale.mm_per_px))
    return labelled if row.edit is None else edited(labelled, row.edit, edit_seed(row), wall_of(labelled))


def wall_of(labelled: LabelledClip) -> npt.NDArray[np.float64]:
    """Follow the chest wall; return its displacement (x, y) against the pleural line in pixels, (T, 2)."""
    return wall_in_pixels(labelled.strip(), labelled.roi, labelled.mm_per_px)


def edited(labelled: LabelledClip, kind: ClipEdit, seed: int, wall_px: npt.NDArray[np.float64]) -> LabelledClip:
    """Return a sliding clip with its picture edited, and its line moved along where the edit adds probe drift.

    A mirrored wall gets the brightness of the lung in whose place it stands.

    Parameters
    ----------
    wall_px
        What `wall_of` says of the clip as it was.
    """
    times, pitch = labelled.times_s, labelled.mm_per_px
    fps = (len(times) - 1) / float(times[-1] - times[0])
    frames = edit_clip(kind, labelled.frames, labelled.roi, wall_px, pitch, fps, seed, labelled.inside)
    if kind == "mirror":
        frames = matched(frames, labelled.frames, labelled.roi, pitch)
    line = edited_line(labelled.roi, kind, len(frames), pitch, fps, seed)
    return replace(labelled, frames=frames, roi=line)


def edit_seed(row: DatasetRow) -> int:
    """Return the seed of a row's edit: the same whenever and wherever it is made."""
    return zlib.crc32(f"{row.name}:{row.start}".encode())
