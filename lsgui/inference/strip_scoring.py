"""Run a strip network over all windows of a strip: one way for the verdict and for evaluation."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch

from lsgui.core.strip import PleuralStrip
from lsgui.imaging.motion_index import window_starts
from lsgui.imaging.strip_channels import POOL_TIME, WINDOW_SAMPLES, sample_moments, strip_channels

BATCH = 8
_NARROWEST = 8

Logits = npt.NDArray[np.float64]


def strip_windows(strip: PleuralStrip) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return (frame of every sample, first sample of every window)."""
    moments = sample_moments(strip.times_s)
    return moments, window_starts(len(moments))


def score_windows(network: torch.nn.Module, strip: PleuralStrip, device: str) -> Iterator[Logits]:
    """Yield logits of absent sliding, (up to BATCH windows, segments), in the order of `strip_windows`.

    A strip with fewer than four samples yields NaN: nothing can be said of it.
    """
    moments, starts = strip_windows(strip)
    if len(moments) < POOL_TIME:
        yield np.full((len(starts), 1), np.nan)
        return
    channels = strip_channels(strip.frames[moments].astype(np.float32))
    for index in range(0, len(starts), BATCH):
        batch = window_batch(channels, starts[index : index + BATCH])
        with torch.inference_mode():
            yield network(torch.from_numpy(batch).to(device)).float().cpu().numpy().astype(np.float64)


def window_blocks(channels: npt.NDArray[np.float32], starts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return where in time the channels of each window begin, in blocks of `POOL_TIME` samples."""
    length = min(WINDOW_SAMPLES // POOL_TIME, channels.shape[1])
    return np.asarray(np.minimum(starts // POOL_TIME, channels.shape[1] - length), dtype=np.int64)


def window_batch(channels: npt.NDArray[np.float32], starts: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """Return the channels of each window, (N, C, 8, D, S); a narrow strip is mirrored to the least width."""
    length = min(WINDOW_SAMPLES // POOL_TIME, channels.shape[1])
    wide = wide_enough(channels)
    return np.stack([wide[:, start : start + length] for start in window_blocks(channels, starts)])


def wide_enough(channels: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return channels (C, T, D, S); those of a narrow strip are mirrored to the least width."""
    missing = _NARROWEST - channels.shape[-1]
    return np.pad(channels, ((0, 0),) * 3 + ((0, missing),), mode="symmetric") if missing > 0 else channels
