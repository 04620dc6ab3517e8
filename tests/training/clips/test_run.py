import csv
import shutil
from dataclasses import replace
from logging import LogRecord
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_clips import write_tiny_clips

from lsgui.core.errors import DatasetError, LsguiError
from lsgui.core.label import SlidingLabel
from lsgui.models.base import find_spec
from lsgui.models.card import load_card
from lsgui.models.checkpoint import load_model_weights
from lsgui.models.preprocess import ClipInput
from lsgui.training.clips import publish as clip_publish
from lsgui.training.clips import run as clip_run
from lsgui.training.clips.config import default_recipe, read_clip_recipe
from lsgui.training.clips.publish import fit_odds
from lsgui.training.clips.run import ClipRun, ClipRunResult, clip_input, command_of, flow_maker
from lsgui.training.clips.window_scoring import WindowLogits, score_samples
from lsgui.training.data.clip_samples import ClipSamples
from lsgui.training.data.data_folder import read_folder
from lsgui.training.data.dataset_rows import DatasetRow, edited_rows
from lsgui.training.data.split import check_both_labels, read_split

SETTINGS = ["epochs=2", "batch=4", "frames=8", "size=32", "head=pooled", "split=.5,.25,.25", "workers=0", "dropout=.2"]


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_clips(tmp_path_factory.mktemp("data") / "clips")


def plan(clips: Path, out: Path, *settings: str, model: str = "cmwru", resume: bool = False) -> ClipRun:
    recipe = read_clip_recipe(model, None, [*SETTINGS, *settings])
    return ClipRun(clips, None, out, model, recipe, "cpu", resume, about="noise")


@pytest.fixture(scope="module")
def done(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ClipRunResult]:
    out = tmp_path_factory.mktemp("runs") / "one"
    return out, plan(clips, out).run()


def test_a_run_leaves_a_model_that_can_be_asked(done: tuple[Path, ClipRunResult]) -> None:
    out, result = done
    card = load_card(str(out))
    assert card.sha256 == result.card.sha256
    assert (card.architecture_only, card.seed, card.id) == (False, 1, "cmwru")
    assert card.trained_on == "6 real clips (3 absent) of 6 patients: noise"
    network = find_spec(card.architecture).build(card)
    load_model_weights(network, card)
    assert sum(weight.numel() for weight in network.parameters()) == card.parameters
    names = {path.name for path in out.iterdir()}
    assert names >= {"model.json", "model.safetensors", "README.md", "split.csv", "history.csv", "history.png", "test"}
    assert "prepared" not in names


def test_the_card_says_what_was_measured_and_how_to_do_it_again(done: tuple[Path, ClipRunResult]) -> None:
    out, result = done
    figures = result.card.metrics["test"]["real"]
    assert figures["clip"]["n"] == len(result.scores) == len(result.split.test) == 2
    assert figures["window"]["n"] == 2 * 3
    right = [(score.p_absent >= result.card.threshold) == score.absent for score in result.scores]
    assert figures["clip"]["accuracy"]["value"] == pytest.approx(np.mean(right), abs=1e-3)
    command = result.card.command
    assert command.startswith("lsgui train --data DATA --model cmwru --out RUN --set ")
    settings = [text.split()[0] for text in command.split("--set ")[1:]]
    again = read_clip_recipe("cmwru", None, settings)
    assert again == read_clip_recipe("cmwru", None, [*SETTINGS])
    text = (out / "README.md").read_text(encoding="utf-8")
    assert command in text
    assert "real clips | per clip (2, " in text
    with (out / "test" / "scores.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["clip"]: float(row["p_absent"]) for row in rows} == {s.clip: s.p_absent for s in result.scores}


def test_no_patient_is_in_two_sets(clips: Path, done: tuple[Path, ClipRunResult]) -> None:
    out, result = done
    split = read_split(clips, out / "split.csv")  # refuses a leak
    assert [len(rows) for rows in split.sets.values()] == [6, 4, 2]
    trained = {row.patient for row in split.train}
    assert not trained & {score.patient for score in result.scores}


def test_normalisation_comes_from_the_training_set_alone(clips: Path, done: tuple[Path, ClipRunResult]) -> None:
    out, result = done
    spec = ClipInput.from_card(result.card)
    wanted = ClipSamples(read_split(clips, out / "split.csv").train, spec).statistics()
    assert (spec.mean, spec.std) == pytest.approx(wanted)
    everything = ClipSamples(sum(read_split(clips, out / "split.csv").sets.values(), ()), spec).statistics()
    assert (spec.mean, spec.std) != pytest.approx(everything, rel=1e-6)


def scores_of(out: Path, clips: Path) -> dict[str, float]:
    """Judge the test clips with what lies on disk."""
    card = load_card(str(out))
    network = find_spec(card.architecture).build(card).eval()
    load_model_weights(network, card)
    samples = ClipSamples(read_split(clips, out / "split.csv").test, ClipInput.from_card(card), every_window=True)
    found = score_samples(network, samples, "cpu", 4, 8)
    odds = card.calibration
    return {f.row.clip.name: 1 / (1 + np.exp(-(f.clip_logit + odds.bias) / odds.temperature)) for f in found}


def test_the_figures_are_those_of_the_weights_on_disk(
    clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clip_publish, "SHIPPABLE_BYTES", 1000)
    result = plan(clips, tmp_path, "epochs=1").run()
    tensors = load_file(tmp_path / "model.safetensors")
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float16, torch.int64}
    assert scores_of(tmp_path, clips) == pytest.approx({s.clip: s.p_absent for s in result.scores}, rel=1e-4)
    assert "stored as float16" in (tmp_path / "README.md").read_text(encoding="utf-8")


def test_a_run_broken_after_an_epoch_ends_as_an_unbroken_one(
    clips: Path, done: tuple[Path, ClipRunResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    from lsgui.training.clips import trainer

    with monkeypatch.context() as patch:
        patch.setattr(trainer._Run, "_validate", stop)
        with pytest.raises(KeyboardInterrupt):
            plan(clips, tmp_path).run()
    assert (tmp_path / "prepared").is_dir(), "prepared clips wait for the resumed run"
    result = plan(clips, tmp_path, resume=True).run()
    assert result.card.sha256 == done[1].card.sha256
    assert result.card.metrics == done[1].card.metrics
    with pytest.raises(LsguiError, match="another epochs"):
        plan(clips, tmp_path, "epochs=3", resume=True).run()
    other = tmp_path / "other"
    shutil.copytree(clips, other)
    (other / "dataset.csv").write_text((clips / "dataset.csv").read_text().replace(",P00,", ",P02,"))
    with pytest.raises(LsguiError, match="another clips"):
        plan(other, tmp_path, resume=True).run()


def test_the_recurrent_model_draws_balanced_epochs(clips: Path, tmp_path: Path) -> None:
    lines = (clips / "dataset.csv").read_text().splitlines()
    index = tmp_path / "index.csv"
    index.write_text("\n".join([lines[0], *(line for line in lines[1:] if "ls_p" in line), *lines[2:8:2]]) + "\n")
    recipe = read_clip_recipe("rcm2d", None, [*SETTINGS, "epochs=1", "split=.67,0,.33"])
    result = ClipRun(clips, index, tmp_path / "out", "rcm2d", recipe, "cpu").run()
    assert recipe.balance == "epochs"
    assert result.card.metrics["sets"]["train"] == {"clips": 6, "absent": 2, "patients": 6}
    assert result.card.metrics["sets"]["validation"]["clips"] == 0
    assert result.card.threshold_source == "even odds: there was no validation set"
    assert result.training.best_epoch == 1


def test_resuming_from_nothing_is_said(
    clips: Path, tmp_path: Path, expected_log_warnings: list[LogRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ClipRun, "run", lambda run: SimpleNamespace(card=run.model))
    (tmp_path / "done").mkdir()
    (tmp_path / "done" / "checkpoint.pt").touch()
    assert plan(clips, tmp_path / "done", resume=True).execute() == "cmwru"
    assert not expected_log_warnings
    plan(clips, tmp_path / "new", resume=True).execute()
    assert [record.getMessage() for record in expected_log_warnings] == [
        f"{tmp_path / 'new'} holds no checkpoint to go on from: training begins with the first epoch."
    ]


@pytest.mark.parametrize(("label", "words"), [("ls_p", "no ls_a clip.*--set edits="), ("ls_a", "no ls_p clip")])
def test_clips_of_one_label_are_refused(label: str, words: str, clips: Path, tmp_path: Path) -> None:
    lines = (clips / "dataset.csv").read_text().splitlines()
    index = tmp_path / "index.csv"
    index.write_text("\n".join([lines[0], *(line for line in lines[1:] if label in line)]) + "\n")
    run = replace(plan(clips, tmp_path / "out"), index=index)
    with pytest.raises(DatasetError, match=words):
        run.run()
    assert not list((tmp_path / "out").iterdir())


def test_edits_bring_the_label_that_is_missing(clips: Path) -> None:
    rows = [row for row in read_folder(clips).rows if not row.absent]
    with pytest.raises(DatasetError, match="The training set holds no ls_a"):
        check_both_labels(rows, "training")
    with pytest.raises(DatasetError, match="no ls_a"):
        check_both_labels(edited_rows(rows, ["sham"]), "training")
    check_both_labels(edited_rows(rows, ["hard"]), "training")


@pytest.fixture(scope="module")
def raft_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from lsgui.models.raft import build_raft_small

    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("raft") / "raft.safetensors"
    save_file(build_raft_small().state_dict(), path)
    return path


def test_raft_stays_frozen_and_sees_grey_values(
    clips: Path, raft_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 4 of the published code: RAFT was trained along, and fed z-scored frames."""
    from lsgui.models import raft

    kept: list[raft.RaftFlow] = []
    fed: list[torch.Tensor] = []
    plain = raft.load_raft

    def load(source: str | Path | None) -> raft.RaftFlow:
        kept.append(plain(source, iterations=1))
        kept[0].register_forward_pre_hook(lambda _module, given: fed.append(given[0]))
        return kept[0]

    monkeypatch.setattr(raft, "load_raft", load)
    lines = (clips / "dataset.csv").read_text().splitlines()
    index = tmp_path / "index.csv"
    index.write_text("\n".join(lines[:7]) + "\n")
    recipe = read_clip_recipe(
        "cmwra", None, [*SETTINGS, "epochs=1", "patch=none", f"raft={raft_file}", "split=.67,0,.33"]
    )
    result = ClipRun(clips, index, tmp_path / "out", "cmwra", recipe, "cpu").run()
    before = load_file(raft_file)
    assert len(kept) == 1
    for name, tensor in kept[0].network.state_dict().items():
        assert torch.equal(tensor, before[name]), name
    assert all(not weight.requires_grad and weight.grad is None for weight in kept[0].parameters())
    assert not kept[0].training
    assert max(float(window.max()) for window in fed) > 100
    assert min(float(window.min()) for window in fed) >= 0
    assert result.card.parameters < 200_000, "RAFT is no part of the network"
    assert load_card(str(tmp_path / "out")).input.kind == "flow"
    assert result.card.hyperparameters["raft"] == "raft.safetensors"
    assert f"--set raft={raft_file.name} " in f"{result.card.command} "
    kept_file = load_card(str(tmp_path / "out")).raft_path
    assert kept_file == tmp_path / "out" / "raft.safetensors"
    served = plain(kept_file)
    assert all(torch.equal(tensor, before[name]) for name, tensor in served.network.state_dict().items())


def test_flow_is_named_by_its_weights(raft_file: Path, tmp_path: Path) -> None:
    _, name = flow_maker(str(raft_file), "cpu")
    tensors = load_file(raft_file)
    tensors[next(iter(tensors))] += 0.01
    save_file(tensors, tmp_path / "other.safetensors")
    assert flow_maker(str(tmp_path / "other.safetensors"), "cpu")[1] != name
    with pytest.raises(LsguiError, match="cannot be read"):
        flow_maker(str(tmp_path / "none.safetensors"), "cpu")


def test_inputs_follow_the_recipe() -> None:
    recipe = read_clip_recipe("cmwru", None, ["patch=32", "frames=20"])
    assert clip_input("cmwru", recipe) == ClipInput("patches", 20, 32)
    recipe = read_clip_recipe("cmwru", None, ["region=pleura", "stabilise=true", "rate_hz=16", "deviation=yes"])
    assert clip_input("cmwru", recipe) == ClipInput(
        "frame", 40, 256, rate_hz=16.0, region="pleura", stabilise=True, deviation=True
    )
    assert clip_input("cmwra", default_recipe("cmwra")) == ClipInput("flow", 40, 256, patch=32)


def test_the_command_names_no_folder_of_this_machine(clips: Path, tmp_path: Path) -> None:
    run = plan(clips, tmp_path / "out")
    assert str(tmp_path) not in command_of(run)
    assert str(clips.parent) not in command_of(run)


def logits(*values: float, absent: bool) -> list[WindowLogits]:
    label = SlidingLabel.LS_A if absent else SlidingLabel.LS_P
    row = DatasetRow(Path("a.png"), label, "p", "s", 0, None, None)
    frames = np.zeros(1, dtype=np.int64)
    return [WindowLogits(row, np.array([value]), frames, frames) for value in values]


def test_nothing_is_fitted_to_a_handful_of_clips() -> None:
    few = [*logits(1.0, 2.0, 3.0, 4.0, absent=True), *logits(*range(-20, 0), absent=False)]
    calibration, threshold, source = fit_odds(few, 0.9)
    assert (calibration.temperature, calibration.bias, threshold) == (1.0, 0.0, 0.5)
    assert "24 validation clips (4 absent) are too few" in source
    enough = [*logits(1.0, 2.0, 3.0, 4.0, -0.5, absent=True), *logits(*np.linspace(-3, 0.5, 20), absent=False)]
    calibration, threshold, source = fit_odds(enough, 0.8)
    assert calibration.temperature != 1.0
    assert "for a sensitivity of 0.80" in source
    assert fit_odds(enough, None)[1:] == (0.5, "even odds, set before training")
    assert fit_odds([], 0.9)[1] == 0.5


def test_a_folder_that_cannot_be_made_is_one_sentence(clips: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DatasetError, match="the folder cannot be made"):
        plan(clips, tmp_path / "file" / "out").run()


def test_every_model_has_a_title() -> None:
    from lsgui.training.clips.config import CLIP_MODELS

    assert set(clip_run.TITLES) == set(CLIP_MODELS)
