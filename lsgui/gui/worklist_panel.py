"""The worklist: what is listed, clips with picture, length and label, and how far the reader is."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QLabel, QProgressBar, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from lsgui.gui.theme import set_look
from lsgui.gui.thumbnails import ThumbnailThread
from lsgui.gui.worklist_bar import WorklistBar
from lsgui.gui.worklist_list import WorklistList
from lsgui.gui.worklist_model import WorklistModel
from lsgui.review import transitions as to
from lsgui.review import worklist_transitions as wl
from lsgui.review.state import ReviewState
from lsgui.review.worklist_choice import ListFilter
from lsgui.review.worklist_view import Listed, listed


class WorklistPanel(QFrame):
    """The left column."""

    clipAsked = Signal(int)
    changeAsked = Signal(object)
    """A change of the state that a control asks for."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("look", "column")
        self._state: ReviewState | None = None
        self._thumbnails = ThumbnailThread(self)
        self._heading = QLabel(self)
        self._heading.setProperty("look", "heading")
        self.bar = WorklistBar(self)
        self.bar.changeAsked.connect(self.changeAsked)
        self.bar.firstAsked.connect(self._on_bar_firstAsked)
        self._model = WorklistModel(self._thumbnails, self)
        self._model.faultFound.connect(
            lambda path, fault: self.changeAsked.emit(lambda state: to.entry_changed(state, path, error=fault))
        )
        self._list = WorklistList(self._model, self)
        self._list.clipChosen.connect(self.clipAsked)
        self._list.headingClicked.connect(lambda key: self.changeAsked.emit(lambda state: wl.group_folded(state, key)))
        self._nothing = _Nothing(self)
        self._nothing.allAsked.connect(lambda: self.changeAsked.emit(wl.all_shown))
        self._stack = QStackedWidget(self)
        self._stack.addWidget(self._list)
        self._stack.addWidget(self._nothing)
        self._progress = QProgressBar(self)
        self._progress.setTextVisible(False)
        self._left_to_read = QLabel(self)
        self._left_to_read.setProperty("look", "small")
        self._left_to_read.setWordWrap(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 12, 8, 12)
        column.setSpacing(8)
        for widget in (self._heading, self.bar, self._stack, self._progress, self._left_to_read):
            column.addWidget(widget, 1 if widget is self._stack else 0)
        self._heading.setContentsMargins(4, 0, 4, 0)
        self._left_to_read.setContentsMargins(4, 0, 4, 0)

    def apply(self, old: ReviewState | None, new: ReviewState) -> None:
        """Render the difference."""
        self._state = new
        shown = listed(new)
        changed = old is None or old.worklist is not new.worklist or shown is not listed(old)
        if changed:
            self._list.set_list(new.worklist, shown.rows, new.selected)
        elif old is not None and old.selected != new.selected:
            self._list.show_clip(new.selected)
        if changed or (old is not None and (old.pace_s, old.scanning) != (new.pace_s, new.scanning)):
            self.bar.setVisible(len(new.worklist) > 1)
            self.bar.apply(old, new)
            self._show_progress(new, shown)

    def retheme(self) -> None:
        """Paint icons anew after a change of theme."""
        self.bar.retheme()

    def close_thread(self) -> None:
        """End the thread that reads thumbnails."""
        self._thumbnails.close()

    def _show_progress(self, state: ReviewState, shown: Listed) -> None:
        count = len(state.worklist)
        self._progress.setVisible(count > 0)
        self._left_to_read.setVisible(count > 0 or state.scanning)
        self._stack.setCurrentWidget(self._list if shown.rows or not count else self._nothing)
        self._nothing.say(state)
        self._heading.setText(_heading(count, shown))
        self._progress.setMaximum(max(shown.total, 1))
        self._progress.setValue(shown.read)
        self._left_to_read.setText(_left_words(state, shown))

    def _on_bar_firstAsked(self) -> None:
        if self._state is not None and (order := listed(self._state).order):
            self.clipAsked.emit(order[0])


def _heading(count: int, shown: Listed) -> str:
    if count == 0:
        return "WORKLIST"
    return f"WORKLIST · {shown.read} OF {shown.total} READ" if shown.total else f"WORKLIST · NONE OF {count} LISTED"


def _left_words(state: ReviewState, shown: Listed) -> str:
    if state.scanning:
        found = len(state.worklist)
        return f"Looking for clips… {found} so far" if found else "Looking for clips…"
    left = shown.total - shown.read
    if left == 0:
        return "All read" if shown.total else "Nothing to read here"
    if state.pace_s is None:
        return f"{left} to read"
    return f"{left} to read · about {_duration(left * state.pace_s)} at your pace"


class _Nothing(QWidget):
    """Stands in place of an empty list: why it is empty, and the way out."""

    allAsked = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._words = QLabel(self)
        self._words.setWordWrap(True)
        self._words.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        set_look(self._words, "muted")
        self._all = QPushButton("Show all clips", self)
        self._all.setToolTip("Ctrl+Shift+F")
        self._all.clicked.connect(self.allAsked)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 32, 12, 0)
        column.setSpacing(12)
        column.addWidget(self._words)
        column.addWidget(self._all, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(1)

    def say(self, state: ReviewState) -> None:
        """Say why nothing is listed."""
        choice = state.listing
        if choice.search.strip():
            among = "" if choice.filter is ListFilter.ALL else f" among “{choice.filter.wording}”"
            self._words.setText(f"No name with “{choice.search.strip()}”{among}.")
        else:
            self._words.setText(choice.filter.nothing)


def _duration(seconds: float) -> str:
    minutes = max(round(seconds / 60), 1)
    return f"{minutes} min" if minutes < 90 else f"{minutes / 60:.1f} h"
