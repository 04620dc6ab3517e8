"""Lays an image in strip coordinates over the band along the pleural line, for Qt."""

import numpy as np
import numpy.typing as npt
from PySide6.QtGui import QImage

from lsgui.imaging.band_grid import BandGrid


def warp_band(colours: npt.NDArray[np.uint8], grid: BandGrid) -> QImage:
    """Return a strip image laid into the band's box.

    Parameters
    ----------
    colours
        (D, S, 4) uint8, premultiplied blue, green, red, alpha; first row at the band's upper edge, first column at the
        line's first point.
    grid
        The band.
    """
    import cv2  # loaded by the readers by the time a map is there; kept out of the window's start

    rows, columns = colours.shape[:2]
    map_x, map_y = grid.along * columns - 0.5, grid.below * rows - 0.5
    warped = cv2.remap(colours, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    warped = cv2.multiply(warped, grid.mask, scale=1.0 / 255.0)
    height, width = warped.shape[:2]
    image = QImage(warped.data, width, height, width * 4, QImage.Format.Format_ARGB32_Premultiplied)
    return image.copy()  # owns its pixels: the array goes away
