"""Read a network's hyper-parameters from its card: typed, within bounds, one sentence where they are not."""

from lsgui.core.errors import ModelError
from lsgui.models.card import ModelCard

PUBLISHED_DROPOUT = 0.65


def whole(card: ModelCard, name: str, default: int, least: int = 1, most: int = 4096) -> int:
    """Return a whole number.

    Raises
    ------
    ModelError
        When the card has something else there.
    """
    value = card.hyperparameters.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ModelError(f"Model {card.id}: {name} must be a whole number from {least} to {most}, not {value!r}.")
    return value


def share(card: ModelCard, name: str, default: float) -> float:
    """Return a number from 0 to below 1, such as a dropout.

    Raises
    ------
    ModelError
        When the card has something else there.
    """
    value = card.hyperparameters.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 <= value < 1.0:
        raise ModelError(f"Model {card.id}: {name} must be a number from 0 to below 1, not {value!r}.")
    return float(value)


def flag(card: ModelCard, name: str, default: bool) -> bool:
    """Return true or false.

    Raises
    ------
    ModelError
        When the card has something else there.
    """
    value = card.hyperparameters.get(name, default)
    if not isinstance(value, bool):
        raise ModelError(f"Model {card.id}: {name} must be true or false, not {value!r}.")
    return value


def pooled_head(card: ModelCard) -> bool:
    """Return whether the card asks for the small head (`head`: "pooled") instead of the paper's ("published").

    Raises
    ------
    ModelError
        When it names another one.
    """
    value = card.hyperparameters.get("head", "published")
    if value not in ("published", "pooled"):
        raise ModelError(f"Model {card.id}: the head is published or pooled, not {value!r}.")
    return bool(value == "pooled")


def frames_and_size(card: ModelCard, frames: int, size: int) -> tuple[int, int]:
    """Return (frames, side of the square) of the card's input, or the given ones where it names none.

    Raises
    ------
    ModelError
        When the size of the input is not that of square pictures.
    """
    wanted = card.input.size or (frames, size, size)
    if len(wanted) not in (2, 3) or min(wanted) < 1 or wanted[1] != wanted[-1]:
        raise ModelError(f"Model {card.id}: an input of size {wanted} is not one of square pictures.")
    return wanted[0], wanted[1]
