import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tiny_samples import RECIPE, TinyNetwork, TinySamples
from torch import nn

from lsgui.training.clips.trainer import train_network
from lsgui.training.distributed import World, local_threads, share_batch_statistics

SCRIPT = """
import sys
from pathlib import Path
from safetensors.torch import save_file
from tiny_samples import RECIPE, TinyNetwork, TinySamples
from lsgui.training.distributed import joined
from lsgui.training.clips.trainer import train_network

out = Path(sys.argv[1])
with joined("cpu") as world:
    assert world.size == 2
    network = TinyNetwork(dropout=0.0, seed=3 + world.rank)  # the second begins elsewhere: it must take the first's
    losses = []
    training = TinySamples(17)
    result = train_network(
        network, training, TinySamples(7, seed=1), RECIPE, out=out, world=world,
        report=lambda step: losses.append(step.loss), resume="--resume" in sys.argv,
    )
    tensors = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
    save_file(tensors, out / f"rank_{world.rank}.safetensors")
    (out / f"rank_{world.rank}.txt").write_text(f"{len(training.asked)} {losses[-1] if losses else 0:.9f}")
"""


def torchrun(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", *arguments],
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parent)},
        capture_output=True,
        text=True,
        timeout=200,
    )


def test_two_processes_train_as_one_does(tmp_path: Path) -> None:
    script, out = tmp_path / "two_processes.py", tmp_path / "two"
    script.write_text(SCRIPT)
    out.mkdir()
    done = torchrun(str(script), str(out))
    assert done.returncode == 0, done.stderr[-2000:]

    one = TinyNetwork(dropout=0.0)
    losses: list[float] = []
    alone = train_network(
        one,
        TinySamples(17),
        TinySamples(7, seed=1),
        RECIPE,
        out=tmp_path / "one",
        report=lambda step: losses.append(step.loss),
    )
    first, second = (load_file(out / f"rank_{rank}.safetensors") for rank in (0, 1))
    for name, tensor in one.state_dict().items():
        assert torch.equal(first[name], second[name]), f"{name}: the two processes went different ways"
        torch.testing.assert_close(first[name], tensor, rtol=2e-3, atol=2e-4, msg=name)
    asked = [(out / f"rank_{rank}.txt").read_text().split() for rank in (0, 1)]
    assert sum(int(count) for count, _ in asked) == 4 * 17, "no sample is read twice"
    assert min(int(count) for count, _ in asked) >= 4 * 6
    assert asked[0][1] == asked[1][1], "both tell the loss of the whole batch"
    assert float(asked[0][1]) == pytest.approx(losses[-1], rel=1e-3)

    lines = (out / "history.csv").read_text().splitlines()
    assert len(lines) == 5, "one process writes"
    final = dict(zip(lines[0].split(","), lines[-1].split(","), strict=True))
    assert float(final["validation_loss"]) == pytest.approx(alone.history[-1].validation_loss, rel=1e-2)
    assert len(list(out.glob("tensorboard/*"))) == 1


def test_shared_statistics_of_one_process_are_those_of_torch() -> None:
    """The layer that takes the place of batch normalisation is the same layer in evaluation, and keeps its names."""
    torch.manual_seed(0)
    plain = nn.Sequential(nn.Conv3d(1, 3, 3), nn.Sequential(nn.BatchNorm3d(3), nn.ReLU()))
    plain[1][0].running_mean.uniform_(-1, 1)
    windows = torch.randn(4, 1, 5, 6, 6)
    wanted = plain.eval()(windows)
    names = list(plain.state_dict())
    share_batch_statistics(plain)
    assert list(plain.state_dict()) == names
    torch.testing.assert_close(plain.eval()(windows), wanted)


def test_batches_are_shared_out() -> None:
    worlds = [World("cpu", rank, 3) for rank in range(3)]
    shares = [list(world.share(range(8))) for world in worlds]
    assert sorted(item for share in shares for item in share) == list(range(8))
    assert [world.writes for world in worlds] == [True, False, False]
    assert World().gather(3, torch.tensor([1.0, 2.0, 3.0])).tolist() == [1.0, 2.0, 3.0]


def test_threads_are_those_asked_for_or_a_part_of_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert local_threads() == 3
    monkeypatch.delenv("OMP_NUM_THREADS")
    alone = local_threads()
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    assert local_threads() == max(1, alone // 2)
