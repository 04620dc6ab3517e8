"""A pleural strip as channels in which lung can be compared with chest wall: one path for training and serving.

None of the channels is the picture itself, so that a network cannot learn anatomy or a scanner by heart: contrast, the
change from one sample to the next in units of local texture, local decorrelation (1 - normalised cross-correlation) at
0.23 s, and at several lags how far that exceeds what the same clip's wall does. A threshold on the change itself does
not hold across scanners: noise, codecs and a moving probe change every wall differently.
"""

import cv2
import numpy as np
import numpy.typing as npt

SAMPLE_HZ = 12.8
"""Strips are resampled in time to this rate, so that lags mean seconds and not frames."""

WINDOW_SAMPLES = 32
"""A window spans 2.5 s."""

LAGS = (1, 3, 6, 12)
"""Lags in samples at which change is compared with the wall's: 0.08, 0.23, 0.47 and 0.94 s."""

ABSOLUTE_LAG = 3
"""Lag at which change is also given as it is, for a wall that moves as the lung does hides sliding in a ratio."""

CHANNELS = 3 + len(LAGS)
WALL_ROWS = slice(3, 19)
"""Rows of the strip that surely are wall, wherever within a millimetre the line was drawn."""

CHANGE_FLOOR = np.float32(0.02)
"""Added to change before its logarithm: where a very still wall changes by less than that, so may a still lung."""

WALL_MEMORY = 13
"""Samples (1 s) over which the wall's own change is averaged before lung is compared with it."""

PATCH = 9
"""Side of the patch, in strip samples (3.6 mm), over which local mean, variance and correlation are taken."""

NOISE_VARIANCE = 4.0
"""Added to local variances, in grey levels squared: a patch darker than that has no texture that could be followed."""

POOL_TIME, POOL_ROWS, POOL_COLUMNS = 4, 2, 2
"""Channels are measured at every sample, then averaged over 0.3 s and 0.8 mm: fast motion is in the decorrelation
already, and what reads the channels gets 16 times smaller."""

Grey = npt.NDArray[np.float32]
_AT_ONCE = 8
"""Samples that go through a chain of sums and products together: few enough to stay in the processor's cache."""


def sample_moments(times_s: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Return which frame stands for each sample moment of a clip: the nearest one.

    Frames are never blended: a mean of two frames looks like motion that is not there.
    """
    span = float(times_s[-1] - times_s[0])
    moments = times_s[0] + np.arange(max(int(np.floor(span * SAMPLE_HZ)) + 1, 1)) / SAMPLE_HZ
    if len(times_s) < 2:
        return np.zeros(1, dtype=np.int64)
    after = np.clip(np.searchsorted(times_s, moments), 1, len(times_s) - 1)
    nearer_before = moments - times_s[after - 1] < times_s[after] - moments
    return np.asarray(np.where(nearer_before, after - 1, after), dtype=np.int64)


def local_mean(frames: Grey) -> Grey:
    """Return the mean over a PATCH x PATCH square around every sample, (T, D, S)."""
    out = np.empty_like(frames)
    for frame, mean in zip(frames, out, strict=True):
        cv2.blur(frame, (PATCH, PATCH), mean, borderType=cv2.BORDER_REPLICATE)
    return out


def local_decorrelation(frames: Grey, lag: int, mean: Grey, variance: Grey) -> Grey:
    """Return 1 - normalised cross-correlation of every patch with itself `lag` samples ago, (T - lag, D, S) in 0..2."""
    out = np.empty_like(frames[lag:])
    for start in range(0, len(out), _AT_ONCE):
        past = slice(start, min(start + _AT_ONCE, len(out)))
        now = slice(past.start + lag, past.stop + lag)
        part = local_mean(frames[now] * frames[past])
        part -= mean[now] * mean[past]
        spread = variance[now] * variance[past]
        part /= np.sqrt(spread, out=spread)
        np.subtract(1.0, np.clip(part, -1.0, 1.0, out=part), out=out[past])
    return out


def local_moments(frames: Grey) -> tuple[Grey, Grey]:
    """Return local mean and local variance (with `NOISE_VARIANCE` added), each (T, D, S)."""
    mean, variance = local_mean(frames), np.empty_like(frames)
    for start in range(0, len(frames), _AT_ONCE):
        now = slice(start, start + _AT_ONCE)
        part = local_mean(frames[now] * frames[now])
        part -= mean[now] * mean[now]
        np.add(np.maximum(part, 0.0, out=part), np.float32(NOISE_VARIANCE), out=variance[now])
    return mean, variance


def strip_channels(frames: Grey) -> Grey:
    """Return the channels of a strip that was resampled in time.

    Parameters
    ----------
    frames
        (T, D, S) float32 grey values 0..255 at `SAMPLE_HZ`, T at least 2.

    Returns
    -------
    (CHANNELS, T // 4, D // 2, S // 2) float32, each roughly within -1..2. Samples whose past lies before the clip take
    the first value that could be measured.
    """
    count = len(frames)
    mean, variance = local_moments(frames)
    channels = [*_contrast_and_step(frames, variance)]
    seen = _texture_of_wall(variance)
    for lag in LAGS:
        reach = min(lag, count - 1)
        changed = np.empty_like(frames)
        changed[reach:] = local_decorrelation(frames, reach, mean, variance)
        changed[:reach] = changed[reach]
        if lag == ABSOLUTE_LAG:
            channels.append(np.asarray(2.0 * np.sqrt(changed) - 1.0, dtype=np.float32))
        channels.append(_against_wall(changed, variance, seen))
    return np.stack([_pooled(channel) for channel in channels])


def _contrast_and_step(frames: Grey, variance: Grey) -> tuple[Grey, Grey]:
    """Return the channels of local contrast and of the change since the sample before, each (T, D, S)."""
    count = len(frames)
    texture = np.sqrt(variance.mean(axis=0, keepdims=True))
    step = np.empty_like(frames)
    contrast = np.empty_like(frames)
    for start in range(0, count, _AT_ONCE):
        now = slice(start, start + _AT_ONCE)
        part = np.log(variance[now], out=contrast[now])
        part -= 5.0
        part /= 2.0
        now = slice(max(start, 1), min(start + _AT_ONCE, count))
        part = np.subtract(frames[now], frames[now.start - 1 : now.stop - 1], out=step[now])
        np.abs(part, out=part)
        part /= texture
        np.minimum(part, 4.0, out=part)
        part *= 2.0
        part -= 0.5
    step[0] = step[1]
    return contrast, step


def _texture_of_wall(variance: Grey) -> Grey:
    """Return how far each patch of the wall has texture that can be followed, (T, D', S) in 0..1."""
    wall = variance[:, WALL_ROWS]
    return np.asarray(np.clip(wall / (4.0 * NOISE_VARIANCE) - 1.0, 0.0, 1.0) + 1e-3, dtype=np.float32)


def _against_wall(changed: Grey, variance: Grey, seen: Grey) -> Grey:
    """Return the logarithm of change over what the same clip's wall does at that contrast and moment, (T, D, S).

    Noise decorrelates flat patches first, so the wall's change is fitted as a falling power of local variance.
    """
    contrast = np.log(variance.mean(axis=0))
    level = np.log(changed.mean(axis=0) + CHANGE_FLOOR)
    x, y, weight = contrast[WALL_ROWS], level[WALL_ROWS], seen.mean(axis=0)
    weight = weight / weight.sum()
    x0, y0 = float((weight * x).sum()), float((weight * y).sum())
    slope = float((weight * (x - x0) * (y - y0)).sum() / ((weight * (x - x0) ** 2).sum() + 0.05))
    expected = np.exp(y0 + min(slope, 0.0) * (contrast - x0))
    moments = (changed[:, WALL_ROWS] * seen).sum(axis=(1, 2)) / seen.sum(axis=(1, 2))
    moments = cv2.blur(moments[None], (WALL_MEMORY, 1), borderType=cv2.BORDER_REPLICATE)[0]
    moments = moments / max(float(moments.mean()), 1e-3)
    out = np.empty_like(changed)
    for start in range(0, len(out), _AT_ONCE):
        now = slice(start, start + _AT_ONCE)
        usual = expected[None] * moments[now, None, None]
        usual += CHANGE_FLOOR
        part = np.add(changed[now], CHANGE_FLOOR, out=out[now])
        part /= usual
        np.clip(np.log(part, out=part), -2.0, 2.0, out=part)
        part *= 1.5
    return out


def _pooled(channel: Grey) -> Grey:
    """Return means over blocks. Sums of slices: numpy's own mean over short axes takes ten times as long."""
    frames, rows, columns = (
        max(channel.shape[0] // POOL_TIME, 1),
        channel.shape[1] // POOL_ROWS,
        channel.shape[2] // POOL_COLUMNS,
    )
    pool_time = min(POOL_TIME, channel.shape[0])
    cut = channel[: frames * pool_time, : rows * POOL_ROWS, : columns * POOL_COLUMNS]
    over_time = sum(cut[k::pool_time] for k in range(1, pool_time)) + cut[::pool_time]
    over_rows = sum(over_time[:, k::POOL_ROWS] for k in range(1, POOL_ROWS)) + over_time[:, ::POOL_ROWS]
    total = sum(over_rows[:, :, k::POOL_COLUMNS] for k in range(1, POOL_COLUMNS)) + over_rows[:, :, ::POOL_COLUMNS]
    return np.asarray(total / np.float32(pool_time * POOL_ROWS * POOL_COLUMNS), dtype=np.float32)
