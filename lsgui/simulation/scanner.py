"""Scanner: geometry, grey levels, and what recording adds."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from lsgui.core.clip import Frame
from lsgui.simulation.movie_writer import through_encoder
from lsgui.simulation.spec import ClipSpec, Scanner
from lsgui.simulation.speckle import Field, SpecklePool, both

Image = npt.NDArray[np.float32]
Points = npt.NDArray[np.float64]

_SUM = np.ones((1, 2), dtype=np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Geometry:
    """Where every pixel of the scanned picture looks at, in millimetres along the skin and into the depth.

    A convex probe looks along rays. Millimetres along are measured on the arc through the pleura, so that speeds along
    the pleural line are true.
    """

    along_mm: Image
    depth_mm: Image
    inside: npt.NDArray[np.bool_]
    half_width_mm: float
    convex: tuple[float, float, float] | None
    pitch: float
    width: int

    @classmethod
    def of(cls, spec: ClipSpec) -> "Geometry":
        """Return the geometry of a clip."""
        picture = spec.picture
        columns, rows = np.meshgrid(
            np.arange(picture.width, dtype=np.float32), np.arange(picture.height, dtype=np.float32)
        )
        x = (columns - (picture.width - 1) / 2) * picture.mm_per_px
        y = rows * picture.mm_per_px
        half = picture.width * picture.mm_per_px / 2
        if picture.geometry == "linear":
            return cls(x, y, np.ones(x.shape, dtype=bool), half, None, picture.mm_per_px, picture.width)
        radius = picture.probe_radius_mm
        depth = picture.height * picture.mm_per_px
        angle_max = float(np.radians(picture.sector_deg / 2))
        sagitta = radius * (1.0 - np.cos(angle_max))
        depth -= sagitta
        reach = np.hypot(x, y + radius - sagitta)
        angle = np.arctan2(x, y + radius - sagitta)
        reference = radius + spec.pleura.depth_mm
        inside = (np.abs(angle) <= angle_max) & (reach >= radius) & (reach <= radius + depth)
        return cls(
            (angle * reference).astype(np.float32),
            (reach - radius).astype(np.float32),
            inside,
            angle_max * reference,
            (radius, reference, sagitta),
            picture.mm_per_px,
            picture.width,
        )

    def to_pixels(self, along_mm: Points, depth_mm: Points) -> Points:
        """Return the pixels (n, 2) of points given in millimetres along the skin and into the depth."""
        if self.convex is None:
            x, y = along_mm, depth_mm
        else:
            radius, reference, sagitta = self.convex
            angle = along_mm / reference
            x = (radius + depth_mm) * np.sin(angle)
            y = (radius + depth_mm) * np.cos(angle) - radius + sagitta
        return np.stack([x / self.pitch + (self.width - 1) / 2, y / self.pitch], axis=-1)


class Receiver:
    """Turns the echo of one moment into grey levels; remembers the last picture for persistence."""

    def __init__(self, spec: ClipSpec, geometry: Geometry, pool: SpecklePool) -> None:
        scanner = spec.scanner
        self._scanner = scanner
        self._pool = pool
        self._compound = scanner.compound_mm / spec.picture.mm_per_px
        depth = geometry.depth_mm
        gain_db = scanner.gain_db - scanner.loss_db_cm * depth / 10.0
        edge = np.abs(geometry.along_mm) / geometry.half_width_mm
        gain_db = gain_db - scanner.edge_fade * np.clip((edge - 0.6) / 0.4, 0.0, 1.0) ** 2
        self._gain_db = gain_db.astype(np.float32)
        noise_db = scanner.noise_db + scanner.noise_growth_db * depth / depth.max() + scanner.loss_db_cm * depth / 10.0
        self._noise = both(np.power(10.0, noise_db / 20.0))
        self._inside = geometry.inside
        self._last: Image | None = None

    def picture(self, echo: Field, time_s: float) -> Frame:
        """Return the grey picture of an echo (H, W, 2), uint8: 0 dB below the top of the range is white."""
        echo += self._noise * self._pool.draw(*echo.shape[:2])
        power = np.asarray(cv2.transform(echo * echo, _SUM))
        if self._compound > 0.3:
            # looks from several angles, averaged: the dark gaps of speckle fill up
            power = cv2.GaussianBlur(power, (0, 0), sigmaX=self._compound, sigmaY=0.5 * self._compound)
        level = (10.0 / np.log(10.0)) * cv2.log(power + np.float32(1e-12)) + self._gain_db
        step_db = sum(gain for moment, gain in self._scanner.gain_steps if time_s >= moment)
        grey = np.clip((level + np.float32(self._scanner.dynamic_db + step_db)) / self._scanner.dynamic_db, 0.0, 1.0)
        if self._scanner.curve != 1.0:
            grey = cv2.pow(grey, self._scanner.curve)
        if self._last is not None and self._scanner.persistence > 0:
            grey = cv2.addWeighted(grey, 1 - self._scanner.persistence, self._last, self._scanner.persistence, 0)
        self._last = grey
        return np.where(self._inside, np.rint(grey * 255.0), 0).astype(np.uint8)


def shown_frames(scanner: Scanner, count: int) -> npt.NDArray[np.int64]:
    """Return for every frame of the file which moment it shows, (count,): repeated frames show the one before."""
    shown = np.arange(count)
    if scanner.repeat_every >= 2:
        shown = shown - (shown % scanner.repeat_every == scanner.repeat_every - 1)
    return shown


def burn_in(frames: npt.NDArray[np.uint8], spec: ClipSpec, rng: np.random.Generator) -> None:
    """Write made-up scanner text, a depth ruler and a probe mark into the frames, in place."""
    height, width = frames.shape[1], frames.shape[2]
    text = np.zeros((height, width), dtype=np.uint8)
    scale = max(0.3, width / 900)
    words = rng.choice(["SIM LUNG", "L12 LUNG", "THORAX SIM", "C5 LUNG"])
    depth_cm = spec.picture.height * spec.picture.mm_per_px / 10
    font = cv2.FONT_HERSHEY_SIMPLEX
    cv2.putText(text, str(words), (4, int(14 * scale / 0.35)), font, scale, 190, 1, cv2.LINE_AA)
    cv2.putText(
        text, f"MI 0.{rng.integers(4, 10)}  {depth_cm:.1f} cm", (4, height - 6), font, scale, 190, 1, cv2.LINE_AA
    )
    top, ruler = spec.picture.border[1], width - 4
    for cm in range(int(depth_cm) + 1):
        row = int(top + cm * 10 / spec.picture.mm_per_px)
        if row < height:
            cv2.line(text, (ruler - (5 if cm % 5 == 0 else 3), row), (ruler, row), 170, 1)
    np.maximum(frames, text[None], out=frames)


def recode(frames: npt.NDArray[np.uint8], scanner: Scanner, fps: float) -> npt.NDArray[np.uint8]:
    """Return the frames as they come back from lossy compression.

    "jpeg" and "mjpeg" code every frame by itself, "mpeg4" predicts from frame to frame through OpenCV's own encoder
    and falls back to "jpeg" where that encoder is missing.
    """
    if scanner.codec == "none":
        return frames
    if scanner.codec == "mpeg4":
        decoded = through_encoder(frames, fps)
        if decoded is not None:
            return decoded
    out = np.empty_like(frames)
    for k, frame in enumerate(frames):
        _, data = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, scanner.codec_quality])
        out[k] = np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE))
    return out
