"""The fastest forms that torch itself has for a network that only answers: on the processor, and on a CUDA GPU."""

import copy
import logging
from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor, nn

Compute = Callable[[Tensor], Tensor]

WARM_RUNS = 3
"""Runs before a graph is captured: the libraries behind torch choose their kernels and take their memory in them."""

logger = logging.getLogger(__name__)


def on_processor(network: nn.Module) -> Compute:
    """Return the network with its normalisations folded into its convolutions and its maps stored channels last."""
    fast = _channels_last(_folded(network))

    def compute(seen: Tensor) -> Tensor:
        with torch.inference_mode():
            answer: Tensor = fast(seen)
        return answer

    return compute


def on_gpu(
    network: nn.Module, shape: tuple[int, ...], device: str = "cuda", dtype: torch.dtype = torch.float16
) -> Compute:
    """Return the network in half precision, channels last, its kernels captured as one graph.

    A graph spares the processor the launch of each kernel, which for networks this small takes longer than the kernels.
    It holds for one shape: where an axis may differ in length, or capture fails, the kernels are launched one by one.

    Raises
    ------
    RuntimeError
        When the GPU has not enough memory, or fails.
    """
    fast = _channels_last(_folded(network)).to(dtype)

    def plain(seen: Tensor) -> Tensor:
        with torch.inference_mode():
            answer: Tensor = fast(seen.to(device, dtype))
            return answer.float()

    if min(shape) < 0:
        return plain
    try:
        return _captured(fast, torch.zeros(shape, device=device, dtype=dtype))
    except RuntimeError as fault:  # the GPU itself works: what lacks is capture
        if "out of memory" in str(fault).lower():
            raise
        logger.info("the network is not captured as a graph (%s)", (str(fault).splitlines() or [""])[0])
        return plain


def _captured(fast: nn.Module, place: Tensor) -> Compute:
    """Return what copies an input to `place`, runs the kernels as they were captured there, and takes the answer."""
    with torch.inference_mode():
        beside = torch.cuda.Stream()  # type: ignore[no-untyped-call]  # torch's own types end here
        beside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(beside):
            for _ in range(WARM_RUNS):
                fast(place)
        torch.cuda.current_stream().wait_stream(beside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            answer = fast(place)

    def compute(seen: Tensor) -> Tensor:
        with torch.inference_mode():
            place.copy_(seen)
            graph.replay()
            said: Tensor = answer.to(torch.float32, copy=True)  # the next run writes over `answer`
            return said

    return compute


def _folded(network: nn.Module) -> nn.Module:
    """Return a copy whose normalisations right behind a convolution are part of it."""
    fast = copy.deepcopy(network)
    for part in fast.modules():
        if isinstance(part, nn.Sequential):
            _fold_in(part)
    return fast


def _fold_in(layers: nn.Sequential) -> None:
    names = [name for name, _ in layers.named_children()]
    for first, second in pairwise(names):
        convolution, norm = layers.get_submodule(first), layers.get_submodule(second)
        if isinstance(convolution, nn.Conv1d | nn.Conv2d | nn.Conv3d) and isinstance(
            norm, nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d
        ):
            setattr(layers, first, torch.nn.utils.fuse_conv_bn_eval(convolution, norm))
            setattr(layers, second, nn.Identity())


def _channels_last(network: nn.Module) -> nn.Module:
    """Return the network with its kernels channels last; maps follow their kernels."""
    for tensor in (*network.parameters(), *network.buffers()):
        tensor.data = _stored(tensor.data)
    return network


def _stored(tensor: Tensor) -> Tensor:
    forms = {4: torch.channels_last, 5: torch.channels_last_3d}
    return tensor.contiguous(memory_format=forms[tensor.ndim]) if tensor.ndim in forms else tensor
