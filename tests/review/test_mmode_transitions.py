"""Two columns, depth ranges and the lung point: what the commands on the M-mode do to the state."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lsgui.core.clip import ClipInfo
from lsgui.core.label import ReaderLabel, SlidingLabel
from lsgui.core.prediction import ModelRef, Prediction, Ribbon
from lsgui.review import mmode_transitions as mm
from lsgui.review import transitions as to
from lsgui.review.state import Analysis, AnalysisPhase, LoadedClip, LoadPhase, Reading, ReviewState, WorklistEntry


def _judged(p_absent: list[list[float]]) -> ReviewState:
    """A clip of 10 s at 10 frames/s whose windows follow one another."""
    rows = np.array(p_absent, dtype=np.float32)
    edges = np.linspace(0, 100, len(rows) + 1).astype(np.int64)
    verdict = Prediction(
        "clip.mp4", SlidingLabel.CANNOT_ASSESS, 0.5, None, 0.5, "", ModelRef("m", "1", ""), None, None, None, (), (),
        Ribbon(rows, edges[:-1].copy(), edges[1:].copy()), (), None, None, "cpu",
    )  # fmt: skip
    info = ClipInfo(Path("clip.mp4"), "movie", 100, 40, 30, 10.0, "container")
    clip = LoadedClip(info.path, LoadPhase.COMPLETE, info, frames_ready=100)
    return ReviewState(clip=clip, analysis=Analysis(AnalysisPhase.DONE, 1, prediction=verdict))


def test_a_second_column_is_set_well_away_from_the_first_and_cleared_again() -> None:
    for first in (0.0, 0.3, 0.5, 0.7, 1.0):
        both = mm.second_column_toggled(replace(ReviewState(), mmode_column=first))
        assert both.mmode_second is not None
        assert abs(both.mmode_second - first) == pytest.approx(0.3)
        assert 0.0 <= both.mmode_second <= 1.0
        assert mm.second_column_toggled(both).mmode_second is None
    assert mm.second_column_set(ReviewState(), 1.4).mmode_second == 1.0


def test_another_clip_begins_with_one_column() -> None:
    state = replace(ReviewState(), worklist=(WorklistEntry(Path("a"), "a"),), mmode_second=0.7)
    assert to.clip_selected(state, 0, speed=1.0).mmode_second is None


def test_every_depth_range_has_its_turn_and_reaches_as_far_as_it_says() -> None:
    state, seen = ReviewState(), []
    for _ in mm.REACH_MM:
        seen.append(state.mmode_depth)
        above, below = mm.mmode_reach_px(0.2, state.mmode_depth)
        assert (above * 0.2, below * 0.2) == pytest.approx(mm.REACH_MM[state.mmode_depth])
        assert mm.mmode_reach_px(None, state.mmode_depth) == mm.REACH_PX[state.mmode_depth]
        state = mm.depth_cycled(state)
    assert state.mmode_depth == "usual"
    assert set(seen) == set(mm.REACH_MM)


def test_a_lung_point_along_the_line_is_found_named_as_possible_and_gets_a_column_on_either_side() -> None:
    state = _judged([[0.02] * 5 + [0.97] * 3] * 4)
    found = mm.boundary(state)
    assert found is not None
    assert found.along == pytest.approx(5 / 8)
    assert mm.boundary_words(found) == "possible lung point at 62 % of the line"
    beside = mm.columns_beside(state, 5 / 8)
    assert beside.mmode_second is not None
    assert beside.mmode_column < 5 / 8 < beside.mmode_second


def test_a_lung_point_in_time_is_at_its_moment() -> None:
    found = mm.boundary(_judged([[0.02] * 4] * 2 + [[0.97] * 4] * 2))
    assert found is not None
    assert found.time_s == pytest.approx(5.0, abs=0.2)
    assert "sliding ends at about" in mm.boundary_words(found)


def test_a_blind_reader_is_not_told_and_one_class_has_no_boundary() -> None:
    state = _judged([[0.02] * 5 + [0.97] * 3] * 4)
    assert mm.boundary(replace(state, blind=True)) is None
    assert mm.boundary(replace(state, blind=True, reading=Reading(ReaderLabel.LS_P, "14:02:11"))) is not None
    assert mm.boundary(_judged([[0.02] * 8] * 4)) is None
    assert mm.boundary(ReviewState()) is None
