"""Augmentation of windows: one draw a window, the same for every frame, because motion is the signal.

As the paper: horizontal flip, brightness and contrast, rotation by up to 10 degrees, random resized crop, each with
odds of one half, after the resize and before normalisation. Grey values are 0..255 and stay within; the geometric
changes are put together into one matrix, so that a picture is interpolated once.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Window = npt.NDArray[np.float32]
Matrix = npt.NDArray[np.float64]

JITTER = 0.3
"""Brightness and contrast are multiplied by 1 ± this."""
MOST_DEGREES = 10.0
CROP_AREA = (0.8, 1.0)
CROP_RATIO = (0.9, 1.1)
WHITE = 255.0


@dataclass(frozen=True, slots=True, eq=False)
class Draw:
    """What is done to one window.

    Attributes
    ----------
    matrix
        (2, 3) float64: pixel (x, y) goes to matrix @ (x, y, 1).
    brightness, contrast
        Factors of the grey values and of their distance from the window's mean.
    """

    matrix: Matrix
    brightness: float = 1.0
    contrast: float = 1.0

    @property
    def moves(self) -> bool:
        """True when the picture is not left where it is."""
        return not np.array_equal(self.matrix, np.eye(3)[:2])


def draw(rng: np.random.Generator, size: tuple[int, int], odds: float = 0.5) -> Draw:
    """Draw one change for a whole window of (height, width) pixels. Always takes the same count of random numbers."""
    height, width = size
    done = rng.random(4) < odds
    brightness, contrast = rng.uniform(1.0 - JITTER, 1.0 + JITTER, 2)
    degrees = rng.uniform(-MOST_DEGREES, MOST_DEGREES)
    crop = _crop(rng, width, height)
    matrix = np.eye(3)
    if done[0]:
        matrix = _flip(width)
    if done[2]:
        matrix = _rotation(degrees, width, height) @ matrix
    if done[3]:
        matrix = crop @ matrix
    return Draw(matrix[:2], *((float(brightness), float(contrast)) if done[1] else (1.0, 1.0)))


def _flip(width: int) -> Matrix:
    return np.array([[-1.0, 0.0, width - 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])


def _rotation(degrees: float, width: int, height: int) -> Matrix:
    centre = ((width - 1) / 2, (height - 1) / 2)
    return np.vstack([cv2.getRotationMatrix2D(centre, degrees, 1.0), [0.0, 0.0, 1.0]])


def _crop(rng: np.random.Generator, width: int, height: int) -> Matrix:
    """Return the matrix that blows a random rectangle of the picture up to the whole of it."""
    area = rng.uniform(*CROP_AREA)
    ratio = math.exp(rng.uniform(math.log(CROP_RATIO[0]), math.log(CROP_RATIO[1])))
    wide, high = min(math.sqrt(area * ratio), 1.0) * width, min(math.sqrt(area / ratio), 1.0) * height
    left, top = rng.random(2) * (width - wide, height - high) - 0.5  # the first pixel reaches from -0.5 to 0.5
    zoom_x, zoom_y = width / wide, height / high
    return np.array([[zoom_x, 0.0, -zoom_x * left - 0.5], [0.0, zoom_y, -zoom_y * top - 0.5], [0.0, 0.0, 1.0]])


def augment_window(window: Window, rng: np.random.Generator, odds: float = 0.5) -> Window:
    """Return a window changed by one draw.

    Parameters
    ----------
    window
        (P, T, S, S) float32, grey values 0..255.
    rng
        Where the draw comes from; the same state gives the same change, here and in `augment_flow`.
    odds
        Of each change.
    """
    return apply_to_window(window, draw(rng, window.shape[-2:], odds))


def augment_flow(flow: Window, rng: np.random.Generator, odds: float = 0.5) -> Window:
    """Return flow fields changed by one draw, their vectors turned and stretched with the picture.

    Parameters
    ----------
    flow
        (T, 2, S, S) float32 in pixels: (along x, along y).
    """
    return apply_to_flow(flow, draw(rng, flow.shape[-2:], odds))


def apply_to_window(window: Window, drawn: Draw) -> Window:
    """Return (..., S, S) grey values 0..255 changed; parts from beyond the picture are black."""
    out = _warped(window, drawn.matrix) if drawn.moves else window
    if (drawn.brightness, drawn.contrast) != (1.0, 1.0):
        bright = out * np.float32(drawn.brightness)
        mean = bright.mean(dtype=np.float64)  # of the window: a mean of each frame would make the gain flicker
        out = np.clip(mean + drawn.contrast * (bright - mean), 0.0, WHITE)
    return np.ascontiguousarray(out, dtype=np.float32)


def apply_to_flow(flow: Window, drawn: Draw) -> Window:
    """Return (T, 2, S, S) flow changed as its pictures are; nothing moves beyond the picture."""
    if not drawn.moves:
        return np.ascontiguousarray(flow, dtype=np.float32)
    moved = _warped(flow, drawn.matrix)
    turned = np.einsum("ij,tjhw->tihw", drawn.matrix[:, :2].astype(np.float32), moved)
    return np.ascontiguousarray(turned, dtype=np.float32)


def _warped(pictures: Window, matrix: Matrix) -> Window:
    height, width = pictures.shape[-2:]
    if np.array_equal(matrix, _flip(width)[:2]):
        return pictures[..., ::-1]
    flat = np.ascontiguousarray(pictures.reshape(-1, height, width), dtype=np.float32)
    out = np.empty_like(flat)
    for source, target in zip(flat, out, strict=True):
        cv2.warpAffine(source, matrix, (width, height), dst=target, flags=cv2.INTER_LINEAR, borderValue=0.0)
    return out.reshape(pictures.shape)
