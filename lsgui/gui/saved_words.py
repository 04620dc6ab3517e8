"""What of a reading is saved, what is on its way, and what is not saved and why: in words, part by part."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from lsgui.core.reading import StatementKind
from lsgui.gui.theme import set_look
from lsgui.review.reading_state import Reading, SaveMark
from lsgui.review.state import ReviewState

_PARTS = {
    StatementKind.LABEL: "label",
    StatementKind.TAGS: "signs",
    StatementKind.CONFIDENCE: "confidence",
    StatementKind.COMMENT: "comment",
    StatementKind.LINE: "line",
    StatementKind.INTERVAL: "intervals",
}


class SavedWords(QWidget):
    """Up to three lines: "✓ saved 14:02:16 · label, signs", "saving … comment", "NOT SAVED: line" with the reason."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self._lines = tuple(QLabel(self) for _ in range(3))
        for line, look in zip(self._lines, ("present", "muted", "warning"), strict=True):
            line.setWordWrap(True)
            line.setTextFormat(Qt.TextFormat.PlainText)
            set_look(line, look)
            line.hide()
            column.addWidget(line)

    def lines(self) -> tuple[str, ...]:
        """Return what stands there: saved, on its way, not saved; an empty line where there is nothing to say."""
        return tuple(line.text() for line in self._lines)

    def apply(self, old: ReviewState | None, new: ReviewState) -> None:
        """Render the difference."""
        same = old is not None and old.reading == new.reading and old.adjudication is new.adjudication
        if same and old is not None and old.unsaved == new.unsaved:
            return
        marks = marks_of(new)
        for line, words in zip(self._lines, saved_words(marks, why=not new.unsaved.count), strict=True):
            line.setText(words)
            line.setVisible(bool(words))
        self._lines[0].setToolTip("\n".join(f"{part}: {mark.at}" for part, mark in marks.items() if mark.at))


def marks_of(state: ReviewState) -> dict[str, SaveMark]:
    """Return how far every part has come of what the reader says of the selected clip, by its word."""
    if state.adjudication is not None:
        mark = state.adjudication.answer.mark(StatementKind.LABEL)
        return {} if mark is None else {"adjudication": mark}
    reading: Reading = state.reading
    found = {words: reading.mark(kind) for kind, words in _PARTS.items()}
    return {words: mark for words, mark in found.items() if mark is not None}


def saved_words(marks: dict[str, SaveMark], *, why: bool = True) -> tuple[str, str, str]:
    """Return the three lines, an empty one where there is nothing to say; `why` False where the reason stands above."""
    saved = [part for part, mark in marks.items() if mark.at]
    waiting = [part for part, mark in marks.items() if not mark.at and not mark.fault]
    faults = {part: mark.fault for part, mark in marks.items() if mark.fault}
    latest = max((mark.at for mark in marks.values()), key=lambda at: ("-" not in at, at), default="")
    only_label = saved in (["label"], ["adjudication"])
    first = "" if not saved else f"✓ saved {latest}" + ("" if only_label else f" · {', '.join(saved)}")
    second = "" if not waiting else "saving …" + ("" if waiting == ["label"] else f" {', '.join(waiting)}")
    third = ""
    if faults:
        reasons = " ".join(dict.fromkeys(faults.values()))
        third = f"NOT SAVED: {', '.join(faults)}" + (f". {reasons}" if why else "")
    return first, second, third
