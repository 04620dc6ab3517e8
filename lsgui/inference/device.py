"""Which device computes, what it is called for people, and how many threads it may use. torch is loaded on demand."""

import os
import platform
import sys
import warnings
from dataclasses import dataclass
from typing import Literal

from lsgui.core.errors import DeviceError
from lsgui.inference.protocol import DeviceChoice

Kind = Literal["cpu", "cuda"]


@dataclass(frozen=True, slots=True)
class Device:
    """A usable device: `kind` for torch, `name` for people, `note` a sentence where the choice fell back, or empty."""

    kind: Kind
    name: str
    note: str = ""


def core_count() -> int:
    """Return how many processor cores this process may use."""
    try:
        return max(1, len(os.sched_getaffinity(0)))
    except AttributeError:  # not on Windows or macOS
        return os.cpu_count() or 1


def background_threads() -> int:
    """Return the threads that leave one core to the window: cores - 1, at least 1."""
    return max(1, core_count() - 1)


def resolve_device(choice: DeviceChoice, threads: int | None = None) -> Device:
    """Return the device for a choice, and set the number of processor threads.

    Parameters
    ----------
    choice
        "auto" takes a CUDA GPU that really computes, else the processor.
    threads
        Processor threads that torch may use; None for all cores, 0 for all but one, which leaves one to the window.

    Raises
    ------
    DeviceError
        When CUDA is asked for and there is none that works.
    """
    import torch

    threads = core_count() if threads is None else threads or background_threads()
    torch.set_num_threads(threads)
    if choice != "cpu":
        fault = _cuda_fault()
        if fault is None:
            return Device("cuda", torch.cuda.get_device_name(0))
        if choice == "cuda":
            raise DeviceError(f"CUDA was asked for but {fault}: choose device auto or cpu.")
        if torch.version.cuda and fault != _NO_GPU:
            return Device("cpu", _cpu_name(threads), f"The GPU is not used because {fault}.")
    return Device("cpu", _cpu_name(threads))


def gpu_memory_sentence() -> str:
    """Return what the GPU has, as "7.8 GB, 0.2 GB free"; empty where it does not say."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return ""
    try:
        free, total = torch.cuda.mem_get_info()
    except (RuntimeError, ValueError):
        return ""
    return f"{total / 1e9:.1f} GB, {free / 1e9:.1f} GB free"


_NO_GPU = "no CUDA GPU is here"


def _cuda_fault() -> str | None:
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an old driver is said in words below, not by a warning on the terminal
        if not torch.cuda.is_available():
            return _NO_GPU
        try:  # is_available is also true for a GPU that this build of torch has no kernels for
            (torch.ones(8, device="cuda") * 2).sum().item()
        except (RuntimeError, AssertionError) as fault:
            return f"it does not work ({str(fault).splitlines()[0]})"
    return None


def _cpu_name(threads: int) -> str:
    kind = "Apple processor" if platform.system() == "Darwin" and platform.machine() == "arm64" else "CPU"
    return f"{kind}, {threads} thread{'' if threads == 1 else 's'}"
