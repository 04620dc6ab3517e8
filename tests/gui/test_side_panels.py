"""Verdict, reading and overlay panels: the right words in every state, and what their buttons ask for."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from evidence_samples import analysed, drawn_clip, near, pixels, prediction, review, switched
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QLabel, QProgressBar, QPushButton, QScrollArea, QSlider, QWidget

from lsgui.core.label import CANNOT_ASSESS_ADVICE, RESEARCH_LINE, TRAINING_LINE, ReaderLabel, SlidingLabel
from lsgui.core.pleura import PleuralROI
from lsgui.core.prediction import ModelRef, QualityFlag
from lsgui.gui.key_button import KeyButton
from lsgui.gui.label_panel import LabelPanel
from lsgui.gui.overlay_panel import OverlayPanel
from lsgui.gui.probability_bar import ProbabilityBar
from lsgui.gui.theme import apply_theme, tokens
from lsgui.gui.toggle_switch import ToggleSwitch
from lsgui.gui.verdict_panel import EdgeCard, VerdictPanel
from lsgui.inference.verdict_words import number_words
from lsgui.review.state import (
    Analysis,
    AnalysisPhase,
    LoadedClip,
    LoadPhase,
    OverlaySwitch,
    Reading,
    ReviewState,
    RoiPhase,
    Worker,
    WorkerPhase,
)

Show = Callable[..., Any]


@pytest.fixture(autouse=True, scope="module")
def _dressed(qapp: QApplication) -> Any:
    """The window's own style sheet, as in the program."""
    apply_theme(qapp, "dark")
    yield
    qapp.setStyleSheet("")


@pytest.fixture
def show(qtbot: Any) -> Show:
    """Show a panel in a state, as wide as the window's right column."""

    columns: list[QScrollArea] = []

    def make(kind: type[Any], state: ReviewState) -> Any:
        panel, column = kind(), QScrollArea()
        qtbot.addWidget(column)
        columns.append(column)
        column.setWidgetResizable(True)
        column.setWidget(panel)
        column.resize(292, 700)
        column.show()
        qtbot.waitExposed(column)
        panel.apply(None, state)
        QApplication.processEvents()
        return panel

    return make


def words(panel: QWidget) -> str:
    """All that can be read on a panel."""
    QApplication.processEvents()  # rows that were just made are laid out with the next event
    labels = [label.text() for label in panel.findChildren(QLabel) if label.isVisibleTo(panel)]
    return "\n".join(labels + [b.text() for b in panel.findChildren(QPushButton) if b.isVisibleTo(panel)])


def button(panel: QWidget, text: str) -> KeyButton:
    return next(b for b in panel.findChildren(KeyButton) if b.text() == text and b.isVisibleTo(panel))


def edge(panel: VerdictPanel) -> Any:
    """The left edge of the verdict card."""
    card = pixels(panel.findChild(EdgeCard).grab().toImage())
    return card[20:-20, :4]


def listen(signal: Any) -> list[Any]:
    heard: list[Any] = []
    signal.connect(lambda *values: heard.append(values if len(values) != 1 else values[0]))
    return heard


# --- verdict ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("label", "wording", "token"),
    [
        (SlidingLabel.LS_P, "Lung sliding present", "present"),
        (SlidingLabel.LS_A, "Lung sliding absent", "absent"),
        (SlidingLabel.CANNOT_ASSESS, "Cannot assess", "unsure"),
    ],
)
def test_a_verdict_reads_in_fixed_words_with_all_that_must_stand_beside_it(
    show: Show, label: SlidingLabel, wording: str, token: str
) -> None:
    panel = show(VerdictPanel, review(analysis=analysed(label)))
    said = words(panel)
    assert wording in said
    assert "Threshold 0.40: chosen on held-out patients." in said
    assert RESEARCH_LINE in said
    assert TRAINING_LINE in said
    assert "cmwru-strip 1.2" in said
    assert "pneumothorax" not in said.lower()
    assert (CANNOT_ASSESS_ADVICE in said) == (label is SlidingLabel.CANNOT_ASSESS)
    assert near(edge(panel), getattr(tokens(), token), 20).any()  # the colour of the card's left edge


def test_the_order_is_words_extent_number_flags_then_evidence(show: Show) -> None:
    panel = show(VerdictPanel, review(analysis=analysed()))

    def top(text: str) -> int:
        label = next(w for w in panel.findChildren(QLabel) if text in w.text() and w.isVisibleTo(panel))
        return int(label.mapTo(panel, QPoint(0, 0)).y())

    bar = panel.findChild(ProbabilityBar)
    tops = [
        top("Lung sliding present"),
        top("ls_p · in every stretch"),
        bar.mapTo(panel, QPoint(0, 0)).y(),
        top("The file has no scale"),
        top("Motion index"),
        top("Chest wall followed"),
        top("Device · time"),
    ]
    assert tops == sorted(tops)
    assert bar.accessibleName() == "p(absent) 0.10 [0.05–0.15], threshold 0.40"


def test_a_verdict_for_a_former_line_says_so_and_loses_its_colour(show: Show) -> None:
    done = review(analysis=analysed())
    panel = show(VerdictPanel, done)
    panel.apply(done, replace(done, analysis=replace(done.analysis, stale=True)))
    assert "The line changed: analyse again" in words(panel)
    assert not near(edge(panel), tokens().present, 20).any()


def test_a_blind_reader_reads_nothing_of_the_verdict_anywhere_on_the_panel(show: Show) -> None:
    blind = review(analysis=analysed(SlidingLabel.LS_A), blind=True)
    panel = show(VerdictPanel, blind)
    everything = "\n".join(
        f"{w.text()} {w.toolTip()} {w.accessibleName()}" for w in panel.findChildren(QLabel) if w.isVisibleTo(panel)
    )
    everything += "".join(w.accessibleDescription() for w in panel.findChildren(QWidget))
    assert "Hidden until you save your reading" in everything
    for secret in ("absent", "ls_a", "0.90", "EVIDENCE", "Motion index"):
        assert secret not in everything
    panel.apply(blind, replace(blind, reading=Reading(ReaderLabel.LS_P, "14:02:11")))
    assert "Lung sliding absent" in words(panel)


@pytest.mark.parametrize(
    ("state", "expected", "asks"),
    [
        (ReviewState(), "No clip open", None),
        (review(clip=LoadedClip(Path("x"), LoadPhase.FAILED, error="x")), "Not readable", None),
        (review(roi=None, roi_phase=RoiPhase.NONE), "No pleural line yet", "draw"),
        (review(roi=None, roi_phase=RoiPhase.NOT_FOUND), "No pleural line found", "draw"),
        (review(roi=None, roi_phase=RoiPhase.SEARCHING), "Looking for the pleural line", None),
        (review(roi=None, roi_phase=RoiPhase.DRAWING), "Draw the pleural line", None),
        (review(clip=drawn_clip(phase=LoadPhase.DECODING)), "still being decoded", None),
        (review(), "Not analysed yet", "analyse"),
        (review(roi_phase=RoiPhase.SUGGESTED), "Check the dashed line", "analyse"),
        (
            review(roi_phase=RoiPhase.SUGGESTED, roi=PleuralROI.single(0, [[9, 9], [40, 9]], "auto", 0.62)),
            "The dotted line may not be the pleura",
            "analyse",
        ),
        (review(analysis=Analysis(AnalysisPhase.RUNNING, 1, 0.4, "Following the chest wall")), "Following", "cancel"),
        (review(analysis=Analysis(AnalysisPhase.CANCELLED, 1)), "Analysis stopped", "analyse"),
        (review(analysis=Analysis(AnalysisPhase.FAILED, 1, message="Choose the CPU.")), "Choose the CPU.", "analyse"),
        (review(analysis=analysed()), "Analyse again", "analyse"),
    ],
)
def test_every_state_has_its_words_and_its_one_main_button(
    qtbot: Any, show: Show, state: ReviewState, expected: str, asks: str | None
) -> None:
    panel = show(VerdictPanel, state)
    assert expected in words(panel)
    heard = {
        "analyse": listen(panel.analyseAsked),
        "draw": listen(panel.drawAsked),
        "cancel": listen(panel.cancelAsked),
    }
    usable = [b for b in panel.findChildren(KeyButton) if b.isVisibleTo(panel) and b.isEnabled()]
    assert len(usable) == (asks is not None)
    for pressed in usable:
        qtbot.mouseClick(pressed, Qt.MouseButton.LeftButton)
    assert {name: len(calls) for name, calls in heard.items()} == {
        name: int(name == asks) for name in ("analyse", "draw", "cancel")
    }


def test_progress_moves_on_without_laying_the_card_out_again(show: Show) -> None:
    running = review(analysis=Analysis(AnalysisPhase.RUNNING, 1, 0.1, "Cutting out the pleura"))
    panel = show(VerdictPanel, running)
    bar = panel.findChild(QProgressBar)
    labels = panel.findChildren(QLabel)
    later = replace(running, analysis=Analysis(AnalysisPhase.RUNNING, 1, 0.65, "Asking the network"))
    panel.apply(running, later)
    assert bar.isVisibleTo(panel)
    assert bar.value() == 650
    assert "Asking the network" in words(panel)
    assert panel.findChildren(QLabel) == labels


def test_a_worker_that_is_not_ready_is_named_under_the_button(show: Show) -> None:
    state = review()
    panel = show(VerdictPanel, state)
    restarting = replace(state, worker=Worker(WorkerPhase.RESTARTING, note="The worker died."))
    panel.apply(state, restarting)
    assert "The worker died. The analysis engine is restarting." in words(panel)
    panel.apply(restarting, state)
    assert "restarting" not in words(panel)


def test_the_training_line_goes_when_the_weights_have_seen_patients_absent_clips(show: Show) -> None:
    verdict = prediction(model=ModelRef("x", "2", "b" * 64, "", "patients' absent clips from three centres"))
    assert TRAINING_LINE not in words(show(VerdictPanel, review(analysis=analysed(prediction=verdict))))


def test_a_model_without_weights_was_trained_on_nothing_and_says_nothing_of_it(show: Show) -> None:
    verdict = prediction(model=ModelRef("motion", "1", "", "", "nothing: a measure without weights"))
    said = words(show(VerdictPanel, review(analysis=analysed(prediction=verdict))))
    assert TRAINING_LINE not in said
    assert RESEARCH_LINE in said
    assert "Model (motion 1)" in said


def test_no_probability_is_shown_as_certain() -> None:
    assert [number_words(p) for p in (0.0, 0.004, 0.006, 0.5, 0.994, 0.997, 1.0)] == [
        "<0.01",
        "<0.01",
        "0.01",
        "0.50",
        "0.99",
        ">0.99",
        ">0.99",
    ]


def test_nothing_scored_shows_no_number_and_says_why(show: Show) -> None:
    verdict = prediction(
        SlidingLabel.CANNOT_ASSESS,
        p_absent=None,
        p_absent_interval=None,
        motion_index=None,
        band_ratio=None,
        wall_correlation=None,
        windows=(),
        segments=(),
        ribbon=None,
        quality=(QualityFlag.TOO_SHORT,),
    )
    panel = show(VerdictPanel, review(analysis=analysed(prediction=verdict)))
    said = words(panel)
    assert not panel.findChild(ProbabilityBar).isVisibleTo(panel)
    assert "Nothing could be scored." in said
    assert QualityFlag.TOO_SHORT.sentence in said
    assert said.count("not measured") == 3


def test_the_panel_takes_the_colours_of_another_theme(show: Show, qapp: QApplication) -> None:
    panel = show(VerdictPanel, review(analysis=analysed()))
    dark = tokens().present
    apply_theme(qapp, "light")
    QApplication.processEvents()
    light = tokens().present
    assert light != dark
    assert near(edge(panel), light, 20).any()
    apply_theme(qapp, "dark")


# --- the reader's own answer ------------------------------------------------------------------------------------


def test_each_button_asks_for_its_label_and_only_the_saved_state_says_what_is_chosen(qtbot: Any, show: Show) -> None:
    state = review()
    panel = show(LabelPanel, state)
    asked = listen(panel.labelAsked)
    for text in ("Present", "Absent", "Cannot assess", "Lung point"):
        qtbot.mouseClick(button(panel, text), Qt.MouseButton.LeftButton)
        assert not button(panel, text).isChecked()
    assert asked == ["ls_p", "ls_a", "cannot_assess", "lung_point"]
    panel.apply(state, replace(state, reading=Reading(ReaderLabel.LS_A, "14:02:11")))
    assert [b.text() for b in panel.findChildren(KeyButton) if b.isChecked()] == ["Absent"]
    assert "saved 14:02:11" in words(panel)


def test_label_buttons_are_40_pixels_tall_and_name_their_keys(show: Show) -> None:
    panel = show(LabelPanel, review())
    for text, key in (("Present", "P"), ("Absent", "A"), ("Cannot assess", "U"), ("Lung point", "K")):
        assert button(panel, text).height() == 40
        assert f"({key})" in button(panel, text).toolTip()


def test_a_label_that_could_not_be_saved_is_said_where_the_time_would_stand(show: Show) -> None:
    state = review(reading=Reading(ReaderLabel.LS_P, "", "The disk is full: free some space."))
    said = words(show(LabelPanel, state))
    assert "The disk is full: free some space." in said
    assert "saved" not in said


def test_without_a_readable_clip_there_is_nothing_to_label(qtbot: Any, show: Show) -> None:
    panel = show(LabelPanel, ReviewState())
    assert not any(b.isEnabled() for b in panel.findChildren(KeyButton))
    panel.apply(ReviewState(), review())
    assert all(b.isEnabled() for b in panel.findChildren(KeyButton))


# --- overlays ---------------------------------------------------------------------------------------------------


def switch(panel: OverlayPanel, title: str) -> ToggleSwitch:
    return next(s for s in panel.findChildren(ToggleSwitch) if s.text().startswith(title))


def test_every_overlay_has_its_switch_by_pointer_and_by_space_bar(qtbot: Any, show: Show) -> None:
    state = review()
    panel = show(OverlayPanel, state)
    asked = listen(panel.overlaySwitched)
    qtbot.mouseClick(switch(panel, "Pleural line"), Qt.MouseButton.LeftButton)
    switch(panel, "Flow").setFocus()
    qtbot.keyClick(switch(panel, "Flow"), Qt.Key.Key_Space)
    assert asked == [("pleural_line", False), ("flow", True)]
    assert len(panel.findChildren(ToggleSwitch)) == len(state.overlays)


def test_a_change_from_elsewhere_is_shown_and_asks_for_nothing(show: Show) -> None:
    state = review()
    panel = show(OverlayPanel, state)
    switches, opacities = listen(panel.overlaySwitched), listen(panel.overlayOpacity)
    panel.apply(state, switched(state, flow=OverlaySwitch(True, 0.3), badge=OverlaySwitch(shown=False)))
    assert switch(panel, "Flow").isChecked()
    assert not switch(panel, "Verdict badge").isChecked()
    assert 30 in {slider.value() for slider in panel.findChildren(QSlider)}
    assert not switches
    assert not opacities


def test_a_slider_asks_for_an_opacity(qtbot: Any, show: Show) -> None:
    panel = show(OverlayPanel, review())
    opacities = listen(panel.overlayOpacity)
    slider = next(s for s in panel.findChildren(QSlider) if s.accessibleName() == "Speckle change: opacity")
    slider.setFocus()
    qtbot.keyClick(slider, Qt.Key.Key_Right)
    assert opacities == [("speckle_change", pytest.approx(0.61))]


def test_the_flow_is_named_with_its_unit_once_it_is_measured(show: Show) -> None:
    state = review()
    panel = show(OverlayPanel, state)
    assert switch(panel, "Flow").text() == "Flow"
    panel.apply(state, replace(state, analysis=analysed()))
    assert switch(panel, "Flow").text() == "Flow (mm/s)"


def test_cleared_overlays_say_how_to_bring_them_back(show: Show) -> None:
    panel = show(OverlayPanel, review(overlays_shown=False))
    assert "O brings them back" in words(panel)


# --- for everyone -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [VerdictPanel, LabelPanel, OverlayPanel])
def test_every_control_has_a_name_and_a_tooltip_and_can_be_reached_by_keyboard(show: Show, kind: type[Any]) -> None:
    panel = show(kind, review(analysis=analysed()))
    controls = [
        w for w in panel.findChildren(QWidget) if isinstance(w, (KeyButton, ToggleSwitch, QSlider)) and w.isVisible()
    ]
    assert controls
    for control in controls:
        assert control.accessibleName()
        assert control.toolTip()
        assert control.focusPolicy() & Qt.FocusPolicy.TabFocus


@pytest.mark.parametrize("kind", [VerdictPanel, LabelPanel, OverlayPanel])
def test_the_focus_is_seen(qtbot: Any, show: Show, kind: type[Any]) -> None:
    panel = show(kind, review(analysis=analysed()))
    control = next(w for w in panel.findChildren(QWidget) if isinstance(w, (KeyButton, ToggleSwitch)) and w.isVisible())
    panel.activateWindow()
    control.clearFocus()
    before = pixels(control.grab().toImage())
    control.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.waitUntil(control.hasFocus)
    assert (pixels(control.grab().toImage()) != before).any()
