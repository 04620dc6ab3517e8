"""Runs one request and makes sure that it ends in exactly one way. Both sessions use it, on the worker's side."""

import gc
import logging
import sys
import traceback
from collections.abc import Callable

from lsgui.core.errors import CancelledError, DeviceError, LsguiError
from lsgui.inference.device import Device, gpu_memory_sentence
from lsgui.inference.plan import WorkerPlan, load_by_name
from lsgui.inference.protocol import (
    Cancelled,
    DeviceChoice,
    Failed,
    Finished,
    InferenceEvent,
    InferenceRequest,
    MapDone,
    Notice,
    WindowScored,
    WorkerReady,
)

Emit = Callable[[InferenceEvent], None]
IsCancelled = Callable[[], bool]

logger = logging.getLogger(__name__)


class Engine:
    """The working side of a session.

    A GPU that runs out of memory or fails does not end a request: the reader is told by a `Notice` and the request
    runs again on the processor. After a failure other than lack of memory the GPU is not used again.
    """

    def __init__(self, plan: WorkerPlan) -> None:
        self._plan = plan
        self._resolved: dict[DeviceChoice, Device] = {}
        self._gpu_lost = False

    def warm_up(self) -> WorkerReady:
        """Load torch, take the device and warm the models.

        Raises
        ------
        Exception
            Whatever keeps this machine from working at all, such as a torch that cannot be loaded.
        """
        device = self._device("auto")
        load_by_name(self._plan.analyse)
        warm = getattr(sys.modules[self._plan.analyse.partition(":")[0]], "warm_up", None)
        note, computes = device.note, None
        if warm is not None:
            try:
                computes = warm(device.kind)
            except RuntimeError as fault:
                if device.kind != "cuda":
                    raise
                note = self._gpu_sentence(fault, ": the CPU is used for now")
            if note != device.note:
                _release_gpu_memory()
                device = self._device("cpu")
                computes = warm(device.kind)
        version = getattr(sys.modules.get("torch"), "__version__", "")
        name = f"{device.name}, {computes}" if computes else device.name
        return WorkerReady(device.kind, name, str(version), note)

    def run(self, request: InferenceRequest, emit: Emit, cancelled: IsCancelled) -> None:
        """Judge the clip of a request or draw its map; the last event is the request's one end."""
        emit(self._end_of(request, emit, cancelled))

    def _end_of(self, request: InferenceRequest, emit: Emit, cancelled: IsCancelled) -> InferenceEvent:
        try:
            return self._done(request, emit, cancelled)
        except CancelledError:
            return Cancelled(request.id)
        except LsguiError as fault:
            return Failed(request.id, str(fault), traceback.format_exc())
        except Exception as fault:
            details = traceback.format_exc()
            if _lacks_memory(fault):
                sentence = f"{request.clip}: there is not enough memory to analyse it: close other programs and retry."
                return Failed(request.id, sentence, details)
            logger.exception("the analysis failed")
            sentence = f"{request.clip}: the analysis failed ({type(fault).__name__}); details are in the log."
            return Failed(request.id, sentence, details)

    def _done(self, request: InferenceRequest, emit: Emit, cancelled: IsCancelled) -> Finished | MapDone:
        device = self._device(request.device)
        if device.kind == "cpu":
            return self._work(request, emit, cancelled, "cpu")
        scored: set[tuple[int, int]] = set()

        def emit_once(event: InferenceEvent) -> None:
            if isinstance(event, WindowScored):  # a second run on the processor must not score a window twice
                if (event.window.start, event.window.stop) in scored:
                    return
                scored.add((event.window.start, event.window.stop))
            emit(event)

        try:
            return self._work(request, emit_once, cancelled, "cuda")
        except RuntimeError as fault:
            if not (_lacks_memory(fault) or _is_gpu_failure(fault)):
                raise
            sentence = self._gpu_sentence(fault, ": analysed on the CPU instead")
        _release_gpu_memory()  # outside the except block: the fault's frames hold the very tensors
        emit(Notice(request.id, sentence))
        return self._work(request, emit_once, cancelled, "cpu")

    def _work(self, request: InferenceRequest, emit: Emit, cancelled: IsCancelled, device: str) -> Finished | MapDone:
        if request.wanted == "verdict":
            return Finished(request.id, load_by_name(self._plan.analyse)(request, emit, cancelled, device))
        load_by_name(self._plan.draw)(request, emit, cancelled, device)
        return MapDone(request.id)

    def _gpu_sentence(self, fault: RuntimeError, ending: str) -> str:
        if _lacks_memory(fault):
            memory = gpu_memory_sentence()
            return f"The GPU ran out of memory{f' ({memory})' if memory else ''}{ending}."
        self._gpu_lost = True
        self._resolved.clear()
        first_line = (str(fault).splitlines() or [type(fault).__name__])[0]
        return f"The GPU failed ({first_line}){ending}."

    def _device(self, choice: DeviceChoice) -> Device:
        if self._gpu_lost:
            if choice == "cuda":
                raise DeviceError("The GPU failed earlier: choose device auto or cpu, or start lsgui again.")
            choice = "cpu"
        if choice not in self._resolved:
            threads = self._plan.threads
            self._resolved[choice] = load_by_name(self._plan.resolve)(choice, threads)
        return self._resolved[choice]


def _lacks_memory(fault: BaseException) -> bool:
    if isinstance(fault, MemoryError) or type(fault).__name__ == "OutOfMemoryError":
        return True
    text = str(fault).lower()
    return isinstance(fault, RuntimeError) and any(
        words in text for words in ("out of memory", "not enough memory", "can't allocate memory", "_alloc_failed")
    )


def _is_gpu_failure(fault: RuntimeError) -> bool:
    text = str(fault)
    return any(mark in text for mark in ("CUDA", "cuDNN", "CUDNN", "CUBLAS", "cuBLAS", "NVML", "CUFFT"))


def _release_gpu_memory() -> None:
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        try:
            torch.cuda.empty_cache()
        except RuntimeError:  # a GPU that was lost refuses this too; the processor must answer all the same
            logger.info("the GPU does not give its memory back", exc_info=True)
