"""What a worker is made of, as names: it can be sent to a process that has not loaded torch."""

import importlib
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class WorkerPlan:
    """The functions of a worker.

    The window may not load torch, not even by an import at the end of a chain, so sessions know the working side by
    name only; it is looked up where the work is done. Tests put their own functions here.

    Attributes
    ----------
    analyse
        "module:function" from (request, emit, cancelled, device) to a `Prediction`: it emits events with the request's
        id, asks `cancelled()` between windows and raises CancelledError when that says yes. Where the module has a
        function `warm_up(device)`, it is called once before the first request; what it returns, where that is a
        text, names the engine that computes the networks there.
    resolve
        "module:function" from (device choice, threads) to a `Device`.
    threads
        Processor threads for torch; None for all cores, 0 for all cores but one.
    draw
        "module:function" with the same parameters as `analyse`, for requests that want a map and no verdict; it emits
        the map and returns nothing.
    """

    analyse: str = "lsgui.inference.pipeline:analyse"
    resolve: str = "lsgui.inference.device:resolve_device"
    threads: int | None = None
    draw: str = "lsgui.inference.map_pipeline:draw_map"


def load_by_name(name: str) -> Any:
    """Return what "module:attribute" names."""
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)


def load_engine(plan: WorkerPlan) -> Any:
    """Return an `Engine` of this plan, without this file or its importers depending on torch."""
    return load_by_name("lsgui.inference.engine:Engine")(plan)
