"""Moderate corruption of a clip, as recording, recoding and another hand on the gain bring it: for tests of a model.

A verdict must not turn with any of these. They are milder than what a clip is unreadable with, and the same for both
labels.
"""

import io
from collections.abc import Callable
from fractions import Fraction

import cv2
import numpy as np
import numpy.typing as npt

from lsgui.core.clip import Times
from lsgui.core.errors import DatasetError

Frames = npt.NDArray[np.uint8]
Corruption = Callable[[Frames, Times, np.random.Generator], tuple[Frames, Times]]

CORRUPTIONS: tuple[str, ...] = ("h264", "slow", "gain_step", "noise")
"""H.264 at a low rate, 12 frames/s, a step of gain within the clip, receiver noise."""

SLOW_HZ = 12.0
_LIT = 8
"""Grey value that a pixel of the scanned picture reaches at least once; black surround stays black."""
_GREY_PER_DB = 255.0 / 55.0
"""Grey values a decibel, at the usual dynamic range of 55 dB."""


def corrupt(kind: str, frames: Frames, times_s: Times, seed: int) -> tuple[Frames, Times]:
    """Return the clip corrupted, and the moments of its frames.

    Only "slow" changes which frames there are: `frames_at_rate` tells which, so that key frames of a pleural line can
    follow.

    Parameters
    ----------
    kind
        One of `CORRUPTIONS`.
    frames
        (T, h, w) uint8.
    times_s
        (T,) rising moments in seconds.
    seed
        The same seed gives the same corruption, with the same version of the encoder for "h264".

    Returns
    -------
    frames, times_s
        New arrays, (T', h, w) uint8 and (T',) float64.

    Raises
    ------
    DatasetError
        When the kind is unknown, or "h264" is asked for without PyAV.
    ValueError
        When there are not as many moments as frames.
    """
    if kind not in _KINDS:
        raise DatasetError(f"There is no corruption {kind!r}: choose one of {', '.join(CORRUPTIONS)}.")
    if len(frames) != len(times_s) or frames.ndim != 3:
        raise ValueError(f"{len(times_s)} moments do not belong to frames of shape {frames.shape}")
    return _KINDS[kind](frames, np.asarray(times_s, dtype=np.float64), np.random.default_rng([seed, 77]))


def frames_at_rate(times_s: Times, rate_hz: float) -> npt.NDArray[np.int64]:
    """Return the frames (indices) that a recorder of `rate_hz` keeps: the nearest to each of its ticks, each once."""
    if len(times_s) < 2:
        return np.arange(len(times_s), dtype=np.int64)
    ticks = np.arange(times_s[0], times_s[-1] + 1e-9, 1.0 / rate_hz)
    after = np.clip(np.searchsorted(times_s, ticks), 1, len(times_s) - 1)
    nearest = after - (ticks - times_s[after - 1] <= times_s[after] - ticks)
    return np.unique(nearest).astype(np.int64)


def _slow(frames: Frames, times_s: Times, rng: np.random.Generator) -> tuple[Frames, Times]:
    del rng  # nothing is drawn: the first tick is the first frame
    kept = frames_at_rate(times_s, SLOW_HZ)
    return frames[kept], times_s[kept]


def _gain_step(frames: Frames, times_s: Times, rng: np.random.Generator) -> tuple[Frames, Times]:
    """A step of 4 to 7 dB up or down between a third and two thirds of the clip: after log compression it is added."""
    moment = times_s[0] + rng.uniform(1 / 3, 2 / 3) * (times_s[-1] - times_s[0])
    step = rng.uniform(4.0, 7.0) * (1.0 if rng.random() < 0.5 else -1.0) * _GREY_PER_DB
    grey = np.arange(256)
    table = np.clip(grey + step * np.minimum(grey / _LIT, 1.0), 0, 255).astype(np.uint8)
    out = frames.copy()
    later = np.flatnonzero(times_s >= moment)
    out[later] = table[out[later]]
    return out, times_s.copy()


def _noise(frames: Frames, times_s: Times, rng: np.random.Generator) -> tuple[Frames, Times]:
    """Grain of its own in every frame, about as wide as a pixel, with a standard deviation of 5 to 9 grey values."""
    sigma = rng.uniform(5.0, 9.0)
    lit = frames.max(axis=0) >= _LIT
    out = np.empty_like(frames)
    for index, frame in enumerate(frames):
        grain = cv2.GaussianBlur(rng.standard_normal(frame.shape, dtype=np.float32), (0, 0), 0.6)
        noisy = frame + sigma / max(float(grain.std()), 1e-6) * grain
        out[index] = np.where(lit, np.clip(np.rint(noisy), 0, 255), frame)
    return out, times_s.copy()


def _h264(frames: Frames, times_s: Times, rng: np.random.Generator) -> tuple[Frames, Times]:
    """Coded as a web page or a messenger does it: quality 31 to 36 of 51, one key frame in ten seconds."""
    try:
        import av
    except ImportError as fault:
        raise DatasetError("H.264 corruption needs PyAV: install it with pip install 'lsgui[train]'.") from fault
    count, height, width = frames.shape
    rate = (count - 1) / float(times_s[-1] - times_s[0]) if count > 1 else 25.0
    # chroma of half the size asks for even sides
    padded = np.pad(frames, ((0, 0), (0, height % 2), (0, width % 2)), mode="edge")
    coded = io.BytesIO()
    with av.open(coded, "w", format="matroska") as movie:
        stream = movie.add_stream("libx264", rate=Fraction(rate).limit_denominator(1000))
        stream.height, stream.width = padded.shape[1:]
        stream.pix_fmt = "yuv420p"
        stream.thread_count = 1
        stream.options = {"crf": str(int(rng.integers(31, 37))), "preset": "veryfast", "g": str(round(10 * rate))}
        for frame in padded:
            movie.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), "gray")))
        movie.mux(stream.encode())
    coded.seek(0)
    with av.open(coded) as movie:
        decoded = [picture.to_ndarray(format="gray") for picture in movie.decode(video=0)]
    if len(decoded) != count:
        raise DatasetError(f"The H.264 encoder gave {len(decoded)} of {count} frames: use another version of PyAV.")
    return np.ascontiguousarray(np.stack(decoded)[:, :height, :width], dtype=np.uint8), times_s.copy()


_KINDS: dict[str, Corruption] = {"h264": _h264, "slow": _slow, "gain_step": _gain_step, "noise": _noise}
