"""The engine: each fault has its end, and a GPU that gives up never ends a request."""

import sys
import types

import pytest
from acted_analysis import request

from lsgui.core.errors import DeviceError
from lsgui.inference.device import Device
from lsgui.inference.engine import Engine
from lsgui.inference.plan import WorkerPlan, load_by_name
from lsgui.inference.protocol import Cancelled, Failed, Finished, Notice


@pytest.fixture
def engine(plan):
    return Engine(plan)


def _run(engine, asked, cancelled=lambda: False):
    events = []
    engine.run(asked, events.append, cancelled)
    return events


def test_an_answer(engine):
    *_, end = _run(engine, request(7, "windows 1"))
    assert isinstance(end, Finished)
    assert (end.id, end.prediction.device) == (7, "cpu")


def test_a_cancel(engine):
    assert _run(engine, request(7, "patient 5"), lambda: True)[-1] == Cancelled(7)


def test_a_device_that_is_not_there_is_one_sentence(engine):
    end = _run(engine, request(7, "no_gpu"))[-1]
    assert (type(end), end.sentence) == (Failed, "No device: choose cpu.")


def test_a_fault_of_the_program_is_logged_and_told_without_its_words(engine, expected_log_warnings):
    end = _run(engine, request(7, "break"))[-1]
    assert end.sentence == "break: the analysis failed (ZeroDivisionError); details are in the log."
    assert "by nothing" in end.details
    assert len(expected_log_warnings) == 1


def test_too_little_memory_is_said(engine):
    end = _run(engine, request(7, "full_memory"))[-1]
    assert end.sentence == "full_memory: there is not enough memory to analyse it: close other programs and retry."


def test_the_real_out_of_memory_error_falls_back(plan, monkeypatch):
    import torch

    _module(monkeypatch, analyse=_full_then("answer", torch.OutOfMemoryError("CUDA out of memory.")))
    engine = Engine(WorkerPlan("engine_test_module:analyse", plan.resolve))
    notice, end = _run(engine, request(7, "x", device="cuda"))
    assert notice == Notice(7, "The GPU ran out of memory: analysed on the CPU instead.")
    assert (type(end), end.prediction) == (Finished, "answer")


def test_a_full_gpu_is_tried_again_next_time(engine):
    for number in (1, 2):
        events = _run(engine, request(number, "full_gpu", device="cuda"))
        assert any(isinstance(event, Notice) for event in events)
        assert isinstance(events[-1], Finished)


def test_a_gpu_that_failed_is_not_used_again(engine):
    notice, end = _run(engine, request(1, "lost_gpu", device="cuda"))
    assert notice.sentence == (
        "The GPU failed (CUDA error: device-side assert triggered): analysed on the CPU instead."
    )
    assert end.prediction.device == "cpu"
    (refused,) = _run(engine, request(2, "windows 1", device="cuda"))[-1:]
    assert refused.sentence.startswith("The GPU failed earlier")
    assert isinstance(_run(engine, request(3, "windows 1"))[-1], Finished)


def test_a_gpu_that_is_lost_refuses_its_memory_too_and_the_processor_answers_all_the_same(plan, monkeypatch):
    import torch

    def lost():
        raise RuntimeError("CUDA error: unspecified launch failure")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "empty_cache", lost)
    notice, end = _run(Engine(plan), request(1, "lost_gpu", device="cuda"))
    assert notice.sentence.endswith("analysed on the CPU instead.")
    assert (type(end), end.prediction.device) == (Finished, "cpu")


def test_warm_up_falls_back_to_the_processor_and_says_so(monkeypatch):
    warmed = []

    def warm_up(device):
        warmed.append(device)
        if device == "cuda":
            raise RuntimeError("CUDA error: out of memory")

    def resolve(choice, _threads):
        return Device("cpu", "CPU, 2 threads") if choice == "cpu" else Device("cuda", "A GPU")

    _module(monkeypatch, analyse=_full_then("answer", None), warm_up=warm_up, resolve=resolve)
    ready = Engine(WorkerPlan("engine_test_module:analyse", "engine_test_module:resolve")).warm_up()
    assert warmed == ["cuda", "cpu"]
    assert (ready.device, ready.device_name) == ("cpu", "CPU, 2 threads")
    assert ready.note == "The GPU ran out of memory: the CPU is used for now."


def test_a_warm_up_that_fails_on_the_processor_is_a_fault(monkeypatch):
    def warm_up(_device):
        raise RuntimeError("no kernel")

    _module(monkeypatch, analyse=_full_then("answer", None), warm_up=warm_up)
    with pytest.raises(RuntimeError, match="no kernel"):
        Engine(WorkerPlan("engine_test_module:analyse", "acted_analysis:fake_devices")).warm_up()


def test_a_name_that_leads_nowhere_is_a_fault():
    with pytest.raises(AttributeError):
        load_by_name("lsgui.inference.plan:nothing")


def test_cuda_that_is_not_here_is_refused_with_a_remedy(monkeypatch):
    import torch

    from lsgui.inference import device

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    threads = torch.get_num_threads()
    try:
        with pytest.raises(DeviceError, match="choose device auto or cpu"):
            device.resolve_device("cuda")
        assert device.resolve_device("auto", 1) == Device("cpu", device._cpu_name(1))
        assert torch.get_num_threads() == 1
        assert device.resolve_device("cpu").name.endswith(
            f"{device.core_count()} thread" + "s" * (device.core_count() > 1)
        )
        assert device.resolve_device("cpu", 0).name.split()[1] == str(max(1, device.core_count() - 1))
    finally:
        torch.set_num_threads(threads)


def test_a_gpu_without_kernels_is_not_taken_and_the_reason_is_said(monkeypatch):
    import torch

    from lsgui.inference import device

    def broken(*_args, **_kwargs):
        raise RuntimeError("CUDA error: no kernel image is available for execution\nmore")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch, "ones", broken)
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    found = device.resolve_device("auto", torch.get_num_threads())
    assert found.kind == "cpu"
    assert found.note == (
        "The GPU is not used because it does not work (CUDA error: no kernel image is available for execution)."
    )


def test_a_real_gpu_runs_out_of_memory_and_the_processor_answers(cuda, plan, monkeypatch):
    import torch

    def greedy(_asked, _emit, _cancelled, device):
        if device == "cuda":
            torch.empty(1 << 42, dtype=torch.uint8, device=device)
        return "answer"

    _module(monkeypatch, analyse=greedy)
    notice, end = _run(Engine(WorkerPlan("engine_test_module:analyse")), request(7, "x", device=cuda))
    assert "GB free" in notice.sentence
    assert (type(end), end.prediction) == (Finished, "answer")


def _full_then(answer, fault):
    def analyse(_asked, _emit, _cancelled, device):
        if device == "cuda" and fault is not None:
            raise fault
        return answer

    return analyse


def _module(monkeypatch, **functions):
    module = types.ModuleType("engine_test_module")
    for name, function in functions.items():
        setattr(module, name, function)
    monkeypatch.setitem(sys.modules, "engine_test_module", module)


@pytest.mark.parametrize(
    ("said", "name"), [("OpenVINO 2026.4", "CPU, 2 threads, OpenVINO 2026.4"), (None, "CPU, 2 threads")]
)
def test_the_worker_says_what_computes_the_networks(monkeypatch, said, name):
    def resolve(_choice, _threads):
        return Device("cpu", "CPU, 2 threads")

    _module(monkeypatch, analyse=_full_then("answer", None), warm_up=lambda _device: said, resolve=resolve)
    ready = Engine(WorkerPlan("engine_test_module:analyse", "engine_test_module:resolve")).warm_up()
    assert (ready.device, ready.device_name) == ("cpu", name)
