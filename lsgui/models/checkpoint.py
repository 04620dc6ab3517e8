"""Weights to file and back: safetensors only, atomic, every name accounted for."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from lsgui.core.atomic_file import write_atomic
from lsgui.core.errors import ModelError
from lsgui.models.base import find_spec
from lsgui.models.card import ModelCard

_LEAST_BYTES = 2
"""Of a number in a file of weights."""


def save_weights(
    module: torch.nn.Module, path: Path, metadata: Mapping[str, str] | None = None, *, half: bool = False
) -> str:
    """Write the module's weights and buffers to `path` and return the file's SHA-256.

    The file appears whole or not at all: it is written beside its place and moved there.

    Parameters
    ----------
    half
        Matrices and kernels as float16, which halves the file; they are read back as float32. Vectors, which are few
        and include the statistics of normalisations, keep their precision.
    """
    tensors = {name: _stored(tensor, half) for name, tensor in module.state_dict().items()}
    return save_tensors(tensors, path, metadata)


def _stored(tensor: torch.Tensor, half: bool) -> torch.Tensor:
    dtype = torch.float16 if half and tensor.is_floating_point() and tensor.ndim > 1 else tensor.dtype
    return tensor.detach().cpu().to(dtype).contiguous().clone()


def save_tensors(tensors: Mapping[str, torch.Tensor], path: Path, metadata: Mapping[str, str] | None = None) -> str:
    """Write tensors by name to `path`, whole or not at all, and return the file's SHA-256."""
    data = save(dict(tensors), metadata=dict(metadata) if metadata else None)
    write_atomic(path, data)
    return hashlib.sha256(data).hexdigest()


def load_weights(module: torch.nn.Module, data: bytes, name: str) -> None:
    """Put weights into `module`; every tensor must be there with its shape, and no other.

    Weights that are stored as float16 become what the network has.

    Parameters
    ----------
    module
        The network, freshly built.
    data
        Content of a safetensors file.
    name
        What to call the model or file in a message.

    Raises
    ------
    ModelError
        When the data are damaged or belong to another network.
    """
    try:
        tensors = load(data)
    except (SafetensorError, ValueError, KeyError, TypeError, RuntimeError) as fault:
        raise ModelError(f"{name}: the weights are damaged ({fault}): install the model again.") from fault
    wanted = module.state_dict()
    wrong = [key for key in wanted if key not in tensors or tensors[key].shape != wanted[key].shape]
    extra = [key for key in tensors if key not in wanted]
    if wrong or extra:
        raise ModelError(
            f"{name}: the weights belong to another network ({len(wrong)} of {len(wanted)} tensors do not fit, "
            f"{len(extra)} are unknown; first: {(wrong + extra)[0]}): install the model again."
        )
    if not all(bool(torch.isfinite(tensor).all()) for tensor in tensors.values() if tensor.is_floating_point()):
        raise ModelError(f"{name}: its weights are not all finite numbers: install the model again.")
    module.load_state_dict(tensors, strict=True)


def build_network(card: ModelCard) -> torch.nn.Module:
    """Return the network that a card describes, with its weights.

    It is first built without memory: a card may ask for more than there is, and its weights would not fill it.

    Raises
    ------
    ModelError
        When it cannot be built, or the weights are not the card's.
    """
    build = find_spec(card.architecture).build
    size = card.weights_bytes()
    try:
        with torch.device("meta"):
            sketch: torch.nn.Module = build(card)
        if _LEAST_BYTES * sum(tensor.numel() for tensor in sketch.state_dict().values()) > size:
            raise ModelError(f"Model {card.id}: its weights are too few for its network: install the model again.")
        network: torch.nn.Module = build(card)
    except (RuntimeError, TypeError, ValueError, ArithmeticError, LookupError, MemoryError) as fault:
        raise ModelError(f"Model {card.id}: its card describes no network: install the model again.") from fault
    load_model_weights(network, card)
    return network


def load_model_weights(module: torch.nn.Module, card: ModelCard) -> None:
    """Put the card's weights into `module` after checking their hash.

    Raises
    ------
    ModelError
        When the file is missing, is not the card's, or belongs to another network.
    """
    load_weights(module, card.read_weights(), f"Model {card.id}")
