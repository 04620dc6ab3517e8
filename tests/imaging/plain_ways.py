"""The plain way to strips, channels and patches: slow, a step at a time, as the shipped weights were trained on them.

What the program computes must be the same to the last bit.
"""

import cv2
import numpy as np
import numpy.typing as npt

from lsgui.core.pleura import PleuralROI
from lsgui.imaging.strip_channels import (
    ABSOLUTE_LAG,
    CHANGE_FLOOR,
    LAGS,
    NOISE_VARIANCE,
    PATCH,
    WALL_MEMORY,
    WALL_ROWS,
)
from lsgui.imaging.strip_cutter import MARGIN_COLUMNS, PITCH_MM, PLEURA_ROW, ROWS, StripSampler
from lsgui.imaging.wall_tracker import (
    FARTHEST,
    LOST_BELOW,
    SEARCH_ACROSS,
    SEARCH_ALONG,
    TEMPLATE_MEMORY,
    _match,
    wall_rows,
)

Grey = npt.NDArray[np.float32]


def plain_sample(
    frames: npt.NDArray[np.uint8], sampler: StripSampler, mm_per_px: float, index: int, along: float, across: float
) -> npt.NDArray[np.uint8]:
    """Sample the whole strip of one frame, whose low-pass is made anew."""
    grid, points, step = sampler.grid(index), sampler.grid(index).points, PITCH_MM / mm_per_px
    if along or across:
        points = points + (step * (along * grid.tangent + across * grid.normal)).astype(np.float32)[None]
    points = np.rint(points * 1024.0) / np.float32(1024.0) - np.zeros(2, np.float32)
    frame, ratio = frames[index], PITCH_MM / mm_per_px
    if ratio > 1.3:
        frame = cv2.GaussianBlur(frame, (0, 0), 0.4 * np.sqrt(ratio**2 - 1.0))
    x, y = (np.ascontiguousarray(points[..., axis]) for axis in (0, 1))
    return cv2.remap(frame, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def plain_strip(
    frames: npt.NDArray[np.uint8], roi: PleuralROI, mm_per_px: float
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the strip's frames, where it is valid, the wall's shift in samples and its correlation."""
    sampler = StripSampler(frames, (0, 0), roi, mm_per_px)
    count = len(frames)

    def sample(index: int, along: float = 0.0, across: float = 0.0) -> npt.NDArray[np.uint8]:
        return plain_sample(frames, sampler, mm_per_px, index, along, across)

    looked_at = np.unique(np.linspace(0, count - 1, min(count, 24)).astype(int))
    brightest = np.max([sample(k) for k in looked_at], axis=0)
    valid = np.all([sampler.inside(k) for k in looked_at], axis=0)
    valid &= cv2.morphologyEx((brightest > 8).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8)) > 0
    top, bottom = wall_rows(valid, PLEURA_ROW, PITCH_MM)
    columns = slice(SEARCH_ALONG, -SEARCH_ALONG)
    shift, correlation, last = np.zeros((count, 2)), np.ones(count), np.zeros(2)
    template = sample(0)[top:bottom, columns].astype(np.float32)
    for index in range(1, count):
        area = sample(index, *last)[max(top - SEARCH_ACROSS, 0) : bottom + SEARCH_ACROSS].astype(np.float32)
        step, score = _match(area, template, min(top, SEARCH_ACROSS))
        too_far, lost = np.abs(last + step).max() > FARTHEST, score < LOST_BELOW
        last = np.zeros(2) if too_far else last if lost else last + step
        found = sample(index, *last)[top:bottom, columns].astype(np.float32)
        kept = 0.0 if lost or too_far else TEMPLATE_MEMORY
        template = kept * template + (1.0 - kept) * found
        shift[index], correlation[index] = last, score
    inner = slice(MARGIN_COLUMNS, -MARGIN_COLUMNS)
    still = np.stack([sample(k, *shift[k])[:, inner] for k in range(count)])
    assert still.shape[1] == ROWS
    return still, valid[:, inner], shift, correlation


def plain_mean(frames: Grey) -> Grey:
    """Return local means of all frames as the planes of one picture, 64 at a time."""
    parts = []
    for first in range(0, len(frames), 64):
        planes = np.ascontiguousarray(np.moveaxis(frames[first : first + 64], 0, -1))
        mean = cv2.blur(planes, (PATCH, PATCH), borderType=cv2.BORDER_REPLICATE)
        parts.append(np.moveaxis(mean.reshape(planes.shape), -1, 0))
    return np.ascontiguousarray(np.concatenate(parts))


def plain_decorrelation(frames: Grey, lag: int, mean: Grey, variance: Grey) -> Grey:
    """Return 1 - correlation with the frame `lag` samples ago."""
    covariance = plain_mean(frames[lag:] * frames[:-lag]) - mean[lag:] * mean[:-lag]
    correlation = covariance / np.sqrt(variance[lag:] * variance[:-lag])
    return np.asarray(1.0 - np.clip(correlation, -1.0, 1.0), dtype=np.float32)


def plain_channels(frames: Grey) -> Grey:
    """Return the channels of a strip before they are averaged over blocks."""
    count = len(frames)
    mean = plain_mean(frames)
    variance = np.maximum(plain_mean(frames * frames) - mean * mean, 0.0) + np.float32(NOISE_VARIANCE)
    step = np.empty_like(frames)
    step[1:] = np.minimum(np.abs(frames[1:] - frames[:-1]) / np.sqrt(variance.mean(axis=0, keepdims=True)), 4.0)
    step[0] = step[1]
    channels = [(np.log(variance) - 5.0) / 2.0, 2.0 * step - 0.5]
    seen = np.clip(variance[:, WALL_ROWS] / (4.0 * NOISE_VARIANCE) - 1.0, 0.0, 1.0) + 1e-3
    for lag in LAGS:
        reach = min(lag, count - 1)
        changed = np.empty_like(frames)
        changed[reach:] = plain_decorrelation(frames, reach, mean, variance)
        changed[:reach] = changed[reach]
        if lag == ABSOLUTE_LAG:
            channels.append(2.0 * np.sqrt(changed) - 1.0)
        channels.append(_plain_against_wall(changed, variance, seen.astype(np.float32)))
    return np.stack(channels)


def _plain_against_wall(changed: Grey, variance: Grey, seen: Grey) -> Grey:
    contrast, level = np.log(variance.mean(axis=0)), np.log(changed.mean(axis=0) + CHANGE_FLOOR)
    x, y, weight = contrast[WALL_ROWS], level[WALL_ROWS], seen.mean(axis=0)
    weight = weight / weight.sum()
    x0, y0 = float((weight * x).sum()), float((weight * y).sum())
    slope = float((weight * (x - x0) * (y - y0)).sum() / ((weight * (x - x0) ** 2).sum() + 0.05))
    expected = np.exp(y0 + min(slope, 0.0) * (contrast - x0))
    moments = (changed[:, WALL_ROWS] * seen).sum(axis=(1, 2)) / seen.sum(axis=(1, 2))
    moments = cv2.blur(moments[None], (WALL_MEMORY, 1), borderType=cv2.BORDER_REPLICATE)[0]
    moments = moments / max(float(moments.mean()), 1e-3)
    ratio = (changed + CHANGE_FLOOR) / (expected[None] * moments[:, None, None] + CHANGE_FLOOR)
    return np.asarray(1.5 * np.clip(np.log(ratio), -2.0, 2.0), dtype=np.float32)


def plain_patch(
    frames: npt.NDArray[np.uint8], different: npt.NDArray[np.int64], lags: tuple[int, ...]
) -> tuple[float, list[Grey]]:
    """Return contrast and the likeness at each lag of one patch (T, PATCH, PATCH)."""
    pixels = frames.reshape(len(frames), -1).astype(np.float32)
    centred = pixels - pixels.mean(axis=1, keepdims=True)
    variance = (centred**2).mean(axis=1)
    unit = centred / np.sqrt((variance + NOISE_VARIANCE) * pixels.shape[1])[:, None]
    series = []
    for lag in lags:
        out = np.full(len(unit), np.nan, dtype=np.float32)
        out[lag:] = np.einsum("ts,ts->t", unit[lag:], unit[:-lag])
        out[lag:][different[lag:] == different[:-lag]] = np.nan
        series.append(out)
    return float(np.log(variance.mean() + NOISE_VARIANCE)), series
