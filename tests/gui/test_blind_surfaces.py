"""Blind reading: whatever the AI or others said, the window looks, says and offers the same until the label is saved.

Every surface is compared between two opposite verdicts: words, tooltips, names for screen readers, what can be clicked,
every pixel of the window, and what the commands on maps and verdict answer. Any difference gives something away.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from evidence_samples import motion_map, pixels, prediction
from label_samples import CTRL, SHIFT, Key, history, open_ready, press, records, say_in_store, settled, turn_to, until
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QListView, QWidget
from window_samples import draw

from lsgui.annotation.content_hash import content_hash
from lsgui.annotation.store import AnnotationStore
from lsgui.core.label import ReaderLabel, SlidingLabel
from lsgui.core.prediction import QualityFlag, Ribbon
from lsgui.core.reading import StatementKind
from lsgui.gui.export_task import export_subject
from lsgui.gui.worklist_delegate import IMAGE_ROLE
from lsgui.inference.protocol import MotionReady
from lsgui.review import transitions as to
from lsgui.review.paths import labels_file
from lsgui.review.state import AnalysisPhase
from lsgui.review.store_facts import verdict_to_store

ROLES = (
    Qt.ItemDataRole.DisplayRole,
    Qt.ItemDataRole.ToolTipRole,
    Qt.ItemDataRole.AccessibleTextRole,
    Qt.ItemDataRole.AccessibleDescriptionRole,
)
ASKING = (
    (Key.Key_G, SHIFT ^ SHIFT), (Key.Key_F5, SHIFT ^ SHIFT), (Key.Key_F6, SHIFT ^ SHIFT), (Key.Key_F7, SHIFT ^ SHIFT),
    (Key.Key_F8, SHIFT ^ SHIFT), (Key.Key_F9, SHIFT ^ SHIFT), (Key.Key_K, SHIFT), (Key.Key_J, SHIFT ^ SHIFT),
    (Key.Key_H, SHIFT ^ SHIFT), (Key.Key_H, SHIFT), (Key.Key_7, SHIFT ^ SHIFT), (Key.Key_4, SHIFT ^ SHIFT),
    (Key.Key_5, SHIFT ^ SHIFT), (Key.Key_T, SHIFT ^ SHIFT), (Key.Key_M, SHIFT),
)  # fmt: skip
"""Commands that a curious reader may try: maps, ribbon, badge, lung point, scale, second M-mode."""


@pytest.fixture
def blind(review: Any) -> Any:
    review.controller.choose("blind", True)
    return review


def verdict(label: SlidingLabel, *, mixed: bool = False) -> Any:
    """A verdict; `mixed` changes its class along the line and over time, as beside a lung point."""
    made = prediction(label, quality=(QualityFlag.SCALE_ESTIMATED,) if label is SlidingLabel.LS_P else ())
    if mixed:
        p = np.array([[0.05, 0.05, 0.95, 0.95]] * 2, dtype=np.float32)
        made = replace(made, ribbon=Ribbon(p, made.ribbon.starts, made.ribbon.stops))
    return made


def analyse(review: Any, qtbot: Any, session: Any, said: Any, map_value: float) -> None:
    count = len(session.requests)
    press(review, Key.Key_Return)
    until(qtbot, lambda: len(session.requests) == count + 1)
    for quantity in ("speckle_change", "flow"):
        session.events.put(MotionReady(session.requests[-1].id, motion_map(quantity, map_value)))
    session.finish(verdict=said)
    until(qtbot, lambda: review.controller.state.analysis.phase is AnalysisPhase.DONE)
    assert review.controller.state.analysis.prediction.label is said.label
    assert len(review.controller.state.analysis.maps) == 2


def surfaces(review: Any) -> dict[str, Any]:
    """All that the window gives to eye, ear and pointer."""
    QApplication.processEvents()
    window, found = review.window, {}
    for number, widget in enumerate(widget for widget in window.findChildren(QWidget) if widget.isVisible()):
        name = f"{number} {type(widget).__name__}"
        words = widget.text() if isinstance(widget, QLabel | QAbstractButton) else ""
        found[name] = (
            *(words, widget.toolTip(), widget.statusTip(), widget.accessibleName(), widget.accessibleDescription()),
            widget.isEnabled(),
        )
        if isinstance(widget, QListView):
            model = widget.model()
            rows = range(model.rowCount())
            found[f"{name} rows"] = [[str(model.index(row, 0).data(role)) for role in ROLES] for row in rows]
    for name, action in window.menus.actions.items():
        found[f"command {name}"] = (action.text(), action.isEnabled(), action.isChecked())
    bar, ribbon = window.player_bar.seek_bar, window.player_bar.ribbon
    found["seek bar"] = [bar.words_at(x) for x in range(0, bar.width(), 7)]
    found["ribbon"] = [ribbon.words_at(x, y) for x in range(0, ribbon.width(), 31) for y in (1, ribbon.height() - 2)]
    found["M-mode"] = [window.mmode_view.stretch_words(letter) for letter in "AB"]
    found["title and notice"] = (window.windowTitle(), review.controller.state.notice)
    found["pointer"] = str(window.clip_view.cursor().shape())
    return found


def look(review: Any) -> Any:
    QApplication.processEvents()
    return pixels(review.window.grab().toImage())


def differences(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    return {name: (one.get(name), other.get(name)) for name in one | other if one.get(name) != other.get(name)}


def after_asking(review: Any) -> list[Any]:
    """What every curious command answers; afterwards everything is as it was."""
    answers, before, settings = [], review.controller.state, review.controller.settings
    for key, modifier in ASKING:
        for _ in range(2):
            press(review, key, modifier)
            state = review.controller.state
            answers.append((key, state.notice, state.overlays_shown, len(state.analysis.maps), state.playback.frame))
        review.controller.tell("")
    review.controller.set_settings(settings)
    kept = ("overlays", "overlays_shown", "held_scales", "mmode_second", "playback")
    review.controller.change(lambda s: replace(s, **{name: getattr(before, name) for name in kept}))
    return answers


def test_opposite_verdicts_look_the_same_on_every_surface_until_the_label_is_saved(blind, qtbot, clips, told_session):
    review = blind
    open_ready(review, qtbot, *clips)
    review.controller.change(lambda s: to.playing_set(s, False))
    draw(review)
    settled(review, qtbot)
    analyse(review, qtbot, told_session, verdict(SlidingLabel.LS_P), 0.45)
    assert review.controller.state.verdict_hidden
    first, first_look, first_answers = surfaces(review), look(review), after_asking(review)
    analyse(review, qtbot, told_session, verdict(SlidingLabel.LS_A, mixed=True), 0.05)
    second, second_look, second_answers = surfaces(review), look(review), after_asking(review)
    assert differences(first, second) == {}
    assert (first_look == second_look).all()
    assert first_answers == second_answers
    assert any("hidden until you save" in notice for _, notice, *_ in first_answers)

    press(review, Key.Key_P)
    until(qtbot, lambda: review.controller.state.reading.saved_at != "")
    assert differences(second, surfaces(review)) != {}
    assert (second_look != look(review)).any()
    assert "Lung sliding absent" in [label.text() for label in review.window.verdict_panel.findChildren(QLabel)]


def test_the_ribbon_of_a_running_analysis_is_covered_too(blind, qtbot, clips, told_session):
    review = blind
    open_ready(review, qtbot, clips[0])
    review.controller.change(lambda s: to.playing_set(s, False))
    draw(review)
    press(review, Key.Key_Return)
    until(qtbot, lambda: len(review.controller.state.analysis.windows) == 1)
    ribbon = review.window.player_bar.ribbon
    covered = pixels(ribbon.grab().toImage())
    assert ribbon.words_at(20) == "Hidden until you save your reading"
    review.controller.choose("blind", False)
    assert (pixels(ribbon.grab().toImage()) != covered).any()


def test_what_leaves_as_a_file_leaves_the_hidden_verdict_out(blind, qtbot, clips, told_session):
    review = blind
    open_ready(review, qtbot, clips[0])
    draw(review)
    settled(review, qtbot)
    analyse(review, qtbot, told_session, verdict(SlidingLabel.LS_A), 0.1)
    assert export_subject(review.controller.state, None, labels_file()).hidden
    press(review, Key.Key_A)
    until(qtbot, lambda: review.controller.state.reading.saved_at != "")
    assert not export_subject(review.controller.state, None, labels_file()).hidden


def test_what_others_and_the_ai_said_before_is_in_no_row_filter_order_or_count(blind, qtbot, clips):
    review = blind
    open_ready(review, qtbot, *clips)
    review.controller.change(lambda s: to.playing_set(s, False))
    pictures = review.window.findChild(QListView).model()
    until(qtbot, lambda: all(pictures.index(row, 0).data(IMAGE_ROLE) is not None for row in range(3)))
    before, before_look = surfaces(review), look(review)
    with AnnotationStore(labels_file()) as store:
        for clip, label in zip(clips, SlidingLabel, strict=True):
            store.save_verdict(verdict_to_store(content_hash(clip), replace(verdict(label), clip=clip.name)))
    for clip, label in zip(clips, (ReaderLabel.LS_P, ReaderLabel.LS_A, ReaderLabel.LUNG_POINT), strict=True):
        say_in_store(clip, "AK", label)
        say_in_store(clip, "MB", ReaderLabel.CANNOT_ASSESS)
    review.controller.clips.worklist.look_anew()  # as at the next start
    until(qtbot, lambda: all(entry.facts.others for entry in review.controller.state.worklist))
    assert differences(before, surfaces(review)) == {}
    assert (before_look == look(review)).all()
    state = review.controller.state
    assert state.reading.label is None
    assert state.known_raters in ((), ("AK", "MB"))  # who reads here is no secret; what they said is
    for key in (Key.Key_F, Key.Key_F):
        press(review, key)
    press(review, Key.Key_F, CTRL | SHIFT)


def test_a_label_says_whether_it_was_really_blind(blind, qtbot, clips, told_session):
    review = blind
    open_ready(review, qtbot, *clips)
    press(review, Key.Key_P)  # nothing was ever shown
    settled(review, qtbot)
    press(review, Key.Key_A)  # after saving nothing is hidden, but there is no verdict either
    settled(review, qtbot)
    turn_to(review, qtbot, clips, 1)
    draw(review)
    review.controller.choose("blind", False)
    analyse(review, qtbot, told_session, verdict(SlidingLabel.LS_A), 0.1)  # seen
    review.controller.choose("blind", True)
    assert review.controller.state.verdict_hidden
    press(review, Key.Key_A)
    settled(review, qtbot)
    turn_to(review, qtbot, clips, 2)
    review.controller.choose("blind", False)
    press(review, Key.Key_K)
    settled(review, qtbot)
    said = [(row.file_name, row.value["label"], row.blind) for row in history(StatementKind.LABEL)]
    assert said == [
        ("clip 0.avi", "ls_p", True),
        ("clip 0.avi", "ls_a", False),
        ("clip 1.avi", "ls_a", False),
        ("clip 2.avi", "lung_point", False),
    ]
    assert records(clips[1])[0].blind is False


def test_a_label_that_is_not_saved_uncovers_nothing(blind, qtbot, clips, told_session, expected_log_warnings):
    review = blind
    labels_file().write_bytes(b"this is no database")
    open_ready(review, qtbot, clips[0])
    draw(review)
    analyse(review, qtbot, told_session, verdict(SlidingLabel.LS_A), 0.1)
    press(review, Key.Key_P)
    until(qtbot, lambda: review.controller.state.unsaved.count > 0)
    assert review.controller.state.verdict_hidden
    labels_file().unlink()
    review.controller.readings.try_again()
    until(qtbot, lambda: not review.controller.state.verdict_hidden)


def test_a_label_that_is_taken_back_covers_the_verdict_again_and_the_next_is_not_blind(
    blind, qtbot, clips, told_session
):
    review = blind
    open_ready(review, qtbot, clips[0])
    draw(review)
    analyse(review, qtbot, told_session, verdict(SlidingLabel.LS_A), 0.1)
    press(review, Key.Key_P)
    until(qtbot, lambda: not review.controller.state.verdict_hidden)
    press(review, Key.Key_Z, CTRL)
    settled(review, qtbot)
    assert review.controller.state.verdict_hidden
    press(review, Key.Key_A)
    settled(review, qtbot)
    said = [(row.value and row.value["label"], row.blind) for row in history(StatementKind.LABEL)]
    assert (said[0], said[-1]) == (("ls_p", True), ("ls_a", False))


def test_the_second_pass_is_blind_to_the_first_reading_and_to_the_verdict(blind, qtbot, clips, told_session):
    review = blind
    open_ready(review, qtbot, *clips)
    draw(review)
    settled(review, qtbot)
    analyse(review, qtbot, told_session, verdict(SlidingLabel.LS_P), 0.4)
    press(review, Key.Key_P)
    settled(review, qtbot)
    press(review, Key.Key_D, CTRL)
    until(qtbot, lambda: review.controller.readings.looked_up(clips[0]))
    state = review.controller.state
    assert (state.reading.label, state.roi, state.analysis.prediction) == (None, None, None)
    assert state.verdict_hidden
    press(review, Key.Key_P)
    settled(review, qtbot)
    assert [(row.sitting, row.blind) for row in history(StatementKind.LABEL)] == [(1, True), (2, True)]
