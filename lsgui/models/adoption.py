"""Taking a trained model into the user's own models, where every command and the window find it by name."""

import hashlib
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path

from lsgui.core.errors import ModelError
from lsgui.core.plain_file import read_plain
from lsgui.core.resources import own_models_dir
from lsgui.models.card import LONGEST_TITLE, WEIGHTS_BYTES, WEIGHTS_FILE, ModelCard, find_cards, read_card, write_card


def adopt_model(folder: Path, name: str = "") -> ModelCard:
    """Copy a model's card and weights into the user's own models and return the card there.

    Parameters
    ----------
    folder
        A folder with a card, such as that of a training run.
    name
        The id under which it is asked for; by default its own, with the beginning of its hash where another model has
        that id: the shipped one stays what it is.

    Raises
    ------
    ModelError
        When the folder holds no usable model, the name is taken by other weights, or nothing can be written.
    """
    card = read_card(folder)
    if not card.can_be_asked or not card.needs_weights:
        raise ModelError(
            f"{folder}: it holds no trained weights that give a verdict: name the folder of a training run."
        )
    weights = {WEIGHTS_FILE: card.read_weights()}
    if card.raft_path is not None:
        weights[card.raft_path.name] = _read(card.raft_path)
        card = card.model_copy(update={"raft_sha256": hashlib.sha256(weights[card.raft_path.name]).hexdigest()})
    known = find_cards()
    chosen = name or card.id
    if not name and chosen in known and known[chosen].sha256 != card.sha256:
        chosen = f"{card.id}-{card.sha256[:6]}"
    if chosen in known:
        if known[chosen].sha256 == card.sha256:
            return known[chosen]
        raise ModelError(f"There is another model called {chosen!r}: choose another name with --as.")
    adopted = _renamed(card, chosen)
    _put(adopted, weights, own_models_dir() / chosen)
    return read_card(own_models_dir() / chosen)


def _renamed(card: ModelCard, name: str) -> ModelCard:
    if name == card.id:
        return card
    title = f"{card.title} ({name})"[:LONGEST_TITLE]
    try:
        return ModelCard.model_validate({**card.model_dump(), "id": name, "title": title})
    except ValueError as fault:
        raise ModelError(
            f"{name!r} cannot be a model's name: use small letters, digits, dots, dashes and underscores."
        ) from fault


def _read(path: Path) -> bytes:
    try:
        return read_plain(path, WEIGHTS_BYTES)
    except OSError as fault:
        raise ModelError(
            f"{path}: the RAFT weights cannot be read ({fault.strerror}): put them beside the card."
        ) from fault


def _put(card: ModelCard, weights: Mapping[str, bytes], folder: Path) -> None:
    """Write a model's folder whole: it is found only once its card and weights are both there."""
    draft = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}")
    try:
        draft.mkdir(parents=True)
        for name, data in weights.items():
            (draft / name).write_bytes(data)
        write_card(card, draft)
        draft.rename(folder)
    except OSError as fault:
        raise ModelError(
            f"{folder}: the model cannot be put there ({fault.strerror}): check disk and rights."
        ) from fault
    finally:
        shutil.rmtree(draft, ignore_errors=True)
