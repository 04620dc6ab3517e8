"""A GPU that is lost in the middle of every analysis, for the fault drill on machines that have none.

What torch says then is raised where the network would run, and after it every call for the GPU fails, as it does in a
process whose CUDA context is gone. All the rest, the worker process and the analysis on the processor, is real.
"""

from typing import Any

from lsgui.inference.device import Device, resolve_device
from lsgui.inference.pipeline import analyse as real_analyse

_LOST = "CUDA error: unspecified launch failure\nCUDA kernel errors might be asynchronously reported"


def resolve(choice: Any, threads: int | None) -> Device:
    """Say that there is a GPU, unless the processor is asked for."""
    if choice == "cpu":
        return resolve_device("cpu", threads)
    import torch

    torch.cuda.is_available = lambda: True
    torch.cuda.empty_cache = _lost
    return Device("cuda", "A GPU that goes")


def warm_up(_device: str) -> None:
    """Warm nothing: the GPU still works here."""


def analyse(request: Any, emit: Any, cancelled: Any, device: str) -> Any:
    """Lose the GPU, or analyse on the processor."""
    if device == "cuda":
        _lost()
    return real_analyse(request, emit, cancelled, device)


def _lost() -> None:
    raise RuntimeError(_LOST)
