"""The reader's own answer: label, signs, confidence and comment, and how far each has come on its way to the disk."""

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from lsgui.core.label import ReaderLabel
from lsgui.core.reading import CONFIDENCE_WORDS, Tag
from lsgui.gui.comment_edit import CommentEdit
from lsgui.gui.key_button import KeyButton
from lsgui.gui.saved_words import SavedWords
from lsgui.gui.theme import LABEL_BUTTON_HEIGHT, SPACE, set_look
from lsgui.review.reading_state import Reading
from lsgui.review.state import LoadPhase, ReviewState

KEYS: dict[ReaderLabel, tuple[str, str, str]] = {
    ReaderLabel.LS_P: ("P", "present", "Lung sliding present (ls_p)"),
    ReaderLabel.LS_A: ("A", "absent", "Lung sliding absent (ls_a)"),
    ReaderLabel.CANNOT_ASSESS: ("U", "unsure", "This clip cannot be assessed"),
    ReaderLabel.LUNG_POINT: ("K", "accent", "Lung point: sliding begins or ends within the clip"),
}
"""Key, colour token and tooltip of every answer."""
TAG_KEYS: dict[Tag, tuple[str, str, str]] = {
    Tag.A_LINES: ("A-lines", "⇧A", "A-lines: copies of the pleural line below it (Shift+A)"),
    Tag.B_LINES: ("B-lines", "⇧B", "B-lines: bright rays from the pleural line to the bottom (Shift+B)"),
    Tag.LUNG_PULSE: ("Pulse", "⇧P", "Lung pulse: the pleural line jerks at heart rate (Shift+P)"),
}
CONFIDENCE_KEYS = {1: ("Unsure", "D"), 2: ("Fairly sure", "E"), 3: ("Sure", "S")}


class LabelPanel(QWidget):
    """Emits what the reader says; shows what stands, and what of it is saved."""

    labelAsked = Signal(str)
    """Value of a `ReaderLabel`."""
    tagAsked = Signal(str)
    """Value of a `Tag`."""
    confidenceAsked = Signal(int)
    commentSaid = Signal(object, str, str, bool)
    """(path of the clip, former text, text, goes_on)."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._path: Path | None = None
        self._buttons: dict[ReaderLabel, KeyButton] = {}
        self._tags: dict[Tag, KeyButton] = {}
        self._confidence: dict[int, KeyButton] = {}
        self.comment = CommentEdit(self)
        self.comment.said.connect(self._on_comment_said)
        self.saved_words = SavedWords(self)
        self._heading = QLabel("YOUR READING")
        set_look(self._heading, "heading")
        self._described = QWidget(self)
        self._lay_out()

    def apply(self, old: ReviewState | None, new: ReviewState) -> None:
        """Render what differs between two states."""
        path = None if new.clip is None else new.clip.path
        if path != self._path:
            self.comment.flush()
            self.comment.reset()
            self._path = path
        readable = new.clip is not None and new.clip.phase in (LoadPhase.DECODING, LoadPhase.COMPLETE)
        for widget in (*self._buttons.values(), *self._tags.values(), *self._confidence.values(), self.comment):
            if widget.isEnabled() != readable:
                widget.setEnabled(readable)
        if old is None or old.reading != new.reading or old.adjudication is not new.adjudication:
            self._show(new)
        self.saved_words.apply(old, new)

    def type_comment(self) -> None:
        """Let the reader write."""
        self.comment.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2 * SPACE)
        column.addWidget(self._heading)
        grid = QGridLayout()
        grid.setSpacing(2 * SPACE)
        for index, (label, (key, _, hint)) in enumerate(KEYS.items()):
            button = KeyButton(label.wording, key, height=LABEL_BUTTON_HEIGHT)
            _prepare(button, f"{hint}  ({key})")
            button.clicked.connect(lambda _checked=False, value=label: self._on_button_clicked(value))
            grid.addWidget(button, index // 2, index % 2)
            self._buttons[label] = button
        column.addLayout(grid)
        described = QVBoxLayout(self._described)
        described.setContentsMargins(0, 0, 0, 0)
        described.setSpacing(SPACE + 2)
        described.addLayout(self._tag_row())
        described.addLayout(self._confidence_row())
        described.addWidget(self.comment)
        column.addWidget(self._described)
        column.addWidget(self.saved_words)

    def _tag_row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(SPACE + 2)
        for tag, (words, key, hint) in TAG_KEYS.items():
            button = KeyButton(words, key, tight=True)
            _prepare(button, hint)
            button.setAccessibleName(tag.wording)
            button.clicked.connect(lambda _checked=False, value=tag: self._on_tag_clicked(value))
            row.addWidget(button)
            self._tags[tag] = button
        return row

    def _confidence_row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(SPACE + 2)
        for level, (words, key) in CONFIDENCE_KEYS.items():
            button = KeyButton(words, key, tight=True)
            _prepare(button, f"How sure you are: {CONFIDENCE_WORDS[level]}  ({key})")
            button.clicked.connect(lambda _checked=False, value=level: self._on_confidence_clicked(value))
            row.addWidget(button)
            self._confidence[level] = button
        return row

    def _show(self, state: ReviewState) -> None:
        settling = state.adjudication is not None
        reading: Reading = state.reading if state.adjudication is None else state.adjudication.answer
        self._heading.setText("YOUR ADJUDICATION" if settling else "YOUR READING")
        self._described.setVisible(not settling)
        for label, button in self._buttons.items():
            _choose(button, KEYS[label][1] if label is reading.label else None)
        for tag, button in self._tags.items():
            _choose(button, "accent" if tag in state.reading.tags else None)
        for level, button in self._confidence.items():
            _choose(button, "accent" if level == state.reading.confidence else None)
        self.comment.show_text(state.reading.comment)

    # The click has checked the button, but only what the state says may be shown as chosen

    def _on_button_clicked(self, label: ReaderLabel) -> None:
        _put_back(self._buttons[label])
        self.labelAsked.emit(label.value)

    def _on_tag_clicked(self, tag: Tag) -> None:
        _put_back(self._tags[tag])
        self.tagAsked.emit(tag.value)

    def _on_confidence_clicked(self, level: int) -> None:
        _put_back(self._confidence[level])
        self.confidenceAsked.emit(level)

    def _on_comment_said(self, former: str, text: str, goes_on: bool) -> None:
        if self._path is not None:
            self.commentSaid.emit(self._path, former, text, goes_on)


def _prepare(button: KeyButton, hint: str) -> None:
    button.setCheckable(True)
    button.setToolTip(hint)
    button.setEnabled(False)


def _choose(button: KeyButton, tint: str | None) -> None:
    button.setChecked(tint is not None)
    button.set_tint(tint)
    button.setAccessibleDescription("" if tint is None else "chosen")


def _put_back(button: KeyButton) -> None:
    button.setChecked(button.accessibleDescription() == "chosen")
