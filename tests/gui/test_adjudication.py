"""Adjudication in the real window: both readings side by side, one label that settles, the AI still hidden."""

from dataclasses import replace

import numpy as np
import pytest
from evidence_samples import pixels
from label_samples import CTRL, SHIFT, Key, history, open_ready, press, ready, records, saved_lines, say_in_store, until
from window_samples import draw

from lsgui.annotation.content_hash import content_hash
from lsgui.annotation.store import AnnotationStore
from lsgui.core.label import ReaderLabel
from lsgui.core.pleura import PleuralROI
from lsgui.core.reading import StatementKind
from lsgui.gui.adjudication_panel import read_words
from lsgui.review import adjudication as ad
from lsgui.review.paths import labels_file
from lsgui.review.state import AnalysisPhase, WorklistEntry
from lsgui.review.worklist_choice import EntryFacts, ListFilter


@pytest.fixture
def disputed(clips):
    """Two raters who disagree on the first two clips and agree on the third; one drew a line and marked an interval."""
    said = {"AK": ("ls_p", "ls_a", "ls_p"), "MB": ("ls_a", "lung_point", "ls_p")}
    for rater, labels in said.items():
        for clip, label in zip(clips, labels, strict=True):
            say_in_store(clip, rater, ReaderLabel(label), blind=True)
    with AnnotationStore(labels_file()) as store:
        first = content_hash(clips[0])
        about = (first, clips[0].name, "AK")
        store.say(*about, StatementKind.TAGS, ["b_lines"])
        store.say(*about, StatementKind.CONFIDENCE, 3)
        store.say(*about, StatementKind.COMMENT, "shimmers at the left")
        store.say(*about, StatementKind.INTERVAL, {"start": 2, "stop": 12, "label": "ls_p"}, subject="m1")
        store.say(*about, StatementKind.LINE, PleuralROI.single(0, [[20, 40], [140, 44]]).to_json())
    return clips


def enter(review, qtbot, clips) -> None:
    open_ready(review, qtbot, *clips)
    until(qtbot, lambda: ad.disputes(review.controller.state.worklist) == (2, 2))
    press(review, Key.Key_J, CTRL)
    until(qtbot, lambda: review.controller.state.adjudication.reads != ())


def test_both_readings_stand_side_by_side_with_all_that_was_said(review, qtbot, disputed):
    enter(review, qtbot, disputed)
    panel = review.window.adjudication_panel
    assert panel.isVisible()
    words = [read_words(read) for read in review.controller.state.adjudication.reads]
    assert words == [
        "AK, Present, sure · B-lines · 1 interval · read blind, shimmers at the left",
        "MB, Absent, read blind",
    ]
    lanes = review.window.player_bar.lanes
    assert lanes.isVisible()
    assert lanes.words_at(4) == "AK: Present 0.10–0.60 s"
    assert lanes.words_at(20) == "MB: no interval"
    assert review.controller.state.listing.filter is ListFilter.RATERS_DISAGREE
    assert "ADJUDICATION · 0 OF 2 SETTLED" in panel._heading.text()


def test_a_raters_line_is_drawn_on_the_clip_in_a_stroke_of_its_own(review, qtbot, disputed):
    enter(review, qtbot, disputed)
    with_line = pixels(review.window.clip_view.grab_view()).astype(int)
    state = review.controller.state
    bare = replace(state.adjudication, reads=tuple(replace(read, line=None) for read in state.adjudication.reads))
    review.controller.change(lambda s: replace(s, adjudication=bare))
    without = pixels(review.window.clip_view.grab_view()).astype(int)
    assert (np.abs(with_line - without).max(axis=2) > 60).sum() > 100


def test_the_third_raters_label_settles_and_leaves_every_reading_as_it_is(review, qtbot, disputed):
    enter(review, qtbot, disputed)
    press(review, Key.Key_P)
    until(qtbot, lambda: review.controller.state.adjudication.answer.saved_at != "")
    assert saved_lines(review)[0].startswith("✓ saved")
    (row,) = history(StatementKind.ADJUDICATION)
    assert (row.rater, row.value) == ("R1", {"label": "ls_p", "of": ["AK", "MB"]})
    found = {(r.rater, r.label, r.adjudicated) for r in records(disputed[0])}
    assert found == {("AK", ReaderLabel.LS_P, False), ("MB", ReaderLabel.LS_A, False), ("R1", ReaderLabel.LS_P, True)}
    assert review.controller.state.worklist[0].label is None  # an adjudication is no reading of one's own
    until(qtbot, lambda: review.controller.state.adjudication.left == 1)
    press(review, Key.Key_N)
    ready(review, qtbot, disputed[1])
    until(qtbot, lambda: len(review.controller.state.adjudication.reads) == 2)
    assert review.controller.state.adjudication.answer.label is None
    press(review, Key.Key_K)
    until(qtbot, lambda: review.controller.state.adjudication.left == 0)
    press(review, Key.Key_Z, CTRL)
    until(qtbot, lambda: len(history(StatementKind.ADJUDICATION)) == 3)
    assert review.controller.state.adjudication.answer.label is None


def test_signs_and_confidence_are_no_part_of_an_adjudication(review, qtbot, disputed):
    enter(review, qtbot, disputed)
    for key, modifier in ((Key.Key_B, SHIFT), (Key.Key_S, SHIFT ^ SHIFT), (Key.Key_I, SHIFT ^ SHIFT)):
        press(review, key, modifier)
    press(review, Key.Key_A)
    until(qtbot, lambda: review.controller.state.adjudication.answer.saved_at != "")
    assert {row.kind for row in history() if row.rater == "R1"} == {StatementKind.ADJUDICATION}


def test_the_mode_is_left_by_its_key_and_the_readings_are_gone(review, qtbot, disputed):
    enter(review, qtbot, disputed)
    press(review, Key.Key_J, CTRL)
    assert review.controller.state.adjudication is None
    assert not review.window.adjudication_panel.isVisible()
    assert not review.window.player_bar.lanes.isVisible()
    assert review.controller.state.listing.filter is ListFilter.ALL
    press(review, Key.Key_P)
    until(qtbot, lambda: review.controller.state.reading.saved_at != "")
    (row,) = [row for row in history() if row.rater == "R1"]
    assert (row.kind, row.blind) == (StatementKind.LABEL, False)


def test_where_nobody_disagrees_there_is_nothing_to_adjudicate(review, qtbot, clips):
    open_ready(review, qtbot, clips[0])
    press(review, Key.Key_J, CTRL)
    assert review.controller.state.adjudication is None
    assert "disagree on no clip" in review.controller.state.notice


def test_a_blind_adjudicator_sees_the_readings_and_not_the_ai(review, qtbot, disputed, told_session):
    review.controller.choose("blind", True)
    enter(review, qtbot, disputed)
    draw(review)
    press(review, Key.Key_Return)
    until(qtbot, lambda: len(told_session.requests) == 1)
    told_session.finish()
    until(qtbot, lambda: review.controller.state.analysis.phase is AnalysisPhase.DONE)
    state = review.controller.state
    assert state.verdict_hidden
    assert len(state.adjudication.reads) == 2
    press(review, Key.Key_P)
    until(qtbot, lambda: not review.controller.state.verdict_hidden)
    press(review, Key.Key_J, CTRL)  # as a reader this person has not read the clip
    assert review.controller.state.verdict_hidden
    press(review, Key.Key_A)
    until(qtbot, lambda: review.controller.state.reading.saved_at != "")
    (row,) = history(StatementKind.LABEL)[-1:]
    assert (row.rater, row.blind) == ("R1", False)  # both readings and the verdict were seen before


def test_disputes_count_the_reader_at_the_screen_among_the_raters():
    def entry(others, label=None, *, settled=False):
        return WorklistEntry("", "", label=label, facts=EntryFacts(others=others, settled=settled))

    p, a = ReaderLabel.LS_P, ReaderLabel.LS_A
    worklist = (entry((p, a)), entry((p,), a), entry((p, p), p), entry((p, a), settled=True), entry(()))
    assert ad.disputes(worklist) == (2, 3)
