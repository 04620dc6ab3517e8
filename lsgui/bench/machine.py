"""What machine this is, and what it can do at most: the limits that every other figure is held against."""

import importlib
import importlib.metadata
import os
import platform
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from lsgui.bench.rows import Area, BenchRow, Tell
from lsgui.bench.timing import timed
from lsgui.inference.device import core_count

LIBRARIES = (
    "lsgui",
    "numpy",
    "opencv-python-headless",
    "torch",
    "openvino",
    "onnxruntime",
    "pydicom",
    "PySide6-Essentials",
)
_WORTH_NAMING = ("AVX2", "FMA3", "AVX512F", "AVX512_ICL", "AVX512_SPR", "NEON", "ASIMD", "ASIMDDP", "SVE")
_MATRIX = 2048
_QUICK_MATRIX = 512
_COPY_MB = 256
_QUICK_COPY_MB = 64
_LONGEST_PRODUCT_S = 1.0


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine, without the name of host or user.

    Attributes
    ----------
    processor, cores, memory_gb, system
        What it is; `cores` are those that this process may use.
    instructions
        Vector instructions that matter to the networks.
    gpu
        Name of the CUDA device; None where there is none.
    versions
        Of Python and of the libraries that compute; those not installed are left out.
    gflops_float32, gflops_bfloat16
        Measured on a matrix product by torch on all cores; None where torch cannot.
    copy_gb_s
        Bytes read and written a second, in a copy of memory far larger than any cache.
    """

    processor: str
    cores: int
    memory_gb: float | None
    system: str
    instructions: tuple[str, ...]
    gpu: str | None
    versions: dict[str, str]
    gflops_float32: float | None
    gflops_bfloat16: float | None
    copy_gb_s: float

    def as_json(self) -> dict[str, Any]:
        """Return the `machine` object."""
        return {
            "machine": {
                "processor": self.processor,
                "cores": self.cores,
                "memory_gb": self.memory_gb,
                "system": self.system,
                "instructions": list(self.instructions),
                "gpu": self.gpu,
                "versions": self.versions,
                "gflops_float32": self.gflops_float32,
                "gflops_bfloat16": self.gflops_bfloat16,
                "copy_gb_s": self.copy_gb_s,
            }
        }

    def rows(self) -> list[BenchRow]:
        """Return the limits: they have no reference, they are one."""
        side = "all cores"
        native = any(name in self.instructions for name in ("AVX512_BF16", "AMX_BF16"))
        return [
            BenchRow(Area.MACHINE, "Matrix product, float32", self.gflops_float32, "GFLOP/s", note=side),
            BenchRow(
                Area.MACHINE,
                "Matrix product, bfloat16",
                self.gflops_bfloat16,
                "GFLOP/s",
                note=side if native else "the processor has no bfloat16 instructions",
            ),
            BenchRow(Area.MACHINE, "Memory, copied", self.copy_gb_s, "GB/s", note="read and written, all cores"),
        ]


def measure(tell: Tell, quick: bool) -> Machine:
    """Return what this machine is and can do."""
    tell("The machine", 0.0)
    side, size = (_QUICK_MATRIX, _QUICK_COPY_MB) if quick else (_MATRIX, _COPY_MB)
    import torch

    torch.set_num_threads(core_count())
    float32 = _gflops(torch.float32, side)
    tell("Matrix products", 0.4)
    bfloat16 = _gflops(torch.bfloat16, side)
    tell("Memory", 0.8)
    return Machine(
        processor=processor_name(),
        cores=core_count(),
        memory_gb=memory_gb(),
        system=f"{platform.system()} {platform.release()}, {platform.machine()}",
        instructions=instructions(),
        gpu=torch.cuda.get_device_name(0) if torch.cuda.is_available() else None,
        versions=versions(),
        gflops_float32=float32,
        gflops_bfloat16=bfloat16,
        copy_gb_s=_copy_gb_s(size),
    )


def processor_name() -> str:
    """Return the name of the processor, or of its kind where the system does not tell."""
    if sys.platform == "linux":
        named = _field(Path("/proc/cpuinfo"), "model name")
        if named:
            return named
    if sys.platform == "darwin":
        return _asked("sysctl", "-n", "machdep.cpu.brand_string") or platform.machine()
    return os.environ.get("PROCESSOR_IDENTIFIER") or platform.processor() or platform.machine()


def memory_gb() -> float | None:
    """Return the memory of the machine in GB (1e9 bytes); None where the system does not tell."""
    size = total_memory()
    return None if size is None else round(size / 1e9, 1)


def total_memory() -> int | None:
    """Return the bytes of memory of the machine; None where the system does not tell."""
    try:
        if hasattr(os, "sysconf"):
            return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (ValueError, OSError):
        return None
    return None


def instructions() -> tuple[str, ...]:
    """Return the vector instructions of the processor that matter here, those for bfloat16 among them."""
    try:  # the only table of them that is there on every system
        features = importlib.import_module("numpy._core._multiarray_umath").__cpu_features__
    except (ImportError, AttributeError):
        features = {}
    found = [name for name in _WORTH_NAMING if features.get(name)]
    flags = set((_field(Path("/proc/cpuinfo"), "flags") or "").split()) if sys.platform == "linux" else set()
    found += [
        name.upper() for name in ("avx_vnni", "avx512_vnni", "avx512_bf16", "amx_tile", "amx_bf16") if name in flags
    ]
    return tuple(found)


def versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that compute; those not installed are left out."""
    found = {"python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _gflops(kind: Any, largest: int) -> float | None:
    import torch

    side, best = 256, 0.0
    while True:
        left, right = (torch.rand(side, side).to(kind) for _ in range(2))
        out = torch.empty(side, side, dtype=kind)
        try:
            took = timed(partial(torch.mm, left, right, out=out), 3).best_s
        except RuntimeError:  # a build of torch without this product
            return None
        best = max(best, 2.0 * side**3 / took / 1e9)
        if (
            2 * side > largest or 8.0 * took > _LONGEST_PRODUCT_S
        ):  # without instructions for it, a product takes minutes
            return best
        side *= 2


def _copy_gb_s(size_mb: int) -> float:
    import torch

    source = torch.from_numpy(np.ones(size_mb * 2**20, np.uint8))
    target = torch.empty_like(source)
    return 2.0 * source.numel() / timed(lambda: target.copy_(source), 5).best_s / 1e9


def _field(path: Path, name: str) -> str | None:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    return next((line.partition(":")[2].strip() for line in lines if line.partition(":")[0].strip() == name), None)


def _asked(*command: str) -> str:
    import subprocess

    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=5, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""
