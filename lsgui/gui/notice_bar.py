"""The notice bar: one sentence above the clip, until it is dismissed."""

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QToolButton, QWidget

from lsgui.gui.theme import icon, icon_pixmap, tokens
from lsgui.review.state import ReviewState


class NoticeBar(QFrame):
    """Shows `state.notice`; hidden while there is none."""

    dismissed = Signal()
    actionAsked = Signal()
    """The button that was offered with the sentence."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("look", "notice")
        self._sign = QLabel(self)
        self._text = QLabel(self)
        self._text.setWordWrap(True)
        self._text.setTextFormat(Qt.TextFormat.PlainText)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._close = QToolButton(self)
        self._close.setProperty("look", "flat")
        self._close.setToolTip("Dismiss (Esc)")
        self._close.setAccessibleName("Dismiss")
        self._close.setIconSize(QSize(14, 14))
        self._close.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._close.clicked.connect(self.dismissed)
        self.action = QPushButton(self)
        self.action.setProperty("look", "link")
        self.action.setCursor(Qt.CursorShape.PointingHandCursor)
        self.action.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.action.clicked.connect(self.actionAsked)
        self.action.hide()
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 4, 6, 4)
        row.setSpacing(8)
        row.addWidget(self._sign)
        row.addWidget(self._text, 1)
        row.addWidget(self.action)
        row.addWidget(self._close)
        self.hide()

    def apply(self, old: ReviewState | None, new: ReviewState) -> None:
        """Render the difference."""
        if old is None or old.notice != new.notice:
            self._text.setText(new.notice)
            self._text.setAccessibleName(new.notice)
            self.action.hide()
            self.setVisible(bool(new.notice))

    def offer(self, words: str) -> None:
        """Offer a button with the sentence that is shown, until another one comes; empty words take it away."""
        self.action.setText(words)
        self.action.setVisible(bool(words))

    def retheme(self) -> None:
        """Paint the icons anew in the colours of the theme."""
        self._sign.setPixmap(icon_pixmap("info", tokens().warning, 16))
        self._close.setIcon(icon("close", tokens().muted))
