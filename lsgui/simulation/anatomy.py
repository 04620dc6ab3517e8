"""Anatomy: the still scene of a clip in the chest wall's own coordinates.

The canvas is wider and taller than the picture, so that a drifting probe finds more chest. Its columns run along the
skin and its rows into the depth, `mm_per_px` apart; row `Canvas.top` is the skin, column `Canvas.left` the picture's
left edge. Amplitudes are relative to the brightest pleural line (1.0).
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from lsgui.simulation.spec import ClipSpec
from lsgui.simulation.speckle import Field, SpecklePool, both, smooth_curve, smooth_noise

Image = npt.NDArray[np.float32]


def from_db(level: float | npt.NDArray[np.floating]) -> Image:
    """Return amplitude from decibels."""
    return np.asarray(np.power(10.0, np.asarray(level) / 20.0), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Canvas:
    """Size of the canvas and where the undrifted picture lies on it, in pixels."""

    height: int
    width: int
    top: int
    left: int

    @classmethod
    def for_spec(cls, spec: ClipSpec, reach_mm: tuple[float, float], half_width_mm: float) -> "Canvas":
        """Return a canvas that holds the picture and `reach_mm` (x, y) around it."""
        pitch = spec.picture.mm_per_px
        side = int(np.ceil(reach_mm[0] / pitch)) + 6
        top = int(np.ceil(reach_mm[1] / pitch)) + 4
        across = int(np.ceil(2 * half_width_mm / pitch))
        return cls(spec.picture.height + 2 * top, across + 2 * side, top, side)


@dataclass(frozen=True, slots=True, eq=False)
class Anatomy:
    """The still scene.

    Attributes
    ----------
    canvas
        Size and origin.
    line
        (W,) row of the pleural line in every column.
    slices
        Echo of wall and standing haze, one field for each neighbouring slice of the chest, (H, W, 2).
    level
        (H, W) local amplitude of that echo, for speckle that renews itself.
    lung_level
        (H, W) amplitude of the moving lung texture.
    through
        (H, W) what ribs let pass, 1 = all.
    visible
        (W,) what ribs let pass at the pleural line.
    """

    canvas: Canvas
    line: npt.NDArray[np.float64]
    slices: tuple[Field, ...]
    level: Image
    lung_level: Image
    through: Image
    visible: Image


def pleural_line(spec: ClipSpec, canvas: Canvas, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Return the row of the pleural line in every column of the canvas, (W,)."""
    pitch, pleura = spec.picture.mm_per_px, spec.pleura
    x_mm = (np.arange(canvas.width) - canvas.width / 2) * pitch
    half = canvas.width * pitch / 2
    depth = pleura.depth_mm + np.tan(np.radians(pleura.tilt_deg)) * x_mm + pleura.curve_mm * (x_mm / half) ** 2
    depth = depth + 0.2 * smooth_curve(rng, canvas.width, 7.0 / pitch)
    depth = depth + pleura.irregular_mm * smooth_curve(rng, canvas.width, 0.8 / pitch)
    return np.asarray(canvas.top + np.maximum(depth, 3.0) / pitch)


def build(spec: ClipSpec, canvas: Canvas, pool: SpecklePool, rng: np.random.Generator) -> Anatomy:
    """Return the still scene of a clip."""
    line = pleural_line(spec, canvas, rng)
    rows = np.arange(canvas.height, dtype=np.float32)[:, None]
    below_mm = ((rows - line[None, :]) * spec.picture.mm_per_px).astype(np.float32)
    through, rib_echo = _ribs(spec, canvas, line)
    level, bright = _wall_levels(spec, canvas, line, rng)
    fade = np.clip(1.0 - below_mm / 0.4, 0.0, 1.0)
    level *= fade
    bright *= fade
    haze = _haze(spec, canvas, below_mm, rng)
    standing = (np.sqrt(1.0 - spec.lung.moving) * haze).astype(np.float32)
    a_lines = _a_lines(spec, canvas, line, rng)
    mirror = _mirror_map(canvas, line)
    decay = np.where(below_mm > 0, np.exp(-np.maximum(below_mm, 0.0) / (1.3 * spec.lung.decay_mm)), 0.0)
    decay = (from_db(spec.lung.mirror_db) * decay).astype(np.float32)
    slices = []
    for _ in range(1 if spec.motion.tilt_slices <= 0 else 4):
        wall = pool.scatter(level)
        wall[:, :, 0] += bright * (0.8 + 0.35 * pool.draw(canvas.height, canvas.width)[:, :, 1])
        echo = cv2.remap(wall, mirror[0], mirror[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        scene = wall + echo * both(decay) + pool.scatter(standing)
        scene[:, :, 0] += a_lines * (0.85 + 0.3 * pool.draw(canvas.height, canvas.width)[:, :, 1])
        scene *= both(through)
        scene[:, :, 0] += rib_echo * (0.85 + 0.3 * pool.draw(canvas.height, canvas.width)[:, :, 0])
        slices.append(np.ascontiguousarray(scene, dtype=np.float32))
    at_line = np.clip(np.round(line).astype(int), 0, canvas.height - 1)
    total = np.hypot(level + 0.6 * bright, np.hypot(standing, decay * 0.08) + 0.6 * a_lines) * through + rib_echo
    return Anatomy(
        canvas=canvas,
        line=line,
        slices=tuple(slices),
        level=total.astype(np.float32),
        lung_level=(np.sqrt(spec.lung.moving) * haze * through).astype(np.float32),
        through=through,
        visible=through[at_line, np.arange(canvas.width)],
    )


def _wall_levels(
    spec: ClipSpec, canvas: Canvas, line: npt.NDArray[np.float64], rng: np.random.Generator
) -> tuple[Image, Image]:
    """Return the level of the wall's speckle and of its bright interfaces, each (H, W).

    They are laid out for a flat pleura and then bent, so that streaks and fasciae follow the skin above and the pleura
    below.
    """
    pitch, wall = spec.picture.mm_per_px, spec.wall
    depth = float(np.mean(line)) - canvas.top
    rows = np.arange(canvas.height, dtype=np.float32)
    fraction = (rows - canvas.top) / max(depth, 1.0)
    fine = smooth_noise(rng, canvas.height, canvas.width, 0.13 / pitch, wall.streak_mm / 2 / pitch)
    patch = smooth_noise(rng, canvas.height, canvas.width, 1.4 / pitch, 7.0 / pitch)
    layer = np.where(fraction < wall.fat_fraction, -4.0, 0.0) + 3.0 * smooth_curve(rng, canvas.height, 1.6 / pitch)
    level_db = wall.level_db + wall.streak_db * fine + wall.patch_db * patch + layer[:, None]
    under_mm = (rows - canvas.top) * pitch
    # the probe's own face and the skin: a few thin bands that ring down
    skin = np.exp(-np.abs(under_mm) / 0.9) * (0.55 + 0.45 * np.cos(2 * np.pi * under_mm / 0.8))
    level = from_db(level_db) + (0.2 * skin)[:, None]
    bright = np.zeros((canvas.height, canvas.width), dtype=np.float32)
    places = np.concatenate([[wall.fat_fraction], rng.uniform(0.08, 0.95, max(wall.fasciae - 1, 0))])
    for place in places[: wall.fasciae]:
        curve = canvas.top + place * depth + rng.uniform(0.3, 1.0) / pitch * smooth_curve(rng, canvas.width, 9 / pitch)
        curve = curve + np.tan(np.radians(rng.normal(0, 2.0))) * (np.arange(canvas.width) - canvas.width / 2)
        strength_db = wall.fascia_db + rng.normal(-3.0, 3.5) + 3.5 * smooth_curve(rng, canvas.width, 3.5 / pitch)
        strength_db = strength_db + 2.5 * smooth_curve(rng, canvas.width, 0.9 / pitch)
        thick = rng.uniform(0.1, 0.26) / pitch
        profile = np.exp(-0.5 * ((rows[:, None] - curve[None, :]) / max(thick, 0.5)) ** 2)
        bright = np.maximum(bright, profile * from_db(np.minimum(strength_db, -2.0))[None, :])
    map_x, map_y = np.meshgrid(np.arange(canvas.width, dtype=np.float32), rows)
    line = np.polynomial.Polynomial.fit(np.arange(canvas.width), line, 3)(np.arange(canvas.width))
    map_y = canvas.top + (map_y - canvas.top) * (depth / np.maximum(line - canvas.top, 1.0)).astype(np.float32)[None, :]
    bend = (map_x, map_y.astype(np.float32), cv2.INTER_LINEAR)
    return (
        np.asarray(cv2.remap(level.astype(np.float32), *bend, borderMode=cv2.BORDER_REPLICATE), dtype=np.float32),
        np.asarray(cv2.remap(bright.astype(np.float32), *bend, borderMode=cv2.BORDER_CONSTANT), dtype=np.float32),
    )


def _ribs(spec: ClipSpec, canvas: Canvas, line: npt.NDArray[np.float64]) -> tuple[Image, Image]:
    """Return what ribs let pass and the echo of their surfaces, each (H, W)."""
    pitch = spec.picture.mm_per_px
    rows = np.arange(canvas.height)[:, None]
    through = np.ones((canvas.height, canvas.width), dtype=np.float32)
    echo = np.zeros_like(through)
    for rib in spec.wall.ribs:
        centre = canvas.left + rib.centre_mm / pitch
        off_mm = (np.arange(canvas.width) - centre) * pitch
        half = rib.width_mm / 2
        at = int(np.clip(centre, 0, canvas.width - 1))
        top = line[at] - rib.above_mm / pitch + 0.45 * rib.above_mm * (off_mm / half) ** 2 / pitch
        across = 0.5 - 0.5 * np.tanh((np.abs(off_mm) - half) / 0.7)
        under = 0.5 + 0.5 * np.tanh((rows - top[None, :]) * pitch / 0.6)
        through *= (1.0 - (1.0 - from_db(-rib.shadow_db)) * under * across[None, :]).astype(np.float32)
        arc = np.exp(-0.5 * ((rows - top[None, :]) * pitch / 0.45) ** 2) * np.exp(-0.5 * (off_mm / (0.55 * half)) ** 2)
        echo = np.maximum(echo, 0.4 * arc).astype(np.float32)
    return through, echo


def _haze(spec: ClipSpec, canvas: Canvas, below_mm: Image, rng: np.random.Generator) -> Image:
    """Return the level of the haze below the pleura, (H, W): it decays with depth and varies along the line."""
    pitch, lung = spec.picture.mm_per_px, spec.lung
    along_db = 1.6 * smooth_curve(rng, canvas.width, 4.0 / pitch) + 0.8 * smooth_curve(rng, canvas.width, 1.0 / pitch)
    wave_db = 0.6 * smooth_noise(rng, canvas.height, canvas.width, 1.5 / pitch, 3.0 / pitch)
    deep = np.maximum(below_mm, 0.0)
    level_db = lung.haze_db + along_db[None, :] + wave_db - 8.686 * deep / lung.decay_mm
    gate = np.clip((below_mm + 0.1) / 0.4, 0.0, 1.0)
    return np.asarray(from_db(level_db) * gate, dtype=np.float32)


def _a_lines(spec: ClipSpec, canvas: Canvas, line: npt.NDArray[np.float64], rng: np.random.Generator) -> Image:
    """Return the amplitude of the pleura's repeated echoes, at multiples of its depth, (H, W)."""
    pitch = spec.picture.mm_per_px
    rows = np.arange(canvas.height)[:, None]
    out = np.zeros((canvas.height, canvas.width), dtype=np.float32)
    for order in range(2, 2 + spec.lung.a_lines):
        row = canvas.top + order * (line - canvas.top)
        patches = np.clip(0.6 + 0.7 * smooth_curve(rng, canvas.width, 6.0 / pitch), 0.0, 1.2)
        level = from_db(spec.lung.a_line_db - 6.0 * (order - 2)) * patches
        thick = (0.28 + 0.1 * order) / pitch
        out += level[None, :] * np.exp(-0.5 * ((rows - row[None, :]) / thick) ** 2).astype(np.float32)
    return out


def _mirror_map(canvas: Canvas, line: npt.NDArray[np.float64]) -> tuple[Image, Image]:
    """Return the maps that reflect the chest wall about the pleural line, for `cv2.remap`."""
    map_x, rows = np.meshgrid(np.arange(canvas.width, dtype=np.float32), np.arange(canvas.height, dtype=np.float32))
    return map_x, (2.0 * line[None, :] - rows).astype(np.float32)
