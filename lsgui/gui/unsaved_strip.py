"""Stands as long as anything that was said, on any clip, is not on disk: how much, why, and what happens."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QLabel, QPushButton, QVBoxLayout, QWidget

from lsgui.gui.theme import SPACE, set_look
from lsgui.review.reading_state import Unsaved
from lsgui.review.state import ReviewState


class UnsavedStrip(QFrame):
    """Shows `state.unsaved`; it cannot be dismissed, it goes when everything is saved."""

    tryAsked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_look(self, "notice")
        self._words = QLabel(self)
        self._words.setWordWrap(True)
        self._words.setTextFormat(Qt.TextFormat.PlainText)
        set_look(self._words, "warning")
        again = QPushButton("Try now", self)
        again.setToolTip("Write what waits now; it is tried again by itself, too")
        again.clicked.connect(self.tryAsked)
        column = QVBoxLayout(self)
        column.setContentsMargins(3 * SPACE, 2 * SPACE, 2 * SPACE, 2 * SPACE)
        column.setSpacing(SPACE)
        column.addWidget(self._words)
        column.addWidget(again, 0, Qt.AlignmentFlag.AlignLeft)
        self.hide()

    def apply(self, old: ReviewState | None, new: ReviewState) -> None:
        """Render the difference."""
        if old is None or old.unsaved != new.unsaved:
            self._words.setText(unsaved_words(new.unsaved))
            self._words.setAccessibleName(self._words.text())
            self.setVisible(new.unsaved.count > 0)


def unsaved_words(unsaved: Unsaved) -> str:
    """Return what is not saved, and why."""
    if not unsaved.count:
        return ""
    many = "1 thing you said waits" if unsaved.count == 1 else f"{unsaved.count} things you said wait"
    return f"NOT SAVED: {many}. {unsaved.sentence} Nothing is lost while this window is open."
