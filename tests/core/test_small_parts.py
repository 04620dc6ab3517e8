"""Registry, errors, strip, resources and files that appear whole."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsgui.core import errors
from lsgui.core.atomic_file import atomic_file, write_atomic
from lsgui.core.registry import Registry
from lsgui.core.resources import model_dirs, resources_dir
from lsgui.core.strip import PleuralStrip


@given(st.lists(st.text(min_size=1), unique=True))
def test_registry_keeps_names_in_order(names: list[str]) -> None:
    registry: Registry[str] = Registry("reader")
    for name in names:
        assert registry.register(name)(name.upper()) == name.upper()
    assert list(registry) == names
    assert len(registry) == len(names)
    assert registry.items() == tuple((name, name.upper()) for name in names)
    assert all(name in registry and registry[name] == name.upper() for name in names)


def test_registry_refuses_a_second_part_of_one_name() -> None:
    registry: Registry[int] = Registry("reader")
    registry.register("gif")(1)
    with pytest.raises(ValueError, match="two readers are called 'gif'"):
        registry.register("gif")(2)
    assert registry["gif"] == 1
    with pytest.raises(KeyError):
        registry["tiff"]


def test_every_fault_but_cancelling_is_shown_to_the_user() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    shown = {kind for kind in kinds if issubclass(kind, errors.LsguiError)}
    assert set(kinds) - shown == {errors.CancelledError}
    assert len(shown) >= 6


@given(st.integers(2, 50), st.floats(1, 100))
def test_strip_knows_its_frame_rate_and_cannot_be_changed(count: int, fps: float) -> None:
    strip = PleuralStrip(
        frames=np.zeros((count, 4, 5), np.uint8),
        valid=np.ones((4, 5), bool),
        pleura_row=2,
        pitch_mm=0.3,
        calibrated=False,
        times_s=np.arange(count) / fps,
        wall_shift_mm=np.zeros((count, 2)),
        wall_correlation=np.ones(count),
    )
    assert strip.fps == pytest.approx(fps)
    for array in (strip.frames, strip.valid, strip.times_s, strip.wall_shift_mm, strip.wall_correlation):
        assert not array.flags.writeable


def test_models_of_the_user_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (shipped,) = model_dirs()
    assert shipped.is_dir()
    monkeypatch.setenv("LSGUI_MODELS", str(tmp_path))
    assert model_dirs() == (tmp_path, shipped)
    assert resources_dir().is_dir()


def test_a_file_appears_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "settings.json"
    with atomic_file(path) as file:
        file.write("µ one")
        file.flush()
        assert not path.exists()
    assert path.read_text(encoding="utf-8") == "µ one"
    write_atomic(path, b"two")
    assert path.read_bytes() == b"two"
    assert [item.name for item in path.parent.iterdir()] == [path.name]


def test_a_save_that_fails_leaves_the_last_good_file(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    write_atomic(path, b"good")
    with pytest.raises(TypeError), atomic_file(path) as file:
        file.writelines(["bad", None])  # type: ignore[list-item]
    assert path.read_bytes() == b"good"
    assert [item.name for item in tmp_path.iterdir()] == [path.name]
