"""The registry of network architectures. No torch at import: a builder imports it when it builds.

A model file `lsgui/models/<name>.py` registers itself with one line,
``MODELS.register("cmwru-strip")(ModelSpec("cmwru-strip", "strip", build))``, where ``build(card)`` returns
a ``torch.nn.Module``. `find_spec` imports the model files on demand.
"""

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lsgui import models
from lsgui.core.errors import ModelError
from lsgui.core.registry import Registry
from lsgui.models.card import InputKind, ModelCard

_NOT_MODELS = frozenset(
    {
        "base",
        "card",
        "checkpoint",
        "checkpoint_import",
        "hyperparameters",
        "pooled_head",
        "preprocess",
        "published_checkpoint",
        "raft",
        "residual3d",
        "strip_sharing",
    }
)


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """How a network is built.

    Attributes
    ----------
    id
        The card's `architecture`.
    input
        The kind of input that the network takes.
    build
        Card to a ``torch.nn.Module`` with fresh weights, from `card.input` and `card.hyperparameters`; its output is
        the logit of absent sliding.
    """

    id: str
    input: InputKind
    build: Callable[[ModelCard], Any]


MODELS: Registry[ModelSpec] = Registry("model")


def import_model_files() -> None:
    """Import every model file of this folder, so that each registers itself."""
    for part in pkgutil.iter_modules(models.__path__):
        if part.name not in _NOT_MODELS:
            importlib.import_module(f"lsgui.models.{part.name}")


def find_spec(architecture: str) -> ModelSpec:
    """Return the registered architecture of this name.

    Raises
    ------
    ModelError
        When no model file registers it.
    """
    if architecture not in MODELS:
        import_model_files()
    if architecture not in MODELS:
        known = ", ".join(MODELS) or "none"
        raise ModelError(f"The architecture {architecture!r} is not known here (known: {known}): update lsgui.")
    return MODELS[architecture]
