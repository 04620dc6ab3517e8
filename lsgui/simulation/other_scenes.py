"""Ultrasound of what is no lung: hearts, organs of the belly, vessels, an eye, bone, phantoms, a probe in the air.

The scanner is the one of the lung clips (`scanner.Receiver`); only the anatomy is another. A scene is drawn in
millimetres of the picture (x to the right from the middle, y down from the skin): a level in dB for the speckle, bright
interfaces, and where the tissue of each pixel has moved from.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from lsgui.simulation.anatomy import from_db
from lsgui.simulation.draw import random_spec
from lsgui.simulation.scanner import Geometry, Receiver, burn_in, recode
from lsgui.simulation.spec import ClipSpec
from lsgui.simulation.speckle import Renewal, SpecklePool, both, smooth_noise

Image = npt.NDArray[np.float32]
Values = npt.NDArray[np.floating] | float
BLOOD_DB = -75.0


@dataclass(frozen=True, slots=True, eq=False)
class OtherClip:
    """A clip that is no lung.

    Attributes
    ----------
    frames
        (T, H, W) uint8, or (T, H, W, 3) red-green-blue.
    fps, mm_per_px
        Frames a second and pixel pitch; None where there is no scale.
    """

    frames: npt.NDArray[np.uint8]
    fps: float
    mm_per_px: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """A scene at one moment, all (H, W) float32.

    Attributes
    ----------
    level_db
        Level of the speckle.
    bright
        Amplitude of interfaces, 1 is the brightest.
    moved_x, moved_y
        How far, in mm, the tissue seen there has moved from its place at rest.
    """

    level_db: Image
    bright: Image
    moved_x: Image
    moved_y: Image


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """The picture's pixels in mm, each (H, W), its depth in mm, its source of randomness, how uneven edges are."""

    x: Image
    y: Image
    depth_mm: float
    rng: np.random.Generator
    uneven: Image

    def noise(self, mm: float) -> Image:
        """Return smooth noise of unit variance with structures of so many mm."""
        pitch = max(float(self.y[1, 0] - self.y[0, 0]), 1e-3)
        height, width = self.x.shape
        return smooth_noise(self.rng, height, width, mm / pitch, mm / pitch)


Scene = Callable[[float], Moment]


def between(rng: np.random.Generator, low: float, high: float) -> float:
    """Return a number between two."""
    return float(rng.uniform(low, high))


def ellipse(field: Field, cx: float, cy: float, a: float, b: float, turn: float = 0.0) -> Image:
    """Return about how many mm each pixel lies outside (negative: inside) of a turned ellipse."""
    u = (field.x - cx) * np.cos(turn) + (field.y - cy) * np.sin(turn)
    v = -(field.x - cx) * np.sin(turn) + (field.y - cy) * np.cos(turn)
    return np.asarray((np.hypot(u / a, v / b) - 1.0) * min(a, b), dtype=np.float32)


def segment(field: Field, start: tuple[float, float], stop: tuple[float, float]) -> Image:
    """Return how many mm each pixel lies from a straight piece."""
    dx, dy = stop[0] - start[0], stop[1] - start[1]
    along = ((field.x - start[0]) * dx + (field.y - start[1]) * dy) / max(dx * dx + dy * dy, 1e-6)
    along = np.clip(along, 0.0, 1.0)
    return np.asarray(np.hypot(field.x - start[0] - along * dx, field.y - start[1] - along * dy), dtype=np.float32)


def inside(distance: Image, soft_mm: float = 0.5) -> Image:
    """Return 1 inside, 0 outside, with a soft edge."""
    return np.asarray(0.5 - 0.5 * np.tanh(distance / soft_mm), dtype=np.float32)


def rim(distance: Image, thick_mm: float) -> Image:
    """Return 1 at an edge, falling off with the distance."""
    return np.asarray(np.exp(-0.5 * (distance / thick_mm) ** 2), dtype=np.float32)


def edge(field: Field, distance: Image, thick_mm: float) -> Image:
    """Return the echo of an edge: bright where the beams meet it squarely, hardly seen along them, uneven."""
    down, right = np.gradient(distance)
    square = np.abs(down) / np.maximum(np.hypot(down, right), 1e-6)
    return np.asarray(rim(distance, thick_mm) * (0.08 + 0.92 * square**2) * field.uneven, dtype=np.float32)


def systole(time_s: float, beats_hz: float, phase: float) -> float:
    """Return how far a heart has contracted, 0 to 1: quick in, slower out, then rest."""
    at = (time_s * beats_hz + phase) % 1.0
    return float(np.sin(np.pi * at / 0.35) ** 1.0 if at < 0.35 else 0.25 * np.exp(-(((at - 0.85) / 0.06) ** 2)))


def spec_for(rng: np.random.Generator, geometry: str, depth_mm: tuple[float, float], seconds: float) -> ClipSpec:
    """Return a random scanner for a scene: "sector" is a phased array, seen as convex of a small radius."""
    spec = random_spec(rng)
    height = int(rng.integers(110, 180)) * 2
    pitch = between(rng, *depth_mm) / height
    width = int(height * between(rng, 0.9, 1.2)) // 2 * 2 if geometry != "linear" else int(38.0 / pitch) // 2 * 2
    picture = replace(
        spec.picture,
        width=int(np.clip(width, 120, 420)),
        height=height,
        mm_per_px=pitch,
        seconds=seconds,
        fps=min(spec.picture.fps, 25.0),
        border=(0, 0, 0, 0),
        geometry="linear" if geometry == "linear" else "convex",
        probe_radius_mm=between(rng, 3.0, 14.0) if geometry == "sector" else between(rng, 35.0, 62.0),
        sector_deg=between(rng, 65.0, 90.0) if geometry == "sector" else between(rng, 50.0, 70.0),
    )
    scanner = replace(
        spec.scanner,
        repeat_every=0,
        black_lead_in=0,
        loss_db_cm=between(rng, -0.5, 0.8),
        noise_db=between(rng, -68.0, -50.0),
        gain_db=between(rng, 0.0, 10.0),
        lateral_mm=spec.scanner.lateral_mm * (1.0 if geometry == "linear" else 1.5),
    )
    return replace(spec, picture=picture, scanner=scanner)


def film(spec: ClipSpec, build: Callable[[Field], Scene], rng: np.random.Generator, kept_s: float = 1.5) -> OtherClip:
    """Return a clip of a scene; speckle keeps 1/e of itself over `kept_s` seconds."""
    picture = spec.picture
    geometry = Geometry.of(spec)
    shape = picture.height, picture.width
    x, y = np.meshgrid(np.arange(shape[1], dtype=np.float32), np.arange(shape[0], dtype=np.float32))
    # a scene is drawn on every other pixel and enlarged: it is smoother than its speckle
    field = Field(
        ((x[::2, ::2] + 0.5 - (shape[1] - 1) / 2) * picture.mm_per_px).astype(np.float32),
        ((y[::2, ::2] + 0.5) * picture.mm_per_px).astype(np.float32),
        picture.height * picture.mm_per_px,
        rng,
        from_db(between(rng, 2.0, 6.0) * smooth_noise(rng, (shape[0] + 1) // 2, (shape[1] + 1) // 2, 8.0, 8.0) - 4.0),
    )
    sizes = spec.scanner.axial_mm / picture.mm_per_px, spec.scanner.lateral_mm / picture.mm_per_px
    pool = SpecklePool(rng, shape[0], shape[1], *sizes)
    renewal, kept = Renewal(pool, *shape), float(np.exp(-1.0 / (picture.fps * kept_s)))
    receiver, scene = Receiver(spec, geometry, pool), build(field)
    out = np.empty((spec.frames, *shape), dtype=np.uint8)
    for k in range(spec.frames):
        moment = _enlarged(scene(k / picture.fps), shape)
        speckle = cv2.remap(
            renewal.step(kept),
            x - moment.moved_x / np.float32(picture.mm_per_px),
            y - moment.moved_y / np.float32(picture.mm_per_px),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT,
        )
        echo = speckle * both(from_db(moment.level_db))
        echo[:, :, 0] += moment.bright * (0.2 + 0.9 * np.abs(speckle[:, :, 1]))
        out[k] = receiver.picture(echo.astype(np.float32), k / picture.fps)
    if spec.scanner.overlay:
        burn_in(out, spec, rng)
    return OtherClip(recode(out, spec.scanner, picture.fps), picture.fps, picture.mm_per_px)


def moment_of(level_db: Values, bright: Values, moved_x: Values, moved_y: Values) -> Moment:
    """Return a moment; single numbers count everywhere."""
    zero = np.zeros(np.shape(level_db), dtype=np.float32)
    return Moment(*(np.asarray(zero + v, dtype=np.float32) for v in (level_db, bright, moved_x, moved_y)))


def _enlarged(moment: Moment, shape: tuple[int, int]) -> Moment:
    size = shape[1], shape[0]
    maps = (moment.level_db, moment.bright, moment.moved_x, moment.moved_y)
    return Moment(*(np.asarray(cv2.resize(m, size, interpolation=cv2.INTER_LINEAR), dtype=np.float32) for m in maps))


def hand(rng: np.random.Generator, calm: float = 1.0) -> Callable[[float], tuple[float, float]]:
    """Return the drift (x, y) in mm of a hand and of the breath over time."""
    drift, sway, hertz = rng.normal(0, 0.5) * calm, between(rng, 0, 1.5) * calm, between(rng, 0.15, 0.45)
    lift, phase = between(rng, 0.0, 4.0) * calm, between(rng, 0, 6.28)
    return lambda t: (
        float(drift * t + sway * np.sin(6.28 * hertz * t + phase)),
        float(lift * np.sin(6.28 * hertz * t)),
    )


def still_phantom(rng: np.random.Generator, seconds: float) -> OtherClip:
    """Return a phantom of even speckle with cysts and wires, the probe at rest: only the receiver's noise lives."""
    return _phantom(rng, seconds, moving=False)


def moving_phantom(rng: np.random.Generator, seconds: float) -> OtherClip:
    """Return a phantom under a probe that slides, or whose speckle boils."""
    return _phantom(rng, seconds, moving=True)


def _phantom(rng: np.random.Generator, seconds: float, *, moving: bool) -> OtherClip:
    spec = spec_for(rng, str(rng.choice(["linear", "convex"])), (35.0, 120.0), seconds)
    speed, kept = (between(rng, 1.0, 12.0), between(rng, 0.1, 2.0)) if moving else (0.0, 1e6)
    wanders, targets = rng.random() < 0.5, rng.random() < 0.5

    def build(field: Field) -> Scene:
        level = between(rng, -36, -22) + between(rng, 0, 1.5) * field.noise(4.0)
        cysts = [(rng.uniform(-25, 25), rng.uniform(8, field.depth_mm), rng.uniform(2, 7)) for _ in range(4)]
        wires = [(rng.uniform(-25, 25), rng.uniform(6, field.depth_mm)) for _ in range(6)]

        def at(time_s: float) -> Moment:
            gone = speed * (np.sin(1.5 * time_s) if wanders else time_s)
            db, bright = level.copy(), np.zeros_like(field.x)
            if targets:
                for cx, cy, r in cysts:
                    db = db - 35.0 * inside(ellipse(field, cx + gone, cy, r, r))
                for cx, cy in wires:
                    bright = np.maximum(bright, 0.5 * rim(np.hypot((field.x - cx - gone) / 2, field.y - cy), 0.3))
            return moment_of(db, bright, gone, 0.0)

        return at

    return film(spec, build, rng, kept)


def apical_heart(rng: np.random.Generator, seconds: float) -> OtherClip:
    """Return a heart from its apex: four chambers, walls that contract, valves that flap."""
    spec = spec_for(rng, "sector", (120.0, 190.0), seconds)
    beats, phase, move = between(rng, 0.8, 1.9), rng.random(), hand(rng)
    two_chambers = rng.random() < 0.3

    def build(field: Field) -> Scene:
        size, turn = field.depth_mm / 155.0 * between(rng, 0.85, 1.1), rng.normal(0, 0.15)
        cx, cy = rng.normal(0, 8), field.depth_mm * between(rng, 0.36, 0.44)
        texture = 3.0 * field.noise(2.5) + between(rng, -36, -26)
        fall, squeeze, strength = between(rng, 0.15, 0.3), between(rng, 4, 9), between(rng, 0.04, 0.2)

        def at(time_s: float) -> Moment:
            c, (mx, my) = systole(time_s, beats, phase), move(time_s)
            x0, y0 = cx + mx, cy + my
            lv = ellipse(field, x0 + 6 * size, y0, 20 * size * (1 - fall * c), 38 * size * (1 - 0.4 * fall * c), turn)
            rv = ellipse(field, x0 - 26 * size, y0 + 8 * size, 15 * size * (1 - fall * c), 32 * size, turn - 0.15)
            base = y0 + (42 - 8 * c) * size
            la = ellipse(field, x0 + 8 * size, base + 22 * size, (17 + 3 * c) * size, (18 + 3 * c) * size)
            ra = ellipse(field, x0 - 26 * size, base + 20 * size, (15 + 3 * c) * size, 17 * size)
            whole = ellipse(field, x0 - 6 * size, y0 + 18 * size, 52 * size, 72 * size, turn)
            chambers = [lv, la] if two_chambers else [lv, rv, la, ra]
            blood = np.max([inside(chamber, 1.0) for chamber in chambers], axis=0)
            db = texture - 14.0 * (1 - inside(whole, 3.0))
            db = db + (BLOOD_DB - db) * blood
            bright = np.max([strength * edge(field, chamber, 0.9) for chamber in chambers], axis=0)
            bright = np.maximum(bright, 1.5 * strength * edge(field, whole, 1.2) * (field.y > y0))
            swing = 0.25 + 0.9 * (1 - c)
            for side, hinge in ((1, 8 - 15), (-1, 8 + 15)):
                start = (x0 + hinge * size, base)
                stop = (start[0] + side * 13 * size * np.cos(swing), base - 13 * size * np.sin(swing) * (1 - c) + 2)
                bright = np.maximum(
                    bright, 0.25 * edge(field, segment(field, start, (float(stop[0]), float(stop[1]))), 0.8)
                )
            pull = np.exp(-(np.maximum(lv, 0) ** 2) / (2 * (14 * size) ** 2)) * squeeze * c
            off = np.hypot(field.x - x0, field.y - y0) + 1.0
            return moment_of(db, bright, mx - pull * (field.x - x0) / off, my - pull * (field.y - y0) / off)

        return at

    return film(spec, build, rng, between(rng, 0.15, 0.6))


def parasternal_heart(rng: np.random.Generator, seconds: float) -> OtherClip:
    """Return a heart beside the breast bone, along or across: septum, cavity, a bright pericardium far down."""
    spec = spec_for(rng, "sector" if rng.random() < 0.8 else "convex", (110.0, 180.0), seconds)
    beats, phase, move, short = between(rng, 0.8, 1.9), rng.random(), hand(rng), rng.random() < 0.4

    def build(field: Field) -> Scene:
        size = field.depth_mm / 150.0 * between(rng, 0.85, 1.1)
        cx, cy, turn = rng.normal(0, 6), field.depth_mm * between(rng, 0.42, 0.5), rng.normal(0.1, 0.15)
        texture = 3.0 * field.noise(2.5) + between(rng, -36, -26)
        wall, fall, squeeze = between(rng, 9, 13) * size, between(rng, 0.2, 0.4), between(rng, 4, 9)
        glow, strength, across = between(rng, 0.2, 1.0), between(rng, 0.04, 0.2), (26 if short else 42) * size

        def at(time_s: float) -> Moment:
            c, (mx, my) = systole(time_s, beats, phase), move(time_s)
            x0, y0 = cx + mx, cy + my
            lv = ellipse(field, x0, y0, across * (1 - 0.5 * fall * c), 24 * size * (1 - fall * c), turn)
            thick = wall * (1 + 0.45 * c)
            rv = ellipse(field, x0 - 2, y0 - 24 * size - thick - 9 * size, across, 9 * size * (1 - 0.3 * c), turn)
            chambers = [lv, rv]
            outer = ellipse(field, x0, y0, across + wall, 24 * size + wall, turn)
            if not short:
                chambers.append(ellipse(field, x0 + 48 * size, y0 + 16 * size, 20 * size, (15 + 3 * c) * size, turn))
                chambers.append(ellipse(field, x0 + 50 * size, y0 - 16 * size, 26 * size, 11 * size, turn))
            blood = np.max([inside(chamber, 1.0) for chamber in chambers], axis=0)
            db = texture + (BLOOD_DB - texture) * blood - 12.0 * (field.y > y0 + 60 * size)
            bright = np.max([strength * edge(field, chamber, 0.9) for chamber in chambers], axis=0)
            bright = np.maximum(bright, glow * edge(field, outer - thick + wall, 1.0) * (field.y > y0 + 5))
            for side in (-1, 1):
                tip = (x0 + (16 if side < 0 else 20) * size, y0 + side * (3 + 12 * (1 - c)) * size)
                hinge = (x0 + 36 * size, y0 + side * 11 * size)
                bright = np.maximum(bright, 0.25 * edge(field, segment(field, hinge, tip), 0.8) * (not short))
            pull = np.exp(-(np.maximum(lv, 0) ** 2) / (2 * (12 * size) ** 2)) * squeeze * c
            off = np.hypot(field.x - x0, field.y - y0) + 1.0
            return moment_of(db, bright, mx - pull * (field.x - x0) / off, my - pull * (field.y - y0) / off)

        return at

    return film(spec, build, rng, between(rng, 0.15, 0.6))
