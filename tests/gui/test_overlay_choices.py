"""What the reader chooses of the heat maps, and a possible lung point, as they are seen on the clip."""

from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from evidence_samples import all_off, analysed, motion_map, near, prediction, review
from overlay_samples import SCALE, Paint, band, dark, only

from lsgui.core.label import SlidingLabel
from lsgui.core.prediction import Ribbon
from lsgui.gui.theme import DARK
from lsgui.imaging.heat_colours import RAMPS
from lsgui.review.heat_style import HeatStyle
from lsgui.review.state import Playback, ReviewState

# --- how heat maps are drawn ------------------------------------------------------------------------------------


def test_a_map_over_the_whole_clip_is_the_same_at_every_moment_and_the_legend_says_so(paint: Paint) -> None:
    motion = motion_map()
    values = motion.values.copy()
    values[0], values[1] = 0.0, 0.5
    maps = MappingProxyType({"speckle_change": replace(motion, values=values)})
    state = only(dark(review(analysis=analysed(maps=maps), mmode_column=1.0)), "speckle_change")
    moment = paint(state)
    whole = replace(state, heat=HeatStyle(window="clip"))
    early, late = (paint(replace(whole, playback=Playback(frame=frame))) for frame in (0, 39))
    assert np.array_equal(band(early)[:, :200], band(late)[:, :200])
    assert band(early)[:, :200].mean() > band(moment)[:, :200].mean() + 20
    assert (moment[:90, 380:] != early[:90, 380:]).any()  # the words below the scale


@pytest.mark.parametrize("colours", ["viridis", "cividis", "magma"])
def test_the_chosen_colours_are_those_of_map_and_legend(paint: Paint, colours: Any) -> None:
    maps = MappingProxyType({"speckle_change": motion_map(value=0.5)})
    state = only(dark(review(analysis=analysed(maps=maps), mmode_column=1.0)), "speckle_change")
    found = paint(replace(state, heat=HeatStyle(colours=colours)))
    top = RAMPS[colours][-1]
    assert near(band(found)[20:60, 40:160], top, 12).mean() > 0.9
    assert near(found[:90, 380:], top, 30).sum() > 20
    assert not near(paint(state)[:90, 380:], RAMPS["viridis"][8], 12).any()


def test_a_fixed_scale_dims_a_map_whose_own_scale_is_smaller(paint: Paint) -> None:
    maps = MappingProxyType({"flow": motion_map("flow", value=0.5)})  # its own scale ends at 0.5 mm/s
    state = only(dark(review(analysis=analysed(maps=maps), mmode_column=1.0)), "flow")
    own, fixed = (
        band(paint(replace(state, heat=HeatStyle(scale=scale))))[:, :200].mean() for scale in ("own", "fixed")
    )
    assert own > 4 * fixed


def test_a_map_that_is_switched_on_and_not_there_says_why_where_its_legend_would_be(paint: Paint) -> None:
    state = only(dark(review(mmode_column=1.0)), "speckle_change")
    bare = paint(all_off(state))
    told = paint(state)
    changed = np.argwhere((told != bare).any(axis=2))
    assert len(changed) > 200
    assert changed[:, 0].max() < 80
    assert changed[:, 1].min() > 300
    without_line = replace(state, roi=None)
    assert np.array_equal(paint(without_line), paint(all_off(without_line)))


# --- a possible lung point --------------------------------------------------------------------------------------


def _both_classes(rows: list[list[float]]) -> Any:
    edges = np.linspace(0, 40, len(rows) + 1).astype(np.int64)
    ribbon = Ribbon(np.array(rows, dtype=np.float32), edges[:-1].copy(), edges[1:].copy())
    return analysed(prediction=prediction(SlidingLabel.CANNOT_ASSESS, ribbon=ribbon, threshold=0.5))


def test_a_possible_lung_point_is_marked_on_the_line_where_the_classes_meet(paint: Paint) -> None:
    def marked(state: ReviewState) -> np.ndarray:
        found = paint(only(dark(state), "class_ribbon"))
        return np.flatnonzero(near(found, DARK.text, 30)[round(58 * SCALE) : round(66 * SCALE)].sum(axis=0) > 12)

    state = review(analysis=_both_classes([[0.02] * 5 + [0.97] * 3] * 2), mmode_column=0.0)
    assert marked(state).mean() / SCALE - 0.5 == pytest.approx(40 + 120 * 5 / 8, abs=2.0)
    for other in (
        replace(state, analysis=replace(state.analysis, stale=True)),
        replace(state, blind=True),
        review(analysis=_both_classes([[0.02] * 8] * 2), mmode_column=0.0),
    ):
        assert marked(other).size == 0


def test_a_lung_point_in_time_is_named_on_the_clip_while_it_passes(paint: Paint) -> None:
    state = review(analysis=_both_classes([[0.02] * 8] * 2 + [[0.97] * 8] * 2), mmode_column=1.0)

    def words(frame: int) -> int:
        found = paint(only(dark(replace(state, playback=Playback(frame=frame))), "class_ribbon"))
        return int(near(found, DARK.text, 60)[: round(58 * SCALE)].sum())

    assert words(20) > 200
    assert words(2) == words(38) == 0
