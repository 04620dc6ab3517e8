"""The comment of a reading: typed in place, saved while it is typed, left by Escape or Ctrl+Return."""

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from lsgui.gui.theme import CONTROL_HEIGHT, SPACE

LONGEST = 2000
_PAUSE_MS = 600
"""What was typed is saved after so long a pause."""
_MOST_LINES = 4


class CommentEdit(QPlainTextEdit):
    """One line that grows with what is written. While it is typed in, no key of the window fires."""

    said = Signal(str, str, bool)
    """(former text, text, goes_on): `goes_on` is True for more of what was said since the line was entered."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setPlaceholderText("Comment  (W)")
        self.setAccessibleName("Comment")
        self.setToolTip("Write a comment (W); Esc or Ctrl+Return leaves it. It is saved as you type.")
        self.setTabChangesFocus(True)
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.WidgetWidth)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.document().setDocumentMargin(SPACE + 1)
        self._before = ""
        self._goes_on = False
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(_PAUSE_MS)
        self._pause.timeout.connect(self.flush)
        self.textChanged.connect(self._on_textChanged)
        self._fit()

    def show_text(self, text: str) -> None:
        """Show what stands; what is being typed stays."""
        if text == self._before and (self.hasFocus() or text == self.toPlainText()):
            return
        typing = self.hasFocus() and self.toPlainText().strip() != self._before
        self._before = text
        if not typing:
            self._pause.stop()
            self.blockSignals(True)
            self.setPlainText(text)
            self.blockSignals(False)
            self._fit()

    def reset(self) -> None:
        """Begin with nothing: another clip is shown."""
        self._pause.stop()
        self._before, self._goes_on = "", False
        self.blockSignals(True)
        self.clear()
        self.blockSignals(False)
        self._fit()

    def flush(self) -> None:
        """Say what was typed and is not said yet."""
        self._pause.stop()
        text = self.toPlainText().strip()[:LONGEST]
        if text != self._before:
            former, self._before = self._before, text
            self.said.emit(former, text, self._goes_on)
            self._goes_on = True

    def event(self, event: QEvent) -> bool:
        """Claim every key while typing."""
        if event.type() == QEvent.Type.ShortcutOverride:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Leave the line, or write."""
        ends = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if event.key() == Qt.Key.Key_Escape or (ends and event.modifiers() & Qt.KeyboardModifier.ControlModifier):
            self.clearFocus()
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Begin a comment, or go on with one: what follows is one edit."""
        self._goes_on = False
        super().focusInEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Say what was typed."""
        self.flush()
        super().focusOutEvent(event)

    def _on_textChanged(self) -> None:
        self._fit()
        self._pause.start()

    def _fit(self) -> None:
        lines = min(max(round(self.document().size().height()), 1), _MOST_LINES)
        high = CONTROL_HEIGHT + (lines - 1) * self.fontMetrics().lineSpacing()
        if high != self.height():
            self.setFixedHeight(high)
