"""Negatives and sham positives made from real sliding strips: what lies below the pleural line is replaced.

There is no public clip of absent sliding. A strip of a sliding lung becomes an absent one when everything from the
pleural line down is exchanged for texture that only does what the chest wall does. Positives get the same seam, so that
the seam says nothing. Every function takes and gives float32 windows (T, D, S) of grey values 0..255.
"""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

Window = npt.NDArray[np.float32]
Curve = npt.NDArray[np.float64]
EditKind = Literal["original", "retimed", "shallow", "held", "residual", "pulse", "mirror", "mirror_held"]
POSITIVE: tuple[EditKind, ...] = ("original", "retimed", "shallow")
NEGATIVE: tuple[EditKind, ...] = ("held", "residual", "pulse", "mirror", "mirror_held")


@dataclass(frozen=True, slots=True)
class Seam:
    """Where the exchange begins, in rows, and over how many rows it blends."""

    row: float
    width: float

    def weight(self, rows: int) -> Window:
        """Return how much of the exchanged texture each row gets, (rows, 1) in 0..1."""
        ramp = (np.arange(rows, dtype=np.float32) - self.row) / max(self.width, 0.25) + 0.5
        weight: Window = np.clip(ramp, 0.0, 1.0).astype(np.float32).reshape(-1, 1)
        return weight


def random_seam(rng: np.random.Generator, pleura_row: int) -> Seam:
    """Return a seam just above the pleural line: the line itself belongs to the lung."""
    return Seam(pleura_row + rng.uniform(-3.5, 1.0), rng.uniform(0.5, 3.0))


def blend(above: Window, below: Window, seam: Seam) -> Window:
    """Return `above` over the seam and `below` under it."""
    weight = seam.weight(above.shape[1])
    return np.asarray(above * (1.0 - weight) + below * weight, dtype=np.float32)


def mirrored_wall(window: Window, pleura_row: int, gap: int = 1) -> Window:
    """Return the window with its own moving wall reflected below the pleural line, again and again.

    Rows nearer than `gap` to the line are left out, so that the bright line is not doubled.
    """
    rows = window.shape[1]
    usable = pleura_row - gap
    distance = np.arange(rows - pleura_row)
    phase = distance % (2 * usable)
    source = np.where(phase < usable, pleura_row - gap - phase - 1, phase - usable)
    out = window.copy()
    out[:, pleura_row:] = window[:, np.clip(source, 0, pleura_row - 1)]
    return out


def match_texture(texture: Window, like: Window, first_row: int, blur_rows: float = 4.0) -> Window:
    """Give `texture` the row-wise mean and contrast of `like` below `first_row`, so that brightness says nothing."""
    out = texture.copy()
    below = slice(first_row, None)

    def profile(values: Window) -> tuple[Window, Window]:
        mean = cv2.GaussianBlur(values.mean(axis=(0, 2))[:, None], (1, 0), sigmaX=0.1, sigmaY=blur_rows)
        spread = cv2.GaussianBlur(values.std(axis=(0, 2))[:, None], (1, 0), sigmaX=0.1, sigmaY=blur_rows)
        return mean.reshape(1, -1, 1), spread.reshape(1, -1, 1)

    mean_from, spread_from = profile(texture[:, below])
    mean_to, spread_to = profile(like[:, below])
    gain = np.clip(spread_to / np.maximum(spread_from, 1.0), 0.3, 3.0)
    out[:, below] = (texture[:, below] - mean_from) * gain + mean_to
    return out


def wall_residual(window: Window, pleura_row: int) -> Window:
    """Return the wall's own change over time reflected below the line and scaled to the local texture."""
    change = window - window.mean(axis=0, keepdims=True)
    reflected = mirrored_wall(change, pleura_row)
    texture = mirrored_wall(np.repeat(window.mean(axis=0, keepdims=True), 1, 0), pleura_row)[:, pleura_row:].std()
    own = window.mean(axis=0)[pleura_row:].std()
    reflected[:, pleura_row:] *= np.clip(own / max(float(texture), 1.0), 0.4, 2.5)
    reflected[:, :pleura_row] = 0.0
    return reflected


def moved(frames: Window, along: Curve, across: Curve) -> Window:
    """Return frames (T, D, S), or one frame (1, D, S) again and again, displaced by (along, across) samples."""
    size = (frames.shape[2], frames.shape[1])
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    out = np.empty((len(along), *frames.shape[1:]), dtype=np.float32)
    for k, (dx, dy) in enumerate(zip(along, across, strict=True)):
        matrix = np.array([[1, 0, dx], [0, 1, dy]])
        frame = frames[k if len(frames) > 1 else 0]
        out[k] = cv2.warpAffine(frame, matrix, size, flags=flags, borderMode=cv2.BORDER_REFLECT)
    return out


def pulse_motion(rng: np.random.Generator, seconds: Curve, most: float) -> tuple[Curve, Curve]:
    """Return a heart-rate jerk (along, across) in samples: 1-1.7 Hz, `most` samples at its peak.

    The stroke is drawn from a soft swing to a short jerk.
    """
    rate, phase = rng.uniform(1.0, 1.7), rng.uniform(0, 2 * np.pi)
    beat = np.maximum(np.sin(2 * np.pi * rate * seconds + phase), 0.0) ** rng.uniform(1.0, 5.0)
    angle = rng.uniform(-0.5, 0.5) + (np.pi if rng.random() < 0.5 else 0.0)
    return most * np.cos(angle) * beat, most * np.sin(angle) * beat


def edit_window(
    kind: EditKind,
    window: Window,
    pleura_row: int,
    seconds: Curve,
    rng: np.random.Generator,
    other: Window | None = None,
    seam: Seam | None = None,
) -> Window:
    """Return `window` edited.

    Parameters
    ----------
    window
        (T, D, S) float32 of a sliding lung, held still on the wall.
    seconds
        (T,) moments, for motion at heart rate.
    other
        A window of another moment of the same clip, for "retimed". Texture of another clip is not pasted: its lung may
        change less than this clip's wall, and would then be labelled sliding without a sign of it.
    seam
        Where the exchange begins; drawn when None.
    """
    seam = seam or random_seam(rng, pleura_row)
    if kind == "original":
        return window
    if kind == "retimed":
        if other is None:
            raise ValueError("a re-timed window needs another moment")
        return blend(window, match_texture(other, window, pleura_row), seam)
    still = window[int(rng.integers(len(window)))][None]
    if kind == "shallow":
        share = np.float32(rng.uniform(0.65, 0.9))
        return blend(window, np.asarray(still + share * (window - still), dtype=np.float32), seam)
    return blend(window, _still(kind, window, still, pleura_row, seconds, rng), seam)


def _still(
    kind: EditKind, window: Window, still: Window, pleura_row: int, seconds: Curve, rng: np.random.Generator
) -> Window:
    """Return texture below the line that only does what the wall does, or the heart."""
    held = np.repeat(still, len(window), axis=0)
    if kind == "held":
        return held + rng.normal(0.0, rng.uniform(0.5, 4.0), window.shape).astype(np.float32)
    if kind == "residual":
        return held + wall_residual(window, pleura_row) * np.float32(rng.uniform(0.7, 1.1))
    if kind == "pulse":
        beating = moved(still, *pulse_motion(rng, seconds, rng.uniform(0.3, 1.6)))
        return beating + wall_residual(window, pleura_row) * np.float32(rng.uniform(0.3, 1.0))
    mirror = match_texture(mirrored_wall(window, pleura_row, int(rng.integers(0, 3))), window, pleura_row)
    return mirror if kind == "mirror" else np.asarray(0.5 * (mirror + held), dtype=np.float32)
