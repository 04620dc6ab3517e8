from pathlib import Path

import pytest

from lsgui.core.errors import ModelError
from lsgui.training.clips.config import CLIP_MODELS, MODEL_DEFAULTS, ClipRecipe, default_recipe, read_clip_recipe


def test_defaults_are_the_paper() -> None:
    recipe = default_recipe("cmwru")
    assert (recipe.learning_rate, recipe.weight_decay, recipe.epochs, recipe.clip_value) == (1e-3, 1e-3, 16, 0.4)
    assert (recipe.batch, recipe.dropout, recipe.focal_alpha, recipe.focal_gamma) == (20, 0.65, 0.8, 1.0)
    assert (recipe.split, recipe.augment_odds, recipe.balance) == ((0.6, 0.2, 0.2), 0.5, "drop")
    assert (recipe.frames, recipe.size, recipe.head) == (40, 256, "published")
    assert (default_recipe("rcm2d").frames, default_recipe("rcm2d").balance) == (30, "epochs")
    assert (default_recipe("cmwra").frames, default_recipe("cmwra").patch) == (40, 32)
    assert set(MODEL_DEFAULTS) == set(CLIP_MODELS)


def test_the_command_line_is_stronger_than_the_file(tmp_path: Path) -> None:
    config = tmp_path / "recipe.toml"
    config.write_text('epochs = 3\nsplit = [0.75, 0.0, 0.25]\nregion = "pleura"\nstabilise = true\n')
    recipe = read_clip_recipe("cmwru", config, ["epochs=5", "dropout=.5", "rate_hz=16", "edits=hard,mirror"])
    assert (recipe.epochs, recipe.dropout, recipe.rate_hz, recipe.edits) == (5, 0.5, 16.0, ("hard", "mirror"))
    assert (recipe.split, recipe.region, recipe.stabilise) == ((0.75, 0.0, 0.25), "pleura", True)
    assert read_clip_recipe("cmwra", None, ["patch=none", "split=.5/.25/.25"]).patch is None


def test_changes_read_back_as_the_same_recipe() -> None:
    texts = ["epochs=5", "dropout=.5", "rate_hz=16", "edits=hard,mirror", "split=.5,.2,.3", "stabilise=true"]
    recipe = read_clip_recipe("rcm2d", None, texts)
    changes = recipe.changes(default_recipe("rcm2d"))
    assert set(changes) == {"epochs", "dropout", "rate_hz", "edits", "split", "stabilise"}
    assert read_clip_recipe("rcm2d", None, [f"{name}={text}" for name, text in changes.items()]) == recipe


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("epochz=3", "There is no training setting 'epochz'; there are: epochs, batch, "),
        ("epochs=many", "The training setting epochs cannot be 'many': "),
        ("epochs=0", "The training setting epochs cannot be '0': "),
        ("batch=1", "The training setting batch cannot be '1': "),
        ("head=large", "The training setting head cannot be 'large': "),
        ("split=.6,.6,.2", "three shares that add up to 1"),
        ("split=.6,.4", "The training setting split cannot be '.6,.4': "),
        ("flow_step=50", "flow_step"),
        ("epochs", "'epochs' is not a setting: write --set key=value."),
        ("=3", "is not a setting"),
    ],
)
def test_a_wrong_setting_is_one_sentence(setting: str, said: str) -> None:
    with pytest.raises(ModelError) as caught:
        read_clip_recipe("cmwru", None, [setting])
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_wrong_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        read_clip_recipe("cmwru", tmp_path / "none.toml", [])
    (tmp_path / "bad.toml").write_bytes(b"epochs = \xff")
    with pytest.raises(ModelError, match="not a TOML file"):
        read_clip_recipe("cmwru", tmp_path / "bad.toml", [])


def test_a_recipe_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        ClipRecipe().epochs = 3  # type: ignore[misc]
