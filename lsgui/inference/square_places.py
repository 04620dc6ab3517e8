"""From the squares that a network on pictures sees to the pleural strip."""

import cv2
import numpy as np
import numpy.typing as npt

from lsgui.core.pleura import Polyline
from lsgui.imaging.strip_channels import POOL_COLUMNS, POOL_ROWS
from lsgui.imaging.strip_cutter import strip_grid
from lsgui.inference.protocol import InferenceRequest
from lsgui.models.preprocess import ClipInput, ClipStack, flow_patch_corners, square_path

Floats = npt.NDArray[np.float32]


class SquarePlaces:
    """Takes maps of squares to the cells of the strip, two rows by two columns each.

    Parameters
    ----------
    columns
        Columns of the strip.
    """

    def __init__(self, request: InferenceRequest, spec: ClipInput, stack: ClipStack, columns: int) -> None:
        height, width = request.frames.shape[1:]
        box = request.scan_box or (*request.origin, width, height)
        count = len(request.frames)
        path = square_path(spec, stack, request.roi, count, request.mm_per_px, box)
        self._first = int(stack.moments[0])
        self._corners = path.corners
        self._size = np.array(path.size)
        if spec.patch is not None:  # squares of the field of flow, which is one square of the picture
            scale = self._size / spec.size
            self._corners = path.corners + flow_patch_corners(stack, spec) * scale
            self._size = scale * spec.patch
        self._request = request
        self._columns = columns
        self._cells: tuple[Polyline, Floats] | None = None

    def __call__(self, frame: int, maps: Floats) -> Floats:
        """Return maps (P, h, w) of a frame's squares in the cells of the strip, (D, S); NaN where no square lies."""
        cells = self._cells_of(self._request.roi.line_at(frame))
        total = np.zeros(cells.shape[:2], dtype=np.float32)
        count = np.zeros(cells.shape[:2], dtype=np.float32)
        for corner, values in zip(self._corners[frame - self._first], maps, strict=True):
            scale = np.array(values.shape[::-1]) / self._size
            at = ((cells - corner + 0.5) * scale - 0.5).astype(np.float32)
            inside = ((at > -1.0) & (at < np.array(values.shape[::-1]))).all(axis=2)
            x, y = np.ascontiguousarray(at[..., 0]), np.ascontiguousarray(at[..., 1])
            total += np.where(inside, cv2.remap(values, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), 0.0)
            count += inside
        return np.where(count > 0, total / np.maximum(count, 1.0), np.float32(np.nan))

    def _cells_of(self, line: Polyline) -> Floats:
        """Return the middles of the strip's cells in pixels of the file, (D, S, 2)."""
        line = line if line[0, 0] <= line[-1, 0] else line[::-1]
        if self._cells is None or not np.array_equal(self._cells[0], line):
            points = strip_grid(line, self._columns, self._request.mm_per_px).points
            rows, columns = points.shape[0] // POOL_ROWS, points.shape[1] // POOL_COLUMNS
            cut = points[: rows * POOL_ROWS, : columns * POOL_COLUMNS]
            middles = cut.reshape(rows, POOL_ROWS, columns, POOL_COLUMNS, 2).mean(axis=(1, 3), dtype=np.float32)
            self._cells = line, middles
        return self._cells[1]
