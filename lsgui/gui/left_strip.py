"""Tells of a session whose window was not closed, and offers to put it back: calm, above the clip, until answered."""

from datetime import datetime

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QToolButton, QWidget

from lsgui.gui.theme import icon, icon_pixmap, set_look, tokens
from lsgui.review.session_snapshot import LeftSession, words_of
from lsgui.review.state import ReviewState


class LeftStrip(QFrame):
    """Shows `state.left`; hidden while there is none."""

    restoreAsked = Signal()
    diagnosticsAsked = Signal()
    dismissed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_look(self, "notice")
        self._sign = QLabel(self)
        self.words = QLabel(self)
        self.words.setWordWrap(True)
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.words.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.restore = QPushButton("Restore session", self)
        self.restore.setToolTip("Open what was open: worklist, clip, position, drawn lines and project")
        self.restore.clicked.connect(self.restoreAsked)
        self.diagnostics = QPushButton("Save diagnostics…", self)
        self.diagnostics.setToolTip("A file for a fault report, without names of patients, files or people")
        self.diagnostics.clicked.connect(self.diagnosticsAsked)
        self.close_button = QToolButton(self)
        set_look(self.close_button, "flat")
        self.close_button.setToolTip("Leave it; the crash file stays in the log folder")
        self.close_button.setAccessibleName("Dismiss")
        self.close_button.setIconSize(QSize(14, 14))
        self.close_button.clicked.connect(self.dismissed)
        for button in (self.restore, self.diagnostics, self.close_button):
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 6, 6, 6)
        row.setSpacing(8)
        row.addWidget(self._sign)
        row.addWidget(self.words, 1)
        for widget in (self.restore, self.diagnostics, self.close_button):
            row.addWidget(widget)
        self.hide()

    def apply(self, old: ReviewState | None, new: ReviewState) -> None:
        """Render the difference."""
        if old is not None and old.left is new.left:
            return
        if new.left is not None:
            self.words.setText(left_words(new.left, datetime.now().astimezone()))
            self.words.setAccessibleName(self.words.text())
            self.restore.setVisible(new.left.snapshot is not None)
        self.setVisible(new.left is not None)

    def retheme(self) -> None:
        """Paint the icons anew in the colours of the theme."""
        self._sign.setPixmap(icon_pixmap("info", tokens().warning, 16))
        self.close_button.setIcon(icon("close", tokens().muted))


def left_words(left: LeftSession, now: datetime) -> str:
    """Return what the strip says: the sentence, and how much can be put back."""
    words = words_of(left, now)
    unsaved = 0 if left.snapshot is None else len(left.snapshot.unsaved)
    if unsaved:
        waits = "thing said in it waits" if unsaved == 1 else "things said in it wait"
        words = words.removesuffix("; what was saved is safe.") + f"; {unsaved} {waits} to be saved."
    if left.gone:
        words += f" {left.gone} of its files or folders {'is' if left.gone == 1 else 'are'} no longer there."
    return words
