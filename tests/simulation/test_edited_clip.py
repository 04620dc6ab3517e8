"""Edits of a sliding clip: what is held is held, what moves moves, and nothing outside the lung is touched."""

from functools import cache

import numpy as np
import pytest

from lsgui.simulation import ClipSpec, SimulatedClip, simulate_clip
from lsgui.simulation.checks import block_correlation
from lsgui.simulation.edited_clip import (
    ALL_EDITS,
    CLIP_EDITS,
    ClipEdit,
    added_drift_mm,
    edit_clip,
    edited_line,
)
from lsgui.simulation.spec import Lung, Motion, Picture, Pleura, Scanner, Wall

FPS = 16.0


@cache
def sliding() -> SimulatedClip:
    spec = ClipSpec(
        picture=Picture(150, 160, 0.25, FPS, 2.6),
        wall=Wall(level_db=-34, correlation=0.9),
        pleura=Pleura(depth_mm=14, tilt_deg=2, level_db=-4),
        lung=Lung(haze_db=-31, moving=0.6),
        motion=Motion(speed_mm_s=9.0, breaths_per_min=22, pause=0.0),
        scanner=Scanner(noise_db=-60),
    )
    return simulate_clip(spec, 4)


@cache
def edited(kind: ClipEdit) -> np.ndarray:
    made = sliding()
    still = np.zeros((len(made.frames), 2))
    return edit_clip(kind, made.frames, made.roi, still, made.mm_per_px, FPS, seed=2)


def likeness(frames: np.ndarray, kind: ClipEdit = "frozen") -> tuple[float, float]:
    """Correlation above and below the line, as it moves with the picture, after a quarter of a second."""
    made = sliding()
    line = edited_line(made.roi, kind, len(frames), made.mm_per_px, FPS, seed=2)
    return block_correlation(frames, line, lags=(4,), gap_px=6, follow=True)[4]


def test_the_five_edits_that_models_are_judged_on_stay_the_first() -> None:
    assert CLIP_EDITS == ("frozen", "hard", "hard_pulse", "mirror", "sham")
    assert ALL_EDITS[:5] == CLIP_EDITS
    assert len(set(ALL_EDITS)) == 9


@pytest.mark.parametrize("kind", [kind for kind in ALL_EDITS if not kind.endswith("_drift")])
def test_the_wall_is_not_touched(kind: ClipEdit) -> None:
    made = sliding()
    top = int(made.roi.line_at(0)[:, 1].min() - 2.0 / made.mm_per_px)
    assert np.array_equal(edited(kind)[:, :top], made.frames[:, :top])
    assert not np.array_equal(edited(kind)[:, top:], made.frames[:, top:])


def test_each_edit_changes_below_as_its_name_says() -> None:
    below = {kind: likeness(edited(kind), kind)[1] for kind in ALL_EDITS}
    recorded = likeness(sliding().frames)[1]
    assert below["frozen"] > below["hard"] > recorded + 0.05
    assert below["line_kept"] > recorded + 0.1
    assert below["frozen_pulse"] < below["frozen"] - 0.01
    assert below["hard_pulse"] < below["hard"]
    assert abs(below["sham"] - recorded) < 0.08  # the lung still slides
    assert below["frozen_drift"] > recorded + 0.1


def test_the_lines_own_shimmer_is_kept_over_a_held_lung() -> None:
    made = sliding()
    rows = np.round(made.roi.line_at(0)[:, 1]).astype(int)
    columns = np.round(made.roi.line_at(0)[:, 0]).astype(int)
    assert np.array_equal(edited("line_kept")[:, rows, columns], made.frames[:, rows, columns])
    assert not np.array_equal(edited("frozen")[:, rows, columns], made.frames[:, rows, columns])


def test_a_hard_edit_can_hold_the_line_itself_as_well() -> None:
    made = sliding()
    still = np.zeros((len(made.frames), 2))
    held = edit_clip("hard", made.frames, made.roi, still, made.mm_per_px, FPS, seed=2, hold_line=True)
    line = made.roi.line_at(0)
    rows, columns = np.round(line[:, 1]).astype(int), np.round(line[:, 0]).astype(int)

    def shimmer(frames: np.ndarray) -> float:
        return float(frames[:, rows, columns].astype(float).std(axis=0).mean())

    assert shimmer(held) < 0.75 * shimmer(made.frames)
    assert shimmer(edited("hard")) > 0.9 * shimmer(made.frames)
    assert likeness(held)[1] < likeness(edited("frozen"))[1]  # and it still changes as the wall does


def test_added_drift_moves_wall_and_lung_alike_and_the_line_with_them() -> None:
    made, kind = sliding(), "hard_drift"
    drift = added_drift_mm(kind, len(made.frames), FPS, seed=2)
    assert np.ptp(drift[:, 0]) > 1.0
    assert not added_drift_mm("hard", len(made.frames), FPS, seed=2).any()
    line = edited_line(made.roi, kind, len(made.frames), made.mm_per_px, FPS, seed=2)
    for k in (0, 20, 41):
        moved = line.line_at(k) - made.roi.line_at(k)
        assert np.allclose(moved * made.mm_per_px, drift[k], atol=0.25)
    stands = likeness(edited(kind), "hard")  # measured where the line used to be
    follows = likeness(edited(kind), kind)
    assert stands[0] < follows[0] - 0.1
    assert stands[1] < follows[1] - 0.1


@pytest.mark.parametrize("kind", ALL_EDITS)
def test_nothing_outside_the_scanned_picture_changes(kind: ClipEdit) -> None:
    made = sliding()
    frames = np.pad(made.frames, ((0, 0), (0, 0), (12, 12)))
    frames[:, 150:, :8] = 200  # a letter beside the picture
    inside = np.zeros(frames.shape[1:], dtype=bool)
    inside[:, 12:-12] = True
    roi = type(made.roi).single(0, made.roi.line_at(0) + np.array([12.0, 0.0]))
    out = edit_clip(kind, frames, roi, np.zeros((len(frames), 2)), made.mm_per_px, FPS, seed=2, inside=inside)
    assert np.array_equal(out[:, ~inside], frames[:, ~inside])
    # and no black comes in over the edge of it
    assert out[:, 20:60, 12:16].mean() > 0.5 * made.frames[:, 20:60, :4].mean()


def test_a_seed_makes_the_same_edit_and_there_is_no_other_kind() -> None:
    made = sliding()
    still = np.zeros((len(made.frames), 2))
    again = edit_clip("hard_pulse", made.frames, made.roi, still, made.mm_per_px, FPS, seed=2)
    assert np.array_equal(edited("hard_pulse"), again)
    with pytest.raises(ValueError, match="no edit 'melted'"):
        edit_clip("melted", made.frames, made.roi, still, made.mm_per_px, FPS)  # type: ignore[arg-type]
