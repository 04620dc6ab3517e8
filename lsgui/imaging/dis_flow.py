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
ARROW_MM = 2.4
"""About this far apart are the places whose velocity is kept: more than the smoothing reaches from one to the next."""
SMOOTH_S = 0.3
SMOOTH_MM = 1.0
LOWEST_TOP_MM_S = 4.0
"""Least end of the colour scale: below it a still clip would show its noise in full colours."""
NICE = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)

Floats = npt.NDArray[np.float32]
Cells = tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]


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
        Values (K, D, S) and velocities from the line to 12 mm, NaN outside the scan; None where the clip is too short.

    Raises
    ------
    CancelledError
        When `cancelled` says so.
    """
    firsts, lag = _pairs(strip)
    if len(firsts) == 0:
        return None
    rows = min(round(DEPTH_MM / strip.pitch_mm), len(strip.frames[0]) - strip.pleura_row)
    valid = strip.valid[strip.pleura_row : strip.pleura_row + rows]
    cells = _cell_centres(valid.shape, strip.pitch_mm)
    lung, vectors, noise = _speeds(strip, firsts, lag, rows, cells, cancelled)
    values = _above_noise(lung, noise)
    values[:, ~valid] = np.nan
    vectors = np.where(valid[cells][..., None], _shortened(vectors, noise), np.float32(np.nan))
    top = float(np.percentile(values[:, valid], 98)) if valid.any() else 0.0
    return MotionMap(
        quantity="flow",
        values=values,
        times_s=0.5 * (strip.times_s[firsts] + strip.times_s[firsts + lag]),
        depth_px=rows * strip.pitch_mm / mm_per_px,
        unit="mm/s",
        low=0.0,
        high=_nice(max(top, LOWEST_TOP_MM_S)),
        vectors=vectors,
    )


def _above_noise(speed: Floats, noise: Floats) -> Floats:
    """Return speeds (K, ., .) with the noise of their moment (K,) taken off in the square."""
    return np.asarray(np.sqrt(np.maximum(speed**2 - noise[:, None, None] ** 2, 0.0)), dtype=np.float32)


def _shortened(vectors: Floats, noise: Floats) -> Floats:
    """Return velocities (K, d, s, 2) with the noise taken off their length as it is off the speed."""
    length = np.hypot(vectors[..., 0], vectors[..., 1])
    return np.asarray(vectors * (_above_noise(length, noise) / np.maximum(length, 1e-6))[..., None], dtype=np.float32)


def _cell_centres(shape: tuple[int, ...], pitch_mm: float) -> Cells:
    """Return rows and columns of the centres of equal cells of about 2.4 mm that fill the band."""
    counts = [max(1, round(size * pitch_mm / ARROW_MM)) for size in shape]
    row, column = (((np.arange(n) + 0.5) * size / n).astype(np.intp) for n, size in zip(counts, shape, strict=True))
    return row[:, None], column[None, :]


def _speeds(
    strip: PleuralStrip,
    firsts: npt.NDArray[np.int64],
    lag: int,
    rows: int,
    cells: Cells,
    cancelled: Callable[[], bool] | None,
) -> tuple[Floats, Floats, Floats]:
    """Return what moves in mm/s, smooth in time.

    Speed below the line (K, D, S), velocity there at the cells' centres (K, d, s, 2), and the typical speed that is
    left in the wall (K,).
    """
    wall = _wall_rows(strip)
    solver = dis_solver()
    band = slice(strip.pleura_row, strip.pleura_row + rows)
    lung = np.empty((len(firsts), rows, strip.frames.shape[2]), dtype=np.float32)
    vectors = np.empty((len(firsts), cells[0].size, cells[1].size, 2), dtype=np.float32)
    noise = np.zeros(len(firsts), dtype=np.float32)
    for at, first in enumerate(firsts):
        if cancelled is not None and cancelled():
            raise CancelledError
        seconds = float(strip.times_s[first + lag] - strip.times_s[first])
        flow = dense_flow(solver, strip.frames[first], strip.frames[first + lag]) * (strip.pitch_mm / seconds)
        if wall.any():
            flow -= np.median(flow[wall], axis=0)
        smooth = cv2.GaussianBlur(flow, (0, 0), SMOOTH_MM / strip.pitch_mm)
        speed = np.hypot(smooth[..., 0], smooth[..., 1])
        noise[at] = np.median(speed[wall]) if wall.any() else 0.0
        lung[at] = speed[band]
        vectors[at] = smooth[band][cells]
    sigma = SMOOTH_S * MAPS_PER_S / 2.0

    def steady(series: Floats) -> Floats:
        return np.asarray(gaussian_filter1d(series, sigma, axis=0, mode="nearest"), dtype=np.float32)

    return steady(lung), steady(vectors), steady(noise)


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


def dis_solver() -> cv2.DISOpticalFlow:
    """Return the flow solver with this program's settings."""
    # The fastest preset, at full resolution: as accurate on shifted speckle as the others, in a third of their time.
    solver = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
    solver.setFinestScale(0)
    return solver


def dense_flow(solver: cv2.DISOpticalFlow, before: npt.NDArray[np.uint8], after: npt.NDArray[np.uint8]) -> Floats:
    """Return the motion from one frame (H, W) to another, (H, W, 2) float32 as (along, across) in samples."""
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


def _nice(value: float) -> float:
    """Return the least round number that is not below a value."""
    power = 10.0 ** np.floor(np.log10(value))
    return float(next(power * digit for digit in NICE if power * digit >= value * (1.0 - 1e-9)))
