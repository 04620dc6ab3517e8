"""A simulated clip: anatomy, motion and scanner put together, with its ground truth."""

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from lsgui.core.label import SlidingLabel
from lsgui.core.pleura import PleuralROI
from lsgui.simulation.anatomy import Anatomy, Canvas, Image, build, from_db
from lsgui.simulation.motion import MotionCurves, curves
from lsgui.simulation.scanner import Geometry, Receiver, burn_in, recode, shown_frames
from lsgui.simulation.spec import ClipSpec
from lsgui.simulation.speckle import Field, Renewal, SpecklePool, both, smooth_curve

STRETCHES = 16
"""Stretches of the pleural line that ground truth is given for."""

_LUNG_SLICES = 8
_LINE_POINTS = 9
_LINE_TOLERANCE_PX = 0.8


@dataclass(frozen=True, slots=True, eq=False)
class SimulatedClip:
    """A clip whose truth is known.

    Attributes
    ----------
    frames
        (T, H, W) uint8, read-only.
    fps, mm_per_px
        Frames a second and the true pixel pitch.
    label, scenario
        What the clip shows; for a lung point the label is that of the larger part.
    roi
        The pleural line as it moves with the probe, between the ribs.
    sliding
        (T, S) bool: where and when the lung is free to slide, S equal stretches from the line's first point.
    flow_mm_s
        (T, S) float32: true speed of the lung against the chest wall along the line at that moment.
    flow_mm
        (T, S) float32: how far the lung has moved since the frame before, mm along the line; 0 in the first frame.
    wall_mm
        (T, 2) float32: where the chest wall lies in the picture, mm (x, y) against its mean place, by the probe's drift
        and the wall's own swing. A convex probe's x runs along the arc through the pleura.
    spec, seed
        What made it.
    """

    frames: npt.NDArray[np.uint8]
    fps: float
    mm_per_px: float
    label: SlidingLabel
    scenario: str
    roi: PleuralROI
    sliding: npt.NDArray[np.bool_]
    flow_mm_s: npt.NDArray[np.float32]
    flow_mm: npt.NDArray[np.float32]
    wall_mm: npt.NDArray[np.float32]
    spec: ClipSpec
    seed: int

    def __post_init__(self) -> None:
        for array in (self.frames, self.sliding, self.flow_mm_s, self.flow_mm, self.wall_mm):
            array.setflags(write=False)


def simulate_clip(spec: ClipSpec, seed: int) -> SimulatedClip:
    """Return the clip that `spec` and `seed` describe; the same two give the same pixels."""
    rng = np.random.default_rng(seed)
    geometry = Geometry.of(spec)
    canvas = Canvas.for_spec(spec, _reach_mm(spec), geometry.half_width_mm)
    pitch = spec.picture.mm_per_px
    # noise is drawn from the same pool for the whole picture, which a small curved probe sees beyond its canvas
    width = max(canvas.width, spec.picture.width // 2)
    pool = SpecklePool(rng, canvas.height, width, spec.scanner.axial_mm / pitch, spec.scanner.lateral_mm / pitch)
    anatomy = build(spec, canvas, pool, rng)
    ends = visible_stretch(anatomy, spec, geometry)
    shown = shown_frames(spec.scanner, spec.frames)
    moments, place = np.unique(shown, return_inverse=True)
    motion = curves(spec, moments / spec.picture.fps, canvas.width, ends, rng)
    pictures = _render(spec, geometry, anatomy, motion, pool, rng)
    left, top, right, bottom = spec.picture.border
    frames = np.zeros((len(shown), pictures.shape[1] + top + bottom, pictures.shape[2] + left + right), dtype=np.uint8)
    frames[:, top : top + pictures.shape[1], left : left + pictures.shape[2]] = pictures[place]
    frames[: spec.scanner.black_lead_in] = 0
    if spec.scanner.overlay:
        burn_in(frames, spec, rng)
    edges = np.linspace(ends[0], ends[1], STRETCHES + 1)
    cells = [slice(int(a), max(int(b), int(a) + 1)) for a, b in pairwise(edges)]
    path = np.stack([motion.lung_mm[:, cell].mean(axis=1) for cell in cells], axis=1)[place]
    return SimulatedClip(
        frames=recode(frames, spec.scanner, spec.picture.fps),
        fps=spec.picture.fps,
        mm_per_px=pitch,
        label=spec.label,
        scenario=spec.scenario,
        roi=_line_over_time(spec, geometry, anatomy, motion, ends, place),
        sliding=np.stack([motion.free[:, cell].mean(axis=1) > 0.5 for cell in cells], axis=1)[place],
        flow_mm_s=np.stack([motion.lung_mm_s[:, c].mean(axis=1) for c in cells], axis=1)[place].astype(np.float32),
        flow_mm=np.diff(path, axis=0, prepend=path[:1]).astype(np.float32),
        wall_mm=motion.wall_mm[place].astype(np.float32),
        spec=spec,
        seed=seed,
    )


def _reach_mm(spec: ClipSpec) -> tuple[float, float]:
    """Return how far (x, y) the scene may move off the picture."""
    motion = spec.motion
    half = 0.5 * spec.picture.seconds
    depth = spec.picture.height * spec.picture.mm_per_px
    across = abs(motion.drift_mm_s[0]) * half + motion.sway_mm + abs(motion.wall_swing_mm) + 4 * motion.tremor_mm
    along = abs(motion.drift_mm_s[1]) * half + motion.wall_pulse_mm + 2 * motion.tremor_mm
    return across, along + 0.5 * abs(motion.wall_rise) * depth


def visible_stretch(anatomy: Anatomy, spec: ClipSpec, geometry: Geometry) -> tuple[float, float]:
    """Return the first and last canvas column of the longest stretch of pleura that ribs leave free all the time."""
    pitch = spec.picture.mm_per_px
    margin = _reach_mm(spec)[0] / pitch + 1.0 / pitch
    columns = np.arange(anatomy.canvas.width, dtype=np.float64)
    middle = (anatomy.canvas.width - 1) / 2
    seen = (anatomy.visible > 0.6) & (np.abs(columns - middle) < geometry.half_width_mm / pitch - margin)
    if geometry.convex is not None:
        points = geometry.to_pixels((columns - middle) * pitch, (anatomy.line - anatomy.canvas.top) * pitch)
        seen &= (points[:, 0] > 2) & (points[:, 0] < spec.picture.width - 3) & (points[:, 1] < spec.picture.height - 3)
    padded = np.concatenate([[False], seen, [False]]).astype(np.int8)
    starts, stops = np.flatnonzero(np.diff(padded) == 1), np.flatnonzero(np.diff(padded) == -1)
    if not len(starts):
        half = 0.25 * geometry.half_width_mm / pitch
        return middle - half, middle + half
    best = int(np.argmax(stops - starts))
    return float(starts[best]), float(stops[best] - 1)


def _line_over_time(
    spec: ClipSpec,
    geometry: Geometry,
    anatomy: Anatomy,
    motion: MotionCurves,
    ends: tuple[float, float],
    place: npt.NDArray[np.int64],
) -> PleuralROI:
    """Return the pleural line as the fewest evenly spaced key frames that keep it within a pixel."""
    pitch = spec.picture.mm_per_px
    columns = np.linspace(ends[0], ends[1], _LINE_POINTS)
    depth = (np.interp(columns, np.arange(anatomy.canvas.width), anatomy.line) - anatomy.canvas.top) * pitch
    along = (columns - (anatomy.canvas.width - 1) / 2) * pitch
    lines = np.empty((len(place), _LINE_POINTS, 2))
    for k, at in enumerate(place):
        shift = motion.wall_mm[at]
        lines[k] = geometry.to_pixels(along + shift[0], depth * motion.stretch[at] + shift[1])
    lines += np.array(spec.picture.border[:2], dtype=np.float64)
    last = len(lines) - 1
    for step in (last, 40, 20, 10, 5, 2, 1):
        keys = sorted({*range(0, last, max(step, 1)), last})
        between = np.empty_like(lines)
        for a, b in pairwise(keys):
            weight = np.linspace(0.0, 1.0, b - a + 1)[:, None, None]
            between[a : b + 1] = (1 - weight) * lines[a] + weight * lines[b]
        if np.abs(between - lines).max() < _LINE_TOLERANCE_PX:
            break
    if np.abs(lines - lines[0]).max() < 0.25:
        keys = [0]
    return PleuralROI(tuple((k, np.round(lines[k], 2)) for k in keys), "file")


class _LungTexture:
    """The lung's own speckle: slices that pass through the scan plane, and speckle that renews itself on the way."""

    def __init__(self, spec: ClipSpec, pool: SpecklePool, height: int, width: int) -> None:
        self._lung = spec.lung
        self._pitch = spec.picture.mm_per_px
        self._width = width
        self._slices = np.concatenate([pool.draw(height, width) for _ in range(_LUNG_SLICES)], axis=1)
        self._renewal = Renewal(pool, height, width)
        self._columns = np.arange(width, dtype=np.float32)
        self._rows = np.repeat(np.arange(height, dtype=np.float32)[:, None], width, axis=1)
        self._map_x = np.empty((height, width), dtype=np.float32)

    def at(self, path_mm: npt.NDArray[np.float64], moved_mm: npt.NDArray[np.float64], slice_at: float) -> Field:
        """Return the texture at a place (W,) along the line, with the path (W,) gone since the last frame.

        `slice_at` is how far the probe has tilted, in slices: the lung below passes through the scan plane as the wall
        does.
        """
        lung = self._lung
        through = np.sqrt(1.0 - lung.in_plane**2) * path_mm / lung.slice_mm + slice_at
        index = np.floor(through)
        part = through - index
        column = np.mod(self._columns - lung.in_plane * path_mm / self._pitch, self._width - 1)
        fresh = self._slice(index, column) * both(np.cos(0.5 * np.pi * part))[None]
        fresh += self._slice(index + 1, column) * both(np.sin(0.5 * np.pi * part))[None]
        kept = np.exp(-moved_mm / lung.evolve_mm).astype(np.float32)
        fresh *= np.float32(np.sqrt(1.0 - lung.evolving))
        fresh += np.float32(np.sqrt(lung.evolving)) * self._renewal.step(kept)
        return np.asarray(fresh, dtype=np.float32)

    def _slice(self, index: npt.NDArray[np.float64], column: npt.NDArray[np.float64]) -> Field:
        self._map_x[:] = (np.mod(index, _LUNG_SLICES) * self._width + column).astype(np.float32)[None, :]
        out = cv2.remap(self._slices, self._map_x, self._rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        return np.asarray(out, dtype=np.float32)


class _PleuralEcho:
    """The bright line itself: a standing part, and a rough part that passes with the lung."""

    def __init__(self, spec: ClipSpec, anatomy: Anatomy, rng: np.random.Generator) -> None:
        pitch, pleura = spec.picture.mm_per_px, spec.pleura
        self._spec = spec
        thick = max(pleura.thickness_mm / 2.3548 / pitch, 0.6)
        self.top = max(int(anatomy.line.min() - 4 * thick), 0)
        reach = 4 * thick + 2.5 * pleura.thickness_mm / pitch
        self.bottom = min(int(anatomy.line.max() + reach) + 1, anatomy.canvas.height)
        rows = np.arange(self.top, self.bottom)[:, None]
        off = rows - anatomy.line[None, :]
        profile = np.exp(-0.5 * (off / thick) ** 2)
        # the line rings on below: sharp above, ragged below
        tail = (pleura.tail * (0.6 + 0.5 * smooth_curve(rng, anatomy.canvas.width, max(0.5 / pitch, 0.8))))[None, :]
        ringing = (
            np.clip(tail, 0.0, 1.0) * np.exp(-np.maximum(off, 0.0) * pitch / (0.9 * pleura.thickness_mm)) * (off > 0)
        )
        profile = np.maximum(profile, ringing) * anatomy.visible[None, :] ** 2
        self._profile = both(profile * from_db(pleura.level_db))
        width = anatomy.canvas.width
        sigma = max(pleura.rough_mm / 2 / pitch, 0.8)
        self._standing_db = smooth_curve(rng, width, 2 * sigma) * pleura.rough_db
        self._moving_db = [smooth_curve(rng, width, sigma) * pleura.rough_db for _ in range(_LUNG_SLICES)]
        self._phase = [np.pi * 0.6 * smooth_curve(rng, width, sigma) for _ in range(_LUNG_SLICES)]
        self._x = np.arange(width)

    def at(self, path_mm: npt.NDArray[np.float64], slice_at: float) -> Field:
        """Return the line's echo in rows `top` to `bottom`, (rows, W, 2), with the probe tilted by `slice_at`."""
        spec = self._spec
        column = np.mod(self._x - spec.lung.in_plane * path_mm / spec.picture.mm_per_px, len(self._x) - 1)
        through = np.sqrt(1.0 - spec.lung.in_plane**2) * path_mm / spec.lung.slice_mm + slice_at
        slow, part = np.floor(through), through - np.floor(through)
        level, phase = np.zeros(len(self._x)), np.zeros(len(self._x))
        for index in np.unique(np.concatenate([slow, slow + 1])):
            weight = np.where(slow == index, np.cos(0.5 * np.pi * part), 0.0)
            weight = weight + np.where(slow + 1 == index, np.sin(0.5 * np.pi * part), 0.0)
            level += weight * np.interp(column, self._x, self._moving_db[int(index) % _LUNG_SLICES])
            phase += weight * np.interp(column, self._x, self._phase[int(index) % _LUNG_SLICES])
        moving = spec.pleura.moving
        amplitude = from_db(np.sqrt(1 - moving) * self._standing_db + np.sqrt(moving) * level - 3.0)
        bearing = np.stack([np.cos(moving * phase), np.sin(moving * phase)], axis=-1) * amplitude[:, None]
        return np.asarray(self._profile * bearing[None].astype(np.float32), dtype=np.float32)


def _b_lines(spec: ClipSpec, anatomy: Anatomy, ends: Image, path_mm: npt.NDArray[np.float64]) -> Image:
    """Return the level of the B-lines in every column, (W,): rays that travel with the lung."""
    level = np.zeros(anatomy.canvas.width, dtype=np.float32)
    pitch = spec.picture.mm_per_px
    columns = np.arange(anatomy.canvas.width)
    for place in ends:
        shift = float(np.interp(place, columns, path_mm)) * 0.7
        off_mm = (columns - place) * pitch - shift
        level += from_db(spec.lung.b_line_db) * np.exp(-0.5 * (off_mm / (spec.lung.b_line_mm / 2.3548)) ** 2)
    return level


def _render(
    spec: ClipSpec,
    geometry: Geometry,
    anatomy: Anatomy,
    motion: MotionCurves,
    pool: SpecklePool,
    rng: np.random.Generator,
) -> npt.NDArray[np.uint8]:
    """Return the pictures of all moments, (T, H, W) uint8."""
    canvas, pitch = anatomy.canvas, spec.picture.mm_per_px
    first = max(int(anatomy.line.min()) - 1, 0)
    texture = _LungTexture(spec, pool, canvas.height - first, canvas.width)
    pleura = _PleuralEcho(spec, anatomy, rng)
    wall_renewal = Renewal(pool, canvas.height, canvas.width)
    receiver = Receiver(spec, geometry, pool)
    lung_level = both(anatomy.lung_level[first:])
    places = np.array([canvas.left + b / pitch for b in spec.lung.b_lines], dtype=np.float32)
    below = ((np.arange(first, canvas.height)[:, None] - anatomy.line[None, :]) > 0) * anatomy.through[first:]
    ray_depth = np.exp(-np.maximum(np.arange(first, canvas.height) - first, 0) * pitch / 90.0).astype(np.float32)
    ray_map = both(below * ray_depth[:, None])
    wall_kept, wall_share = wall_renewal_of(spec)
    level = both(np.sqrt(wall_share) * anatomy.level)
    out = np.empty((len(motion.times_s), spec.picture.height, spec.picture.width), dtype=np.uint8)
    half = (canvas.width - 1) / 2
    for k, time_s in enumerate(motion.times_s):
        step = np.abs(motion.lung_mm[k] - motion.lung_mm[max(k - 1, 0)])
        step = step + spec.lung.restless_mm_s * (time_s - motion.times_s[max(k - 1, 0)]) * motion.free[k]
        lung = texture.at(motion.lung_mm[k], step, motion.slice_at[k])
        if len(places):
            lung *= lung_level + ray_map * both(_b_lines(spec, anatomy, places, motion.lung_mm[k]))[None]
        else:
            lung *= lung_level
        scene = _slice_at(anatomy.slices, motion.slice_at[k])
        scene[first:] += lung
        scene[pleura.top : pleura.bottom] += pleura.at(motion.lung_mm[k], motion.slice_at[k])
        if wall_share > 0:
            scene *= np.float32(np.sqrt(1.0 - wall_share))
            scene += level * wall_renewal.step(wall_kept)
        shift = motion.wall_mm[k] / pitch
        map_x = (geometry.along_mm / pitch + np.float32(half - shift[0])).astype(np.float32)
        map_y = (geometry.depth_mm / pitch - np.float32(shift[1])) / np.float32(motion.stretch[k])
        echo = cv2.remap(scene, map_x, map_y + np.float32(canvas.top), cv2.INTER_LINEAR)
        out[k] = receiver.picture(echo, float(time_s))
    return out


def wall_renewal_of(spec: ClipSpec) -> tuple[float, float]:
    """Return what renewing speckle keeps from frame to frame, and its share of the power.

    The envelope of speckle correlates as the square of its field: with a share w renewed at the time constant tau,
    sqrt(correlation at 0.25 s) = 1 - w (1 - exp(-0.25 / tau)).
    """
    lost = 1.0 - np.exp(-0.25 / spec.wall.renewal_s)
    share = float(np.clip((1.0 - np.sqrt(spec.wall.correlation)) / lost, 0.0, 0.9))
    return float(np.exp(-1.0 / (spec.picture.fps * spec.wall.renewal_s))), share


def _slice_at(slices: tuple[Field, ...], at: float) -> Field:
    """Return a copy of the still scene between two neighbouring slices."""
    if len(slices) == 1:
        return slices[0].copy()
    at = float(np.mod(at, len(slices) - 1))
    low = int(at)
    part = 0.5 * np.pi * (at - low)
    out = slices[low] * np.float32(np.cos(part))
    out += slices[low + 1] * np.float32(np.sin(part))
    return np.asarray(out, dtype=np.float32)
