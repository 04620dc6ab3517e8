"""What lies over the clip: painted where it belongs, switched off when asked, hidden from a blind reader."""

from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from evidence_samples import (
    LINE,
    all_off,
    analysed,
    motion_map,
    near,
    prediction,
    review,
    switched,
)
from overlay_samples import SCALE, Paint, band, dark, only

from lsgui.core.label import ReaderLabel, SlidingLabel
from lsgui.core.pleura import PleuralROI
from lsgui.core.prediction import Ribbon, SegmentScore
from lsgui.gui.colour_map import probability_colour
from lsgui.gui.overlays.base import OVERLAYS, Corners, Overlay, find_overlays
from lsgui.gui.overlays.class_ribbon import stretch_at, stretch_values
from lsgui.gui.overlays.mmode_column import COLUMN_COLOUR
from lsgui.gui.overlays.scale_bar import bar_length_mm
from lsgui.gui.theme import DARK, LIGHT
from lsgui.imaging.band_grid import band_grid
from lsgui.imaging.heat_colours import RAMPS, heat_table
from lsgui.imaging.strip_cutter import strip_grid
from lsgui.review.state import OverlaySwitch, Playback, Reading, ReviewState

# --- the table --------------------------------------------------------------------------------------------------


def test_every_switch_of_the_state_has_its_overlay_and_every_overlay_its_words() -> None:
    found = dict(find_overlays())
    assert set(ReviewState().overlays) <= set(found)
    for name, kind in found.items():
        assert kind.title, name
        assert not kind.switchable or (kind.hint and name in ReviewState().overlays), name


def test_two_overlays_of_one_name_are_refused() -> None:
    find_overlays()
    with pytest.raises(ValueError, match="two overlays are called 'badge'"):

        @OVERLAYS.register("badge")
        class Again(Overlay):
            """A second badge."""


# --- where things lie -------------------------------------------------------------------------------------------


def test_the_pleural_line_is_painted_on_the_pleura_and_dashed_while_only_suggested(paint: Paint) -> None:
    state = only(dark(review(mmode_column=0.0)), "pleural_line")
    row = round((62 + 0.5) * SCALE)

    def cyan(found: np.ndarray) -> int:
        return int(near(found, DARK.accent)[row - 8 : row + 8, 300 - 120 : 300 + 120].any(axis=0).sum())

    solid = cyan(paint(replace(state, playback=Playback(playing=True))))
    suggested = PleuralROI.single(0, LINE, "auto")
    dashed = cyan(paint(replace(state, playback=Playback(playing=True), roi=suggested)))
    assert solid > 230
    assert 0.4 * solid < dashed < 0.85 * solid


def test_an_uncertain_line_is_dotted_in_the_colour_of_warnings_and_a_sure_one_is_not(paint: Paint) -> None:
    state = only(dark(review(mmode_column=0.0, playback=Playback(playing=True))), "pleural_line")
    row = round((62 + 0.5) * SCALE)
    for confidence, colour, other in ((0.6, DARK.warning, DARK.accent), (0.9, DARK.accent, DARK.warning)):
        found = paint(replace(state, roi=PleuralROI.single(0, LINE, "auto", confidence)))[row - 8 : row + 8]
        assert near(found, colour).any(axis=0).sum() > 60
        assert not near(found, other).any()


def test_the_line_follows_its_key_frames(paint: Paint) -> None:
    roi = PleuralROI(((0, np.array(LINE)), (20, np.array(LINE) + np.array([0.0, 40.0]))))
    state = only(dark(review(roi=roi)), "pleural_line")
    for frame, moved in ((0, 0), (10, 20), (20, 40)):
        found = near(paint(replace(state, playback=Playback(frame=frame, playing=True))), DARK.accent)
        rows = np.flatnonzero(found[:, round(60 * SCALE)])
        assert rows.mean() / SCALE - 0.5 == pytest.approx(60 + 4 / 3 + moved, abs=1.0)


def test_the_heat_map_lies_between_the_line_and_its_depth_and_leaves_out_what_was_not_measured(paint: Paint) -> None:
    state = only(dark(review(analysis=analysed())), "speckle_change")
    found = paint(state)
    measured = round((LINE[0][0] + 0.6 * 120) * SCALE)
    coloured = found.max(axis=2) > 40
    inside = coloured[round(68 * SCALE) : round(86 * SCALE), round(50 * SCALE) : measured]
    assert inside.mean() > 0.95
    assert not coloured[round(102 * SCALE) : round(140 * SCALE), : round(150 * SCALE)][:, 240:280].any()
    assert not coloured[round(70 * SCALE) : round(85 * SCALE), round(140 * SCALE) : round(156 * SCALE)].any()


def test_maps_stay_where_they_were_measured_when_the_line_is_corrected(paint: Paint) -> None:
    former = PleuralROI.single(0, LINE)
    state = review(roi=former, analysis=analysed(roi=former), mmode_column=1.0)
    state = only(dark(state), "speckle_change", "class_ribbon")
    before = paint(state)
    moved = PleuralROI.single(0, np.array(LINE) + np.array([0.0, 45.0]))
    stale = replace(state, roi=moved, analysis=replace(state.analysis, stale=True))
    assert np.array_equal(paint(stale)[: round(100 * SCALE), :400], before[: round(100 * SCALE), :400])


def test_the_heat_map_brightens_with_its_value_and_fades_with_its_opacity(paint: Paint) -> None:
    def mean(value: float, opacity: float) -> float:
        maps = MappingProxyType({"speckle_change": motion_map(value=value)})
        state = dark(review(analysis=analysed(maps=maps), mmode_column=1.0))
        state = switched(all_off(state), speckle_change=OverlaySwitch(opacity=opacity))
        return float(band(paint(state))[:, :200].mean())

    values = [mean(value, 1.0) for value in (0.0, 0.1, 0.3, 0.5)]
    assert values == sorted(values)
    assert values[0] < 2.0
    assert mean(0.5, 0.4) == pytest.approx(0.4 * values[-1], rel=0.1)


def test_the_map_of_the_moment_is_shown(paint: Paint) -> None:
    motion = motion_map()
    values = motion.values.copy()
    values[0], values[1] = 0.0, 0.5
    maps = MappingProxyType({"speckle_change": replace(motion, values=values)})
    state = only(dark(review(analysis=analysed(maps=maps), mmode_column=1.0)), "speckle_change")
    early, late = (
        float(band(paint(replace(state, playback=Playback(frame=frame))))[:, :200].mean()) for frame in (0, 39)
    )
    assert late > early + 40


def test_the_band_is_the_inverse_of_the_strip() -> None:
    line = np.array([[40.0, 80.0], [90.0, 74.0], [140.0, 82.0], [190.0, 70.0]])
    mm_per_px, depth = 0.25, 40.0
    strip = strip_grid(line, 101, mm_per_px)
    grid = band_grid(line, depth, 300, 200, 2.0 / mm_per_px)
    rows, columns = grid.along.shape
    for row in range(25, 45, 5):
        below = (row - 24) * 0.4 / mm_per_px
        for column in range(10, 95, 12):
            x, y = strip.points[row, column]
            at = round((float(y) - grid.top) / grid.step), round((float(x) - grid.left) / grid.step)
            assert 0 <= at[0] < rows
            assert 0 <= at[1] < columns
            assert grid.along[at] == pytest.approx(column / 100, abs=0.02)
            assert grid.below[at] * depth == pytest.approx(below, abs=1.0)
            assert grid.cover[at] > 0


def test_the_ribbon_has_the_colour_of_every_stretch_at_the_moment(paint: Paint) -> None:
    values = np.array([[0.02, 0.02, 0.98, 0.98], [0.98, 0.98, 0.02, 0.02]], dtype=np.float32)
    verdict = prediction(ribbon=Ribbon(values, np.array([0, 20]), np.array([20, 40])))
    state = only(dark(review(analysis=analysed(prediction=verdict), mmode_column=0.5)), "class_ribbon")
    half = round(100 * SCALE)
    early = paint(replace(state, playback=Playback(frame=3)))
    late = paint(replace(state, playback=Playback(frame=30)))
    for found, left, right in ((early, DARK.present, DARK.absent), (late, DARK.absent, DARK.present)):
        assert near(found, left)[:, : half - 9].sum() > 200
        assert near(found, left)[:, half + 9 :].sum() == 0
        assert near(found, right)[:, half + 9 :].sum() > 200


def test_a_stretch_that_was_not_scored_is_grey_and_counts_for_nothing() -> None:
    values = np.array([[0.1, np.nan, 0.3, 0.3], [0.3, np.nan, np.nan, 0.5]], dtype=np.float32)
    verdict = prediction(ribbon=Ribbon(values, np.array([0, 10]), np.array([20, 30])))
    assert stretch_at(verdict, 15, 0.1) == pytest.approx(0.2)
    assert stretch_at(verdict, 15, 0.4) is None
    assert stretch_at(verdict, 15, 0.6) == pytest.approx(0.3)
    assert stretch_at(verdict, 35, 0.1) is None
    assert stretch_at(replace(verdict, ribbon=None), 35, 0.1) == pytest.approx(0.1)
    assert [round(s[0], 3) for s in stretch_values(replace(verdict, segments=()), 5)] == [0.0, 0.25, 0.5, 0.75]


def test_the_green_line_crosses_the_pleura_where_the_m_mode_is_taken(paint: Paint) -> None:
    state = all_off(dark(review()))
    for column, x in ((0.0, 40), (0.5, 100), (1.0, 160)):
        found = near(paint(replace(state, mmode_column=column)), COLUMN_COLOUR, 60)
        at = np.flatnonzero(found[round(72 * SCALE)])
        assert at.mean() / SCALE - 0.5 == pytest.approx(x, abs=2.0)


def test_the_badge_says_the_verdict_in_its_colour_and_fades_when_the_line_was_changed(paint: Paint) -> None:
    for label, colour in ((SlidingLabel.LS_P, DARK.present), (SlidingLabel.LS_A, DARK.absent)):
        state = only(dark(review(analysis=analysed(label), mmode_column=1.0)), "badge")
        corner = paint(state)[:80, :300]
        assert near(corner, colour).sum() > 300
        stale = paint(replace(state, analysis=replace(state.analysis, stale=True)))[:80, :300]
        assert near(stale, colour).sum() == 0


def test_an_arrow_starts_in_its_cell_and_is_is_a_millimetre_long_for_a_millimetre_per_second(paint: Paint) -> None:
    found = paint(only(dark(review(analysis=analysed(), mmode_column=1.0)), "flow_arrows"))[:400]
    bright = near(found, DARK.text, 60)
    # 1.6 mm/s is 1.6 mm in a second: 6.4 px of the drawn clip. Cells: 15 px by 10 px, the first one's centre at 7.5, 5.
    row = round((60.5 + 5 + 0.5) * SCALE)
    across = np.flatnonzero(bright[row - 4 : row + 5, round(43 * SCALE) : round(57 * SCALE)].any(axis=0))
    assert (across[0] / SCALE + 43, across[-1] / SCALE + 43) == pytest.approx((48.0, 54.4), abs=0.8)
    heads = bright[row - 12 : row + 12]
    half = round((47.5 + 3.2 + 0.5) * SCALE)
    cell = slice(round(43 * SCALE), half), slice(half, round(57 * SCALE))
    assert heads[:, cell[1]].any(axis=1).sum() > heads[:, cell[0]].any(axis=1).sum()  # it points along the line
    assert not bright[:, round(131 * SCALE) :].any()  # nothing was measured there


def test_a_still_place_is_a_dot_and_a_map_without_velocities_paints_nothing(paint: Paint) -> None:
    def bright(vectors: Any) -> int:
        maps = MappingProxyType({"flow": replace(motion_map("flow"), vectors=vectors)})
        state = dark(review(analysis=analysed(maps=maps), mmode_column=1.0))
        seen = paint(only(state, "flow_arrows")) != paint(all_off(state))
        return int(seen.any(axis=2).sum())

    moving, still = (np.broadcast_to(np.float32([v, 0.0]), (2, 3, 8, 2)).copy() for v in (1.6, 0.0))
    assert bright(None) == 0
    assert 0 < bright(still) < bright(moving) / 3


def test_a_fast_arrow_ends_before_the_next_one_begins(paint: Paint) -> None:
    fast = np.full((2, 3, 8, 2), np.nan, dtype=np.float32)
    fast[:, 1, 2] = (50.0, 0.0)
    maps = MappingProxyType({"flow": replace(motion_map("flow"), vectors=fast)})
    state = dark(review(analysis=analysed(maps=maps), mmode_column=1.0))
    columns = np.flatnonzero((paint(only(state, "flow_arrows")) != paint(all_off(state))).any(axis=(0, 2)))
    assert np.ptp(columns) / SCALE == pytest.approx(0.95 * 15, abs=2.0)


# --- what is switched and hidden --------------------------------------------------------------------------------


def test_each_overlay_is_seen_by_its_own_switch_alone(paint: Paint) -> None:
    state = dark(review(analysis=analysed()))
    bare = paint(all_off(state))
    for name in state.overlays:
        assert (paint(only(state, name)) != bare).any(), name
    assert (paint(all_off(state)) == bare).all()


def test_clearing_leaves_the_picture_and_the_line_that_goes_with_every_verdict(paint: Paint) -> None:
    state = dark(review(analysis=analysed()))
    cleared = paint(replace(state, overlays_shown=False))
    assert cleared[:400].max() == 0
    assert cleared[400:, 300:].max() > 60  # research use only


def test_a_blind_reader_sees_nothing_of_the_verdict_before_a_reading_is_saved(paint: Paint) -> None:
    analysed_state = dark(review(analysis=analysed(SlidingLabel.LS_A)))
    never = paint(dark(review(blind=True)))
    blind = paint(replace(analysed_state, blind=True))
    assert (blind == never).all()
    after = paint(replace(analysed_state, blind=True, reading=Reading(ReaderLabel.LS_P, "14:02:11")))
    assert near(after, DARK.absent).sum() > 300


# --- numbers as colours -----------------------------------------------------------------------------------------


def test_a_probability_turns_from_present_over_unsure_to_absent_at_the_threshold() -> None:
    for look in (DARK, LIGHT):
        assert probability_colour(0.0, 0.4, look).name() == look.present
        assert probability_colour(0.4, 0.4, look).name() == look.unsure
        assert probability_colour(1.0, 0.4, look).name() == look.absent
        assert probability_colour(float("nan"), 0.4, look).name() == look.muted


@pytest.mark.parametrize("ramp", RAMPS)
def test_a_heat_ramp_rises_evenly_in_lightness_and_is_clear_at_its_lower_end(ramp: str) -> None:
    table = heat_table(ramp).astype(float)
    assert table[0, 3] == 0
    assert (np.diff(table[:, 3]) >= 0).all()
    visible = table[40:]
    lightness = (0.114 * visible[:, 0] + 0.587 * visible[:, 1] + 0.299 * visible[:, 2]) / visible[:, 3]
    assert (np.diff(lightness) > -0.01).all()


@pytest.mark.parametrize(("points_per_mm", "length"), [(6.4, 10), (64.0, 1), (0.7, 100), (3.0, 20)])
def test_the_scale_bar_takes_a_round_length_that_suits_the_zoom(points_per_mm: float, length: int) -> None:
    assert bar_length_mm(points_per_mm) == length


def test_plates_in_one_corner_stand_below_each_other_and_go_where_there_is_no_room() -> None:
    from PySide6.QtCore import QRectF, QSizeF

    corners = Corners(QRectF(0, 0, 300, 120))
    first = corners.place("top_left", QSizeF(180, 40))
    second = corners.place("top_right", QSizeF(180, 40))
    assert first is not None
    assert second is not None
    assert not first.intersects(second)
    assert corners.place("top_right", QSizeF(180, 40)) is None


def test_stretches_of_no_length_paint_nothing_wrong(paint: Paint) -> None:
    verdict = prediction(segments=(SegmentScore(0.0, 0.0, 0.2),), ribbon=None)
    paint(dark(review(analysis=analysed(prediction=verdict))))
