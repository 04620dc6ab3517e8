import pytest
import torch

from lsgui.imaging.strip_channels import CHANNELS
from lsgui.models.base import find_spec
from lsgui.models.cmwru_strip import SEGMENT_COLUMNS, CmwruStrip


@pytest.mark.parametrize("columns", [16, 32, 69, 145])
def test_one_logit_for_every_stretch_of_pleura(columns: int) -> None:
    network = CmwruStrip(4).eval()
    logits = network(torch.zeros(2, CHANNELS, 8, 32, columns // 2))
    assert logits.shape == (2, -(-(columns // 2) // (SEGMENT_COLUMNS // 2)))


def test_depth_matters() -> None:
    torch.manual_seed(0)
    network = CmwruStrip(4).eval()
    above, below = torch.zeros(1, CHANNELS, 8, 32, 16), torch.zeros(1, CHANNELS, 8, 32, 16)
    above[:, :, :, 4:10] = 1.0
    below[:, :, :, 16:22] = 1.0
    assert not torch.allclose(network(above), network(below))


def test_short_windows_are_accepted() -> None:
    assert torch.isfinite(CmwruStrip(4).eval()(torch.zeros(1, CHANNELS, 2, 32, 16))).all()


def test_the_architecture_is_registered() -> None:
    assert find_spec("cmwru-strip").input == "strip"
