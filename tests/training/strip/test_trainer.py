from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from lsgui.core.errors import ModelError
from lsgui.training.strip.augment import augment
from lsgui.training.strip.codec import recoded
from lsgui.training.strip.recipe import StripRecipe
from lsgui.training.strip.trainer import train_strip_network
from lsgui.training.strip.windows import StripSource, WindowBank, WindowDrawer

SMALL = StripRecipe(steps=6, batch=4, width=4, simulated_share=0.5, checkpoint_every=3, seed=5)


def as_sliding(source: StripSource, patient: str) -> StripSource:
    return replace(source, patient=patient, source="test", absent=np.zeros_like(source.absent), edited=True)


@pytest.fixture
def sources(simulated: list[StripSource]) -> list[StripSource]:
    return [*simulated, as_sliding(simulated[0], "one"), as_sliding(simulated[2], "two")]


def test_windows_depend_on_the_seed_alone(sources: list[StripSource]) -> None:
    drawer = WindowDrawer(sources, 0.5)
    first, labels = drawer.batch(5, (1, 2))
    drawer.batch(3, (9, 9))
    again, _ = drawer.batch(5, (1, 2))
    assert np.array_equal(first, again)
    assert first.shape == (5, 7, 8, 32, 16)
    assert labels.shape == (5, 4)
    assert np.isfinite(first).all()


def test_both_classes_are_drawn_in_balance_and_lung_points_too(sources: list[StripSource]) -> None:
    rng = np.random.default_rng(0)
    drawn = [WindowDrawer(sources, 0.3).draw(rng) for _ in range(120)]
    share = np.mean([d.absent.mean() for d in drawn])
    assert 0.35 < share < 0.65
    assert any(0 < d.absent.mean() < 1 for d in drawn)
    assert {d.kind for d in drawn} >= {"original", "retimed", "held", "residual", "mirror", "simulated"}


def test_one_augmentation_draw_holds_for_every_frame() -> None:
    still = np.repeat(np.random.default_rng(0).uniform(60, 180, (1, 64, 32)).astype(np.float32), 32, axis=0)
    quiet = 0
    for seed in range(40):
        changed = augment(still, np.random.default_rng(seed))
        assert np.isfinite(changed).all()
        brightness = changed.mean(axis=(1, 2))
        jumps = np.abs(np.diff(brightness)) > 6.0
        assert jumps.sum() <= 1  # at most the one gain step
        quiet += not jumps.any()
    assert quiet > 25


def test_folds_share_windows_and_none_comes_from_the_patient_left_out(sources: list[StripSource]) -> None:
    bank = WindowBank()
    everyone, _ = WindowDrawer(sources, 0.3, bank).batch(40, (1, 0))
    rest = [source for source in sources if source.patient != "two"]
    without, _ = WindowDrawer(rest, 0.3, bank).batch(40, (1, 0))
    alone, _ = WindowDrawer(rest, 0.3).batch(40, (1, 0))
    assert np.array_equal(without, alone)  # whatever another fold has put into the bank
    same = np.mean([np.array_equal(a, b) for a, b in zip(everyone, without, strict=True)])
    assert 0.4 < same < 1.0


def test_a_codec_at_a_low_rate_holds_what_is_quiet_and_lets_motion_through() -> None:
    rng = np.random.default_rng(0)
    window = np.repeat(rng.uniform(60, 180, (1, 64, 32)), 32, axis=0)
    window[:, :32] += rng.normal(0, 0.5, (32, 32, 32))
    window[:, 32:] = rng.uniform(60, 180, (32, 32, 32))
    coded = recoded(window.astype(np.float32), np.random.default_rng(3))
    assert coded.shape == window.shape
    steps, before = np.abs(np.diff(coded, axis=0)), np.abs(np.diff(window, axis=0))
    assert steps[:, :28].mean() < 0.5 * before[:, :28].mean()  # the codec does not send what hardly changes
    assert steps[:, 36:].mean() > 15
    again = recoded(window.astype(np.float32), np.random.default_rng(3))
    assert np.array_equal(coded, again)


def test_as_many_windows_are_recoded_as_the_recipe_asks(sources: list[StripSource]) -> None:
    plain, _ = WindowDrawer(sources, 0.3).batch(12, (1, 0))
    all_recoded, _ = WindowDrawer(sources, 0.3, h264_odds=1.0).batch(12, (1, 0))
    some, _ = WindowDrawer(sources, 0.3, h264_odds=0.5).batch(12, (1, 0))

    def same(windows: np.ndarray) -> int:
        return sum(np.array_equal(a, b) for a, b in zip(windows, plain, strict=True))

    assert same(all_recoded) == 0
    assert 0 < same(some) < 12


def test_a_broken_run_resumes_bit_for_bit(sources: list[StripSource], tmp_path: Path) -> None:
    whole = train_strip_network(sources, SMALL)
    checkpoint = tmp_path / "run.pt"

    class StopHereError(Exception):
        pass

    def stop(step: int, _steps: int, _loss: float) -> None:
        if step == 4:
            raise StopHereError

    with pytest.raises(StopHereError):
        train_strip_network(sources, SMALL, checkpoint=checkpoint, report=stop)
    seen: list[int] = []
    resumed = train_strip_network(
        sources, SMALL, checkpoint=checkpoint, report=lambda step, _steps, _loss: seen.append(step)
    )
    assert seen == [4, 5, 6]
    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, resumed.state_dict()[name]), name


def test_training_learns(sources: list[StripSource]) -> None:
    losses: list[float] = []
    recipe = SMALL.model_copy(update={"steps": 60, "batch": 8, "width": 8})
    train_strip_network(sources, recipe, report=lambda _step, _steps, loss: losses.append(loss))
    assert losses[-1] < 0.9 * losses[0]


def test_settings_are_typed() -> None:
    assert StripRecipe().with_setting("steps", "7").steps == 7
    with pytest.raises(ModelError, match="no training setting 'stepz'"):
        StripRecipe().with_setting("stepz", "7")
    with pytest.raises(ModelError, match="setting steps cannot be 'many': input should be a valid integer"):
        StripRecipe().with_setting("steps", "many")


@pytest.mark.parametrize(
    "setting",
    [
        *("steps=0", "batch=0", "batch=1", "pretrain_steps=-1", "checkpoint_every=0", "width=0", "seed=-1"),
        *("learning_rate=-1", "learning_rate=nan", "learning_rate=inf", "fine_tune_rate=0", "weight_decay=nan"),
        *("dropout=2", "dropout=nan", "label_smoothing=0.5", "clip_value=0", "simulated_share=1.1", "h264_odds=-0.1"),
        *("simulated_clips=-1", "amp=foo", "steps=1.5"),
    ],
)
def test_a_setting_out_of_bounds_is_refused_in_one_sentence(setting: str) -> None:
    name, value = setting.split("=")
    with pytest.raises(ModelError, match=rf"^The training setting {name} cannot be '{value}': input should be [^\n]+$"):
        StripRecipe().with_setting(name, value)


def test_the_smallest_settings_can_be_trained_with(simulated: list[StripSource]) -> None:
    least = {"steps": "1", "batch": "2", "width": "1", "checkpoint_every": "1", "seed": "4294967295", "h264_odds": "0"}
    recipe = StripRecipe()
    for name, value in least.items():
        recipe = recipe.with_setting(name, value)
    assert recipe.changed == least | {"h264_odds": "0.0"}
    train_strip_network(simulated, recipe)
