"""Cut square pictures out of a clip: the scan area, the box around the pleural line, or squares below the line."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from lsgui.core.pleura import PleuralROI, Polyline
from lsgui.core.strip import PleuralStrip
from lsgui.imaging.strip_cutter import MARGIN_COLUMNS, strip_columns, strip_grid

ABOVE_MM = 10.0
BELOW_MM = 20.0
"""What the box around the pleural line holds above and below it."""

ROOM_MM = 4.4
"""Room around the box in which the chest wall may move while it is followed."""

Box = tuple[int, int, int, int]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class SquarePath:
    """Where squares lie in each frame.

    Attributes
    ----------
    corners
        (T, P, 2) float64: (x, y) of the upper left corner of each of P squares in pixels.
    size
        (width, height) in pixels of what becomes a square: constant, for a change of scale would look like motion.
    """

    corners: Floats
    size: tuple[float, float]

    def moved(self, shift: Floats) -> "SquarePath":
        """Return the path with every frame's squares moved by (T, 2) pixels."""
        return SquarePath(self.corners + shift[:, None], self.size)


def fixed_path(box: tuple[float, float, float, float], count: int) -> SquarePath:
    """Return the path of one box (x, y, width, height) that stands in the picture."""
    return SquarePath(np.tile(np.array(box[:2], dtype=np.float64), (count, 1, 1)), (float(box[2]), float(box[3])))


def pleura_path(roi: PleuralROI, count: int, mm_per_px: float) -> SquarePath:
    """Return the path of the box around the pleural line: its ends as sides, 10 mm above and 20 mm below.

    The box has the size that the largest key frame needs and goes with the line.
    """
    extents = np.array([_extent(line) for _, line in roi.keyframes])
    width, height = (float(v) for v in np.maximum((extents[:, 2:] - extents[:, :2]).max(axis=0), 1.0))
    above, below = ABOVE_MM / mm_per_px, BELOW_MM / mm_per_px
    corners = line_centres(roi, count) - np.array([width / 2.0, height / 2.0 + above])
    return SquarePath(corners[:, None], (width, height + above + below))


def patch_path(roi: PleuralROI, count: int, side: int) -> SquarePath:
    """Return the path of squares side by side below the pleural line, from its left end, in pixels of the file.

    A line shorter than a square gets one, in its middle.
    """
    line = roi.polyline if roi.polyline[0, 0] <= roi.polyline[-1, 0] else roi.polyline[::-1]
    centres = line_centres(roi, count)
    offsets = patch_corners(line, side) - _centre(roi.polyline)
    return SquarePath(centres[:, None] + offsets[None], (float(side), float(side)))


def patch_corners(line: Polyline, side: int) -> Floats:
    """Return the upper left corners (P, 2) of squares side by side below a line that runs from left to right."""
    left, right = float(line[:, 0].min()), float(line[:, 0].max())
    count = max(int((right - left) // side), 1)
    spare = (right - left) - count * side
    starts = np.floor(left + (0.0 if spare >= 0 else spare / 2.0) + side * np.arange(count))
    along = np.linspace(0.0, 1.0, side)
    order = np.argsort(line[:, 0], kind="stable")
    depths = np.interp(starts[:, None] + side * along, line[order, 0], line[order, 1])
    return np.stack([starts, np.ceil(depths.max(axis=1))], axis=1)


def line_centres(roi: PleuralROI, count: int) -> Floats:
    """Return the middle (x, y) of the rectangle around the line in each frame, (T, 2)."""
    if len(roi.keyframes) == 1:
        return np.tile(_centre(roi.polyline), (count, 1))
    return np.stack([_centre(roi.line_at(index)) for index in range(count)])


def wall_in_pixels(strip: PleuralStrip, roi: PleuralROI, mm_per_px: float) -> Floats:
    """Return the displacement (x, y) of the chest wall against the pleural line in pixels, (T, 2)."""
    out = np.empty((len(strip.times_s), 2))
    mean: tuple[Floats, Floats] | None = None
    for index, (along, across) in enumerate(strip.wall_shift_mm / mm_per_px):
        if mean is None or len(roi.keyframes) > 1:
            line = roi.line_at(index)
            line = line if roi.polyline[0, 0] <= roi.polyline[-1, 0] else line[::-1]  # as the strip runs
            grid = strip_grid(line, strip.frames.shape[2], mm_per_px)
            mean = grid.tangent.mean(axis=0), grid.normal.mean(axis=0)
        out[index] = along * mean[0] + across * mean[1]
    return out


def cut_squares(
    frames: npt.NDArray[np.uint8],
    origin: tuple[int, int],
    path: SquarePath,
    chosen: npt.NDArray[np.int64],
    side: int,
) -> npt.NDArray[np.uint8]:
    """Sample squares; what lies outside the frames is black.

    Parameters
    ----------
    frames
        (T, h, w) uint8, the clip or a box of it whose corner is `origin` (x, y).
    path
        Where the squares lie in each of the T frames, in pixels of the file.
    chosen
        (T',) which frames to sample.
    side
        Rows and columns of a square.

    Returns
    -------
    (P, T', side, side) uint8.
    """
    scale = np.array(path.size) / side
    # Low-pass before taking one sample in several pixels, else fine speckle aliases and seems to move.
    blur = [0.4 * float(np.sqrt(ratio**2 - 1.0)) if ratio > 1.3 else 0.0 for ratio in scale]
    out = np.empty((path.corners.shape[1], len(chosen), side, side), dtype=np.uint8)
    for place, index in enumerate(chosen):
        frame = frames[index]
        if any(blur):
            frame = cv2.GaussianBlur(frame, (0, 0), max(blur[0], 0.05), sigmaY=max(blur[1], 0.05))
        for square, corner in enumerate(path.corners[index]):
            start = corner - origin + 0.5 * scale - 0.5
            transform = np.array([[scale[0], 0.0, start[0]], [0.0, scale[1], start[1]]])
            out[square, place] = cv2.warpAffine(
                frame, transform, (side, side), flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP, borderValue=0
            )
    return out


def box_of_path(path: SquarePath, room_px: float) -> tuple[Floats, Floats]:
    """Return the first and last (x, y) that a path touches, with room around it."""
    flat = path.corners.reshape(-1, 2)
    return flat.min(axis=0) - room_px - 2.0, flat.max(axis=0) + np.array(path.size) + room_px + 2.0


def box_of_strip(roi: PleuralROI, mm_per_px: float) -> tuple[Floats, Floats]:
    """Return the first and last (x, y) that the strip of any key frame touches, with room to follow the wall."""
    corners = []
    for _, line in roi.keyframes:
        points = strip_grid(line, strip_columns(line, mm_per_px), mm_per_px, MARGIN_COLUMNS).points.reshape(-1, 2)
        corners += [points.min(axis=0), points.max(axis=0)]
    room = ROOM_MM / mm_per_px
    return np.min(corners, axis=0).astype(np.float64) - room, np.max(corners, axis=0).astype(np.float64) + room


def _extent(line: Polyline) -> Floats:
    return np.concatenate([line.min(axis=0), line.max(axis=0)])


def _centre(line: Polyline) -> Floats:
    return np.asarray((line.min(axis=0) + line.max(axis=0)) / 2.0)
