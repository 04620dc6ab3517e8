"""What a trained network says of the clips of a set: every window and square once, put together as the verdict does."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from lsgui.training.data.clip_samples import ClipSamples
from lsgui.training.data.dataset_rows import DatasetRow


@dataclass(frozen=True, slots=True, eq=False)
class WindowLogits:
    """The logits of one row.

    Attributes
    ----------
    logits
        (W,) float64, one a window: the mean over its squares.
    starts, stops
        (W,) int64: the frames of the clip's file that each window spans.
    """

    row: DatasetRow
    logits: npt.NDArray[np.float64]
    starts: npt.NDArray[np.int64]
    stops: npt.NDArray[np.int64]

    @property
    def clip_logit(self) -> float:
        """The logit of the whole clip: the median over its windows, so that one spoilt window does not turn it."""
        return float(np.median(self.logits))


def score_samples(
    network: nn.Module,
    samples: ClipSamples,
    device: str,
    batch: int,
    max_windows: int,
    report: Callable[[int, int], None] | None = None,
) -> list[WindowLogits]:
    """Return the logits of every row of `samples`, which hold every window.

    Parameters
    ----------
    network
        In eval mode on `device`.
    max_windows
        Of a row with more windows as many as this are scored, spread evenly from first to last.
    report
        Called with (rows done, rows).
    """
    rows: dict[int, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for index, place in enumerate(samples.places):
        rows[place.row][place.start or 0].append(index)
    found = []
    for done, (row, by_start) in enumerate(rows.items(), start=1):
        starts = _spread(sorted(by_start), max_windows)
        wanted = [by_start[start] for start in starts]
        logits = _logits(network, samples, device, batch, [index for part in wanted for index in part])
        parts = np.split(logits, np.cumsum([len(part) for part in wanted])[:-1])
        first, stop = _frames(samples, row, starts)
        found.append(WindowLogits(samples.rows[row], np.array([part.mean() for part in parts]), first, stop))
        if report is not None:
            report(done, len(rows))
    return found


def _spread(starts: Sequence[int], most: int) -> list[int]:
    if len(starts) <= most:
        return list(starts)
    return [starts[int(k)] for k in np.round(np.linspace(0, len(starts) - 1, most))]


def _frames(samples: ClipSamples, row: int, starts: Sequence[int]) -> tuple[Any, Any]:
    """Return the frames of the file (first, one after the last) of windows that begin at these moments."""
    moments = samples.stack(row).moments + samples.rows[row].start
    first = np.array(starts, dtype=np.int64)
    last = np.minimum(first + samples.spec.frames, len(moments)) - 1
    return moments[first], moments[last] + 1


@torch.inference_mode()
def _logits(
    network: nn.Module, samples: ClipSamples, device: str, batch: int, indices: Sequence[int]
) -> npt.NDArray[np.float64]:
    parts = []
    for begin in range(0, len(indices), batch):
        windows = np.stack([samples.sample(index, 0, False)[0] for index in indices[begin : begin + batch]])
        parts.append(network(torch.from_numpy(windows).to(device)).squeeze(1).double().cpu().numpy())
    return np.concatenate(parts)
