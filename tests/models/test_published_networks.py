"""The paper's networks, counted from what is built."""

import pytest
import torch

from lsgui.core.errors import ModelError
from lsgui.core.resources import model_dirs
from lsgui.models.base import find_spec
from lsgui.models.card import find_cards, load_card, read_card
from lsgui.models.cmwra import Cmwra
from lsgui.models.cmwru import Cmwru
from lsgui.models.rcm2d import Rcm2d

PUBLISHED = {"cmwru": 42_457_865, "cmwra": 335_588_305, "rcm2d": 6_827_717}


def count(network: torch.nn.Module) -> int:
    return sum(weight.numel() for weight in network.parameters())


@pytest.mark.parametrize("model", [*PUBLISHED, "inception2d"])
def test_a_card_counts_what_is_built(model: str) -> None:
    card = read_card(model_dirs()[-1] / model)
    with torch.device("meta"):  # counting takes no memory
        built = count(find_spec(model).build(card))
    assert card.parameters == built
    assert card.published_parameters == PUBLISHED.get(model)
    assert PUBLISHED.get(model, built) == built


def test_the_final_run_with_45_frames_has_its_count() -> None:
    with torch.device("meta"):
        assert count(Cmwru(45)) == 50_846_473
        assert count(Cmwru(40).stages) + count(Cmwru(40).stem) == 512_456


def test_the_networks_run_and_depend_on_their_input() -> None:
    torch.manual_seed(0)
    clips = torch.randn(3, 8, 1, 64, 64)
    for network in (Cmwru(8, 64), Rcm2d(64)):
        logits = network(clips)
        assert logits.shape == (3, 1)
        assert logits.std() > 0
    flow = torch.randn(3, 7, 2, 64, 64)
    assert Cmwra(8, 64)(flow).shape == (3, 1)


def test_inception_reads_frames_and_averages_them() -> None:
    network = find_spec("inception2d").build(read_card(model_dirs()[-1] / "inception2d")).eval()
    clip = torch.randn(1, 2, 1, 96, 96)
    with torch.inference_mode():
        whole = network(clip)
        singles = [network(clip[:, k : k + 1]) for k in (0, 1)]
    assert whole.item() == pytest.approx(sum(s.item() for s in singles) / 2, rel=1e-3, abs=1e-5)


def test_a_network_without_weights_is_listed_but_cannot_be_asked() -> None:
    assert not set(PUBLISHED) & set(find_cards())
    with pytest.raises(ModelError, match=r"comes without weights: train it, or choose one of cmwru-strip, motion"):
        load_card("cmwru")
