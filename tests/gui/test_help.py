"""Help: every text of the folder is a topic, a menu row and a page; no link leaves without a question."""

import re

import pytest
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices, QTextTable
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMessageBox, QPushButton

from lsgui.core.resources import model_dirs, resources_dir
from lsgui.gui.action_table import ACTIONS
from lsgui.gui.help_dialog import TOPICS, HelpDialog, read_topic
from lsgui.gui.theme import SIZE_SMALL


def test_every_help_text_is_a_topic_with_a_menu_row_of_its_own_title():
    files = {path.stem for path in (resources_dir() / "help").glob("*.md")}
    rows = {action.id: action.text for action in ACTIONS if action.id.startswith("help_")}
    assert files == set(TOPICS)
    assert rows == {f"help_{name}": read_topic(name).title for name in TOPICS}


@pytest.mark.parametrize("topic", TOPICS)
def test_the_menu_opens_the_help_at_its_topic(review, topic):
    review.window.menus.actions[f"help_{topic}"].trigger()
    dialog = review.window.commands.dialog
    assert isinstance(dialog, HelpDialog)
    assert dialog.topic_id == topic
    text = dialog.page.toPlainText()
    words = re.sub(r"[*`#|\-\d.]", " ", read_topic(topic).text).split()
    assert text.startswith(read_topic(topic).title)
    assert "**" not in text
    assert words[-1] in text
    dialog.close()


def test_the_card_of_every_shipped_model_is_read_in_help(qtbot):
    """Whole and as it lies beside the weights; a link from one card or topic to another turns there."""
    dialog = HelpDialog("limits")
    qtbot.addWidget(dialog)
    cards = {path.parent.name: path for path in model_dirs()[-1].glob("*/model.json")}
    shown = {}
    for row in range(dialog.list.count()):
        dialog.list.setCurrentRow(row)
        if dialog.topic_id.startswith("model:"):
            shown[dialog.topic_id.removeprefix("model:")] = dialog.page.toPlainText()
    assert shown.keys() == cards.keys()
    for name, path in cards.items():
        text = path.with_name("README.md").read_text(encoding="utf-8")
        words = re.findall(r"[A-Za-z]{4,}", text)
        assert shown[name].startswith(text.split("\n", 1)[0].removeprefix("# ").strip())
        assert words[-1] in shown[name]
    dialog.page.anchorClicked.emit(QUrl("../motion/README.md"))
    assert dialog.topic_id == "model:motion"
    dialog.page.anchorClicked.emit(QUrl("report.md"))
    assert dialog.topic_id == "model:motion", "a file that is no page of Help"


def test_a_wide_table_is_set_small_and_keeps_its_words_whole(qtbot):
    dialog = HelpDialog("limits")
    qtbot.addWidget(dialog)
    dialog.show()
    dialog.resize(1080, 700)
    for topic, size in (("model:raft-small", SIZE_SMALL), ("failure_modes", 0)):
        dialog.list.setCurrentRow(next(k for k in range(dialog.list.count()) if dialog._topics[k].id == topic))
        frames = dialog.page.document().rootFrame().childFrames()
        table = next(frame for frame in frames if isinstance(frame, QTextTable))
        if size > 0:
            assert table.cellAt(0, 0).firstCursorPosition().charFormat().font().pixelSize() == size
        for column in range(table.columns()):
            block = table.cellAt(0, column).firstCursorPosition().block()
            text, layout = block.text(), block.layout()
            ends = [layout.lineAt(k).textStart() + layout.lineAt(k).textLength() for k in range(layout.lineCount())]
            assert all(end >= len(text) or text[end - 1] in " -" for end in ends), text


def test_arrow_keys_turn_the_topics_and_escape_closes(review):
    review.window.start_screen.findChild(QPushButton, "help").click()
    dialog = review.window.commands.dialog
    assert dialog.topic_id == "lung_sliding"
    QTest.keyClick(dialog.list, Qt.Key.Key_Down)
    assert dialog.topic_id == "drawing_the_line"
    assert dialog.page.toPlainText().startswith("How to mark")
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert review.window.commands.dialog is None


def test_a_link_is_opened_only_after_a_yes(qtbot, monkeypatch):
    opened = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toString()))
    dialog = HelpDialog("limits")
    qtbot.addWidget(dialog)
    dialog.page.anchorClicked.emit(QUrl("lung_sliding.md"))
    assert dialog.topic_id == "lung_sliding"
    for button, links in (
        (QMessageBox.StandardButton.Cancel, []),
        (QMessageBox.StandardButton.Open, ["https://x.org/"]),
    ):
        dialog.page.anchorClicked.emit(QUrl("https://x.org/"))
        assert "https://x.org/" in dialog.question.text()
        dialog.question.button(button).click()
        assert opened == links
