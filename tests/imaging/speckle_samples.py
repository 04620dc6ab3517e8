"""Small synthetic clips whose motion is known exactly: speckle above a line and speckle below it."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from lsgui.core.pleura import PleuralROI

LINE_Y = 60
WIDTH, HEIGHT = 160, 150
MM_PER_PX = 0.3
FPS = 20.0


@dataclass(frozen=True)
class Sample:
    """A clip with its line; `wall` is the true place of the wall in pixels, (T, 2)."""

    frames: npt.NDArray[np.uint8]
    times_s: npt.NDArray[np.float64]
    roi: PleuralROI
    wall: npt.NDArray[np.float64]


def texture(rng: np.random.Generator, height: int = HEIGHT + 80, width: int = WIDTH + 80) -> npt.NDArray[np.float32]:
    grain = cv2.GaussianBlur(rng.standard_normal((height, width)).astype(np.float32), (0, 0), 1.6)
    return (90.0 + 40.0 * grain / grain.std()).astype(np.float32)


def moved(picture: npt.NDArray[np.float32], along: float, across: float) -> npt.NDArray[np.float32]:
    """Cut the frame out of a larger texture that has moved right by `along` and down by `across`."""
    matrix = np.array([[1.0, 0.0, 40.0 - along], [0.0, 1.0, 40.0 - across]])
    return cv2.warpAffine(picture, matrix, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP)


def speckle_clip(
    seed: int,
    *,
    seconds: float = 4.0,
    drift_px_s: float = 0.0,
    renew: float = 0.0,
    noise: float = 2.0,
) -> Sample:
    """Make a clip.

    `drift_px_s` moves everything to the right; `renew` is the part of the texture below the line that is new in each
    frame, as in a sliding lung (0: below does what the wall does).
    """
    rng = np.random.default_rng(seed)
    count = round(seconds * FPS)
    above, below = texture(rng), texture(rng)
    frames = np.empty((count, HEIGHT, WIDTH), dtype=np.uint8)
    wall = np.zeros((count, 2))
    for k in range(count):
        if renew:
            fresh = texture(rng)
            mixed = np.sqrt(1 - renew**2) * (below - 90.0) + renew * (fresh - 90.0)
            below = (90.0 + mixed).astype(np.float32)
        wall[k, 0] = drift_px_s * k / FPS
        frame = moved(above, *wall[k])
        frame[LINE_Y:] = moved(below, *wall[k])[LINE_Y:]
        frame[LINE_Y - 1 : LINE_Y + 2] += 90.0
        frame += rng.normal(0.0, noise, frame.shape)
        frames[k] = np.clip(frame, 0, 255).astype(np.uint8)
    roi = PleuralROI.single(0, [[40.0, LINE_Y], [120.0, LINE_Y]])
    return Sample(frames, np.arange(count) / FPS, roi, wall)
