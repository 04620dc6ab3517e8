"""One small question in the right column: who reads? Asked when nobody has said so, or by the command."""

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from lsgui.gui.theme import SPACE, set_look
from lsgui.review.state import ReviewState

_MOST_KNOWN = 3


class RaterStrip(QFrame):
    """Shown while `state.rater_asked`; what was said meanwhile waits for the answer."""

    named = Signal(str)
    dropped = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        set_look(self, "notice")
        self._words = QLabel(self)
        self._words.setWordWrap(True)
        self._words.setTextFormat(Qt.TextFormat.PlainText)
        self.name = _NameEdit(self)
        self.name.setAccessibleName("Who reads")
        self.name.setMaxLength(40)
        self.name.returnPressed.connect(self._on_name_returnPressed)
        self.name.escaped.connect(self.dropped)
        keep = QPushButton("Enter", self)
        keep.setToolTip("Read under this name (Enter)")
        keep.setAccessibleName("Read under this name")
        keep.clicked.connect(self._on_name_returnPressed)
        row = QHBoxLayout()
        row.setSpacing(SPACE)
        row.addWidget(self.name, 1)
        row.addWidget(keep)
        self._known = QHBoxLayout()
        self._known.setSpacing(SPACE)
        column = QVBoxLayout(self)
        column.setContentsMargins(3 * SPACE, 2 * SPACE, 2 * SPACE, 2 * SPACE)
        column.setSpacing(SPACE)
        column.addWidget(self._words)
        column.addLayout(row)
        column.addLayout(self._known)
        self.hide()

    def apply(self, old: ReviewState | None, new: ReviewState) -> None:
        """Render the difference."""
        if old is None or old.known_raters != new.known_raters:
            self._show_known(new.known_raters)
        if old is not None and old.rater_asked == new.rater_asked:
            return
        if new.rater_asked:
            why = "" if new.rater else " It stands beside every label; yours waits for it."
            self._words.setText(f"Who reads? Your initials, or a code.{why}")
            self.name.setText(new.rater)
            self.name.setPlaceholderText("Initials, then Enter")
            self.name.selectAll()
            self.show()
            self.name.setFocus(Qt.FocusReason.ShortcutFocusReason)
        else:
            self.name.clearFocus()
            self.hide()

    def _show_known(self, raters: tuple[str, ...]) -> None:
        while (item := self._known.takeAt(0)) is not None:
            button = item.widget()
            if button is not None:
                button.hide()
                button.deleteLater()
        for rater in raters[:_MOST_KNOWN]:
            button = QPushButton(rater, self)
            button.setToolTip(f"Go on as {rater}, who has read in this project")
            button.clicked.connect(lambda _checked=False, name=rater: self.named.emit(name))
            self._known.addWidget(button)
        self._known.addStretch(1)

    def _on_name_returnPressed(self) -> None:
        if self.name.text().strip():
            self.named.emit(self.name.text())


class _NameEdit(QLineEdit):
    """While it is typed in, no key of the window fires."""

    escaped = Signal()

    def event(self, event: QEvent) -> bool:
        """Claim every key."""
        if event.type() == QEvent.Type.ShortcutOverride:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Put the question aside, or write."""
        if event.key() == Qt.Key.Key_Escape:
            self.escaped.emit()
        else:
            super().keyPressEvent(event)
