"""Networks computed by OpenVINO on the processor, with the threads that torch has been given and nobody else's."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lsgui.inference.openvino_graph import NotWritten, write_graph
from lsgui.inference.openvino_library import openvino

Compute = Callable[[Tensor], Tensor]


class CannotCompute(Exception):  # noqa: N818  # says what happened; it is caught where torch takes over
    """OpenVINO is not here, or cannot take this network."""


def engine_name() -> str:
    """Return what this engine is called for people, such as "OpenVINO 2026.4"."""
    version = str(openvino().__version__).split("-")[0]
    return "OpenVINO " + ".".join(version.split(".")[:2])


def half_precision() -> str:
    """Return "bf16" where the processor multiplies such numbers by itself, else an empty string."""
    return "bf16" if "BF16" in _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES") else ""


def compiled(network: nn.Module, shape: tuple[int, ...], precision: str = "f32") -> Compute:
    """Return a function from the network's input, of this shape, to its output. Two threads may not call it at once.

    Parameters
    ----------
    shape
        -1 for an axis whose length may differ from call to call; a new length costs about 10 ms once.
    precision
        "f32", or what `half_precision` returns.

    Raises
    ------
    CannotCompute
        With the reason in a few words.
    """
    try:
        model = _core().compile_model(write_graph(network, shape), "CPU", _settings(precision))
        request = model.create_infer_request()
    except (ImportError, OSError, RuntimeError, ValueError, NotWritten) as fault:
        raise CannotCompute(_first_line(fault)) from fault

    def compute(seen: Tensor) -> Tensor:
        try:
            answer = request.infer([np.ascontiguousarray(seen.numpy(), dtype=np.float32)], share_inputs=True)[0]
        except RuntimeError as fault:
            raise CannotCompute(_first_line(fault)) from fault
        return torch.from_numpy(np.array(answer))

    return compute


@lru_cache(maxsize=1)
def _core() -> Any:
    return openvino().Core()


def _settings(precision: str) -> dict[str, Any]:
    """Return the settings: one stream, for one window's answer is waited for at a time.

    Threads are not tied to cores, for the window's own thread has to run as well, and the precision is always said: the
    library would choose half precision by itself where the processor has it.
    """
    return {
        "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": 1,
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "ENABLE_CPU_PINNING": False,
        "INFERENCE_PRECISION_HINT": precision,
    }


def _first_line(fault: BaseException) -> str:
    return (str(fault).splitlines() or [""])[0] or type(fault).__name__
