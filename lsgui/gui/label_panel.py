"""The reader's own answer: four buttons, and when it was saved."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget

from lsgui.core.label import ReaderLabel
from lsgui.gui.key_button import KeyButton
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


class LabelPanel(QWidget):
    """Emits what the reader says; shows what is saved."""

    labelAsked = Signal(str)
    """Value of a `ReaderLabel`."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2 * SPACE)
        heading = QLabel("YOUR READING")
        set_look(heading, "heading")
        column.addWidget(heading)
        grid = QGridLayout()
        grid.setSpacing(2 * SPACE)
        self._buttons: dict[ReaderLabel, KeyButton] = {}
        for index, (label, (key, _, hint)) in enumerate(KEYS.items()):
            button = KeyButton(label.wording, key, height=LABEL_BUTTON_HEIGHT)
            button.setCheckable(True)
            button.setToolTip(f"{hint}  ({key})")
            button.setEnabled(False)
            button.clicked.connect(lambda _checked=False, value=label: self._on_button_clicked(value))
            grid.addWidget(button, index // 2, index % 2)
            self._buttons[label] = button
        column.addLayout(grid)
        self._said = QLabel()
        self._said.setWordWrap(True)
        self._said.setVisible(False)
        column.addWidget(self._said)

    def apply(self, old: ReviewState | None, new: ReviewState) -> None:
        """Render what differs between two states."""
        readable = new.clip is not None and new.clip.phase in (LoadPhase.DECODING, LoadPhase.COMPLETE)
        for button in self._buttons.values():
            if button.isEnabled() != readable:
                button.setEnabled(readable)
        if old is None or old.reading != new.reading:
            self._show(new.reading)

    def _show(self, reading: Reading) -> None:
        for label, button in self._buttons.items():
            chosen = label is reading.label
            button.setChecked(chosen)
            button.set_tint(KEYS[label][1] if chosen else None)
            button.setAccessibleDescription("chosen" if chosen else "")
        if reading.error:
            set_look(self._said, "warning")
            self._said.setText(reading.error)
        elif reading.saved_at:
            set_look(self._said, "present")
            self._said.setText(f"✓ saved {reading.saved_at}")
        elif reading.label is not None:
            set_look(self._said, "muted")
            self._said.setText("saving …")
        self._said.setVisible(bool(reading.error or reading.saved_at or reading.label))

    def _on_button_clicked(self, label: ReaderLabel) -> None:
        # the click has checked the button, but only the saved state may say what is chosen
        button = self._buttons[label]
        button.setChecked(button.accessibleDescription() == "chosen")
        self.labelAsked.emit(label.value)
