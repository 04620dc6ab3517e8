"""The map of where the network looked, in strip coordinates over time."""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import torch
from scipy.ndimage import gaussian_filter

from lsgui.core.errors import CancelledError
from lsgui.core.motion_map import MotionMap
from lsgui.core.strip import PleuralStrip
from lsgui.imaging.strip_channels import POOL_COLUMNS, POOL_ROWS, POOL_TIME, strip_channels
from lsgui.inference.focus import SplitNetwork, contributions
from lsgui.inference.picture_scoring import FEWEST_SAMPLES, PictureScorer, picture_windows
from lsgui.inference.strip_scoring import strip_windows, window_batch, window_blocks
from lsgui.models.preprocess import ClipStack, window_samples

SMOOTH_MM = 1.6
"""The map is smoothed over about one place of the inner layer: single places of it mean little."""
STRONGEST = 99.0
"""Percentile of the clip's places whose strength takes the full colour."""
WINDOWS_AT_ONCE = 4

Floats = npt.NDArray[np.float32]
IsCancelled = Callable[[], bool]
Tell = Callable[[float], None]
Place = Callable[[int, Floats], Floats]
"""From a frame of the clip and maps of the squares there (P, h, w) to the strip's cells, (D, S), NaN outside."""


def strip_focus(
    network: SplitNetwork, strip: PleuralStrip, device: str, cancelled: IsCancelled, tell: Tell
) -> tuple[Floats, npt.NDArray[np.float64]] | None:
    """Return what each place of a strip added to a strip network's logits, (K, D, S), and the moments (K,).

    The cells are those of `strip_channels`. Windows overlap: the mean of those that hold a moment counts. None where
    the clip is too short to be scored.
    """
    moments, starts = strip_windows(strip)
    if len(moments) < POOL_TIME:
        return None
    channels = strip_channels(strip.frames[moments].astype(np.float32))
    _, blocks, rows, columns = channels.shape
    total = np.zeros((blocks, rows, columns), dtype=np.float32)
    count = np.zeros((blocks, 1, 1), dtype=np.float32)
    for index in range(0, len(starts), WINDOWS_AT_ONCE):
        tell(index / len(starts))
        chosen = starts[index : index + WINDOWS_AT_ONCE]
        batch = window_batch(channels, chosen)
        added = contributions(network, torch.from_numpy(batch).to(device), cancelled)
        for first, part in zip(window_blocks(channels, chosen), _resized(added, batch.shape[2:]), strict=True):
            span = slice(int(first), int(first) + part.shape[0])
            total[span] += part[..., :columns]  # a narrow strip was mirrored to the least width
            count[span] += 1
    middles = np.minimum(np.arange(blocks) * POOL_TIME + POOL_TIME // 2, len(moments) - 1)
    return np.asarray(total / np.maximum(count, 1.0), dtype=np.float32), strip.times_s[moments[middles]]


def picture_focus(
    network: SplitNetwork, scorer: PictureScorer, stack: ClipStack, place: Place, cancelled: IsCancelled, tell: Tell
) -> tuple[Floats, npt.NDArray[np.int64]] | None:
    """Return what each place added to the logits of a network on pictures, (K, D, S), and the frames (K,).

    Parameters
    ----------
    scorer
        Makes what the network sees.
    place
        Takes the maps of a frame's squares into the strip.
    """
    if len(stack.moments) < FEWEST_SAMPLES:
        return None
    sums: dict[int, Floats] = {}
    counts: dict[int, int] = {}
    starts = picture_windows(scorer.spec, stack)
    for number, start in enumerate(starts):
        if cancelled():
            raise CancelledError
        tell(number / len(starts))
        seen = scorer.inputs(stack, int(start), cancelled).to(scorer.device)
        added = contributions(network, seen, cancelled)
        samples = window_samples(len(stack.moments), int(start), scorer.spec.frames)[: seen.shape[1]]
        added = _resized(added, (len(samples), *added.shape[-2:]))
        for at, sample in enumerate(samples.tolist()):
            sums[sample] = sums.get(sample, np.float32(0.0)) + added[:, at]
            counts[sample] = counts.get(sample, 0) + 1
    frames, maps = zip(*_blocks(sums, counts, stack), strict=True)
    laid = np.stack([place(frame, values) for frame, values in zip(frames, maps, strict=True)])
    return laid, np.array(frames, dtype=np.int64)


def _blocks(sums: dict[int, Floats], counts: dict[int, int], stack: ClipStack) -> Iterator[tuple[int, Floats]]:
    """Yield the middle frame and the mean map (P, h, w) of every block of POOL_TIME samples."""
    known = sorted(sums)
    for index in range(0, len(known), POOL_TIME):
        chosen = known[index : index + POOL_TIME]
        mean = sum(sums[k] / counts[k] for k in chosen) / len(chosen)
        yield int(stack.moments[chosen[len(chosen) // 2]]), np.asarray(mean, dtype=np.float32)


def focus_map(
    values: Floats, times_s: npt.NDArray[np.float64], strip: PleuralStrip, mm_per_px: float, note: str
) -> MotionMap:
    """Return contributions in the strip's cells as a map: -1 speaks most for present, +1 most for absent.

    Parameters
    ----------
    values
        (K, D, S) in the cells of the strip, two rows by two columns each; NaN where the network saw nothing.
    """
    cell_mm = strip.pitch_mm * POOL_ROWS
    rows, columns = values.shape[1:]
    valid = _pooled_valid(strip)[:rows, :columns] & np.isfinite(values).any(axis=0)
    filled = np.where(np.isfinite(values), values, 0.0)
    smooth = gaussian_filter(filled, (0.0, SMOOTH_MM / cell_mm, SMOOTH_MM / cell_mm), mode="nearest")
    strength = np.abs(smooth[:, valid])
    top = float(np.percentile(strength, STRONGEST)) if strength.size else 0.0
    scaled = np.clip(smooth / top, -1.0, 1.0) if top > 1e-9 else np.zeros_like(smooth)
    scaled[:, ~valid] = np.nan
    line_row = strip.pleura_row / POOL_ROWS
    return MotionMap(
        quantity="focus",
        values=scaled.astype(np.float32),
        times_s=np.array(times_s, dtype=np.float64),
        depth_px=(rows - line_row) * cell_mm / mm_per_px,
        unit="",
        low=-1.0,
        high=1.0,
        note=note,
        above_px=line_row * cell_mm / mm_per_px,
    )


def _pooled_valid(strip: PleuralStrip) -> npt.NDArray[np.bool_]:
    rows, columns = strip.valid.shape[0] // POOL_ROWS, strip.valid.shape[1] // POOL_COLUMNS
    cut = strip.valid[: rows * POOL_ROWS, : columns * POOL_COLUMNS]
    return np.asarray(cut.reshape(rows, POOL_ROWS, columns, POOL_COLUMNS).mean(axis=(1, 3)) >= 0.5)


def _resized(added: Floats, shape: tuple[int, ...]) -> Floats:
    """Return maps (N, t, h, w) brought to (N, *shape) by interpolation."""
    tensor = torch.from_numpy(added)[:, None]
    out = torch.nn.functional.interpolate(tensor, size=tuple(shape), mode="trilinear", align_corners=False)
    return np.asarray(out[:, 0].numpy())
