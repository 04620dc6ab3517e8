"""Parts of the verdict card: sentences with an icon, and the two judges side by side where they disagree."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QLayout, QPushButton, QVBoxLayout, QWidget

from lsgui.core.label import SlidingLabel
from lsgui.gui.theme import SPACE, icon_pixmap, set_look, tokens
from lsgui.gui.verdict_content import Tone
from lsgui.inference.verdict_words import Opinion

MOST_SHOWN = 4
"""Sentences that are shown at once; further ones unfold."""
_ABOUT_FLAGS = "What every flag means: Help, How to read the verdict"

_LOOKS: dict[SlidingLabel, Tone] = {
    SlidingLabel.LS_P: "present",
    SlidingLabel.LS_A: "absent",
    SlidingLabel.CANNOT_ASSESS: "unsure",
}


def tone_colour(tone: Tone) -> str:
    """Return the colour of a tone in the theme of the moment."""
    look = tokens()
    return look.line if tone == "none" else str(getattr(look, tone))


class NoteRow(QWidget):
    """A sentence with an icon before it."""

    def __init__(self, sentence: str, icon: str, tone: Tone, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2 * SPACE)
        sign = QLabel()
        sign.setPixmap(icon_pixmap(icon, tokens().muted if tone == "none" else tone_colour(tone), 16))
        row.addWidget(sign, 0, Qt.AlignmentFlag.AlignTop)
        words = QLabel(sentence.replace(" %", "\u00a0%").replace("± ", "±\u00a0"))  # a number keeps its unit
        words.setWordWrap(True)
        set_look(words, "warning" if tone == "warning" else "")
        row.addWidget(words, 1)


class NotesColumn(QWidget):
    """Sentences one under the other, the most important first; more than four fold up behind a button."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE)
        self._rows = QVBoxLayout()
        self._rows.setSpacing(SPACE)
        column.addLayout(self._rows)
        self.more = QPushButton()
        set_look(self.more, "link")
        self.more.setCursor(Qt.CursorShape.PointingHandCursor)
        self.more.clicked.connect(self._on_more_clicked)
        column.addWidget(self.more)
        self._folded: list[NoteRow] = []
        self._said: tuple[str, ...] = ()
        self._open = False

    def set_notes(self, notes: tuple[str, ...], advice: bool) -> None:
        """Show sentences; with `advice` the first says what to do and is no warning."""
        if notes != self._said:  # another theme leaves what the reader has unfolded as it is
            self._open = False
        self._said = notes
        clear_layout(self._rows)
        self._folded = []
        first = MOST_SHOWN + int(advice)
        for index, note in enumerate(notes):
            row = NoteRow(note, "info", "unsure" if advice and index == 0 else "warning")
            row.setToolTip(_ABOUT_FLAGS)
            self._rows.addWidget(row)
            if index >= first and len(notes) > first + 1:  # a button for a single sentence would save nothing
                self._folded.append(row)
        self._fold()

    def _fold(self) -> None:
        for row in self._folded:
            row.setVisible(self._open)
        self.more.setVisible(bool(self._folded))
        self.more.setText("Show fewer" if self._open else f"Show {len(self._folded)} more flags")
        self.setVisible(bool(self._said))

    def _on_more_clicked(self) -> None:
        self._open = not self._open
        self._fold()


class OpinionsRow(QWidget):
    """What network and motion index say, side by side, where they say opposite things."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, SPACE, 0, SPACE)
        self._row.setSpacing(2 * SPACE)
        self.hide()

    def set_opinions(self, sides: tuple[Opinion, ...]) -> None:
        """Show the two; nothing where there are none."""
        clear_layout(self._row)
        for side in sides:
            self._row.addWidget(_opinion_card(side), 1)
        self.setVisible(bool(sides))


def _opinion_card(side: Opinion) -> QFrame:
    """Return a small card: who says it, the word with its icon and colour, the number."""
    card = QFrame()
    set_look(card, "card")
    column = QVBoxLayout(card)
    column.setContentsMargins(2 * SPACE, SPACE, 2 * SPACE, SPACE)
    column.setSpacing(0)
    judge = QLabel(side.judge)
    set_look(judge, "small")
    column.addWidget(judge)
    look = _LOOKS[side.label]
    row = QHBoxLayout()
    row.setSpacing(SPACE)
    sign, word, number = QLabel(), QLabel(side.word), QLabel(side.number)
    sign.setPixmap(icon_pixmap("unsure" if look == "unsure" else look, tone_colour(look), 16))
    set_look(word, look)
    set_look(number, "small")
    row.addWidget(sign)
    row.addWidget(word, 1)
    column.addLayout(row)
    column.addWidget(number)
    return card


def clear_layout(layout: QLayout) -> None:
    """Take all widgets out of a layout and delete them."""
    while (item := layout.takeAt(0)) is not None:
        widget = item.widget()
        if widget is not None:
            widget.hide()
            widget.deleteLater()
