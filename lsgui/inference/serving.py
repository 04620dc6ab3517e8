"""A network ready to answer, computed by the fastest engine of this machine that says what plain torch says."""

import logging
import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from lsgui.inference.openvino_engine import CannotCompute, compiled, engine_name, half_precision
from lsgui.inference.torch_engine import on_gpu, on_processor

TOLERANCE = 0.005
"""Largest difference of a probability, were it at even odds, at which an engine is taken."""

TORCH = "PyTorch"

Compute = Callable[[Tensor], Tensor]

logger = logging.getLogger(__name__)


class ServedNetwork:
    """A network for inputs of one shape; the engine is chosen at `prepare` or, without that, at the first input.

    What an engine answers to an example is compared with what the network itself says; one that differs, or cannot
    compute the network, is passed over.

    Parameters
    ----------
    network
        In evaluation mode, on `device`.
    shape
        Of its input; -1 for the last axis where its length may differ. Inputs with another number of rows (the first
        axis) are cut into parts of this many, the last one filled up with zeros.
    device
        "cpu" or "cuda".
    temperature
        Of the card's calibration: how strongly a difference of logits becomes one of probabilities.
    reference
        What the network has to agree with; None: the network itself, computed by torch.
    """

    def __init__(
        self,
        network: nn.Module,
        shape: tuple[int, ...],
        device: str,
        temperature: float = 1.0,
        reference: Compute | None = None,
    ) -> None:
        self._network = network
        self._shape = shape
        self._device = device
        self._steepest = 1.0 / (4.0 * max(temperature, 1e-3))  # slope of the logistic curve at even odds
        self._reference = reference or self._plain
        self._chosen: tuple[str, Compute] | None = None

    @property
    def engine(self) -> str:
        """What computes, for people, such as "OpenVINO 2026.4" or "PyTorch"; chosen now if it was not before."""
        return self.prepare()[0]

    def __call__(self, seen: Tensor) -> Tensor:
        """Return the network's output, float32."""
        rows = self._shape[0]
        if len(seen) == rows:
            return self._answer(seen)
        parts = (seen[first : first + rows] for first in range(0, len(seen), rows))
        return torch.cat([self._answer(_filled(part, rows))[: len(part)] for part in parts])

    def prepare(self) -> tuple[str, Compute]:
        """Choose the engine and warm it; return its name and what computes."""
        if self._chosen is None:
            self._chosen = self._first_that_agrees(_drawn(self._shape).to(self._device))
        return self._chosen

    def _answer(self, seen: Tensor) -> Tensor:
        name, compute = self.prepare()
        try:
            return compute(seen)
        except CannotCompute as fault:
            logger.info("%s stopped (%s): PyTorch goes on", name, fault)
            self._chosen = TORCH, self._plain
            return self._plain(seen)

    def _first_that_agrees(self, seen: Tensor) -> tuple[str, Compute]:
        expected = self._reference(seen)
        kind = type(self._network).__name__
        for name, make in self._engines():
            try:
                compute = make()
                found = compute(seen)
            except CannotCompute as fault:
                logger.info("%s cannot compute %s (%s)", name, kind, fault)
                continue
            if self._agree(found, expected):
                return name, compute
            logger.info("%s answers otherwise than PyTorch for %s: it is not used", name, kind)
        return TORCH, self._plain

    def _engines(self) -> list[tuple[str, Callable[[], Compute]]]:
        """Return what could compute, fastest first."""
        if self._device != "cpu":
            return [(f"{TORCH} float16", lambda: on_gpu(self._network, self._shape))]
        by_torch: tuple[str, Callable[[], Compute]] = (TORCH, lambda: on_processor(self._network))
        try:
            name, half = engine_name(), half_precision()
        except (ImportError, OSError, RuntimeError) as fault:
            logger.info("OpenVINO is not here (%s)", fault)
            return [by_torch]
        full: tuple[str, Callable[[], Compute]] = (name, lambda: compiled(self._network, self._shape))
        if not half:
            return [full, by_torch]
        return [(f"{name} {half}", lambda: compiled(self._network, self._shape, half)), full, by_torch]

    def _agree(self, found: Tensor, expected: Tensor) -> bool:
        if found.shape != expected.shape or not bool(torch.isfinite(found).all()):
            return False
        return float((found - expected).abs().max()) * self._steepest < TOLERANCE

    def _plain(self, seen: Tensor) -> Tensor:
        with torch.inference_mode():
            answer: Tensor = self._network(seen)
        return answer.float()


def _filled(part: Tensor, rows: int) -> Tensor:
    """Return inputs followed by zeros up to this many rows."""
    return functional.pad(part, (0, 0) * (part.ndim - 1) + (0, rows - len(part)))


def _drawn(shape: tuple[int, ...]) -> Tensor:
    """Return numbers as a network may see them: about 1 in size, smooth over the last two axes but for some noise."""
    sizes = [32 if length < 0 else length for length in shape]
    random = torch.Generator().manual_seed(0)
    coarse = torch.randn(*sizes[:-2], *(math.ceil(length / 4) for length in sizes[-2:]), generator=random)
    smooth = coarse.repeat_interleave(4, -1).repeat_interleave(4, -2)[..., : sizes[-2], : sizes[-1]]
    return smooth + 0.5 * torch.randn(sizes, generator=random)
