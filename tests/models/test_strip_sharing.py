"""Many windows in one pass: the answers of window by window, with fewer multiplications."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from lsgui.imaging.strip_channels import CHANNELS
from lsgui.models.cmwru_strip import CmwruStrip
from lsgui.models.strip_sharing import STEP_BLOCKS, WINDOW_BLOCKS, SharedCmwruStrip, blocks_of


def trained(width: int = 4) -> CmwruStrip:
    """A network whose normalisations have seen something: their folding is part of what is tested."""
    torch.manual_seed(width)
    network = CmwruStrip(width)
    with torch.no_grad():
        for part in network.modules():
            if isinstance(part, torch.nn.BatchNorm1d | torch.nn.BatchNorm3d):
                part.running_mean.normal_(0.0, 0.3)
                part.running_var.uniform_(0.05, 0.2)
                part.weight.uniform_(0.5, 1.5)
                part.bias.normal_(0.0, 0.3)
    return network.eval()


def one_by_one(blocks: torch.Tensor) -> torch.Tensor:
    """The windows that one pass over these blocks scores, as the network itself wants them."""
    begin = range(0, len(blocks) - WINDOW_BLOCKS + 1, STEP_BLOCKS)
    return torch.stack([blocks[k : k + WINDOW_BLOCKS].transpose(0, 1) for k in begin])


@pytest.mark.parametrize("windows", [1, 2, 3, 4, 5, 8, 13])
@pytest.mark.parametrize("columns", [8, 9, 10, 11, 31])
def test_a_pass_says_what_each_window_says_by_itself(windows: int, columns: int) -> None:
    network = trained()
    blocks = torch.randn(blocks_of(windows), CHANNELS, 32, columns)
    with torch.inference_mode():
        expected = network(one_by_one(blocks))
        found = SharedCmwruStrip(network)(blocks)
    assert len(expected) == windows
    assert expected.std() > 0.03
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0.0)


def test_every_block_counts_for_the_windows_that_hold_it_and_for_no_other() -> None:
    shared = SharedCmwruStrip(trained())
    blocks = torch.randn(blocks_of(6), CHANNELS, 32, 8)
    with torch.inference_mode():
        before = shared(blocks)
        for block in range(len(blocks)):
            changed = blocks.clone()
            changed[block] += 1.0
            moved = (shared(changed) - before).abs().amax(dim=1) > 1e-6
            holds = [k * STEP_BLOCKS <= block < k * STEP_BLOCKS + WINDOW_BLOCKS for k in range(6)]
            assert moved.tolist() == holds


def multiplications(network: torch.nn.Module, seen: torch.Tensor) -> int:
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        network(seen)
    return counter.get_total_flops() // 2


def test_a_pass_multiplies_little_more_than_half_as_often() -> None:
    network = trained(16)
    blocks = torch.randn(blocks_of(8), CHANNELS, 32, 60)
    apart = multiplications(network, one_by_one(blocks))
    together = multiplications(SharedCmwruStrip(network), blocks)
    assert apart == 8 * multiplications(network, one_by_one(blocks)[:1])
    assert together < 0.6 * apart
    longer = torch.randn(blocks_of(45), CHANNELS, 32, 60)
    assert multiplications(SharedCmwruStrip(network), longer) / 45 < together / 8


def test_later_changes_of_the_network_do_not_reach_its_pass() -> None:
    network = trained()
    shared, blocks = SharedCmwruStrip(network), torch.randn(blocks_of(2), CHANNELS, 32, 8)
    with torch.inference_mode():
        before = shared(blocks)
        for weight in network.parameters():
            weight.zero_()
        torch.testing.assert_close(shared(blocks), before)
