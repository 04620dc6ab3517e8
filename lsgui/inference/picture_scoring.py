"""Run a network on pictures or their flow over all windows of a clip: one way for the verdict and for evaluation."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from lsgui.core.errors import CancelledError
from lsgui.models.preprocess import (
    ClipInput,
    ClipStack,
    flow_patch_corners,
    normalise,
    take_window,
    window_samples,
    window_starts,
)

PAIRS_AT_ONCE = 4
"""Flow fields computed between two looks at whether the reader has cancelled."""

FEWEST_SAMPLES = 2
"""A single picture shows no motion: nothing is said of it."""

Logits = npt.NDArray[np.float64]
IsCancelled = Callable[[], bool]


def picture_windows(spec: ClipInput, stack: ClipStack) -> npt.NDArray[np.int64]:
    """Return the first sample of every window: half a window apart, the last flush with the end."""
    return window_starts(len(stack.moments), spec.frames, spec.frames // 2)


def window_spans(spec: ClipInput, stack: ClipStack) -> tuple[tuple[int, int], ...]:
    """Return (start, stop) of every window in frames of the clip."""
    last = len(stack.moments) - 1
    return tuple(
        (int(stack.moments[start]), int(stack.moments[min(start + spec.frames - 1, last)]) + 1)
        for start in picture_windows(spec, stack)
    )


@dataclass(slots=True)
class PictureScorer:
    """A network with the input that it wants.

    Attributes
    ----------
    network
        Maps what `inputs` returns to logits of absent sliding, (P, 1).
    spec
        What the card asks for.
    device
        "cpu" or "cuda", where the network is.
    raft
        For kind "flow": maps grey frames (N, T, S, S) of 0..255 and a step to flow (N, T - step, 2, S, S).
    """

    network: Callable[[Tensor], Tensor]
    spec: ClipInput
    device: str
    raft: nn.Module | None = None
    _fields: dict[tuple[int, int], Tensor] = field(default_factory=dict)

    def score(self, stack: ClipStack, cancelled: IsCancelled = lambda: False) -> Iterator[Logits]:
        """Yield the logits of each window of `picture_windows`, (1, P): one for a picture, one for each patch.

        Raises
        ------
        CancelledError
            When `cancelled` says so; asked between windows and between a few flow fields.
        """
        for start in picture_windows(self.spec, stack):
            if cancelled():
                raise CancelledError
            if len(stack.moments) < FEWEST_SAMPLES:
                yield np.full((1, len(stack.frames)), np.nan)
                continue
            with torch.inference_mode():
                seen = self.inputs(stack, int(start), cancelled).to(self.device)
                yield self.network(seen).float().cpu().numpy().astype(np.float64).reshape(1, -1)

    def inputs(self, stack: ClipStack, start: int, cancelled: IsCancelled = lambda: False) -> Tensor:
        """Return what the network sees of a window: (P, T, 1, S, S), or flow (P, T - step, 2, S, S)."""
        if self.spec.kind != "flow":
            return torch.from_numpy(normalise(take_window(stack, start, self.spec), self.spec))
        flow = self._flow(stack, start, cancelled)
        if self.spec.patch is None:
            return flow[None]
        side = self.spec.patch
        return torch.stack([flow[..., y : y + side, x : x + side] for x, y in flow_patch_corners(stack, self.spec)])

    def _flow(self, stack: ClipStack, start: int, cancelled: IsCancelled) -> Tensor:
        """Return the flow of a window, (T - step, 2, S, S); fields that the window before had are not made again."""
        if self.raft is None:
            raise ValueError("a network on flow needs RAFT before it")
        samples = window_samples(len(stack.moments), start, self.spec.frames).tolist()
        pairs = list(zip(samples[: -self.spec.flow_step], samples[self.spec.flow_step :], strict=True))
        fields = {pair: self._fields[pair] for pair in pairs if pair in self._fields}
        missing = [pair for pair in dict.fromkeys(pairs) if pair not in fields]
        for first in range(0, len(missing), PAIRS_AT_ONCE):
            if cancelled():
                raise CancelledError
            chosen = missing[first : first + PAIRS_AT_ONCE]
            grey = torch.from_numpy(stack.frames[0, np.array(chosen)].astype(np.float32))
            fields.update(zip(chosen, self.raft(grey.to(self.device), 1)[:, 0], strict=True))
        self._fields = fields
        return torch.stack([fields[pair] for pair in pairs])
