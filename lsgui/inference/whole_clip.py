"""A strip network over all windows of a clip in one pass, with what overlapping windows share computed once."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from lsgui.core.strip import PleuralStrip
from lsgui.imaging.strip_channels import CHANNELS, WINDOW_SAMPLES, strip_channels
from lsgui.inference.serving import ServedNetwork
from lsgui.inference.strip_scoring import (
    Logits,
    score_windows,
    strip_windows,
    wide_enough,
    window_batch,
    window_blocks,
)
from lsgui.models.cmwru_strip import CmwruStrip
from lsgui.models.strip_sharing import STEP_BLOCKS, WINDOW_BLOCKS, SharedCmwruStrip, blocks_of

WINDOWS_AT_ONCE = 8
"""Windows between two looks at whether the reader has cancelled; the ribbon grows by as many."""

FEW_WINDOWS = 4
"""So many windows at the end of a clip, or off the usual step, are sooner computed one by one on the processor."""

_ROWS = 32


class StripScorer:
    """A trained `cmwru-strip`, ready to judge clips.

    Parameters
    ----------
    network
        In evaluation mode, on `device`. One of another kind than `CmwruStrip` is run over batches of windows by torch.
    temperature
        Of the card's calibration.
    """

    def __init__(self, network: nn.Module, device: str, temperature: float = 1.0) -> None:
        self._network = network
        self._device = device
        self._few = FEW_WINDOWS if device == "cpu" else 0
        self._single = ServedNetwork(network, (1, CHANNELS, WINDOW_BLOCKS, _ROWS, -1), device, temperature)
        self._shared: ServedNetwork | None = None
        if isinstance(network, CmwruStrip):
            shared = SharedCmwruStrip(network).to(device).eval()
            shape = (blocks_of(WINDOWS_AT_ONCE), CHANNELS, _ROWS, -1)
            self._shared = ServedNetwork(shared, shape, device, temperature, self._window_by_window)

    @property
    def engine(self) -> str:
        """What computes, for people; chosen now if it was not before."""
        return self._single.engine if self._shared is None else self._shared.engine

    @property
    def one_window(self) -> ServedNetwork:
        """What answers for windows one by one, (1, CHANNELS, 8, 32, S / 2)."""
        return self._single

    def prepare(self) -> str:
        """Choose and warm the engines; return the name of what computes, for people."""
        if self._few or self._shared is None:
            self._single.prepare()
        return self.engine

    def score(self, strip: PleuralStrip) -> Iterator[Logits]:
        """Yield logits of absent sliding, (up to WINDOWS_AT_ONCE windows, segments), in the order of `strip_windows`.

        A strip with fewer than four samples yields NaN: nothing can be said of it.
        """
        moments, starts = strip_windows(strip)
        if len(moments) < WINDOW_SAMPLES:
            yield from score_windows(self._network, strip, self._device)
            return
        yield from self.score_channels(strip_channels(strip.frames[moments].astype(np.float32)), starts)

    def score_channels(self, channels: npt.NDArray[np.float32], starts: npt.NDArray[np.int64]) -> Iterator[Logits]:
        """Yield the logits of windows that begin at samples `starts`, in runs of those at the usual step.

        Parameters
        ----------
        channels
            `strip_channels` of a strip that is at least one window long.
        """
        begin = window_blocks(channels, starts)
        first = 0
        while first < len(begin):
            run = begin[first : first + WINDOWS_AT_ONCE]
            run = run[: _in_step(run)]
            if self._shared is None or len(run) <= self._few:
                seen = torch.from_numpy(window_batch(channels, starts[first : first + len(run)]))
                logits = self._single(seen.to(self._device))
            else:
                logits = self._shared(_blocks_from(channels, int(run[0])).to(self._device))[: len(run)]
            yield logits.cpu().numpy().astype(np.float64)
            first += len(run)

    def _window_by_window(self, seen: Tensor) -> Tensor:
        windows = [seen[k : k + WINDOW_BLOCKS] for k in range(0, len(seen) - WINDOW_BLOCKS + 1, STEP_BLOCKS)]
        with torch.inference_mode():
            logits: Tensor = self._network(torch.stack(windows).transpose(1, 2))
        return logits


def _blocks_from(channels: npt.NDArray[np.float32], first: int) -> Tensor:
    """Return the blocks from `first` on that one pass sees, time before channels; zeros stand where the clip ends."""
    span = blocks_of(WINDOWS_AT_ONCE)
    blocks = wide_enough(channels[:, first : first + span]).transpose(1, 0, 2, 3)
    return torch.from_numpy(np.pad(blocks, ((0, span - len(blocks)), *((0, 0),) * 3)))


def _in_step(begin: npt.NDArray[np.int64]) -> int:
    """Return how many windows from the first on begin at the usual step."""
    off = np.flatnonzero(np.diff(begin) != STEP_BLOCKS)
    return int(off[0]) + 1 if len(off) else len(begin)
