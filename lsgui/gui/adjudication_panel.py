"""The readings of all raters side by side, above the adjudicator's own label."""

from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from lsgui.core.reading import CONFIDENCE_WORDS, ReadingRecord, Tag
from lsgui.gui.reader_strokes import stroke
from lsgui.gui.theme import SPACE, set_look
from lsgui.review.reading_state import Adjudication
from lsgui.review.state import ReviewState

_LOOKS = {"ls_p": "present", "ls_a": "absent", "cannot_assess": "unsure", "lung_point": ""}


class AdjudicationPanel(QWidget):
    """Shows `state.adjudication`; hidden while nothing is adjudicated."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._heading = QLabel(self)
        set_look(self._heading, "heading")
        self._note = QLabel(self)
        self._note.setWordWrap(True)
        set_look(self._note, "small")
        self._cards = QVBoxLayout()
        self._cards.setSpacing(SPACE + 2)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2 * SPACE)
        column.addWidget(self._heading)
        column.addLayout(self._cards)
        column.addWidget(self._note)
        self.hide()

    def apply(self, old: ReviewState | None, new: ReviewState) -> None:
        """Render the difference."""
        if old is not None and old.adjudication is new.adjudication:
            return
        settled = new.adjudication
        self.setVisible(settled is not None)
        if settled is None:
            self._show(())
            return
        self._heading.setText(f"ADJUDICATION · {settled.total - settled.left} OF {settled.total} SETTLED")
        self._note.setText(_note(settled))
        if old is None or old.adjudication is None or old.adjudication.reads is not settled.reads:
            self._show(settled.reads)

    def _show(self, reads: tuple[ReadingRecord, ...]) -> None:
        while (item := self._cards.takeAt(0)) is not None:
            card = item.widget()
            if card is not None:
                card.hide()
                card.deleteLater()
        for index, read in enumerate(reads):
            self._cards.addWidget(_ReadCard(read, index, self))


def _note(settled: Adjudication) -> str:
    if not settled.reads:
        return "Nobody has read this clip."
    return "Your label settles the clip. N goes to the next one, Ctrl+J reads on as before."


class _ReadCard(QFrame):
    """One rater's reading."""

    def __init__(self, read: ReadingRecord, index: int, parent: QWidget) -> None:
        super().__init__(parent)
        set_look(self, "card")
        self.setAccessibleName(read_words(read))
        name = QLabel(read.rater)
        name.setTextFormat(Qt.TextFormat.PlainText)
        label = QLabel("no label" if read.label is None else read.label.wording)
        set_look(label, "muted" if read.label is None else _LOOKS[read.label.value])
        font = label.font()
        font.setBold(True)
        label.setFont(font)
        when = QLabel(f"{read.said_at.astimezone():%Y-%m-%d %H:%M}")
        set_look(when, "small")
        top = QHBoxLayout()
        top.setSpacing(2 * SPACE)
        for widget in (name, label):
            top.addWidget(widget)
        top.addStretch(1)
        top.addWidget(when)
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 8, 10, 8)
        column.setSpacing(2)
        column.addLayout(top)
        for words in (_details(read), f"“{read.comment}”" if read.comment else ""):
            if words:
                line = QLabel(words)
                line.setWordWrap(True)
                line.setTextFormat(Qt.TextFormat.PlainText)
                set_look(line, "muted")
                column.addWidget(line)
        if read.line is not None:
            row = QHBoxLayout()
            row.setSpacing(2 * SPACE)
            row.addWidget(_Stroke(index))
            named = QLabel("pleural line")
            set_look(named, "muted")
            row.addWidget(named, 1)
            column.addLayout(row)


class _Stroke(QWidget):
    """A piece of the stroke in which a rater's line is drawn on the clip."""

    def __init__(self, index: int) -> None:
        super().__init__()
        self._index = index
        self.setFixedSize(self.sizeHint())

    def sizeHint(self) -> QSize:
        """Return room for a short stroke."""
        return QSize(36, 12)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the stroke on black, as on the clip."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), Qt.GlobalColor.black)
        painter.setPen(stroke(self._index))
        painter.drawLine(QPointF(3, 6), QPointF(33, 6))


def _details(read: ReadingRecord) -> str:
    parts = [CONFIDENCE_WORDS[read.confidence]] if read.confidence in CONFIDENCE_WORDS else []
    parts += [tag.wording for tag in Tag if tag in read.tags]
    if read.intervals:
        parts.append("1 interval" if len(read.intervals) == 1 else f"{len(read.intervals)} intervals")
    if read.blind:
        parts.append("read blind")
    return " · ".join(parts)


def read_words(read: ReadingRecord) -> str:
    """Return a reading in one sentence, for a screen reader."""
    label = "no label" if read.label is None else read.label.wording
    return ", ".join(part for part in (read.rater, label, _details(read), read.comment) if part)
