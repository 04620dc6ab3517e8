"""From a trained network to a graph of OpenVINO, for one shape of input: each operation is written down as its like.

The network is traced by its own `forward`, so there is no second description of it to keep in step. What it is made of
is looked up in three tables; an operation that is in none of them raises `NotWritten`, and torch computes instead.
"""

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, fx, nn
from torch.nn import functional

from lsgui.inference.openvino_library import openvino, opset

Floats = npt.NDArray[np.float32]


class NotWritten(Exception):  # noqa: N818  # says what happened; it is caught where torch takes over
    """The network has an operation that this file does not know."""


class Maps:
    """A value inside the graph.

    It has the `shape` that the network's own code asks for; `node` is what OpenVINO calls an output of a step.
    """

    def __init__(self, step: Any) -> None:
        self.node = step.output(0)

    @property
    def shape(self) -> tuple[int, ...]:
        """The lengths along its axes."""
        return tuple(-1 if one.is_dynamic else one.get_length() for one in self.node.get_partial_shape())

    @property
    def ndim(self) -> int:
        """How many axes it has."""
        return len(self.shape)


def write_graph(network: nn.Module, shape: tuple[int, ...]) -> Any:
    """Return an `openvino.Model` that computes what the network does in evaluation mode, for float32 of this shape.

    Raises
    ------
    NotWritten
        When the network has an operation, or a way to use one, that is not known here.
    """
    with torch.no_grad():
        try:
            traced = fx.symbolic_trace(network)
            parameter = opset().parameter(list(shape), dtype=np.float32, name="input")
            result = _walked(traced, Maps(parameter))
        except (fx.proxy.TraceError, KeyError, TypeError, AttributeError) as fault:
            raise NotWritten(f"{type(network).__name__}: {fault}") from fault
    return openvino().Model([result.node], [parameter], type(network).__name__)


def _walked(traced: fx.GraphModule, seen: Maps) -> Maps:
    """Go through a traced network and write each of its steps down; return its output."""
    known: dict[fx.Node, Any] = {}
    for step in traced.graph.nodes:
        if step.op == "output":
            break
        args = fx.node.map_arg(step.args, known.__getitem__)
        kwargs = fx.node.map_arg(step.kwargs, known.__getitem__)
        if step.op == "placeholder":
            known[step] = seen
        elif step.op == "get_attr":
            known[step] = operator.attrgetter(step.target)(traced)
        elif step.op == "call_module":
            known[step] = _layer(traced.get_submodule(step.target), *args, **kwargs)
        else:
            known[step] = _called(step.op, step.target, args, kwargs)
    result = fx.node.map_arg(step.args[0], known.__getitem__)
    if not isinstance(result, Maps):
        raise NotWritten("a network with other than one output")
    return result


def _layer(layer: nn.Module, *args: Any, **kwargs: Any) -> Any:
    for kind, write in _LAYERS.items():
        if isinstance(layer, kind):
            return write(layer, *args, **kwargs)
    raise NotWritten(type(layer).__name__)


def _called(how: str, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Write a function or a method, or just call it where it computes with lengths and not with maps."""
    if not _holds_maps(args) or target is getattr:
        return target(*args, **kwargs)
    table: dict[Any, Callable[..., Any]] = _METHODS if how == "call_method" else _FUNCTIONS
    if target not in table:
        raise NotWritten(str(getattr(target, "__name__", target)))
    return table[target](*args, **kwargs)


def _holds_maps(value: Any) -> bool:
    if isinstance(value, tuple | list):
        return any(map(_holds_maps, value))
    return isinstance(value, Maps)


def _constant(values: Any, dtype: Any = np.float32) -> Any:
    if isinstance(values, Tensor):
        values = values.detach().float().cpu().numpy()
    return opset().constant(np.ascontiguousarray(values, dtype=dtype))


def _whole(values: Any) -> Any:
    return _constant(values, np.int64)


def _node(value: Any) -> Any:
    return value.node if isinstance(value, Maps) else _constant(value)


def _tuple(value: Any, count: int) -> list[int]:
    return [int(one) for one in value] if isinstance(value, tuple | list) else [int(value)] * count


def _channelwise(values: Tensor, axes: int) -> Any:
    return _constant(values.reshape(1, -1, *(1,) * (axes - 2)))


# --- layers ---


def _convolve(
    maps: Maps,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Maps:
    if groups != 1 or isinstance(padding, str):
        raise NotWritten("a convolution in groups, or with a padding by name")
    axes = weight.ndim - 2
    around = _tuple(padding, axes)
    node = opset().convolution(
        maps.node, _constant(weight), _tuple(stride, axes), around, around, _tuple(dilation, axes)
    )
    return Maps(node if bias is None else opset().add(node, _channelwise(bias, weight.ndim)))


def _convolution_layer(layer: Any, maps: Maps) -> Maps:
    if layer.padding_mode != "zeros":
        raise NotWritten(f"padding by {layer.padding_mode}")
    return _convolve(maps, layer.weight, layer.bias, layer.stride, layer.padding, layer.dilation, layer.groups)


def _norm_layer(layer: Any, maps: Maps) -> Maps:
    scale = torch.rsqrt(layer.running_var + layer.eps) * (1.0 if layer.weight is None else layer.weight)
    shift = (0.0 if layer.bias is None else layer.bias) - layer.running_mean * scale
    node = opset().multiply(maps.node, _channelwise(scale, maps.ndim))
    return Maps(opset().add(node, _channelwise(shift, maps.ndim)))


def _instance_norm_layer(layer: Any, maps: Maps) -> Maps:
    if layer.affine or layer.track_running_stats:
        raise NotWritten("a normalisation of each picture with weights of its own")
    return Maps(opset().mvn(maps.node, _whole([2, 3]), True, layer.eps, "INSIDE_SQRT"))


def _pool_layer(layer: Any, maps: Maps) -> Maps:
    if layer.ceil_mode or layer.dilation != 1 or layer.return_indices:
        raise NotWritten("a pooling with other than the usual borders")
    axes = maps.ndim - 2
    kernel, around = _tuple(layer.kernel_size, axes), _tuple(layer.padding, axes)
    stride = _tuple(layer.stride, axes)
    return Maps(opset().max_pool(maps.node, stride, [1] * axes, around, around, kernel))


def _linear_layer(layer: Any, maps: Maps) -> Maps:
    node = opset().matmul(maps.node, _constant(layer.weight), False, True)
    return Maps(node if layer.bias is None else opset().add(node, _constant(layer.bias)))


def _gru_layer(layer: nn.GRU, maps: Maps) -> tuple[Maps, None]:
    """Write a recurrent layer; its last state is not given, for no network here asks for it."""
    if layer.num_layers != 1 or layer.bidirectional or not layer.batch_first or not layer.bias:
        raise NotWritten("a recurrent layer of another form")
    count, moments = maps.shape[:2]
    size = layer.hidden_size

    def reordered(weight: Any) -> Floats:  # torch has reset, update, new; OpenVINO update, reset, new
        reset, update, new = weight.detach().float().cpu().numpy().reshape(3, size, -1)
        return np.stack([update, reset, new])

    inner, outer = reordered(layer.bias_ih_l0)[..., 0], reordered(layer.bias_hh_l0)[..., 0]
    bias = np.concatenate([inner[0] + outer[0], inner[1] + outer[1], inner[2], outer[2]])
    node = opset().gru_sequence(
        maps.node,
        _constant(np.zeros((count, 1, size))),
        _constant(np.full(count, moments), np.int32),
        _constant(reordered(layer.weight_ih_l0).reshape(1, 3 * size, -1)),
        _constant(reordered(layer.weight_hh_l0).reshape(1, 3 * size, -1)),
        _constant(bias[None]),
        hidden_size=size,
        direction="forward",
        linear_before_reset=True,
    )
    return Maps(opset().squeeze(node.output(0), _whole([1]))), None


_LAYERS: dict[Any, Callable[..., Any]] = {
    nn.Conv1d | nn.Conv2d | nn.Conv3d: _convolution_layer,
    nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d: _norm_layer,
    nn.InstanceNorm2d: _instance_norm_layer,
    nn.MaxPool1d | nn.MaxPool2d | nn.MaxPool3d: _pool_layer,
    nn.Linear: _linear_layer,
    nn.GRU: _gru_layer,
    nn.ReLU: lambda _layer, maps: _relu(maps),
    nn.Flatten: lambda layer, maps: _flatten(maps, layer.start_dim, layer.end_dim),
    nn.Identity | nn.Dropout | nn.Dropout1d | nn.Dropout2d | nn.Dropout3d: lambda _layer, maps: maps,
}


# --- functions and methods ---


def _relu(maps: Maps) -> Maps:
    return Maps(opset().relu(maps.node))


def _two(write: str) -> Callable[[Any, Any], Maps]:
    return lambda one, other: Maps(getattr(opset(), write)(_node(one), _node(other)))


def _beside(maps: list[Maps], dim: int = 0) -> Maps:
    return Maps(opset().concat([_node(one) for one in maps], dim % maps[0].ndim))


def _reshape(maps: Maps, *shape: Any) -> Maps:
    wanted = shape[0] if len(shape) == 1 and isinstance(shape[0], tuple | list | torch.Size) else shape
    return Maps(opset().reshape(maps.node, _whole([int(one) for one in wanted]), False))


def _flatten(maps: Maps, start: int = 0, end: int = -1) -> Maps:
    start, end = start % maps.ndim, end % maps.ndim
    length = int(np.prod(maps.shape[start : end + 1]))
    return _reshape(maps, *maps.shape[:start], length, *maps.shape[end + 1 :])


def _mean(maps: Maps, dim: Any, keepdim: bool = False) -> Maps:
    axes = [one % maps.ndim for one in (dim if isinstance(dim, tuple | list) else (dim,))]
    return Maps(opset().reduce_mean(maps.node, _whole(axes), keepdim))


def _transpose(maps: Maps, one: int, other: int) -> Maps:
    order = list(range(maps.ndim))
    order[one], order[other] = order[other], order[one]
    return Maps(opset().transpose(maps.node, _whole(order)))


def _squeeze(maps: Maps, dim: int) -> Maps:
    return Maps(opset().squeeze(maps.node, _whole([dim % maps.ndim])))


def _take(maps: Any, places: Any) -> Any:
    if not isinstance(maps, Maps):
        return maps[places]
    node, gone = maps.node, []
    for axis, place in enumerate(places if isinstance(places, tuple) else (places,)):
        if isinstance(place, slice):
            start, stop, step = place.indices(maps.shape[axis])
            if (start, stop, step) == (0, maps.shape[axis], 1):
                continue
        elif isinstance(place, int):
            start, step = place % maps.shape[axis], 1
            stop = start + 1
            gone.append(axis)
        else:
            raise NotWritten(f"a choice by {type(place).__name__}")
        node = opset().slice(node, _whole([start]), _whole([stop]), _whole([step]), _whole([axis]))
    return Maps(opset().squeeze(node, _whole(gone)) if gone else node)


def _difference(maps: Maps, dim: int, prepend: Maps) -> Maps:
    longer = _beside([prepend, maps], dim)
    before: list[Any] = [slice(None)] * maps.ndim
    after = list(before)
    before[dim], after[dim] = slice(0, -1), slice(1, None)
    return _two("subtract")(_take(longer, tuple(after)), _take(longer, tuple(before)))


def _pooled_to(maps: Maps, length: int) -> Maps:
    """Write an adaptive average over the last axis: each of the new places is a mean of neighbouring old ones."""
    old = maps.shape[-1]
    share = functional.adaptive_avg_pool1d(torch.eye(old)[None], length)[0]  # (old, new)
    return Maps(opset().matmul(maps.node, _constant(share), False, False))


_FUNCTIONS: dict[Any, Callable[..., Any]] = {
    operator.add: _two("add"),
    operator.sub: _two("subtract"),
    operator.mul: _two("multiply"),
    operator.getitem: _take,
    torch.relu: _relu,
    torch.sigmoid: lambda maps: Maps(opset().sigmoid(maps.node)),
    torch.tanh: lambda maps: Maps(opset().tanh(maps.node)),
    torch.cat: _beside,
    torch.diff: _difference,
    functional.conv1d: _convolve,
    functional.conv2d: _convolve,
    functional.conv3d: _convolve,
    functional.adaptive_avg_pool1d: _pooled_to,
}

_METHODS: dict[str, Callable[..., Any]] = {
    "flatten": _flatten,
    "mean": _mean,
    "reshape": _reshape,
    "squeeze": _squeeze,
    "transpose": _transpose,
}
