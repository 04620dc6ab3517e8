"""Change training windows as another scanner, hand, codec or recorder would: one draw a window, for both classes."""

import cv2
import numpy as np

from lsgui.imaging.strip_channels import SAMPLE_HZ
from lsgui.training.strip.codec import recoded
from lsgui.training.strip.edits import Window


def augment(window: Window, rng: np.random.Generator, h264_odds: float = 0.0) -> Window:
    """Change a window as another scanner, hand or codec would; the same draw for every frame, and for both classes."""
    if rng.random() < 0.5:
        window = window[::-1]
    window = _moved_and_scaled(window, rng)
    if rng.random() < 0.3:
        window = _slower(window, rng)
    if rng.random() < 0.2:
        window = _persistent(window, rng.uniform(0.1, 0.5))
    if rng.random() < 0.4:
        sigma = rng.uniform(0.3, 1.2)
        window = np.stack([cv2.GaussianBlur(frame, (0, 0), sigma) for frame in window])
    window = _regained(window, rng)
    if rng.random() < 0.6:
        depth = np.linspace(0.6, 1.4, window.shape[1], dtype=np.float32)[None, :, None]
        noise = rng.standard_normal(window.shape, dtype=np.float32)
        window = window + rng.uniform(0.5, 6.0) * depth * noise
    window = np.clip(window, 0.0, 255.0)
    if rng.random() < 0.35:
        window = _jpeg(window, int(rng.integers(20, 90)))
    if rng.random() < h264_odds:
        window = recoded(window, rng)
    return np.ascontiguousarray(window, dtype=np.float32)


def _moved_and_scaled(window: Window, rng: np.random.Generator) -> Window:
    """Zoom by the error of an estimated scale, shift in depth as another hand draws, and jitter as the tracker errs."""
    frames, rows, columns = window.shape
    zoom_x, zoom_y = rng.uniform(0.8, 1.25), rng.uniform(0.8, 1.25)
    line = 24.0 + rng.uniform(-2.5, 2.5)
    jitter = rng.normal(0.0, rng.uniform(0.0, 0.3), (frames, 2)) * (0.7, 0.4)
    drift = np.cumsum(rng.normal(0.0, rng.uniform(0.0, 0.12), (frames, 2)), axis=0) * (1.0, 0.4)
    out = np.empty_like(window)
    centre = columns / 2
    for k, (dx, dy) in enumerate(jitter + drift):
        matrix = np.array([[zoom_x, 0.0, centre * (1 - zoom_x) + dx], [0.0, zoom_y, 24.0 - line * zoom_y + dy]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        out[k] = cv2.warpAffine(window[k], matrix, (columns, rows), flags=flags, borderMode=cv2.BORDER_REFLECT)
    return out


def _slower(window: Window, rng: np.random.Generator) -> Window:
    """Repeat frames as a recorder of 5-11 frames/s would."""
    rate = rng.uniform(5.0, 11.0) / SAMPLE_HZ
    held = np.floor(np.floor(np.arange(len(window)) * rate) / rate + 1e-6).astype(int)
    return np.asarray(window[np.clip(held, 0, len(window) - 1)], dtype=np.float32)


def _persistent(window: Window, memory: float) -> Window:
    out = window.copy()
    for k in range(1, len(out)):
        out[k] = memory * out[k - 1] + (1.0 - memory) * window[k]
    return out


def _regained(window: Window, rng: np.random.Generator) -> Window:
    gamma, gain = rng.uniform(0.7, 1.4), rng.uniform(0.7, 1.3)
    out = 255.0 * (np.clip(window, 0.0, 255.0) / 255.0) ** gamma * gain + rng.uniform(-10.0, 10.0)
    if rng.random() < 0.2:  # a step of gain, before log compression a factor and after it a sum
        later = slice(int(rng.integers(4, len(out) - 4)), None)
        if rng.random() < 0.5:
            out[later] *= rng.uniform(0.7, 1.35)
        else:
            out[later] += rng.uniform(-35.0, 35.0)
    return np.asarray(out, dtype=np.float32)


def _jpeg(window: Window, quality: int) -> Window:
    """Compress all frames as one tall picture, which keeps block edges in the same rows."""
    tall = window.astype(np.uint8).reshape(-1, window.shape[2])
    _, data = cv2.imencode(".jpg", tall, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), dtype=np.float32).reshape(window.shape)
