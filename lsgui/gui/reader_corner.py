"""The menu bar's corner: the project, who reads, how, and in which pass; a click asks who reads."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QMenuBar, QToolButton, QWidget

from lsgui.gui.theme import set_look
from lsgui.review.state import ReviewState


class ReaderCorner(QToolButton):
    """Says under whose name, and how, everything here is said."""

    readerAsked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_look(self, "corner")
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # Ctrl+U does the same
        self.setToolTip("Change who reads (Ctrl+U)")
        self.clicked.connect(self.readerAsked)

    def apply(self, old: ReviewState | None, new: ReviewState) -> None:
        """Render the difference."""
        words = corner_words(new)
        if words != self.text():
            self.setText(words)
            self.setAccessibleName(words)
            bar = self.parentWidget()
            if isinstance(bar, QMenuBar):
                bar.setCornerWidget(self)  # a menu bar gives its corner more room only when it is set


def corner_words(state: ReviewState) -> str:
    """Return "ward 3 · Reader: AK · Blind reading · Second pass"."""
    parts = [
        state.project,
        f"Reader: {state.rater or '–'}",
        f"{'Blind' if state.blind else 'Assisted'} reading",
        "Second pass" if state.sitting > 1 else "",
        "Adjudication" if state.adjudication is not None else "",
    ]
    return "  ·  ".join(part for part in parts if part)
