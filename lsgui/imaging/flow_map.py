"""The flow map: how fast the picture below the pleural line moves against the chest wall."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d

from lsgui.core.errors import CancelledError
from lsgui.core.motion_map import MotionMap
from lsgui.core.strip import PleuralStrip
from lsgui.imaging.dis_flow import dis_pairs

LAG_S = 0.1
"""Time between the two frames of a pair: lung at 7-13 mm/s moves 2-3 samples, its texture still recognisable."""
MAPS_PER_S = 8.0
DEPTH_MM = 12.0
WALL_GAP_MM = 1.2
"""Rows just above the line that are not counted as chest wall: the line's own shimmer reaches into them."""
ARROW_MM = 2.4
"""About this far apart are the places whose velocity is kept: more than the smoothing reaches from one to the next."""
SMOOTH_S = 0.3
SMOOTH_MM = 1.0
LOWEST_TOP_MM_S = 4.0
"""Least end of the colour scale: below it a still clip would show its noise in full colours."""
NICE = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)

Floats = npt.NDArray[np.float32]
Cells = tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]


@dataclass(frozen=True, slots=True)
class FlowSolver:
    """What finds the motion between frames of a strip.

    Attributes
    ----------
    name
        For the legend.
    pairs
        From frames before and after, each (N, D, S) uint8, to the motion of every sample, (N, D, S, 2) float32 as
        (along, across) in samples.
    at_once
        Pairs that are given to it together; between two such calls it is asked whether to stop.
    look
        From numbers of frames to the frames that it sees; None: those of the strip itself. They may have several
        samples in place of one, each way: the motion is averaged over these.
    lanes
        Threads that find motion side by side: more than one only where `pairs` and `look` may be called so.
    """

    name: str
    pairs: Callable[[npt.NDArray[np.uint8], npt.NDArray[np.uint8]], Floats]
    at_once: int
    look: Callable[[npt.NDArray[np.int64]], npt.NDArray[np.uint8]] | None = None
    lanes: int = 1

    def motion(self, strip: PleuralStrip, firsts: npt.NDArray[np.int64], lag: int) -> Floats:
        """Return the motion from these frames to those `lag` later, (N, D, S, 2) in samples of the strip."""
        look = self.look or strip.frames.__getitem__
        moved = self.pairs(look(firsts), look(firsts + lag))
        rows, columns = strip.frames.shape[1:]
        times = moved.shape[2] // columns
        if times == 1:
            return moved
        small = [cv2.resize(flow, (columns, rows), interpolation=cv2.INTER_AREA) for flow in moved]
        return np.asarray(np.stack(small) / np.float32(times), dtype=np.float32)


DIS = FlowSolver("DIS", dis_pairs, 4, lanes=2)
"""Two lanes: OpenCV works outside Python's lock, and the core that is done with something else helps."""


def relative_flow_map(
    strip: PleuralStrip,
    mm_per_px: float,
    cancelled: Callable[[], bool] | None = None,
    *,
    solver: FlowSolver = DIS,
    step: int = 0,
    tell: Callable[[float], None] | None = None,
) -> MotionMap | None:
    """Return the speed of the lung against the chest wall, about eight maps a second; None where the clip is too short.

    Flow between frames about 0.1 s apart on the strip, which is already held still on the chest wall; the wall rows'
    remaining median motion is taken off and so is, in the square, their typical remaining speed: what the wall seems to
    move by is noise of the measurement. Texture that decorrelates instead of moving gives no true speed; the map shows
    motion to a reader and decides nothing. Values (K, D, S) and velocities lie from the line to 12 mm, NaN outside the
    scan, in mm/s where the file gave the scale, else in pixels of the file a second.

    Parameters
    ----------
    strip
        The wall-stabilised strip.
    mm_per_px
        Millimetres per pixel of the file, for the depth that the map spans there and for speeds in pixels.
    cancelled
        Asked between batches of pairs; where it says so, CancelledError is raised.
    solver
        What finds the motion.
    step
        Frames between the two of a pair; 0: as many as lie about 0.1 s apart.
    tell
        Takes the part of the pairs that is done, 0 to 1.
    """
    firsts, lag = _pairs(strip, step)
    if len(firsts) == 0:
        return None
    rows = min(round(DEPTH_MM / strip.pitch_mm), len(strip.frames[0]) - strip.pleura_row)
    band = slice(strip.pleura_row, strip.pleura_row + rows)
    cells = _cell_centres(strip.valid[band].shape, strip.pitch_mm)
    measured = _speeds(strip, firsts, lag, band, cells, solver, cancelled, tell)
    seconds = strip.times_s[firsts + lag] - strip.times_s[firsts]
    apart = f"step {lag} frame{'' if lag == 1 else 's'} ({float(np.median(seconds)):.2f} s)"
    middles = strip.times_s[firsts] + 0.5 * seconds
    return _as_map(strip, mm_per_px, band, cells, measured, middles, f"{solver.name}, {apart}")


def _as_map(
    strip: PleuralStrip,
    mm_per_px: float,
    band: slice,
    cells: Cells,
    measured: tuple[Floats, Floats, Floats],
    times_s: npt.NDArray[np.float64],
    note: str,
) -> MotionMap:
    """Return speeds, velocities and noise in mm/s as a map in its units, with the noise taken off."""
    valid = strip.valid[band]
    per_mm = 1.0 if strip.calibrated else 1.0 / mm_per_px
    lung, vectors, noise = (series * np.float32(per_mm) for series in measured)
    values = _above_noise(lung, noise)
    values[:, ~valid] = np.nan
    vectors = np.where(valid[cells][..., None], _shortened(vectors, noise), np.float32(np.nan))
    top = float(np.percentile(values[:, valid], 98)) if valid.any() else 0.0
    return MotionMap(
        quantity="flow",
        values=values,
        times_s=times_s,
        depth_px=(band.stop - band.start) * strip.pitch_mm / mm_per_px,
        unit="mm/s" if strip.calibrated else "px/s",
        low=0.0,
        high=_nice(max(top, LOWEST_TOP_MM_S * per_mm)),
        vectors=vectors,
        note=note,
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
    band: slice,
    cells: Cells,
    solver: FlowSolver,
    cancelled: Callable[[], bool] | None,
    tell: Callable[[float], None] | None,
) -> tuple[Floats, Floats, Floats]:
    """Return what moves in mm/s, smooth in time.

    Speed in the rows of the band (K, D, S), velocity there at the cells' centres (K, d, s, 2), and the typical speed
    that is left in the wall (K,).
    """
    wall = _wall_rows(strip)
    lung = np.empty((len(firsts), band.stop - band.start, strip.frames.shape[2]), dtype=np.float32)
    vectors = np.empty((len(firsts), cells[0].size, cells[1].size, 2), dtype=np.float32)
    noise = np.zeros(len(firsts), dtype=np.float32)
    starts = range(0, len(firsts), solver.at_once)

    def follow(start: int) -> None:
        if cancelled is not None and cancelled():
            raise CancelledError
        if tell is not None:
            tell(start / len(firsts))
        batch = firsts[start : start + solver.at_once]
        moved = solver.motion(strip, batch, lag)
        for at, (first, flow) in enumerate(zip(batch, moved, strict=True), start):
            velocity = flow * (strip.pitch_mm / float(strip.times_s[first + lag] - strip.times_s[first]))
            if wall.any():
                velocity -= np.median(velocity[wall], axis=0)
            smooth = cv2.GaussianBlur(velocity, (0, 0), SMOOTH_MM / strip.pitch_mm)
            speed = np.hypot(smooth[..., 0], smooth[..., 1])
            noise[at] = np.median(speed[wall]) if wall.any() else 0.0
            lung[at] = speed[band]
            vectors[at] = smooth[band][cells]

    _in_lanes(follow, starts, solver.lanes)
    sigma = SMOOTH_S * MAPS_PER_S / 2.0

    def steady(series: Floats) -> Floats:
        return np.asarray(gaussian_filter1d(series, sigma, axis=0, mode="nearest"), dtype=np.float32)

    return steady(lung), steady(vectors), steady(noise)


def _in_lanes(act: Callable[[int], None], starts: Sequence[int], lanes: int) -> None:
    """Do something for each of `starts`, in so many threads; the first fault is raised and what waits is given up."""
    if lanes <= 1:
        for start in starts:
            act(start)
        return
    with ThreadPoolExecutor(lanes, thread_name_prefix="lsgui-flow-lane") as pool:
        try:
            for _ in pool.map(act, starts):
                pass
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _pairs(strip: PleuralStrip, step: int) -> tuple[npt.NDArray[np.int64], int]:
    """Return the first frames of the pairs and the distance to their second frames."""
    count = len(strip.frames)
    lag = step or max(1, round(LAG_S * strip.fps))
    if count <= lag:
        return np.empty(0, dtype=np.int64), lag
    apart = max(1, round(strip.fps / MAPS_PER_S))
    return np.arange(0, count - lag, apart, dtype=np.int64), lag


def _wall_rows(strip: PleuralStrip) -> npt.NDArray[np.bool_]:
    wall = np.zeros_like(strip.valid)
    stop = max(strip.pleura_row - round(WALL_GAP_MM / strip.pitch_mm), 0)
    wall[2:stop] = strip.valid[2:stop]
    return wall


def _nice(value: float) -> float:
    """Return the least round number that is not below a value."""
    power = 10.0 ** np.floor(np.log10(value))
    return float(next(power * digit for digit in NICE if power * digit >= value * (1.0 - 1e-9)))
