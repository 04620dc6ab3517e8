"""The worklist in the real window: filter, order, search, groups, resuming, and the clip that is decoded ahead."""

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from window_samples import is_complete, press, until, write_clip

sys.path.insert(0, str(Path(__file__).parents[1] / "readers"))
from dicom_samples import write_dicom
from reader_samples import numbered_frames

from lsgui.core.label import ReaderLabel
from lsgui.gui.loader_thread import ClipComplete
from lsgui.review import transitions as to
from lsgui.review import worklist_transitions as wl
from lsgui.review.state import LoadPhase, WorklistEntry
from lsgui.review.worklist_choice import ListFilter, ListOrder
from lsgui.review.worklist_view import Heading, listed

SHIFT, CTRL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve short clips in one folder."""
    made = tmp_path / "clips"
    made.mkdir()
    first = write_clip(tmp_path / "first.avi", frames=8)
    for k in range(12):
        shutil.copy(first, made / f"clip {k}.avi")
    return made


def open_folder(review, qtbot, *paths: Path) -> None:
    review.controller.open_paths(list(paths))
    until(qtbot, lambda: not review.controller.state.scanning and is_complete(review))


def name(review) -> str:
    return review.controller.state.clip.path.name


def label(review, *indices: int, said=ReaderLabel.LS_P) -> None:
    for index in indices:
        path = review.controller.state.worklist[index].path
        review.controller.change(lambda s, p=path: to.entry_changed(s, p, label=said))


def shown_names(review) -> list[str]:
    state = review.controller.state
    return [state.worklist[index].title for index in listed(state).order]


def test_keys_filter_search_and_go_through_what_is_listed(review, qtbot, folder):
    open_folder(review, qtbot, folder)
    panel = review.window.worklist_panel
    label(review, 0, 1, 3)
    press(review, Qt.Key.Key_F)
    menu = QApplication.activePopupWidget()
    assert [a.text() for a in menu.actions() if not a.isSeparator()][1] == "Unlabelled\t9"
    QTest.keyClick(menu, Qt.Key.Key_Down)
    QTest.keyClick(menu, Qt.Key.Key_Return)
    assert review.controller.state.listing.filter is ListFilter.UNLABELLED
    assert shown_names(review)[:3] == ["clip 2.avi", "clip 4.avi", "clip 5.avi"]
    assert panel._heading.text() == "WORKLIST · 3 OF 12 READ"
    press(review, Qt.Key.Key_N)
    assert name(review) == "clip 2.avi"
    press(review, Qt.Key.Key_PageDown)
    assert name(review) == "clip 4.avi"
    press(review, Qt.Key.Key_B)
    assert name(review) == "clip 2.avi"
    press(review, Qt.Key.Key_F, CTRL)
    assert QApplication.focusWidget() is panel.bar.search
    QTest.keyClicks(panel.bar.search, "clip 1")
    assert shown_names(review) == ["clip 10.avi", "clip 11.avi"]
    assert name(review) == "clip 2.avi"  # P, A and N were typed, not pressed
    QTest.keyClick(panel.bar.search, Qt.Key.Key_Return)
    assert name(review) == "clip 10.avi"
    assert QApplication.focusWidget() is not panel.bar.search
    press(review, Qt.Key.Key_F, CTRL | SHIFT)
    assert len(shown_names(review)) == 12
    assert panel.bar.search.text() == ""


def test_escape_empties_the_search_and_gives_the_keys_back(review, qtbot, folder):
    open_folder(review, qtbot, folder)
    search = review.window.worklist_panel.bar.search
    press(review, Qt.Key.Key_F, CTRL)
    QTest.keyClicks(search, "no such clip")
    assert review.window.worklist_panel._stack.currentWidget() is review.window.worklist_panel._nothing
    assert "No name with “no such clip”" in review.window.worklist_panel._nothing._words.text()
    QTest.keyClick(search, Qt.Key.Key_Escape)
    assert not search.hasFocus()
    assert len(shown_names(review)) == 12
    assert review.window.worklist_panel._stack.currentWidget() is review.window.worklist_panel._list


def test_an_empty_filter_says_why_and_leads_out(review, qtbot, folder):
    open_folder(review, qtbot, folder)
    panel = review.window.worklist_panel
    review.controller.change(lambda s: wl.filter_chosen(s, ListFilter.LS_A))
    assert panel._heading.text() == "WORKLIST · NONE OF 12 LISTED"
    assert panel._nothing._words.text() == "You have read no clip as absent."
    QTest.mouseClick(panel._nothing._all, Qt.MouseButton.LeftButton)
    assert len(shown_names(review)) == 12


def test_a_labelled_clip_stays_in_view_and_the_way_back_leads_to_it(review, qtbot, folder):
    open_folder(review, qtbot, folder)
    review.controller.change(lambda s: wl.filter_chosen(s, ListFilter.UNLABELLED))
    label(review, 0)
    assert shown_names(review)[0] == "clip 0.avi"
    press(review, Qt.Key.Key_N)
    assert name(review) == "clip 1.avi"
    assert shown_names(review)[0] == "clip 1.avi"
    press(review, Qt.Key.Key_B)
    assert name(review) == "clip 0.avi"  # the label that was just given can be looked at again
    until(qtbot, lambda: is_complete(review))


def test_a_random_order_leads_the_way_and_can_be_drawn_again(review, qtbot, folder):
    open_folder(review, qtbot, folder)
    review.controller.change(lambda s: wl.order_chosen(s, ListOrder.RANDOM))
    first = shown_names(review)
    assert sorted(first) != first
    press(review, Qt.Key.Key_Home, CTRL)
    assert name(review) == first[0]
    press(review, Qt.Key.Key_N)
    assert name(review) == first[1]
    QTest.mouseClick(
        review.window.worklist_panel._list.viewport(),
        Qt.MouseButton.LeftButton,
        pos=review.window.worklist_panel._list.visualRect(review.window.worklist_panel._model.index(3)).center(),
    )
    assert name(review) == first[3]
    press(review, Qt.Key.Key_R, CTRL | SHIFT)
    assert shown_names(review) != first
    assert review.controller.state.listing.order is ListOrder.RANDOM
    until(qtbot, lambda: is_complete(review))


def test_the_reader_comes_back_to_where_the_folder_was_left(review, qtbot, folder, home):
    open_folder(review, qtbot, folder)
    review.controller.change(lambda s: wl.shuffled(s, 77))
    review.controller.change(lambda s: wl.filter_chosen(s, ListFilter.UNLABELLED))
    for _ in range(3):
        press(review, Qt.Key.Key_N)
    left, order = name(review), shown_names(review)
    review.controller.clips.close_all()
    kept = (home / "settings" / "worklists.json").read_text()
    assert "clip" not in kept.replace('"clip":', "")
    assert folder.parent.name not in kept
    open_folder(review, qtbot, folder)
    assert name(review) == left
    assert shown_names(review) == order
    listing = review.controller.state.listing
    assert (listing.filter, listing.order, listing.seed) == (ListFilter.UNLABELLED, ListOrder.RANDOM, 77)
    assert "where you left" in review.controller.state.notice


def test_another_folder_begins_by_itself(review, qtbot, folder, clips):
    open_folder(review, qtbot, folder)
    review.controller.change(lambda s: wl.filter_chosen(s, ListFilter.UNLABELLED))
    review.controller.clips.close_all()
    other = folder.parent / "other"
    other.mkdir()
    for clip in clips:
        clip.rename(other / clip.name)
    open_folder(review, qtbot, other)
    assert review.controller.state.listing.filter is ListFilter.ALL
    assert name(review) == "clip 0.avi"


def test_a_clip_that_is_gone_is_no_place_to_come_back_to(review, qtbot, folder, home):
    open_folder(review, qtbot, folder)
    press(review, Qt.Key.Key_PageDown)
    until(qtbot, lambda: is_complete(review))
    review.controller.clips.close_all()
    assert len(json.loads((home / "settings" / "worklists.json").read_text())) == 1
    (folder / "clip 1.avi").unlink()
    open_folder(review, qtbot, folder)
    assert name(review) == "clip 0.avi"


# --- studies ----------------------------------------------------------------------------------------------------


def exam(folder: Path) -> Path:
    """Two studies of one patient, whose instances lie in one folder under names that tell nothing."""
    folder.mkdir()
    for number, (study, series, instance) in enumerate([("1.2.1", 1, 2), ("1.2.2", 1, 1), ("1.2.1", 1, 1)]):
        write_dicom(
            folder / f"IM{number}",
            numbered_frames(3),
            "explicit little endian",
            PatientName="Doe^Jane",
            PatientID="PID-4711",
            StudyInstanceUID=study,
            SeriesInstanceUID=f"{study}.{series}",
            SeriesNumber=series,
            InstanceNumber=instance,
            SOPInstanceUID=f"{study}.{series}.{instance}",
        )
    return folder


def test_studies_get_headings_that_fold_and_name_nobody(review, qtbot, tmp_path, home):
    open_folder(review, qtbot, exam(tmp_path / "exam"))
    state = lambda: review.controller.state  # noqa: E731
    until(qtbot, lambda: any(isinstance(row, Heading) for row in listed(state()).rows))
    assert shown_names(review) == ["IM2", "IM0", "IM1"]
    headings = [row for row in listed(state()).rows if isinstance(row, Heading)]
    assert [(row.title, row.clips) for row in headings] == [("Study 1", 2), ("Study 2", 1)]
    panel = review.window.worklist_panel
    assert panel._model.data(panel._model.index(0)) == "Study 1, 2 clips, 0 read"
    QTest.mouseClick(
        panel._list.viewport(), Qt.MouseButton.LeftButton, pos=panel._list.visualRect(panel._model.index(3)).center()
    )
    assert listed(state()).rows[3].folded
    assert name(review) == "IM0"
    press(review, Qt.Key.Key_G, CTRL | SHIFT)
    assert [type(row) for row in listed(state()).rows] == [Heading, Heading]
    press(review, Qt.Key.Key_G, CTRL)
    assert listed(state()).rows == (0, 1, 2)
    assert "1.2.1" not in repr(state().worklist)
    for file in home.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            for secret in (b"Doe", b"4711", b"1.2.1", b"1.2.2"):
                assert secret not in content, file


def test_studies_are_known_at_once_the_next_time(review, qtbot, tmp_path, monkeypatch):
    open_folder(review, qtbot, exam(tmp_path / "exam"))
    until(qtbot, lambda: review.controller.state.worklist[0].place is not None)
    before = [entry.place for entry in review.controller.state.worklist]
    review.controller.clips.close_all()
    monkeypatch.setattr("lsgui.readers.dicom_parts.identity.read_identity", lambda path: pytest.fail("read again"))
    open_folder(review, qtbot, tmp_path / "exam")
    until(qtbot, lambda: review.controller.state.worklist[0].place is not None)
    assert [entry.place for entry in review.controller.state.worklist] == before


# --- ahead ------------------------------------------------------------------------------------------------------


def ahead(review) -> Path | None:
    return review.controller.clips._loader.ahead


def is_decoded_ahead(review) -> bool:
    marked = review.controller.clips._loader._ahead
    return (marked is not None and ClipComplete in marked._events) or (marked is not None and marked.failed)


def test_the_next_unlabelled_clip_is_there_at_the_key_press(review, qtbot, folder):
    open_folder(review, qtbot, folder)
    label(review, 1)
    until(qtbot, lambda: ahead(review) == folder / "clip 2.avi" and is_decoded_ahead(review))
    press(review, Qt.Key.Key_N)
    clip = review.controller.state.clip
    assert (clip.path.name, clip.phase) == ("clip 2.avi", LoadPhase.COMPLETE)
    assert np.asarray(clip.store.frame(7)).shape == (120, 160)
    until(qtbot, lambda: ahead(review) == folder / "clip 3.avi")


def test_a_clip_that_is_being_decoded_ahead_goes_on_without_beginning_anew(review, qtbot, tmp_path):
    folder = tmp_path / "long"
    folder.mkdir()
    write_clip(folder / "a.avi", frames=5)
    write_clip(folder / "b.avi", frames=50, size=(1280, 960))
    open_folder(review, qtbot, folder)
    until(qtbot, lambda: ahead(review) == folder / "b.avi" and bool(review.controller.clips._loader._ahead._events))
    press(review, Qt.Key.Key_N)
    clip = review.controller.state.clip
    assert clip.phase is not LoadPhase.OPENING
    store = clip.store
    until(qtbot, lambda: is_complete(review))
    assert review.controller.state.clip.store is store
    assert review.controller.state.clip.info.frames == 50


def test_a_next_clip_that_cannot_be_read_does_no_harm(review, qtbot, folder):
    (folder / "clip 1.avi").write_bytes(b"no clip at all")
    open_folder(review, qtbot, folder)
    review.controller.clips._loader.load_ahead(review.controller.clips._load_job(folder / "clip 1.avi", 0))
    until(qtbot, lambda: ahead(review) != folder / "clip 1.avi" or is_decoded_ahead(review))
    assert review.controller.state.notice == ""
    review.controller.clips.select(1)
    until(qtbot, lambda: review.controller.state.clip.phase is LoadPhase.FAILED)
    assert "clip 1.avi" in review.controller.state.clip.error
    press(review, Qt.Key.Key_N)
    assert name(review) == "clip 2.avi"
    until(qtbot, lambda: is_complete(review))


def test_what_cannot_be_read_is_passed_over_listed_and_said_at_the_end(review, qtbot, folder):
    (folder / "clip 1.avi").write_bytes(b"no clip at all")
    open_folder(review, qtbot, folder)
    until(qtbot, lambda: review.controller.state.worklist[1].error != "")
    press(review, Qt.Key.Key_N)
    assert name(review) == "clip 2.avi"
    until(qtbot, lambda: is_complete(review))
    label(review, *(k for k in range(12) if k != 1))
    press(review, Qt.Key.Key_N)
    assert review.controller.state.notice == "Every other clip of the worklist has a label, but 1 cannot be read."
    review.controller.change(lambda s: wl.filter_chosen(s, ListFilter.UNREADABLE))
    assert shown_names(review) == ["clip 1.avi"]


def test_another_clip_than_the_expected_one_is_opened_as_ever(review, qtbot, folder):
    open_folder(review, qtbot, folder)
    until(qtbot, lambda: ahead(review) is not None and is_decoded_ahead(review))
    review.controller.clips.select(7)
    assert ahead(review) is None
    until(qtbot, lambda: is_complete(review))
    assert name(review) == "clip 7.avi"


def test_both_clips_together_keep_to_the_memory_for_frames(review, qtbot, folder):
    open_folder(review, qtbot, folder)
    job = review.controller.clips._load_job(folder / "clip 1.avi", 100)
    assert job.budget_bytes == review.controller.settings.memory_mb * 1024 * 1024 - 100
    assert review.controller.clips._load_job(folder / "clip 1.avi", 1 << 40).budget_bytes == 512 * 1024 * 1024 // 8


# --- how it looks -----------------------------------------------------------------------------------------------


def test_one_clip_needs_no_filter(review, qtbot, clips):
    open_folder(review, qtbot, clips[0])
    assert not review.window.worklist_panel.bar.isVisible()


def test_blind_reading_is_said_where_it_narrows_the_choice(review, qtbot, folder):
    open_folder(review, qtbot, folder)
    bar = review.window.worklist_panel.bar
    for blind in (False, True):
        review.controller.change(lambda s, b=blind: replace(s, blind=b))
        for button in (bar.filter_button, bar.order_button):
            menu = button.open_menu()
            notes = [action for action in menu.actions() if "Blind reading" in action.text()]
            assert [note.isEnabled() for note in notes] == ([False] if blind else [])
            assert bool([a for a in menu.actions() if "clips that you have read" in a.text()]) == blind
            menu.close()


def test_the_words_of_the_buttons_fit_into_the_narrowest_column(review, qtbot, folder):
    open_folder(review, qtbot, folder)
    bar = review.window.worklist_panel.bar
    review.window.worklist_panel.setFixedWidth(248)
    many = review.controller.state.worklist * 1000
    review.controller.change(lambda s: replace(s, worklist=tuple(replace(e, title="x") for e in many)))
    for wanted in ListFilter:
        for order in ListOrder:
            review.controller.change(lambda s, w=wanted, o=order: wl.order_chosen(wl.filter_chosen(s, w), o))
            qtbot.wait(1)
            for button in (bar.filter_button, bar.order_button):
                assert button.words_fit(), (wanted, order)


def test_the_worklist_shows_while_it_is_searched_and_says_so(review, qtbot, tmp_path):
    entries = tuple(WorklistEntry(tmp_path / f"{k}.avi", f"{k}.avi") for k in range(40))
    review.controller.change(lambda s: to.worklist_extended(replace(s, scanning=True), entries, scanning=True))
    panel = review.window.worklist_panel
    assert panel._left_to_read.text() == "Looking for clips… 40 so far"
    assert panel._model.rowCount() == 40
