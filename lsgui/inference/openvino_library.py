"""The door to OpenVINO: loaded on demand, and never with what would tell its makers that it was."""

import sys
from functools import lru_cache
from importlib import import_module
from typing import Any


@lru_cache(maxsize=1)
def openvino() -> Any:
    """Return the library.

    Its import reports itself over the network where its package for that is installed, which it brings along. A name
    that is None in `sys.modules` cannot be imported: the library then does without, as it does where the package is
    missing. The converters that would report as well are not needed here.

    Raises
    ------
    ImportError
        When it is not installed or does not run on this machine.
    """
    for reporting in ("openvino_telemetry", "openvino.tools.ovc"):
        sys.modules.setdefault(reporting, None)  # type: ignore[arg-type]  # None is what keeps it from being imported
    return import_module("openvino")


@lru_cache(maxsize=1)
def opset() -> Any:
    """Return the operations of which a graph is made: a version that every release since 2024 reads."""
    openvino()
    return import_module("openvino.opset13")
