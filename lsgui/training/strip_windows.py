"""Draw training windows from pleural strips: edit, augment, label each stretch of pleura."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from lsgui.core.strip import PleuralStrip
from lsgui.imaging.strip_channels import SAMPLE_HZ, WINDOW_SAMPLES, sample_moments, strip_channels
from lsgui.models.cmwru_strip import SEGMENT_COLUMNS
from lsgui.training.strip_edits import NEGATIVE, EditKind, Window, edit_window, random_seam

WINDOW_COLUMNS = 32
"""Columns of a training window, 12.8 mm of pleura."""

_KIND_ODDS: dict[EditKind, float] = {
    "original": 0.25,
    "retimed": 0.17,
    "shallow": 0.08,
    "held": 0.08,
    "residual": 0.14,
    "pulse": 0.09,
    "mirror": 0.14,
    "mirror_held": 0.05,
}


@dataclass(frozen=True, slots=True, eq=False)
class StripSource:
    """A strip to draw from.

    Attributes
    ----------
    absent
        (T, S) float32 in 0..1: whether sliding is absent at that moment and column; all 0 for a sliding clip.
    edited
        True when negatives are to be made from it; False for simulated strips, which bring their own.
    """

    strip: PleuralStrip
    patient: str
    clip: str
    source: str
    absent: npt.NDArray[np.float32]
    edited: bool


@dataclass(frozen=True, slots=True, eq=False)
class TrainingWindow:
    """One example: (32, 64, 32) float32 grey values and the label of each stretch, (4,) float32 in 0..1."""

    window: Window
    absent: npt.NDArray[np.float32]
    kind: str


class WindowDrawer:
    """Draws windows: the set first, then a patient, then a clip, so that no long clip or large patient rules.

    Parameters
    ----------
    sources
        What to draw from, real and simulated.
    simulated_share
        Share of windows taken from simulated strips, where there are any.
    """

    def __init__(self, sources: Sequence[StripSource], simulated_share: float) -> None:
        self._share = simulated_share
        self._real = self._by_patient([s for s in sources if s.edited])
        self._simulated = [s for s in sources if not s.edited]

    @staticmethod
    def _by_patient(sources: Sequence[StripSource]) -> list[list[StripSource]]:
        groups: dict[str, list[StripSource]] = {}
        for source in sources:
            groups.setdefault(source.patient, []).append(source)
        return list(groups.values())

    def batch(self, size: int, seed: tuple[int, int]) -> tuple[Window, npt.NDArray[np.float32]]:
        """Return channels (N, C, 8, 32, 16) and labels (N, 4), the same for the same seed whatever was drawn before."""
        rng = np.random.default_rng(seed)
        drawn = [self.draw(rng) for _ in range(size)]
        return np.stack([strip_channels(d.window) for d in drawn]), np.stack([d.absent for d in drawn])

    def draw(self, rng: np.random.Generator) -> TrainingWindow:
        """Return the next example."""
        if self._simulated and (not self._real or rng.random() < self._share):
            source = self._simulated[int(rng.integers(len(self._simulated)))]
            window, absent = _cut(source, rng)
            kind = "simulated"
        else:
            window, absent, kind = self._edited(rng)
        if rng.random() < 0.5:
            window, absent = window[:, :, ::-1], absent[::-1]
        window = augment(np.ascontiguousarray(window), rng)
        stretches = absent.reshape(-1, SEGMENT_COLUMNS).mean(axis=1)
        return TrainingWindow(window, stretches.astype(np.float32), kind)

    def _pick(self, rng: np.random.Generator) -> StripSource:
        group = self._real[int(rng.integers(len(self._real)))]
        return group[int(rng.integers(len(group)))]

    def _edited(self, rng: np.random.Generator) -> tuple[Window, npt.NDArray[np.float32], str]:
        source = self._pick(rng)
        window, _ = _cut(source, rng)
        kinds = list(_KIND_ODDS)
        kind = kinds[int(rng.choice(len(kinds), p=list(_KIND_ODDS.values())))]
        other = None
        if kind == "retimed":
            other = _cut(source, rng)[0][:: 1 if rng.random() < 0.5 else -1]
        row = source.strip.pleura_row
        seam = random_seam(rng, row)
        seconds = np.arange(len(window)) / SAMPLE_HZ
        edited = edit_window(kind, window, row, seconds, rng, other, seam)
        absent = np.full(window.shape[2], float(kind in NEGATIVE), dtype=np.float32)
        if rng.random() < 0.2:
            edited, absent = _partly(window, edited, absent, rng)
        return edited, absent, kind


def _partly(
    window: Window, edited: Window, absent: npt.NDArray[np.float32], rng: np.random.Generator
) -> tuple[Window, npt.NDArray[np.float32]]:
    """Keep the edit on one side only: a lung point for the negatives, a side seam that means nothing for the rest."""
    boundary = SEGMENT_COLUMNS * int(rng.integers(1, window.shape[2] // SEGMENT_COLUMNS))
    weight = np.clip((np.arange(window.shape[2]) - boundary) / rng.uniform(0.5, 4.0) + 0.5, 0, 1)
    mixed = window * (1 - weight) + edited * weight
    return mixed.astype(np.float32), (absent * (weight > 0.5)).astype(np.float32)


def _cut(source: StripSource, rng: np.random.Generator) -> tuple[Window, npt.NDArray[np.float32]]:
    strip = source.strip
    moments = sample_moments(strip.times_s)
    first = int(rng.integers(max(len(moments) - WINDOW_SAMPLES, 0) + 1))
    indices = moments[first : first + WINDOW_SAMPLES]
    if len(indices) < WINDOW_SAMPLES:  # a short clip is played to and fro, so that no frame is repeated
        indices = np.pad(indices, (0, WINDOW_SAMPLES - len(indices)), mode="reflect")
    columns = strip.frames.shape[2]
    if columns >= WINDOW_COLUMNS:
        left = int(rng.integers(columns - WINDOW_COLUMNS + 1))
        picked = np.arange(left, left + WINDOW_COLUMNS)
    else:
        picked = np.pad(np.arange(columns), (0, WINDOW_COLUMNS - columns), mode="symmetric")
    window = strip.frames[indices][:, :, picked].astype(np.float32)
    return window, source.absent[indices][:, picked].mean(axis=0).astype(np.float32)


def augment(window: Window, rng: np.random.Generator) -> Window:
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
    if rng.random() < 0.4:
        window = _jpeg(window, int(rng.integers(20, 90)))
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
    if rng.random() < 0.15:
        out[int(rng.integers(4, len(out) - 4)) :] *= rng.uniform(0.7, 1.35)
    return np.asarray(out, dtype=np.float32)


def _jpeg(window: Window, quality: int) -> Window:
    """Compress all frames as one tall picture, which keeps block edges in the same rows."""
    tall = window.astype(np.uint8).reshape(-1, window.shape[2])
    _, data = cv2.imencode(".jpg", tall, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), dtype=np.float32).reshape(window.shape)
