from pathlib import Path

import numpy as np
import pytest

from lsgui.training.strip import cache as strip_cache
from lsgui.training.strip.cache import simulated_strips


def test_strips_are_kept_and_come_back_as_they_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (made,) = simulated_strips(1, 9, tmp_path)

    def simulate(index: int, seed: int) -> None:
        raise AssertionError(f"clip {index} of seed {seed} was simulated again")

    monkeypatch.setattr(strip_cache, "simulated_source", simulate)
    (kept,) = simulated_strips(1, 9, tmp_path)
    for name in ("frames", "valid", "times_s", "wall_shift_mm", "wall_correlation"):
        assert np.array_equal(getattr(made.strip, name), getattr(kept.strip, name)), name
    assert np.array_equal(made.absent, kept.absent)
    assert made.line_path_mm is not None
    assert kept.line_path_mm is not None
    assert np.array_equal(made.line_path_mm, kept.line_path_mm)
    assert (kept.clip, kept.scenario, kept.strip.pleura_row) == (made.clip, made.scenario, made.strip.pleura_row)
    assert kept.scenario
    with pytest.raises(AssertionError, match="clip 1 of seed 9"):
        simulated_strips(2, 9, tmp_path)


def test_a_strip_kept_without_the_path_of_its_line_is_made_anew(tmp_path: Path) -> None:
    (made,) = simulated_strips(1, 9, tmp_path)
    (path,) = (tmp_path / "simulated").iterdir()
    with np.load(path) as kept:
        older = {name: kept[name] for name in kept if name != "line_path_mm"}
    np.savez(path, **older)
    (again,) = simulated_strips(1, 9, tmp_path)
    assert made.line_path_mm is not None
    assert again.line_path_mm is not None
    assert np.array_equal(made.line_path_mm, again.line_path_mm)
