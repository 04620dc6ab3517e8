from pathlib import Path

import numpy as np

from lsgui.bench.sample_clips import moving_texture, sample_movie, sample_spec, to_and_fro
from lsgui.readers.base import open_clip
from lsgui.simulation.clip import simulate_clip


def test_a_movie_has_the_size_and_rate_asked_for_and_is_the_same_every_time(tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    made, again = (sample_movie(folder, 12, 160, 120, 30.0, simulated=8) for folder in (tmp_path, tmp_path / "again"))
    assert made.path.read_bytes() == again.path.read_bytes()
    clip = open_clip(made.path)
    assert (clip.info.frames, clip.info.width, clip.info.height, clip.info.fps) == (12, 160, 120, 30.0)
    assert (clip.frame(8) == clip.frame(6)).all()  # there and back
    assert (clip.frame(8) != clip.frame(7)).any()
    assert len(made.roi.keyframes) == 1
    assert made.roi.polyline[:, 0].min() >= 0
    assert made.roi.polyline[:, 0].max() < 160


def test_pictures_go_there_and_back_without_a_repeat() -> None:
    assert to_and_fro(4, 9).tolist() == [0, 1, 2, 3, 2, 1, 0, 1, 2]
    assert to_and_fro(1, 3).tolist() == [0, 0, 0]


def test_where_only_texture_moves_the_pictures_move_by_the_true_flow() -> None:
    spec = moving_texture(sample_spec(20, 240, 200, 20.0))
    made = simulate_clip(spec, 3)
    moved = made.flow_mm[1:].sum(axis=1) / made.flow_mm.shape[1] / made.mm_per_px
    first = int(np.argmax(np.abs(moved)))
    line = round(float(made.roi.polyline[:, 1].mean()))
    before, after = (made.frames[k, line + 12 : line + 40, 60:180].astype(float) for k in (first, first + 1))
    shifts = np.arange(-6, 7)
    likeness = [np.corrcoef(before[:, 10:-10].ravel(), after[:, 10 + s : 110 + s].ravel())[0, 1] for s in shifts]
    assert abs(shifts[int(np.argmax(likeness))] - moved[first]) < 1.0
    assert abs(moved[first]) > 1.0
