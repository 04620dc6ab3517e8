"""The override strip: asks why a label contradicts the verdict, without standing in the way of the next clip."""

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from lsgui.gui.key_button import KeyButton
from lsgui.gui.theme import SPACE, set_look
from lsgui.review.override_transitions import REASONS
from lsgui.review.state import Override, ReviewState


class OverrideStrip(QFrame):
    """Shows `state.override`; hidden while there is none. The label itself is already saved."""

    reasonGiven = Signal(str)
    """The reason; empty where the reader gives none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_look(self, "notice")
        self._words = QLabel(self)
        self._words.setWordWrap(True)
        self._words.setTextFormat(Qt.TextFormat.PlainText)
        column = QVBoxLayout(self)
        column.setContentsMargins(3 * SPACE, 2 * SPACE, 2 * SPACE, 2 * SPACE)
        column.setSpacing(SPACE)
        column.addWidget(self._words)
        for number, reason in enumerate(REASONS, start=1):
            button = KeyButton(f"{reason[0].upper()}{reason[1:]}", f"Ctrl+{number}")
            button.clicked.connect(lambda _checked=False, r=reason: self.reasonGiven.emit(r))
            column.addWidget(button)
        self.other = _ReasonEdit(self)
        self.other.setPlaceholderText(f"Other reason, then Enter  (Ctrl+{len(REASONS) + 1})")
        self.other.setAccessibleName("Other reason")
        self.other.setMaxLength(200)
        self.other.returnPressed.connect(self._on_other_returnPressed)
        skip = QPushButton("No reason", self)
        skip.setToolTip("Stored as 'not given' (Esc)")
        skip.clicked.connect(lambda: self.reasonGiven.emit(""))
        row = QHBoxLayout()
        row.setSpacing(SPACE)
        row.addWidget(self.other, 1)
        row.addWidget(skip)
        column.addLayout(row)
        self.hide()

    def apply(self, old: ReviewState | None, new: ReviewState) -> None:
        """Render the difference."""
        if old is not None and old.override == new.override:
            return
        if new.override is not None:
            self._words.setText(question(new.override))
            self._words.setAccessibleName(self._words.text())
        self.other.clear()
        self.other.clearFocus()
        self.setVisible(new.override is not None)

    def _on_other_returnPressed(self) -> None:
        if self.other.text().strip():
            self.reasonGiven.emit(self.other.text())


class _ReasonEdit(QLineEdit):
    """Keeps Enter and Escape from the window: Enter ends the reason, Escape leaves the line with it."""

    def event(self, event: QEvent) -> bool:
        """Claim the keys that end the line."""
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape)
        ):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Leave the line, or write."""
        if event.key() == Qt.Key.Key_Escape:
            self.clearFocus()
        else:
            super().keyPressEvent(event)


def question(override: Override) -> str:
    """Return the sentence that asks for the reason."""
    return (
        f"{override.path.name}: you read {override.label.wording.lower()}, "
        f"the AI says {override.against.verdict.wording.lower()}. Why?"
    )
