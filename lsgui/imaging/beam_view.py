"""The picture straightened along the ultrasound beams: rows are depth, columns are beams."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from lsgui.imaging.scan_area import ScanArea, face_radius

ROW_MM = 0.3
COLUMN_MM = 0.5
"""Pitch of the straightened picture: fine enough for a pleural line about 1 mm thick, coarse enough to be fast."""

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class BeamView:
    """A grid of depth and beams over the picture.

    A line that lies square to the beams is level here for linear and convex probes alike.

    Attributes
    ----------
    x, y
        (D, A) float32: where each cell lies in the picture, in pixels of the file.
    valid
        (D, A) bool: the cell lies inside the scan area and on no static graphics.
    """

    x: Floats
    y: Floats
    valid: Bools

    def sample(self, frame: npt.NDArray[np.uint8]) -> Floats:
        """Return a frame on the grid, (D, A) float32, bilinear; cells that are not valid take their surroundings."""
        cells = cv2.remap(frame, self.x, self.y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(cells, dtype=np.float32)

    def to_pixels(self, rows: npt.NDArray[np.float64], columns: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return points (n, 2) as (x, y) in pixels of the file for fractional rows and columns of the grid."""
        at_row = np.asarray(rows, dtype=np.float32)[:, None]
        at_column = np.asarray(columns, dtype=np.float32)[:, None]
        x = cv2.remap(self.x, at_column, at_row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        y = cv2.remap(self.y, at_column, at_row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.concatenate([x, y], axis=1).astype(np.float64)


def straighten(area: ScanArea, mm_per_px: float, depth_mm: float) -> BeamView:
    """Return the grid of beams over a scan area.

    Parameters
    ----------
    area
        The scan area; a convex one is sampled in polar coordinates about its apex.
    mm_per_px
        Millimetres per pixel of the file.
    depth_mm
        How deep the grid reaches, where the picture does.
    """
    left, top, width, height = area.box
    if area.apex is None:
        across = np.arange(left + 0.5, left + width - 1.0, COLUMN_MM / mm_per_px)
        down = np.arange(0.0, min(depth_mm / mm_per_px, height - 1.0), ROW_MM / mm_per_px)
        x, y = np.meshgrid(across, top + down)
    else:
        radius = face_radius(area)
        reach = min(depth_mm / mm_per_px, top + height - area.apex[1] - radius)
        down = np.arange(0.0, max(reach, 2.0), ROW_MM / mm_per_px)
        low, high = _opening(area)
        # Beams are spaced by COLUMN_MM where the pleura usually lies, 20 mm below the face.
        angles = np.arange(low, high, COLUMN_MM / (radius * mm_per_px + 20.0))
        angle, distance = np.meshgrid(angles, radius + down)
        x = area.apex[0] + distance * np.sin(angle)
        y = area.apex[1] + distance * np.cos(angle)
    x32, y32 = x.astype(np.float32), y.astype(np.float32)
    if x32.size == 0:  # a picture smaller than one cell
        return BeamView(x32, y32, np.zeros(x32.shape, dtype=bool))
    inside = cv2.remap(area.mask.astype(np.uint8), x32, y32, cv2.INTER_NEAREST, borderValue=0)
    return BeamView(x32, y32, np.asarray(inside > 0))


def _opening(area: ScanArea) -> tuple[float, float]:
    """Return the angles of the first and the last beam in radians, 0 straight down."""
    apex_x, apex_y = area.apex or (0.0, 0.0)
    rows, columns = np.nonzero(area.mask)
    angles = np.arctan2(columns - apex_x, rows - apex_y)
    low, high = np.percentile(angles, [0.5, 99.5])
    return float(low), float(high)
