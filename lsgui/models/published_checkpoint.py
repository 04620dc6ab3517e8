"""Checkpoints of the published code: read without running anything in them, layers found by order, kind and shape.

Such a file is a dictionary with `model_state_dict` and `hyperparameters`. What its layers are called is not known, so
they are told by what they are.
"""

import warnings
import zipfile
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy._core.multiarray import scalar as numpy_scalar
from torch import Tensor

from lsgui.core.errors import ModelError
from lsgui.core.plain_file import check_plain, in_time

_STATES = ("model_state_dict", "state_dict", "model", "network", "net")
_COUNTER = "num_batches_tracked"
_MOST_BYTES = 8 << 30
"""The largest checkpoint: the weights of the largest network, and what its training kept beside them."""
_UNPACKED_BYTES, _REPEATED_BYTES = 64 << 20, 2 << 30
"""To which any file may unpack, and to which tensors may come that say they repeat what there is of them."""
_DEEPEST = 8

# A loss of numpy's type beside the weights is common, and a number can do nothing.
_NUMBERS: list[Callable[..., Any] | tuple[Callable[..., Any], str]] = [
    numpy_scalar,
    (numpy_scalar, "numpy.core.multiarray.scalar"),
    np.dtype,
    *(type(np.dtype(name)) for name in ("float64", "float32", "int64", "int32", "bool")),
]

Shape = tuple[int, ...]
Signature = tuple[tuple[str, Shape], ...]


@dataclass(frozen=True, slots=True)
class PublishedCheckpoint:
    """What a file holds: tensors by name in their order, and the settings beside them."""

    tensors: dict[str, Tensor]
    settings: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Layer:
    """The tensors of one layer: its name, and the last part of each tensor's name with the shape."""

    name: str
    signature: Signature

    @property
    def is_norm(self) -> bool:
        return any(leaf == "running_mean" for leaf, _ in self.signature)


def read_published(path: Path) -> PublishedCheckpoint:
    """Read a checkpoint; nothing that it may contain is run.

    Raises
    ------
    ModelError
        When the file is missing, is damaged, holds more than numbers, or holds no weights.
    """
    try:
        content = load_safely(path)
    except OSError as fault:
        raise ModelError(f"{path}: the checkpoint cannot be read ({fault.strerror}): choose another file.") from fault
    except Exception as fault:  # whatever a damaged or hostile file does, it ends here
        raise ModelError(
            f"{path} is damaged or holds more than weights and numbers, which may be harmful: it is not opened; save "
            "it again with nothing but weights and plain settings."
        ) from fault
    tensors = _tensors_of(content)
    if not tensors:
        raise ModelError(f"{path} holds no weights: a checkpoint has them under 'model_state_dict'.")
    if any(t.is_floating_point() and not bool(torch.isfinite(t).all()) for t in tensors.values()):
        raise ModelError(f"{path} holds weights that are not finite numbers: its training failed, choose another one.")
    settings = content.get("hyperparameters") if isinstance(content, dict) else None
    return PublishedCheckpoint(tensors, _plain(settings))


def load_safely(path: Path) -> Any:
    """Return what torch finds in a file, without running anything in it, and in memory like the file's size.

    Raises
    ------
    OSError
        When the file cannot be read or is too large for weights.
    Exception
        Whatever damage leads to; ValueError where it would unfold to more than its size.
    """
    size = in_time(path, lambda: check_plain(path, _MOST_BYTES))
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as parts:
            if sum(part.file_size for part in parts.infolist()) > 2 * size + _UNPACKED_BYTES:
                raise ValueError("it unfolds to more than its size")
    with torch.serialization.safe_globals(_NUMBERS), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what torch thinks of the file's format: it is read or refused
        content = torch.load(path, map_location="cpu", weights_only=True)
    if sum(tensor.numel() * tensor.element_size() for tensor in _all_tensors(content)) > 2 * size + _REPEATED_BYTES:
        raise ValueError("it repeats its numbers without end")
    return content


def _all_tensors(content: Any, depth: int = 0) -> Iterator[Tensor]:
    """Yield the tensors in what was read: one may say that it is larger than what there is of it."""
    if isinstance(content, Tensor):
        yield content
    elif depth < _DEEPEST and isinstance(content, Mapping | list | tuple):
        for part in content.values() if isinstance(content, Mapping) else content:
            yield from _all_tensors(part, depth + 1)


def _tensors_of(content: Any) -> dict[str, Tensor]:
    if not isinstance(content, Mapping):
        return {}
    for key in _STATES:
        if isinstance(content.get(key), Mapping):
            content = content[key]
            break
    named = {str(name): value for name, value in content.items()}
    return named if all(isinstance(value, Tensor) for value in named.values()) else {}


def _plain(settings: Any) -> dict[str, Any]:
    """Return settings as one flat mapping of lower-case names."""
    flat: dict[str, Any] = {}
    for name, value in settings.items() if isinstance(settings, Mapping) else ():
        flat |= _plain(value) if isinstance(value, Mapping) else {str(name).lower(): value}
    return flat


def take_part(tensors: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], str] | None:
    """Return the tensors of a network that is part of another, by its own names, and the prefix they had; else None."""
    first = next(iter(wanted))
    for name in tensors:
        prefix = name.removesuffix(first)
        if prefix == name and first:
            continue
        found = {key: tensors.get(prefix + key) for key in wanted}
        if all(tensor is not None and tensor.shape == wanted[key].shape for key, tensor in found.items()):
            return {key: tensor for key, tensor in found.items() if tensor is not None}, prefix
    return None


def matched(tensors: Mapping[str, Tensor], network: torch.nn.Module, name: str) -> dict[str, Tensor]:
    """Return the tensors under the names of `network`: every one is used once, and none is left.

    Layers are matched in their order, each to one of the same kind and shapes. A normalisation stays with the layer
    before it, so that the order in which shortcuts are listed does not matter.

    Parameters
    ----------
    network
        The network, built on any device: only names and shapes are read.
    name
        What to call the file in a message.

    Raises
    ------
    ModelError
        When the layers are not those of the network.
    """
    wanted = network.state_dict()
    there, here = _layers(tensors), _layers(wanted)
    pairs = _pairs(_units(there), _units(here)) or _pairs([(layer,) for layer in there], [(layer,) for layer in here])
    if pairs is None:
        raise ModelError(f"{name} belongs to another network: {_difference(there, here)}.")
    found: dict[str, Tensor] = {}
    for theirs, ours in pairs:
        for leaf, _ in ours.signature:
            found[_join(ours.name, leaf)] = tensors[_join(theirs.name, leaf)].to(torch.float32).contiguous()
        if ours.is_norm:
            counter = tensors.get(_join(theirs.name, _COUNTER), torch.tensor(0))
            found[_join(ours.name, _COUNTER)] = counter.to(torch.int64)
    assert found.keys() == wanted.keys()
    return found


def fits(tensors: Mapping[str, Tensor], network: torch.nn.Module) -> bool:
    """Return whether the layers are those of `network`, whatever their order."""
    return Counter(layer.signature for layer in _layers(tensors)) == Counter(
        layer.signature for layer in _layers(network.state_dict())
    )


def _join(name: str, leaf: str) -> str:
    return f"{name}.{leaf}" if name else leaf


def _layers(tensors: Mapping[str, Tensor]) -> list[_Layer]:
    parts: dict[str, list[tuple[str, Shape]]] = {}
    for name, tensor in tensors.items():
        layer, _, leaf = name.rpartition(".")
        if leaf != _COUNTER:
            parts.setdefault(layer, []).append((leaf, tuple(tensor.shape)))
    return [_Layer(layer, tuple(sorted(leaves))) for layer, leaves in parts.items()]


def _units(layers: Sequence[_Layer]) -> list[tuple[_Layer, ...]]:
    """Return each layer together with the normalisation that follows it."""
    units: list[tuple[_Layer, ...]] = []
    for layer in layers:
        if layer.is_norm and units and len(units[-1]) == 1 and not units[-1][0].is_norm:
            units[-1] = (*units[-1], layer)
        else:
            units.append((layer,))
    return units


def _pairs(
    there: Iterable[tuple[_Layer, ...]], here: Sequence[tuple[_Layer, ...]]
) -> list[tuple[_Layer, _Layer]] | None:
    """Pair units of equal signature in their order; None where one is left over on either side."""
    waiting: dict[tuple[Signature, ...], deque[tuple[_Layer, ...]]] = defaultdict(deque)
    for unit in there:
        waiting[tuple(layer.signature for layer in unit)].append(unit)
    pairs: list[tuple[_Layer, _Layer]] = []
    for ours in here:
        queue = waiting[tuple(layer.signature for layer in ours)]
        if not queue:
            return None
        pairs += zip(queue.popleft(), ours, strict=True)
    return None if any(waiting.values()) else pairs


def _difference(there: Sequence[_Layer], here: Sequence[_Layer]) -> str:
    has, needs = Counter(layer.signature for layer in there), Counter(layer.signature for layer in here)
    extra = next((layer for layer in there if has[layer.signature] > needs[layer.signature]), None)
    if extra is not None:
        return f"its layer {extra.name} {_shapes(extra)} has no place in it"
    missing = next(layer for layer in here if needs[layer.signature] > has[layer.signature])
    return f"it lacks a layer like {missing.name} {_shapes(missing)}"


def _shapes(layer: _Layer) -> str:
    return ", ".join(f"{leaf} {'x'.join(map(str, shape)) or 'scalar'}" for leaf, shape in layer.signature)
