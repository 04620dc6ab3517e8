"""Networks of the cards, loaded once and kept: as torch has them, and ready to answer by the fastest engine."""

from functools import lru_cache

import torch

from lsgui.inference.serving import ServedNetwork
from lsgui.inference.whole_clip import StripScorer
from lsgui.models.card import ModelCard, load_card
from lsgui.models.checkpoint import build_network
from lsgui.models.preprocess import ClipInput


@lru_cache(maxsize=4)
def network_of(model_id: str, sha256: str, device: str) -> torch.nn.Module:
    """Return the network of a model's id or folder, ready to serve.

    It is kept by the hash of its weights, so that new weights are loaded.
    """
    card = load_card(model_id)
    with torch.inference_mode(False):  # it is kept for everyone: weights made in that mode could not be explained later
        return build_network(card).to(device).eval()


def strip_scorer(model_id: str, card: ModelCard, device: str) -> StripScorer:
    """Return what scores strips with the network of a card.

    Parameters
    ----------
    model_id
        The card's id or folder.
    """
    return _strip_scorer(model_id, card.sha256, device, card.calibration.temperature, torch.get_num_threads())


@lru_cache(maxsize=2)
def _strip_scorer(model_id: str, sha256: str, device: str, temperature: float, _threads: int) -> StripScorer:
    return StripScorer(network_of(model_id, sha256, device), device, temperature)


def picture_server(model_id: str, card: ModelCard, device: str) -> ServedNetwork:
    """Return the network of a card on pictures or their flow, ready to answer.

    Parameters
    ----------
    model_id
        The card's id or folder.
    """
    spec = ClipInput.from_card(card)
    return _picture_server(model_id, card.sha256, device, spec, card.calibration.temperature, torch.get_num_threads())


@lru_cache(maxsize=2)
def _picture_server(
    model_id: str, sha256: str, device: str, spec: ClipInput, temperature: float, _threads: int
) -> ServedNetwork:
    return ServedNetwork(network_of(model_id, sha256, device), input_shape(spec), device, temperature)


def input_shape(spec: ClipInput) -> tuple[int, ...]:
    """Return the shape of one window, or of one square of it, as a network of this input sees it."""
    if spec.kind == "flow":
        side = spec.patch or spec.size
        return 1, spec.frames - spec.flow_step, 2, side, side
    return 1, spec.frames, 1, spec.size, spec.size
