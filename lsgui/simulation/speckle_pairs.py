"""Pairs of speckle pictures whose dense motion is known, to train and to test optical flow on.

Both pictures of a pair are cut from one field of fully developed speckle (complex Gaussian scatterers through a
point-spread function, `lsgui.simulation.speckle`). The first one is read at the places that the motion leads to, so
the flow is exact by construction; a common sub-pixel offset makes the second one interpolated as well, so that
sharpness says nothing about motion.
"""

from dataclasses import dataclass, replace
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from lsgui.simulation.speckle import Field, SpecklePool, both, smooth_noise

Floats = npt.NDArray[np.float32]
Kind = Literal["rigid", "shear", "smooth", "sliding"]

KINDS: tuple[Kind, ...] = ("rigid", "shear", "smooth", "sliding")
AXIAL_MM = 0.25
"""Axial width of the point-spread function: what makes a pixel a length."""
MARGIN_PX = 24
"""Tissue around the picture that can move into it."""
LARGEST_PX = 8.0


@dataclass(frozen=True, slots=True)
class PairSpec:
    """What happens between the two pictures.

    Attributes
    ----------
    kind
        "rigid": one shift; "shear": a shift that grows linearly along one axis; "smooth": a random smooth field;
        "sliding": chest wall above a pleural line, lung below it with a shift of its own along the line.
    shift_px
        Largest displacement, in pixels (of the lung, for "sliding").
    renewed
        Share of the echo's power that is replaced by fresh speckle: 0 keeps the texture, 1 leaves nothing of it.
    static
        Share of the power below the pleural line that stays with the chest wall (reverberation); "sliding" only.
    noise
        Standard deviation of the pictures' noise, in grey values.
    gain
        Change of brightness from the first picture to the second, as a factor.
    jpeg
        Quality of JPEG compression, None for none.
    """

    kind: Kind
    shift_px: float
    renewed: float = 0.0
    static: float = 0.0
    noise: float = 1.0
    gain: float = 1.0
    jpeg: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class SpecklePair:
    """Two pictures and the way between them.

    Attributes
    ----------
    before, after
        Pictures, (S, S) uint8.
    flow
        Where each pixel of `before` lies in `after`, relative, (2, S, S) float32 as (x, y) in pixels.
    lung
        True below the pleural line, (S, S); all False for the kinds without one.
    mm_per_px
        Size of a pixel, from the width of the point-spread function.
    spec
        What happened.
    """

    before: npt.NDArray[np.uint8]
    after: npt.NDArray[np.uint8]
    flow: Floats
    lung: npt.NDArray[np.bool_]
    mm_per_px: float
    spec: PairSpec


@dataclass(frozen=True, slots=True, eq=False)
class _Tissue:
    """One kind of speckle: a large field to cut from and maps of brightness, made once."""

    field: Field
    brightness: tuple[Floats, ...]
    axial_px: float

    def speckle(self, rng: np.random.Generator, side: int) -> Field:
        """Return a square of speckle, (side, side, 2), a view that must not be written to."""
        y, x = (int(rng.integers(0, length - side + 1)) for length in self.field.shape[:2])
        cut = self.field[y : y + side, x : x + side]
        return cut[::-1] if rng.integers(0, 2) else cut


class SpecklePairs:
    """An endless seeded series of pairs: `pair(k)` depends on the seed, the size and `k` alone.

    Parameters
    ----------
    seed
        Seed of the whole series.
    size
        Side of the square pictures, in pixels.
    tissues
        How many kinds of speckle are made beforehand; about 20 ms each.
    """

    def __init__(self, seed: int, size: int = 128, tissues: int = 16) -> None:
        self.seed, self.size = seed, size
        self._whole = size + 2 * MARGIN_PX
        rng = np.random.default_rng((seed, 1))
        self._tissues = tuple(_make_tissue(rng, self._whole) for _ in range(tissues))
        rows, columns = np.mgrid[0:size, 0:size].astype(np.float32)
        self._rows, self._columns = np.ascontiguousarray(rows), np.ascontiguousarray(columns)

    def pair(self, index: int, *, easy: bool = False) -> SpecklePair:
        """Return one random pair; `easy`: clearly moved and nothing renewed, to begin learning with."""
        rng = np.random.default_rng((self.seed, 2, index))
        return self.draw(rng, easy_spec(rng) if easy else random_spec(rng))

    def draw(self, rng: np.random.Generator, spec: PairSpec) -> SpecklePair:
        """Return a pair to which happens what `spec` says."""
        tissue = self._tissues[rng.integers(len(self._tissues))]
        offset = rng.uniform(-0.5, 0.5, 2).astype(np.float32)
        level = _Level(
            dynamic_db=float(rng.uniform(42.0, 62.0)), top_db=float(rng.uniform(6.0, 30.0)), noise=spec.noise
        )
        if spec.kind == "sliding":
            before, after, flow, lung = self._sliding(rng, tissue, spec, offset)
        else:
            flow = self._flow(rng, spec)
            before, after = self._moved(rng, self._echo(rng, tissue), tissue, spec.renewed, flow, offset)
            lung = np.zeros((self.size, self.size), dtype=np.bool_)
        floor = 10.0 ** rng.uniform(-3.5, -1.5)
        pictures = [
            _picture(rng, echo, floor, replace(level, gain=gain), spec.jpeg)
            for echo, gain in ((before, 1.0), (after, spec.gain))
        ]
        return SpecklePair(pictures[0], pictures[1], flow, lung, AXIAL_MM / tissue.axial_px, spec)

    def _echo(self, rng: np.random.Generator, tissue: _Tissue) -> Field:
        """Return speckle with bright and dark places, larger than the picture."""
        brightness = tissue.brightness[rng.integers(len(tissue.brightness))]
        if rng.integers(0, 2):
            brightness = brightness[:, ::-1]
        return np.asarray(tissue.speckle(rng, self._whole) * both(brightness), dtype=np.float32)

    def _moved(
        self, rng: np.random.Generator, echo: Field, tissue: _Tissue, renewed: float, flow: Floats, offset: Floats
    ) -> tuple[Field, Field]:
        """Return the echo before and after: read where the flow leads to, and as it lies."""
        x, y = self._columns + (MARGIN_PX + offset[0]), self._rows + (MARGIN_PX + offset[1])
        before = cv2.remap(echo, x + flow[0], y + flow[1], cv2.INTER_LANCZOS4)
        after = cv2.remap(echo, x, y, cv2.INTER_LANCZOS4)
        if renewed > 0.0:
            strength = np.sqrt(cv2.boxFilter(np.sum(after**2, axis=-1), -1, (15, 15)))
            fresh = tissue.speckle(rng, self.size) * both(strength)
            after = np.float32(np.sqrt(1.0 - renewed)) * after + np.float32(np.sqrt(renewed)) * fresh
        return before, after

    def _flow(self, rng: np.random.Generator, spec: PairSpec) -> Floats:
        """Return a field (2, S, S) whose longest vector is `spec.shift_px`."""
        angle = rng.uniform(0.0, 2.0 * np.pi)
        way = np.array([np.cos(angle), np.sin(angle)], dtype=np.float32)[:, None, None]
        if spec.kind == "rigid":
            return np.broadcast_to(way * np.float32(spec.shift_px), (2, self.size, self.size)).copy()
        if spec.kind == "shear":
            axis = self._rows if rng.integers(0, 2) else self._columns
            ramp = axis / (self.size - 1)
            start, stop = rng.uniform(-1.0, 1.0, 2)
            field = way * (start + (stop - start) * ramp)
        else:
            coarse = np.stack([smooth_noise(rng, 16, 16, s, s) for s in rng.uniform(2.0, 6.0, 2)], axis=-1)
            coarse += rng.normal(0.0, 1.0, 2).astype(np.float32)
            field = cv2.resize(coarse, (self.size, self.size), interpolation=cv2.INTER_CUBIC).transpose(2, 0, 1)
        longest = float(np.sqrt(np.max(np.sum(field**2, axis=0)))) + 1e-6
        return np.asarray(field * (spec.shift_px / longest), dtype=np.float32)

    def _sliding(
        self, rng: np.random.Generator, tissue: _Tissue, spec: PairSpec, offset: Floats
    ) -> tuple[Field, Field, Floats, npt.NDArray[np.bool_]]:
        """Return the echoes of a chest wall over a lung that slides along it, the flow, and where the lung is."""
        size = self.size
        slope, bend = rng.uniform(-0.15, 0.15), rng.uniform(-12.0, 12.0)
        across = (np.arange(size, dtype=np.float32) - size / 2) / size
        line = (rng.uniform(0.3, 0.6) * size + slope * size * across + bend * across**2).astype(np.float32)
        wall_px = float(rng.uniform(0.0, 0.35)) * spec.shift_px * float(rng.integers(0, 2))
        wall = self._flow(rng, PairSpec("shear", wall_px))
        depth = self._rows - line[None]
        taper = np.exp(-np.maximum(depth, 0.0) / (size * rng.uniform(0.8, 3.0)))
        lung_way = np.array([rng.choice((-1.0, 1.0)), slope], dtype=np.float32)
        lung = lung_way[:, None, None] * np.float32(spec.shift_px / np.hypot(*lung_way)) * taper
        below = depth >= 0.0
        wall_echo, lung_echo = self._echo(rng, tissue), self._echo(rng, tissue)
        wall_pair = self._moved(rng, wall_echo, tissue, min(spec.renewed, 0.1), wall, offset)
        lung_pair = self._moved(rng, lung_echo, tissue, spec.renewed, wall + lung, offset)
        if spec.static > 0.0:
            still = self._moved(rng, self._echo(rng, tissue), tissue, 0.0, wall, offset)
            moving, held = np.float32(np.sqrt(1.0 - spec.static)), np.float32(np.sqrt(spec.static))
            lung_pair = (moving * lung_pair[0] + held * still[0], moving * lung_pair[1] + held * still[1])
        # The line goes with the wall, whose motion along it is smooth: the wall's own shift at the line is enough.
        shift = wall[:, size // 2, :].mean(axis=1)
        line_after = np.interp(np.arange(size) - shift[0], np.arange(size), line) + shift[1]
        loud = np.float32(rng.uniform(1.0, 4.0))
        decay = rng.uniform(40.0, 200.0)
        pictures = []
        for at, (wall_part, lung_part) in zip((line, line_after), zip(wall_pair, lung_pair, strict=True), strict=True):
            under = self._rows - at[None].astype(np.float32)
            share = np.clip(under + 0.5, 0.0, 1.0)
            bright = 1.0 + loud * np.exp(-0.5 * (under / 2.0) ** 2)
            fade = np.exp(-np.maximum(under, 0.0) / decay) * bright
            pictures.append(both(1.0 - share) * wall_part + both(share * fade) * lung_part)
        return pictures[0], pictures[1], np.where(below, wall + lung, wall).astype(np.float32), below


@dataclass(frozen=True, slots=True)
class _Level:
    """How an echo becomes grey."""

    dynamic_db: float
    top_db: float
    noise: float
    gain: float = 1.0


def easy_spec(rng: np.random.Generator) -> PairSpec:
    """Return what happens in a pair to begin learning with: a clear shift, mostly of the whole picture alike."""
    kind: Kind = "rigid" if rng.random() < 0.7 else "smooth"
    return PairSpec(kind, shift_px=float(rng.uniform(1.0, 10.0)), noise=float(rng.uniform(0.0, 2.0)))


def random_spec(rng: np.random.Generator) -> PairSpec:
    """Return what happens in a pair of the training series: small shifts as often as large ones."""
    kind = KINDS[rng.choice(4, p=(0.25, 0.15, 0.25, 0.35))]
    shift = float(np.exp(rng.uniform(np.log(0.1), np.log(LARGEST_PX)))) if rng.random() < 0.95 else 0.0
    return PairSpec(
        kind=kind,
        shift_px=shift,
        renewed=float(rng.uniform(0.0, 0.6)) if rng.random() < 0.65 else 0.0,
        static=float(rng.uniform(0.0, 0.5)) if rng.random() < 0.5 else 0.0,
        noise=float(rng.uniform(0.0, 5.0)),
        gain=float(np.exp(rng.uniform(-0.1, 0.1))),
        jpeg=int(rng.integers(35, 96)) if rng.random() < 0.3 else None,
    )


def _make_tissue(rng: np.random.Generator, whole: int) -> _Tissue:
    axial = float(rng.uniform(1.6, 5.0))
    lateral = axial * float(rng.uniform(1.1, 2.4))
    maps = []
    for _ in range(4):
        clouds = smooth_noise(rng, whole, whole, rng.uniform(6.0, 24.0), rng.uniform(10.0, 50.0))
        fascia = smooth_noise(rng, whole, whole, rng.uniform(1.0, 3.0), rng.uniform(25.0, 80.0))
        level = rng.uniform(0.1, 0.8) * clouds + rng.uniform(0.0, 0.9) * np.maximum(fascia - 1.0, 0.0)
        maps.append(np.exp(np.clip(level, -3.0, 2.5)).astype(np.float32))
    pool = SpecklePool(rng, whole, whole, axial, lateral)
    return _Tissue(pool.draw(2 * whole + 32, 2 * whole + 64), tuple(maps), axial)


def _picture(
    rng: np.random.Generator, echo: Field, floor: float, level: _Level, jpeg: int | None
) -> npt.NDArray[np.uint8]:
    """Return the log-compressed envelope with noise, (S, S) uint8."""
    power = np.sum(echo**2, axis=-1) + np.float32(floor)
    decibel = 10.0 * np.log10(power) - level.top_db
    grey = 255.0 * level.gain * np.clip(1.0 + decibel / level.dynamic_db, 0.0, 1.0)
    if level.noise > 0.0:
        grey = grey + level.noise * rng.standard_normal(grey.shape, dtype=np.float32)
    picture = np.clip(np.rint(grey), 0, 255).astype(np.uint8)
    if jpeg is not None:
        done, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, jpeg])
        if done:
            return np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), dtype=np.uint8)
    return np.asarray(picture, dtype=np.uint8)
