"""From a checkpoint of the published code to a folder with card and weights that lsgui can run."""

import itertools
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from lsgui.core.atomic_file import write_atomic
from lsgui.core.errors import ModelError
from lsgui.core.file_names import shown_name, text_name
from lsgui.models.base import find_spec
from lsgui.models.card import CARD_FILE, WEIGHTS_FILE, ModelCard, hash_file, write_card
from lsgui.models.checkpoint import save_tensors
from lsgui.models.preprocess import ClipInput
from lsgui.models.published_checkpoint import PublishedCheckpoint, fits, matched, read_published, take_part

ARCHITECTURES = ("cmwru", "cmwra", "rcm2d")
"""Networks of the published code."""

GREY_MEAN, GREY_STD = 41.6, 44.9
"""Of grey values in the scan areas of 17 public clips, 5 frames each, 256x256: for a file that does not say its own."""

PATCH = 32
"""Side in pixels of the squares below the pleural line on which the published code also trained."""

RAFT_FILE = "raft.safetensors"

_SIZES = (256, 128, 224, 64, 32, 112, 192, 320, 512)
_FRAMES = (40, 45, 30, 34, 60, *range(2, 129))
_MOST_FRAMES = 1000
_LONGEST_NAME = 80
_NO_SIZE = ("batch", "hidden", "kernel", "patch", "step", "window", "train", "test", "val")


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What the caller knows and the file may not say: None where it does not.

    Attributes
    ----------
    frames, size
        Of a window.
    mean, std
        Of the grey values, 0..255, that the network was trained with.
    """

    frames: int | None = None
    size: int | None = None
    mean: float | None = None
    std: float | None = None


def import_checkpoint(path: Path, architecture: str, out: Path, options: ImportOptions | None = None) -> ModelCard:
    """Convert a checkpoint into a model folder with card, weights and a read-me; return the card.

    Raises
    ------
    ModelError
        When the file cannot be read safely, belongs to another network, or the folder is taken: one sentence.
    """
    if architecture not in ARCHITECTURES:
        raise ModelError(f"A checkpoint is imported as one of {', '.join(ARCHITECTURES)}, not as {architecture!r}.")
    if (out / CARD_FILE).exists():
        raise ModelError(f"{out} holds a model already: choose another folder.")
    options = options or ImportOptions()
    checkpoint = read_published(path)
    tensors, raft = _without_raft(checkpoint.tensors) if architecture == "cmwra" else (checkpoint.tensors, None)
    card, network = _fitting(_draft(path, architecture, out, checkpoint, options), tensors, checkpoint, options)
    weights = matched(tensors, network, path.name)
    out.mkdir(parents=True, exist_ok=True)
    if raft is not None:
        save_tensors(raft, out / RAFT_FILE)
        named = {**card.hyperparameters, "raft": RAFT_FILE}
        card = card.model_copy(update={"hyperparameters": named, "raft_sha256": hash_file(out / RAFT_FILE)})
    digest = save_tensors(weights, out / WEIGHTS_FILE)
    count = sum(weight.numel() for weight in network.parameters())
    card = card.model_copy(
        update={"sha256": digest, "parameters": count, "published_parameters": count, "architecture_only": False}
    )
    write_card(card, out)
    write_atomic(out / "README.md", _readme(card).encode("utf-8"))
    return card


def _draft(path: Path, architecture: str, out: Path, file: PublishedCheckpoint, options: ImportOptions) -> ModelCard:
    name = sayable_name(path.name)
    limits = [f"Imported from {name}: what it was trained on and how well it does is not known here."]
    if options.mean is None and _grey(file.settings) is None:
        limits.append(
            f"The file does not say mean and deviation of its grey values: {GREY_MEAN} and {GREY_STD} are taken."
        )
    if architecture == "cmwra":
        limits.append("RAFT is fed -1 to 1 here, as it expects; the published code fed it z-scored frames.")
    dropout = file.settings.get("dropout")
    known = isinstance(dropout, float) and 0.0 <= dropout < 1.0
    return ModelCard(
        id=out.name if re.fullmatch(r"[a-z0-9][a-z0-9._-]*", out.name) else f"{architecture}-imported",
        title=f"Imported {architecture.upper()} ({name})",
        version="1",
        architecture=architecture,
        input=_input(architecture, 1, 32, file, options).to_model_input(),
        hyperparameters={"head": "published", **({"dropout": dropout} if known else {})},
        threshold=0.5,
        threshold_source="the published code's fixed threshold",
        abstain=(0.5, 0.5),
        parameters=0,
        architecture_only=True,
        trained_on="not known: an imported checkpoint",
        command=f"lsgui models --import {name} --as {architecture} --out {sayable_name(out.name)}",
        limits=tuple(limits),
        folder=out,
    )


def sayable_name(name: str) -> str:
    """Return a file's name as a card can hold it, short and on one line."""
    shown = shown_name(text_name(name))
    return shown if len(shown) <= _LONGEST_NAME else f"{shown[: _LONGEST_NAME - 20]}...{shown[-17:]}"


def _fitting(
    draft: ModelCard, tensors: Mapping[str, Tensor], file: PublishedCheckpoint, options: ImportOptions
) -> tuple[ModelCard, torch.nn.Module]:
    """Return the card with the frames and size whose network has the file's layers, and that network without memory."""
    nearest: tuple[ModelCard, torch.nn.Module] | None = None
    for frames, size in _candidates(draft.architecture, file, options):
        spec = _input(draft.architecture, frames, size, file, options)
        card = draft.model_copy(update={"input": spec.to_model_input()})
        with torch.device("meta"):
            network: torch.nn.Module = find_spec(card.architecture).build(card)
        if fits(tensors, network):
            return card, network
        nearest = nearest or (card, network)
    if nearest is None:
        raise ModelError("No frames and size to try: give --frames and --size.")
    return nearest  # matching it says what differs


def _candidates(architecture: str, file: PublishedCheckpoint, options: ImportOptions) -> Iterator[tuple[int, int]]:
    """Yield (frames, size) from what is known to what is usual; the same layers may fit several numbers of frames."""
    said_frames = options.frames or _hint(file.settings, ("frame", "seq", "clip_len", "length"), 2, _MOST_FRAMES)
    said_size = options.size or _hint(file.settings, ("size", "resize", "height", "width"), 16, 1024)
    sizes = (options.size,) if options.size else tuple(dict.fromkeys((*([said_size] if said_size else []), *_SIZES)))
    default = 30 if architecture == "rcm2d" else 40
    usual = tuple(dict.fromkeys((*([said_frames] if said_frames else []), default, *_FRAMES)))
    frames = (options.frames,) if options.frames else usual[:1] if architecture == "rcm2d" else usual
    yield from ((count, side) for side, count in itertools.product(sizes, frames))


def _input(architecture: str, frames: int, size: int, file: PublishedCheckpoint, options: ImportOptions) -> ClipInput:
    grey = _grey(file.settings) or (GREY_MEAN, GREY_STD)
    mean = grey[0] if options.mean is None else options.mean
    std = grey[1] if options.std is None else options.std
    if architecture == "cmwra":
        step = _hint(file.settings, ("flow_step", "step"), 1, 3) or 1
        frames = max(frames, step + 1)
        if size == PATCH:
            return ClipInput("flow", frames, 256, flow_step=step, patch=PATCH)
        return ClipInput("flow", frames, size, flow_step=step)
    kind: Literal["frame", "patches"] = "patches" if size == PATCH else "frame"
    return ClipInput(kind, frames, size, mean=mean, std=std)


def _hint(settings: Mapping[str, Any], words: tuple[str, ...], least: int, most: int) -> int | None:
    """Return the first whole number within bounds whose name holds one of the words."""
    for name, value in settings.items():
        if not any(word in name for word in words) or any(word in name for word in _NO_SIZE if word not in words):
            continue
        first = value[0] if isinstance(value, list | tuple) and value else value
        if isinstance(first, int) and not isinstance(first, bool) and least <= first <= most:
            return first
    return None


def _grey(settings: Mapping[str, Any]) -> tuple[float, float] | None:
    """Return mean and deviation of the grey values in 0..255 where the file says both."""
    mean, std = (_number(settings, name) for name in ("mean", "std"))
    if mean is None or std is None or not std > 0:
        return None
    scale = 255.0 if std <= 1.0 else 1.0
    return mean * scale, std * scale


def _number(settings: Mapping[str, Any], name: str) -> float | None:
    value = settings.get(name, next((settings[key] for key in settings if key.endswith(f"_{name}")), None))
    if isinstance(value, Tensor | list | tuple):
        value = torch.as_tensor(value).flatten()[0].item() if len(torch.as_tensor(value).flatten()) else None
    usable = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if usable and value is not None else None


def _without_raft(tensors: dict[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor] | None]:
    """Part the tensors of RAFT, which the published network carries along, from the others."""
    from lsgui.models.raft import build_raft_large, build_raft_small

    for build in (build_raft_small, build_raft_large):
        with torch.device("meta"):
            wanted = build().state_dict()
        part = take_part(tensors, wanted)
        if part is not None:
            raft, prefix = part
            rest = {name: tensor for name, tensor in tensors.items() if name.removeprefix(prefix) not in raft}
            return rest, {name: tensor.contiguous() for name, tensor in raft.items()}
    return tensors, None


def _readme(card: ModelCard) -> str:
    frames, size = (card.input.size or (0, 0))[:2]
    lines = [
        f"# {card.id}",
        "",
        f"{card.title}: a checkpoint of the published code, converted.",
        "",
        f"Input: {frames} moments of {size}x{size}, {card.input.kind}. {card.parameters:,} parameters.",
        "",
        f"Made with `{card.command}`.",
        "",
        *(f"- {limit}" for limit in card.limits),
        "",
    ]
    return "\n".join(lines)
