"""Cut the pleural strip: sample every frame along and across the pleural line, held still on the chest wall."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d

from lsgui.core.errors import RoiError
from lsgui.core.pleura import PleuralROI, Polyline, polyline_length, resample_polyline
from lsgui.core.strip import PleuralStrip
from lsgui.imaging.wall_tracker import WHOLE, WallTrack, follow_wall

PITCH_MM = 0.4
"""Millimetres between samples. Finer than the speckle of a 3-8 MHz probe needs, coarse enough for a low-cost clip."""

ABOVE_MM = 9.6
BELOW_MM = 16.0
PLEURA_ROW = round(ABOVE_MM / PITCH_MM)
ROWS = round((ABOVE_MM + BELOW_MM) / PITCH_MM)
MARGIN_COLUMNS = 12
"""Columns sampled beyond both ends of the line, so that the wall can be searched sideways."""

MIN_LENGTH_MM = 6.0

Cancelled = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class StripGrid:
    """Picture coordinates of the strip's samples for one line.

    Attributes
    ----------
    points
        (ROWS, S, 2) float32: (x, y) of every sample in pixels of the file.
    tangent, normal
        (S, 2) float64 unit vectors along the line and across it, away from the probe.
    """

    points: npt.NDArray[np.float32]
    tangent: npt.NDArray[np.float64]
    normal: npt.NDArray[np.float64]


def strip_columns(line: Polyline, mm_per_px: float) -> int:
    """Return how many columns a strip over `line` has."""
    return max(round(polyline_length(line) * mm_per_px / PITCH_MM), 2)


def strip_grid(line: Polyline, columns: int, mm_per_px: float, margin: int = 0) -> StripGrid:
    """Return where the samples of a strip lie.

    The line is resampled at equal arc length and its normals are smoothed over 2 mm, so that a kink of a hand-drawn
    line does not fold the samples. Beyond its ends it goes on straight.
    """
    step = polyline_length(line) / max(columns - 1, 1)
    inner = resample_polyline(line, columns)
    smooth = gaussian_filter1d(inner, sigma=2.0 / PITCH_MM, axis=0, mode="nearest") if columns > 5 else inner
    tangent = np.gradient(smooth, axis=0)
    tangent /= np.maximum(np.hypot(tangent[:, 0], tangent[:, 1]), 1e-9)[:, None]
    if margin:
        out = np.arange(1, margin + 1)[:, None] * step
        inner = np.concatenate([inner[0] - out[::-1] * tangent[0], inner, inner[-1] + out * tangent[-1]])
        tangent = np.concatenate([np.repeat(tangent[:1], margin, 0), tangent, np.repeat(tangent[-1:], margin, 0)])
    normal = np.stack([-tangent[:, 1], tangent[:, 0]], axis=1)  # y grows downwards, away from the probe
    if normal[:, 1].mean() < 0:
        normal = -normal
    depth_px = (np.arange(ROWS) - PLEURA_ROW) * (PITCH_MM / mm_per_px)
    points = inner[None] + depth_px[:, None, None] * normal[None]
    return StripGrid(points.astype(np.float32), tangent, normal)


Maps = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]
Planes = tuple[npt.NDArray[np.floating], npt.NDArray[np.floating]]
"""x and y by themselves, each in one piece of memory."""


def _planes(points: npt.NDArray[np.floating]) -> Planes:
    return np.ascontiguousarray(points[..., 0]), np.ascontiguousarray(points[..., 1])


def _left_to_right(roi: PleuralROI) -> PleuralROI:
    if roi.polyline[0, 0] <= roi.polyline[-1, 0]:
        return roi
    return PleuralROI(tuple((k, line[::-1]) for k, line in roi.keyframes), roi.source, roi.confidence)


class StripSampler:
    """Samples frames on the strip's grid; the grid follows the key frames of the line.

    Parameters
    ----------
    frames
        (T, h, w) uint8: the clip, or a box cut out of it.
    origin
        (x, y) of that box in pixels of the file.
    finer
        How many samples are going to be taken in place of one, each way: frames are low-passed less.
    """

    def __init__(
        self,
        frames: npt.NDArray[np.uint8],
        origin: tuple[int, int],
        roi: PleuralROI,
        mm_per_px: float,
        finer: int = 1,
    ) -> None:
        self._frames = frames
        self._origin = np.asarray(origin, dtype=np.float32)
        self._roi = _left_to_right(roi)
        self._mm_per_px = mm_per_px
        self.columns = strip_columns(self._roi.line_at(len(frames) // 2), mm_per_px)
        self._still = len(roi.keyframes) == 1
        self._cached: tuple[int, StripGrid] | None = None
        self._planes: tuple[StripGrid, Planes, Planes] | None = None
        # Low-pass before taking one sample in several pixels, else the strip aliases fine speckle.
        ratio = PITCH_MM / finer / mm_per_px
        self._blur = 0.4 * np.sqrt(ratio**2 - 1.0) if ratio > 1.3 else 0.0
        self._smooth: tuple[int, npt.NDArray[np.uint8]] | None = None

    def grid(self, index: int) -> StripGrid:
        """Return the grid of frame `index`, with margin columns."""
        if self._cached is None or (not self._still and self._cached[0] != index):
            line = self._roi.line_at(index)
            self._cached = index, strip_grid(line, self.columns, self._mm_per_px, MARGIN_COLUMNS)
        return self._cached[1]

    def sample(self, index: int, along: float = 0.0, across: float = 0.0, rows: slice = WHOLE) -> npt.NDArray[np.uint8]:
        """Return frame `index` on its grid, moved by (along, across) samples, (ROWS, columns + margins) uint8.

        `rows` samples some of the rows alone.
        """
        x, y = self.places(index, along, across, rows)
        found = cv2.remap(self.frame(index), x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(found, dtype=np.uint8)

    def places(self, index: int, along: float, across: float, rows: slice = WHOLE) -> Maps:
        """Return (x, y) of the samples of frame `index` in its own pixels, each (ROWS, columns + margins) float32."""
        grid = self.grid(index)
        if self._planes is None or self._planes[0] is not grid:
            self._planes = grid, _planes(grid.points), _planes(np.stack([grid.tangent, grid.normal]))
        _, points, ways = self._planes
        step = PITCH_MM / self._mm_per_px
        maps: list[npt.NDArray[np.float32]] = []
        for place, way, corner in zip(points, ways, self._origin, strict=True):
            at = place[rows]
            if along or across:
                at = at + (step * (along * way[0] + across * way[1])).astype(np.float32)[None]
            # In 1/1024 px the subtraction is exact: a box and the whole clip give the same samples to the last bit.
            at = at * np.float32(1024.0)
            np.rint(at, out=at)
            at /= np.float32(1024.0)
            at -= corner
            maps.append(at)
        return maps[0], maps[1]

    def frame(self, index: int) -> npt.NDArray[np.uint8]:
        """Return a frame as it is sampled: low-passed where samples lie far apart, once for all samples of it."""
        frame: npt.NDArray[np.uint8] = self._frames[index]
        if not self._blur:
            return frame
        if self._smooth is None or self._smooth[0] != index:
            smooth = cv2.GaussianBlur(frame, (0, 0), self._blur)
            self._smooth = index, np.asarray(smooth, dtype=np.uint8)
        return self._smooth[1]

    def inside(self, index: int) -> npt.NDArray[np.bool_]:
        """Return which samples of frame `index` lie inside the frames, (ROWS, columns + margins) bool."""
        points = self.grid(index).points - self._origin
        height, width = self._frames.shape[1:]
        x, y = points[..., 0], points[..., 1]
        return np.asarray((x >= 0) & (y >= 0) & (x <= width - 1) & (y <= height - 1))


def cut_strip(
    frames: npt.NDArray[np.uint8],
    origin: tuple[int, int],
    times_s: npt.NDArray[np.float64],
    roi: PleuralROI,
    mm_per_px: float,
    calibrated: bool,
    cancelled: Cancelled | None = None,
) -> PleuralStrip:
    """Cut the pleural strip of a clip and hold it still on the chest wall.

    Parameters
    ----------
    frames
        (T, h, w) uint8, the clip or a box of it whose corner is `origin` (x, y).
    times_s
        (T,) moments in seconds.
    mm_per_px, calibrated
        Scale of the picture, and whether the file said it.

    Raises
    ------
    RoiError
        When the line is shorter than 6 mm or leaves the picture.
    CancelledError
        When `cancelled` says so.
    """
    sampler = StripSampler(frames, origin, roi, mm_per_px)
    if sampler.columns * PITCH_MM < MIN_LENGTH_MM:
        length = sampler.columns * PITCH_MM
        raise RoiError(f"The pleural line is only {length:.0f} mm long: draw at least {MIN_LENGTH_MM:.0f} mm of it.")
    valid = _inside_scan(sampler, len(frames))
    if not valid[PLEURA_ROW:, MARGIN_COLUMNS:-MARGIN_COLUMNS].any():
        raise RoiError(
            "The pleural line lies outside the picture or where it is black: draw it on the bright line of the lung."
        )
    inner = slice(MARGIN_COLUMNS, -MARGIN_COLUMNS)
    still = np.empty((len(frames), ROWS, sampler.columns), dtype=np.uint8)

    def keep(index: int, found: npt.NDArray[np.uint8]) -> None:
        still[index] = found[:, inner]

    track = follow_wall(sampler.sample, keep, len(frames), valid, PLEURA_ROW, PITCH_MM, cancelled)
    return _strip(still, valid[:, inner], track, times_s, calibrated)


def _inside_scan(sampler: StripSampler, count: int) -> npt.NDArray[np.bool_]:
    """Return where the grid lies inside the picture and something is ever seen, (ROWS, columns + margins) bool."""
    valid = np.ones((ROWS, sampler.columns + 2 * MARGIN_COLUMNS), dtype=bool)
    brightest = np.zeros(valid.shape, dtype=np.uint8)
    for index in np.unique(np.linspace(0, count - 1, min(count, 24)).astype(int)):
        valid &= sampler.inside(int(index))
        brightest = np.maximum(brightest, sampler.sample(int(index)))
    seen = (brightest > 8).astype(np.uint8)  # outside a fan the picture is black in every frame
    return np.asarray(valid & cv2.morphologyEx(seen, cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8)).astype(bool))


def _strip(
    still: npt.NDArray[np.uint8],
    valid: npt.NDArray[np.bool_],
    track: WallTrack,
    times_s: npt.NDArray[np.float64],
    calibrated: bool,
) -> PleuralStrip:
    return PleuralStrip(
        frames=still,
        valid=valid.copy(),
        pleura_row=PLEURA_ROW,
        pitch_mm=PITCH_MM,
        calibrated=calibrated,
        times_s=np.array(times_s, dtype=np.float64),
        wall_shift_mm=track.shift * PITCH_MM,
        wall_correlation=track.correlation.copy(),
    )
