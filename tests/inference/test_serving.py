"""Engines: each says what torch says, one that does not is passed over, and none tells anybody that it was used."""

import logging
import subprocess
import sys

import pytest
import torch
from torch import nn

from lsgui.inference import openvino_engine, serving, torch_engine
from lsgui.inference.openvino_engine import CannotCompute, compiled, engine_name
from lsgui.inference.openvino_graph import NotWritten, write_graph
from lsgui.inference.served_models import input_shape, network_of
from lsgui.inference.serving import TORCH, ServedNetwork
from lsgui.inference.torch_engine import on_gpu, on_processor
from lsgui.models.card import load_card
from lsgui.models.cmwra import Cmwra
from lsgui.models.cmwru import Cmwru
from lsgui.models.cmwru_strip import CmwruStrip
from lsgui.models.preprocess import ClipInput
from lsgui.models.rcm2d import Rcm2d

NETWORKS = {
    "cmwru-strip": (lambda: CmwruStrip(4), (2, 7, 8, 32, 20)),
    "cmwru": (lambda: Cmwru(8, 32, bins=4, width=2, motion_channels=True), (2, 8, 1, 32, 32)),
    "cmwru, bins that do not divide": (lambda: Cmwru(8, 48, bins=5, width=2), (1, 8, 1, 48, 48)),
    "cmwru as published": (lambda: Cmwru(8, 32, width=2), (2, 8, 1, 32, 32)),
    "cmwra": (lambda: Cmwra(8, 32, bins=4, width=2), (2, 7, 2, 32, 32)),
    "cmwra as published": (lambda: Cmwra(8, 32, width=2), (2, 7, 2, 32, 32)),
    "rcm2d": (lambda: Rcm2d(32), (2, 5, 1, 32, 32)),
}


def fresh(name: str) -> tuple[nn.Module, torch.Tensor]:
    torch.manual_seed(3)
    build, shape = NETWORKS[name]
    network = build()
    with torch.no_grad():
        for part in network.modules():
            if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d):
                part.running_mean.normal_(0.0, 0.3)
                part.running_var.uniform_(0.2, 1.5)
                part.bias.normal_(0.0, 0.3)
    return network.eval(), torch.randn(shape)


def plain(network: nn.Module, seen: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode():
        return network(seen)


@pytest.mark.parametrize("name", NETWORKS)
def test_openvino_says_what_torch_says(name: str) -> None:
    network, seen = fresh(name)
    torch.testing.assert_close(compiled(network, tuple(seen.shape))(seen), plain(network, seen), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_fast_form_of_torch_says_what_torch_says_and_leaves_the_network_alone(name: str) -> None:
    network, seen = fresh(name)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    fast = on_processor(network)
    torch.testing.assert_close(fast(seen), plain(network, seen), atol=1e-4, rtol=1e-4)
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())


@pytest.mark.parametrize("model", ["cmwru-strip", "cmwru", "rcm2d", "cmwra"])
def test_every_shipped_network_is_computed_by_openvino_within_a_hundredth_of_a_probability(model: str) -> None:
    card = load_card(model)
    network = network_of(model, card.sha256, "cpu")
    strip = card.input.kind == "strip"
    shape = (1, 7, 8, 32, 33) if strip else input_shape(ClipInput.from_card(card))
    served = ServedNetwork(network, shape, "cpu", card.calibration.temperature)
    assert served.engine == engine_name()
    torch.manual_seed(5)
    for size in (0.3, 1.0, 3.0):
        seen = size * torch.randn(shape)
        logits = torch.stack([served(seen), plain(network, seen)]) / card.calibration.temperature
        one, other = torch.sigmoid(logits)
        assert (one - other).abs().max() < 1e-4


def test_an_axis_of_free_length_takes_any() -> None:
    network, _ = fresh("cmwru-strip")
    served = ServedNetwork(network, (1, 7, 8, 32, -1), "cpu")
    for columns in (8, 31, 60, 31):
        seen = torch.randn(3, 7, 8, 32, columns)
        torch.testing.assert_close(served(seen), plain(network, seen), atol=1e-4, rtol=1e-4)
    assert served.engine == engine_name()


@pytest.mark.parametrize("rows", [1, 2, 3, 7])
def test_any_number_of_rows_is_answered_in_their_order(rows: int) -> None:
    network, _ = fresh("cmwra")
    served = ServedNetwork(network, (3, 7, 2, 32, 32), "cpu")
    seen = torch.randn(rows, 7, 2, 32, 32)
    torch.testing.assert_close(served(seen), plain(network, seen), atol=1e-4, rtol=1e-4)


def test_without_openvino_torch_computes(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def absent() -> str:
        raise ImportError("no module named openvino")

    monkeypatch.setattr(serving, "engine_name", absent)
    network, seen = fresh("cmwra")
    served = ServedNetwork(network, tuple(seen.shape), "cpu")
    with caplog.at_level(logging.INFO):
        assert served.engine == TORCH
    assert "OpenVINO is not here" in caplog.text
    torch.testing.assert_close(served(seen), plain(network, seen), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("how", ["wrong", "nothing", "another shape"])
def test_an_engine_that_answers_otherwise_is_passed_over(
    how: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def spoilt(network: nn.Module, shape: tuple[int, ...], precision: str = "f32"):
        compute = compiled(network, shape, precision)
        spoil = {"wrong": lambda y: y + 0.03, "nothing": lambda y: y * torch.nan, "another shape": lambda y: y[:1]}
        return lambda seen: spoil[how](compute(seen))

    monkeypatch.setattr(serving, "compiled", spoilt)
    network, seen = fresh("cmwra")
    served = ServedNetwork(network, tuple(seen.shape), "cpu")
    with caplog.at_level(logging.INFO):
        assert served.engine == TORCH
    assert "answers otherwise than PyTorch" in caplog.text
    torch.testing.assert_close(served(seen), plain(network, seen), atol=1e-4, rtol=1e-4)


def test_a_sharp_calibration_asks_for_a_closer_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def shifted(network: nn.Module, shape: tuple[int, ...], precision: str = "f32"):
        compute = compiled(network, shape, precision)
        return lambda seen: compute(seen) + 0.01

    monkeypatch.setattr(serving, "compiled", shifted)
    network, seen = fresh("cmwra")
    assert ServedNetwork(network, tuple(seen.shape), "cpu", 1.0).engine == engine_name()
    assert ServedNetwork(network, tuple(seen.shape), "cpu", 0.25).engine == TORCH


def test_a_processor_with_half_precision_is_asked_first_and_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def half(network: nn.Module, shape: tuple[int, ...], precision: str = "f32"):
        asked.append(precision)
        compute = compiled(network, shape)
        return (lambda seen: compute(seen) + 1.0) if precision == "bf16" and len(asked) < 3 else compute

    monkeypatch.setattr(serving, "half_precision", lambda: "bf16")
    monkeypatch.setattr(serving, "compiled", half)
    network, seen = fresh("cmwra")
    assert ServedNetwork(network, tuple(seen.shape), "cpu").engine == engine_name()
    assert asked == ["bf16", "f32"]
    assert ServedNetwork(network, tuple(seen.shape), "cpu").engine == f"{engine_name()} bf16"


def test_an_engine_that_stops_in_the_middle_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def stopping(network: nn.Module, shape: tuple[int, ...], precision: str = "f32"):
        compute = compiled(network, shape, precision)

        def stops(seen: torch.Tensor) -> torch.Tensor:
            calls.append(1)
            if len(calls) > 2:
                raise CannotCompute("gone")
            return compute(seen)

        return stops

    monkeypatch.setattr(serving, "compiled", stopping)
    network, seen = fresh("cmwra")
    served = ServedNetwork(network, tuple(seen.shape), "cpu")
    for _ in range(3):
        torch.testing.assert_close(served(seen), plain(network, seen), atol=1e-4, rtol=1e-4)
    assert served.engine == TORCH
    assert len(calls) == 3, "it is not asked again"


class _Odd(nn.Module):
    def forward(self, seen: torch.Tensor) -> torch.Tensor:
        return torch.cumsum(seen, dim=1).mean(dim=(1, 2))


def test_an_operation_that_is_not_known_leaves_the_network_to_torch() -> None:
    with pytest.raises(NotWritten, match="cumsum"):
        write_graph(_Odd(), (1, 4, 4))
    served = ServedNetwork(_Odd(), (1, 4, 4), "cpu")
    seen = torch.randn(1, 4, 4)
    assert served.engine == TORCH
    torch.testing.assert_close(served(seen), _Odd()(seen))


def test_the_engine_has_the_threads_that_torch_has(monkeypatch: pytest.MonkeyPatch) -> None:
    network, seen = fresh("cmwra")
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        settings = openvino_engine._settings("f32")
        compiled(network, tuple(seen.shape))(seen)
    finally:
        torch.set_num_threads(threads)
    assert settings["INFERENCE_NUM_THREADS"] == 1
    assert settings["ENABLE_CPU_PINNING"] is False


@pytest.mark.parametrize("name", ["cmwru-strip", "cmwra", "rcm2d"])
def test_half_precision_is_close_and_goes_on_without_a_captured_graph(
    name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """On the processor, where no graph can be captured: the same code as on a GPU, but for the name of the device."""

    def no_capture(*_: object) -> None:
        raise RuntimeError("CUDA error: operation not permitted when stream is capturing")

    monkeypatch.setattr(torch_engine, "_captured", no_capture)
    network, seen = fresh(name)
    with caplog.at_level(logging.INFO):
        compute = on_gpu(network, tuple(seen.shape), "cpu", torch.bfloat16)
    assert "not captured as a graph" in caplog.text
    answer = compute(seen)
    assert answer.dtype is torch.float32
    torch.testing.assert_close(answer, plain(network, seen), atol=0.05, rtol=0.05)
    assert all(weight.dtype is torch.float32 for weight in network.parameters()), "the network itself stays as it is"


def test_a_gpu_that_lacks_memory_says_so_to_whoever_can_fall_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    monkeypatch.setattr(torch_engine, "_captured", full)
    network, seen = fresh("cmwra")
    with pytest.raises(RuntimeError, match="out of memory"):
        on_gpu(network, tuple(seen.shape), "cpu", torch.bfloat16)


def test_half_precision_that_answers_otherwise_gives_way_to_full(monkeypatch: pytest.MonkeyPatch) -> None:
    network, seen = fresh("cmwra")
    served = ServedNetwork(network, tuple(seen.shape), "cpu")
    monkeypatch.setattr(served, "_engines", lambda: [("half", lambda: lambda x: plain(network, x) + 0.1)])
    assert served.engine == TORCH
    torch.testing.assert_close(served(seen), plain(network, seen))


@pytest.mark.parametrize("name", NETWORKS)
def test_a_real_gpu_answers_in_half_precision_by_a_captured_graph(name: str, cuda: str) -> None:
    network, seen = fresh(name)
    expected = plain(network, seen)
    served = ServedNetwork(network.to(cuda), tuple(seen.shape), cuda)
    for _ in range(2):
        torch.testing.assert_close(served(seen.to(cuda)).cpu(), expected, atol=0.02, rtol=0.0)
    assert served.engine == f"{TORCH} float16"


def test_loading_openvino_reports_to_nobody() -> None:
    """In a process of its own, where every way out is watched: its import asks for the network otherwise."""
    watch = """
import socket, sys
asked = []
def note(*args, **kwargs):
    asked.append(args)
    raise OSError("no network here")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = note
import time
from lsgui.inference.openvino_library import openvino, opset
assert openvino().Core().available_devices and opset()
time.sleep(0.5)
loaded = [name for name, module in sys.modules.items() if "telemetry" in name and module is not None]
print(asked, loaded)
"""
    done = subprocess.run([sys.executable, "-c", watch], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.strip() == "[] []", done.stderr


def test_a_network_that_is_loaded_while_another_answers_is_no_less_of_one() -> None:
    network_of.cache_clear()
    with torch.inference_mode():
        network = network_of("cmwru-strip", load_card("cmwru-strip").sha256, "cpu")
    assert not any(weight.is_inference() for weight in network.parameters())
    network_of.cache_clear()
