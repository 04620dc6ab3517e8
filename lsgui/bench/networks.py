"""One window through each network: as the program computes it, beside eager PyTorch in full precision."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from lsgui.bench.rows import Area, BenchRow, Tell, row_of
from lsgui.bench.timing import SideBySide, side_by_side, timed
from lsgui.core.errors import LsguiError
from lsgui.imaging.strip_channels import CHANNELS
from lsgui.inference.device import resolve_device
from lsgui.inference.served_models import input_shape, network_of, picture_server, strip_scorer
from lsgui.inference.serving import ServedNetwork
from lsgui.inference.verdict import VerdictRule, probability
from lsgui.models.card import ModelCard, load_card
from lsgui.models.cmwru import Cmwru
from lsgui.models.preprocess import ClipInput

MODELS = ("cmwru-strip", "cmwru", "rcm2d", "cmwra")
PUBLISHED = "cmwru-published"
PUBLISHED_SHAPE = (1, 45, 1, 256, 256)
AGAINST = "eager PyTorch"
TARGETS = {"cmwru-strip": 3.0, "cmwru": 3.0}
STRIP_COLUMNS = 62
"""Of the channels of a pleural line 50 mm long."""

_MATRIX = 1536
_MOST_S = 6.0
REST_S = 0.25
"""Until the threads of eager PyTorch, which wait for more work in a spin, have let go of the cores."""


@dataclass(frozen=True, slots=True)
class NetworkRun:
    """One network, one window.

    Attributes
    ----------
    times
        Eager PyTorch beside the shipped path.
    engine
        What computes the shipped path.
    multiply_adds
        Multiplications of one window, counted while it ran.
    limit_s
        Seconds they would take at the pace of this machine's matrix product in the same precision, measured beside.
    difference
        Largest difference of a calibrated probability between the two.
    """

    model: str
    shape: tuple[int, ...]
    times: SideBySide
    engine: str
    multiply_adds: int
    limit_s: float
    difference: float

    def as_json(self) -> dict[str, Any]:
        """Return the model's object."""
        return {
            **self.times.as_json(),
            "engine": self.engine,
            "input": list(self.shape),
            "multiply_adds": self.multiply_adds,
            "matrix_product_s": self.limit_s,
            "max_probability_difference": self.difference,
        }


@dataclass(frozen=True, slots=True)
class Networks:
    """Every network that ships with weights, and the published one at its full size."""

    device: str
    runs: tuple[NetworkRun, ...]
    left_out: tuple[tuple[str, str], ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the `inference` object."""
        return {"inference": {run.model: run.as_json() for run in self.runs}, "inference_device": self.device}

    def rows(self) -> list[BenchRow]:
        """Return a row for each network, and one for each that could not be loaded."""
        rows = [
            row_of(
                Area.NETWORKS,
                run.model,
                run.times,
                against=AGAINST,
                unit="ms",
                target=TARGETS.get(run.model),
                note=f"{run.engine}; matrix products alone: {1000 * run.limit_s:.1f} ms",
            )
            for run in self.runs
        ]
        return rows + [BenchRow(Area.NETWORKS, name, None, "ms", note=reason) for name, reason in self.left_out]


def measure(tell: Tell, quick: bool) -> Networks:
    """Time every network on the processor, with all cores."""
    device = resolve_device("cpu")
    with torch.inference_mode():
        pace = _multiply_adds_a_second()
        runs: list[NetworkRun] = []
        left_out: list[tuple[str, str]] = []
        names = MODELS[:2] if quick else MODELS
        for number, name in enumerate(names):
            tell(name, number / (len(names) + 1))
            try:
                runs.append(_shipped_run(name, pace, 1 if quick else 9))
            except LsguiError as fault:
                left_out.append((name, str(fault)))
        if not quick:
            tell("The published network", len(names) / (len(names) + 1))
            runs.append(_published_run(pace))
    return Networks(device.name, tuple(runs), tuple(left_out))


def _shipped_run(name: str, pace: float, rounds: int) -> NetworkRun:
    card = load_card(name)
    network = network_of(name, card.sha256, "cpu")
    if card.input.kind == "strip":
        scorer = strip_scorer(name, card, "cpu")
        served: ServedNetwork = scorer.one_window
        shape: tuple[int, ...] = (1, CHANNELS, 8, 32, STRIP_COLUMNS)
    else:
        served, shape = picture_server(name, card, "cpu"), input_shape(ClipInput.from_card(card))
    return _run(name, network, served, shape, _rule(card), pace, rounds)


def _published_run(pace: float) -> NetworkRun:
    torch.manual_seed(0)
    network = Cmwru(*PUBLISHED_SHAPE[1:4:2]).eval()
    served = ServedNetwork(network, PUBLISHED_SHAPE, "cpu")
    return _run(PUBLISHED, network, served, PUBLISHED_SHAPE, VerdictRule(0.5, (0.5, 0.5), 1.0, 0.0), pace, 3)


def _run(
    name: str,
    network: nn.Module,
    served: ServedNetwork,
    shape: tuple[int, ...],
    rule: VerdictRule,
    pace: float,
    rounds: int,
) -> NetworkRun:
    seen = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    said = [probability(answer(seen).numpy().astype(np.float64), rule) for answer in (network, served)]
    times = side_by_side(lambda: network(seen), lambda: served(seen), rounds, most_s=_MOST_S, rest_s=REST_S)
    count = multiply_adds(network, seen)
    return NetworkRun(name, shape, times, served.engine, count, count / pace, float(np.abs(said[0] - said[1]).max()))


def multiply_adds(network: Callable[[Tensor], Tensor], seen: Tensor) -> int:
    """Return the multiplications of one run, counted by torch's own counter: convolutions and matrix products."""
    with FlopCounterMode(display=False) as counter:
        network(seen)
    return int(counter.get_total_flops()) // 2


def _multiply_adds_a_second() -> float:
    """Return the pace of a product of two square matrices on all cores, in full precision."""
    one = torch.randn(_MATRIX, _MATRIX)
    out = torch.empty_like(one)
    return float(_MATRIX**3 / timed(lambda: torch.mm(one, one, out=out), 5).best_s)


def _rule(card: ModelCard) -> VerdictRule:
    return VerdictRule(card.threshold, card.abstain, card.calibration.temperature, card.calibration.bias)
