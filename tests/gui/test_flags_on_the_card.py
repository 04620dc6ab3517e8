"""Flags on the verdict card: both judges side by side, the weightiest first, many fold up, and the help lists all."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from evidence_samples import analysed, prediction, review
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel, QScrollArea

from lsgui.core.label import SlidingLabel
from lsgui.core.prediction import Prediction, QualityFlag
from lsgui.gui.help_dialog import read_topic
from lsgui.gui.theme import apply_theme
from lsgui.gui.verdict_notes import MOST_SHOWN, NoteRow, OpinionsRow
from lsgui.gui.verdict_panel import VerdictPanel
from lsgui.inference.verdict_words import flags_in_order, opinions

Panel = Callable[[Prediction], VerdictPanel]
UNSURE = SlidingLabel.CANNOT_ASSESS


@pytest.fixture
def panel(qtbot: Any, qapp: QApplication) -> Any:
    """Show the card of a prediction in a column as wide as the window's."""
    apply_theme(qapp, "dark")
    columns: list[QScrollArea] = []

    def make(said: Prediction) -> VerdictPanel:
        column, card = QScrollArea(), VerdictPanel()
        qtbot.addWidget(column)
        columns.append(column)
        column.setWidgetResizable(True)
        column.setWidget(card)
        column.resize(292, 700)
        column.show()
        qtbot.waitExposed(column)
        card.apply(None, review(analysis=replace(analysed(), prediction=said)))
        QApplication.processEvents()
        return card

    yield make
    qapp.setStyleSheet("")


def shown(card: VerdictPanel, kind: type = NoteRow) -> list[str]:
    QApplication.processEvents()
    rows = [row for row in card.findChildren(kind) if row.isVisibleTo(card)]
    return [label.text() for row in rows for label in row.findChildren(QLabel) if label.text()]


def test_judges_that_disagree_stand_side_by_side_in_words(panel: Panel) -> None:
    said = prediction(UNSURE, p_absent=0.91, motion_index=0.85, quality=(QualityFlag.MODELS_DISAGREE,))
    card = panel(said)
    assert shown(card, OpinionsRow) == ["Network", "absent", "p 0.91", "Motion index", "sliding", "0.85"]
    spoken = card._card.accessibleDescription()
    assert "Network: absent, p 0.91. Motion index: sliding, 0.85." in spoken
    left, right = (row.geometry() for row in card._opinions.children() if isinstance(row, QLabel.__mro__[1]))
    assert left.right() < right.left()
    assert left.top() == right.top()
    other = replace(said, p_absent=0.1, motion_index=0.1)
    assert [(side.word, side.number) for side in opinions(other)] == [("present", "p 0.10"), ("still", "0.10")]


def test_judges_that_agree_take_no_room(panel: Panel) -> None:
    card = panel(prediction(SlidingLabel.LS_A, motion_index=0.1, quality=()))
    assert shown(card, OpinionsRow) == []
    assert not card._opinions.isVisibleTo(card)


def test_flags_that_block_a_verdict_come_first() -> None:
    flags = (QualityFlag.SCALE_ESTIMATED, QualityFlag.TOO_SHORT, QualityFlag.TRACKING_LOST)
    assert flags_in_order(prediction(UNSURE, quality=flags)) == tuple(reversed(flags))


def test_many_flags_fold_up_and_unfold_whole(qtbot: Any, panel: Panel) -> None:
    card = panel(prediction(UNSURE, quality=tuple(QualityFlag)))
    assert len(shown(card)) == MOST_SHOWN + 1, "the advice and four flags"
    more = card._notes.more
    assert more.text() == f"Show {len(QualityFlag) - MOST_SHOWN} more flags"
    qtbot.mouseClick(more, Qt.MouseButton.LeftButton)
    assert len(shown(card)) == len(QualityFlag) + 1
    for row in card.findChildren(NoteRow):
        sentence = next(label for label in row.findChildren(QLabel) if label.text())
        assert sentence.height() >= sentence.heightForWidth(sentence.width()), sentence.text()
    qtbot.mouseClick(more, Qt.MouseButton.LeftButton)
    assert len(shown(card)) == MOST_SHOWN + 1


def test_few_flags_need_no_button(panel: Panel) -> None:
    card = panel(prediction(UNSURE, quality=tuple(QualityFlag)[: MOST_SHOWN + 1]))
    assert not card._notes.more.isVisibleTo(card)
    assert len(shown(card)) == MOST_SHOWN + 2


def test_the_help_lists_every_flag_and_no_other() -> None:
    text = read_topic("reading_the_verdict").text
    listed = re.findall(r"^\| `(\w+)` \|", text, flags=re.MULTILINE)
    assert sorted(listed) == sorted(flag.value for flag in QualityFlag)


@pytest.mark.parametrize("flag", QualityFlag)
def test_a_flag_is_one_sentence_that_says_what_to_do(flag: QualityFlag) -> None:
    sentence = flag.sentence
    assert sentence.count(".") == 1 + sentence.count("e.g.")
    assert sentence.endswith(".")
    assert ":" in sentence, "what it means: what to do"
    assert len(sentence) <= 110
