"""Simulated clips for the pleura finder: with a pleural line, known along its whole length, and without one.

Clips with a line are those that `lsgui simulate` draws, confounders and all. Clips without one share their chest walls
and scanners; the pleura lies below the lower edge of the picture (muscle; layers
has many more of them), or there is nothing but even speckle (soft),
a rib along the whole probe with its shadow (bone), or a probe in the air (no_contact: its echoes and noise).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lsgui.core.clip import Clip, ClipInfo, MemoryFrames
from lsgui.core.pleura import PleuralROI
from lsgui.simulation.anatomy import Canvas, build
from lsgui.simulation.clip import SimulatedClip, _line_over_time, _reach_mm, simulate_clip, visible_stretch
from lsgui.simulation.dataset import plan_clip
from lsgui.simulation.draw import random_spec
from lsgui.simulation.motion import curves
from lsgui.simulation.scanner import Geometry, burn_in, recode, shown_frames
from lsgui.simulation.spec import ClipSpec, Lung, Pleura, Rib, Wall
from lsgui.simulation.speckle import SpecklePool

MARGIN_MM = 2.5
"""How far above the pleura a picture of muscle ends."""

Frames = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A clip and what is true of it; `line` is the pleura across the whole picture, None where there is none.

    `visible` is its longest stretch that ribs leave free.
    """

    name: str
    scenario: str
    geometry: str
    clip: Clip
    mm_per_px: float
    line: PleuralROI | None = None
    visible: PleuralROI | None = None


def with_line(seed: int, index: int) -> Scene:
    """Return clip `index` of the data set that `lsgui simulate --seed` makes of `seed`; every other one calibrated."""
    plan = plan_clip(seed, index)
    made = simulate_clip(plan.spec, plan.seed)
    return Scene(
        plan.name,
        made.scenario,
        made.spec.picture.geometry,
        as_clip(made.frames, made, calibrated=index % 2 == 0),
        made.mm_per_px,
        whole_line(plan.spec, plan.seed),
        made.roi,
    )


def whole_line(spec: ClipSpec, seed: int) -> PleuralROI:
    """Return the pleura of a simulated clip across the whole picture, behind ribs too (drawn anew)."""
    rng = np.random.default_rng(seed)
    geometry = Geometry.of(spec)
    canvas = Canvas.for_spec(spec, _reach_mm(spec), geometry.half_width_mm)
    pitch = spec.picture.mm_per_px
    width = max(canvas.width, spec.picture.width // 2)
    pool = SpecklePool(rng, canvas.height, width, spec.scanner.axial_mm / pitch, spec.scanner.lateral_mm / pitch)
    anatomy = build(spec, canvas, pool, rng)
    moments, place = np.unique(shown_frames(spec.scanner, spec.frames), return_inverse=True)
    ends = visible_stretch(anatomy, spec, geometry)
    motion = curves(spec, moments / spec.picture.fps, canvas.width, ends, rng)
    return _line_over_time(spec, geometry, anatomy, motion, (0.0, canvas.width - 1.0), place)


def as_clip(frames: Frames, made: SimulatedClip, calibrated: bool) -> Clip:
    """Return frames as a clip, whose file says its scale or does not."""
    count, height, width = frames.shape
    spacing = (made.mm_per_px, made.mm_per_px) if calibrated else None
    info = ClipInfo(Path("simulated.avi"), "movie", count, width, height, made.fps, "container", spacing_mm=spacing)
    return Clip(info, MemoryFrames(frames))


def muscle(spec: ClipSpec, seed: int) -> tuple[Frames, SimulatedClip]:
    """Return a clip that ends above the pleura: a chest wall with all its layers, enlarged."""
    picture = spec.picture
    depth_mm = picture.height * picture.mm_per_px * 0.8
    spec = replace(
        spec,
        picture=replace(picture, border=(0, 0, 0, 0)),
        pleura=replace(spec.pleura, depth_mm=depth_mm, tilt_deg=0.0, curve_mm=0.0, irregular_mm=0.0),
        scanner=replace(spec.scanner, overlay=False, codec="none"),
    )
    made = simulate_clip(spec, seed)
    geometry = Geometry.of(spec)
    moved_mm = float(np.abs(made.wall_mm[:, 1]).max()) + 0.05 * depth_mm * (spec.motion.wall_rise != 0)
    kept = geometry.inside & (geometry.depth_mm < depth_mm - 0.6 - MARGIN_MM - moved_mm)
    rows, columns = np.flatnonzero(kept.any(axis=1)), np.flatnonzero(kept.any(axis=0))
    frames = np.where(kept, made.frames, 0)[:, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return np.ascontiguousarray(frames), made


def layers(spec: ClipSpec, seed: int) -> tuple[Frames, SimulatedClip]:
    """Return a clip of muscle beside muscle: many bright layers, no ribs."""
    rng = np.random.default_rng([seed, 8])
    wall = replace(
        spec.wall,
        fasciae=int(rng.integers(8, 26)),
        fascia_db=rng.uniform(-16.0, -4.0),
        streak_db=rng.uniform(4.0, 8.0),
        ribs=(),
    )
    return muscle(replace(spec, wall=wall), seed)


def soft(spec: ClipSpec, seed: int) -> tuple[Frames, SimulatedClip]:
    """Return a clip of even tissue or a phantom: speckle without a layer."""
    wall = replace(
        spec.wall, fasciae=0, streak_db=0.5, patch_db=min(spec.wall.patch_db, 2.0), fat_fraction=0.0, ribs=()
    )
    return muscle(replace(spec, wall=wall), seed)


def bone(spec: ClipSpec, seed: int) -> tuple[Frames, SimulatedClip]:
    """Return a clip along a rib: its surface is bright and smooth, and nothing but noise lies below."""
    across = spec.picture.width * spec.picture.mm_per_px
    rib = Rib(centre_mm=across / 2, width_mm=6 * across, above_mm=5.0, shadow_db=40.0)
    spec = replace(spec, wall=replace(spec.wall, ribs=(rib,)), lung=replace(spec.lung, b_lines=()))
    return _finished(spec, simulate_clip(spec, seed))


def no_contact(spec: ClipSpec, seed: int) -> tuple[Frames, SimulatedClip]:
    """Return a clip of a probe in the air or on too little gel: echoes of its own face, evenly spaced, then noise."""
    rng = np.random.default_rng([seed, 9])
    spec = replace(
        spec,
        wall=Wall(level_db=-90.0, fasciae=0, fascia_db=-90.0),
        pleura=Pleura(depth_mm=spec.pleura.depth_mm, level_db=-90.0),
        lung=Lung(haze_db=-90.0, mirror_db=-90.0, a_lines=0),
        scanner=replace(spec.scanner, overlay=False, codec="none", noise_db=rng.uniform(-60.0, -48.0)),
    )
    made = simulate_clip(spec, seed)
    depth_mm = Geometry.of(spec).depth_mm
    gap_mm, loss = rng.uniform(1.0, 4.0), rng.uniform(0.55, 0.85)
    echoes = np.zeros_like(depth_mm)
    for order in range(1, 12):
        echoes += 230.0 * loss**order * np.exp(-0.5 * ((depth_mm - order * gap_mm) / 0.35) ** 2)
    left, top = spec.picture.border[:2]
    height, width = echoes.shape
    bands = np.zeros(made.frames.shape[1:], dtype=np.float32)
    bands[top : top + height, left : left + width] = np.where(Geometry.of(spec).inside, echoes, 0.0)
    flicker = rng.normal(1.0, 0.05, len(made.frames)).astype(np.float32)
    frames = np.stack(
        [np.clip(f + k * bands, 0, 255).astype(np.uint8) for f, k in zip(made.frames, flicker, strict=True)]
    )
    return frames, made


def _finished(spec: ClipSpec, made: SimulatedClip) -> tuple[Frames, SimulatedClip]:
    return made.frames, made


WITHOUT: dict[str, Callable[[ClipSpec, int], tuple[Frames, SimulatedClip]]] = {
    "muscle": muscle,
    "layers": layers,
    "soft": soft,
    "bone": bone,
    "no_contact": no_contact,
}


def without_line(seed: int, index: int) -> Scene:
    """Return a clip without a pleural line; scenarios take turns, every second round is calibrated."""
    scenario = list(WITHOUT)[index % len(WITHOUT)]
    rng = np.random.default_rng([seed, 7, index])
    spec = random_spec(rng)
    shorter = min(spec.picture.seconds, 4.0)
    spec = replace(spec, picture=replace(spec.picture, seconds=shorter))
    frames, made = WITHOUT[scenario](spec, int(rng.integers(2**31)))
    if spec.scanner.overlay and scenario != "bone":
        frames = frames.copy()
        shape = replace(spec, picture=replace(spec.picture, width=frames.shape[2], height=frames.shape[1]))
        burn_in(frames, shape, rng)
    if scenario != "bone":
        frames = recode(_even(frames), spec.scanner, spec.picture.fps)
    clip = as_clip(frames, made, calibrated=(index // len(WITHOUT)) % 2 == 0)
    return Scene(f"none_{index:04d}", scenario, spec.picture.geometry, clip, made.mm_per_px)


def _even(frames: Frames) -> Frames:
    """Return the frames with even sizes, which video encoders ask for."""
    return np.ascontiguousarray(frames[:, : frames.shape[1] // 2 * 2, : frames.shape[2] // 2 * 2])
