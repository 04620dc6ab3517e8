"""Ribbon and M-mode: the same moment at the same place, the right colours, the frame that was clicked."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from evidence_samples import FRAMES, analysed, drawn_clip, near, pixels, prediction, real_clip, real_line, review
from PySide6.QtCore import QPoint, Qt

from lsgui.core.clip import MemoryFrames
from lsgui.core.label import ReaderLabel, SlidingLabel
from lsgui.core.pleura import PleuralROI
from lsgui.core.prediction import Ribbon, WindowScore
from lsgui.gui.mmode_view import MModeView
from lsgui.gui.ribbon_bar import RibbonBar, frame_probability
from lsgui.gui.seek_bar import SeekBar
from lsgui.gui.theme import tokens
from lsgui.gui.time_axis import BAR_INSET, ROOM_INSET
from lsgui.imaging.mmode import straightened_mmode
from lsgui.review.state import (
    Analysis,
    AnalysisPhase,
    LoadPhase,
    PictureSettings,
    Playback,
    Reading,
    ReviewState,
    RoiPhase,
)


@pytest.fixture
def ribbon(qtbot: Any) -> RibbonBar:
    bar = RibbonBar()
    qtbot.addWidget(bar)
    bar.resize(round(400 + 2 * BAR_INSET), bar.height())
    bar.show()
    qtbot.waitExposed(bar)
    return bar


@pytest.fixture
def mmode(qtbot: Any) -> MModeView:
    view = MModeView()
    qtbot.addWidget(view)
    view.resize(round(400 + 2 * ROOM_INSET), 160)
    view.show()
    qtbot.waitExposed(view)
    return view


def x_of(frame: float, inset: float) -> int:
    return round(inset + 400 * frame / FRAMES)


# --- ribbon -----------------------------------------------------------------------------------------------------


def test_the_ribbon_colours_what_was_scored_and_leaves_gaps_neutral(ribbon: RibbonBar) -> None:
    verdict = prediction(windows=(WindowScore(0, 15, 0.02), WindowScore(25, FRAMES, 0.98)))
    ribbon.apply(None, review(analysis=analysed(prediction=verdict)))
    found = pixels(ribbon.grab().toImage())[:10]  # the ribbon of the whole line
    look = tokens()
    assert near(found, look.present)[:, x_of(1, BAR_INSET) : x_of(14, BAR_INSET)].mean() > 0.95
    assert near(found, look.absent)[:, x_of(26, BAR_INSET) : x_of(39, BAR_INSET)].mean() > 0.95
    gap = found[:, x_of(16, BAR_INSET) : x_of(24, BAR_INSET)]
    assert not near(gap, look.present).any()
    assert not near(gap, look.absent).any()


def test_the_ribbon_grows_while_the_windows_come_in(ribbon: RibbonBar) -> None:
    windows = tuple(WindowScore(start, start + 10, 0.05) for start in range(0, FRAMES, 10))
    state = review(analysis=Analysis(AnalysisPhase.RUNNING, 1))
    ribbon.apply(None, state)
    covered = []
    for count in range(len(windows) + 1):
        grown = replace(state, analysis=Analysis(AnalysisPhase.RUNNING, 1, windows=windows[:count]))
        ribbon.apply(state, grown)
        state = grown
        covered.append(float(near(pixels(ribbon.grab().toImage())[:10], tokens().present).mean()))
    assert covered[0] == 0.0
    assert covered == sorted(covered)
    assert covered[-1] > 0.8


def test_overlapping_windows_count_by_their_mean() -> None:
    values = frame_probability((WindowScore(0, 4, 0.2), WindowScore(2, 6, 0.6), WindowScore(5, 8, float("nan"))), 8)
    assert values[:6] == pytest.approx([0.2, 0.2, 0.4, 0.4, 0.6, 0.6])
    assert np.isnan(values[6:]).all()


def test_the_ribbon_tells_the_number_under_the_pointer(ribbon: RibbonBar) -> None:
    state = review(analysis=analysed())
    ribbon.apply(None, state)
    assert ribbon.words_at(x_of(5.5, BAR_INSET)) == "0.25 s · frame 6\np(absent) 0.10"
    assert ribbon.words_at(x_of(20.5, BAR_INSET)).endswith("not scored")
    blind = replace(state, blind=True)
    ribbon.apply(state, blind)
    assert ribbon.words_at(x_of(5.5, BAR_INSET)) == "Hidden until you save your reading"
    assert not near(pixels(ribbon.grab().toImage()), tokens().present).any()
    saved = replace(blind, reading=Reading(ReaderLabel.LS_P, "14:02:11"))
    ribbon.apply(blind, saved)
    assert near(pixels(ribbon.grab().toImage()), tokens().present).any()


def test_a_click_on_the_ribbon_asks_for_the_frame_under_it(qtbot: Any, ribbon: RibbonBar) -> None:
    ribbon.apply(None, review())
    asked: list[int] = []
    ribbon.frameAsked.connect(asked.append)
    for frame in (0, 13, 39):
        qtbot.mouseClick(ribbon, Qt.MouseButton.LeftButton, pos=QPoint(x_of(frame + 0.5, BAR_INSET), 5))
    assert asked == [0, 13, 39]


def test_frames_at_odd_moments_lie_where_they_happen(qtbot: Any, ribbon: RibbonBar) -> None:
    clip = drawn_clip()
    assert clip.info is not None
    moments = tuple(float(t) for t in np.concatenate([np.arange(20) * 0.01, 0.2 + np.arange(20) * 0.09]))
    ribbon.apply(None, review(clip=replace(clip, info=replace(clip.info, frame_times_s=moments))))
    asked: list[int] = []
    ribbon.frameAsked.connect(asked.append)
    end = moments[-1] + 1 / clip.info.fps
    qtbot.mouseClick(ribbon, Qt.MouseButton.LeftButton, pos=QPoint(round(BAR_INSET + 400 * 0.25 / end), 5))
    assert asked == [20]


def test_an_empty_ribbon_asks_for_nothing(qtbot: Any, ribbon: RibbonBar) -> None:
    ribbon.apply(None, ReviewState())
    asked: list[int] = []
    ribbon.frameAsked.connect(asked.append)
    qtbot.mouseClick(ribbon, Qt.MouseButton.LeftButton, pos=QPoint(50, 5))
    assert not asked
    assert ribbon.words_at(50) == ""


# --- stretches over time, and a lung point ----------------------------------------------------------------------

_PRESENT, _ABSENT = 0.02, 0.98


def _grid(shown: np.ndarray) -> np.ndarray:
    return shown[12:32, round(BAR_INSET) : round(BAR_INSET) + 400]


def _judged(rows: list[list[float]]) -> Any:
    """A verdict from windows that follow one another over the whole clip."""
    edges = np.linspace(0, FRAMES, len(rows) + 1).astype(np.int64)
    windows = tuple(
        WindowScore(int(a), int(b), float(np.nanmean(row))) for a, b, row in zip(edges, edges[1:], rows, strict=False)
    )
    values = Ribbon(np.array(rows, dtype=np.float32), edges[:-1].copy(), edges[1:].copy())
    return prediction(SlidingLabel.CANNOT_ASSESS, windows=windows, ribbon=values, threshold=0.5)


def test_every_stretch_has_its_own_row_over_time(ribbon: RibbonBar) -> None:
    left_half, right_half = [_PRESENT, _PRESENT, _ABSENT, _ABSENT], [_ABSENT, _ABSENT, _PRESENT, np.nan]
    ribbon.apply(None, review(analysis=analysed(prediction=_judged([left_half, right_half]))))
    found, look = _grid(pixels(ribbon.grab().toImage())), tokens()
    top, bottom, early, late = slice(1, 8), slice(16, 19), slice(4, 196), slice(204, 396)
    assert near(found, look.present)[top, early].all()
    assert near(found, look.absent)[bottom, early].all()
    assert near(found, look.absent)[top, late].all()
    assert not near(found, look.present)[bottom, late].any()  # the last stretch was not scored there
    assert not near(found, look.absent)[bottom, late].any()


def test_the_ribbon_tells_the_stretch_under_the_pointer(ribbon: RibbonBar) -> None:
    ribbon.apply(None, review(analysis=analysed(prediction=_judged([[0.1, 0.2, 0.8, np.nan]] * 2))))
    x = x_of(5.5, BAR_INSET)
    assert ribbon.words_at(x, 14).splitlines()[1] == "stretch 1 of 4 (0–25 % of the line): p(absent) 0.10"
    assert ribbon.words_at(x, 25).splitlines()[1] == "stretch 3 of 4 (50–75 % of the line): p(absent) 0.80"
    assert ribbon.words_at(x, 31).splitlines()[1].endswith("not scored")


def test_a_possible_lung_point_is_marked_between_its_stretches_and_named_as_a_hint(ribbon: RibbonBar) -> None:
    def row_of_marks(state: ReviewState) -> np.ndarray:
        ribbon.apply(None, state)
        return np.flatnonzero(near(_grid(pixels(ribbon.grab().toImage())), tokens().text, 50).sum(axis=1) > 100)

    rows = [[_PRESENT, _PRESENT, _PRESENT, _ABSENT, _ABSENT, _ABSENT, _ABSENT, _ABSENT]] * 3
    state = review(analysis=analysed(prediction=_judged(rows)))
    assert row_of_marks(state).mean() == pytest.approx(20 * 3 / 8 - 0.5, abs=1.0)
    assert ribbon.words_at(x_of(5.5, BAR_INSET), 14).endswith("Possible lung point at 38 % of the line")
    assert row_of_marks(replace(state, blind=True)).size == 0
    assert row_of_marks(review(analysis=analysed(prediction=_judged([[_PRESENT] * 8] * 3)))).size == 0


def test_a_lung_point_in_time_is_marked_at_its_moment_on_ribbon_and_seek_bar(qtbot: Any, ribbon: RibbonBar) -> None:
    rows = [[_PRESENT] * 4] * 2 + [[_ABSENT] * 4] * 2
    state = review(analysis=analysed(prediction=_judged(rows)))
    ribbon.apply(None, state)
    at = np.flatnonzero(near(_grid(pixels(ribbon.grab().toImage())), tokens().text, 60).sum(axis=0) > 12)
    assert at.mean() == pytest.approx(195, abs=3)  # half-way between the middles of two windows
    bar = SeekBar()
    qtbot.addWidget(bar)
    bar.resize(ribbon.width(), 24)
    blind = replace(state, blind=True, playback=Playback(frame=3))
    bar.apply(None, blind)
    assert bar.words_at(x_of(20, BAR_INSET)) == ""
    before = pixels(bar.grab().toImage())
    bar.apply(blind, replace(blind, blind=False))
    marked = np.flatnonzero((pixels(bar.grab().toImage()) != before).any(axis=(0, 2)))
    assert marked.mean() == pytest.approx(BAR_INSET + 195, abs=3)
    assert "possible lung point: sliding ends" in bar.words_at(x_of(20, BAR_INSET)).lower()
    assert bar.words_at(x_of(5, BAR_INSET)) == ""


def green_at(view: MModeView) -> float:
    """Where the green line stands."""
    row = pixels(view.grab().toImage())[100].astype(int)
    return float(np.flatnonzero((row[:, 1] - row[:, 0] > 25) & (row[:, 1] - row[:, 2] > 25)).mean())


# --- M-mode -----------------------------------------------------------------------------------------------------


def test_the_m_mode_of_a_real_clip_is_the_straightened_one_over_the_whole_clip(
    qtbot: Any, mmode: MModeView, shared_clips: Path
) -> None:
    name = "Reg_recommendations_alines_mov1.mov"
    clip, roi = real_clip(shared_clips, name), real_line(shared_clips, name)
    assert clip.info is not None
    assert clip.store is not None
    mmode.apply(None, review(clip=clip, roi=roi, mmode_column=0.3))
    frames = clip.info.frames
    qtbot.waitUntil(lambda: mmode.image is not None and mmode.image.shape[1] == frames, timeout=5000)
    wanted = straightened_mmode(clip.store, range(frames), roi, 0.3, 40, 80)
    assert np.array_equal(mmode.image, wanted)
    shown = pixels(mmode.grab().toImage())
    assert shown[40:140, 60:400].std() > 5


def test_every_column_lies_below_its_moment_of_the_seek_bar(qtbot: Any, mmode: MModeView) -> None:
    frames = np.zeros((FRAMES, 150, 200), dtype=np.uint8)
    frames[20:] = 200  # the picture lights up in the middle of the clip
    clip = drawn_clip()
    mmode.apply(None, review(clip=replace(clip, store=MemoryFrames(frames)), playback=Playback(frame=10)))
    qtbot.waitUntil(lambda: mmode.image is not None, timeout=5000)
    row = pixels(mmode.grab().toImage())[100, :, 0].astype(int)
    assert row[x_of(17, ROOM_INSET)] == 0
    assert row[x_of(21, ROOM_INSET)] == 200
    edge = int(np.argmax(row[x_of(15, ROOM_INSET) :] > 100)) + x_of(15, ROOM_INSET)
    assert edge == pytest.approx(x_of(19.5, ROOM_INSET), abs=2)
    assert green_at(mmode) == pytest.approx(x_of(10, ROOM_INSET), abs=1.5)


def test_only_the_green_line_moves_with_the_frame(qtbot: Any, mmode: MModeView) -> None:
    state = review()
    mmode.apply(None, state)
    qtbot.waitUntil(lambda: mmode.image is not None, timeout=5000)
    first = mmode.image
    later = replace(state, playback=Playback(frame=30))
    mmode.apply(state, later)
    qtbot.wait(120)
    assert mmode.image is first
    assert green_at(mmode) == pytest.approx(x_of(30, ROOM_INSET), abs=1.5)


def test_the_m_mode_grows_while_the_clip_decodes_and_cuts_no_column_twice(qtbot: Any, mmode: MModeView) -> None:
    asked: list[int] = []

    class Counting(MemoryFrames):
        def frame(self, index: int) -> Any:
            asked.append(index)
            return super().frame(index)

    store = Counting(np.zeros((FRAMES, 150, 200), dtype=np.uint8))
    half = drawn_clip(phase=LoadPhase.DECODING, frames_ready=FRAMES // 2, store=store)
    state = review(clip=half)
    mmode.apply(None, state)
    qtbot.waitUntil(lambda: mmode.image is not None and mmode.image.shape[1] == FRAMES // 2, timeout=5000)
    whole = replace(state, clip=replace(half, phase=LoadPhase.COMPLETE, frames_ready=FRAMES))
    mmode.apply(state, whole)
    qtbot.waitUntil(lambda: mmode.image is not None and mmode.image.shape[1] == FRAMES, timeout=5000)
    assert sorted(asked) == list(range(FRAMES))


def test_another_column_is_another_m_mode_and_the_last_one_asked_for_stays(qtbot: Any, mmode: MModeView) -> None:
    frames = np.tile(np.arange(200, dtype=np.uint8), (FRAMES, 150, 1))  # grey is the column of the picture
    roi = PleuralROI.single(0, [[40.0, 60.0], [160.0, 60.0]])
    state = review(clip=drawn_clip(store=MemoryFrames(frames)), roi=roi, mmode_column=0.0)
    mmode.apply(None, state)
    for column in (0.2, 0.9, 0.4, 0.75):
        now = replace(state, mmode_column=column)
        mmode.apply(state, now)
        state = now
    qtbot.waitUntil(lambda: mmode.image is not None and int(mmode.image[50, 5]) == 130, timeout=5000)
    qtbot.wait(150)
    assert mmode.image is not None
    assert (mmode.image == 130).all()


def test_a_clip_without_a_line_says_how_to_get_one(mmode: MModeView) -> None:
    mmode.apply(None, ReviewState())
    assert mmode.sentence() == "The M-mode of a clip appears here."
    mmode.apply(None, review(roi=None, roi_phase=RoiPhase.NONE))
    assert "draw it (R)" in mmode.sentence()
    mmode.apply(None, review(roi=None, roi_phase=RoiPhase.SEARCHING))
    assert "Looking for the pleural line" in mmode.sentence()


def test_a_click_on_the_m_mode_asks_for_the_frame_under_it(qtbot: Any, mmode: MModeView) -> None:
    mmode.apply(None, review())
    asked: list[int] = []
    mmode.frameAsked.connect(asked.append)
    qtbot.mousePress(mmode, Qt.MouseButton.LeftButton, pos=QPoint(x_of(7.5, ROOM_INSET), 60))
    qtbot.mouseMove(mmode, QPoint(x_of(22.5, ROOM_INSET), 60))
    qtbot.mouseRelease(mmode, Qt.MouseButton.LeftButton, pos=QPoint(x_of(22.5, ROOM_INSET), 60))
    assert asked[0] == 7
    assert asked[-1] == 22


def test_the_m_mode_takes_the_greys_of_the_picture(qtbot: Any, mmode: MModeView) -> None:
    state = review(clip=drawn_clip(store=MemoryFrames(np.full((FRAMES, 150, 200), 60, dtype=np.uint8))))
    mmode.apply(None, state)
    qtbot.waitUntil(lambda: mmode.image is not None, timeout=5000)
    before = int(pixels(mmode.grab().toImage())[120, 300, 0])
    mmode.apply(state, replace(state, picture=PictureSettings(brightness=0.4)))
    assert int(pixels(mmode.grab().toImage())[120, 300, 0]) == pytest.approx(before + 0.4 * 255, abs=1)


def test_a_new_clip_never_shows_the_former_ones_m_mode(qtbot: Any, mmode: MModeView) -> None:
    state = review()
    mmode.apply(None, state)
    qtbot.waitUntil(lambda: mmode.image is not None, timeout=5000)
    mmode.apply(state, review(clip=drawn_clip(Path("other.mp4")), roi=None, roi_phase=RoiPhase.NONE))
    assert mmode.image is None
    qtbot.wait(100)
    assert mmode.image is None


def test_the_stretch_under_the_green_line_is_told_unless_the_reader_is_blind(mmode: MModeView, qtbot: Any) -> None:
    state = review(analysis=analysed(SlidingLabel.LS_A), playback=Playback(frame=3))
    mmode.apply(None, state)
    assert mmode.stretch_words() == "this stretch now: p(absent) 0.90"
    gap = replace(state, playback=Playback(frame=20))
    mmode.apply(state, gap)
    assert mmode.stretch_words() == "this stretch now: not scored"
    blind = replace(gap, blind=True)
    mmode.apply(gap, blind)
    assert mmode.stretch_words() == ""
