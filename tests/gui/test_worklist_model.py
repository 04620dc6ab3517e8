"""The rows of the list: only what changed is told, and ten thousand clips cost in proportion."""

import itertools
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtWidgets import QApplication
from window_samples import until, write_clip

from lsgui.core.label import ReaderLabel
from lsgui.decoding.small_picture import _scan_part
from lsgui.gui import thumbnails
from lsgui.gui.worklist_delegate import name_lines
from lsgui.gui.worklist_model import ENTRY_ROLE
from lsgui.gui.worklist_panel import WorklistPanel
from lsgui.review import transitions as to
from lsgui.review import worklist_transitions as wl
from lsgui.review.paths import cache_file
from lsgui.review.state import ReviewState, WorklistEntry
from lsgui.review.worklist_choice import ListChoice, ListFilter, ListOrder
from lsgui.review.worklist_groups import folder_key
from lsgui.review.worklist_lots import clip_lot
from lsgui.review.worklist_view import listed


@pytest.fixture
def panel(qtbot):
    made = WorklistPanel()
    qtbot.addWidget(made)
    made.resize(256, 700)
    yield made
    made.close_thread()


def entries(count: int, folders: int = 1) -> tuple[WorklistEntry, ...]:
    paths = [Path(f"/none/day {k % folders}/clip {k}.avi") for k in range(count)]
    return tuple(WorklistEntry(p, p.name, "1 frame", group=folder_key(p), lot=clip_lot(p)) for p in paths)


class Heard:
    """What the model told its list."""

    def __init__(self, model) -> None:
        self.told: list[tuple] = []
        model.modelReset.connect(lambda: self.told.append(("reset",)))
        model.rowsInserted.connect(lambda _, first, last: self.told.append(("come", first, last)))
        model.rowsRemoved.connect(lambda _, first, last: self.told.append(("gone", first, last)))
        model.dataChanged.connect(lambda first, last: self.told.append(("changed", first.row(), last.row())))

    def after(self, panel, old: ReviewState, new: ReviewState) -> list[tuple]:
        self.told.clear()
        panel.apply(old, new)
        return list(self.told)


def rows_agree(panel, state: ReviewState) -> bool:
    """The list holds exactly what is listed, row by row."""
    model, shown = panel._model, listed(state)
    if model.rowCount() != len(shown.rows):
        return False
    for number, row in enumerate(shown.rows):
        said = model.data(model.index(number), ENTRY_ROLE)
        if (said[0] if isinstance(row, int) else said) != (state.worklist[row] if isinstance(row, int) else row):
            return False
    return True


def test_only_what_changed_is_told(panel):
    heard = Heard(panel._model)
    state = ReviewState(worklist=entries(30), selected=0)
    panel.apply(None, state)
    more = replace(state, worklist=(*state.worklist, *entries(200)[30:]))
    assert heard.after(panel, state, more) == [("come", 30, 199)]
    read = to.entry_changed(more, more.worklist[7].path, label=ReaderLabel.LS_A)
    assert heard.after(panel, more, read) == [("changed", 7, 7)]
    filtered = wl.filter_chosen(read, ListFilter.UNLABELLED)
    assert heard.after(panel, read, filtered) == [("gone", 7, 7)]
    back = wl.all_shown(filtered)
    assert heard.after(panel, filtered, back) == [("come", 7, 7)]
    other = wl.order_chosen(back, ListOrder.RANDOM)
    assert heard.after(panel, back, other) == [("reset",)]
    assert heard.after(panel, other, replace(other, pace_s=2.0)) == []
    assert rows_agree(panel, other)


def test_a_heading_tells_of_a_label_beneath_it(panel):
    heard = Heard(panel._model)
    state = ReviewState(worklist=entries(40, folders=2), selected=0)
    panel.apply(None, state)
    read = to.entry_changed(state, state.worklist[3].path, label=ReaderLabel.LS_P)
    assert heard.after(panel, state, read) == [("changed", 21, 21), ("changed", 23, 23)]
    folded = wl.group_folded(read, read.worklist[3].group)
    assert heard.after(panel, read, folded) == [("gone", 22, 41), ("changed", 21, 21)]
    assert rows_agree(panel, folded)


def test_rows_agree_after_every_kind_of_change(panel):
    """A walk through many choices: the list never shows what is not listed."""
    state = ReviewState(worklist=entries(60, folders=3), selected=5)
    panel.apply(None, state)
    draw = np.random.default_rng(3)
    steps = [
        lambda s: wl.filter_chosen(s, list(ListFilter)[draw.integers(7)]),
        lambda s: wl.order_chosen(s, list(ListOrder)[draw.integers(4)]),
        lambda s: wl.searched(s, ["", "1", "clip 2"][draw.integers(3)]),
        lambda s: wl.grouping_switched(s),
        lambda s: wl.group_folded(s, s.worklist[draw.integers(60)].group),
        lambda s: to.entry_changed(s, s.worklist[draw.integers(60)].path, label=list(ReaderLabel)[draw.integers(4)]),
        lambda s: replace(s, selected=int(draw.integers(60)), listing=replace(s.listing, stays=True)),
        lambda s: wl.all_shown(s),
    ]
    for _ in range(150):
        after = steps[draw.integers(len(steps))](state)
        panel.apply(state, after)
        state = after
        assert rows_agree(panel, state)
        current = panel._list.currentIndex()
        assert (panel._model.clip_at(current.row()) if current.isValid() else None) == (
            state.selected if panel._model.row_of(state.selected) is not None else None
        )


def test_a_clip_that_leaves_the_list_is_no_choice_of_another(panel):
    state = ReviewState(worklist=entries(5), selected=2)
    panel.apply(None, state)
    asked = []
    panel.clipAsked.connect(asked.append)
    searched = wl.searched(state, "clip 4")
    panel.apply(state, searched)
    assert asked == []
    assert not panel._list.currentIndex().isValid()
    panel.apply(searched, wl.all_shown(searched))
    assert asked == []
    assert panel._list.currentIndex().row() == 2


def test_arrow_keys_pass_headings(panel, qtbot):
    state = ReviewState(worklist=entries(4, folders=2), selected=2)
    panel.apply(None, state)
    panel.show()
    asked = []
    panel.clipAsked.connect(asked.append)
    assert panel._list.currentIndex().row() == 2
    qtbot.keyClick(panel._list, Qt.Key.Key_Down)
    assert asked == [1]
    assert panel._list.currentIndex().row() == 4


def test_the_first_clips_of_a_group_are_shown_with_their_heading(panel, qtbot):
    state = ReviewState(worklist=entries(60, folders=3))
    panel.apply(None, state)
    panel.show()
    chosen = replace(state, selected=3 * 4 + 1)  # the fifth clip of the second group
    panel.apply(state, chosen)
    heading, clip = (panel._list.visualRect(panel._model.index(row)) for row in (21, 26))
    assert panel._list.viewport().rect().contains(heading)
    assert panel._list.viewport().rect().contains(clip)


def test_the_list_is_told_to_those_who_hear_it(panel):
    state = ReviewState(worklist=entries(3, folders=2))
    panel.apply(None, state)
    role = Qt.ItemDataRole.AccessibleTextRole
    said = [panel._model.data(panel._model.index(row), role) for row in range(panel._model.rowCount())]
    assert said == [
        "day 0, 2 clips, 0 read",
        "clip 0.avi, 1 frame, not read",
        "clip 2.avi, 1 frame, not read",
        "day 1, 1 clips, 0 read",
        "clip 1.avi, 1 frame, not read",
    ]


def work(run) -> int:
    """Count the calls of Python and C functions: the same on every machine."""
    counted = [0]

    def count(frame, event, arg):
        counted[0] += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        run()
    finally:
        sys.setprofile(None)
    return counted[0]


@pytest.mark.parametrize("choice", [ListChoice(), ListChoice(order=ListOrder.RANDOM)])
def test_a_list_that_fills_costs_in_proportion(panel, choice):
    def filled(count: int) -> int:
        whole, states = entries(count, folders=count // 20), [ReviewState(scanning=True, listing=choice)]
        panel.apply(None, states[0])
        size = 250
        while size <= count:
            states.append(replace(states[0], worklist=whole[:size]))
            size *= 2
        return work(lambda: [panel.apply(old, new) for old, new in itertools.pairwise(states)])

    filled(500)
    assert filled(8000) / filled(1000) < 12


def test_a_label_in_ten_thousand_is_told_with_few_steps(panel, qtbot):
    state = ReviewState(worklist=entries(10_000, folders=400), selected=5000)
    panel.apply(None, state)
    panel.show()
    QApplication.processEvents()
    read = to.entry_changed(state, state.worklist[5000].path, label=ReaderLabel.LS_A)
    assert work(lambda: panel.apply(state, read)) < 60_000


# --- pictures ---------------------------------------------------------------------------------------------------


def test_a_picture_is_read_once_and_kept_for_the_next_session(qtbot, tmp_path, monkeypatch):
    clip = write_clip(tmp_path / "Doe Jane.avi", frames=20)
    state = ReviewState(worklist=(WorklistEntry(clip, clip.name),))
    pictures = []
    for _session in range(2):
        panel = WorklistPanel()
        qtbot.addWidget(panel)
        panel.apply(None, state)
        panel.show()
        until(qtbot, lambda p=panel: clip in p._model._images)
        pictures.append(panel._model._images[clip])
        panel.close_thread()
        monkeypatch.setattr(thumbnails.ThumbnailThread, "_made", lambda _thread, _path: pytest.fail("read again"))
    assert pictures[0].detail == pictures[1].detail == "20 frames · 1.0 s"
    assert pictures[1].image.size() == pictures[0].image.size()
    content = b"".join(file.read_bytes() for file in cache_file().parent.iterdir())
    assert b"Doe" not in content


def test_a_line_of_text_is_never_enlarged():
    frame = np.zeros((720, 1280), np.uint8)
    frame[20:44, 40:640] = 220  # a patient's name along the top, the scan not there yet
    assert _scan_part(frame).shape == frame.shape
    frame[200:500, 400:900] = 90
    assert _scan_part(frame).shape[0] < 320


def test_long_names_take_two_lines_and_keep_their_end(qapp):
    assert name_lines("clip 1.avi", 120) == ("clip 1.avi",)
    first, rest = name_lines("Reg_Image_181602_trimmed_crop_left.mp4", 120)
    assert rest.endswith(".mp4")
    assert "Reg_Image_181602_trimmed_crop_left.mp4".startswith(first)
    longest = name_lines("x" * 300 + "end.mp4", 120)
    assert longest[1].endswith("end.mp4")
    assert "…" in longest[1]


def test_nothing_is_asked_of_rows_that_are_not_there(panel):
    panel.apply(None, ReviewState(worklist=entries(2)))
    model = panel._model
    assert model.data(QModelIndex()) is None
    assert model.heading_at(9) is None
    assert model.clip_at(-1) is None
    assert model.row_of(None) is None
