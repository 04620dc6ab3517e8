"""How heat maps are drawn: their scales, their ticks, and what the reader holds."""

from dataclasses import replace
from types import MappingProxyType
from typing import Any, get_args

import numpy as np
import pytest

from lsgui.core.motion_map import MotionMap
from lsgui.core.pleura import PleuralROI
from lsgui.review import heat_style
from lsgui.review import transitions as to
from lsgui.review.heat_style import HeatStyle, heat_range, ticks
from lsgui.review.map_words import why_no_map
from lsgui.review.settings import Settings
from lsgui.review.state import HEAT_MAPS, Analysis, AnalysisPhase, ReviewState


def _map(top: float, quantity: Any = "flow", unit: str = "mm/s") -> MotionMap:
    values = np.linspace(0.0, top, 2000, dtype=np.float32).reshape(2, 20, 50).copy()
    values[:, :, 40:] = np.nan
    return MotionMap(quantity, values, np.array([0.0, 1.0]), 30.0, unit, 0.0, 4.0)


def _analysed(*maps: MotionMap) -> ReviewState:
    found = MappingProxyType({m.quantity: m for m in maps})
    return ReviewState(analysis=Analysis(AnalysisPhase.DONE, 1, maps=found))


def test_every_choice_has_its_words() -> None:
    assert set(heat_style.COLOUR_WORDS) == set(get_args(heat_style.HeatColours))
    assert set(heat_style.WINDOW_WORDS) == set(heat_style.WINDOW_S) == set(get_args(heat_style.HeatWindow))
    assert set(heat_style.SCALE_WORDS) == set(get_args(heat_style.HeatScale))


def test_a_fitted_scale_ends_at_a_round_number_above_nearly_all_values_and_never_shows_noise_in_full_colours() -> None:
    found = heat_range(_map(8.7), HeatStyle(scale="clip"), {})
    assert (found.low, found.high) == (0.0, 10.0)
    assert "fitted" in found.words
    assert heat_range(_map(0.3), HeatStyle(scale="clip"), {}).high == 2.0
    assert heat_range(_map(0.01, "speckle_change", ""), HeatStyle(scale="clip"), {}).high == 0.2


def test_a_scale_of_its_own_is_the_maps_and_a_fixed_one_is_the_same_on_every_clip() -> None:
    assert heat_range(_map(9.0), HeatStyle(), {}).high == 4.0
    fixed = {heat_range(_map(top), HeatStyle(scale="fixed"), {}).high for top in (0.1, 3.0, 90.0)}
    assert fixed == {5.0}


@pytest.mark.parametrize("high", [0.2, 0.5, 1.0, 1.5, 2.5, 4.0, 5.0, 8.0, 25.0, 60.0])
def test_ticks_are_round_and_few_and_begin_at_the_lower_end(high: float) -> None:
    found = ticks(0.0, high)
    assert 3 <= len(found) <= 6
    assert found[0] == 0.0
    assert found[-1] == pytest.approx(high, rel=0.25)
    assert ticks(1.0, 1.0) == (1.0,)


def test_a_held_scale_stays_on_the_next_clip_until_it_is_let_go() -> None:
    state = to.scales_held(replace(_analysed(_map(8.7)), heat=HeatStyle(scale="clip")))
    following = replace(state, analysis=_analysed(_map(1.0)).analysis)
    found = heat_range(_map(1.0), following.heat, following.held_scales)
    assert (found.high, found.words) == (10.0, "scale held")
    assert heat_range(_map(1.0, unit="px/s"), following.heat, following.held_scales).words != "scale held"
    assert to.clip_closed(following).held_scales == state.held_scales
    assert not to.scales_held(following).held_scales
    assert not to.scales_held(ReviewState()).held_scales


def test_one_heat_map_is_shown_at_a_time_and_other_overlays_stay() -> None:
    state = to.overlay_switched(ReviewState(), "flow", True)
    assert state.overlays["flow"].shown
    assert [name for name in state.overlays if name in HEAT_MAPS and state.overlays[name].shown] == ["flow"]
    assert state.overlays["class_ribbon"].shown
    state = to.overlay_switched(state, "flow", False)
    assert not state.overlays["speckle_change"].shown


def test_a_map_that_is_not_there_says_why() -> None:
    with_line = replace(ReviewState(), roi=PleuralROI.single(0, [[0.0, 9.0], [50.0, 9.0]]))
    assert why_no_map(ReviewState(), "flow") == ""
    assert "not analysed yet" in why_no_map(with_line, "flow")
    running = replace(with_line, analysis=Analysis(AnalysisPhase.RUNNING, 1))
    assert "being measured" in why_no_map(running, "flow")
    done = replace(_analysed(_map(1.0, "speckle_change", "")), roi=with_line.roi)
    assert "could not be measured" in why_no_map(done, "flow")
    assert why_no_map(done, "speckle_change") == ""


def test_the_settings_carry_the_style() -> None:
    assert Settings().heat == HeatStyle()
    chosen = replace(Settings(), heat_colours="cividis", heat_window="clip", heat_scale="fixed").heat
    assert chosen == HeatStyle("cividis", "clip", "fixed")
    assert chosen.window_s == float("inf")
