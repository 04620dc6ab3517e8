"""The flow map: how fast the picture below the pleural line moves against the chest wall."""

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d

from lsgui.core.errors import CancelledError
from lsgui.core.motion_map import MotionMap
from lsgui.core.strip import PleuralStrip

LAG_S = 0.1
"""Time between the two frames of a pair: lung at 7-13 mm/s moves 2-3 samples, its texture still recognisable."""
MAPS_PER_S = 8.0
DEPTH_MM = 12.0
WALL_GAP_MM = 1.2
"""Rows just above the line that are not counted as chest wall: the line's own shimmer reaches into them."""
ENLARGED = 2
"""Strips are enlarged before the flow: patches of 8 pixels then span the speckle of one place only."""
SMOOTH_S = 0.3
SMOOTH_MM = 1.0
LOWEST_TOP_MM_S = 4.0
"""Least end of the colour scale: below it a still clip would show its noise in full colours."""
NICE = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)

Floats = npt.NDArray[np.float32]


def relative_flow_map(
    strip: PleuralStrip, mm_per_px: float, cancelled: Callable[[], bool] | None = None
) -> MotionMap | None:
    """Return the speed of the lung against the chest wall in mm/s, about eight maps a second.

    Dense inverse search flow between frames about 0.1 s apart on the strip, which is already held still on the chest
    wall; the wall rows' remaining median motion is taken off and so is, in the square, their typical remaining speed:
    what the wall seems to move by is noise of the measurement. Texture that decorrelates instead of moving gives no
    true speed; the map shows motion to a reader and decides nothing.

    Parameters
    ----------
    strip
        The wall-stabilised strip.
    mm_per_px
        Millimetres per pixel of the file, for the depth that the map spans there.
    cancelled
        Asked before every pair of frames.

    Returns
    -------
    MotionMap or None
        Values (K, D, S) from the line down to 12 mm, NaN outside the scan; None where the clip is too short.

    Raises
    ------
    CancelledError
        When `cancelled` says so.
    """
    firsts, lag = _pairs(strip)
    if len(firsts) == 0:
        return None
    rows = min(round(DEPTH_MM / strip.pitch_mm), len(strip.frames[0]) - strip.pleura_row)
    lung, noise = _speeds(strip, firsts, lag, rows, cancelled)
    values = np.sqrt(np.maximum(lung**2 - noise[:, None, None] ** 2, 0.0)).astype(np.float32)
    valid = strip.valid[strip.pleura_row : strip.pleura_row + rows]
    values[:, ~valid] = np.nan
    top = float(np.percentile(values[:, valid], 98)) if valid.any() else 0.0
    return MotionMap(
        quantity="flow",
        values=values,
        times_s=0.5 * (strip.times_s[firsts] + strip.times_s[firsts + lag]),
        depth_px=rows * strip.pitch_mm / mm_per_px,
        unit="mm/s",
        low=0.0,
        high=_nice(max(top, LOWEST_TOP_MM_S)),
    )


def _speeds(
    strip: PleuralStrip,
    firsts: npt.NDArray[np.int64],
    lag: int,
    rows: int,
    cancelled: Callable[[], bool] | None,
) -> tuple[Floats, Floats]:
    """Return speed below the line (K, rows, S) and the typical speed left in the wall (K,), mm/s, smooth in time."""
    wall = _wall_rows(strip)
    # The fastest preset, at full resolution: as accurate on shifted speckle as the others, in a third of their time.
    solver = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
    solver.setFinestScale(0)
    lung = np.empty((len(firsts), rows, strip.frames.shape[2]), dtype=np.float32)
    noise = np.zeros(len(firsts), dtype=np.float32)
    for at, first in enumerate(firsts):
        if cancelled is not None and cancelled():
            raise CancelledError
        seconds = float(strip.times_s[first + lag] - strip.times_s[first])
        flow = _flow(solver, strip.frames[first], strip.frames[first + lag]) * (strip.pitch_mm / seconds)
        if wall.any():
            flow -= np.median(flow[wall], axis=0)
        speed = _smooth_speed(flow, strip.pitch_mm)
        noise[at] = np.median(speed[wall]) if wall.any() else 0.0
        lung[at] = speed[strip.pleura_row : strip.pleura_row + rows]
    sigma = SMOOTH_S * MAPS_PER_S / 2.0
    lung = gaussian_filter1d(lung, sigma, axis=0, mode="nearest")
    return lung, gaussian_filter1d(noise, sigma, mode="nearest")


def _pairs(strip: PleuralStrip) -> tuple[npt.NDArray[np.int64], int]:
    """Return the first frames of the pairs and the distance to their second frames."""
    count = len(strip.frames)
    lag = max(1, round(LAG_S * strip.fps))
    if count <= lag:
        return np.empty(0, dtype=np.int64), lag
    step = max(1, round(strip.fps / MAPS_PER_S))
    return np.arange(0, count - lag, step, dtype=np.int64), lag


def _wall_rows(strip: PleuralStrip) -> npt.NDArray[np.bool_]:
    wall = np.zeros_like(strip.valid)
    stop = max(strip.pleura_row - round(WALL_GAP_MM / strip.pitch_mm), 0)
    wall[2:stop] = strip.valid[2:stop]
    return wall


def _flow(solver: cv2.DISOpticalFlow, before: npt.NDArray[np.uint8], after: npt.NDArray[np.uint8]) -> Floats:
    """Return the motion from one strip frame to another, (D, S, 2) float32 as (along, across) in samples."""
    size = (before.shape[1] * ENLARGED, before.shape[0] * ENLARGED)
    # The solver halves the picture several times: a margin keeps a narrow strip large enough for that.
    margin = max(0, 64 - min(size)) // 2 + 8
    pair = [
        cv2.copyMakeBorder(
            cv2.resize(frame, size, interpolation=cv2.INTER_CUBIC), margin, margin, margin, margin, cv2.BORDER_REFLECT
        )
        for frame in (before, after)
    ]
    flow = solver.calc(pair[0], pair[1], None)[margin:-margin, margin:-margin]
    small = cv2.resize(flow, (before.shape[1], before.shape[0]), interpolation=cv2.INTER_AREA)
    return np.asarray(small / ENLARGED, dtype=np.float32)


def _smooth_speed(flow: Floats, pitch_mm: float) -> Floats:
    smooth = cv2.GaussianBlur(flow, (0, 0), SMOOTH_MM / pitch_mm)
    return np.asarray(np.hypot(smooth[..., 0], smooth[..., 1]), dtype=np.float32)


def _nice(value: float) -> float:
    """Return the least round number that is not below a value."""
    power = 10.0 ** np.floor(np.log10(value))
    return float(next(power * digit for digit in NICE if power * digit >= value * (1.0 - 1e-9)))
