"""What speaks for a pleural line at each place of a straightened picture."""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from lsgui.imaging.beam_view import COLUMN_MM, ROW_MM

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]

SLOPES = (-0.6, -0.4, -0.2, 0.0, 0.2, 0.4, 0.6)
"""Millimetres of depth per millimetre along the line that the line filter is steered to."""
HALF_LENGTH_MM = 3.0
"""Half of the stretch over which the line filter averages along the line."""
THICKNESS_MM = 0.4
"""Standard deviation of the line's profile in depth."""
FLANK_MM = (1.2, 3.0)
"""Distance of the two flanks that a line must outshine."""
BELOW_MM = (2.5, 22.0)
"""Depth below a line in which another line of its strength speaks against its being the pleura."""
ECHO_STRENGTH = 0.6
"""What a round trip between pleura and probe leaves of a line's strength, at most."""
FACE_SLACK_MM = 1.5
"""How far the picture may be cropped below the probe's face, where depth is counted from."""


def line_response(picture: Floats, valid: Bools) -> Floats:
    """Return how much a bright thin line through each cell outshines both of its flanks, (D, A) float32 grey values.

    The picture is averaged along short stretches of several slopes; the strongest answer counts. Below the pleura
    there is only reverberation and above it tissue, so the pleura is a ridge, not a step: the lesser of the contrasts
    to the flank above and to the flank below is taken.
    """
    filled = _fill_outside(picture, valid)
    best = np.zeros_like(filled)
    for slope in SLOPES:
        along = cv2.filter2D(filled, cv2.CV_32F, _stretch(slope), borderType=cv2.BORDER_REPLICATE)
        centre = cv2.GaussianBlur(along, (1, 7), sigmaX=0.1, sigmaY=THICKNESS_MM / ROW_MM)
        contrast = centre - np.maximum(_flank(along, -1), _flank(along, 1))
        np.maximum(best, contrast, out=best)
    trusted = cv2.erode(valid.astype(np.uint8), np.ones((3, 5), np.uint8), borderValue=0)
    best[trusted == 0] = 0.0
    return best


def strongest_below(response: Floats) -> Floats:
    """Return the strongest line response below each cell, (D, A) float32, A-lines of the cell left out.

    An A-line repeats the pleura at a multiple of its depth and is weaker, for each round trip loses energy: near twice
    and three times the depth a line counts only for what it has more than `echo_share` of the cell's own response.
    """
    rows = response.shape[0]
    # Lines a little further along count too: fascia and pleura are not quite parallel.
    widened = cv2.dilate(response, np.ones((1, round(2.0 / COLUMN_MM) | 1), np.uint8))
    out = np.zeros_like(response)
    near, far = (round(mm / ROW_MM) for mm in BELOW_MM)
    slack = round(FACE_SLACK_MM / ROW_MM)
    for row in range(rows - near - 1):
        below = np.arange(row + near, min(row + far, rows))
        share = np.zeros(len(below), dtype=np.float32)
        for multiple in (3, 2):
            share[(below > 0.92 * multiple * row) & (below < 1.08 * multiple * row + slack)] = echo_share(multiple)
        for value in np.unique(share):
            strongest = widened[below[share == value]].max(axis=0) - value * response[row]
            np.maximum(out[row], strongest, out=out[row])
    return out


def echo_share(multiple: int) -> float:
    """Return the strength of a repetition at a multiple of a line's depth against the line itself, at most."""
    return float(ECHO_STRENGTH ** (multiple - 1))


def strongest_above(response: Floats) -> Floats:
    """Return the strongest line response in the 12 mm above each cell, (D, A) float32."""
    near, far = round(BELOW_MM[0] / ROW_MM), round(12.0 / ROW_MM)
    kernel = np.zeros((2 * far + 1, 1), dtype=np.uint8)
    kernel[: far - near + 1] = 1
    return np.asarray(cv2.dilate(response, kernel, borderType=cv2.BORDER_CONSTANT, borderValue=0.0))


def agreement(pictures: Floats, lags: Sequence[int]) -> list[Floats]:
    """Return the local correlation of pictures each of `lags` apart, (D, A) float32, averaged over all such pairs.

    Windows of about 2.7 mm x 8 mm; flat dark windows count as unlike only as far as their speckle stands out of noise.
    """
    size = (round(8.0 / COLUMN_MM) | 1, round(2.7 / ROW_MM) | 1)
    means = [cv2.blur(p, size) for p in pictures]
    spreads = [np.sqrt(np.maximum(cv2.blur(p * p, size) - m * m, 4.0)) for p, m in zip(pictures, means, strict=True)]
    out = []
    for lag in lags:
        total = np.zeros(pictures.shape[1:], dtype=np.float32)
        pairs = max(len(pictures) - lag, 1)
        for first in range(pairs):
            second = min(first + lag, len(pictures) - 1)
            joint = cv2.blur(pictures[first] * pictures[second], size) - means[first] * means[second]
            total += joint / (spreads[first] * spreads[second])
        out.append(np.asarray(total / pairs, dtype=np.float32))
    return out


def _fill_outside(picture: Floats, valid: Bools) -> Floats:
    if valid.all():
        return picture
    weight = valid.astype(np.float32)
    size = (31, 31)
    around = cv2.blur(picture * weight, size) / np.maximum(cv2.blur(weight, size), 1e-3)
    return np.where(valid, picture, around).astype(np.float32)


def _stretch(slope: float) -> Floats:
    """Return a kernel that averages along a short stretch of one slope, its rows and columns odd."""
    half = round(HALF_LENGTH_MM / COLUMN_MM)
    climb = slope * COLUMN_MM / ROW_MM
    reach = int(np.ceil(half * abs(climb))) + 1
    kernel = np.zeros((2 * reach + 1, 2 * half + 1), dtype=np.float32)
    weights = np.hanning(2 * half + 3)[1:-1]
    for column in range(-half, half + 1):
        row = reach + column * climb
        low = int(np.floor(row))
        kernel[low, column + half] += weights[column + half] * (1.0 - (row - low))
        kernel[min(low + 1, 2 * reach), column + half] += weights[column + half] * (row - low)
    return np.asarray(kernel / kernel.sum(), dtype=np.float32)


def _flank(picture: Floats, side: int) -> Floats:
    """Return the mean of the flank above (side -1) or below (side 1) each cell."""
    near, far = (round(mm / ROW_MM) for mm in FLANK_MM)
    kernel = np.zeros((2 * far + 1, 1), dtype=np.float32)
    rows = slice(far + near, 2 * far + 1) if side > 0 else slice(0, far - near + 1)
    kernel[rows] = 1.0 / (far - near + 1)
    return np.asarray(cv2.filter2D(picture, cv2.CV_32F, kernel, borderType=cv2.BORDER_REPLICATE))
