import csv
import importlib.util
import logging
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_samples import RECIPE, TinyNetwork, TinySamples
from torch import nn

from lsgui.core.errors import LsguiError
from lsgui.training.clips.history import draw_history, window_figures
from lsgui.training.clips.loading import epoch_batches, epoch_seed
from lsgui.training.clips.trainer import Step, TrainingResult, precision_for, train_network
from lsgui.training.faults import TrainingError


def train(out: Path, *, samples: int = 17, network: nn.Module | None = None, **given: Any) -> tuple[nn.Module, Any]:
    network = network or TinyNetwork()
    recipe = RECIPE.model_copy(update=given.pop("recipe", {}))
    validation = given.pop("validation", TinySamples(8, seed=1))
    training = given.pop("training", TinySamples(samples))
    return network, train_network(network, training, validation, recipe, out=out, **given)


def assert_same(one: nn.Module, other: nn.Module) -> None:
    for name, tensor in one.state_dict().items():
        assert torch.equal(tensor, other.state_dict()[name]), name


def same_figures(one: TrainingResult, other: TrainingResult) -> bool:
    def plain(result: TrainingResult) -> list[dict[str, float]]:
        return [{k: v for k, v in row.scalars.items() if k != "seconds"} for row in result.history]

    return plain(one) == plain(other)


class StopHereError(Exception):
    pass


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("stop_at", [4, 5, 7])
def test_a_broken_run_resumes_bit_for_bit(stop_at: int, workers: int, tmp_path: Path) -> None:
    whole, straight = train(tmp_path / "whole")

    def stop(step: Step) -> None:
        if step.done == stop_at:
            raise StopHereError

    with pytest.raises(StopHereError):
        train(tmp_path / "broken", report=stop, recipe={"workers": workers})
    seen: list[int] = []
    resumed, result = train(
        tmp_path / "broken", resume=True, report=lambda step: seen.append(step.done), network=TinyNetwork(seed=99)
    )
    assert seen[0] == 3 * ((stop_at - 1) // 3) + 1  # three steps an epoch: the broken epoch is done again
    assert_same(whole, resumed)
    assert same_figures(straight, result)
    assert result.best_epoch == straight.best_epoch


KILLED = """
import sys
from pathlib import Path
from tiny_samples import RECIPE, TinyNetwork, TinySamples
from lsgui.training.clips.trainer import train_network

out = Path(sys.argv[1])
def report(step):
    if step.done == 8:
        (out / "wait").touch()  # from now on no sample is given out any more
train_network(TinyNetwork(), TinySamples(17, stop=out / "wait"), TinySamples(8, seed=1), RECIPE, out=out, report=report)
"""


def test_a_killed_process_resumes_bit_for_bit(tmp_path: Path) -> None:
    whole, straight = train(tmp_path / "whole")
    out = tmp_path / "killed"
    out.mkdir()
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(out)], cwd=Path(__file__).parents[1])
    try:
        deadline = time.monotonic() + 180
        while not (out / "wait").exists():
            assert process.poll() is None, "it ended by itself"
            assert time.monotonic() < deadline, "it did not get going"
            time.sleep(0.02)
    finally:
        process.kill()
        process.wait()
    assert (out / "checkpoint.pt").exists()
    resumed, result = train(out, resume=True)
    assert_same(whole, resumed)
    assert same_figures(straight, result)


def test_a_finished_run_resumes_to_its_result(tmp_path: Path) -> None:
    whole, straight = train(tmp_path)
    again, result = train(tmp_path, resume=True, network=TinyNetwork(seed=99))
    assert_same(whole, again)
    assert same_figures(straight, result)


def test_without_resume_training_begins_anew_and_says_so(
    tmp_path: Path, expected_log_warnings: list[logging.LogRecord]
) -> None:
    first, _ = train(tmp_path)
    assert not expected_log_warnings
    again, _ = train(tmp_path)
    assert [record.getMessage() for record in expected_log_warnings] == [
        f"{tmp_path}: the checkpoint of an earlier run is dropped, for --resume was not given."
    ]
    assert_same(first, again)
    assert len(list(tmp_path.glob("best_epoch_*"))) == 1


def test_a_checkpoint_of_other_settings_is_refused(tmp_path: Path) -> None:
    train(tmp_path, recipe={"epochs": 1})
    with pytest.raises(LsguiError, match=r"another epochs \('1', now '4'\)"):
        train(tmp_path, resume=True)
    with pytest.raises(LsguiError, match="another clips"):
        train(tmp_path, resume=True, recipe={"epochs": 1}, identity={"clips": "b"})


@pytest.mark.parametrize("damage", ["cut", "text", "pickle", "zip", "list", "identity"])
def test_a_damaged_checkpoint_is_one_sentence(damage: str, tmp_path: Path) -> None:
    train(tmp_path, recipe={"epochs": 1})
    path = tmp_path / "checkpoint.pt"
    if damage == "list":
        torch.save([1, 2], path)
    elif damage == "identity":
        torch.save({"identity": 3}, path)
    elif damage in ("pickle", "zip"):  # an archive as torch writes it, with something else inside
        with zipfile.ZipFile(path, "w") as file:
            for name, data in (("data.pkl", b"garbage"), ("version", b"3"))[: 2 if damage == "pickle" else 0]:
                file.writestr(f"checkpoint/{name}", data)
    else:
        path.write_bytes(path.read_bytes()[:900] if damage == "cut" else b"not a checkpoint")
    with pytest.raises(LsguiError, match="checkpoint is damaged: train without --resume"):
        train(tmp_path, resume=True, recipe={"epochs": 1})


def test_the_best_epoch_is_kept(tmp_path: Path) -> None:
    network, result = train(tmp_path, recipe={"epochs": 8, "learning_rate": 0.3})
    losses = [row.validation_loss for row in result.history]
    assert result.best_epoch == 1 + int(np.argmin(losses)) < 8, "this recipe is meant to get worse in the end"
    assert not network.training
    samples = TinySamples(8, seed=1)
    windows = torch.from_numpy(np.stack([samples.sample(k, 0, False)[0] for k in range(8)]))
    with torch.no_grad():
        logits = network(windows).squeeze(1).numpy()
    accuracy = np.mean((logits > 0) == (np.arange(8) % 2 == 1))
    assert result.history[result.best_epoch - 1].validation_accuracy == pytest.approx(accuracy)


def test_training_stops_early(tmp_path: Path) -> None:
    _, result = train(tmp_path, recipe={"epochs": 30, "learning_rate": 0.3, "patience": 2})
    assert result.stopped_early
    assert len(result.history) == result.best_epoch + 2 < 30
    seen: list[Step] = []
    _, again = train(
        tmp_path, recipe={"epochs": 30, "learning_rate": 0.3, "patience": 2}, resume=True, report=seen.append
    )
    assert seen == []
    assert again.best_epoch == result.best_epoch


def test_without_a_validation_set_the_last_epoch_is_kept(tmp_path: Path) -> None:
    _, result = train(tmp_path, validation=None)
    assert result.best_epoch == 4
    assert np.isnan(result.history[0].validation_loss)
    assert np.isfinite(result.history[0].train_loss)


def test_training_learns(tmp_path: Path) -> None:
    _, result = train(tmp_path, samples=40, recipe={"epochs": 6, "dropout": 0.1})
    assert result.history[-1].train_loss < 0.6 * result.history[0].train_loss
    assert result.history[-1].validation_auc > 0.9


def test_samples_are_asked_by_seed_and_epoch_and_validation_ones_stay(tmp_path: Path) -> None:
    training, validation = TinySamples(17), TinySamples(8, seed=1)
    train(tmp_path, training=training, validation=validation, recipe={"epochs": 2})
    asked = [(epoch_seed(7, epoch), augment) for epoch, augment in ((0, True), (1, True))]
    assert sorted(training.asked) == sorted((k, *rest) for rest in asked for k in range(17))
    assert len({seed for _, seed, _ in validation.asked}) == 1
    assert not any(augment for *_, augment in validation.asked)


def test_an_epoch_uses_the_samples_it_picks(tmp_path: Path) -> None:
    training = TinySamples(17)
    train(tmp_path, training=training, pick=lambda epoch: range(6 * epoch, 6 * epoch + 6), recipe={"epochs": 2})
    assert sorted(index for index, *_ in training.asked) == list(range(12))


def test_batches_hold_every_sample_once_and_none_is_tiny() -> None:
    for count in (2, 7, 20, 21, 41, 100):
        batches = epoch_batches(range(count), 1, 0, 20)
        assert sorted(k for batch in batches for k in batch) == list(range(count))
        sizes = [len(batch) for batch in batches]
        assert max(sizes) <= 20
        assert max(sizes) - min(sizes) <= 1
    first, again, next_epoch = (epoch_batches(range(41), 1, epoch, 20) for epoch in (0, 0, 1))
    assert first == again != next_epoch


def test_gradients_are_clipped_by_value(tmp_path: Path) -> None:
    network = TinyNetwork()
    largest: list[float] = []

    def look(_step: Step) -> None:
        largest.append(max(float(w.grad.abs().max()) for w in network.parameters() if w.grad is not None))

    train(tmp_path, network=network, recipe={"clip_value": 1e-3}, report=look)
    assert max(largest) == pytest.approx(1e-3)


def test_frozen_weights_stay_as_they_are(tmp_path: Path) -> None:
    network = TinyNetwork()
    network.layers[0].requires_grad_(False)
    before = network.layers[0].weight.clone()
    train(tmp_path, network=network)
    assert torch.equal(network.layers[0].weight, before)
    assert network.layers[0].weight.grad is None


class _Faulty(TinyNetwork):
    def __init__(self, fault: BaseException) -> None:
        super().__init__()
        self.fault = fault

    def forward(self, clip: torch.Tensor) -> torch.Tensor:
        raise self.fault


@pytest.mark.parametrize(
    ("fault", "who"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB"), "The GPU"),
        (MemoryError(), "This machine"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried 9 bytes"), "This machine"),
    ],
)
def test_out_of_memory_says_which_batch_to_try(fault: BaseException, who: str, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=rf"^{who} ran out of memory .* try --set batch=3\.$"):
        train(tmp_path, network=_Faulty(fault))
    with pytest.raises(TrainingError, match="smaller or fewer frames"):
        train(tmp_path, network=_Faulty(fault), recipe={"batch": 3})


def test_memory_that_is_really_not_there(tmp_path: Path) -> None:
    class Greedy(TinyNetwork):
        def forward(self, clip: torch.Tensor) -> torch.Tensor:
            return torch.empty(1 << 46).mean() + super().forward(clip)

    with pytest.raises(TrainingError, match=r"This machine ran out of memory .* try --set batch=3\.$"):
        train(tmp_path, network=Greedy())


def test_other_faults_are_not_taken_for_memory(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="shapes"):
        train(tmp_path, network=_Faulty(RuntimeError("shapes do not fit")))


def test_a_loss_that_is_no_number_is_one_sentence(tmp_path: Path) -> None:
    network = TinyNetwork()
    with torch.no_grad():
        network.layers[-1].weight.fill_(float("nan"))
    with pytest.raises(TrainingError, match=r"The loss became nan in epoch 1 .* try --set learning_rate=0\.01\.$"):
        train(tmp_path, network=network)


def test_too_few_clips_is_one_sentence(tmp_path: Path) -> None:
    for count in (0, 1):
        with pytest.raises(TrainingError, match="add clips"):
            train(tmp_path, samples=count)


def test_history_is_a_table_and_a_figure(tmp_path: Path) -> None:
    _, result = train(tmp_path)
    with (tmp_path / "history.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2", "3", "4"]
    assert float(rows[2]["validation_loss"]) == pytest.approx(result.history[2].validation_loss, rel=1e-5)
    draw_history(result.history, tmp_path, "tiny")
    assert (tmp_path / "history.png").read_bytes()[:4] == b"\x89PNG"


def test_tensorboard_gets_the_figures(tmp_path: Path) -> None:
    train(tmp_path)
    assert importlib.util.find_spec("tensorboard") is not None, "the test extra installs it"
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert {"train/loss", "validation/recall", "learning/rate"} <= set(events.Tags()["scalars"])
    assert [event.step for event in events.Scalars("train/loss")] == [1, 2, 3, 4]


def test_window_figures() -> None:
    figures = window_figures([0.1, 0.2, 0.3, 0.4], [2.0, -1.0, 1.0, -3.0], [1.0, 1.0, 0.0, 0.0])
    assert (figures.accuracy, figures.recall, figures.specificity, figures.auc) == (0.5, 0.5, 0.5, 0.75)
    assert figures.loss == pytest.approx(0.25)
    assert np.isnan(window_figures([0.1], [1.0], [1.0]).specificity)


def test_the_processor_computes_in_full_precision() -> None:
    assert {precision_for(choice, "cpu") for choice in ("auto", "off", "bf16", "fp16")} == {torch.float32}


@pytest.mark.parametrize("amp", ["bf16", "fp16", "auto"])
def test_mixed_precision_learns_on_a_gpu(amp: str, cuda: str, tmp_path: Path) -> None:
    from lsgui.training.distributed import World

    recipe = {"amp": amp, "epochs": 6, "dropout": 0.1}
    _, result = train(tmp_path, samples=40, recipe=recipe, world=World(cuda))
    assert result.history[-1].train_loss < 0.7 * result.history[0].train_loss
