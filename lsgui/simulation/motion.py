"""Motion: how lung, chest wall and probe move over the clip."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lsgui.simulation.spec import ClipSpec
from lsgui.simulation.spec import Motion as MotionSpec

Array = npt.NDArray[np.float64]

_EDGE_MM = 1.2
"""Half width of the transition between lung that slides and lung that stands at a lung point."""


@dataclass(frozen=True, slots=True, eq=False)
class MotionCurves:
    """Motion at every moment.

    Attributes
    ----------
    times_s
        (T,) moments.
    lung_mm, lung_mm_s
        (T, C) displacement and speed of the lung against the wall along the line, for every column of the canvas.
    free
        (T, C) bool: True where the lung is free to slide at that moment, even in the pause between two breaths.
    wall_mm
        (T, 2) shift of the whole scene in the picture (x, y).
    stretch
        (T,) factor by which depths grow as the chest wall rises.
    slice_at
        (T,) which slice of the wall is seen, in units of slice thicknesses.
    """

    times_s: Array
    lung_mm: Array
    lung_mm_s: Array
    free: npt.NDArray[np.bool_]
    wall_mm: Array
    stretch: Array
    slice_at: Array


def breath(times_s: Array, spec: MotionSpec) -> Array:
    """Return the breathing position from 0 (expiration) to 1 (inspiration).

    Inspiration takes 40 % and expiration 60 % of the moving time; `pause` is the share of the cycle spent at rest.
    """
    phase = np.mod(times_s * spec.breaths_per_min / 60.0 + spec.breath_phase, 1.0)
    moving = 1.0 - spec.pause
    inspiration = 0.4 * moving
    rising = 0.5 - 0.5 * np.cos(np.pi * np.clip(phase / inspiration, 0.0, 1.0))
    falling = 0.5 + 0.5 * np.cos(np.pi * np.clip((phase - inspiration) / (moving - inspiration), 0.0, 1.0))
    return np.asarray(np.where(phase < inspiration, rising, falling))


def excursion_mm(spec: MotionSpec) -> float:
    """Return the lung's path between end-expiration and end-inspiration that gives the asked-for peak speed."""
    inspiration_s = 0.4 * (1.0 - spec.pause) * 60.0 / spec.breaths_per_min
    return spec.speed_mm_s * 2.0 * inspiration_s / np.pi


def heart_beat(times_s: Array, spec: MotionSpec) -> Array:
    """Return the jerk of the heart from 0 to 1: a quick stroke and a slower return."""
    phase = np.mod(times_s * spec.pulse_hz + spec.pulse_phase, 1.0)
    return np.asarray(np.exp(-(((phase - 0.15) / 0.07) ** 2)) + 0.35 * np.exp(-(((phase - 0.45) / 0.12) ** 2)))


def curves(
    spec: ClipSpec, times_s: Array, columns: int, line: tuple[float, float], rng: np.random.Generator
) -> MotionCurves:
    """Return all motion of a clip.

    Parameters
    ----------
    spec
        The clip.
    times_s
        (T,) moments to evaluate, rising.
    columns
        Columns of the canvas, one `mm_per_px` apart.
    line
        First and last column of the visible pleural line.
    rng
        Source of randomness for the tremor of the hand.
    """
    motion = spec.motion
    # a finer clock than the frames, so that the path integrates exactly when frames are dropped
    fine = np.linspace(0.0, float(times_s[-1]) + 1e-6, max(4 * len(times_s), 16))
    position = breath(fine, motion)
    sliding_speed = np.gradient(position * excursion_mm(motion), fine)
    beating_speed = np.gradient(heart_beat(fine, motion) * motion.pulse_mm, fine)
    free = _free_to_slide(spec, position, columns, line)
    speed = free * sliding_speed[:, None] + beating_speed[:, None]
    path = np.concatenate([np.zeros((1, columns)), np.cumsum(0.5 * (speed[1:] + speed[:-1]), axis=0)])
    path *= fine[1] - fine[0]
    at = np.clip(np.searchsorted(fine, times_s), 1, len(fine) - 1)
    weight = ((times_s - fine[at - 1]) / (fine[at] - fine[at - 1]))[:, None]

    def sampled(values: Array) -> Array:
        return np.asarray((1.0 - weight) * values[at - 1] + weight * values[at])

    calm = breath(times_s, motion)
    return MotionCurves(
        times_s=times_s,
        lung_mm=sampled(path),
        lung_mm_s=sampled(speed),
        free=np.asarray(sampled(free) > 0.5) & (motion.speed_mm_s > 0.0),
        wall_mm=_wall(motion, times_s, calm, rng),
        stretch=1.0 + motion.wall_rise * (calm - 0.5),
        slice_at=motion.tilt_slices * (0.5 - 0.5 * np.cos(2 * np.pi * motion.sway_hz * times_s)),
    )


def _free_to_slide(spec: ClipSpec, position: Array, columns: int, line: tuple[float, float]) -> Array:
    """Return how free the lung is at every moment and column, (T, C) from 0 to 1."""
    motion = spec.motion
    if motion.lung_point is None:
        return np.full((len(position), columns), 1.0 if motion.speed_mm_s > 0 else 0.0)
    fraction = motion.lung_point + motion.lung_point_travel * (position - 0.5)
    boundary = line[0] + np.clip(fraction, -0.2, 1.2) * (line[1] - line[0])
    distance = (boundary[:, None] - np.arange(columns)[None, :]) * spec.picture.mm_per_px / _EDGE_MM
    return np.asarray(0.5 + 0.5 * np.tanh(distance if motion.lung_point_left else -distance))


def _wall(motion: MotionSpec, times_s: Array, position: Array, rng: np.random.Generator) -> Array:
    """Return the shift of the whole scene against the picture, (T, 2)."""
    centred = times_s - 0.5 * times_s[-1]
    sway = motion.sway_mm * np.sin(2 * np.pi * motion.sway_hz * times_s)
    step_s = float(times_s[-1]) / max(len(times_s) - 1, 1)
    tremor = np.zeros((len(times_s), 2))
    if motion.tremor_mm > 0:
        kept = np.exp(-step_s / 0.15)
        for k in range(1, len(times_s)):
            tremor[k] = kept * tremor[k - 1] + np.sqrt(1 - kept**2) * rng.normal(0.0, motion.tremor_mm, 2)
        tremor[:, 1] *= 0.4
    shift = np.stack([motion.drift_mm_s[0] * centred + sway, motion.drift_mm_s[1] * centred], axis=1)
    shift[:, 0] += motion.wall_swing_mm * (position - 0.5)
    shift[:, 1] += motion.wall_pulse_mm * heart_beat(times_s, motion)
    return np.asarray(shift + tremor)
