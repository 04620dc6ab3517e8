"""A strip network over all windows of a clip in one pass, with what overlapping windows share computed once."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from lsgui.core.strip import PleuralStrip
from lsgui.imaging.strip_channels import CHANNELS, WINDOW_SAMPLES, strip_channels
from lsgui.inference.serving import TORCH, ServedNetwork
from lsgui.inference.strip_scoring import Logits, score_windows, strip_windows, wide_enough, window_blocks
from lsgui.models.cmwru_strip import CmwruStrip
from lsgui.models.strip_sharing import STEP_BLOCKS, WINDOW_BLOCKS, SharedCmwruStrip, blocks_of

WINDOWS_AT_ONCE = 8
"""Windows between two looks at whether the reader has cancelled; the ribbon grows by as many."""

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
        self._shared: ServedNetwork | None = None
        if isinstance(network, CmwruStrip):
            shared = SharedCmwruStrip(network).to(device).eval()
            shape = (blocks_of(WINDOWS_AT_ONCE), CHANNELS, _ROWS, -1)
            self._shared = ServedNetwork(shared, shape, device, temperature, self._window_by_window)

    @property
    def engine(self) -> str:
        """What computes, for people."""
        return TORCH if self._shared is None else self._shared.engine

    def score(self, strip: PleuralStrip) -> Iterator[Logits]:
        """Yield logits of absent sliding, (up to WINDOWS_AT_ONCE windows, segments), in the order of `strip_windows`.

        A strip with fewer than four samples yields NaN: nothing can be said of it.
        """
        moments, starts = strip_windows(strip)
        if self._shared is None or len(moments) < WINDOW_SAMPLES:
            yield from score_windows(self._network, strip, self._device)
            return
        yield from self._in_passes(self._shared, strip_channels(strip.frames[moments].astype(np.float32)), starts)

    def _in_passes(
        self, shared: ServedNetwork, channels: npt.NDArray[np.float32], starts: npt.NDArray[np.int64]
    ) -> Iterator[Logits]:
        """Yield the logits of windows that begin at samples `starts`, as many at once as one pass computes.

        A window that does not follow the one before it at the usual step, as the last one may not, begins a pass.
        """
        begin = window_blocks(channels, starts)
        wide, span = wide_enough(channels), blocks_of(WINDOWS_AT_ONCE)
        beyond = max(int(begin[-1]) + span - wide.shape[1], 0)  # windows that are not there: their answers are dropped
        blocks = torch.from_numpy(np.pad(wide.transpose(1, 0, 2, 3), ((0, beyond), *((0, 0),) * 3)))
        first = 0
        while first < len(begin):
            count = _in_step(begin[first : first + WINDOWS_AT_ONCE])
            seen = blocks[begin[first] : begin[first] + span].to(self._device)
            yield shared(seen)[:count].cpu().numpy().astype(np.float64)
            first += count

    def _window_by_window(self, seen: Tensor) -> Tensor:
        windows = [seen[k : k + WINDOW_BLOCKS] for k in range(0, len(seen) - WINDOW_BLOCKS + 1, STEP_BLOCKS)]
        with torch.inference_mode():
            logits: Tensor = self._network(torch.stack(windows).transpose(1, 2))
        return logits


def _in_step(begin: npt.NDArray[np.int64]) -> int:
    """Return how many windows from the first on begin at the usual step."""
    off = np.flatnonzero(np.diff(begin) != STEP_BLOCKS)
    return int(off[0]) + 1 if len(off) else len(begin)
